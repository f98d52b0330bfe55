//! A real ledger in a scratch directory, and the count of every position from the log alone.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails says where")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use modeltrail_core::clock::Clock;
use modeltrail_core::header::EntryHeader;
use modeltrail_core::own_event::own_event;
use modeltrail_core::types::EntryIndex;
use modeltrail_ingest::{Ingest, IngestConfig, LedgerSink, Sink, SourceConfig, SourceStatus};
use modeltrail_schemas::time::Micros;
use modeltrail_store::{Data, Ledger, OpenOptions, Opened};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const ORIGIN: &str = "example.com/ingest-test";

pub struct WallClock(Instant);

impl WallClock {
    pub fn shared() -> Arc<dyn Clock> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for WallClock {
    fn now(&self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Micros::new(i64::try_from(since.as_micros()).unwrap()).unwrap()
    }

    fn monotonic(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_micros()).unwrap()
    }

    fn kind(&self) -> &'static str {
        "system"
    }
}

/// A ledger that can be stopped and opened again.
pub struct TestLedger {
    dir: TempDir,
    opened: Option<Opened>,
}

impl TestLedger {
    pub fn new() -> Self {
        Self::of(ORIGIN)
    }

    pub fn of(origin: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        modeltrail_store::init(&Data::new(&dir.path().join("data")), origin, WallClock::shared(), "ingest-test")
            .unwrap();
        let mut ledger = Self { dir, opened: None };
        ledger.open();
        ledger
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn open(&mut self) {
        let options = OpenOptions::new(WallClock::shared(), "ingest-test");
        self.opened = Some(modeltrail_store::open(&Data::new(&self.dir.path().join("data")), options).unwrap());
    }

    pub fn stop(&mut self) {
        if let Some(opened) = self.opened.take() {
            opened.stop();
        }
    }

    pub fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.opened.as_ref().unwrap().ledger)
    }

    pub fn sink(&self) -> Arc<dyn Sink> {
        let opened = self.opened.as_ref().unwrap();
        Arc::new(LedgerSink::new(opened.appender().unwrap(), Arc::clone(&opened.ledger), WallClock::shared()))
    }

    /// The next position of each partition of a source, as far as it is durable.
    pub fn durable(&self, source: &str) -> BTreeMap<u32, u64> {
        let rows = self.ledger().positions().unwrap();
        rows.into_iter().filter(|row| row.source == source).map(|row| (row.partition, row.next)).collect()
    }

    /// All own events of these types, in order.
    pub fn own(&self, event_type: &str) -> Vec<Value> {
        let ledger = self.ledger();
        let wanted = format!("modeltrail.{event_type}.v1");
        let all =
            (0..ledger.head().size).filter_map(|index| own_event(ledger.store().as_ref(), EntryIndex(index)).unwrap());
        all.filter(|(found, _)| *found == wanted).map(|(_, data)| data).collect()
    }

    pub fn headers(&self) -> Vec<EntryHeader> {
        let ledger = self.ledger();
        (0..ledger.head().size)
            .map(|index| EntryHeader::parse(&ledger.header(index).unwrap().unwrap()).unwrap())
            .collect()
    }
}

impl Drop for TestLedger {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn config(sources: Vec<SourceConfig>) -> IngestConfig {
    IngestConfig { sources, check_seconds: 1, ..IngestConfig::default() }
}

/// A structured event of a type that no catalogue knows.
pub fn event(id: &str) -> Vec<u8> {
    let event =
        json!({"specversion": "1.0", "id": id, "source": "test", "type": "com.example.tried", "data": {"n": id}});
    serde_json::to_vec(&event).unwrap()
}

/// Waits until something is so.
pub fn until(what: &str, seconds: u64, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !so() {
        assert!(Instant::now() < deadline, "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a source's durable positions are these.
pub fn until_durable(ledger: &TestLedger, ingest: &Ingest, source: &str, ends: &BTreeMap<u32, u64>, seconds: u64) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while ledger.durable(source) != *ends {
        let now = || format!("durable {:?}, wanted {ends:?}, status {:#?}", ledger.durable(source), ingest.status());
        assert!(Instant::now() < deadline, "not within {seconds} s: {}", now());
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn status_of(ingest: &Ingest, source: &str) -> SourceStatus {
    ingest.status().into_iter().find(|status| status.source == source).unwrap()
}

/// What covers a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cover {
    /// This entry.
    Entry(u64),
    /// It was skipped before this entry.
    Skipped(u64),
    /// A range of `ingest.positions`, with its class.
    Range(String),
    /// A gap.
    Gap,
}

/// What one generation of a partition covers.
#[derive(Debug, Default, Clone)]
pub struct Generation {
    pub first: u64,
    /// From `first`, without a hole.
    pub positions: Vec<Cover>,
}

impl Generation {
    pub fn next(&self) -> u64 {
        self.first + self.positions.len() as u64
    }

    pub fn entries(&self) -> usize {
        self.positions.iter().filter(|cover| matches!(cover, Cover::Entry(_))).count()
    }

    pub fn ranges(&self, class: &str) -> usize {
        self.positions.iter().filter(|cover| matches!(cover, Cover::Range(found) if found == class)).count()
    }

    pub fn gaps(&self) -> usize {
        self.positions.iter().filter(|cover| **cover == Cover::Gap).count()
    }

    pub fn undelivered(&self) -> usize {
        self.positions.iter().filter(|cover| matches!(cover, Cover::Skipped(_))).count() + self.ranges("undelivered")
    }

    fn cover(&mut self, first: u64, last: u64, what: &Cover) {
        assert_eq!(first, self.next(), "positions are covered once and in order");
        self.positions.extend((first..=last).map(|_| what.clone()));
    }
}

/// Reads from the log alone what covers each position of a source, by partition and generation, and fails where one is covered twice or not at all.
pub fn coverage(ledger: &TestLedger, source: &str) -> BTreeMap<(u32, u64), Generation> {
    let open = ledger.ledger();
    let mut found: BTreeMap<(u32, u64), Generation> = BTreeMap::new();
    for header in ledger.headers() {
        let received = &header.received;
        if received.via == "kafka" && received.source.as_deref() == Some(source) {
            let (offset, skipped) = (received.offset.unwrap(), received.skipped.unwrap_or(0));
            let lane = (u32::try_from(received.partition.unwrap()).unwrap(), received.generation.unwrap());
            let generation = found.get_mut(&lane).unwrap();
            if skipped > 0 {
                generation.cover(offset - skipped, offset - 1, &Cover::Skipped(header.index.get()));
            }
            generation.cover(offset, offset, &Cover::Entry(header.index.get()));
            continue;
        }
        let Some((event_type, data)) = own_event(open.store().as_ref(), header.index).unwrap() else { continue };
        if data["source"] == source {
            own_coverage(&mut found, &event_type, &data);
        }
    }
    found
}

fn own_coverage(found: &mut BTreeMap<(u32, u64), Generation>, event_type: &str, data: &Value) {
    let number = |value: &Value| value.as_u64().unwrap();
    let lane = |data: &Value| (u32::try_from(number(&data["partition"])).unwrap(), number(&data["generation"]));
    match event_type {
        "modeltrail.source.opened.v1" => {
            for part in data["partitions"].as_array().unwrap() {
                let before =
                    found.insert(lane(part), Generation { first: number(&part["first"]), positions: Vec::new() });
                assert!(before.is_none(), "a generation begins once");
            }
        }
        "modeltrail.source.changed.v1" if data["key"] == "partitions" => {
            for partition in number(&data["old"])..number(&data["new"]) {
                let before = found.insert((u32::try_from(partition).unwrap(), 1), Generation::default());
                assert!(before.is_none(), "a partition is added once");
            }
        }
        "modeltrail.source.rebased.v1" => {
            let lane = (u32::try_from(number(&data["partition"])).unwrap(), number(&data["new"]["generation"]));
            let before =
                found.insert(lane, Generation { first: number(&data["new"]["position"]), positions: Vec::new() });
            assert!(before.is_none(), "a generation begins once");
        }
        "modeltrail.ingest.positions.v1" => {
            for range in data["ranges"].as_array().unwrap() {
                let class = Cover::Range(range["class"].as_str().unwrap().to_owned());
                found.get_mut(&lane(data)).unwrap().cover(number(&range["first"]), number(&range["last"]), &class);
            }
        }
        "modeltrail.source.gap.v1" => {
            found.get_mut(&lane(data)).unwrap().cover(number(&data["first"]), number(&data["last"]), &Cover::Gap)
        }
        _ => {}
    }
}
