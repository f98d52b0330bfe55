//! Named places at which a test lets the process die as by `kill -9`. Off unless [`arm`] is called; then one relaxed load a place.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

struct Armed {
    name: String,
    left: AtomicU64,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

/// Every place there is, for tests that go through all of them.
pub const ALL: [&str; 13] = [
    "ingest.polled",
    "writer.admitted",
    "seal.before_write",
    "seal.after_write",
    "seal.before_reply",
    "head.before_rename",
    "kafka.before_commit",
    "rotate.key_written",
    "views.before_write",
    "views.after_write",
    "rebuild.folded",
    "rebuild.before_switch",
    "rebuild.after_switch",
];

/// Arms `NAME` or `NAME:COUNT` once for this process: it dies at the COUNT-th time it comes by, the first by default.
///
/// # Errors
/// The name is unknown or the count isn't a positive number.
pub fn arm(text: &str) -> Result<(), String> {
    let (name, count) = text.split_once(':').unwrap_or((text, "1"));
    if !ALL.contains(&name) {
        return Err(format!("there is no failpoint {name}; there are {}", ALL.join(", ")));
    }
    let count: u64 =
        count.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("{count} is not a positive number"))?;
    let _ = ARMED.set(Armed { name: name.to_owned(), left: AtomicU64::new(count) });
    Ok(())
}

/// Dies here if this place is armed and its count is reached. No destructor, no flush: what a kill leaves is what is there.
pub fn hit(name: &str) {
    if let Some(armed) = ARMED.get()
        && armed.name == name
        && armed.left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}
