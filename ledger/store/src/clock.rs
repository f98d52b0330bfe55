//! The one place of this crate that reads a clock: how long something took or is waited for. What stands in entries comes from the ledger's own clock.

use std::time::Instant;

/// Now, for durations only.
pub(crate) fn now() -> Instant {
    Instant::now()
}
