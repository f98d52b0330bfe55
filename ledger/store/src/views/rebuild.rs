//! Folding the views anew, into a folder of their own, while the old ones serve; comparing both; going over to the new ones.
//!
//! A crash before `CURRENT` is replaced leaves the old views in use, one behind it the new ones; the other folder is removed at the next start.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use modeltrail_views::fold::state_digest;
use modeltrail_views::store::ViewStore as _;
use serde::{Deserialize, Serialize};

use super::handle::{Shared, locked};
use super::home::{Home, Name};
use super::{RocksViews, ViewsError, feed, priority};
use crate::error::OpenError;
use crate::failpoint;
use crate::ledger::{Ledger, WriterStatus};
use crate::open::{Data, open_alone};

/// How often it is looked whether the daemon stops, while waiting for the projector.
const LOOK: Duration = Duration::from_millis(500);

/// What a rebuild does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It folds the entries that the views in use have seen.
    Folding,
    /// It reads both, for their digests.
    Comparing,
    /// It folds what the log took meanwhile, and goes over.
    CatchingUp,
    /// It is done.
    Done,
    /// It ended early; the views in use stayed.
    Failed,
}

/// Two foldings of the same entries, side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Entries folded into both.
    pub size: u64,
    /// The state digest of the views that were in use; none when there were none, or they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incremental: Option<String>,
    /// Why they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// The state digest of those folded anew.
    pub rebuilt: String,
}

impl Comparison {
    /// Whether nothing speaks against the views that were in use.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.unreadable.is_none() && self.incremental.as_ref().is_none_or(|digest| *digest == self.rebuilt)
    }
}

/// How a rebuild stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebuildStatus {
    /// What it does now.
    pub phase: Phase,
    /// It only compares; the views in use stay.
    pub check: bool,
    /// Entries folded.
    pub folded: u64,
    /// Entries to be folded in this phase.
    pub of: u64,
    /// What the comparison gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl RebuildStatus {
    fn begun(check: bool, of: u64) -> Self {
        Self { phase: Phase::Folding, check, folded: 0, of, comparison: None, error: None }
    }

    /// Whether nothing more will change.
    #[must_use]
    pub fn ended(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Failed)
    }
}

/// Why a rebuild was not started.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RebuildRefused {
    /// One runs.
    #[error("the views are being rebuilt already; ask how far it is")]
    Busy,
    /// There is nothing that could be rebuilt.
    #[error("the views can't be rebuilt here: {why}")]
    Unavailable {
        /// Why.
        why: &'static str,
    },
}

/// Views folded anew that are not in use yet. Dropped before that, their folder goes with them.
pub(super) struct Fresh {
    name: Name,
    views: Arc<RocksViews>,
    in_use: bool,
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.in_use {
            self.views.doom();
        }
    }
}

/// Is told how a rebuild stands, and whether it may go on.
type Watch<'w> = &'w mut dyn FnMut(Phase, u64, u64) -> Result<(), ViewsError>;

impl Fresh {
    fn new(home: &Home) -> Result<Self, ViewsError> {
        let (name, views) = home.fresh()?;
        Ok(Self { name, views: Arc::new(views), in_use: false })
    }

    fn fold(&self, ledger: &Ledger, to: u64, phase: Phase, watch: Watch<'_>) -> Result<(), ViewsError> {
        watch(phase, self.views.cursor()?.map_or(0, |cursor| cursor.size), to)?;
        let mut ended = Ok(());
        feed::fold(ledger, self.views.as_ref(), to, &mut |size| {
            ended = watch(phase, size, to);
            if ended.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        ended
    }

    /// Folds what the views in use have seen, and holds both against each other.
    fn compare(&self, ledger: &Ledger, old: Option<&RocksViews>, watch: Watch<'_>) -> Result<Comparison, ViewsError> {
        // What is written to the old ones from here on does not disturb the comparison.
        let frozen = old.map(RocksViews::frozen);
        let cursor = frozen.as_ref().map_or(Ok(None), |views| views.cursor());
        let size =
            cursor.as_ref().ok().and_then(Option::as_ref).map_or_else(|| ledger.head().size, |cursor| cursor.size);
        self.fold(ledger, size, Phase::Folding, watch)?;
        failpoint::hit("rebuild.folded");
        watch(Phase::Comparing, size, size)?;
        let old = cursor.and_then(|cursor| match (cursor, &frozen) {
            (Some(_), Some(views)) => state_digest(views).map(Some),
            _ => Ok(None),
        });
        let (incremental, unreadable) = match old {
            Ok(digest) => (digest, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let rebuilt = state_digest(&self.views.frozen())?;
        Ok(Comparison { size, incremental, unreadable, rebuilt })
    }

    /// Reaches at least `size`, is named as the one in use, and is given out.
    pub(super) fn take_over(
        mut self,
        ledger: &Ledger,
        home: &Home,
        size: u64,
        stop: &AtomicBool,
    ) -> Result<Arc<RocksViews>, ViewsError> {
        self.fold(ledger, size, Phase::CatchingUp, &mut |_, _, _| may_go_on(ledger, stop))?;
        self.views.flush()?;
        failpoint::hit("rebuild.before_switch");
        home.switch(self.name)?;
        failpoint::hit("rebuild.after_switch");
        self.in_use = true;
        Ok(Arc::clone(&self.views))
    }
}

fn may_go_on(ledger: &Ledger, stop: &AtomicBool) -> Result<(), ViewsError> {
    if stop.load(Ordering::Acquire) {
        return Err(ViewsError::Stopped);
    }
    match ledger.status() {
        WriterStatus::Paused { .. } => Err(ViewsError::DiskFull),
        _ => Ok(()),
    }
}

/// New views that wait for the projector.
pub(super) struct Offer {
    pub(super) fresh: Fresh,
    pub(super) reply: SyncSender<Result<(), ViewsError>>,
}

/// The rebuild of a running daemon.
pub(super) struct Rebuilder {
    home: Result<Home, &'static str>,
    status: Mutex<Option<RebuildStatus>>,
    offer: Mutex<Option<Offer>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Rebuilder {
    pub(super) fn new(home: Home) -> Self {
        Self { home: Ok(home), ..Self::refusing("") }
    }

    pub(super) fn refusing(why: &'static str) -> Self {
        Self { home: Err(why), status: Mutex::default(), offer: Mutex::default(), thread: Mutex::default() }
    }

    pub(super) fn status(&self) -> Option<RebuildStatus> {
        locked(&self.status).clone()
    }

    /// Views that wait to be taken over, with where they lie.
    pub(super) fn offered(&self) -> Option<(Offer, &Home)> {
        let home = self.home.as_ref().ok()?;
        locked(&self.offer).take().map(|offer| (offer, home))
    }

    /// Nobody will take what is offered.
    pub(super) fn withdraw(&self) {
        drop(locked(&self.offer).take());
    }

    pub(super) fn join(&self) {
        let thread = locked(&self.thread).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the rebuild of the views panicked");
        }
    }

    pub(super) fn start(shared: &Arc<Shared>, check: bool) -> Result<(), RebuildRefused> {
        let rebuilder = &shared.rebuilder;
        let home = rebuilder.home.clone().map_err(|why| RebuildRefused::Unavailable { why })?;
        let mut status = locked(&rebuilder.status);
        if status.as_ref().is_some_and(|status| !status.ended()) {
            return Err(RebuildRefused::Busy);
        }
        let run = {
            let shared = Arc::clone(shared);
            move || {
                priority::give_way();
                let done = rebuild(&shared, &home, check);
                shared.rebuilder.end(done);
            }
        };
        let thread = std::thread::Builder::new().name("mt-rebuild".to_owned()).spawn(run);
        let thread = thread.map_err(|_| RebuildRefused::Unavailable { why: "no thread can be started" })?;
        *status = Some(RebuildStatus::begun(check, shared.current().size));
        *locked(&rebuilder.thread) = Some(thread);
        Ok(())
    }

    fn change(&self, change: impl FnOnce(&mut RebuildStatus)) {
        if let Some(status) = locked(&self.status).as_mut() {
            change(status);
        }
    }

    fn end(&self, done: Result<(), ViewsError>) {
        self.change(|status| match done {
            Ok(()) => status.phase = Phase::Done,
            Err(error) => {
                tracing::error!(%error, "the views could not be rebuilt; those in use stay");
                status.phase = Phase::Failed;
                status.error = Some(error.to_string());
            }
        });
    }
}

/// Folds anew beside the projector, and lets it take the outcome over.
fn rebuild(shared: &Arc<Shared>, home: &Home, check: bool) -> Result<(), ViewsError> {
    let rebuilder = &shared.rebuilder;
    let mut watch = |phase, folded, of| {
        rebuilder.change(|status| (status.phase, status.folded, status.of) = (phase, folded, of));
        may_go_on(&shared.ledger, &shared.stop)
    };
    let fresh = Fresh::new(home)?;
    let comparison = fresh.compare(&shared.ledger, shared.current().rocks.as_deref(), &mut watch)?;
    log(&comparison);
    rebuilder.change(|status| status.comparison = Some(comparison));
    if check {
        return Ok(());
    }
    // The projector folds what is left, so that little should be.
    fresh.fold(&shared.ledger, shared.ledger.head().size, Phase::CatchingUp, &mut watch)?;
    let (reply, answer) = sync_channel(1);
    {
        let mut slot = locked(&rebuilder.offer);
        // Under the lock: a projector that ends takes back what is here after it was told to stop.
        if shared.stopping() {
            return Err(ViewsError::Stopped);
        }
        *slot = Some(Offer { fresh, reply });
    }
    shared.call();
    answer_of(&answer, shared)
}

fn answer_of(answer: &Receiver<Result<(), ViewsError>>, shared: &Shared) -> Result<(), ViewsError> {
    loop {
        match answer.recv_timeout(LOOK) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Timeout) if !shared.stopping() => {}
            Err(_) => return Err(ViewsError::Stopped),
        }
    }
}

fn log(comparison: &Comparison) {
    let Comparison { size, incremental, unreadable, rebuilt } = comparison;
    if comparison.holds() {
        tracing::info!(size, rebuilt, "the views were folded anew");
    } else {
        tracing::error!(size, incremental, unreadable, rebuilt, "the views folded anew differ from those in use");
    }
}

/// Folds the views of a ledger anew that no daemon serves; `check`: only compares. `watch` is told how it stands.
///
/// # Errors
/// Another process has the ledger, or the log or the views can't be read or written; then the views in use stayed.
pub fn rebuild_in_place(
    data: &Data,
    check: bool,
    watch: &mut dyn FnMut(&RebuildStatus),
) -> Result<RebuildStatus, RebuildError> {
    let ledger = open_alone(data)?;
    let home = Home::new(data.views());
    let old = home.open(&ledger)?;
    let mut status = RebuildStatus::begun(check, ledger.head().size);
    let mut tell = |phase, folded, of| {
        (status.phase, status.folded, status.of) = (phase, folded, of);
        watch(&status);
        Ok(())
    };
    let fresh = Fresh::new(&home)?;
    let comparison = fresh.compare(&ledger, Some(&old), &mut tell)?;
    if !check {
        let size = ledger.head().size;
        fresh.fold(&ledger, size, Phase::CatchingUp, &mut tell)?;
        fresh.take_over(&ledger, &home, size, &AtomicBool::new(false))?;
        old.doom();
    }
    status.comparison = Some(comparison);
    status.phase = Phase::Done;
    Ok(status)
}

/// Why views could not be folded anew in place.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The ledger can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The views can't be had.
    #[error(transparent)]
    Views(#[from] ViewsError),
}
