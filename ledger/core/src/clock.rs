//! The clock that is passed in, so that nothing below it reads the wall.

use modeltrail_schemas::time::Micros;

/// The ledger's clock.
pub trait Clock: Send + Sync {
    /// UTC now, in microseconds since 1970.
    fn now(&self) -> Micros;
    /// A clock that only goes forward, in microseconds from any start; what `now` is held against.
    fn monotonic(&self) -> i64;
    /// `system`, or `simulated` when time is made up; genesis says so for good.
    fn kind(&self) -> &'static str;
}

/// A step of the wall clock larger than this becomes a `ledger.clock_stepped` entry; a smaller one back is clamped.
pub const STEP_MICROS: i64 = 1_000_000;
