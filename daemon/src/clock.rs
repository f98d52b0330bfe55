//! The one place of this program that asks what time it is.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use modeltrail_core::clock::Clock;
use modeltrail_schemas::time::Micros;

/// The machine's clock.
struct System {
    started: Instant,
}

impl Clock for System {
    fn now(&self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).ok().and_then(Micros::new).unwrap_or(Micros::MAX)
    }

    fn monotonic(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    fn kind(&self) -> &'static str {
        "system"
    }
}

/// Goes on from the last entry of a ledger whose time is made up.
struct Simulated {
    from: Micros,
    started: Instant,
}

impl Clock for Simulated {
    fn now(&self) -> Micros {
        self.from.checked_add(self.monotonic()).unwrap_or(Micros::MAX)
    }

    fn monotonic(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    fn kind(&self) -> &'static str {
        "simulated"
    }
}

/// The machine's clock.
pub(crate) fn system() -> Arc<dyn Clock> {
    Arc::new(System { started: Instant::now() })
}

/// The clock for a ledger of this kind whose last entry has this time.
pub(crate) fn for_ledger(kind: &str, last: Micros) -> Arc<dyn Clock> {
    if kind == "simulated" { Arc::new(Simulated { from: last, started: Instant::now() }) } else { system() }
}
