//! What librdkafka says beside its answers: passed on to our log, and its last complaint kept for whoever wonders why nothing answers.

use std::sync::{Mutex, PoisonError};

use rdkafka::client::{Client, ClientContext};

use crate::ffi::LogQueue;

/// Lines taken in one go.
const LINES: usize = 64;
/// Syslog's number for a warning; lower is worse.
const WARNING: i32 = 4;

/// How librdkafka words that no connection is left.
const CONSEQUENCE: &str = "brokers are down";

/// The words of one client.
pub(crate) struct Words {
    queue: Option<LogQueue>,
    complaint: Mutex<Option<String>>,
}

impl Words {
    pub(crate) fn of<C: ClientContext>(client: &Client<C>) -> Self {
        Self { queue: LogQueue::of(client), complaint: Mutex::default() }
    }

    /// Passes on what was said, and remembers the last complaint. To be called often.
    pub(crate) fn listen(&self) {
        let Some(queue) = &self.queue else { return };
        for (level, facility, text) in
            std::iter::from_fn(|| queue.next()).take(LINES).filter(|(_, _, text)| !text.is_empty())
        {
            if level > WARNING {
                tracing::debug!(facility, "librdkafka: {text}");
                continue;
            }
            tracing::info!(facility, "librdkafka: {text}");
            let mut complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
            // That nobody answers follows from why nobody does, which was said before.
            if complaint.is_none() || !text.contains(CONSEQUENCE) {
                *complaint = Some(text);
            }
        }
    }

    /// What went wrong, with the last complaint since something last went well: why nothing answers (a password, a certificate) stands there alone.
    pub(crate) fn explain(&self, wrong: String) -> String {
        self.listen();
        match &*self.complaint.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(said) => format!("{wrong} ({said})"),
            None => wrong,
        }
    }

    /// Something went well: what was complained of before is over.
    pub(crate) fn forget(&self) {
        self.listen();
        *self.complaint.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
