//! What waits for the writer: acts, then HTTP, then Kafka. Both record lanes are bounded in bytes.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use modeltrail_core::prepared::Prepared;

use super::act::Act;
use super::{Appended, KafkaItem, Reply, WriterMetrics};
use crate::error::AppendError;

/// Bytes of records that wait at most in the HTTP lane; beyond, producers are told to come again.
const HTTP_LANE_BYTES: usize = 64 << 20;
/// Bytes of records that wait at most in the Kafka lane; beyond, partitions are paused.
const KAFKA_LANE_BYTES: usize = 16 << 20;
/// What an item takes besides its record.
const ITEM_BYTES: usize = 512;

pub(super) struct Job {
    pub(super) record: Prepared,
    pub(super) producer: String,
    pub(super) reply: Reply<Appended>,
}

pub(super) struct Task {
    pub(super) act: Act,
    pub(super) reply: Reply<Appended>,
}

/// A step of the Kafka lane. Acts about sources keep their place among the records before and behind them.
pub(super) enum Step {
    Item(KafkaItem),
    Act(Task),
}

/// What the sequencer gets to do next.
pub(super) enum Work {
    /// Take these in.
    Take { tasks: Vec<Task>, jobs: Vec<Job>, kafka: Vec<Step> },
    /// The disk is free: close the batch.
    Seal,
    /// Nothing came for a while: look after what waits on time.
    Tick,
    /// Everything was taken and the queue is closed.
    Stop,
}

/// What the sequencer has at hand when it asks for work.
#[derive(Clone, Copy)]
pub(super) struct AtHand {
    /// Entries in the open batch.
    pub(super) pending: usize,
    /// The batch is full.
    pub(super) full: bool,
    /// Somebody waits for an answer from the open batch.
    pub(super) awaited: bool,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    http: VecDeque<Job>,
    http_bytes: usize,
    kafka: VecDeque<Step>,
    kafka_bytes: usize,
    closed: bool,
    /// A batch is being written.
    syncing: bool,
    synced: u64,
    /// The sequencer and the syncer are done.
    ended: bool,
    metrics: WriterMetrics,
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Work came, or the disk became free.
    wake: Condvar,
    /// The Kafka lane has room again.
    room: Condvar,
    /// The end, for the head file's thread.
    end: Condvar,
}

/// Records taken in one go: few enough that the disk, once free, is not kept waiting for long.
const TAKE: usize = 256;

fn step_bytes(step: &Step) -> usize {
    match step {
        Step::Item(KafkaItem::Record { record, .. }) => record.opening.len() + ITEM_BYTES,
        Step::Item(KafkaItem::End { .. }) | Step::Act(_) => ITEM_BYTES,
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock but allocation; the state stays whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push_http(&self, job: Job) {
        let bytes = job.record.opening.len() + ITEM_BYTES;
        let refusal = {
            let mut state = self.state();
            if state.closed {
                AppendError::Stopped
            } else if state.http_bytes + bytes > HTTP_LANE_BYTES {
                AppendError::QueueFull
            } else {
                state.http_bytes += bytes;
                state.http.push_back(job);
                self.wake.notify_one();
                return;
            }
        };
        (job.reply)(Err(refusal));
    }

    pub(super) fn push_task(&self, task: Task) {
        let mut state = self.state();
        if state.closed {
            drop(state);
            (task.reply)(Err(AppendError::Stopped));
            return;
        }
        if task.act.is_about_a_source() {
            state.kafka_bytes += ITEM_BYTES;
            state.kafka.push_back(Step::Act(task));
        } else {
            state.tasks.push_back(task);
        }
        self.wake.notify_one();
    }

    pub(super) fn push_kafka(&self, items: Vec<KafkaItem>) -> Result<(), (Vec<KafkaItem>, AppendError)> {
        let mut state = self.state();
        if state.closed {
            return Err((items, AppendError::Stopped));
        }
        // One batch over the bound is let in, so that a batch larger than the bound is not stuck for ever.
        if state.kafka_bytes >= KAFKA_LANE_BYTES {
            return Err((items, AppendError::QueueFull));
        }
        for item in items {
            let step = Step::Item(item);
            state.kafka_bytes += step_bytes(&step);
            state.kafka.push_back(step);
        }
        self.wake.notify_one();
        Ok(())
    }

    pub(super) fn push_kafka_waiting(&self, mut items: Vec<KafkaItem>) -> Result<(), AppendError> {
        loop {
            match self.push_kafka(items) {
                Ok(()) => return Ok(()),
                Err((back, AppendError::QueueFull)) => {
                    items = back;
                    let state = self.state();
                    if state.kafka_bytes >= KAFKA_LANE_BYTES && !state.closed {
                        drop(self.room.wait_timeout(state, Duration::from_millis(200)));
                    }
                }
                Err((_, refusal)) => return Err(refusal),
            }
        }
    }

    pub(super) fn kafka_room(&self) -> usize {
        KAFKA_LANE_BYTES.saturating_sub(self.state().kafka_bytes)
    }

    pub(super) fn metrics(&self) -> WriterMetrics {
        let state = self.state();
        WriterMetrics { http_bytes: state.http_bytes, kafka_bytes: state.kafka_bytes, ..state.metrics }
    }

    /// Closes the queue: what waits is still taken, nothing more is let in.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.wake.notify_all();
        self.room.notify_all();
    }

    /// Waits for something to do. `hold`: take nothing in, only seal what is at hand.
    pub(super) fn next(&self, at_hand: AtHand, hold: bool) -> Work {
        let mut state = self.state();
        loop {
            let waiting = !(state.tasks.is_empty() && state.http.is_empty() && state.kafka.is_empty());
            let take = waiting && !at_hand.full && !hold;
            let ripe = at_hand.full || at_hand.awaited || !take;
            if !state.syncing && at_hand.pending > 0 && ripe {
                return Work::Seal;
            }
            if take {
                return self.take(&mut state);
            }
            if at_hand.awaited && at_hand.pending == 0 && !state.syncing {
                // Only duplicates of what is durable by now.
                return Work::Tick;
            }
            if state.closed && at_hand.pending == 0 && !state.syncing {
                return Work::Stop;
            }
            let (woken, timeout) =
                self.wake.wait_timeout(state, Duration::from_millis(250)).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if timeout.timed_out() {
                return Work::Tick;
            }
        }
    }

    fn take(&self, state: &mut State) -> Work {
        let tasks: Vec<Task> = state.tasks.drain(..).collect();
        let http = state.http.len().min(TAKE);
        let jobs: Vec<Job> = state.http.drain(..http).collect();
        state.http_bytes -= jobs.iter().map(|job| job.record.opening.len() + ITEM_BYTES).sum::<usize>();
        let kafka = state.kafka.len().min(TAKE - jobs.len());
        let kafka: Vec<Step> = state.kafka.drain(..kafka).collect();
        state.kafka_bytes -= kafka.iter().map(step_bytes).sum::<usize>();
        self.room.notify_all();
        Work::Take { tasks, jobs, kafka }
    }

    /// Refuses everything that waits.
    pub(super) fn refuse_all(&self, refusal: &AppendError) {
        let (tasks, jobs, steps) = {
            let mut state = self.state();
            state.http_bytes = 0;
            state.kafka_bytes = 0;
            (std::mem::take(&mut state.tasks), std::mem::take(&mut state.http), std::mem::take(&mut state.kafka))
        };
        self.room.notify_all();
        let queued = steps.into_iter().filter_map(|step| match step {
            Step::Act(task) => Some(task),
            Step::Item(_) => None,
        });
        tasks.into_iter().chain(queued).for_each(|task| (task.reply)(Err(refusal.clone())));
        jobs.into_iter().for_each(|job| (job.reply)(Err(refusal.clone())));
    }

    /// Refuses what waits in the HTTP lane.
    pub(super) fn refuse_http(&self, refusal: &AppendError) {
        let jobs = {
            let mut state = self.state();
            state.http_bytes = 0;
            std::mem::take(&mut state.http)
        };
        jobs.into_iter().for_each(|job| (job.reply)(Err(refusal.clone())));
    }

    pub(super) fn sync_started(&self) {
        self.state().syncing = true;
    }

    pub(super) fn sync_ended(&self, size: u64, entries: u64, took: Duration) {
        let mut state = self.state();
        state.syncing = false;
        state.synced = state.synced.max(size);
        state.metrics.seals += 1;
        state.metrics.entries += entries;
        state.metrics.sync_micros += u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.wake.notify_one();
    }

    pub(super) fn synced(&self) -> u64 {
        self.state().synced
    }

    /// The sequencer and the syncer are done: nothing newer will be published.
    pub(super) fn set_ended(&self) {
        self.state().ended = true;
        self.end.notify_all();
    }

    /// Waits up to `time` for the end; whether it came.
    pub(crate) fn wait_ended(&self, time: Duration) -> bool {
        let state = self.state();
        if state.ended {
            return true;
        }
        let (state, _) = self.end.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner);
        state.ended
    }
}
