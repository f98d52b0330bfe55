//! The consumer group on librdkafka's mock cluster: answers that a real broker gives only when something is wrong.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use modeltrail_ingest::broker::EmbeddedBroker;
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_ingest::{Assignment, Ingest, Properties, SourceConfig};
use rdkafka::bindings::rd_kafka_resp_err_t;
use rdkafka::types::RDKafkaApiKey;
use support::{TestLedger, config, coverage, event, status_of, until, until_durable};

fn produce(broker: &EmbeddedBroker, partition: u32, ids: std::ops::Range<u64>) {
    let producer = Producer::new(&Properties::bootstrap(broker.bootstrap())).unwrap();
    for id in ids {
        let payload = event(&format!("e{id}"));
        let partition = Some(partition);
        producer.send(Outgoing { topic: "t", partition, payload: Some(&payload), ..Outgoing::default() }).unwrap();
    }
    producer.flush(Duration::from_secs(20)).unwrap();
}

fn start(ledger: &TestLedger, broker: &EmbeddedBroker) -> Ingest {
    let source = SourceConfig { assignment: Assignment::Group, ..broker.source("ml", "t") };
    Ingest::start(&config(vec![source]), &ledger.sink()).unwrap()
}

fn ends(list: &[u64]) -> BTreeMap<u32, u64> {
    (0..).zip(list.iter().copied()).collect()
}

fn fail(broker: &EmbeddedBroker, api: RDKafkaApiKey, code: rd_kafka_resp_err_t, times: usize) {
    broker.with(move |cluster| cluster.request_errors(api, &vec![code; times])).unwrap();
}

#[test]
fn a_member_reads_over_restarts_and_a_broker_that_goes_away() {
    let broker = EmbeddedBroker::start(&[("t", 3)]).unwrap();
    let mut ledger = TestLedger::new();
    for round in 1..3u64 {
        (0..3).for_each(|part| {
            produce(&broker, part, 1000 * u64::from(part) + 100 * round..1000 * u64::from(part) + 100 * (round + 1))
        });
        let ingest = start(&ledger, &broker);
        until_durable(&ledger, &ingest, "ml", &ends(&[100 * round; 3]), 60);
        if round == 2 {
            broker.with(|cluster| cluster.broker_down(1)).unwrap().unwrap();
            std::thread::sleep(Duration::from_secs(3));
            broker.with(|cluster| cluster.broker_up(1)).unwrap().unwrap();
            produce(&broker, 0, 9000..9050);
            until_durable(&ledger, &ingest, "ml", &ends(&[250, 200, 200]), 60);
        }
        ingest.shutdown();
        ledger.stop();
        ledger.open();
    }
    assert_eq!(coverage(&ledger, "ml").values().map(support::Generation::entries).sum::<usize>(), 650);
}

#[test]
fn a_fence_is_final_and_said() {
    let broker = EmbeddedBroker::start(&[("t", 2)]).unwrap();
    let ledger = TestLedger::new();
    produce(&broker, 0, 0..50);
    produce(&broker, 1, 100..150);
    let ingest = start(&ledger, &broker);
    until_durable(&ledger, &ingest, "ml", &ends(&[50, 50]), 60);
    fail(&broker, RDKafkaApiKey::Heartbeat, rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, 1);
    until("it is out", 30, || status_of(&ingest, "ml").state == "refused");
    let status = status_of(&ingest, "ml");
    assert!(status.error.as_ref().is_some_and(|error| error.contains("another process")), "{status:?}");
    assert!(status.partitions.iter().all(|partition| partition.state == "elsewhere" && partition.lag.is_none()));
    produce(&broker, 0, 50..80);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((ledger.durable("ml"), status_of(&ingest, "ml").error), (ends(&[50, 50]), status.error));
    let begun = Instant::now();
    ingest.shutdown();
    assert!(begun.elapsed() < Duration::from_secs(5), "a stop took {:?}", begun.elapsed());
}

#[test]
fn a_group_that_takes_nobody_is_named_with_its_reason() {
    let broker = EmbeddedBroker::start(&[("t", 2)]).unwrap();
    let ledger = TestLedger::new();
    produce(&broker, 0, 0..50);
    fail(&broker, RDKafkaApiKey::JoinGroup, rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, 60);
    let ingest = start(&ledger, &broker);
    until("what is missing is said", 10, || status_of(&ingest, "ml").missing == [0, 1]);
    until("it is a trouble", 30, || status_of(&ingest, "ml").state == "incomplete");
    let status = status_of(&ingest, "ml");
    let error = status.error.clone().unwrap();
    assert!(error.contains("partitions 0, 1") && error.contains("uthorization failed"), "{error}");
    assert!(!status.healthy && ledger.durable("ml") == ends(&[0, 0]));
    // Nobody else has them, so once it is let in it reads them all.
    broker.with(|cluster| cluster.clear_request_errors(RDKafkaApiKey::JoinGroup)).unwrap();
    until_durable(&ledger, &ingest, "ml", &ends(&[50, 0]), 60);
    until("it is over", 20, || status_of(&ingest, "ml").error.is_none());
    ingest.shutdown();
}
