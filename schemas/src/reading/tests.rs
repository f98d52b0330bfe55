//! Readings of records made by hand; the catalogue's own examples are read by `tests/golden.rs`.

mod binary;
mod quarantine;
mod signed;

use serde_json::{Value, json};

use super::*;
use crate::envelope::own_body;
use crate::record::TimestampType;

const CREATED: &str = "modeltrail.model.created.v1";

fn own() -> OwnContext<'static> {
    OwnContext { origin: "example.com/ml", received_at: Micros::EPOCH, index: Some(42) }
}

fn event(event_type: &str, data: &Value) -> Value {
    json!({"specversion": "1.0", "id": "1", "source": "urn:s", "type": event_type, "data": data})
}

fn kafka(headers: &[(&str, Option<&str>)], body: &[u8]) -> Reading {
    let record = Record::kafka(None, Some(1), TimestampType::Create, headers, Some(body)).unwrap();
    let reading = read(Via::Kafka, &record, &own());
    assert_eq!(read_bytes(Via::Kafka, &record.encode(), &own()), Ok(reading.clone()), "from bytes the same");
    reading
}

fn bare(event: &Value) -> Reading {
    kafka(&[], event.to_string().as_bytes())
}

fn typed(media: &str, body: &str) -> Reading {
    kafka(&[("content-type", Some(media))], body.as_bytes())
}

fn shown(reading: &Reading) -> Vec<String> {
    reading.trails.iter().map(|(role, subject)| format!("{role} {subject}")).collect()
}

#[track_caller]
fn assert_fault(reading: &Reading, reason: Quarantine, says: &str) {
    let (found, detail) = reading.quarantine.as_ref().unwrap();
    assert_eq!(*found, reason, "{detail}");
    assert!(detail.contains(says), "{detail}");
}

#[test]
fn the_first_format_that_fits_is_taken() {
    let body = event(CREATED, &json!({"name": "x"})).to_string();
    let signed = r#"{"payloadType":"t","payload":"","signatures":[7]}"#;
    let both = r#"{"payloadType":"t","signatures":[],"specversion":"1.0"}"#;
    let cases = [
        (typed("application/cloudevents+json", &body), Format::CloudeventsJson),
        (typed(" Application/CloudEvents+JSON ; charset=utf-8", &body), Format::CloudeventsJson),
        (typed("application/cloudevents-batch+json", &body), Format::CloudeventsJson),
        (typed("application/vnd.dsse.envelope.v1+json", &body), Format::DsseJson),
        (typed("application/json", &body), Format::Unknown),
        (typed("application/cloudevents+avro", &body), Format::Unknown),
        (typed("text/plain", &body), Format::Unknown),
        (kafka(&[("content-type", None)], body.as_bytes()), Format::CloudeventsJson),
        (kafka(&[("content-type", Some(""))], body.as_bytes()), Format::CloudeventsJson),
        (kafka(&[], body.as_bytes()), Format::CloudeventsJson),
        (kafka(&[("ce_specversion", Some("1.0"))], body.as_bytes()), Format::CloudeventsJson),
        (kafka(&[], signed.as_bytes()), Format::DsseJson),
        (kafka(&[], both.as_bytes()), Format::DsseJson),
        (kafka(&[], br#"{"payloadType":"t","signatures":null,"specversion":"1.0"}"#), Format::CloudeventsJson),
        (typed("\t APPLICATION/VND.DSSE.ENVELOPE.V1+JSON\t;", &body), Format::DsseJson),
        (kafka(&[("Content-TYPE", Some("application/cloudevents+json"))], body.as_bytes()), Format::CloudeventsJson),
        (
            kafka(&[("content-type", Some("application/json;")), ("ce_specversion", None)], body.as_bytes()),
            Format::CloudeventsBinary,
        ),
        (kafka(&[], b"{}"), Format::Unknown),
        (kafka(&[], b"[{\"specversion\":\"1.0\"}]"), Format::Unknown),
        (kafka(&[], b"\0\xff"), Format::Unknown),
    ];
    for (index, (reading, format)) in cases.iter().enumerate() {
        assert_eq!(reading.format, *format, "case {index}");
        let read = reading.event.is_some();
        assert_eq!(read, reading.quarantine.is_none(), "case {index}");
        assert!(read || reading.reason() == Some(Quarantine::Malformed), "case {index}");
    }
}

#[test]
fn roles_have_precedence_and_wholes_come_along() {
    let data = json!({
        "run": {"source": "https://m", "id": "7"}, "namespace": "risk", "name": "fraud",
        "datasets": [{"name": "d", "version": "1"}, {"name": "d", "digest": "sha256:00"}, {"name": "d"}, {"version": "no name"}, 7],
        "bases": [{"namespace": "risk", "name": "fraud", "version": "1"}],
        "evidence": [{"digest": "sha256:ee"}, {"title": "no digest"}],
        "parent_run": {"source": "https://m", "id": "7"},
    });
    let reading = bare(&event("modeltrail.training.started.v1", &data));
    assert_eq!(reading.quarantine, None);
    assert!(reading.known);
    let expected = [
        "evidence artifact/sha256:ee",
        "input dataset/d",
        "input dataset/d@1",
        "input dataset/d@sha256:00",
        "target model/risk/fraud",
        "base model/risk/fraud@1",
        "about run/https:%2F%2Fm/7",
    ];
    assert_eq!(shown(&reading), expected);
    assert_eq!(reading.about().map(Subject::as_str), Some("run/https:%2F%2Fm/7"));
}

#[test]
fn all_subjects_are_there_however_many() {
    let datasets: Vec<_> = (0..200).map(|number| json!({"name": format!("d{number}"), "version": "1"})).collect();
    let reading = bare(&event(
        "modeltrail.training.started.v1",
        &json!({"run": {"source": "s", "id": "1"}, "datasets": datasets}),
    ));
    assert_eq!(reading.trails.len(), 1 + 2 * 200);
    assert!(reading.trails.windows(2).all(|pair| pair[0].1 < pair[1].1));
}

#[test]
fn an_unknown_type_may_name_its_own_subject() {
    let with = |subject: &str| {
        let mut event = event("org.example.thing", &json!({"any": 1}));
        event["subject"] = json!(subject);
        bare(&event)
    };
    let reading = with("model/fraud@2");
    assert_eq!(shown(&reading), ["whole model/fraud", "about model/fraud@2"]);
    assert!(!reading.known && reading.quarantine.is_none());
    assert_eq!(reading.data, Some(json!({"any": 1})));
    let other = with("Fraud model");
    assert!(other.trails.is_empty() && other.quarantine.is_none() && other.event.is_some());
    let mut known = event(CREATED, &json!({"name": "x"}));
    known["subject"] = json!("model/other");
    assert_eq!(shown(&bare(&known)), ["about model/x"], "of a known type it is not used");
}

#[test]
fn a_batch_element_reads_as_the_event_alone() {
    let body = event(CREATED, &json!({"name": "x"})).to_string();
    let headers = |media: &'static str| [("content-type", media)];
    let alone = Record::http(None, &headers("application/cloudevents+json"), body.as_bytes()).unwrap();
    let element = Record::http(Some((1, 3)), &headers("application/cloudevents-batch+json"), body.as_bytes()).unwrap();
    let [alone, element] = [alone, element].map(|record| read(Via::Http, &record, &own()));
    assert_eq!(alone, element);
    assert_eq!(alone.quarantine, None);
    assert_eq!(alone, typed("application/cloudevents+json", &body), "and as over Kafka");
}

#[test]
fn own_records_take_their_event_from_the_entry() {
    let body = own_body("modeltrail.ledger.opened.v1", json!({"epoch": 1}));
    let reading = read(Via::Ledger, &Record::ledger(body.clone()), &own());
    let head = reading.event.clone().unwrap();
    assert_eq!((head.id.as_str(), head.source.as_str(), head.time), ("42", "example.com/ml", Some(Micros::EPOCH)));
    assert_eq!((reading.format, &reading.quarantine), (Format::LedgerJson, &None));
    assert_eq!(shown(&reading), ["about ledger/example.com%2Fml"]);
    let early = read(Via::Ledger, &Record::ledger(body), &OwnContext { index: None, ..own() });
    assert_eq!(early.event.unwrap().id, "");
    assert_eq!(early.fingerprint, reading.fingerprint);
}

#[test]
fn added_trails_stand_in_their_roles() {
    let data = json!({"of": 3, "reading": 1, "about": ["model/a"], "input": ["dataset/d@1", "not a subject"], "whole": ["dataset/d"]});
    let reading = read(Via::Ledger, &Record::ledger(own_body("modeltrail.ledger.trails_added.v1", data)), &own());
    assert_eq!(reading.quarantine, None);
    let expected = ["whole dataset/d", "input dataset/d@1", "about ledger/example.com%2Fml", "about model/a"];
    assert_eq!(shown(&reading), expected);
}

#[test]
fn absent_elements_of_a_list_touch_nothing() {
    let data = |datasets: Value| json!({"run": {"source": "s", "id": "1"}, "datasets": datasets});
    let read_it = |datasets| bare(&event("modeltrail.training.started.v1", &data(datasets)));
    let with = read_it(json!([null, {"name": "d"}, ""]));
    assert_eq!(shown(&with), ["input dataset/d", "about run/s/1"]);
    assert_eq!(shown(&with), shown(&read_it(json!([{"name": "d"}]))));
}

#[test]
fn an_event_without_data_touches_nothing() {
    let mut bare_of_data = event("modeltrail.training.started.v1", &json!(null));
    bare_of_data["evidence"] = json!([{"digest": "d"}]);
    let reading = bare(&bare_of_data);
    assert_eq!(reading.reason(), Some(Quarantine::Subject));
    assert!(reading.trails.is_empty());
}

#[test]
fn own_records_have_one_shape() {
    let wrong = [
        "{}",
        "[]",
        r#"{"type":"t","data":{}}"#,
        r#"{"data":{},"type":"t"} "#,
        r#"{"data":{}}"#,
        r#"{"type":"t"}"#,
        r#"{"data":[],"type":"t"}"#,
        r#"{"data":{},"type":""}"#,
        r#"{"data":{},"type":1}"#,
        r#"{"data":{},"id":"1","type":"t"}"#,
        r#"{"data":{},"type":"a\n"}"#,
        "",
    ];
    for body in wrong {
        let reading = read(Via::Ledger, &Record::ledger(body.as_bytes().to_vec()), &own());
        assert_eq!((reading.format, reading.reason()), (Format::LedgerJson, Some(Quarantine::Malformed)), "{body}");
    }
}

#[test]
fn a_record_that_came_another_way_is_not_read() {
    let record = Record::ledger(own_body("modeltrail.ledger.opened.v1", json!({})));
    assert!(matches!(read_bytes(Via::Kafka, &record.encode(), &own()), Err(RecordError::Via { .. })));
    assert_fault(&read(Via::Kafka, &record, &own()), Quarantine::Malformed, "cannot have come by kafka");
    let over_http = read(Via::Http, &record, &own());
    assert_fault(&over_http, Quarantine::Malformed, "neither a CloudEvents event nor");
}

#[test]
fn absent_members_are_left_out_at_any_depth() {
    let data = json!({"a": null, "b": "", "c": [{"d": null, "e": 1}, null, "", [null]], "f": {"g": ""}, "h": false, "i": 0, "j": []});
    let expected = json!({"c": [{"e": 1}, []], "f": {}, "h": false, "i": 0, "j": []});
    assert_eq!(*absent_removed(&data), expected);
    assert!(matches!(absent_removed(&expected), std::borrow::Cow::Borrowed(_)));
}

#[test]
fn words_read_back() {
    assert!(Role::ALL.iter().all(|role| Role::parse(role.as_str()) == Some(*role)));
    assert!(Format::ALL.iter().all(|format| Format::parse(format.as_str()) == Some(*format)));
    assert!(Quarantine::ALL.iter().all(|reason| Quarantine::parse(reason.as_str()) == Some(*reason)));
    assert_eq!((Role::parse("About"), Quarantine::parse("")), (None, None));
    assert!(Role::ALL.is_sorted() && Quarantine::ALL.is_sorted());
}
