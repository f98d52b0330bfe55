//! Copies of what was set aside, in a dead-letter topic of a real Apache Kafka: each has one, with its reason, whatever happens meanwhile.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "../../ingest/tests/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use modeltrail_ingest::admin::Admin;
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_ingest::{Ingest, IngestConfig, Properties, SourceConfig};
use modeltrail_tests::kafka::shared;
use modeltrail_tests::system::{System, kafka_ends};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use support::{TestLedger, config, event, status_of, until, until_durable};

const SUITE: &str = "dead letters in Apache Kafka";
const TIME: Duration = Duration::from_secs(60);

/// A record of a dead-letter topic.
#[derive(Debug)]
struct Letter {
    key: Option<Vec<u8>>,
    body: Option<Vec<u8>>,
    timestamp: i64,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Letter {
    fn said(&self, name: &str) -> &str {
        let found = self.headers.iter().rev().find(|(header, _)| header == name);
        std::str::from_utf8(found.unwrap_or_else(|| panic!("no {name} in {self:?}")).1.as_deref().unwrap()).unwrap()
    }

    fn place(&self) -> (u32, u64) {
        (
            self.said("__connect.errors.partition").parse().unwrap(),
            self.said("__connect.errors.offset").parse().unwrap(),
        )
    }
}

/// All records of a topic of one partition.
fn letters(properties: &Properties, topic: &str) -> Vec<Letter> {
    let mut client = ClientConfig::new();
    for (name, value) in properties.iter() {
        client.set(name, value);
    }
    let consumer: BaseConsumer = client.set("group.id", "whoever").create().unwrap();
    let (_, end) = consumer.fetch_watermarks(topic, 0, TIME).unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    let (mut found, deadline) = (Vec::new(), Instant::now() + TIME);
    while found.len() < usize::try_from(end).unwrap() {
        assert!(Instant::now() < deadline, "{} of {end} letters", found.len());
        let Some(message) = consumer.poll(Duration::from_millis(200)) else { continue };
        let message = message.unwrap();
        let headers = message.headers().map_or(Vec::new(), |headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
        });
        let timestamp = message.timestamp().to_millis().unwrap();
        found.push(Letter {
            timestamp,
            key: message.key().map(<[u8]>::to_vec),
            body: message.payload().map(<[u8]>::to_vec),
            headers,
        });
    }
    found
}

struct Cluster {
    properties: Properties,
    admin: Admin,
}

fn cluster(topic: &str, partitions: u32, settings: &[(&str, &str)]) -> Option<Cluster> {
    let properties = Properties::bootstrap(shared(SUITE)?.bootstrap());
    let admin = Admin::new(&properties).unwrap();
    admin.create_topic(topic, partitions, settings).unwrap();
    Some(Cluster { properties, admin })
}

impl Cluster {
    fn config(&self, topic: &str, dead: &str) -> IngestConfig {
        let source = SourceConfig::new("ml", topic, self.properties.clone());
        config(vec![SourceConfig { dead_letter_topic: Some(dead.to_owned()), ..source }])
    }
}

fn behind(ingest: &Ingest) -> Option<u64> {
    status_of(ingest, "ml").dead_letters.unwrap().behind
}

const CONFLICT: &[u8] = br#"{"specversion":"1.0","id":"good","source":"test","type":"com.example.tried"}"#;

/// Key, body, reason and what became of the record, as text.
type Short = (Option<String>, Option<String>, String, String);

fn short(letter: &Letter) -> Short {
    let text = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let reason = letter.said("__connect.errors.exception.class.name").strip_prefix("modeltrail.quarantine.").unwrap();
    (text(&letter.key), text(&letter.body), reason.to_owned(), letter.said("modeltrail.record").to_owned())
}

fn wanted(key: Option<&str>, body: Option<&str>, reason: &str, record: &str) -> Short {
    (key.map(str::to_owned), body.map(str::to_owned), reason.to_owned(), record.to_owned())
}

fn put(
    producer: &Producer,
    topic: &str,
    key: Option<&[u8]>,
    headers: &[(&str, Option<&[u8]>)],
    payload: Option<&[u8]>,
) {
    producer.send(Outgoing { topic, partition: Some(0), key, headers, payload, ..Outgoing::default() }).unwrap();
    producer.flush(TIME).unwrap();
}

/// One good event, and one record for each way to be set aside.
fn put_all(producer: &Producer, topic: &str) {
    let put = |key: Option<&[u8]>, payload: Option<&[u8]>| put(producer, topic, key, &[], payload);
    put(None, Some(&event("good")));
    self::put(producer, topic, Some(b"k"), &[("trace", None), ("trace", Some(b"2"))], Some(b"no event"));
    put(Some(b"gone"), None);
    put(None, Some(&vec![b'x'; 600_000]));
    put(None, Some(CONFLICT));
    // Kept by the ledger, and more than the dead-letter topic takes.
    put(Some(b"big"), Some(&vec![b'y'; 300_000]));
    // Over the quota of kept bytes.
    put(Some(b"over"), Some(&vec![b'z'; 200_000]));
}

#[test]
fn each_record_set_aside_has_its_copy_and_no_other_has() {
    let (topic, dead) = ("letters-all", "letters-all-dead");
    let Some(cluster) = cluster(topic, 1, &[("max.message.bytes", "4000000")]) else { return };
    let mut ledger = TestLedger::new();
    let sources =
        IngestConfig { record_limit: 500_000, quarantine_bytes_per_day: 400_000, ..cluster.config(topic, dead) };
    let producer = Producer::new(&cluster.properties).unwrap();
    put_all(&producer, topic);
    let ingest = Ingest::start(&sources, &ledger.sink()).unwrap();
    // There is no such topic yet: reading goes on, and what waits is said.
    until_durable(&ledger, &ingest, "ml", &BTreeMap::from([(0, 7)]), 60);
    until("it is said", 90, || status_of(&ingest, "ml").dead_letters.unwrap().error.is_some());
    let status = status_of(&ingest, "ml");
    assert!(status.healthy && status.error.is_none() && status.dead_letters.unwrap().copied == 0);
    let begun = Instant::now();
    ingest.shutdown();
    assert!(begun.elapsed() < Duration::from_secs(5), "a stop took {:?}", begun.elapsed());
    ledger.stop();
    ledger.open();
    cluster.admin.create_topic(dead, 1, &[("max.message.bytes", "100000")]).unwrap();
    put(&producer, topic, Some(b"last"), &[], Some(b"nor is this"));
    let ingest = Ingest::start(&sources, &ledger.sink()).unwrap();
    until_durable(&ledger, &ingest, "ml", &BTreeMap::from([(0, 8)]), 60);
    let copied = |ingest: &Ingest| status_of(ingest, "ml").dead_letters.unwrap().copied;
    until("all are copied", 60, || behind(&ingest) == Some(0) && copied(&ingest) == 7);
    ingest.shutdown();
    look_at_all(&ledger, topic, &letters(&cluster.properties, dead));
    // What was copied is not copied again.
    ledger.stop();
    ledger.open();
    let ingest = Ingest::start(&sources, &ledger.sink()).unwrap();
    until("it has looked", 30, || behind(&ingest) == Some(0));
    ingest.shutdown();
    assert_eq!(letters(&cluster.properties, dead).len(), 7);
}

fn look_at_all(ledger: &TestLedger, topic: &str, found: &[Letter]) {
    let by_place: BTreeMap<u64, &Letter> = found.iter().map(|letter| (letter.place().1, letter)).collect();
    assert_eq!((found.len(), by_place.keys().copied().collect::<Vec<_>>()), (7, (1..8).collect()));
    let place = |offset: u64| format!("{topic}-0-{offset}");
    assert_eq!(short(by_place[&1]), wanted(Some("k"), Some("no event"), "malformed", "kept"));
    assert_eq!(short(by_place[&2]), wanted(Some("gone"), None, "malformed", "kept"));
    assert_eq!(short(by_place[&3]), wanted(Some(&place(3)), None, "oversize", "not-kept"));
    assert_eq!(short(by_place[&5]), wanted(Some(&place(5)), None, "malformed", "too-large"));
    assert_eq!(short(by_place[&6]), wanted(Some(&place(6)), None, "malformed", "not-kept"));
    assert_eq!(short(by_place[&7]), wanted(Some("last"), Some("nor is this"), "malformed", "kept"));
    let collided = by_place[&4];
    assert_eq!((collided.body.as_deref(), short(collided).2.as_str()), (Some(CONFLICT), "conflict"));
    assert!(collided.said("__connect.errors.exception.message").contains("this source and id with other content"));
    assert_eq!(by_place[&1].headers[..2], [("trace".to_owned(), None), ("trace".to_owned(), Some(b"2".to_vec()))]);
    let (timestamp, ours) = (by_place[&1].said("modeltrail.timestamp").parse::<i64>().unwrap(), by_place[&1].timestamp);
    assert!(timestamp > 1_000_000_000_000 && timestamp < ours, "{timestamp}, copied {ours}");
    for letter in found {
        let errors = ["topic", "connector.name"].map(|name| letter.said(&format!("__connect.errors.{name}")));
        assert_eq!(errors, [topic, support::ORIGIN]);
        let index: usize = letter.said("modeltrail.entry").parse().unwrap();
        let header = &ledger.headers()[index];
        assert_eq!((header.received.offset, header.quarantine.is_some()), (Some(letter.place().1), true));
    }
}

#[test]
fn a_daemon_that_is_killed_copies_every_one() {
    let (topic, dead) = ("letters-killed", "letters-killed-dead");
    let Some(cluster) = cluster(topic, 2, &[]) else { return };
    cluster.admin.create_topic(dead, 1, &[]).unwrap();
    let bootstrap = cluster.properties.servers();
    let mut system = System::with_source(bootstrap, topic, &format!("dead_letter_topic = \"{dead}\"")).unwrap();
    let (mut last, mut bad) = (0u64, BTreeSet::new());
    for round in 0..5u64 {
        system.start().unwrap();
        let producer = Producer::new(&cluster.properties).unwrap();
        for _ in 0..30 {
            for id in last..last + 40 {
                let payload =
                    if id % 4 == 0 { event(&format!("e{id}")) } else { format!("no event {id}").into_bytes() };
                let partition = Some(u32::try_from(id % 2).unwrap());
                producer
                    .send(Outgoing { topic, partition, payload: Some(&payload), tag: id, ..Outgoing::default() })
                    .unwrap();
            }
            last += 40;
            std::thread::sleep(Duration::from_millis(20));
        }
        producer.flush(TIME).unwrap();
        bad.extend(
            producer.take_delivered().iter().filter(|one| one.tag % 4 != 0).map(|one| (one.partition, one.offset)),
        );
        if round < 4 {
            system.kill9().unwrap();
        }
    }
    system.until_durable(&kafka_ends(bootstrap, topic, 2).unwrap(), Duration::from_secs(90)).unwrap();
    let live = || system.client().get_json("/v1/sources").unwrap()["items"][0]["live"]["dead_letters"].clone();
    until("all are copied", 60, || live()["behind"] == 0);
    let metrics = String::from_utf8(system.client().get("/metrics").unwrap().body).unwrap();
    assert!(metrics.contains("modeltrail_source_dead_letters_behind{source=\"ml\"} 0"), "{metrics}");
    system.stop().unwrap();
    system.fsck().unwrap();
    let found = letters(&cluster.properties, dead);
    let places: BTreeSet<(u32, u64)> = found.iter().map(Letter::place).collect();
    let (missing, foreign) = (bad.difference(&places).next(), places.difference(&bad).next());
    assert_eq!((places.len(), missing, foreign), (bad.len(), None, None));
    // At least once: a kill makes a batch of them come twice, not all.
    assert!(found.len() < 2 * bad.len(), "{} letters of {}", found.len(), bad.len());
    for letter in &found {
        assert!(letter.body.as_ref().is_some_and(|body| body.starts_with(b"no event")), "{letter:?}");
    }
}
