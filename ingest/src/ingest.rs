//! All sources together: started, shown, commanded, stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use modeltrail_store::Act;

use crate::config::IngestConfig;
use crate::error::IngestError;
use crate::letters::{self, Letters};
use crate::prober;
use crate::reader::{Board, Command, Note, Parts, Reader, RebaseTo};
use crate::sink::Sink;
use crate::status::SourceStatus;
use crate::timing::{Duration, now};

/// A stop takes at most this long; a thread that is stuck in librdkafka beyond it is left behind.
const STOP: Duration = Duration::from_millis(4_500);
/// A rebase waits for a check by the broker and a seal.
const REBASE: Duration = Duration::from_secs(30);
/// How long the closing of sources that are no longer configured may take at start.
const CLOSE: Duration = Duration::from_secs(30);

struct Cluster {
    sources: Vec<String>,
    notes: Sender<Note>,
    board: Board,
}

/// The running sources. Dropped, it stops as [`Ingest::shutdown`] does.
pub struct Ingest {
    clusters: Vec<Cluster>,
    /// By source.
    letters: BTreeMap<String, letters::Board>,
    /// Kept alive by the threads alone: after a stop the ledger can be closed, whoever still asks how the sources stood.
    sink: Weak<dyn Sink>,
    stop: Arc<AtomicBool>,
    /// Dropped at a stop, which wakes whoever waits at the other ends.
    ends: Mutex<Vec<Sender<()>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Ingest {
    /// Closes sources that are no longer configured, and starts a reading and an asking thread for each cluster, and one for each source that copies
    /// what it sets aside. Brokers need not be there yet.
    ///
    /// # Errors
    /// The configuration is faulty, librdkafka refuses a property, the ledger can't answer, or a thread can't be started.
    pub fn start(config: &IngestConfig, sink: &Arc<dyn Sink>) -> Result<Self, IngestError> {
        config.check()?;
        close_removed(config, sink.as_ref())?;
        let group = config.group_for(sink.origin());
        let mut ingest = Self {
            clusters: Vec::new(),
            letters: BTreeMap::new(),
            sink: Arc::downgrade(sink),
            stop: Arc::new(AtomicBool::new(false)),
            ends: Mutex::new(Vec::new()),
            threads: Mutex::new(Vec::new()),
        };
        for (properties, sources) in config.clusters() {
            let (jobs, asked) = mpsc::channel();
            let (notes, noted) = mpsc::channel();
            let board = Board::default();
            let names = sources.iter().map(|source| source.name.clone()).collect();
            let parts = Parts {
                properties,
                group: group.clone(),
                sources,
                config: config.clone(),
                sink: Arc::clone(sink),
                jobs,
                notes: noted,
                board: Arc::clone(&board),
                stop: Arc::clone(&ingest.stop),
            };
            let reader = Reader::new(parts)?;
            let (sink, stop, answers) = (Arc::clone(sink), Arc::clone(&ingest.stop), notes.clone());
            ingest.spawn("modeltrail-kafka-ask", move || prober::run(&asked, &answers, sink.as_ref(), &stop))?;
            ingest.spawn("modeltrail-kafka-read", move || reader.run())?;
            ingest.clusters.push(Cluster { sources: names, notes, board });
        }
        for source in &config.sources {
            let Some(topic) = &source.dead_letter_topic else { continue };
            let (end, ended) = mpsc::channel();
            let letters = Letters::new(source, topic, sink, &ingest.stop, ended)?;
            ingest.letters.insert(source.name.clone(), letters.board());
            ingest.ends.lock().unwrap_or_else(PoisonError::into_inner).push(end);
            ingest.spawn("modeltrail-dead-letter", move || letters.run())?;
        }
        Ok(ingest)
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), IngestError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        let thread =
            thread.map_err(|error| IngestError::Thread { name: name.to_owned(), detail: error.to_string() })?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// How the sources stand, in the order of configuration within each cluster; at most a quarter of a second old while the readers work.
    #[must_use]
    pub fn status(&self) -> Vec<SourceStatus> {
        let boards = self.clusters.iter().map(|cluster| &cluster.board);
        let mut all: Vec<SourceStatus> =
            boards.flat_map(|board| board.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect();
        for status in &mut all {
            status.dead_letters = self.letters.get(&status.source).map(|board| {
                let mut letters = board.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // Counted against the log as it is now: what the copying thread saw last may be from before the last entries came.
                letters.behind = self.sink.upgrade().map(|sink| sink.size().saturating_sub(letters.next));
                letters
            });
        }
        all
    }

    /// Goes on with a partition, halted or not, at another position, as a new generation. Gives the index of the entry that says so.
    ///
    /// # Errors
    /// There is no such source or partition, the broker or the writer does not answer, or the position isn't there.
    pub fn rebase(&self, source: &str, partition: u32, to: RebaseTo) -> Result<u64, IngestError> {
        let refuse =
            |fault: &str| IngestError::Partition { source_name: source.to_owned(), partition, fault: fault.to_owned() };
        let cluster = self
            .clusters
            .iter()
            .find(|cluster| cluster.sources.iter().any(|name| name == source))
            .ok_or_else(|| refuse("is not configured"))?;
        let (reply, answer) = mpsc::sync_channel(1);
        let stopped = |_| IngestError::Stopped { detail: "a rebase" };
        cluster
            .notes
            .send(Note::Command(Command { source: source.to_owned(), partition, to, reply }))
            .map_err(|_| IngestError::Stopped { detail: "a rebase" })?;
        answer.recv_timeout(REBASE).map_err(stopped)?
    }

    /// Stops reading and waits for the threads, under five seconds. What the writer did not take is read again after the next start.
    pub fn shutdown(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let deadline = now() + STOP;
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // Joined by another thread, since a join has no time limit of its own.
        let (done, ended) = mpsc::channel();
        let joiner = std::thread::Builder::new().name("modeltrail-kafka-stop".to_owned()).spawn(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a Kafka thread panicked");
                }
            }
            // Nobody listens any more when the time was up.
            if done.send(()).is_err() {
                tracing::debug!("the Kafka threads ended late");
            }
        });
        let in_time = joiner.is_ok() && ended.recv_timeout(deadline.saturating_duration_since(now())).is_ok();
        if !in_time {
            tracing::warn!("a Kafka thread does not end and is left behind");
        }
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        let running = !self.threads.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        if running {
            self.shutdown();
        }
    }
}

/// The ledger's open sources that the configuration doesn't name any more get their `source.closed`.
fn close_removed(config: &IngestConfig, sink: &dyn Sink) -> Result<(), IngestError> {
    let ledger = |detail: String| IngestError::Ledger { detail };
    let rows = sink.positions().map_err(ledger)?;
    let open: BTreeSet<String> = rows.into_iter().filter(|row| !row.closed).map(|row| row.source).collect();
    for source in open {
        if config.sources.iter().any(|configured| configured.name == source) {
            continue;
        }
        let answer = sink.act(Act::CloseSource { source: source.clone() });
        let done = answer
            .recv_timeout(CLOSE)
            .map_err(|_| ledger(format!("source {source:?} could not be closed: the writer does not answer")))?;
        done.map_err(|error| ledger(format!("source {source:?} could not be closed: {error}")))?;
        tracing::info!(source, "source closed: it is no longer configured");
    }
    Ok(())
}
