//! Acts that come over HTTP, sent to the daemon's own endpoint.

use std::io::Read as _;
use std::time::Duration;

use modeltrail_core::receipt::{MAX_RECEIPT_BYTES, Receipt};
use modeltrail_core::types::EntryIndex;
use serde_json::Value;

use crate::error::DemoError;

/// A seal takes milliseconds; a daemon that says nothing this long is stuck.
const ANSWER: Duration = Duration::from_secs(30);
/// An answer is a receipt or a problem that holds one.
const MAX_ANSWER_BYTES: u64 = 2 * MAX_RECEIPT_BYTES as u64;

/// What became of an event sent over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpAnswer {
    /// It is this entry.
    Entry(EntryIndex),
    /// The same was there before, as this entry.
    Duplicate(EntryIndex),
}

/// Sends events over HTTP.
pub trait HttpDelivery {
    /// Sends one event and waits for its receipt. `label` names it in errors.
    ///
    /// # Errors
    /// No answer, or one that is neither a new entry nor a duplicate.
    fn post(&self, label: &str, content_type: &str, body: &[u8]) -> Result<HttpAnswer, DemoError>;
}

/// The real one: `POST /v1/events` over plain HTTP.
pub struct HttpClient {
    agent: ureq::Agent,
    url: String,
}

impl HttpClient {
    /// A client of the daemon at `base`, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(ANSWER))
            .timeout_recv_response(Some(ANSWER))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Self { agent: config.into(), url: format!("{}/v1/events", base.trim_end_matches('/')) }
    }
}

impl HttpDelivery for HttpClient {
    fn post(&self, label: &str, content_type: &str, body: &[u8]) -> Result<HttpAnswer, DemoError> {
        let lost = |detail: String| DemoError::NoAnswer { label: label.to_owned(), url: self.url.clone(), detail };
        let answer = self.agent.post(&self.url).header("content-type", content_type).send(body);
        let answer = answer.map_err(|error| lost(error.to_string()))?;
        let status = answer.status().as_u16();
        let mut text = Vec::new();
        let mut reader = answer.into_body().into_reader().take(MAX_ANSWER_BYTES);
        reader.read_to_end(&mut text).map_err(|error| lost(error.to_string()))?;
        let refused = |detail: String| DemoError::Refused { label: label.to_owned(), status, detail };
        let receipt = || Receipt::parse(&text).map_err(|error| refused(error.to_string()));
        match status {
            201 => Ok(HttpAnswer::Entry(receipt()?.index)),
            200 => Ok(HttpAnswer::Duplicate(receipt()?.index)),
            _ => Err(refused(detail_of(&text))),
        }
    }
}

/// What a problem says of itself (RFC 9457).
fn detail_of(text: &[u8]) -> String {
    let problem: Option<Value> = serde_json::from_slice(text).ok();
    let detail = problem.as_ref().and_then(|problem| problem.get("detail")?.as_str());
    detail.unwrap_or("no further word").to_owned()
}
