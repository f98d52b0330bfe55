//! Against librdkafka's mock cluster, into a real ledger: faults that a real broker can't easily be made to show.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use modeltrail_core::prepared::Prepared;
use modeltrail_core::sequencer::{NewPartition, PartitionId};
use modeltrail_core::store::PositionRow;
use modeltrail_core::types::Salt;
use modeltrail_ingest::broker::EmbeddedBroker;
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_ingest::sink::{AsidePage, Refused};
use modeltrail_ingest::{
    Ingest, IngestConfig, Properties, RebaseTo, Sink, SourceConfig, Start, WitnessVerdict, check_witness,
};
use modeltrail_schemas::record::{RecordView, TimestampType, Via};
use modeltrail_schemas::time::Micros;
use modeltrail_store::{Act, AppendError, KafkaItem};
use rdkafka::bindings::rd_kafka_resp_err_t;
use rdkafka::types::RDKafkaApiKey;
use support::{TestLedger, config, coverage, event, status_of, until, until_durable};

fn produce(
    broker: &EmbeddedBroker,
    topic: &str,
    partition: u32,
    ids: std::ops::Range<u64>,
    body: impl Fn(u64) -> Vec<u8>,
) {
    let producer = Producer::new(&Properties::bootstrap(broker.bootstrap())).unwrap();
    for id in ids {
        let payload = body(id);
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
    producer.flush(Duration::from_secs(20)).unwrap();
}

fn numbered(id: u64) -> Vec<u8> {
    event(&format!("e{id}"))
}

fn start(ledger: &TestLedger, config: &IngestConfig) -> Ingest {
    Ingest::start(config, &ledger.sink()).unwrap()
}

fn ends(list: &[u64]) -> BTreeMap<u32, u64> {
    (0..).zip(list.iter().copied()).collect()
}

#[test]
fn every_position_is_covered_once_over_restarts() {
    let broker = EmbeddedBroker::start(&[("t", 2)]).unwrap();
    let mut ledger = TestLedger::new();
    let config = config(vec![broker.source("ml", "t")]);
    produce(&broker, "t", 0, 0..700, numbered);
    // The same events again: duplicates.
    produce(&broker, "t", 1, 0..300, numbered);
    for round in 1..4 {
        let ingest = start(&ledger, &config);
        until_durable(&ledger, &ingest, "ml", &ends(&[700 * round, 300 * round]), 30);
        ingest.shutdown();
        ledger.stop();
        ledger.open();
        produce(&broker, "t", 0, 700 * round..700 * (round + 1), numbered);
        produce(&broker, "t", 1, 700 * round..700 * round + 300, numbered);
    }
    let covered = coverage(&ledger, "ml");
    let (first, second) = (&covered[&(0, 1)], &covered[&(1, 1)]);
    let (entries, doubles) =
        (first.entries() + second.entries(), first.ranges("duplicate") + second.ranges("duplicate"));
    assert_eq!((first.next(), second.next()), (2100, 900));
    assert_eq!((entries, doubles), (2100, 900));
    let opened = ledger.own("source.opened");
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0]["topic_id"], "unknown");
}

#[test]
fn what_cannot_be_read_is_an_entry_and_good_ones_follow() {
    let broker = EmbeddedBroker::start(&[("t", 1)]).unwrap();
    let ledger = TestLedger::new();
    let producer = Producer::new(&Properties::bootstrap(broker.bootstrap())).unwrap();
    let send = |payload: Option<&[u8]>, headers: &[(&str, Option<&[u8]>)]| {
        producer
            .send(Outgoing { topic: "t", partition: Some(0), key: Some(b"k"), headers, payload, ..Outgoing::default() })
            .unwrap();
    };
    let good = event("good");
    let big = vec![b'x'; (1 << 20) + 1];
    send(None, &[]);
    send(Some(b""), &[]);
    send(Some(b"{\"a\":1,\"a\":2}"), &[("content-type", Some(b"application/cloudevents+json"))]);
    send(Some(&[0xff, 0x00, 0xfe]), &[("key", None), ("timestamp", Some(b"1")), ("key", Some(b""))]);
    send(Some(&big), &[]);
    send(Some(&good), &[]);
    send(Some(&good), &[("trace", None)]);
    send(Some(b"{\"specversion\":\"1.0\",\"id\":\"good\",\"source\":\"test\",\"type\":\"com.example.tried\"}"), &[]);
    producer.flush(Duration::from_secs(20)).unwrap();
    let ingest = start(&ledger, &config(vec![broker.source("ml", "t")]));
    until_durable(&ledger, &ingest, "ml", &ends(&[8]), 30);
    let quarantined: Vec<(u64, String)> = ledger
        .headers()
        .iter()
        .filter_map(|header| {
            header.quarantine.as_ref().map(|quarantine| (header.received.offset.unwrap(), quarantine.reason.clone()))
        })
        .collect();
    let expected =
        [(0, "malformed"), (1, "malformed"), (2, "malformed"), (3, "malformed"), (4, "oversize"), (7, "conflict")];
    assert_eq!(quarantined, expected.map(|(offset, reason)| (offset, reason.to_owned())));
    let covered = coverage(&ledger, "ml");
    assert_eq!((covered[&(0, 1)].entries(), covered[&(0, 1)].ranges("duplicate")), (7, 1));
    until("the status is shown", 5, || {
        status_of(&ingest, "ml").partitions.first().is_some_and(|one| one.counts.quarantined == 5)
    });
}

#[test]
fn what_retention_took_is_a_gap_and_reading_goes_on() {
    let broker = EmbeddedBroker::start(&[("t", 1)]).unwrap();
    let ledger = TestLedger::new();
    let config = config(vec![broker.source("ml", "t")]);
    produce(&broker, "t", 0, 0..10, numbered);
    let ingest = start(&ledger, &config);
    until_durable(&ledger, &ingest, "ml", &ends(&[10]), 30);
    ingest.shutdown();
    // More than the broker keeps of a partition.
    let large = |id: u64| {
        let mut body = event(&format!("e{id}"));
        body.resize(100_000, b' ');
        body
    };
    produce(&broker, "t", 0, 10..130, large);
    let ingest = start(&ledger, &config);
    until_durable(&ledger, &ingest, "ml", &ends(&[130]), 30);
    let gaps = ledger.own("source.gap");
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!((gaps[0]["first"].as_u64(), gaps[0]["cause"].as_str()), (Some(10), Some("retention")));
    let covered = &coverage(&ledger, "ml")[&(0, 1)];
    assert!(covered.gaps() > 50, "{}", covered.gaps());
    assert_eq!(covered.next(), 130);
    assert_eq!(covered.entries() + covered.gaps(), 130);
    until("the gap is shown", 5, || {
        status_of(&ingest, "ml").partitions.first().is_some_and(|one| one.counts.gap_positions == covered.gaps() as u64)
    });
}

/// A writer that has no room while it is told so.
struct Stalling {
    inner: Arc<dyn Sink>,
    stalled: AtomicBool,
}

impl Sink for Stalling {
    fn origin(&self) -> &str {
        self.inner.origin()
    }
    fn now(&self) -> Micros {
        self.inner.now()
    }
    fn salt(&self) -> Salt {
        self.inner.salt()
    }
    fn send(&self, items: Vec<KafkaItem>) -> Result<(), Refused> {
        if self.stalled.load(Ordering::Relaxed) { Err((items, AppendError::QueueFull)) } else { self.inner.send(items) }
    }
    fn act(&self, act: Act) -> Receiver<Result<u64, AppendError>> {
        self.inner.act(act)
    }
    fn positions(&self) -> Result<Vec<PositionRow>, String> {
        self.inner.positions()
    }
    fn size(&self) -> u64 {
        self.inner.size()
    }
    fn head(&self) -> (u64, String) {
        self.inner.head()
    }
    fn root_at(&self, size: u64) -> Result<String, String> {
        self.inner.root_at(size)
    }
    fn cleanup_policy(&self, source: &str) -> Result<Option<String>, String> {
        self.inner.cleanup_policy(source)
    }
    fn took_record(&self, id: &PartitionId, generation: u64, from: u64) -> Result<bool, String> {
        self.inner.took_record(id, generation, from)
    }
    fn set_aside(&self, source: &str, from: u64) -> Result<AsidePage, String> {
        self.inner.set_aside(source, from)
    }
    fn copied_to(&self, source: &str) -> Result<u64, String> {
        self.inner.copied_to(source)
    }
    fn note_copied(&self, source: &str, index: u64) -> Result<(), String> {
        self.inner.note_copied(source, index)
    }
    fn poison(&self, cause: String) {
        self.inner.poison(cause);
    }
}

#[test]
fn a_stalled_writer_pauses_partitions_and_nothing_is_lost() {
    let broker = EmbeddedBroker::start(&[("t", 2)]).unwrap();
    let ledger = TestLedger::new();
    let sink = Arc::new(Stalling { inner: ledger.sink(), stalled: AtomicBool::new(false) });
    let config = config(vec![broker.source("ml", "t")]);
    let ingest = Ingest::start(&config, &(Arc::clone(&sink) as Arc<dyn Sink>)).unwrap();
    let mut end = 0;
    for round in 0..4u64 {
        sink.stalled.store(true, Ordering::Relaxed);
        produce(&broker, "t", 0, end..end + 1000, numbered);
        produce(&broker, "t", 1, 1_000_000 + end..1_000_000 + end + 1000, numbered);
        end += 1000;
        until("partitions are paused", 20, || status_of(&ingest, "ml").state == "paused");
        if round == 1 {
            // What comes while paused is dropped and read again.
            produce(&broker, "t", 0, end..end + 500, numbered);
            produce(&broker, "t", 1, 1_000_000 + end..1_000_000 + end + 500, numbered);
            end += 500;
        }
        sink.stalled.store(false, Ordering::Relaxed);
        until_durable(&ledger, &ingest, "ml", &ends(&[end, end]), 30);
    }
    let covered = coverage(&ledger, "ml");
    assert_eq!((covered[&(0, 1)].entries(), covered[&(1, 1)].entries()), (4500, 4500));
}

fn assert_quick(ingest: &Ingest) {
    let begun = Instant::now();
    ingest.shutdown();
    assert!(begun.elapsed() < Duration::from_secs(5), "shutdown took {:?}", begun.elapsed());
}

#[test]
fn a_stop_is_quick_whatever_goes_on() {
    let broker = EmbeddedBroker::start(&[("t", 4)]).unwrap();
    let ledger = TestLedger::new();
    let sink = Arc::new(Stalling { inner: ledger.sink(), stalled: AtomicBool::new(false) });
    let config = config(vec![broker.source("ml", "t")]);
    let begin = || Ingest::start(&config, &(Arc::clone(&sink) as Arc<dyn Sink>)).unwrap();
    // At once.
    assert_quick(&begin());
    // Idle at the end.
    let ingest = begin();
    until("it reads", 20, || status_of(&ingest, "ml").state == "reading");
    assert_quick(&ingest);
    // In the midst of reading.
    produce(&broker, "t", 0, 0..2000, numbered);
    assert_quick(&begin());
    // With a writer that takes nothing.
    let ingest = begin();
    until("it reads", 20, || status_of(&ingest, "ml").state == "reading");
    sink.stalled.store(true, Ordering::Relaxed);
    produce(&broker, "t", 1, 10_000..12_000, numbered);
    until("it is paused", 20, || status_of(&ingest, "ml").state == "paused");
    assert_quick(&ingest);
    sink.stalled.store(false, Ordering::Relaxed);
    // With the broker down while it reads.
    let ingest = begin();
    until("it reads", 20, || status_of(&ingest, "ml").state == "reading");
    broker.with(|cluster| cluster.broker_down(1)).unwrap().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert_quick(&ingest);
    // With the broker down from the start, and dropped instead of stopped.
    let ingest = begin();
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    drop(ingest);
    assert!(begun.elapsed() < Duration::from_secs(5), "drop took {:?}", begun.elapsed());
}

#[test]
fn a_broker_that_goes_away_and_comes_back_loses_nothing() {
    let broker = EmbeddedBroker::start(&[("t", 1)]).unwrap();
    let ledger = TestLedger::new();
    let ingest = start(&ledger, &config(vec![broker.source("ml", "t")]));
    produce(&broker, "t", 0, 0..100, numbered);
    until_durable(&ledger, &ingest, "ml", &ends(&[100]), 30);
    broker.with(|cluster| cluster.broker_down(1)).unwrap().unwrap();
    until("the trouble is shown", 30, || status_of(&ingest, "ml").error.is_some());
    broker.with(|cluster| cluster.broker_up(1)).unwrap().unwrap();
    produce(&broker, "t", 0, 100..200, numbered);
    until_durable(&ledger, &ingest, "ml", &ends(&[200]), 60);
    assert_eq!(coverage(&ledger, "ml")[&(0, 1)].entries(), 200);
    until("the trouble is over", 30, || status_of(&ingest, "ml").error.is_none());
    assert!(ledger.own("source.halted").is_empty());
}

#[test]
fn an_offset_out_of_range_that_is_not_true_is_survived() {
    let broker = EmbeddedBroker::start(&[("t", 1)]).unwrap();
    let ledger = TestLedger::new();
    let ingest = start(&ledger, &config(vec![broker.source("ml", "t")]));
    produce(&broker, "t", 0, 0..100, numbered);
    until_durable(&ledger, &ingest, "ml", &ends(&[100]), 30);
    let errors = [rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE; 2];
    broker.with(move |cluster| cluster.request_errors(RDKafkaApiKey::Fetch, &errors)).unwrap();
    produce(&broker, "t", 0, 100..200, numbered);
    until_durable(&ledger, &ingest, "ml", &ends(&[200]), 60);
    assert_eq!(coverage(&ledger, "ml")[&(0, 1)].entries(), 200);
    assert!(ledger.own("source.halted").is_empty() && ledger.own("source.gap").is_empty());
}

/// Opens a source by hand, as if the ledger had read this topic before.
fn opened_before(ledger: &TestLedger, topic: &str, first: u64, leader_epoch: i32) {
    let template = PositionRow {
        source: "ml".into(),
        partition: 0,
        generation: 1,
        next: 0,
        cluster: "unknown".into(),
        topic: topic.into(),
        topic_id: "unknown".into(),
        leader_epoch: -1,
        halted: None,
        closed: false,
    };
    let new = vec![NewPartition { partition: 0, first, leader_epoch }];
    ledger.sink().act(Act::OpenSource { template, new, extra: serde_json::json!({}) }).recv().unwrap().unwrap();
}

#[test]
fn a_position_past_the_end_halts_and_a_rebase_goes_on() {
    let broker = EmbeddedBroker::start(&[("t", 1)]).unwrap();
    let ledger = TestLedger::new();
    opened_before(&ledger, "t", 50, -1);
    produce(&broker, "t", 0, 0..20, numbered);
    let config = config(vec![broker.source("ml", "t")]);
    let ingest = start(&ledger, &config);
    until("it halts", 30, || status_of(&ingest, "ml").state == "halted");
    let halted = ledger.own("source.halted");
    assert_eq!(
        (halted.len(), halted[0]["cause"].as_str(), halted[0]["stored"].as_str(), halted[0]["seen"].as_str()),
        (1, Some("position_past_end"), Some("50"), Some("20"))
    );
    let message = status_of(&ingest, "ml").partitions[0].last_error.clone().unwrap();
    assert!(message.contains("source rebase ml 0") && message.contains("50"), "{message}");
    // A halt stays over a restart, and is not recorded twice.
    ingest.shutdown();
    let ingest = start(&ledger, &config);
    until("it is still halted", 30, || {
        status_of(&ingest, "ml").state == "halted" && status_of(&ingest, "ml").checked_at.is_some()
    });
    assert_eq!(ledger.own("source.halted").len(), 1);
    let refused = ingest.rebase("ml", 0, RebaseTo::Position(21)).unwrap_err().to_string();
    assert!(refused.contains("position 21 is not there"), "{refused}");
    assert!(ingest.rebase("ml", 7, RebaseTo::Earliest).unwrap_err().to_string().contains("never opened"));
    assert!(ingest.rebase("nobody", 0, RebaseTo::Earliest).unwrap_err().to_string().contains("not configured"));
    ingest.rebase("ml", 0, RebaseTo::Position(5)).unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[20]), 30);
    let covered = coverage(&ledger, "ml");
    assert_eq!((covered[&(0, 1)].positions.len(), covered[&(0, 2)].first, covered[&(0, 2)].entries()), (0, 5, 15));
}

#[test]
fn a_rebase_while_reading_begins_a_generation() {
    let broker = EmbeddedBroker::start(&[("t", 1)]).unwrap();
    let ledger = TestLedger::new();
    let ingest = start(&ledger, &config(vec![broker.source("ml", "t")]));
    produce(&broker, "t", 0, 0..30, numbered);
    until_durable(&ledger, &ingest, "ml", &ends(&[30]), 30);
    ingest.rebase("ml", 0, RebaseTo::Earliest).unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[30]), 30);
    let covered = coverage(&ledger, "ml");
    assert_eq!((covered[&(0, 1)].entries(), covered[&(0, 2)].first, covered[&(0, 2)].ranges("duplicate")), (30, 0, 30));
    ingest.rebase("ml", 0, RebaseTo::Latest).unwrap();
    produce(&broker, "t", 0, 30..40, numbered);
    until_durable(&ledger, &ingest, "ml", &ends(&[40]), 30);
    assert_eq!(coverage(&ledger, "ml")[&(0, 3)].entries(), 10);
}

fn lead(broker: &EmbeddedBroker, id: Option<i32>) {
    broker.with(move |cluster| cluster.partition_leader("t", 0, id)).unwrap().unwrap();
}

/// A broker with ten records of one leader epoch and ten of a later one, and the first of these epochs.
fn two_epochs() -> (EmbeddedBroker, i32) {
    let broker = EmbeddedBroker::start(&[("t", 1)]).unwrap();
    lead(&broker, None);
    lead(&broker, Some(1));
    produce(&broker, "t", 0, 0..10, numbered);
    let ledger = TestLedger::new();
    let ingest = start(&ledger, &config(vec![broker.source("ml", "t")]));
    until_durable(&ledger, &ingest, "ml", &ends(&[10]), 30);
    ingest.shutdown();
    let epoch = ledger.ledger().positions().unwrap()[0].leader_epoch;
    assert!(epoch > 0, "the broker gave no leader epoch");
    lead(&broker, None);
    lead(&broker, Some(1));
    produce(&broker, "t", 0, 10..20, numbered);
    (broker, epoch)
}

/// A record that another reader took at this position of the old epoch.
fn took(ledger: &TestLedger, offset: u64, leader_epoch: i32) {
    let record = RecordView::kafka(None, None, TimestampType::None, [], Some(b"of the log that was")).unwrap();
    let record = Box::new(Prepared::new(Via::Kafka, &record, ledger.sink().salt(), 1 << 20, support::ORIGIN));
    let partition = PartitionId { source: "ml".into(), partition: 0 };
    ledger.sink().send(vec![KafkaItem::Record { partition, offset, leader_epoch, record }]).unwrap();
    until("it is sealed", 10, || ledger.durable("ml")[&0] == offset + 1);
}

#[test]
fn a_log_that_was_cut_and_grew_again_halts() {
    let (broker, epoch) = two_epochs();
    // This ledger read up to 12 in the old epoch, which now ends at 10: what stands at 10 and 11 is not what it read.
    let ledger = TestLedger::new();
    opened_before(&ledger, "t", 10, epoch);
    took(&ledger, 10, epoch);
    took(&ledger, 11, epoch);
    let ingest = start(&ledger, &config(vec![broker.source("ml", "t")]));
    until("it halts", 30, || status_of(&ingest, "ml").state == "halted");
    let halted = ledger.own("source.halted");
    assert_eq!((halted.len(), halted[0]["cause"].as_str()), (1, Some("epoch_back")), "{halted:?}");
    assert_eq!(ledger.durable("ml"), ends(&[12]), "nothing of the other log was taken");
}

#[test]
fn an_epoch_that_ended_before_mere_markers_proves_nothing() {
    let (broker, epoch) = two_epochs();
    let ledger = TestLedger::new();
    opened_before(&ledger, "t", 9, epoch);
    took(&ledger, 9, epoch);
    // Positions 10 and 11 gave no record: markers of a later epoch, for all that a consumer is told.
    ledger
        .sink()
        .send(vec![KafkaItem::End { partition: PartitionId { source: "ml".into(), partition: 0 }, end: 12 }])
        .unwrap();
    until("the end is covered", 10, || ledger.durable("ml")[&0] == 12);
    let ingest = start(&ledger, &config(vec![broker.source("ml", "t")]));
    until_durable(&ledger, &ingest, "ml", &ends(&[20]), 30);
    assert!(ledger.own("source.halted").is_empty());
    assert!(status_of(&ingest, "ml").partitions[0].counts.restarts > 0, "the epoch was not asked about");
}

#[test]
fn a_source_that_is_removed_is_closed_and_goes_on_when_it_comes_back() {
    let broker = EmbeddedBroker::start(&[("t", 1)]).unwrap();
    let ledger = TestLedger::new();
    let with = config(vec![broker.source("ml", "t")]);
    produce(&broker, "t", 0, 0..10, numbered);
    let ingest = start(&ledger, &with);
    until_durable(&ledger, &ingest, "ml", &ends(&[10]), 30);
    ingest.shutdown();
    start(&ledger, &config(Vec::new())).shutdown();
    let closed = ledger.own("source.closed");
    assert_eq!((closed.len(), closed[0]["partitions"][0]["next"].as_u64()), (1, Some(10)));
    start(&ledger, &config(Vec::new())).shutdown();
    assert_eq!(ledger.own("source.closed").len(), 1);
    produce(&broker, "t", 0, 10..20, numbered);
    let ingest = start(&ledger, &with);
    until_durable(&ledger, &ingest, "ml", &ends(&[20]), 30);
    let covered = coverage(&ledger, "ml");
    assert_eq!((covered[&(0, 2)].first, covered[&(0, 2)].entries()), (10, 10));
}

#[test]
fn start_at_a_position_and_a_quarantine_limit() {
    let broker = EmbeddedBroker::start(&[("t", 2)]).unwrap();
    let ledger = TestLedger::new();
    produce(&broker, "t", 0, 0..10, numbered);
    produce(&broker, "t", 1, 100..105, numbered);
    produce(&broker, "t", 1, 0..10, |_| b"garbage".to_vec());
    let start_at = Start::At(BTreeMap::from([(0, 7)]));
    let source = SourceConfig { start: start_at, quarantine_limit: Some(4), ..broker.source("ml", "t") };
    let ingest = start(&ledger, &config(vec![source]));
    until_durable(&ledger, &ingest, "ml", &ends(&[10, 9]), 30);
    until("partition 1 has stopped", 10, || {
        status_of(&ingest, "ml").partitions.get(1).is_some_and(|one| one.state == "stopped")
    });
    let covered = coverage(&ledger, "ml");
    assert_eq!((covered[&(0, 1)].first, covered[&(0, 1)].entries(), covered[&(1, 1)].entries()), (7, 3, 9));
}

#[test]
fn kafka_is_a_witness() {
    let broker = EmbeddedBroker::start(&[("t", 2)]).unwrap();
    let ledger = TestLedger::new();
    let config = config(vec![broker.source("ml", "t")]);
    let verdict = |ledger: &TestLedger, config: &IngestConfig| check_witness(config, ledger.sink().as_ref()).unwrap();
    assert_eq!(verdict(&ledger, &config), WitnessVerdict::Absent);
    produce(&broker, "t", 0, 0..50, numbered);
    let ingest = start(&ledger, &config);
    until_durable(&ledger, &ingest, "ml", &ends(&[50, 0]), 30);
    let size = ledger.ledger().head().size;
    until("the head is committed", 20, || verdict(&ledger, &config) == WitnessVerdict::Agrees { size });
    // An older copy of this ledger, as far as Kafka can tell: the same name and fewer entries.
    let copy = TestLedger::new();
    let WitnessVerdict::Mismatch(mismatch) = verdict(&copy, &config) else { panic!("a copy was not seen") };
    assert!(mismatch.to_string().contains("older copy"), "{mismatch}");
    // Grown beyond it, it has another root at that size.
    let copying =
        Ingest::start(&IngestConfig { group: Some("elsewhere".into()), ..config.clone() }, &copy.sink()).unwrap();
    produce(&broker, "t", 1, 1000..1050, numbered);
    until_durable(&copy, &copying, "ml", &ends(&[50, 50]), 30);
    copying.shutdown();
    until_durable(&ledger, &ingest, "ml", &ends(&[50, 50]), 30);
    ingest.shutdown();
    let WitnessVerdict::Mismatch(mismatch) = verdict(&copy, &config) else { panic!("a fork was not seen") };
    assert!(mismatch.to_string().contains("two histories"), "{mismatch}");
    // Another ledger at this group.
    let other = TestLedger::of("example.com/other");
    let theirs = IngestConfig { group: Some(config.group_for(support::ORIGIN)), ..config.clone() };
    let WitnessVerdict::Mismatch(mismatch) = verdict(&other, &theirs) else { panic!("another ledger was not seen") };
    assert!(mismatch.to_string().contains("another ledger"), "{mismatch}");
    // While it runs, a mismatch poisons.
    let ingest = Ingest::start(&theirs, &other.sink()).unwrap();
    until("the writer is poisoned", 30, || {
        matches!(other.ledger().status(), modeltrail_store::WriterStatus::Poisoned { .. })
    });
    until("it is shown", 10, || status_of(&ingest, "ml").error.is_some_and(|error| error.contains("another ledger")));
    // A cluster that isn't there.
    let nowhere = IngestConfig {
        sources: vec![SourceConfig::new("ml", "t", Properties::bootstrap("127.0.0.1:1"))],
        ..IngestConfig::default()
    };
    assert!(matches!(verdict(&ledger, &nowhere), WitnessVerdict::Unreachable { .. }));
}

#[test]
fn two_sources_of_one_cluster_are_read_side_by_side() {
    let broker = EmbeddedBroker::start(&[("a", 1), ("b", 3)]).unwrap();
    let ledger = TestLedger::new();
    produce(&broker, "a", 0, 0..10, numbered);
    (0..3).for_each(|partition| {
        produce(&broker, "b", partition, 100 * u64::from(partition) + 100..100 * u64::from(partition) + 150, numbered)
    });
    let ingest = start(&ledger, &config(vec![broker.source("one", "a"), broker.source("two", "b")]));
    until_durable(&ledger, &ingest, "one", &ends(&[10]), 30);
    until_durable(&ledger, &ingest, "two", &ends(&[50, 50, 50]), 30);
    until("both are shown", 10, || {
        ingest.status().iter().all(|source| source.state == "reading" && source.checked_at.is_some())
    });
    let text = serde_json::to_string(&ingest.status()).unwrap();
    assert!(text.contains("\"topic_id\":\"unknown\"") && text.contains("\"state\":\"reading\""), "{text}");
}
