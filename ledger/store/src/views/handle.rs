//! What others hold of the views: the newest store and how far it is folded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use modeltrail_views::store::{Cursor, MemoryViews, ViewStore};

use super::rebuild::{RebuildRefused, RebuildStatus, Rebuilder};
use super::{RocksViews, ViewsError};
use crate::clock;
use crate::ledger::Ledger;

/// What the projector does now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewsState {
    /// It folds what the log takes.
    Following,
    /// The disk is nearly full: the views stay where they are until there is room.
    Paused,
    /// The data directory may not be written: the views stay where they are, or are folded in memory once. They follow nothing.
    ReadOnly {
        /// Where they come from, and why they may end before the log does.
        why: String,
    },
    /// It could not go on. The log does; the views stay where they are.
    Failed {
        /// Why, and what to do.
        why: String,
    },
    /// The daemon stops.
    Stopped,
}

impl ViewsState {
    /// One word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Following => "following",
            Self::Paused => "paused",
            Self::ReadOnly { .. } => "read-only",
            Self::Failed { .. } => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// A store and how far it is folded, always taken together.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) store: Arc<dyn ViewStore>,
    /// The same, where it is a database.
    pub(super) rocks: Option<Arc<RocksViews>>,
    pub(super) size: u64,
}

impl Current {
    /// # Errors
    /// The cursor can't be read.
    pub(super) fn of_rocks(views: RocksViews) -> Result<Self, ViewsError> {
        Self::shared(Arc::new(views))
    }

    /// # Errors
    /// The cursor can't be read.
    pub(super) fn shared(rocks: Arc<RocksViews>) -> Result<Self, ViewsError> {
        let size = rocks.cursor()?.map_or(0, |Cursor { size, .. }| size);
        Ok(Self { store: Arc::clone(&rocks) as Arc<dyn ViewStore>, rocks: Some(rocks), size })
    }

    pub(super) fn in_memory(store: Arc<dyn ViewStore>) -> Self {
        Self { store, rocks: None, size: 0 }
    }
}

/// How far behind the views are.
struct Lag {
    /// A size of the log that the views have not reached, and when it was seen.
    ahead: Option<(u64, Instant)>,
    /// The views are as the log was at this moment; `None` when they are as it was when last looked at.
    as_of: Option<Instant>,
}

pub(super) struct Shared {
    pub(super) ledger: Arc<Ledger>,
    pub(super) current: Mutex<Current>,
    pub(super) state: Mutex<ViewsState>,
    pub(super) rebuilder: Rebuilder,
    pub(super) stop: AtomicBool,
    /// The projector is to look what there is to do besides folding.
    pub(super) attention: AtomicBool,
    lag: Mutex<Lag>,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole values are swapped under these locks, so a panic elsewhere leaves no half state.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(ledger: Arc<Ledger>, current: Current, state: ViewsState, rebuilder: Rebuilder) -> Arc<Self> {
        let lag = Mutex::new(Lag { ahead: None, as_of: Some(clock::now()) });
        let (current, state) = (Mutex::new(current), Mutex::new(state));
        let (stop, attention) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { ledger, current, state, rebuilder, stop, attention, lag })
    }

    pub(super) fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Lets the projector look at what was left for it.
    pub(super) fn call(&self) {
        self.attention.store(true, Ordering::SeqCst);
        self.ledger.wake();
    }

    pub(super) fn current(&self) -> Current {
        locked(&self.current).clone()
    }

    pub(super) fn set_state(&self, state: ViewsState) {
        *locked(&self.state) = state;
    }

    /// The log had this size just now.
    pub(super) fn saw(&self, size: u64) {
        let mut lag = locked(&self.lag);
        if locked(&self.current).size >= size {
            *lag = Lag { ahead: None, as_of: None };
        } else if lag.ahead.is_none() {
            let now = clock::now();
            lag.ahead = Some((size, now));
            lag.as_of.get_or_insert(now);
        }
    }

    /// The views reached this size.
    pub(super) fn reached(&self, size: u64) {
        locked(&self.current).size = size;
        let mut lag = locked(&self.lag);
        if let Some((_, seen)) = lag.ahead.filter(|(wanted, _)| *wanted <= size) {
            *lag = Lag { ahead: None, as_of: Some(seen) };
        }
    }
}

/// A handle to the views. Cheap to clone.
#[derive(Clone)]
pub struct ViewsHandle {
    pub(super) shared: Arc<Shared>,
}

impl ViewsHandle {
    /// For a ledger whose views can't be had: empty ones that say why.
    #[must_use]
    pub fn unavailable(ledger: Arc<Ledger>, why: String) -> Self {
        let current = Current::in_memory(Arc::new(MemoryViews::new()));
        let rebuilder = Rebuilder::refusing("the views can't be had at all");
        Self { shared: Shared::new(ledger, current, ViewsState::Failed { why }, rebuilder) }
    }

    /// The newest rows and the number of entries folded into them, taken together. The store stays readable as long as it is held, whatever is rebuilt meanwhile.
    #[must_use]
    pub fn snapshot(&self) -> (Arc<dyn ViewStore>, u64) {
        let Current { store, size, .. } = self.shared.current();
        (store, size)
    }

    /// The newest rows.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ViewStore> {
        self.snapshot().0
    }

    /// Entries folded.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.snapshot().1
    }

    /// Entries that the log has and the views have not.
    #[must_use]
    pub fn behind(&self) -> u64 {
        let size = self.size();
        self.shared.ledger.head().size.saturating_sub(size)
    }

    /// Seconds since the views were what the log is: 0 when they are.
    #[must_use]
    pub fn behind_seconds(&self) -> f64 {
        if self.behind() == 0 {
            return 0.0;
        }
        locked(&self.shared.lag).as_of.map_or(0.0, |as_of| as_of.elapsed().as_secs_f64())
    }

    /// What the projector does now.
    #[must_use]
    pub fn state(&self) -> ViewsState {
        locked(&self.shared.state).clone()
    }

    /// Bytes of memory that views in databases use in this process.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        RocksViews::memory_bytes()
    }

    /// Starts to fold the views anew, beside those in use; `check`: only to compare. Returns at once.
    ///
    /// # Errors
    /// One runs already, or there is no database to fold into.
    pub fn rebuild(&self, check: bool) -> Result<(), RebuildRefused> {
        Rebuilder::start(&self.shared, check)
    }

    /// The rebuild that runs, or the last one of this process.
    #[must_use]
    pub fn rebuild_status(&self) -> Option<RebuildStatus> {
        self.shared.rebuilder.status()
    }
}
