//! The one place of this crate that asks for the time. It is only ever used to wait and to pace, never to stamp.

pub(crate) use std::time::{Duration, Instant};

/// Now, on a clock that only goes forward.
pub(crate) fn now() -> Instant {
    Instant::now()
}
