//! Sources whose partitions the consumer group assigns, against a real Apache Kafka: members come and go, and nothing is lost, doubled or kept silent.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "../../ingest/tests/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use modeltrail_ingest::admin::Admin;
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_ingest::{Assignment, Ingest, IngestConfig, Properties, SourceConfig, WitnessVerdict, check_witness};
use modeltrail_tests::kafka::shared;
use modeltrail_tests::system::{SOURCE, System, kafka_ends};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use support::{TestLedger, config, coverage, event, status_of, until, until_durable};

const SUITE: &str = "the consumer group of Apache Kafka";
const TIME: Duration = Duration::from_secs(60);
/// What a stop may take, whatever the group does.
const STOP: Duration = Duration::from_secs(5);

struct Cluster {
    properties: Properties,
    admin: Admin,
    topic: &'static str,
}

/// The broker with a topic of its own for one test.
fn cluster(topic: &'static str, partitions: u32) -> Option<Cluster> {
    let broker = shared(SUITE)?;
    let properties = Properties::bootstrap(broker.bootstrap());
    let admin = Admin::new(&properties).unwrap();
    admin.create_topic(topic, partitions, &[]).unwrap();
    Some(Cluster { properties, admin, topic })
}

impl Cluster {
    fn source(&self, assignment: Assignment) -> SourceConfig {
        SourceConfig { assignment, ..SourceConfig::new("ml", self.topic, self.properties.clone()) }
    }

    /// Each test has a group of its own, since all their ledgers have one origin.
    fn config(&self, assignment: Assignment) -> IngestConfig {
        IngestConfig { group: Some(format!("group-of-{}", self.topic)), ..config(vec![self.source(assignment)]) }
    }

    fn start(&self, ledger: &TestLedger, assignment: Assignment) -> Ingest {
        Ingest::start(&self.config(assignment), &ledger.sink()).unwrap()
    }

    fn produce(&self, partition: u32, ids: std::ops::Range<u64>) {
        let producer = Producer::new(&self.properties).unwrap();
        send(&producer, self.topic, partition, ids);
        producer.flush(TIME).unwrap();
    }

    /// Somebody else in the ledger's group, who reads and commits what the group gives them.
    fn stranger(&self) -> Stranger {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.properties.servers())
            .set("group.id", format!("group-of-{}", self.topic))
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("auto.offset.reset", "earliest")
            .set("session.timeout.ms", "6000")
            .create()
            .unwrap();
        consumer.subscribe(&[self.topic]).unwrap();
        let (stop, held) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let thread = std::thread::spawn({
            let (stop, held) = (Arc::clone(&stop), Arc::clone(&held));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    drop(consumer.poll(Duration::from_millis(20)));
                    held.store(consumer.assignment().map_or(0, |list| list.count()), Ordering::Relaxed);
                }
            }
        });
        Stranger { stop, held, thread: Some(thread) }
    }
}

/// Dropped, it has left the group.
struct Stranger {
    stop: Arc<AtomicBool>,
    held: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Stranger {
    fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join).unwrap().unwrap();
    }
}

fn send(producer: &Producer, topic: &str, partition: u32, ids: std::ops::Range<u64>) {
    for id in ids {
        let payload = event(&format!("e{id}"));
        let partition = Some(partition);
        producer.send(Outgoing { topic, partition, payload: Some(&payload), tag: id, ..Outgoing::default() }).unwrap();
    }
}

fn ends(list: &[u64]) -> BTreeMap<u32, u64> {
    (0..).zip(list.iter().copied()).collect()
}

fn ids(ledger: &TestLedger) -> Vec<String> {
    let headers = ledger.headers();
    let kafka = headers.iter().filter(|header| header.received.via == "kafka");
    kafka.filter_map(|header| header.event.as_ref().map(|event| event.id.clone())).collect()
}

/// Each of these events is in the ledger, once.
fn each_once(ledger: &TestLedger, wanted: impl Iterator<Item = u64>) {
    let (found, wanted) = (ids(ledger), wanted.map(|id| format!("e{id}")).collect::<BTreeSet<_>>());
    assert_eq!(found.len(), wanted.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
}

fn states(ingest: &Ingest) -> Vec<&'static str> {
    status_of(ingest, "ml").partitions.iter().map(|partition| partition.state).collect()
}

fn stop_in_time(ingest: &Ingest) {
    let begun = Instant::now();
    ingest.shutdown();
    assert!(begun.elapsed() < STOP, "a stop took {:?}", begun.elapsed());
}

#[test]
fn all_positions_add_up_with_transactions_over_several_partitions() {
    let Some(cluster) = cluster("group-transactions", 4) else { return };
    let ledger = TestLedger::new();
    let producer = Producer::transactional(&cluster.properties, "group-test").unwrap();
    for (round, keep) in [(0, true), (1, false), (2, true)] {
        producer.begin().unwrap();
        for partition in 0..4 {
            let first = 1000 * u64::from(partition) + 100 * round;
            send(&producer, cluster.topic, partition, first..first + 20);
        }
        if keep { producer.commit(TIME).unwrap() } else { producer.abort(TIME).unwrap() }
    }
    let ingest = cluster.start(&ledger, Assignment::Group);
    // Three times 20 records and a marker, of which 40 records are kept.
    until_durable(&ledger, &ingest, "ml", &ends(&[63; 4]), 60);
    for generation in coverage(&ledger, "ml").values() {
        assert_eq!((generation.next(), generation.entries(), generation.undelivered()), (63, 40, 23));
    }
    each_once(&ledger, (0..4).flat_map(|part| (0..20).chain(200..220).map(move |id| 1000 * part + id)));
    until("all is shown", 10, || states(&ingest) == ["reading"; 4]);
    let status = status_of(&ingest, "ml");
    assert!(status.healthy && status.missing.is_empty() && status.error.is_none(), "{status:?}");
    // What stands at the group's positions was committed by its member.
    let size = ledger.ledger().head().size;
    until("the witness knows of it", 20, || {
        check_witness(&cluster.config(Assignment::Group), ledger.sink().as_ref()).unwrap()
            == WitnessVerdict::Agrees { size }
    });
    stop_in_time(&ingest);
}

#[test]
fn another_member_takes_partitions_and_gives_them_back() {
    let Some(cluster) = cluster("group-shared", 4) else { return };
    let ledger = TestLedger::new();
    let produce = |round: u64| {
        (0..4).for_each(|part| {
            cluster.produce(part, 1000 * u64::from(part) + 100 * round..1000 * u64::from(part) + 100 * (round + 1))
        })
    };
    produce(0);
    let ingest = cluster.start(&ledger, Assignment::Group);
    until_durable(&ledger, &ingest, "ml", &ends(&[100; 4]), 60);
    let stranger = cluster.stranger();
    until("the stranger has its half", 60, || stranger.held() == 2);
    until("what is missing is said", 30, || status_of(&ingest, "ml").missing.len() == 2);
    produce(1);
    until("it is a trouble", 30, || status_of(&ingest, "ml").state == "incomplete");
    let status = status_of(&ingest, "ml");
    let error = status.error.clone().unwrap();
    let named = status.missing.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    assert!(error.contains(&format!("partitions {named}")) && error.contains(cluster.topic), "{error}");
    assert!(!status.healthy);
    for partition in &status.partitions {
        let elsewhere = status.missing.contains(&partition.partition);
        assert_eq!(partition.state, if elsewhere { "elsewhere" } else { "reading" });
        assert_eq!(partition.lag.is_none(), elsewhere, "{partition:?}");
    }
    until("ours are read meanwhile", 30, || {
        let durable = ledger.durable("ml");
        durable.iter().all(|(number, next)| *next == if status.missing.contains(number) { 100 } else { 200 })
    });
    drop(stranger);
    // The stranger has committed positions behind these records: the ledger's own count.
    until_durable(&ledger, &ingest, "ml", &ends(&[200; 4]), 60);
    until("nothing is missing", 30, || {
        let status = status_of(&ingest, "ml");
        status.healthy && status.missing.is_empty() && status.error.is_none() && status.state == "reading"
    });
    each_once(&ledger, (0..4).flat_map(|part| 1000 * part..1000 * part + 200));
    coverage(&ledger, "ml");
    assert!(ledger.own("source.gap").is_empty() && ledger.own("source.halted").is_empty());
    stop_in_time(&ingest);
}

#[test]
fn members_that_come_and_go_under_load_cost_nothing() {
    let Some(cluster) = cluster("group-storm", 6) else { return };
    let ledger = TestLedger::new();
    let stop = Arc::new(AtomicBool::new(false));
    let producer = Producer::new(&cluster.properties).unwrap();
    let load = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let mut id = 0;
            while !stop.load(Ordering::Relaxed) {
                for partition in 0..6 {
                    send(&producer, "group-storm", partition, id..id + 20);
                    id += 20;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            producer.flush(TIME).unwrap();
            (producer, id)
        }
    });
    let ingest = cluster.start(&ledger, Assignment::Group);
    until("it is read", 30, || !ledger.durable("ml").is_empty() && ledger.durable("ml").values().all(|next| *next > 0));
    for round in 0..6u64 {
        let strangers: Vec<Stranger> = (0..1 + round % 2).map(|_| cluster.stranger()).collect();
        std::thread::sleep(Duration::from_millis(600 + 400 * round));
        drop(strangers);
        std::thread::sleep(Duration::from_millis(300 * round));
    }
    stop.store(true, Ordering::Relaxed);
    let (producer, last) = load.join().unwrap();
    let mut wanted = BTreeMap::new();
    for delivered in producer.take_delivered() {
        wanted
            .entry(delivered.partition)
            .and_modify(|end: &mut u64| *end = (*end).max(delivered.offset + 1))
            .or_insert(delivered.offset + 1);
    }
    until_durable(&ledger, &ingest, "ml", &wanted, 120);
    each_once(&ledger, 0..last);
    let (covered, skipped) = coverage(&ledger, "ml")
        .values()
        .fold((0, 0), |(all, skipped), one| (all + one.next(), skipped + one.undelivered()));
    assert_eq!((covered, skipped), (last, 0));
    stop_in_time(&ingest);
}

#[test]
fn whoever_takes_its_place_ends_the_first_for_good() {
    let Some(cluster) = cluster("group-fenced", 2) else { return };
    let (first, second) = (TestLedger::new(), TestLedger::new());
    (0..2).for_each(|part| cluster.produce(part, 1000 * u64::from(part)..1000 * u64::from(part) + 50));
    let old = cluster.start(&first, Assignment::Group);
    until_durable(&first, &old, "ml", &ends(&[50; 2]), 60);
    let new = cluster.start(&second, Assignment::Group);
    until("the first is out", 60, || status_of(&old, "ml").state == "refused");
    let status = status_of(&old, "ml");
    let error = status.error.clone().unwrap();
    assert!(error.contains("another process") && error.contains("modeltrail.example.com_2Fingest-test__ml"), "{error}");
    assert!(!status.healthy && status.missing == [0, 1]);
    until_durable(&second, &new, "ml", &ends(&[50; 2]), 60);
    (0..2).for_each(|part| cluster.produce(part, 1000 * u64::from(part) + 50..1000 * u64::from(part) + 80));
    // The second, whose history is another, comes as far as the witness lets it; the first stays where it was.
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(first.durable("ml"), ends(&[50; 2]));
    assert_eq!(status_of(&old, "ml").error.as_ref(), Some(&error));
    stop_in_time(&old);
    stop_in_time(&new);
}

#[test]
fn partitions_added_later_are_read_from_their_first_record() {
    let Some(cluster) = cluster("group-grown", 1) else { return };
    let ledger = TestLedger::new();
    cluster.produce(0, 0..10);
    let ingest = cluster.start(&ledger, Assignment::Group);
    until_durable(&ledger, &ingest, "ml", &ends(&[10]), 60);
    cluster.admin.grow_topic(cluster.topic, 3).unwrap();
    let producer = Producer::new(&cluster.properties).unwrap();
    until("the new partitions take records", 30, || {
        send(&producer, cluster.topic, 2, 500..501);
        producer.flush(TIME).is_ok()
    });
    let last = producer.take_delivered().iter().map(|delivered| delivered.offset + 1).max().unwrap();
    cluster.produce(1, 100..110);
    until_durable(&ledger, &ingest, "ml", &ends(&[10, 10, last]), 90);
    let changed = ledger.own("source.changed");
    assert_eq!((changed.len(), changed[0]["old"].as_u64(), changed[0]["new"].as_u64()), (1, Some(1), Some(3)));
    let covered = coverage(&ledger, "ml");
    assert_eq!((covered[&(1, 1)].first, covered[&(1, 1)].entries(), covered[&(2, 1)].first), (0, 10, 0));
    stop_in_time(&ingest);
}

#[test]
fn a_ledger_goes_from_manual_to_group_and_back() {
    let Some(cluster) = cluster("group-switched", 3) else { return };
    let mut ledger = TestLedger::new();
    let modes = [Assignment::Manual, Assignment::Group, Assignment::Manual, Assignment::Group, Assignment::Group];
    for (round, assignment) in (0u64..).zip(modes) {
        for part in 0..3 {
            let first = 1000 * u64::from(part) + 50 * round;
            cluster.produce(part, first..first + 50);
        }
        let ingest = cluster.start(&ledger, assignment);
        until_durable(&ledger, &ingest, "ml", &ends(&[50 * (round + 1); 3]), 60);
        // Whoever reads now commits, and nobody's leftover membership is in the way.
        let size = ledger.ledger().head().size;
        until("the witness knows of it", 20, || {
            check_witness(&cluster.config(assignment), ledger.sink().as_ref()).unwrap()
                == WitnessVerdict::Agrees { size }
        });
        stop_in_time(&ingest);
        ledger.stop();
        ledger.open();
    }
    each_once(&ledger, (0..3).flat_map(|part| 1000 * part..1000 * part + 250));
    coverage(&ledger, "ml");
}

#[test]
fn a_stop_in_the_midst_of_a_rebalance_is_quick_and_harmless() {
    let Some(cluster) = cluster("group-stopped", 4) else { return };
    let ledger = TestLedger::new();
    for round in 0..4u64 {
        for part in 0..4 {
            let first = 1000 * u64::from(part) + 50 * round;
            cluster.produce(part, first..first + 50);
        }
        let ingest = cluster.start(&ledger, Assignment::Group);
        if round > 0 {
            until("it is a member", 60, || states(&ingest).contains(&"reading"));
        }
        let stranger = cluster.stranger();
        std::thread::sleep(Duration::from_millis(150 * round));
        stop_in_time(&ingest);
        drop(stranger);
    }
    let ingest = cluster.start(&ledger, Assignment::Group);
    until_durable(&ledger, &ingest, "ml", &ends(&[200; 4]), 120);
    each_once(&ledger, (0..4).flat_map(|part| 1000 * part..1000 * part + 200));
    coverage(&ledger, "ml");
    stop_in_time(&ingest);
}

#[test]
fn a_killed_daemon_goes_on_as_the_same_member() {
    let topic = "group-killed";
    let Some(cluster) = cluster(topic, 3) else { return };
    let bootstrap = cluster.properties.servers();
    let mut system = System::with_source(bootstrap, topic, "assignment = \"group\"").unwrap();
    let mut last = 0;
    for round in 0..4u64 {
        system.start().unwrap();
        let producer = Producer::new(&cluster.properties).unwrap();
        for _ in 0..40 {
            for partition in 0..3 {
                send(&producer, topic, partition, last..last + 10);
                last += 10;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        producer.flush(TIME).unwrap();
        if round < 3 {
            system.kill9().unwrap();
        }
    }
    system.until_durable(&kafka_ends(bootstrap, topic, 3).unwrap(), Duration::from_secs(90)).unwrap();
    let metrics = String::from_utf8(system.client().get("/metrics").unwrap().body).unwrap();
    assert!(metrics.contains("modeltrail_source_missing_partitions{source=\"ml\"} 0"), "{metrics}");
    system.stop().unwrap();
    system.fsck().unwrap();
    let log = system.log().unwrap();
    let covered: u64 = log.coverage(SOURCE).unwrap().values().map(modeltrail_tests::log::Coverage::next).sum();
    assert_eq!((covered, log.by_id().len() as u64), (last, last));
    assert!(log.by_id().values().all(|entries| entries.len() == 1));
}
