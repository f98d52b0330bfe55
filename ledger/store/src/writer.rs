//! The one writer: a queue in front, one thread that decides and builds, one that syncs.
//!
//! The disk is never waited for on a timer: whenever the last sync ends, what was built meanwhile is sealed. While one batch is being written the next is being built.
//! Order of durability: admit (numbered, linked, in the overlay) → seal (signed, one synced write) → publish (readers see it) → reply. A crash before the write loses only what was never
//! acknowledged; a crash after it leaves entries that their producers may send again, and get as duplicates.

mod act;
mod queue;
mod sequence;
mod sync;

use std::sync::Arc;
use std::thread::JoinHandle;

use modeltrail_core::prepared::Prepared;
use modeltrail_core::sequencer::{Outcome, PartitionId, Sequencer};
use modeltrail_core::types::Salt;

pub use act::Act;

use crate::error::AppendError;
use crate::headfile::HeadFile;
use crate::ledger::{Ledger, WriterStatus};
use crate::rocks::RocksStore;
use queue::{Job, Queue, Task};
use sync::Syncer;

/// What an append gives once it is durable.
#[derive(Debug, Clone)]
pub struct Appended {
    /// What became of it.
    pub outcome: Outcome,
    /// The size of a checkpoint that covers it (for a duplicate, that covers the first).
    pub size: u64,
    /// That checkpoint.
    pub checkpoint: Arc<str>,
}

/// Takes an answer, on a thread of the writer: it must be short.
pub type Reply<T> = Box<dyn FnOnce(Result<T, AppendError>) + Send>;

/// One step of a Kafka partition, in order.
#[derive(Debug)]
pub enum KafkaItem {
    /// A record.
    Record {
        /// Source and partition.
        partition: PartitionId,
        /// Its position.
        offset: u64,
        /// The leader epoch, −1 when unknown.
        leader_epoch: i32,
        /// The record.
        record: Box<Prepared>,
    },
    /// The partition's end was seen: nothing comes before `end` any more.
    End {
        /// Source and partition.
        partition: PartitionId,
        /// The next position to be read.
        end: u64,
    },
}

/// What the writer did so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriterMetrics {
    /// Seals written.
    pub seals: u64,
    /// Entries written.
    pub entries: u64,
    /// Microseconds spent in synced writes.
    pub sync_micros: u64,
    /// Bytes that wait in the HTTP lane.
    pub http_bytes: usize,
    /// Bytes that wait in the Kafka lane.
    pub kafka_bytes: usize,
}

/// A handle to the writer. Cheap to clone.
#[derive(Clone)]
pub struct Appender {
    queue: Arc<Queue>,
    ledger: Arc<Ledger>,
}

impl Appender {
    /// Appends a record that came over HTTP. `reply` is called once: when the entry (or its first, for a duplicate) is durable, or can't become so.
    pub fn append(&self, record: Prepared, producer: String, reply: Reply<Appended>) {
        match self.refusal() {
            Some(refusal) => reply(Err(refusal)),
            None => self.queue.push_http(Job { record, producer, reply }),
        }
    }

    /// Hands over steps of Kafka partitions; waits while the lane is over its byte bound.
    ///
    /// # Errors
    /// The writer writes no more. What was handed over before may still become durable; its positions tell.
    pub fn kafka(&self, items: Vec<KafkaItem>) -> Result<(), AppendError> {
        self.final_refusal().map_or(Ok(()), Err)?;
        self.queue.push_kafka_waiting(items)
    }

    /// As [`Appender::kafka`], but gives the items back at once when the lane is full.
    ///
    /// # Errors
    /// The lane is full ([`AppendError::QueueFull`]) or the writer writes no more.
    pub fn try_kafka(&self, items: Vec<KafkaItem>) -> Result<(), (Vec<KafkaItem>, AppendError)> {
        match self.final_refusal() {
            Some(refusal) => Err((items, refusal)),
            None => self.queue.push_kafka(items),
        }
    }

    /// Bytes that still fit the Kafka lane.
    #[must_use]
    pub fn kafka_room(&self) -> usize {
        self.queue.kafka_room()
    }

    /// Does an act of the ledger's own. `reply` is called once, when it is durable or can't become so.
    pub fn act(&self, act: Act, reply: Reply<Appended>) {
        match self.refusal() {
            Some(refusal) => reply(Err(refusal)),
            None => self.queue.push_task(Task { act, reply }),
        }
    }

    /// Does an act and waits for it.
    ///
    /// # Errors
    /// It can't be done, or the writer writes no more.
    pub fn act_blocking(&self, act: Act) -> Result<Appended, AppendError> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let reply = move |answer| {
            // Nobody waits any more: then nobody needs the answer.
            let _ = sender.send(answer);
        };
        self.act(act, Box::new(reply));
        receiver.recv().unwrap_or(Err(AppendError::Stopped))
    }

    /// 16 fresh random bytes from the operating system.
    #[must_use]
    pub fn salt() -> Salt {
        crate::open::salt()
    }

    /// The ledger that it writes to.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// What the writer did so far.
    #[must_use]
    pub fn metrics(&self) -> WriterMetrics {
        self.queue.metrics()
    }

    fn refusal(&self) -> Option<AppendError> {
        match self.ledger.status() {
            WriterStatus::Paused { free_bytes, needed_bytes } => Some(AppendError::Paused { free_bytes, needed_bytes }),
            _ => self.final_refusal(),
        }
    }

    fn final_refusal(&self) -> Option<AppendError> {
        match self.ledger.status() {
            WriterStatus::Poisoned { cause } => Some(AppendError::Poisoned { cause }),
            WriterStatus::ReadOnly { why } => Some(AppendError::ReadOnly { why }),
            WriterStatus::Stopped => Some(AppendError::Stopped),
            WriterStatus::Running | WriterStatus::Paused { .. } => None,
        }
    }
}

/// Tells the head file's thread when nothing newer will be published.
pub(crate) trait EndSignal {
    /// Waits up to `time`; whether the end came.
    fn wait(&self, time: std::time::Duration) -> bool;
}

impl EndSignal for Queue {
    fn wait(&self, time: std::time::Duration) -> bool {
        self.wait_ended(time)
    }
}

/// The writer's threads. Dropping it does not stop them; [`Writer::stop`] does.
pub struct Writer {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
    ledger: Arc<Ledger>,
}

impl Writer {
    pub(crate) fn start(
        sequencer: Sequencer<RocksStore>,
        ledger: &Arc<Ledger>,
        head_file: HeadFile,
        reserve_bytes: u64,
    ) -> (Appender, Self) {
        let queue = Arc::new(Queue::default());
        let (batches, to_sync) = std::sync::mpsc::sync_channel(1);
        let syncer = Syncer::new(Arc::clone(ledger), Arc::clone(&queue));
        let sequence =
            sequence::Sequence::new(sequencer, Arc::clone(ledger), Arc::clone(&queue), batches, reserve_bytes);
        let threads = vec![
            spawn("sequencer", move || sequence.run()),
            spawn("syncer", move || syncer.run(&to_sync)),
            spawn("head-file", {
                let (ledger, queue) = (Arc::clone(ledger), Arc::clone(&queue));
                move || head_file.run(&ledger, queue.as_ref())
            }),
        ];
        let appender = Appender { queue: Arc::clone(&queue), ledger: Arc::clone(ledger) };
        (appender, Self { queue, threads, ledger: Arc::clone(ledger) })
    }

    /// Seals what was taken so far, writes the head file and ends the threads. What still waits is refused.
    pub fn stop(self) {
        self.queue.close();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the writer panicked");
            }
        }
        self.ledger.set_status(WriterStatus::Stopped);
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let builder = std::thread::Builder::new().name(format!("mt-{name}"));
    builder.spawn(run).expect("a thread can be started while the daemon starts")
}
