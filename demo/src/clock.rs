//! Time that is made up, so that a year passes in seconds; and waiting that ends when the play is stopped.
//!
//! The one place of this crate that asks the machine for the time: a simulated second still takes a second until the player
//! moves the clock on.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use modeltrail_core::clock::Clock;
use modeltrail_schemas::time::Micros;

/// A clock that runs like any other, and that can be set forward. It never goes back.
///
/// Its monotonic reading follows its wall reading, so that setting it is no step of the wall clock that the ledger would record:
/// in this world, that much time has passed.
pub struct SimulatedClock {
    id: u64,
    start: i64,
    set: Mutex<Setting>,
}

#[derive(Clone, Copy)]
struct Setting {
    at: i64,
    since: Instant,
}

impl Setting {
    fn now(self) -> i64 {
        let elapsed = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.at.saturating_add(elapsed)
    }
}

thread_local! {
    /// The last wall reading of this thread, until its monotonic counterpart is asked for.
    static READ: Cell<Option<(u64, i64)>> = const { Cell::new(None) };
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole values are swapped under these locks, so a panic elsewhere leaves no half state.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SimulatedClock {
    /// A clock that shows this time now.
    #[must_use]
    pub fn new(start: Micros) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let start = start.as_micros();
        let set = Setting { at: start, since: Instant::now() };
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), start, set: Mutex::new(set) }
    }

    /// Sets the clock forward. A time that is over already changes nothing.
    pub fn advance_to(&self, at: Micros) {
        let mut set = locked(&self.set);
        if at.as_micros() > set.now() {
            *set = Setting { at: at.as_micros(), since: Instant::now() };
        }
    }

    fn reading(&self) -> i64 {
        locked(&self.set).now()
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Micros {
        let reading = self.reading();
        READ.set(Some((self.id, reading)));
        Micros::new(reading).unwrap_or(Micros::MAX)
    }

    /// Asked right after [`Clock::now`] on one thread, it is of the same moment: were the clock set in between, the two would
    /// disagree by days, and the ledger would record a step that nobody saw.
    fn monotonic(&self) -> i64 {
        let reading = match READ.take() {
            Some((id, reading)) if id == self.id => reading,
            _ => self.reading(),
        };
        reading - self.start
    }

    fn kind(&self) -> &'static str {
        "simulated"
    }
}

/// Tells a play to end. Clones tell the same play.
#[derive(Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Ends the play at its next step.
    pub fn stop(&self) {
        *locked(&self.0.0) = true;
        self.0.1.notify_all();
    }

    /// Whether the play was told to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *locked(&self.0.0)
    }

    /// Waits so long, or less when the play is told to end. Whether it was.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let stopped = locked(&self.0.0);
        if *stopped {
            return true;
        }
        let (stopped, _) = self.0.1.wait_timeout(stopped, time).unwrap_or_else(PoisonError::into_inner);
        *stopped
    }
}

/// Runs out when nothing has moved for too long.
pub(crate) struct Patience {
    limit: Duration,
    since: Instant,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, since: Instant::now() }
    }

    /// Something moved.
    pub(crate) fn renew(&mut self) {
        self.since = Instant::now();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.since.elapsed() > self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn at(micros: i64) -> Micros {
        Micros::new(micros).unwrap()
    }

    #[test]
    fn it_goes_forward_only_and_runs_on() {
        let clock = SimulatedClock::new(at(10 * DAY));
        clock.advance_to(at(20 * DAY));
        clock.advance_to(at(15 * DAY));
        let first = clock.now();
        assert!(first >= at(20 * DAY) && first < at(21 * DAY));
        Stop::default().wait(Duration::from_millis(3));
        assert!(clock.now().as_micros() >= first.as_micros() + 3_000);
        assert_eq!(clock.kind(), "simulated");
    }

    #[test]
    fn wall_and_monotonic_are_of_one_moment() {
        let clock = SimulatedClock::new(at(0));
        let wall = clock.now();
        clock.advance_to(at(DAY));
        assert_eq!(clock.monotonic(), wall.as_micros());
        // Asked alone, it is of this moment.
        assert!(clock.monotonic() >= DAY);
        // Another clock's reading is not taken for this one's.
        let other = SimulatedClock::new(at(5 * DAY));
        let _ = other.now();
        assert!(clock.monotonic() >= DAY && clock.monotonic() < 2 * DAY);
    }

    #[test]
    fn a_stop_ends_a_wait() {
        let stop = Stop::default();
        assert!(!stop.wait(Duration::from_millis(1)));
        let other = stop.clone();
        let waiting = std::thread::spawn(move || other.wait(Duration::from_secs(60)));
        stop.stop();
        assert!(waiting.join().unwrap() && stop.is_stopped());
    }
}
