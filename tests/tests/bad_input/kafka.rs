//! Over a real Kafka, where nobody can be answered: everything is recorded.

use std::collections::BTreeMap;
use std::time::Duration;

use modeltrail_ingest::Properties;
use modeltrail_ingest::admin::Admin;
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_tests::System;
use modeltrail_tests::kafka::shared;
use modeltrail_tests::log::{Cover, Log};
use modeltrail_tests::system::{SOURCE, kafka_ends};
use serde_json::Value;

use crate::cases::{Becomes, Case, faulty_json, faulty_sense, faulty_transport};
use crate::{IN_A_ROW, event, keys, signed, text};

const SUITE: &str = "bad_input";
const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn bad_records_from_kafka_are_kept_aside_and_good_ones_still_arrive() {
    let Some(broker) = shared(SUITE) else { return };
    let (topic, properties) = ("bad-input", Properties::bootstrap(broker.bootstrap()));
    Admin::new(&properties).unwrap().create_topic(topic, 1, &[("max.message.bytes", "8000000")]).unwrap();
    let mut system = System::new(Some((broker.bootstrap(), topic))).unwrap();
    system.start().unwrap();
    let (known, unknown) = keys(&system);
    let mut cases = faulty_json();
    cases.extend(faulty_sense(signed(&system, &known, &unknown, "k")));
    cases.extend(faulty_transport());
    let producer = Producer::new(&properties).unwrap();
    let put = |key: Option<&[u8]>, headers: &[(&str, Option<&[u8]>)], payload: Option<&[u8]>| {
        producer.send(Outgoing { topic, partition: Some(0), key, headers, payload, ..Outgoing::default() }).unwrap();
    };
    for case in &cases {
        put(case.key, &case.headers, case.body.as_deref());
    }
    (0..IN_A_ROW).for_each(|number| put(None, &[], Some(&number.to_be_bytes())));
    put(None, &[], Some(&text(&event("k-after"))));
    producer.flush(LIMIT).unwrap();
    let ends = kafka_ends(broker.bootstrap(), topic, 1).unwrap();
    assert_eq!(ends[&0], cases.len() as u64 + IN_A_ROW + 1);
    system.until_durable(&ends, LIMIT).unwrap();
    let quarantine: BTreeMap<u64, Value> = system
        .client()
        .list("/v1/quarantine")
        .unwrap()
        .into_iter()
        .map(|item| (item["received"]["offset"].as_u64().expect("only Kafka was asked to keep aside"), item))
        .collect();
    let sources = system.client().get_json("/v1/sources").unwrap();
    system.stop().unwrap();
    system.fsck().unwrap();
    let log = system.log().unwrap();
    let lane = &log.coverage(SOURCE).unwrap()[&(0, 1)];
    assert_eq!((lane.first, lane.next()), (0, ends[&0]));
    for (offset, case) in (0..).zip(&cases) {
        became(&log, case, lane.at(offset).unwrap(), quarantine.get(&offset));
    }
    let row = cases.len() as u64..cases.len() as u64 + IN_A_ROW;
    for offset in row {
        let Some(Cover::Entry(index)) = lane.at(offset) else { panic!("offset {offset} is no entry") };
        assert_eq!(reason(&log, index), Some("malformed"));
        assert!(quarantine.contains_key(&offset));
    }
    let after = log.by_id()["k-after"][0];
    assert_eq!((reason(&log, after), lane.at(ends[&0] - 1)), (None, Some(Cover::Entry(after))));
    let aside = log.headers.iter().filter(|header| header.quarantine.is_some()).count();
    assert_eq!(aside, quarantine.len());
    let counted = &sources["items"].as_array().unwrap().iter().find(|item| item["source"] == SOURCE).unwrap()["recorded"]
        ["quarantined"];
    let sum: u64 = counted.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(sum, aside as u64, "{counted}");
    headers_of_ours_change_nothing(&log);
}

fn reason(log: &Log, index: u64) -> Option<&str> {
    log.headers[usize::try_from(index).unwrap()].quarantine.as_ref().map(|quarantine| quarantine.reason.as_str())
}

fn became(log: &Log, case: &Case, cover: Cover, item: Option<&Value>) {
    let name = case.name;
    let id_at = |index: u64| log.headers[usize::try_from(index).unwrap()].event.as_ref().map(|event| event.id.as_str());
    match (&case.becomes, cover) {
        (Becomes::Duplicate(id), Cover::Duplicate(of)) => assert_eq!(id_at(of), Some(*id), "{name}"),
        (Becomes::Entry(id), Cover::Entry(index)) => {
            assert_eq!((id_at(index), reason(log, index)), (Some(*id), None), "{name}")
        }
        (Becomes::Signed(status), Cover::Entry(index)) => {
            let header = &log.headers[usize::try_from(index).unwrap()];
            let found: Vec<&str> = header.signers.iter().map(|signer| signer.status.as_str()).collect();
            assert_eq!((found, reason(log, index)), (vec![*status], None), "{name}");
        }
        (Becomes::Aside(wanted, words), Cover::Entry(index)) => {
            assert_eq!(reason(log, index), Some(*wanted), "{name}");
            let item = item.unwrap_or_else(|| panic!("{name}: not in /v1/quarantine"));
            let detail = item["detail"].as_str().unwrap();
            assert_eq!((item["reason"].as_str(), item["index"].as_u64()), (Some(*wanted), Some(index)), "{name}");
            assert!(!detail.is_empty() && detail.contains(words), "{name}: {detail}");
            // What arrived is what is kept, but for what is too big.
            let record = log.record(index).unwrap();
            assert_eq!(
                record.as_ref().map(|record| record.body()),
                (*wanted != "oversize").then_some(case.body.as_deref().unwrap_or_default()),
                "{name}"
            );
        }
        (_, cover) => panic!("{name} became {cover:?}"),
    }
}

/// Headers named like ours stand among the producer's, and ours say what Kafka said.
fn headers_of_ours_change_nothing(log: &Log) {
    let record = log.record(log.by_id()["k-headers"][0]).unwrap().unwrap();
    let transport: Vec<&[u8]> = record.transport().iter().map(|attribute| attribute.name.as_slice()).collect();
    assert_eq!(transport, [&b"key"[..], b"timestamp", b"timestamp-type"]);
    assert_eq!(record.transport()[0].value.as_deref(), Some(&b"the key"[..]));
    assert_ne!(record.transport()[1].value.as_deref(), Some(&b"0"[..]));
    let producer: Vec<&[u8]> = record.producer().iter().map(|attribute| attribute.name.as_slice()).collect();
    assert_eq!(producer, [&b"content-type"[..], b"key", b"timestamp", b"timestamp-type", b"body-null", b"batch"]);
}
