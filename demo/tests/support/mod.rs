//! A dry play: acts through the pure writer into a store in memory, without Kafka and HTTP.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says where")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use modeltrail_core::clock::Clock;
use modeltrail_core::memory::MemoryStore;
use modeltrail_core::prepared::{DEFAULT_RECORD_LIMIT, Prepared};
use modeltrail_core::sequencer::{After, Arrival, NewPartition, Opening, Outcome, PartitionId, Sequencer};
use modeltrail_core::store::{PositionRow, Store as _};
use modeltrail_demo::{Act, Channel, Place, Sent, Story, Wire};
use modeltrail_schemas::record::{Record, TimestampType, Via};
use modeltrail_schemas::time::Micros;
use modeltrail_tlog::note::SignerKey;
use serde_json::{Value, json};

pub const ORIGIN: &str = "bank.example/models";

/// Stands still but for a millisecond a look, so that two plays give the same ledger.
struct StillClock(AtomicI64);

impl StillClock {
    fn advance_to(&self, at: Micros) {
        self.0.fetch_max(at.as_micros(), Ordering::Relaxed);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Micros {
        Micros::new(self.0.fetch_add(1_000, Ordering::Relaxed)).unwrap()
    }

    fn monotonic(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn kind(&self) -> &'static str {
        "simulated"
    }
}

/// The ledger's key.
pub fn key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

/// The record that a wire's bytes become.
pub fn record(via: Channel, key: &str, at: Micros, wire: &Wire) -> (Via, Record) {
    match via {
        Channel::Kafka => {
            let (key, at) = (Some(key.as_bytes()), Some(at.as_micros() / 1_000));
            let headers = wire.kafka_headers();
            (Via::Kafka, Record::kafka(key, at, TimestampType::Create, &headers, wire.body.as_deref()).unwrap())
        }
        Channel::Http => {
            let headers: Vec<(&str, &str)> = wire.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            (Via::Http, Record::http(None, &headers, wire.body.as_deref().unwrap()).unwrap())
        }
    }
}

/// A ledger in memory and what was done to it.
pub struct Dry {
    pub story: Story,
    pub store: Arc<MemoryStore>,
    clock: Arc<StillClock>,
    sequencer: Sequencer<MemoryStore>,
    record_limit: usize,
    next: BTreeMap<(String, u32), u64>,
    events: u64,
    pub sent: Sent,
    pub places: BTreeMap<String, Place>,
    pub outcomes: BTreeMap<String, Outcome>,
}

impl Dry {
    /// A ledger without events, that keeps records of so many bytes.
    pub fn empty(record_limit: usize) -> Self {
        let story = Story::load().unwrap();
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(StillClock(AtomicI64::new(story.start().as_micros())));
        let mut drawn = 0_u128;
        let salts = Box::new(move || {
            drawn += 1;
            drawn.to_be_bytes()
        });
        let opening = Opening { signer: Arc::new(key()), clock: Arc::clone(&clock) as Arc<_>, salts };
        let mut sequencer = Sequencer::genesis(Arc::clone(&store), ORIGIN, opening, "dry").unwrap();
        sequencer.opened(1, After::Init, None, "dry").unwrap();
        let mut dry = Self {
            story,
            store,
            clock,
            sequencer,
            record_limit,
            next: BTreeMap::new(),
            events: 0,
            sent: Sent::default(),
            places: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        };
        dry.seal();
        dry
    }

    /// The whole story, with this much background traffic.
    pub fn play(events: u64) -> Self {
        let mut dry = Self::empty(DEFAULT_RECORD_LIMIT);
        dry.open_sources();
        let story = Story::load().unwrap();
        let mut plan = story.background().plan(events);
        for act in story.acts() {
            while let Some(item) = plan.next_until(act.arrives) {
                dry.clock.advance_to(item.at);
                let (outcome, _) = dry.send(Channel::Kafka, item.topic, item.key, item.at, &item.wire);
                assert!(matches!(outcome, Outcome::Entry { quarantine: None, .. }), "{} {outcome:?}", item.template);
            }
            dry.act(act);
        }
        while let Some(item) = plan.next_until(story.end()) {
            dry.clock.advance_to(item.at);
            dry.send(Channel::Kafka, item.topic, item.key, item.at, &item.wire);
        }
        assert_eq!(plan.left(), 0);
        dry.sequencer.flush_positions(true).unwrap();
        dry.seal();
        dry
    }

    fn open_sources(&mut self) {
        for source in self.story.sources() {
            let row = PositionRow {
                source: source.topic.clone(),
                partition: 0,
                generation: 1,
                next: 0,
                cluster: "dry".to_owned(),
                topic: source.topic.clone(),
                topic_id: "unknown".to_owned(),
                leader_epoch: -1,
                halted: None,
                closed: false,
            };
            let new: Vec<NewPartition> = (0..source.partitions)
                .map(|partition| NewPartition { partition, first: 0, leader_epoch: -1 })
                .collect();
            self.sequencer.open_source(&row, &new, json!({})).unwrap();
        }
        for registration in self.story.registrations() {
            self.sequencer.register_producer(registration.clone()).unwrap();
        }
        self.seal();
    }

    fn act(&mut self, act: &Act) {
        self.clock.advance_to(act.arrives);
        let wire = self.story.wire(act, ORIGIN);
        let (outcome, place) = self.send(act.via, &act.topic, &act.key, act.at, &wire);
        self.outcomes.insert(act.label.clone(), outcome);
        self.places.extend(place.map(|place| (act.label.clone(), place)));
        self.sequencer.flush_positions(false).unwrap();
        self.seal();
    }

    fn send(&mut self, via: Channel, topic: &str, key: &str, at: Micros, wire: &Wire) -> (Outcome, Option<Place>) {
        let (way, record) = record(via, key, at, wire);
        match via {
            Channel::Http => {
                let outcome = self.admit(way, &record, &Arrival::Http { producer: "local".to_owned() });
                self.sent.http += 1;
                self.sent.http_duplicates += u64::from(matches!(outcome, Outcome::Duplicate { .. }));
                let (Outcome::Entry { index, .. } | Outcome::Duplicate { of: index, .. }) = outcome else {
                    panic!("{outcome:?}")
                };
                (outcome, Some(Place::Http(index)))
            }
            Channel::Kafka => {
                let partition = self.story.partition(topic, key);
                let next = self.next.entry((topic.to_owned(), partition)).or_default();
                let offset = *next;
                *next += 1;
                let id = PartitionId { source: topic.to_owned(), partition };
                let outcome = self.admit(way, &record, &Arrival::Kafka { partition: id, offset, leader_epoch: 0 });
                *self.sent.kafka.entry((topic.to_owned(), partition)).or_default() += 1;
                (outcome, Some(Place::Kafka { source: topic.to_owned(), partition, offset }))
            }
        }
    }

    /// An event over HTTP.
    pub fn event(&mut self, event_type: &str, data: &Value) {
        self.events += 1;
        let event = json!({
            "specversion": "1.0", "id": format!("e{}", self.events), "source": "//ci.example", "type": event_type,
            "time": "2026-03-03T14:02:00Z", "data": data,
        });
        let body = serde_json::to_vec(&event).unwrap();
        let record = Record::http(None, &[("content-type", "application/cloudevents+json")], &body).unwrap();
        self.admit(Via::Http, &record, &Arrival::Http { producer: "local".to_owned() });
    }

    fn admit(&mut self, via: Via, record: &Record, arrival: &Arrival) -> Outcome {
        let prepared = Prepared::new(via, &record.view(), [3; 16], self.record_limit, ORIGIN);
        self.sequencer.admit(prepared, arrival).unwrap()
    }

    pub fn seal(&mut self) {
        if let Some(batch) = self.sequencer.finish() {
            self.store.seal(&batch).unwrap();
            self.sequencer.synced(batch.size);
        }
    }
}
