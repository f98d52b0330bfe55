//! Sources over TLS and SASL, against a real Apache Kafka: what is right is read, what is wrong is named, and no secret is.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "../../ingest/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use modeltrail_ingest::admin::Admin;
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_ingest::{Assignment, Ingest, Properties, SourceConfig, WitnessVerdict, check_witness};
use modeltrail_tests::kafka::{KafkaBroker, KafkaTools, PLAIN_PASSWORD, SCRAM_PASSWORD, Secured, USER};
use modeltrail_tests::skip::or_skip;
use support::{TestLedger, config, coverage, event, status_of, until, until_durable};

const SUITE: &str = "TLS and SASL with Apache Kafka";
const TIME: Duration = Duration::from_secs(60);

/// The broker of this suite, with a topic of its own for one test: three events and a record that is none.
fn broker(topic: &str) -> Option<(&'static KafkaBroker, &'static Secured)> {
    static BROKER: OnceLock<KafkaBroker> = OnceLock::new();
    or_skip(SUITE, KafkaTools::find())?;
    let broker = BROKER.get_or_init(|| KafkaBroker::start_secured().unwrap());
    let plain = Properties::bootstrap(broker.bootstrap());
    let admin = Admin::new(&plain).unwrap();
    admin.create_topic(topic, 1, &[]).unwrap();
    admin.create_topic(&format!("{topic}-dead"), 1, &[]).unwrap();
    let producer = Producer::new(&plain).unwrap();
    for payload in [event("a"), event("b"), event("c"), b"no event".to_vec()] {
        producer.send(Outgoing { topic, partition: Some(0), payload: Some(&payload), ..Outgoing::default() }).unwrap();
    }
    producer.flush(TIME).unwrap();
    Some((broker, broker.secured().unwrap()))
}

fn properties(secured: &Secured, ca: &Path, mechanism: &str, password: &str) -> Properties {
    Properties::bootstrap(secured.bootstrap())
        .with("security.protocol", "sasl_ssl")
        .with("ssl.ca.location", ca.to_str().unwrap())
        .with("sasl.mechanism", mechanism)
        .with("sasl.username", USER)
        .with("sasl.password", password)
}

fn read_all(source: SourceConfig) {
    let ledger = TestLedger::new();
    let dead = format!("{}-dead", source.topic);
    let config = config(vec![SourceConfig { dead_letter_topic: Some(dead), ..source }]);
    let ingest = Ingest::start(&config, &ledger.sink()).unwrap();
    until_durable(&ledger, &ingest, "ml", &BTreeMap::from([(0, 4)]), 60);
    assert_eq!(coverage(&ledger, "ml")[&(0, 1)].entries(), 4);
    assert_ne!(ledger.own("source.opened")[0]["topic_id"], "unknown");
    until("what was set aside is copied", 60, || status_of(&ingest, "ml").dead_letters.unwrap().copied == 1);
    let size = ledger.ledger().head().size;
    until("the witness knows of it", 20, || {
        check_witness(&config, ledger.sink().as_ref()).unwrap() == WitnessVerdict::Agrees { size }
    });
    ingest.shutdown();
}

#[test]
fn scram_is_read_as_manual_and_as_a_member() {
    let topic = "secured-scram";
    let Some((_, secured)) = broker(topic) else { return };
    let source = SourceConfig::new("ml", topic, properties(secured, &secured.ca, "SCRAM-SHA-512", SCRAM_PASSWORD));
    read_all(source.clone());
    // A ledger and so a group of its own: one that has members takes commits from nobody else.
    let topic = "secured-scram-member";
    broker(topic);
    let ledger = TestLedger::of("example.com/member");
    let source = SourceConfig { topic: topic.to_owned(), assignment: Assignment::Group, ..source };
    let ingest = Ingest::start(&config(vec![source]), &ledger.sink()).unwrap();
    until_durable(&ledger, &ingest, "ml", &BTreeMap::from([(0, 4)]), 60);
    ingest.shutdown();
}

#[test]
fn plain_is_read() {
    let Some((_, secured)) = broker("secured-plain") else { return };
    read_all(SourceConfig::new("ml", "secured-plain", properties(secured, &secured.ca, "PLAIN", PLAIN_PASSWORD)));
}

#[test]
fn tokens_that_librdkafka_makes_are_read() {
    let topic = "secured-token";
    let Some((_, secured)) = broker(topic) else { return };
    let kafka = Properties::bootstrap(secured.bootstrap())
        .with("security.protocol", "sasl_ssl")
        .with("ssl.ca.location", secured.ca.to_str().unwrap())
        .with("sasl.mechanism", "OAUTHBEARER")
        .with("enable.sasl.oauthbearer.unsecure.jwt", "true")
        .with("sasl.oauthbearer.config", "principal=ledger");
    let ledger = TestLedger::new();
    let ingest = Ingest::start(&config(vec![SourceConfig::new("ml", topic, kafka)]), &ledger.sink()).unwrap();
    until_durable(&ledger, &ingest, "ml", &BTreeMap::from([(0, 4)]), 60);
    ingest.shutdown();
}

/// What a source says that can't be read, at start and while it runs.
fn refused(topic: &str, kafka: Properties) -> [String; 2] {
    let ledger = TestLedger::new();
    let config = config(vec![SourceConfig::new("ml", topic, kafka)]);
    let verdict = check_witness(&config, ledger.sink().as_ref()).unwrap();
    let WitnessVerdict::Unreachable { detail, .. } = verdict else { panic!("{verdict:?}") };
    let ingest = Ingest::start(&config, &ledger.sink()).unwrap();
    let mut said = String::new();
    until("it says why", 60, || {
        let Some(error) = status_of(&ingest, "ml").error else { return false };
        said = error;
        said.contains('(')
    });
    ingest.shutdown();
    assert!(ledger.own("source.opened").is_empty());
    [detail, said]
}

#[test]
fn a_wrong_password_and_an_unknown_authority_are_named_and_no_secret_is() {
    let topic = "secured-wrong";
    let Some((_, secured)) = broker(topic) else { return };
    let wrong = "wrong-hunter4";
    for mechanism in ["SCRAM-SHA-512", "PLAIN"] {
        for text in refused(topic, properties(secured, &secured.ca, mechanism, wrong)) {
            assert!(text.contains("SASL authentication error: Authentication failed"), "{text}");
            assert!(!text.contains("hunter"), "{text}");
        }
    }
    for text in refused(topic, properties(secured, &secured.stranger, "SCRAM-SHA-512", SCRAM_PASSWORD)) {
        assert!(text.contains("certificate verify failed") && text.contains("ssl.ca.location"), "{text}");
        assert!(!text.contains("hunter"), "{text}");
    }
}
