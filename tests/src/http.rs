//! A plain HTTP client of a daemon that may be another one from request to request.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The media type of a batch of them.
pub const BATCH: &str = "application/cloudevents-batch+json";
/// The media type of one structured event.
pub const STRUCTURED: &str = "application/cloudevents+json";
/// An answer takes milliseconds; one that takes so long is a hang, which a test must see.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// The longest answer that is read: a bundle.
const ANSWER_BYTES: u64 = 256 << 20;

/// An answer over HTTP.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Status and body, for a message.
    pub fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        format!("{}: {}", self.status, text.chars().take(600).collect::<String>())
    }
}

/// A plain HTTP client of a daemon that may be another one, elsewhere, from request to request.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: Arc<RwLock<String>>,
}

impl Client {
    pub(crate) fn new() -> Self {
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER_LIMIT)).build();
        Self { agent: config.into(), base: Arc::default() }
    }

    pub(crate) fn set_base(&self, url: &str) {
        *self.base.write().unwrap_or_else(PoisonError::into_inner) = url.to_owned();
    }

    /// Where the daemon is now, without a slash at the end.
    pub fn base(&self) -> String {
        self.base.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a body with these headers.
    ///
    /// # Errors
    /// When no whole answer comes: then it is unknown whether it arrived.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let request = self.agent.post(format!("{}{path}", self.base()));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        answer(request.send(body)?)
    }

    /// Sends one structured event, or a batch of them.
    ///
    /// # Errors
    /// As for [`Client::post`].
    pub fn emit(&self, media_type: &str, body: &[u8]) -> Result<Answer> {
        self.post("/v1/events", &[("content-type", media_type)], body)
    }

    /// Asks.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn get(&self, path: &str) -> Result<Answer> {
        answer(self.agent.get(format!("{}{path}", self.base())).call()?)
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// When no answer comes, or another status than 200.
    pub fn get_json(&self, path: &str) -> Result<Value> {
        let answer = self.get(path)?;
        ensure!(answer.status == 200, "{path}: {}", answer.words());
        serde_json::from_slice(&answer.body).with_context(|| format!("{path}: not JSON"))
    }

    /// All items of a list, page by page.
    ///
    /// # Errors
    /// When a page does not come.
    pub fn list(&self, path: &str) -> Result<Vec<Value>> {
        let (mut items, mut after) = (Vec::new(), None::<u64>);
        loop {
            let start = after.map_or(String::new(), |after| format!("&after={after}"));
            let mut page = self.get_json(&format!("{path}?limit=1000{start}"))?;
            let Value::Array(found) = page["items"].take() else { bail!("{path}: no items") };
            items.extend(found);
            match page["next"].as_u64() {
                Some(next) => after = Some(next),
                None => return Ok(items),
            }
        }
    }
}

fn answer(response: ureq::http::Response<ureq::Body>) -> Result<Answer> {
    let status = response.status().as_u16();
    let body = response.into_body().into_with_config().limit(ANSWER_BYTES).read_to_vec()?;
    Ok(Answer { status, body })
}
