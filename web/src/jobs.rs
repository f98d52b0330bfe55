//! Bundles that are made for somebody who looks on: each has a page that says how far it is, can be stopped, and keeps what came of it for a while.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use actix_web::web::{self, Data};
use modeltrail_core::bundle::export::Request;
use modeltrail_store::Appender;
use modeltrail_tlog::tree::TreeSize;

use crate::clock::{self, Duration, Instant};
use crate::errors::WebError;
use crate::exports;
use crate::state::AppState;

/// Bundles that are under way or kept at one time: each finished one is a file on the scratch disk.
const MAX_KEPT: usize = 16;
/// How long a finished bundle is kept. That it was made is an entry; the file can be made again.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(60 * 60);

/// How far a bundle is: written by who makes it, read by who looks on.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    turn: AtomicBool,
    done: AtomicU64,
    all: AtomicU64,
    stopped: AtomicBool,
}

impl Progress {
    /// Its turn has come: few are made at one time.
    fn take_turn(&self) {
        self.turn.store(true, Ordering::Relaxed);
    }

    /// Whether it waits until others are made.
    pub(crate) fn waits(&self) -> bool {
        !self.turn.load(Ordering::Relaxed)
    }

    /// It is known now how many records are read in all.
    pub(crate) fn begin(&self, all: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.all.store(all, Ordering::Relaxed);
    }

    /// One record more.
    pub(crate) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks whoever makes it to stop.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Records read, and all there are; `None` while they are still being found.
    pub(crate) fn so_far(&self) -> Option<(u64, u64)> {
        let all = self.all.load(Ordering::Relaxed);
        (all > 0).then(|| (self.done.load(Ordering::Relaxed).min(all), all))
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum End {
    /// The bundle.
    Made {
        /// Without a name on the disk: it is gone with the process.
        file: Arc<File>,
        /// Its size.
        bytes: u64,
        /// The export's own id.
        id: String,
        /// The manifest's digest.
        digest: String,
        /// The entry that says that it was made.
        entry: u64,
    },
    /// It can't be made.
    Failed {
        /// Why.
        why: String,
    },
    /// Somebody stopped it; no entry says that it was made.
    Stopped,
}

/// One bundle.
#[derive(Debug)]
pub(crate) struct Job {
    /// Random: only who asked for it knows its page.
    pub(crate) id: String,
    /// What was asked for.
    pub(crate) wanted: Request,
    /// The version whose dossier goes along.
    pub(crate) dossier: Option<String>,
    /// How far it is.
    pub(crate) progress: Progress,
    begun: Instant,
    end: OnceLock<(End, Duration)>,
}

impl Job {
    /// What came of it, and how long it took; `None` while it is under way.
    pub(crate) fn end(&self) -> Option<&(End, Duration)> {
        self.end.get()
    }

    /// The time since it was asked for.
    pub(crate) fn age(&self) -> Duration {
        clock::now().saturating_duration_since(self.begun)
    }

    fn finish(&self, end: End) {
        // The first end stays.
        let _ = self.end.set((end, self.age()));
    }
}

/// Those under way and those kept, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<VecDeque<Arc<Job>>>);

impl Jobs {
    /// The one with this id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Job>> {
        self.held().iter().find(|job| job.id == id).cloned()
    }

    // A panic inside leaves a whole list.
    fn held(&self) -> MutexGuard<'_, VecDeque<Arc<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room, oldest finished first; what is under way stays.
    fn add(&self, job: Arc<Job>) -> Result<(), WebError> {
        let mut held = self.held();
        held.retain(|job| job.end().is_none() || job.age() < KEPT_FOR);
        if held.len() >= MAX_KEPT {
            let oldest = held.iter().position(|job| job.end().is_some());
            held.remove(oldest.ok_or(WebError::ExportsFull { limit: MAX_KEPT })?);
        }
        held.push_back(job);
        Ok(())
    }
}

/// Begins to make a bundle, and gives its job at once.
pub(crate) fn start(state: &Data<AppState>, subject: &str, as_of: u64, dossier: bool) -> Result<Arc<Job>, WebError> {
    let wanted = exports::wanted([subject], Some(TreeSize::new(as_of)))?;
    let dossier = dossier.then(|| exports::version_of(&wanted.subjects)).transpose()?;
    // What can't be recorded is not begun.
    state.writable()?;
    let id = hex::encode(Appender::salt());
    let begun = clock::now();
    let job = Arc::new(Job { id, wanted, dossier, progress: Progress::default(), begun, end: OnceLock::new() });
    state.jobs.add(Arc::clone(&job))?;
    let (state, mine) = (state.clone(), Arc::clone(&job));
    actix_web::rt::spawn(async move {
        let turn = Arc::clone(&state.exports).acquire_owned().await;
        let work = Arc::clone(&mine);
        let ended = web::block(move || {
            let _turn = turn;
            run(&state, &work)
        });
        mine.finish(ended.await.unwrap_or_else(|_| End::Failed { why: "making it broke off".to_owned() }));
    });
    Ok(job)
}

fn run(state: &AppState, job: &Job) -> End {
    if job.progress.stopped() {
        return End::Stopped;
    }
    job.progress.take_turn();
    match exports::make(state, &job.wanted, job.dossier.as_deref(), &job.progress) {
        Ok(made) => End::Made {
            file: Arc::new(made.file),
            bytes: made.bytes,
            id: made.id,
            digest: made.digest,
            entry: made.entry,
        },
        Err(_) if job.progress.stopped() => End::Stopped,
        Err(error) => {
            tracing::warn!(%error, "a bundle can't be made");
            End::Failed { why: error.to_string() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: usize, ended: bool) -> Arc<Job> {
        let wanted = Request { subjects: std::collections::BTreeSet::new(), as_of: None };
        let job = Job {
            id: id.to_string(),
            wanted,
            dossier: None,
            progress: Progress::default(),
            begun: clock::now(),
            end: OnceLock::new(),
        };
        if ended {
            job.finish(End::Stopped);
        }
        Arc::new(job)
    }

    #[test]
    fn room_is_made_by_the_oldest_that_ended_and_by_none_under_way() {
        let jobs = Jobs::default();
        for id in 0..MAX_KEPT {
            jobs.add(job(id, id == 3 || id == 5)).unwrap();
        }
        jobs.add(job(100, false)).unwrap();
        assert!(jobs.find("3").is_none() && jobs.find("5").is_some());
        jobs.add(job(101, false)).unwrap();
        assert!(jobs.find("5").is_none());
        assert!(matches!(jobs.add(job(102, false)), Err(WebError::ExportsFull { limit: MAX_KEPT })));
        assert!(jobs.find("0").is_some() && jobs.find("102").is_none());
    }

    #[test]
    fn progress_is_told_from_when_it_is_known() {
        let progress = Progress::default();
        assert!(progress.waits());
        progress.take_turn();
        assert!(!progress.waits());
        progress.step();
        assert_eq!(progress.so_far(), None);
        progress.begin(2);
        assert_eq!(progress.so_far(), Some((0, 2)));
        (0..3).for_each(|_| progress.step());
        assert_eq!(progress.so_far(), Some((2, 2)));
    }
}
