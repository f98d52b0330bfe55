//! A dry play: every act through the pure writer into a store in memory, without Kafka and HTTP.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says where")]

use std::collections::BTreeMap;
use std::sync::Arc;

use modeltrail_core::check::{CheckOptions, check};
use modeltrail_core::memory::MemoryStore;
use modeltrail_core::prepared::{DEFAULT_RECORD_LIMIT, Prepared};
use modeltrail_core::sequencer::{After, Arrival, NewPartition, Opening, Outcome, PartitionId, Sequencer};
use modeltrail_core::store::{PositionRow, Store as _};
use modeltrail_core::types::EntryIndex;
use modeltrail_demo::{Account, Act, Channel, Log, Place, Played, Sent, SimulatedClock, Story, Summary, Wire};
use modeltrail_schemas::catalogue;
use modeltrail_schemas::reading::{self, OwnContext, Reading, absent_removed};
use modeltrail_schemas::record::{Record, TimestampType, Via};
use modeltrail_schemas::time::Micros;
use modeltrail_tlog::note::SignerKey;

const ORIGIN: &str = "bank.example/models";

fn record(act_via: Channel, key: &str, at: Micros, wire: &Wire) -> (Via, Record) {
    match act_via {
        Channel::Kafka => {
            let at = Some(at.as_micros() / 1_000);
            let record = Record::kafka(
                Some(key.as_bytes()),
                at,
                TimestampType::Create,
                &wire.kafka_headers(),
                wire.body.as_deref(),
            );
            (Via::Kafka, record.unwrap())
        }
        Channel::Http => {
            let headers: Vec<(&str, &str)> = wire.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            (Via::Http, Record::http(None, &headers, wire.body.as_deref().unwrap()).unwrap())
        }
    }
}

/// A ledger in memory and what was done to it.
struct Dry {
    story: Story,
    store: Arc<MemoryStore>,
    clock: Arc<SimulatedClock>,
    sequencer: Sequencer<MemoryStore>,
    next: BTreeMap<(String, u32), u64>,
    sent: Sent,
    places: BTreeMap<String, Place>,
    outcomes: BTreeMap<String, Outcome>,
}

impl Dry {
    fn new() -> Self {
        let story = Story::load().unwrap();
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(SimulatedClock::new(story.start()));
        let mut drawn = 0_u128;
        let salts = Box::new(move || {
            drawn += 1;
            drawn.to_be_bytes()
        });
        let signer = Arc::new(SignerKey::from_seed(ORIGIN, &[7; 32]).unwrap());
        let opening = Opening { signer, clock: Arc::clone(&clock) as Arc<_>, salts };
        let mut sequencer = Sequencer::genesis(Arc::clone(&store), ORIGIN, opening, "dry").unwrap();
        sequencer.opened(1, After::Init, None, "dry").unwrap();
        for source in story.sources() {
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
            sequencer.open_source(&row, &new, serde_json::json!({})).unwrap();
        }
        for registration in story.registrations() {
            sequencer.register_producer(registration.clone()).unwrap();
        }
        let mut dry = Self {
            story,
            store,
            clock,
            sequencer,
            next: BTreeMap::new(),
            sent: Sent::default(),
            places: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        };
        dry.seal();
        dry
    }

    fn seal(&mut self) {
        if let Some(batch) = self.sequencer.finish() {
            self.store.seal(&batch).unwrap();
            self.sequencer.synced(batch.size);
        }
    }

    fn send(&mut self, via: Channel, topic: &str, key: &str, at: Micros, wire: &Wire) -> (Outcome, Option<Place>) {
        let (way, record) = record(via, key, at, wire);
        let prepared = Prepared::new(way, &record.view(), [3; 16], DEFAULT_RECORD_LIMIT, ORIGIN);
        match via {
            Channel::Http => {
                let outcome = self.sequencer.admit(prepared, &Arrival::Http { producer: "local".to_owned() }).unwrap();
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
                let arrival = Arrival::Kafka { partition: id, offset, leader_epoch: 0 };
                let outcome = self.sequencer.admit(prepared, &arrival).unwrap();
                *self.sent.kafka.entry((topic.to_owned(), partition)).or_default() += 1;
                (outcome, Some(Place::Kafka { source: topic.to_owned(), partition, offset }))
            }
        }
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

    /// Plays everything, with this much background traffic.
    fn play(events: u64) -> Self {
        let mut dry = Self::new();
        let acts = dry.story.acts().to_vec();
        let story = Story::load().unwrap();
        let mut plan = story.background().plan(events);
        for act in &acts {
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

    fn played(&self) -> Played {
        Played { from: EntryIndex(0), sent: self.sent.clone(), places: self.places.clone() }
    }

    fn log(&self) -> Log {
        Log::read(self.store.as_ref(), EntryIndex(0), self.places.values().cloned()).unwrap()
    }

    fn check(&self) {
        let options = CheckOptions { headers_only: false, key: [9; 16], outside: None, progress: &mut |_| {} };
        let report = check(self.store.as_ref(), options).unwrap();
        assert!(report.holds() && report.not_judged.is_empty(), "{report:#?}");
    }
}

fn read(story: &Story, act: &Act) -> Reading {
    let (via, record) = record(act.via, &act.key, act.at, &story.wire(act, ORIGIN));
    reading::read(via, &record, &OwnContext { origin: ORIGIN, received_at: Micros::EPOCH, index: None })
}

#[test]
fn every_event_that_should_be_valid_is() {
    let story = Story::load().unwrap();
    let mut checked = 0;
    for act in story.acts() {
        let reading = read(&story, act);
        let fault = story.faults().iter().find(|fault| fault.act == act.label);
        let Some((event_type, data)) = act.event() else {
            assert!(reading.quarantine.is_some() && reading.event.is_none(), "{}", act.label);
            continue;
        };
        // A reserved type is wrong by its type alone, and a conflict only beside another entry.
        if fault.is_some_and(|fault| fault.quarantine.as_deref() == Some("reserved")) {
            assert_eq!(reading.reason().unwrap().as_str(), "reserved");
            continue;
        }
        assert!(reading.known && reading.quarantine.is_none(), "{} {event_type}: {:?}", act.label, reading.quarantine);
        assert!(reading.about().is_some(), "{}", act.label);
        // A duplicate has the time of the first.
        let time = reading.event.as_ref().unwrap().time;
        assert_eq!(time == Some(act.at), act.repeats.is_none(), "{} {time:?}", act.label);
        let data = absent_removed(data);
        assert_eq!(catalogue::validate(event_type, &data), Ok(()), "{} {event_type}", act.label);
        checked += 1;
    }
    assert!(checked > 400, "{checked}");
}

#[test]
fn every_background_template_is_valid_however_often_it_is_filled() {
    let story = Story::load().unwrap();
    let mut checked = 0;
    for (event_type, item) in story.background().samples(60) {
        let (via, record) = record(Channel::Kafka, item.key, item.at, &item.wire);
        let reading =
            reading::read(via, &record, &OwnContext { origin: ORIGIN, received_at: Micros::EPOCH, index: None });
        assert!(
            reading.known && reading.quarantine.is_none() && reading.about().is_some(),
            "{}: {:?}",
            item.template,
            reading.quarantine
        );
        assert_eq!(reading.event.unwrap().time, Some(item.at));
        let data = reading.data.unwrap();
        assert_eq!(catalogue::validate(event_type, &absent_removed(&data)), Ok(()), "{}", item.template);
        checked += 1;
    }
    assert!(checked >= 60 * 10);
}

#[test]
fn background_is_in_order_of_time_outside_quiet_times_and_adds_up() {
    let story = Story::load().unwrap();
    let (from, to) =
        ("2025-12-19T05:10:00Z".parse::<Micros>().unwrap(), "2025-12-28T05:13:00Z".parse::<Micros>().unwrap());
    assert_eq!(story.background().quiet_from(), [from]);
    let mut plan = story.background().plan(20_000);
    let (mut count, mut last, mut ids) = (0, story.start(), std::collections::BTreeSet::new());
    while let Some(item) = plan.next_until(story.end()) {
        assert!(item.at >= last && (item.topic != "serving" || item.at < from || item.at >= to), "{item:?}");
        let id = item.wire.headers.iter().find(|(name, _)| *name == "ce_id").unwrap().1.clone();
        assert!(ids.insert(id));
        (count, last) = (count + 1, item.at);
    }
    assert_eq!(count, 20_000);
}

#[test]
fn the_counts_of_the_story_hold_and_so_does_every_invariant() {
    let dry = Dry::play(0);
    dry.check();
    let account = Account::of(&dry.sent, &dry.log()).unwrap();
    let counts = dry.story.counts();
    assert_eq!(
        (account.emitted, account.entries, account.duplicates, account.quarantined),
        (counts.emitted, counts.entries, counts.duplicates, counts.quarantined)
    );
    assert_eq!(counts.emitted, dry.story.acts().len() as u64);
    for act in dry.story.acts() {
        let duplicate = matches!(dry.outcomes[&act.label], Outcome::Duplicate { erased: false, .. });
        assert_eq!(duplicate, act.repeats.is_some(), "{}", act.label);
    }
}

#[test]
fn every_planted_fault_is_in_the_log_as_planted_and_nothing_else_looks_like_one() {
    let dry = Dry::play(0);
    let log = dry.log();
    let summary = Summary::of(dry.store.as_ref(), &dry.story, &dry.played(), &log).unwrap();
    for planted in &summary.faults {
        assert!(planted.as_planted, "{planted}");
    }
    assert_eq!(summary.faults.len(), 21);
    // Quarantines and signatures that are not valid are planted, all of them.
    let planted: Vec<EntryIndex> =
        summary.faults.iter().filter_map(|planted| Some(planted.mark.as_ref()?.index)).collect();
    for mark in log.marks.values() {
        let odd = mark.quarantine.is_some() || mark.signers.iter().any(|status| status.as_str() != "valid");
        assert!(!odd || planted.contains(&mark.index), "entry {} {mark:?}", mark.index);
    }
    assert!(summary.models.iter().map(|line| line.versions.len()).sum::<usize>() >= 12);
    let text = summary.to_string();
    for part in [
        "model/risk/pd-mortgage ",
        "1.0.0, 1.1.0",
        "F-21  entry",
        "signature bad",
        "quarantined as conflict",
        "simulated",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("NOT AS PLANTED"));
}

#[test]
fn background_traffic_adds_up_and_is_no_fault() {
    let dry = Dry::play(2_000);
    dry.check();
    let account = Account::of(&dry.sent, &dry.log()).unwrap();
    let counts = dry.story.counts();
    assert_eq!((account.emitted, account.entries), (counts.emitted + 2_000, counts.entries + 2_000));
    assert_eq!((account.duplicates, account.quarantined), (counts.duplicates, counts.quarantined));
}

#[test]
fn an_account_that_does_not_add_up_is_refused() {
    let mut dry = Dry::play(0);
    let log = dry.log();
    *dry.sent.kafka.get_mut(&("vendor".to_owned(), 0)).unwrap() += 1;
    dry.sent.http -= 1;
    let text = Account::of(&dry.sent, &log).unwrap_err().to_string();
    assert!(text.contains("topic vendor partition 0") && text.contains("over HTTP"), "{text}");
}
