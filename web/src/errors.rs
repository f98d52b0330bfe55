//! Everything that can go wrong for a caller, as problem details (RFC 9457).
//!
//! The text of each error is the problem's `detail`: what was wrong, where, what to do. What came from outside is shown cut and
//! escaped.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use modeltrail_compliance::dossier::ReportError;
use modeltrail_core::bundle::export::ExportError;
use modeltrail_core::store::StoreError;
use modeltrail_schemas::catalogue::SchemaViolation;
use modeltrail_store::{AppendError, Appender};
use serde_json::{Map, Value, json};

mod kinds;

pub use kinds::WebError;

/// Seconds after which asking again makes sense.
mod again {
    pub(super) const QUEUE: u32 = 1;
    pub(super) const BODIES: u32 = 2;
    pub(super) const PAUSED: u32 = 10;
    pub(super) const EXPORTS: u32 = 10;
    /// Somebody has to do something first.
    pub(super) const OPERATOR: u32 = 60;
}

/// (status, code, title): the code is the end of the problem's type and never changes its meaning.
type Kind = (u16, &'static str, &'static str);

impl WebError {
    fn kind(&self) -> Kind {
        match self {
            Self::HostMissing => (400, "host-missing", "No host"),
            Self::Host { .. } => (421, "host-refused", "Another host"),
            Self::CrossSite { .. } => (403, "cross-site", "Sent for another site"),
            Self::NoRoute { .. } => (404, "not-found", "Nothing here"),
            Self::Method { .. } => (405, "method-not-allowed", "Another method"),
            Self::Parameter { .. } => (400, "parameter", "Wrong parameter"),
            Self::ContentType { .. } => (415, "content-type", "Content type not taken"),
            Self::ContentEncoding { .. } => (415, "content-encoding", "Compressed body not taken"),
            Self::HeaderText { .. } => (400, "header-encoding", "Header is not text"),
            Self::TooLarge { .. } => (413, "too-large", "Too large"),
            Self::BodySlow { .. } => (408, "body-slow", "Body too slow"),
            Self::BodyBroken { .. } => (400, "body-broken", "Body incomplete"),
            Self::BatchTooLong => (413, "batch-too-long", "Too many events in a batch"),
            Self::Malformed { .. } => (400, "malformed", "No event could be read"),
            Self::Reserved { .. } => (403, "reserved", "Reserved for the ledger"),
            Self::PersonalData { .. } => (422, "personal-data", "Personal data where it can't be erased"),
            Self::Subject { .. } => (422, "subject", "No subject"),
            Self::Schema { .. } => (422, "schema", "Data break their schema"),
            Self::Conflict { .. } => (409, "conflict", "Id used for other content"),
            Self::Erased { .. } => (410, "erased", "Record erased"),
            Self::BodiesFull => (503, "busy", "Busy"),
            Self::ExportsFull { .. } => (503, "exports-full", "Too many exports"),
            Self::NoEntry { .. } => (404, "no-entry", "No such entry"),
            Self::NotRecorded { .. } => (404, "not-recorded", "Not recorded"),
            Self::NoSize { .. } => (404, "no-size", "Beyond the newest checkpoint"),
            Self::NoCheckpoint { .. } => (404, "no-checkpoint", "No checkpoint of that size"),
            Self::NoTile { .. } => (404, "no-tile", "No such tile"),
            Self::Report(ReportError::NotVersion { .. }) => (400, "parameter", "Wrong parameter"),
            Self::Report(_) => (500, "report", "The report can't be rendered"),
            Self::Scratch { .. } => (500, "scratch", "No room for a temporary file"),
            Self::AdminPeer => (403, "admin-peer", "Not from this machine"),
            Self::AdminOff => (403, "admin-off", "Administration is off"),
            Self::AdminToken => (401, "admin-token", "Admin token wanted"),
            Self::AdminNotFound { .. } => (404, "not-known", "Not known to the ledger"),
            Self::AdminConflict { .. } => (409, "state", "Not in this state"),
            Self::AdminRefused { .. } => (422, "refused", "Can't be done"),
            Self::AdminUnavailable { .. } => (503, "unavailable", "Not available here"),
            Self::Store(StoreError::ReadOnly) => (503, "read-only", "Read-only"),
            Self::Store(_) => (500, "store", "The store can't answer"),
            Self::Views(_) => (500, "views", "The views can't answer"),
            Self::NoViews { .. } => (503, "no-views", "No views"),
            Self::Contradiction { .. } => (500, "contradiction", "The ledger contradicts itself"),
            Self::Internal { .. } => (500, "internal", "Fault of the server"),
            Self::Append(error) => append_kind(error),
            Self::Export(error) => export_kind(error),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind().0).expect("every kind has a status between 400 and 599")
    }

    /// The end of the problem's type: `urn:modeltrail:problem:<code>`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind().1
    }

    pub(crate) fn retry_after(&self) -> Option<u32> {
        match self {
            Self::BodiesFull => Some(again::BODIES),
            Self::ExportsFull { .. } => Some(again::EXPORTS),
            Self::Append(AppendError::QueueFull) => Some(again::QUEUE),
            Self::Append(AppendError::Paused { .. }) => Some(again::PAUSED),
            Self::Append(_)
            | Self::AdminUnavailable { .. }
            | Self::NoViews { .. }
            | Self::Store(StoreError::ReadOnly) => Some(again::OPERATOR),
            _ => None,
        }
    }

    fn extensions(&self) -> Map<String, Value> {
        let members = match self {
            Self::Conflict { of, index, receipt } => {
                json!({"index": index, "of": of, "receipt": receipt})
            }
            Self::Erased { of } => json!({"of": of}),
            Self::Schema { violations, .. } => {
                let place =
                    |one: &SchemaViolation| json!({"message": one.message, "pointer": format!("/data{}", one.pointer)});
                json!({"violations": violations.iter().map(place).collect::<Vec<_>>()})
            }
            Self::TooLarge { limit, .. } => json!({"limit": limit}),
            Self::NotRecorded { size, near, .. } => json!({"near": near, "size": size}),
            Self::NoEntry { size, .. } | Self::NoSize { size, .. } | Self::NoTile { size, .. } => {
                json!({"size": size})
            }
            _ => json!({}),
        };
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    /// The problem as RFC 9457 has it, with an instance of its own. What is the server's fault is logged under that instance.
    #[must_use]
    pub fn problem(&self) -> Value {
        let (status, code, title) = self.kind();
        let instance = format!("urn:modeltrail:request:{}", hex::encode(Appender::salt()));
        if status >= 500 {
            tracing::error!(instance, code, error = %self, "a request failed");
        }
        let mut members = self.extensions();
        members.insert("type".to_owned(), format!("urn:modeltrail:problem:{code}").into());
        members.insert("title".to_owned(), title.into());
        members.insert("status".to_owned(), status.into());
        members.insert("detail".to_owned(), self.to_string().into());
        members.insert("instance".to_owned(), instance.into());
        Value::Object(members)
    }
}

fn append_kind(error: &AppendError) -> Kind {
    match error {
        AppendError::Poisoned { .. } => (503, "poisoned", "A write failed"),
        AppendError::Paused { .. } => (503, "paused", "The disk is nearly full"),
        AppendError::ReadOnly { .. } => (503, "read-only", "Read-only"),
        AppendError::Stopped => (503, "stopped", "Stopping"),
        AppendError::QueueFull => (503, "queue-full", "Too much waits already"),
        // Taken apart where it becomes a `WebError`.
        AppendError::Sequencer(_) => (500, "internal", "Fault of the server"),
    }
}

fn export_kind(error: &ExportError) -> Kind {
    match error {
        ExportError::Subject { .. } => (400, "parameter", "Wrong parameter"),
        ExportError::AsOf { .. } => (404, "no-size", "Beyond the newest checkpoint"),
        ExportError::Contradiction { .. } => (500, "contradiction", "The ledger contradicts itself"),
        ExportError::Read { .. } => (500, "store", "The store can't answer"),
        ExportError::Render { .. } => (500, "report", "The report can't be rendered"),
        ExportError::Bundle(_) => (500, "bundle", "The bundle can't be written"),
        ExportError::Sign { .. } => (503, "read-only", "Nothing can be signed"),
    }
}

impl ResponseError for WebError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if let Some(seconds) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        match self {
            Self::Method { allowed, .. } => {
                response.insert_header((header::ALLOW, HeaderValue::from_static(allowed)));
            }
            Self::AdminToken => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"modeltrail admin\""));
            }
            _ => {}
        }
        response.body(self.problem().to_string())
    }
}

/// Text from outside, for a message: cut and escaped.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_CHARS: usize = 80;
    let mut shown: String = text.chars().take(SHOWN_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_says_when_to_come_again() {
        let wait = |error: AppendError| {
            let error = WebError::from(error);
            let response = error.error_response();
            let after = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
            (response.status().as_u16(), error.code(), after)
        };
        assert_eq!(wait(AppendError::QueueFull), (503, "queue-full", Some("1".to_owned())));
        assert_eq!(wait(AppendError::Stopped), (503, "stopped", Some("60".to_owned())));
        let paused = AppendError::Paused { free_bytes: 1, needed_bytes: 2 };
        assert_eq!(wait(paused), (503, "paused", Some("10".to_owned())));
        let gone = StoreError::Damaged { what: "x".to_owned(), detail: "y".to_owned() };
        assert_eq!(wait(AppendError::Sequencer(gone.into())), (500, "store", None));
    }

    #[test]
    fn a_problem_is_whole_and_each_has_an_instance() {
        let error = WebError::NoEntry { index: 7, size: 3 };
        let (first, second) = (error.problem(), error.problem());
        assert_ne!(first["instance"], second["instance"]);
        assert_eq!(first["type"], "urn:modeltrail:problem:no-entry");
        assert_eq!((&first["status"], &first["size"]), (&json!(404), &json!(3)));
        assert_eq!(first["detail"], "there is no entry 7; the ledger has 3 entries, from 0");
    }

    #[test]
    fn what_is_shown_of_outside_text_is_cut_and_escaped() {
        assert_eq!(shown("a\u{1b}[31m\n"), "a\\u{1b}[31m\\n");
        assert_eq!(shown(&"x".repeat(81)).chars().count(), 81);
    }
}
