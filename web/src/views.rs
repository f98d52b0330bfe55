//! The views as of some moment, and folding them anew.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use modeltrail_schemas::time::{Micros, parse_rfc3339};
use modeltrail_store::views::{RebuildRefused, RebuildStatus};
use modeltrail_store::{Ledger, ViewsState};
use modeltrail_views::store::ViewStore;
use serde_json::{Value, json};

use crate::admin;
use crate::entries;
use crate::errors::{WebError, shown};
use crate::query::{Query, parse_number, wrong};
use crate::respond::json as answer;
use crate::state::AppState;

/// The microseconds of a day, less one: from its first to its last.
const REST_OF_DAY: i64 = 24 * 60 * 60 * 1_000_000 - 1;

/// A moment of the ledger's past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsOf {
    /// The first so many entries.
    Size(u64),
    /// The entries received at this time or before.
    Time(Micros),
}

impl AsOf {
    /// Reads a parameter: a number of entries, a time as in RFC 3339, or a date, which stands for the end of that day in UTC.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, WebError> {
        if let Some(size) = parse_number(text) {
            return Ok(Self::Size(size));
        }
        if let Some(time) = parse_rfc3339(text) {
            return Ok(Self::Time(time));
        }
        let day = parse_rfc3339(&format!("{text}T00:00:00Z")).and_then(|day| day.checked_add(REST_OF_DAY));
        day.map(Self::Time).ok_or_else(|| {
            let fault = format!(
                "is `{}`, not a number of entries, a date such as 2026-03-03, or a time such as 2026-03-03T14:02:00Z",
                shown(text)
            );
            wrong(name, fault)
        })
    }

    /// The number of entries that it stands for.
    pub(crate) fn size(self, ledger: &Ledger) -> Result<u64, WebError> {
        let size = ledger.head().size;
        match self {
            Self::Size(asked) if asked > size => Err(WebError::NoSize { asked, size }),
            Self::Size(asked) => Ok(asked),
            Self::Time(time) => received_until(ledger, size, time),
        }
    }
}

/// How many entries were received at this time or before, by halving: times only go forward, but where an entry says that the clock was stepped back. There the
/// answer is one of the sizes at which it was this time.
fn received_until(ledger: &Ledger, size: u64, time: Micros) -> Result<u64, WebError> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        let at = entries::read(ledger, middle)?.header.received.at;
        let at = parse_rfc3339(&at)
            .ok_or_else(|| WebError::Contradiction { what: format!("entry {middle} was received at no time") })?;
        if at <= time { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

/// The views, and the size as of which to ask them: that of `as_of`, or all that is folded; never more than that. A caller that needs to know
/// whether the views are behind what was asked compares the size with its own.
pub(crate) fn view_at(state: &AppState, as_of: Option<AsOf>) -> Result<(Arc<dyn ViewStore>, u64), WebError> {
    let (store, folded) = state.config.views.snapshot();
    if folded == 0
        && let ViewsState::Failed { why } = state.config.views.state()
    {
        return Err(WebError::NoViews { why });
    }
    let asked = as_of.map(|as_of| as_of.size(state.ledger())).transpose()?;
    Ok((store, asked.map_or(folded, |asked| asked.min(folded))))
}

impl From<RebuildRefused> for WebError {
    fn from(refused: RebuildRefused) -> Self {
        let why = refused.to_string();
        match refused {
            RebuildRefused::Busy => Self::AdminConflict { why },
            RebuildRefused::Unavailable { .. } => Self::AdminUnavailable { why },
        }
    }
}

/// `POST /v1/admin/views/rebuild`: starts to fold the views anew. `check`: only to compare.
pub(crate) async fn rebuild(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, WebError> {
    let members = admin::members(&state, &request, payload, Some(&["check"])).await?;
    let check = match members.get("check") {
        None => false,
        Some(Value::Bool(check)) => *check,
        Some(_) => return Err(WebError::AdminRefused { why: "check must be true or false".to_owned() }),
    };
    state.config.views.rebuild(check)?;
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, "/v1/admin/views/rebuild"))
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(status(&state).map_or_else(|| json!({}), |status| json!(status)).to_string()))
}

/// `GET /v1/admin/views/rebuild`: how far the rebuild is, or how the last one ended.
pub(crate) async fn rebuild_status(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    admin::guard(&state, &request)?;
    Query::of(&request, &[])?;
    let what = "the views were not rebuilt since this server started".to_owned();
    let status = status(&state).ok_or(WebError::AdminNotFound { what })?;
    Ok(answer(&json!(status)))
}

fn status(state: &AppState) -> Option<RebuildStatus> {
    state.config.views.rebuild_status()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_size_a_time_or_a_day() {
        let parse = |text| AsOf::parse("as_of", text).unwrap();
        let time = |text| AsOf::Time(parse_rfc3339(text).unwrap());
        assert_eq!(parse("0"), AsOf::Size(0));
        assert_eq!(parse("42"), AsOf::Size(42));
        assert_eq!(parse("2026-03-03T14:02:00+01:00"), time("2026-03-03T13:02:00Z"));
        assert_eq!(parse("2026-03-03"), time("2026-03-03T23:59:59.999999Z"));
        for text in ["", "-1", "01", "yesterday", "2026-02-30", "2026-3-3", "2026-03-03T14:02", "9007199254740992"] {
            let error = AsOf::parse("as_of", text).unwrap_err();
            assert_eq!(error.code(), "parameter", "{text}");
        }
    }
}
