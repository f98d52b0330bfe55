//! Administrative acts as their commands: through a running daemon, on the data directory when none runs; each is an entry of its type.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

use std::fs;
use std::time::Duration;

use modeltrail_ingest::Properties;
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_tests::kafka::shared;
use modeltrail_tests::log::Log;
use modeltrail_tests::process::Output;
use modeltrail_tests::system::{SOURCE, System, kafka_ends};
use serde_json::{Value, json};

const SUITE: &str = "administrative acts";
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a command that must succeed; the entry that it says it made.
fn done(system: &System, args: &[&str]) -> u64 {
    let output = system.modeltraild(args.iter().copied()).unwrap();
    assert!(output.status.success(), "{args:?}: {}", output.text());
    entry(&output).unwrap_or_else(|| panic!("{args:?} names no entry: {}", output.text()))
}

fn entry(output: &Output) -> Option<u64> {
    output.stderr.lines().find_map(|line| line.strip_prefix("done; it is entry ")?.parse().ok())
}

fn own(log: &Log, index: u64) -> (&str, &Value) {
    let (event_type, data) = &log.own[&index];
    (event_type, data)
}

/// A new producer's public key.
fn public_key(system: &System, name: &str) -> String {
    let path = system.path(name);
    let made = system.modeltrail(["keygen".as_ref(), "--json".as_ref(), "-o".as_ref(), path.as_os_str()]).unwrap();
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    made["public_key"].as_str().unwrap().to_owned()
}

/// Every act, and what its entry must be; `name` makes keys of this round its own.
fn acts(system: &System, name: &str) -> Vec<(u64, &'static str)> {
    let key = public_key(system, name);
    let register = ["producer", "register", "--public-key", &key, "--type", "*", "--subject", "model/*"];
    let output = system.modeltraild(register).unwrap();
    let id = output.stdout.trim().to_owned();
    let registered = entry(&output).unwrap_or_else(|| panic!("{}", output.text()));
    vec![
        (registered, "modeltrail.key.producer_registered.v1"),
        (done(system, &["producer", "revoke", &id, "--why", "superseded"]), "modeltrail.key.producer_revoked.v1"),
        (done(system, &["keys", "rotate"]), "modeltrail.key.rotated.v1"),
        (done(system, &["source", "rebase", SOURCE, "0", "--to", "3"]), "modeltrail.source.rebased.v1"),
        (done(system, &["fsck", "--record"]), "modeltrail.ledger.verified.v1"),
        (done(system, &["fsck", "--headers", "--record"]), "modeltrail.ledger.verified.v1"),
    ]
}

#[test]
fn each_act_is_an_entry_with_a_daemon_and_without() {
    let Some(broker) = shared(SUITE) else { return };
    let topic = "acts";
    broker.topic_create(topic, 1).unwrap();
    let producer = Producer::new(&Properties::bootstrap(broker.bootstrap())).unwrap();
    for tag in 0..5 {
        let payload =
            json!({"specversion": "1.0", "id": format!("a{tag}"), "source": "urn:test", "type": "com.example.a"});
        let payload = payload.to_string();
        producer
            .send(Outgoing { topic, partition: Some(0), payload: Some(payload.as_bytes()), tag, ..Outgoing::default() })
            .unwrap();
    }
    producer.flush(LIMIT).unwrap();
    let mut system = System::new(Some((broker.bootstrap(), topic))).unwrap();
    system.start().unwrap();
    system.until_durable(&kafka_ends(broker.bootstrap(), topic, 1).unwrap(), LIMIT).unwrap();
    let mut made = acts(&system, "one.key");
    // `earliest` is a word for the broker, which only the daemon asks.
    made.push((done(&system, &["source", "rebase", SOURCE, "0", "--to", "earliest"]), "modeltrail.source.rebased.v1"));
    system.until_durable(&kafka_ends(broker.bootstrap(), topic, 1).unwrap(), LIMIT).unwrap();
    system.stop().unwrap();
    made.extend(acts(&system, "two.key"));
    let refused = system.modeltraild(["source", "rebase", SOURCE, "0", "--to", "latest"]).unwrap();
    assert!(refused.text().contains("without a running daemon no broker can be asked"), "{}", refused.text());

    let log = system.log().unwrap();
    for (index, wanted) in &made {
        assert_eq!(own(&log, *index).0, *wanted, "entry {index}");
    }
    let positions: Vec<&Value> = log.own_of("source.rebased").iter().map(|data| &data["new"]["position"]).collect();
    assert_eq!(positions, [&json!(3), &json!(0), &json!(3)]);
    let checks = log.own_of("ledger.verified");
    assert_eq!(checks.len(), 4);
    assert!(checks.iter().all(|data| data["checkpoint"]["origin"] == modeltrail_tests::system::ORIGIN));
    assert_eq!(checks[1]["could_not_judge"], json!(["L-10", "L-12"]));
    system.fsck().unwrap();
}

#[test]
fn a_ledger_that_does_not_hold_is_not_written_to() {
    let mut system = System::new(None).unwrap();
    system.start().unwrap();
    system.stop().unwrap();
    // The head file tells of a checkpoint with another root: invariant L-5, whatever lies in the database.
    let head = system.path("data.head");
    let text = fs::read_to_string(&head).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let root = lines[2].clone();
    let other = if root.starts_with('A') { "B" } else { "A" };
    lines[2].replace_range(..1, other);
    fs::write(&head, lines.join("\n") + "\n").unwrap();
    let before = system.log().unwrap().headers.len();
    let output = system.modeltraild(["fsck", "--record"]).unwrap();
    assert!(!output.status.success(), "{}", output.text());
    assert!(output.stdout.contains("does not hold"), "{}", output.text());
    assert_eq!(entry(&output), None, "{}", output.text());
    assert_eq!(system.log().unwrap().headers.len(), before);
}
