//! The thread that decides and builds.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use modeltrail_core::keys::KeyBook;
use modeltrail_core::sequencer::{Arrival, LedgerKey, Outcome, Sequencer, SequencerError};
use modeltrail_core::store::SealBatch;
use modeltrail_tlog::note::SignerKey;
use modeltrail_tlog::tree::Edge;

use super::queue::{AtHand, Job, Queue, Step, Task, Work};
use super::{Appended, KafkaItem, Reply};
use crate::clock;
use crate::error::AppendError;
use crate::failpoint;
use crate::ledger::{Ledger, WriterStatus};
use crate::rocks::RocksStore;

/// How often free disk is looked at.
const DISK_EVERY: Duration = Duration::from_millis(250);

/// A closed batch with everything that is published once it is durable.
pub(super) struct Sealed {
    pub(super) batch: SealBatch,
    pub(super) edge: Arc<Edge>,
    pub(super) book: Arc<KeyBook>,
    pub(super) keys: Arc<Vec<LedgerKey>>,
    pub(super) signer: Arc<SignerKey>,
    pub(super) replies: Vec<Waiting>,
    /// The checkpoint leaves the process with an answer.
    pub(super) keep: bool,
}

/// An answer that waits for a tree of at least `need` entries to be durable.
pub(super) struct Waiting {
    pub(super) need: u64,
    pub(super) outcome: Outcome,
    pub(super) reply: Reply<Appended>,
}

pub(super) struct Sequence {
    sequencer: Sequencer<RocksStore>,
    ledger: Arc<Ledger>,
    queue: Arc<Queue>,
    batches: SyncSender<Sealed>,
    reserve_bytes: u64,
    replies: Vec<Waiting>,
    book: Arc<KeyBook>,
    keys: Arc<Vec<LedgerKey>>,
    keys_changed: bool,
    disk_seen: Option<Instant>,
}

impl Sequence {
    pub(super) fn new(
        sequencer: Sequencer<RocksStore>,
        ledger: Arc<Ledger>,
        queue: Arc<Queue>,
        batches: SyncSender<Sealed>,
        reserve_bytes: u64,
    ) -> Self {
        let (book, keys) = (ledger.key_book(), ledger.keys());
        Self {
            sequencer,
            ledger,
            queue,
            batches,
            reserve_bytes,
            replies: Vec::new(),
            book,
            keys,
            keys_changed: true,
            disk_seen: None,
        }
    }

    pub(super) fn run(mut self) {
        if let Err(error) = self.work() {
            self.ledger.poison(error.to_string());
        }
        let refusal = match self.ledger.status() {
            WriterStatus::Poisoned { cause } => AppendError::Poisoned { cause },
            _ => AppendError::Stopped,
        };
        self.queue.close();
        self.queue.refuse_all(&refusal);
        self.replies.drain(..).for_each(|waiting| (waiting.reply)(Err(refusal.clone())));
    }

    fn work(&mut self) -> Result<(), AppendError> {
        loop {
            if let WriterStatus::Poisoned { cause } = self.ledger.status() {
                return Err(AppendError::Poisoned { cause });
            }
            let hold = self.paused();
            let at_hand = AtHand {
                pending: self.sequencer.pending(),
                full: self.sequencer.full(),
                awaited: !self.replies.is_empty(),
            };
            let work = self.queue.next(at_hand, hold);
            self.sequencer.synced(self.queue.synced());
            match work {
                Work::Take { tasks, jobs, kafka } => self.take(tasks, jobs, kafka)?,
                Work::Seal => self.seal()?,
                Work::Tick => {
                    self.sequencer.flush_positions(false)?;
                    self.settle_replies()?;
                }
                Work::Stop if self.sequencer.positions_wait() => self.sequencer.flush_positions(true)?,
                Work::Stop => return Ok(()),
            }
        }
    }

    fn take(&mut self, tasks: Vec<Task>, jobs: Vec<Job>, kafka: Vec<Step>) -> Result<(), AppendError> {
        for task in tasks {
            self.act(task)?;
        }
        for Job { record, producer, reply } in jobs {
            let outcome = self.sequencer.admit(record, &Arrival::Http { producer })?;
            self.wait(outcome, reply);
        }
        for step in kafka {
            match step {
                Step::Item(item) => self.kafka(item)?,
                Step::Act(task) => self.act(task)?,
            }
        }
        if self.sequencer.positions_wait() {
            self.sequencer.flush_positions(false)?;
        }
        failpoint::hit("writer.admitted");
        Ok(())
    }

    fn act(&mut self, Task { act, reply }: Task) -> Result<(), AppendError> {
        match act.run(&mut self.sequencer) {
            Ok(index) => {
                self.keys_changed = true;
                self.replies.push(Waiting {
                    need: index.get() + 1,
                    outcome: Outcome::Entry { index, quarantine: None, conflict_of: None },
                    reply,
                });
                // A rotation is the last entry of its seal.
                if self.sequencer.full() { self.seal() } else { Ok(()) }
            }
            Err(error) => {
                let fatal = matches!(error, SequencerError::Store(_) | SequencerError::Contradiction { .. });
                reply(Err(error.clone().into()));
                if fatal { Err(error.into()) } else { Ok(()) }
            }
        }
    }

    fn kafka(&mut self, item: KafkaItem) -> Result<(), AppendError> {
        let done = match item {
            KafkaItem::Record { partition, offset, leader_epoch, record } => {
                self.sequencer.admit(*record, &Arrival::Kafka { partition, offset, leader_epoch }).map(drop)
            }
            KafkaItem::End { partition, end } => self.sequencer.cover_end(&partition, end),
        };
        match done {
            // The partition was halted, closed or re-based while this was on its way: it will be read again, or must not be.
            Err(SequencerError::Partition { source_name, partition, fault }) => {
                tracing::debug!(
                    source = source_name,
                    partition,
                    fault,
                    "dropped a step of a partition that is not open"
                );
                Ok(())
            }
            other => other.map_err(AppendError::from),
        }
    }

    /// The answer waits until the entry, or for a duplicate the first, is durable.
    fn wait(&mut self, outcome: Outcome, reply: Reply<Appended>) {
        let need = match &outcome {
            Outcome::Entry { index, .. } => index.get() + 1,
            Outcome::Duplicate { of, .. } => of.get() + 1,
            Outcome::Covered => 0,
        };
        self.replies.push(Waiting { need, outcome, reply });
    }

    /// Answers that no open batch will settle: duplicates of what is durable already.
    fn settle_replies(&mut self) -> Result<(), AppendError> {
        if self.replies.is_empty() || self.sequencer.pending() > 0 {
            return Ok(());
        }
        let head = self.ledger.published();
        let (ready, rest): (Vec<_>, Vec<_>) = self.replies.drain(..).partition(|waiting| waiting.need <= head.size);
        self.replies = rest;
        for Waiting { outcome, reply, .. } in ready {
            reply(Ok(Appended { outcome, size: head.size, checkpoint: Arc::clone(&head.note) }));
        }
        Ok(())
    }

    fn seal(&mut self) -> Result<(), AppendError> {
        let Some(mut batch) = self.sequencer.finish() else { return Ok(()) };
        batch.drop_checkpoints = self.ledger.take_prune();
        if std::mem::take(&mut self.keys_changed) {
            self.book = Arc::new(self.sequencer.key_book().clone());
        }
        let signer = Arc::clone(self.sequencer.signer());
        if self.keys.last().is_none_or(|newest| newest.key != *signer.verifier()) {
            let mut keys = self.keys.to_vec();
            keys.push(LedgerKey { from: batch.size, key: signer.verifier().clone() });
            self.keys = Arc::new(keys);
        }
        let keep = batch.keep_checkpoint || !self.replies.is_empty();
        let sealed = Sealed {
            edge: Arc::new(self.sequencer.edge().clone()),
            book: Arc::clone(&self.book),
            keys: Arc::clone(&self.keys),
            signer,
            replies: std::mem::take(&mut self.replies),
            keep,
            batch,
        };
        self.queue.sync_started();
        self.batches.send(sealed).map_err(|_| AppendError::Stopped)
    }

    /// Whether the disk is so full that nothing more should be taken in. What is at hand is still sealed: the reserve is for that.
    fn paused(&mut self) -> bool {
        if self.disk_seen.is_some_and(|seen| seen.elapsed() < DISK_EVERY) {
            return matches!(self.ledger.status(), WriterStatus::Paused { .. });
        }
        self.disk_seen = Some(clock::now());
        let free_bytes = free_bytes(self.ledger.store().path());
        let paused = free_bytes < self.reserve_bytes;
        let was = matches!(self.ledger.status(), WriterStatus::Paused { .. });
        if paused {
            let needed_bytes = self.reserve_bytes;
            self.ledger.set_status(WriterStatus::Paused { free_bytes, needed_bytes });
            self.queue.refuse_http(&AppendError::Paused { free_bytes, needed_bytes });
            if !was {
                tracing::warn!(free_bytes, needed_bytes, "writes pause: the data disk is nearly full");
            }
        } else if was {
            self.ledger.set_status(WriterStatus::Running);
            tracing::info!(free_bytes, "writes go on: the data disk has room again");
        }
        paused
    }
}

/// Free bytes on the disk under `path`. A disk that can't be asked is taken as free: the write itself will tell.
fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}
