//! The broker that other suites stand on: it starts, makes and forgets topics, and keeps them over a stop and a kill.

use modeltrail_tests::kafka::{KafkaBroker, KafkaTools, shared};
use modeltrail_tests::skip::or_skip;

const SUITE: &str = "kafka_smoke";

#[test]
fn a_real_kafka_answers_and_survives_stop_and_kill() {
    if or_skip(SUITE, KafkaTools::find()).is_none() {
        return;
    }
    let mut broker = KafkaBroker::start().unwrap();
    assert_eq!(broker.topic_list().unwrap(), [""; 0]);
    broker.topic_create("kept", 3).unwrap();
    broker.topic_create("gone", 1).unwrap();
    broker.topic_delete("gone").unwrap();
    assert_eq!(broker.topic_list().unwrap(), ["kept"]);
    broker.stop().unwrap();
    broker.restart().unwrap();
    broker.kill9().unwrap();
    broker.restart().unwrap();
    assert_eq!(broker.topic_list().unwrap(), ["kept"]);
    let refused = broker.topic_create("kept", 1).unwrap_err().to_string();
    assert!(refused.contains("already exists"), "{refused}");
}

#[test]
fn one_broker_serves_a_whole_test_program() {
    let Some(broker) = shared(SUITE) else { return };
    let again = shared(SUITE).unwrap();
    assert_eq!(broker.bootstrap(), again.bootstrap());
    broker.topic_create("of-the-shared-broker", 2).unwrap();
    assert!(broker.topic_list().unwrap().contains(&"of-the-shared-broker".to_owned()));
}
