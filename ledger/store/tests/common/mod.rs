//! A clock that ticks when it is looked at, and ways into a ledger: an event over HTTP, and a source with records from Kafka.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};

use modeltrail_core::clock::Clock;
use modeltrail_core::prepared::{DEFAULT_RECORD_LIMIT, Prepared};
use modeltrail_core::sequencer::{NewPartition, PartitionId};
use modeltrail_core::store::PositionRow;
use modeltrail_schemas::record::{Record, TimestampType, Via};
use modeltrail_schemas::time::Micros;
use modeltrail_store::{Act, AppendError, Appended, Appender, KafkaItem, OpenOptions};
use serde_json::json;

pub const ORIGIN: &str = "example.com/ml";
pub const STRUCTURED: &str = "application/cloudevents+json";

/// Goes on by a millisecond whenever it is asked.
#[derive(Default)]
pub struct Ticking(AtomicI64);

impl Ticking {
    /// Begins so many microseconds later than the others, so that no two runs have the same times.
    pub fn later_by(micros: i64) -> Self {
        Self(AtomicI64::new(micros))
    }
}

impl Clock for Ticking {
    fn now(&self) -> Micros {
        Micros::new(1_767_225_600_000_000 + self.monotonic()).unwrap()
    }
    fn monotonic(&self) -> i64 {
        self.0.fetch_add(1_000, Ordering::Relaxed)
    }
    fn kind(&self) -> &'static str {
        "simulated"
    }
}

/// With no reserve of free disk.
pub fn options(clock: Arc<dyn Clock>) -> OpenOptions {
    OpenOptions { reserve_bytes: 0, ..OpenOptions::new(clock, "test 1") }
}

pub fn prepared(via: Via, record: &Record, record_limit: usize) -> Prepared {
    Prepared::new(via, &record.view(), Appender::salt(), record_limit, ORIGIN)
}

pub type Answer = Result<Appended, AppendError>;

/// Appends one event; its answer comes to `reply`.
pub fn send(appender: &Appender, body: &[u8], reply: impl FnOnce(Answer) + Send + 'static) {
    let record = Record::http(None, &[("content-type", STRUCTURED)], body).unwrap();
    let prepared = prepared(Via::Http, &record, DEFAULT_RECORD_LIMIT);
    appender.append(prepared, "local".to_owned(), Box::new(reply));
}

/// Appends one event and waits for its answer.
pub fn http(appender: &Appender, body: &[u8]) -> Answer {
    let (sender, receiver) = mpsc::channel();
    send(appender, body, move |answer| sender.send(answer).unwrap());
    receiver.recv().unwrap()
}

/// The one partition of the source `ml`.
pub fn partition() -> PartitionId {
    PartitionId { source: "ml".to_owned(), partition: 0 }
}

/// Begins the source `ml` at this offset.
pub fn open_source(appender: &Appender, first: u64) {
    let template = PositionRow {
        source: "ml".to_owned(),
        partition: 0,
        generation: 1,
        next: 0,
        cluster: "c".to_owned(),
        topic: "events".to_owned(),
        topic_id: "unknown".to_owned(),
        leader_epoch: -1,
        halted: None,
        closed: false,
    };
    let new = vec![NewPartition { partition: 0, first, leader_epoch: 0 }];
    appender.act_blocking(Act::OpenSource { template, new, extra: json!({}) }).unwrap();
}

/// A record at this offset of the source `ml`; a longer one than the limit is not kept.
pub fn kafka_within(record_limit: usize, offset: u64, body: &[u8]) -> KafkaItem {
    let headers: [(&str, Option<&str>); 0] = [];
    let record = Record::kafka(Some(b"fraud"), Some(1), TimestampType::Create, &headers, Some(body)).unwrap();
    let record = Box::new(prepared(Via::Kafka, &record, record_limit));
    KafkaItem::Record { partition: partition(), offset, leader_epoch: 0, record }
}

pub fn kafka(offset: u64, body: &[u8]) -> KafkaItem {
    kafka_within(DEFAULT_RECORD_LIMIT, offset, body)
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
