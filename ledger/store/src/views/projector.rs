//! The thread that keeps the views up to date: folds what the log has published, and swaps in views that were folded anew.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use modeltrail_views::store::MemoryViews;

use super::handle::{Current, Shared, locked};
use super::home::Home;
use super::memory::{BoundedViews, LIMIT_BYTES};
use super::rebuild::Rebuilder;
use super::{ViewsError, ViewsHandle, ViewsState, feed, priority};
use crate::ledger::{Ledger, WriterStatus};
use crate::open::Opened;

/// Entries that are folded with the same iterators over the log: as long as one lives, memory tables of the log that it began with can't go.
const SPAN: u64 = 64 << 10;
/// How long nothing may happen before it is looked again: nobody says when the disk has room again.
const IDLE: Duration = Duration::from_secs(1);

/// The views of an open ledger, kept up to date until it is dropped or stopped.
pub struct Views {
    handle: ViewsHandle,
    thread: Option<JoinHandle<()>>,
}

impl Views {
    /// Opens the views beside a ledger and starts to fold. Never fails: the log goes on without views, and the handle says why there are none.
    ///
    /// Of a ledger that is open for reading only nothing is written. Views on disk that agree with it are shown as they are; without such the log is folded into
    /// memory, as far as 96 MiB of rows go.
    #[must_use]
    pub fn start(opened: &Opened) -> Self {
        let ledger = Arc::clone(&opened.ledger);
        let home = Home::new(opened.data().views());
        let started =
            if opened.writer.is_some() { Self::writing(&ledger, home) } else { Self::reading(&ledger, &home) };
        started.unwrap_or_else(|error| {
            tracing::error!(%error, "there are no views; the log goes on without");
            Self { handle: ViewsHandle::unavailable(ledger, error.to_string()), thread: None }
        })
    }

    fn writing(ledger: &Arc<Ledger>, home: Home) -> Result<Self, ViewsError> {
        let current = Current::of_rocks(home.open(ledger)?)?;
        let shared = Shared::new(Arc::clone(ledger), current, ViewsState::Following, Rebuilder::new(home));
        Ok(Self::run(shared, Projector::follow))
    }

    fn reading(ledger: &Arc<Ledger>, home: &Home) -> Result<Self, ViewsError> {
        let rebuilder = Rebuilder::refusing("the ledger is open for reading only");
        if let Some(views) = home.open_read_only(ledger)? {
            let current = Current::of_rocks(views)?;
            let why = "the views are those on disk, and nothing is folded into them; they may end before the log does"
                .to_owned();
            let shared = Shared::new(Arc::clone(ledger), current, ViewsState::ReadOnly { why }, rebuilder);
            shared.saw(ledger.head().size);
            return Ok(Self { handle: ViewsHandle { shared }, thread: None });
        }
        let why = "no views on disk agree with the log; it is folded in memory once, up to where the log ended when it was opened: what the log takes afterwards is not followed".to_owned();
        let current = Current::in_memory(Arc::new(MemoryViews::new()));
        let shared = Shared::new(Arc::clone(ledger), current, ViewsState::ReadOnly { why }, rebuilder);
        Ok(Self::run(shared, |projector| projector.fill(Arc::new(BoundedViews::default()))))
    }

    fn run(shared: Arc<Shared>, run: impl FnOnce(&Projector) + Send + 'static) -> Self {
        let handle = ViewsHandle { shared: Arc::clone(&shared) };
        let thread = std::thread::Builder::new()
            .name("mt-projector".to_owned())
            .spawn(move || {
                priority::give_way();
                run(&Projector { shared });
            })
            .expect("a thread can be started while the daemon starts");
        Self { handle, thread: Some(thread) }
    }

    /// To read with.
    #[must_use]
    pub fn handle(&self) -> ViewsHandle {
        self.handle.clone()
    }

    /// Ends the thread, and a rebuild if one runs, and makes durable what was folded. The handles stay readable.
    pub fn stop(self) {
        drop(self);
    }

    fn end(&mut self) {
        let shared = &self.handle.shared;
        shared.stop.store(true, Ordering::SeqCst);
        shared.call();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the projector panicked");
        }
        shared.rebuilder.join();
        let current = shared.current();
        if !matches!(self.handle.state(), ViewsState::ReadOnly { .. })
            && let Some(Err(error)) = current.rocks.map(|views| views.flush())
        {
            tracing::warn!(%error, "the views could not be written out; the next start folds again what is missing");
        }
        shared.set_state(ViewsState::Stopped);
    }
}

// A process that ended while a thread still used the database would end badly.
impl Drop for Views {
    fn drop(&mut self) {
        self.end();
    }
}

struct Projector {
    shared: Arc<Shared>,
}

impl Projector {
    fn follow(&self) {
        let shared = &self.shared;
        loop {
            // Taken back before it is looked why it was set: what is set from here on is seen the next time.
            shared.attention.store(false, Ordering::SeqCst);
            if shared.stopping() {
                break;
            }
            self.take_rebuilt();
            let size = shared.ledger.head().size;
            shared.saw(size);
            if !self.may_fold() {
                shared.ledger.wait_beyond(u64::MAX, &shared.attention, IDLE);
                continue;
            }
            match self.fold(size) {
                Ok(()) => shared.ledger.wait_beyond(shared.current().size, &shared.attention, IDLE),
                Err(error) => self.fail(&error),
            }
        }
        shared.rebuilder.withdraw();
    }

    /// Whether folding makes sense now. With the disk nearly full the log keeps what is left.
    fn may_fold(&self) -> bool {
        let paused = matches!(self.shared.ledger.status(), WriterStatus::Paused { .. });
        let mut state = locked(&self.shared.state);
        match (&*state, paused) {
            (ViewsState::Following, true) => *state = ViewsState::Paused,
            (ViewsState::Paused, false) => *state = ViewsState::Following,
            _ => {}
        }
        *state == ViewsState::Following
    }

    /// Folds up to `size`, or less.
    fn fold(&self, size: u64) -> Result<(), ViewsError> {
        let shared = &self.shared;
        let current = shared.current();
        let to = size.min(current.size + SPAN);
        feed::fold(&shared.ledger, current.store.as_ref(), to, &mut |size| {
            shared.reached(size);
            if shared.attention.load(Ordering::Acquire) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(())
    }

    fn fail(&self, error: &ViewsError) {
        tracing::error!(%error, "the views stay where they are; the log goes on. `modeltraild rebuild` folds them anew");
        self.shared.set_state(ViewsState::Failed { why: error.to_string() });
    }

    /// Goes on with views that were folded anew, when there are some.
    fn take_rebuilt(&self) {
        let shared = &self.shared;
        let Some((offer, home)) = shared.rebuilder.offered() else { return };
        let old = shared.current();
        let done = offer.fresh.take_over(&shared.ledger, home, old.size, &shared.stop);
        let answer = done.and_then(|views| {
            *locked(&shared.current) = Current::shared(Arc::clone(&views))?;
            // From here on nobody new gets the old ones.
            old.rocks.iter().for_each(|views| views.doom());
            shared.set_state(ViewsState::Following);
            Ok(())
        });
        // Whoever hears the answer finds the old ones gone, if no reader holds them.
        drop(old);
        // If nobody waits for the answer, the views serve all the same.
        let _ = offer.reply.send(answer);
    }

    /// Folds into memory up to a log's end, or until no more fits.
    fn fill(&self, views: Arc<BoundedViews>) {
        let shared = &self.shared;
        let head = shared.ledger.head();
        shared.saw(head.size);
        let folded = feed::fold(&shared.ledger, views.as_ref(), head.size, &mut |_| {
            if views.full() || shared.stopping() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Ok(size) = folded {
            // Shown only now: nobody reads them while they are written.
            locked(&shared.current).store = views;
            shared.reached(size);
        }
        match folded {
            Ok(size) if size < head.size && !shared.stopping() => {
                let why = format!(
                    "no views on disk agree with the log, and the data directory may not be written: they are folded in memory, which at {} MiB ended at entry {size}; nothing behind it is followed",
                    LIMIT_BYTES >> 20
                );
                tracing::warn!(why, "the views end before the log");
                shared.set_state(ViewsState::ReadOnly { why });
            }
            Ok(_) => {}
            Err(error) => self.fail(&error),
        }
    }
}
