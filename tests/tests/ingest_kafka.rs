//! Sources against a real Apache Kafka, into a real ledger: what librdkafka's mock cluster does not do.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "../../ingest/tests/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use modeltrail_ingest::admin::Admin;
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_ingest::{Ingest, Properties, RebaseTo, SourceConfig, WitnessVerdict, check_witness};
use modeltrail_tests::kafka::shared;
use support::{TestLedger, config, coverage, event, status_of, until, until_durable};

const SUITE: &str = "ingest from Apache Kafka";
const TIME: Duration = Duration::from_secs(60);

struct Cluster {
    properties: Properties,
    admin: Admin,
}

/// The broker with a topic of its own for one test.
fn cluster(topic: &str, partitions: u32, settings: &[(&str, &str)]) -> Option<Cluster> {
    let broker = shared(SUITE)?;
    let properties = Properties::bootstrap(broker.bootstrap());
    let admin = Admin::new(&properties).unwrap();
    admin.create_topic(topic, partitions, settings).unwrap();
    Some(Cluster { properties, admin })
}

impl Cluster {
    fn source(&self, topic: &str) -> SourceConfig {
        SourceConfig::new("ml", topic, self.properties.clone())
    }

    fn producer(&self) -> Producer {
        Producer::new(&self.properties).unwrap()
    }
}

fn send(producer: &Producer, topic: &str, partition: u32, ids: std::ops::Range<u64>) {
    for id in ids {
        let payload = event(&format!("e{id}"));
        producer
            .send(Outgoing {
                topic,
                partition: Some(partition),
                payload: Some(&payload),
                tag: id,
                ..Outgoing::default()
            })
            .unwrap();
    }
}

fn produce(cluster: &Cluster, topic: &str, partition: u32, ids: std::ops::Range<u64>) {
    let producer = cluster.producer();
    send(&producer, topic, partition, ids);
    producer.flush(TIME).unwrap();
}

fn ends(list: &[u64]) -> BTreeMap<u32, u64> {
    (0..).zip(list.iter().copied()).collect()
}

fn ids(ledger: &TestLedger) -> BTreeSet<String> {
    ledger
        .headers()
        .iter()
        .filter(|header| header.received.via == "kafka")
        .filter_map(|header| header.event.as_ref().map(|event| event.id.clone()))
        .collect()
}

#[test]
fn aborted_records_are_never_appended_and_all_positions_add_up() {
    let topic = "ingest-transactions";
    let Some(cluster) = cluster(topic, 1, &[]) else { return };
    let ledger = TestLedger::new();
    let producer = Producer::transactional(&cluster.properties, "ingest-test").unwrap();
    for (ids, keep) in [(0..50, true), (1000..1030, false), (50..70, true), (2000..2010, false)] {
        producer.begin().unwrap();
        send(&producer, topic, 0, ids);
        if keep { producer.commit(TIME).unwrap() } else { producer.abort(TIME).unwrap() }
    }
    let ingest = Ingest::start(&config(vec![cluster.source(topic)]), &ledger.sink()).unwrap();
    // 110 records and 4 markers; the tail is aborted, so only the end-of-partition event leads past it.
    until_durable(&ledger, &ingest, "ml", &ends(&[114]), 60);
    let covered = &coverage(&ledger, "ml")[&(0, 1)];
    assert_eq!((covered.next(), covered.entries(), covered.undelivered()), (114, 70, 44));
    assert_eq!(ids(&ledger), (0..70).map(|id| format!("e{id}")).collect());
    // An open transaction: nothing of it is read, and nothing lags behind the last stable record.
    producer.begin().unwrap();
    send(&producer, topic, 0, 70..80);
    std::thread::sleep(Duration::from_secs(2));
    until("nothing lags", 20, || status_of(&ingest, "ml").partitions.first().is_some_and(|one| one.lag == Some(0)));
    assert_eq!(ledger.durable("ml"), ends(&[114]));
    producer.commit(TIME).unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[125]), 60);
    assert_eq!(coverage(&ledger, "ml")[&(0, 1)].entries(), 80);
}

#[test]
fn a_topic_made_anew_halts_and_a_rebase_goes_on() {
    let topic = "ingest-recreated";
    let Some(cluster) = cluster(topic, 2, &[]) else { return };
    let ledger = TestLedger::new();
    produce(&cluster, topic, 0, 0..20);
    produce(&cluster, topic, 1, 100..105);
    let ingest = Ingest::start(&config(vec![cluster.source(topic)]), &ledger.sink()).unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[20, 5]), 60);
    let opened = ledger.own("source.opened");
    let before = opened[0]["topic_id"].as_str().unwrap().to_owned();
    assert_ne!(before, "unknown");
    assert_eq!(opened[0]["cleanup_policy"], "delete");
    ingest.shutdown();
    cluster.admin.delete_topic(topic).unwrap();
    until("the topic can be made anew", 30, || cluster.admin.create_topic(topic, 2, &[]).is_ok());
    // Longer than the old one: by positions alone nothing would show.
    produce(&cluster, topic, 0, 1000..1040);
    produce(&cluster, topic, 1, 2000..2040);
    let ingest = Ingest::start(&config(vec![cluster.source(topic)]), &ledger.sink()).unwrap();
    until("both partitions halt", 60, || {
        let partitions = status_of(&ingest, "ml").partitions;
        partitions.len() == 2 && partitions.iter().all(|partition| partition.state == "halted")
    });
    let halted = ledger.own("source.halted");
    assert_eq!(halted.len(), 2, "{halted:?}");
    assert!(
        halted.iter().all(|halt| halt["cause"] == "topic_id"
            && halt["stored"] == before.as_str()
            && halt["seen"] != before.as_str()),
        "{halted:?}"
    );
    assert_eq!(ledger.durable("ml"), ends(&[20, 5]));
    ingest.rebase("ml", 0, RebaseTo::Earliest).unwrap();
    ingest.rebase("ml", 1, RebaseTo::Position(30)).unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[40, 40]), 60);
    let covered = coverage(&ledger, "ml");
    assert_eq!(
        (covered[&(0, 1)].entries(), covered[&(0, 2)].entries(), covered[&(1, 2)].first, covered[&(1, 2)].entries()),
        (20, 40, 30, 10)
    );
    assert_ne!(ledger.own("source.rebased")[0]["new"]["topic_id"], before.as_str());
}

#[test]
fn a_topic_made_anew_while_it_is_read_halts() {
    let topic = "ingest-recreated-live";
    let Some(cluster) = cluster(topic, 1, &[]) else { return };
    let ledger = TestLedger::new();
    produce(&cluster, topic, 0, 0..20);
    let ingest = Ingest::start(&config(vec![cluster.source(topic)]), &ledger.sink()).unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[20]), 60);
    until("it was found good", 20, || status_of(&ingest, "ml").checked_at.is_some());
    cluster.admin.delete_topic(topic).unwrap();
    until("the topic can be made anew", 30, || cluster.admin.create_topic(topic, 1, &[]).is_ok());
    produce(&cluster, topic, 0, 1000..1040);
    until("it halts", 90, || status_of(&ingest, "ml").state == "halted");
    let halted = ledger.own("source.halted");
    assert_eq!((halted.len(), halted[0]["cause"].as_str()), (1, Some("topic_id")), "{halted:?}");
    assert!(halted[0]["last_good_at"].is_string());
    ingest.rebase("ml", 0, RebaseTo::Earliest).unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[40]), 60);
    coverage(&ledger, "ml");
}

#[test]
fn a_compacted_topic_is_refused_unless_allowed() {
    let topic = "ingest-compacted";
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("max.compaction.lag.ms", "100"),
        ("delete.retention.ms", "100"),
    ];
    let Some(cluster) = cluster(topic, 1, &settings) else { return };
    let ledger = TestLedger::new();
    let producer = cluster.producer();
    for round in 0..30u64 {
        let payload = event(&format!("e{round}"));
        producer
            .send(Outgoing {
                topic,
                partition: Some(0),
                key: Some(b"one key"),
                payload: Some(&payload),
                ..Outgoing::default()
            })
            .unwrap();
        producer.flush(TIME).unwrap();
        if round % 5 == 0 {
            std::thread::sleep(Duration::from_millis(150));
        }
    }
    let refused = Ingest::start(&config(vec![cluster.source(topic)]), &ledger.sink()).unwrap();
    until("it is refused", 30, || {
        status_of(&refused, "ml").error.is_some_and(|error| error.contains("allow_compacted"))
    });
    refused.shutdown();
    assert!(ledger.own("source.opened").is_empty());
    let allowed = SourceConfig { allow_compacted: true, ..cluster.source(topic) };
    let ingest = Ingest::start(&config(vec![allowed]), &ledger.sink()).unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[30]), 60);
    let covered = &coverage(&ledger, "ml")[&(0, 1)];
    assert_eq!(
        covered.entries() + covered.undelivered() + covered.gaps() + usize::try_from(covered.first).unwrap(),
        30
    );
    assert!(ids(&ledger).contains("e29"));
    cluster.admin.configure_topic(topic, &[("cleanup.policy", "delete")]).unwrap();
    until("the change is recorded", 30, || !ledger.own("source.changed").is_empty());
    let changed = ledger.own("source.changed");
    assert_eq!(
        (changed[0]["key"].as_str(), changed[0]["old"].as_str(), changed[0]["new"].as_str()),
        (Some("cleanup_policy"), Some("compact"), Some("delete"))
    );
}

#[test]
fn a_partition_added_later_is_read_from_its_first_record() {
    let topic = "ingest-grown";
    let Some(cluster) = cluster(topic, 1, &[]) else { return };
    let ledger = TestLedger::new();
    produce(&cluster, topic, 0, 0..10);
    let ingest = Ingest::start(&config(vec![cluster.source(topic)]), &ledger.sink()).unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[10]), 60);
    cluster.admin.grow_topic(topic, 3).unwrap();
    let producer = cluster.producer();
    until("the new partitions take records", 30, || {
        send(&producer, topic, 2, 500..501);
        producer.flush(TIME).is_ok()
    });
    send(&producer, topic, 1, 100..110);
    producer.flush(TIME).unwrap();
    let last = producer
        .take_delivered()
        .iter()
        .filter(|delivered| delivered.partition == 2)
        .map(|delivered| delivered.offset + 1)
        .max()
        .unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[10, 10, last]), 60);
    let changed = ledger.own("source.changed");
    assert_eq!((changed.len(), changed[0]["old"].as_u64(), changed[0]["new"].as_u64()), (1, Some(1), Some(3)));
    let covered = coverage(&ledger, "ml");
    assert_eq!((covered[&(1, 1)].first, covered[&(1, 1)].entries(), covered[&(2, 1)].first), (0, 10, 0));
    ingest.shutdown();
    let again = Ingest::start(&config(vec![cluster.source(topic)]), &ledger.sink()).unwrap();
    produce(&cluster, topic, 1, 110..120);
    until_durable(&ledger, &again, "ml", &ends(&[10, 20, last]), 60);
    assert_eq!(ledger.own("source.changed").len(), 1);
}

#[test]
fn odd_and_bad_records_are_entries_and_good_ones_still_arrive() {
    let topic = "ingest-odd";
    let Some(cluster) = cluster(topic, 1, &[("max.message.bytes", "8000000")]) else { return };
    let ledger = TestLedger::new();
    let producer = cluster.producer();
    let put = |key: Option<&[u8]>,
               headers: &[(&str, Option<&[u8]>)],
               payload: Option<&[u8]>,
               timestamp_ms: Option<i64>| {
        producer
            .send(Outgoing { topic, partition: Some(0), key, headers, payload, timestamp_ms, ..Outgoing::default() })
            .unwrap();
    };
    let big = vec![b'x'; 6_000_000];
    let good = event("good");
    put(Some(b"k"), &[], None, None);
    put(Some(b""), &[], Some(b""), None);
    put(None, &[("trace", None), ("trace", Some(b"")), ("trace", Some(b"2"))], Some(&good), Some(1_000));
    put(None, &[("ce_id", Some(b"1")), ("ce_id", Some(b"2"))], Some(b"{}"), None);
    put(Some(&[0xff]), &[("key", Some(&[0xff, 0xfe]))], Some(&[0, 159, 146, 150]), None);
    put(None, &[], Some(&big), None);
    (0..10_000).for_each(|number: u32| put(None, &[], Some(&number.to_be_bytes()), None));
    send(&producer, topic, 0, 0..10);
    producer.flush(TIME).unwrap();
    let ingest = Ingest::start(&config(vec![cluster.source(topic)]), &ledger.sink()).unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[10_016]), 120);
    let headers: Vec<_> = ledger.headers().into_iter().filter(|header| header.received.via == "kafka").collect();
    let reason = |at: usize| headers[at].quarantine.as_ref().map(|quarantine| quarantine.reason.clone());
    let expected = [Some("malformed"), Some("malformed"), None, Some("malformed"), Some("malformed"), Some("oversize")];
    assert_eq!((0..6).map(reason).collect::<Vec<_>>(), expected.map(|reason| reason.map(str::to_owned)));
    assert!((6..10_006).all(|at| reason(at).as_deref() == Some("malformed")));
    assert!((10_006..10_016).all(|at| reason(at).is_none()));
    assert_eq!(headers[5].content.kept, Some(false));
    assert_eq!(coverage(&ledger, "ml")[&(0, 1)].entries(), 10_016);
    // What arrived is what is kept, to the null.
    let opening = ledger.ledger().opening(headers[2].index.get()).unwrap().unwrap();
    let record = modeltrail_schemas::record::Record::decode(&opening[16..]).unwrap();
    let values: Vec<Option<Vec<u8>>> = record.producer().iter().map(|attribute| attribute.value.clone()).collect();
    assert_eq!(values, [None, Some(Vec::new()), Some(b"2".to_vec())]);
    assert_eq!(record.transport()[1].value.as_deref(), Some(&b"1000"[..]));
    until("all are shown", 5, || {
        status_of(&ingest, "ml").partitions.first().is_some_and(|one| one.counts.quarantined == 10_005)
    });
}

#[test]
fn restarts_under_load_take_every_record_once() {
    let topic = "ingest-restarts";
    let Some(cluster) = cluster(topic, 3, &[]) else { return };
    let mut ledger = TestLedger::new();
    let sources = config(vec![cluster.source(topic)]);
    let stop = Arc::new(AtomicBool::new(false));
    let producer = cluster.producer();
    let load = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let mut id = 0;
            while !stop.load(Ordering::Relaxed) {
                for partition in 0..3 {
                    send(&producer, "ingest-restarts", partition, id..id + 20);
                    id += 20;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            producer.flush(TIME).unwrap();
            producer
        }
    });
    for round in 0..6u64 {
        let ingest = Ingest::start(&sources, &ledger.sink()).unwrap();
        std::thread::sleep(Duration::from_millis(400 + 150 * round));
        ingest.shutdown();
        if round % 2 == 1 {
            ledger.stop();
            ledger.open();
        }
    }
    stop.store(true, Ordering::Relaxed);
    let producer = load.join().unwrap();
    let mut wanted = BTreeMap::new();
    let delivered = producer.take_delivered();
    for one in &delivered {
        let end: &mut u64 = wanted.entry(one.partition).or_default();
        *end = (*end).max(one.offset + 1);
    }
    let ingest = Ingest::start(&sources, &ledger.sink()).unwrap();
    until_durable(&ledger, &ingest, "ml", &wanted, 120);
    let covered = coverage(&ledger, "ml");
    let entries: usize = covered.values().map(support::Generation::entries).sum();
    assert_eq!(entries, delivered.len());
    assert_eq!(ids(&ledger), delivered.iter().map(|one| format!("e{}", one.tag)).collect());
    assert!(
        ledger.own("source.halted").is_empty()
            && ledger.own("source.gap").is_empty()
            && ledger.own("source.opened").len() == 1
    );
    // The witness of a real broker keeps what it was told.
    let size = ledger.ledger().head().size;
    until("the head is committed", 30, || {
        check_witness(&sources, ledger.sink().as_ref()).unwrap() == WitnessVerdict::Agrees { size }
    });
}
