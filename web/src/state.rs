//! What the handlers work with.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use modeltrail_core::prepared::{DEFAULT_RECORD_LIMIT, MAX_RECORD_LIMIT};
use modeltrail_schemas::json;
use modeltrail_store::{AppendError, Appender, Ledger, ViewsHandle, WriterStatus};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::admin::Admin;
use crate::jobs::Jobs;
use crate::metrics::HttpMetrics;
use crate::sources::SourceStatus;
use crate::tally::Tally;

/// How much a request may bring or ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A record's bytes; that of the ledger, as everywhere else. At most [`MAX_RECORD_LIMIT`].
    pub record_bytes: usize,
    /// A batch's bytes as a whole. At most what the strict parser reads at once, [`json::MAX_BYTES`].
    pub batch_bytes: usize,
    /// Bytes of request bodies in memory at one time, over all requests.
    pub bodies_bytes: usize,
    /// Bundles that are being made at one time: each reads the whole past of its subjects and fills a temporary file.
    pub exports: usize,
    /// Seconds in which a request's body must have arrived.
    pub body_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: DEFAULT_RECORD_LIMIT,
            batch_bytes: 16 << 20,
            bodies_bytes: 256 << 20,
            exports: 2,
            body_seconds: 60,
        }
    }
}

/// The hosts that requests may be meant for: loopback, and those configured. Any other name in `Host` is how a web page that
/// rebinds its name to this machine gives itself away.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    configured: Vec<String>,
}

impl Hosts {
    /// Loopback, and these names or addresses, without port.
    #[must_use]
    pub fn new(configured: impl IntoIterator<Item = String>) -> Self {
        Self { configured: configured.into_iter().map(|host| host.to_ascii_lowercase()).collect() }
    }

    /// Whether a request with this `Host` (a port may follow) is meant for us.
    #[must_use]
    pub fn allows(&self, authority: &str) -> bool {
        let Some(host) = host_of(authority) else {
            return false;
        };
        let host = host.to_ascii_lowercase();
        let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        loopback || self.configured.contains(&host)
    }
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host_of(authority: &str) -> Option<&str> {
    let port_is_right =
        |port: &str| port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return Some(host).filter(|_| port_is_right(port));
    }
    let end = authority.find(':').unwrap_or(authority.len());
    let (host, port) = authority.split_at(end);
    Some(host).filter(|host| !host.is_empty() && port_is_right(port))
}

/// The SHA-256 of a token; the token itself is nowhere in this process.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// What every token for administrative acts starts with, so that scanners for leaked secrets know it.
    pub const ADMIN_PREFIX: &str = "mt_admin_";

    /// The hash of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Whether this is the token. Takes the same time wherever two hashes differ.
    #[must_use]
    pub fn is_of(&self, token: &str) -> bool {
        let other = Self::of(token);
        self.0.iter().zip(other.0).fold(0, |differs, (ours, theirs)| differs | (ours ^ theirs)) == 0
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// What the daemon gives.
pub struct Config {
    /// To read with.
    pub ledger: Arc<Ledger>,
    /// To write with; `None` when the ledger is open for reading only.
    pub appender: Option<Appender>,
    /// What the entries mean, folded into rows.
    pub views: ViewsHandle,
    /// How the sources stand.
    pub sources: Arc<dyn SourceStatus>,
    /// Administrative acts that need more than the appender.
    pub admin: Arc<dyn Admin>,
    /// The token that they demand; without one there are none.
    pub admin_token: Option<TokenHash>,
    /// How much a request may bring or ask for.
    pub limits: Limits,
    /// The hosts that requests may be meant for.
    pub hosts: Hosts,
    /// Where bundles are written before they are sent. Files there have no name and vanish with the process.
    pub scratch: PathBuf,
}

/// What the handlers share.
pub struct AppState {
    pub(crate) config: Config,
    pub(crate) bodies: Arc<Budget>,
    pub(crate) exports: Arc<Semaphore>,
    pub(crate) jobs: Jobs,
    pub(crate) tally: Mutex<Tally>,
    pub(crate) metrics: HttpMetrics,
}

impl AppState {
    /// The state of a server that has served nothing yet. Limits beyond what can be are lowered to that.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        let limits = &mut config.limits;
        limits.record_bytes = limits.record_bytes.min(MAX_RECORD_LIMIT);
        limits.batch_bytes = limits.batch_bytes.min(json::MAX_BYTES);
        let (bodies, exports) = (Budget::new(config.limits.bodies_bytes), Semaphore::new(config.limits.exports));
        Self {
            config,
            bodies,
            exports: Arc::new(exports),
            jobs: Jobs::default(),
            tally: Mutex::default(),
            metrics: HttpMetrics::new(),
        }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.config.ledger
    }

    /// The appender, if something can be written now. What is said here may be outdated at once; the writer decides.
    pub(crate) fn writable(&self) -> Result<&Appender, AppendError> {
        let appender = self.config.appender.as_ref();
        let appender =
            appender.ok_or_else(|| AppendError::ReadOnly { why: "it was started for reading only".to_owned() })?;
        match self.ledger().status() {
            WriterStatus::Running => Ok(appender),
            WriterStatus::Paused { free_bytes, needed_bytes } => Err(AppendError::Paused { free_bytes, needed_bytes }),
            WriterStatus::Poisoned { cause } => Err(AppendError::Poisoned { cause }),
            WriterStatus::ReadOnly { why } => Err(AppendError::ReadOnly { why }),
            WriterStatus::Stopped => Err(AppendError::Stopped),
        }
    }
}

/// A number of bytes that requests share.
pub(crate) struct Budget {
    free: AtomicUsize,
}

/// A part of a budget; given back when dropped.
pub(crate) struct Portion {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { free: AtomicUsize::new(bytes) })
    }

    /// Takes `bytes`, if that many are free.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Portion> {
        let taken = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(bytes));
        taken.ok().map(|_| Portion { budget: Arc::clone(self), bytes })
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        self.budget.free.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_configured_hosts_are_ours() {
        let hosts = Hosts::new(["ledger.bank.example".to_owned(), "10.0.0.7".to_owned()]);
        let ours = [
            "localhost",
            "LocalHost:8080",
            "127.0.0.1:1",
            "127.8.9.1",
            "[::1]:8080",
            "[::1]",
            "Ledger.Bank.Example",
            "10.0.0.7:80",
        ];
        for host in ours {
            assert!(hosts.allows(host), "{host}");
        }
        let theirs = [
            "",
            ":80",
            "evil.example",
            "localhost.evil.example",
            "localhost.",
            "127.0.0.1.nip.io",
            "0.0.0.0",
            "10.0.0.8",
            "[::2]",
            "[::1",
            "[::1]x",
            "localhost:99999",
            "localhost:+80x",
            "localhost:80:80",
            "user@localhost",
            "2130706433",
            "::1",
        ];
        for host in theirs {
            assert!(!hosts.allows(host), "{host}");
        }
    }

    #[test]
    fn a_budget_is_given_back() {
        let budget = Budget::new(10);
        let first = budget.take(6).unwrap();
        assert!(budget.take(5).is_none());
        let second = budget.take(4).unwrap();
        assert!(budget.take(1).is_none());
        drop(first);
        assert!(budget.take(6).is_some());
        drop(second);
        assert!(budget.take(11).is_none());
        assert!(budget.take(10).is_some());
    }

    #[test]
    fn a_token_is_known_by_its_hash_and_never_shown() {
        let hash = TokenHash::of("mt_admin_x");
        assert!(hash.is_of("mt_admin_x"));
        assert!(!hash.is_of("mt_admin_y"));
        assert!(!hash.is_of(""));
        assert_eq!(format!("{hash:?}"), "TokenHash(…)");
    }
}
