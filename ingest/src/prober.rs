//! The thread that asks the brokers, so that the reading one never waits for an answer: identity, watermarks, commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};

use modeltrail_core::store::PositionRow;

use crate::client::KafkaClient;
use crate::identity::{Marks, Seen};
use crate::reader::Note;
use crate::sink::Sink;
use crate::timing::Duration;
use crate::witness::{self, Committer, WitnessVerdict};

/// How soon a stop is noticed by a thread that has nothing to do.
const IDLE: Duration = Duration::from_millis(100);

/// What is to be asked.
pub(crate) enum Job {
    /// Everything about a topic. Answered by [`Report::Identity`] with the same numbers.
    Identity { source: usize, check: u64, topic: String, topic_ids: bool, client: Arc<KafkaClient> },
    /// Only its watermarks.
    Marks { source: usize, topic: String, partitions: u32, client: Arc<KafkaClient> },
    /// Read back and commit the durable positions of these sources.
    Commit { sources: Vec<String>, client: Arc<KafkaClient>, by: Committer },
}

/// What came out.
pub(crate) enum Report {
    Identity { source: usize, check: u64, seen: Result<Seen, String> },
    Marks { source: usize, marks: Result<Vec<Marks>, String> },
    Commit(Result<WitnessVerdict, String>),
}

/// Works until the stop, or until the reader is gone.
pub(crate) fn run(jobs: &Receiver<Job>, notes: &Sender<Note>, sink: &dyn Sink, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let report = match jobs.recv_timeout(IDLE) {
            Ok(job) => answer(job, sink, stop),
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if notes.send(Note::Report(report)).is_err() {
            return;
        }
    }
}

fn answer(job: Job, sink: &dyn Sink, stop: &AtomicBool) -> Report {
    match job {
        Job::Identity { source, check, topic, topic_ids, client } => {
            Report::Identity { source, check, seen: client.identity(&topic, topic_ids, stop) }
        }
        Job::Marks { source, topic, partitions, client } => {
            Report::Marks { source, marks: client.marks(&topic, partitions, stop) }
        }
        Job::Commit { sources, client, by } => Report::Commit(commit(&sources, &client, &by, sink)),
    }
}

fn commit(sources: &[String], client: &KafkaClient, by: &Committer, sink: &dyn Sink) -> Result<WitnessVerdict, String> {
    let rows: Vec<PositionRow> =
        sink.positions()?.into_iter().filter(|row| !row.closed && sources.contains(&row.source)).collect();
    witness::commit(client, by, &rows, sink)
}
