//! The ledger's API, over plain HTTP.

use std::io::Read;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::args::ServerArgs;
use crate::exit::refused;
use crate::keys::read_file;

/// Longest answer that is held in memory; bundles are streamed.
const MAX_ANSWER_BYTES: u64 = 256 << 20;
/// Longest token file.
const MAX_TOKEN_BYTES: u64 = 4 << 10;
const CONNECT_SECONDS: u64 = 10;
/// A seal takes milliseconds; a server that says nothing this long is stuck.
const ANSWER_SECONDS: u64 = 60;

/// A ledger's server.
pub(crate) struct Server {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

/// An answer that was read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Problem details (RFC 9457).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: String,
}

impl Server {
    /// The server that the arguments name.
    pub(crate) fn new(args: &ServerArgs) -> anyhow::Result<Self> {
        let Some(base) = &args.server else {
            bail!(
                "no ledger to ask: give its address with --server http://HOST:PORT (or MODELTRAIL_SERVER), or a bundle with --bundle"
            );
        };
        if base.starts_with("https://") {
            bail!(
                "{base}: this program speaks plain http only; reach a remote ledger through a local TLS proxy or an ssh tunnel, and give that as http://…"
            );
        }
        if !base.starts_with("http://") {
            bail!("--server {base:?} is not an address that starts with http://");
        }
        let token = match &args.token_file {
            Some(path) => Some(
                String::from_utf8(read_file(path, MAX_TOKEN_BYTES)?)
                    .context("the token file is not text")?
                    .trim()
                    .to_owned(),
            ),
            None => args.token.clone(),
        };
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(CONNECT_SECONDS)))
            .timeout_recv_response(Some(Duration::from_secs(ANSWER_SECONDS)))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Ok(Self { agent: config.into(), base: base.trim_end_matches('/').to_owned(), token })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn call(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<ureq::http::Response<ureq::Body>> {
        let mut request = self.agent.get(self.url(path)).query_pairs(query.iter().copied());
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.call().with_context(|| format!("could not reach {}", self.base))
    }

    /// A JSON answer.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<T> {
        let answer = read(self.call(path, query)?)?;
        let body = answer.ok(path)?;
        serde_json::from_slice(&body).with_context(|| format!("{path}: the answer is not what this program expects"))
    }

    /// A long answer as a stream.
    pub(crate) fn stream(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<impl Read + use<>> {
        let response = self.call(path, query)?;
        if !response.status().is_success() {
            read(response)?.ok(path)?;
            bail!("{path}: no answer");
        }
        Ok(response.into_body().into_reader())
    }

    /// Sends a body. `Err` when no answer came: then it is unknown whether it arrived.
    pub(crate) fn post(&self, path: &str, content_type: &str, body: &[u8]) -> anyhow::Result<Answer> {
        let mut request = self.agent.post(self.url(path)).header("content-type", content_type);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        read(request.send(body).with_context(|| format!("could not reach {}", self.base))?)
    }
}

fn read(response: ureq::http::Response<ureq::Body>) -> anyhow::Result<Answer> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let count = response
        .into_body()
        .into_reader()
        .take(MAX_ANSWER_BYTES + 1)
        .read_to_end(&mut body)
        .context("the answer broke off")?;
    if count as u64 > MAX_ANSWER_BYTES {
        bail!("the answer has more than {MAX_ANSWER_BYTES} bytes");
    }
    Ok(Answer { status, body })
}

impl Answer {
    /// The body of an answer that says yes. What was asked for and is not there is refused; anything else could not be judged.
    pub(crate) fn ok(self, path: &str) -> anyhow::Result<Vec<u8>> {
        match self.status {
            200..=299 => Ok(self.body),
            400..=499 => Err(refused(format!("{path}: {}", self.problem()))),
            _ => bail!("{path}: {}", self.problem()),
        }
    }

    /// What the server says is wrong.
    pub(crate) fn problem(&self) -> String {
        let problem: Problem = serde_json::from_slice(&self.body).unwrap_or_default();
        let words: Vec<String> = [problem.title, problem.detail].into_iter().filter(|word| !word.is_empty()).collect();
        let words = if words.is_empty() { "no further word".to_owned() } else { words.join(": ") };
        crate::output::printable(&format!("{} ({words})", self.status))
    }
}
