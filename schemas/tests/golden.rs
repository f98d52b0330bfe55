//! Every example event against its golden reading, which was written without this crate's code.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use modeltrail_schemas::envelope::{Envelope, Prefix, own_body};
use modeltrail_schemas::reading::{OWN_GROUPS, OwnContext, Reading, read_bytes};
use modeltrail_schemas::record::{Record, TimestampType, Via};
use modeltrail_schemas::time::Micros;
use modeltrail_schemas::{catalogue, json};
use serde_json::{Value, json};

const OUTSIDE: OwnContext<'static> = OwnContext { origin: "", received_at: Micros::EPOCH, index: None };

struct Example {
    name: String,
    bytes: Vec<u8>,
    event: Value,
    golden: Value,
}

fn examples() -> Vec<Example> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let named = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(".example.json")?.to_owned();
        let bytes = fs::read(&path).unwrap();
        let golden = fs::read(path.with_file_name(format!("{name}.reading.json"))).unwrap();
        let event = json::parse(&bytes).unwrap();
        Some(Example { name, bytes, event, golden: json::parse(&golden).unwrap() })
    };
    paths.into_iter().filter_map(named).collect()
}

impl Example {
    fn text(&self, name: &str) -> &str {
        self.event[name].as_str().unwrap()
    }

    fn is_own(&self) -> bool {
        OWN_GROUPS.contains(&self.name.split('.').next().unwrap())
    }

    /// As the ledger itself would have written it.
    fn read_as_own(&self) -> Reading {
        let body = own_body(self.text("type"), self.event["data"].clone());
        let own = OwnContext {
            origin: self.text("source"),
            received_at: self.text("time").parse().unwrap(),
            index: Some(self.text("id").parse().unwrap()),
        };
        read_bytes(Via::Ledger, &Record::ledger(body).encode(), &own).unwrap()
    }
}

fn from_kafka(headers: &[(String, Option<Vec<u8>>)], body: &[u8]) -> Reading {
    let record = Record::kafka(None, Some(0), TimestampType::Create, headers, Some(body)).unwrap();
    read_bytes(Via::Kafka, &record.encode(), &OUTSIDE).unwrap()
}

/// The reading in the form of the golden files.
fn shown(reading: &Reading) -> Value {
    let event = reading.event.as_ref().map(|event| {
        json!({"id": event.id, "source": event.source, "time": event.time.map(|time| time.to_string()), "type": event.r#type})
    });
    let trails: Vec<_> = reading
        .trails
        .iter()
        .map(|(role, subject)| json!({"role": role.as_str(), "subject": subject.as_str()}))
        .collect();
    let mut shown = json!({"event": event, "format": reading.format.as_str(), "trails": trails});
    if let Some(reason) = reading.reason() {
        shown["quarantine"] = json!({"reason": reason.as_str()});
    }
    shown
}

#[test]
fn every_core_type_reads_as_its_golden_file_says() {
    let examples = examples();
    let core = catalogue::catalogue().events.iter().filter(|event| event.core).count();
    assert_eq!(examples.len(), core);
    for example in &examples {
        let reading = if example.is_own() { example.read_as_own() } else { from_kafka(&[], &example.bytes) };
        assert_eq!(reading.quarantine, None, "{}", example.name);
        assert!(reading.known, "{}", example.name);
        assert_eq!(shown(&reading), example.golden, "{}", example.name);
        assert_eq!(reading.data.as_ref(), Some(&example.event["data"]), "{}", example.name);
    }
}

#[test]
fn own_types_from_outside_are_reserved_and_on_no_trail() {
    for example in examples().iter().filter(|example| example.is_own()) {
        let reading = from_kafka(&[], &example.bytes);
        let expected = json!({
            "event": example.golden["event"], "format": "cloudevents+json", "quarantine": {"reason": "reserved"}, "trails": [],
        });
        assert_eq!(shown(&reading), expected, "{}", example.name);
    }
}

#[test]
fn binary_mode_and_http_give_the_same_reading_but_for_the_format() {
    for example in examples().iter().filter(|example| !example.is_own()) {
        let envelope = Envelope::parse(&example.bytes).unwrap();
        let mut expected = example.golden.clone();
        let http = Record::http(None, &[("Content-Type", "application/cloudevents+json")], &example.bytes).unwrap();
        let http = read_bytes(Via::Http, &http.encode(), &OUTSIDE).unwrap();
        assert_eq!(shown(&http), expected, "{} over http", example.name);
        expected["format"] = json!("cloudevents-binary");
        let (headers, body) = envelope.to_binary(Prefix::Kafka);
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, Some(value))).collect();
        assert_eq!(shown(&from_kafka(&headers, &body)), expected, "{} in binary mode", example.name);
        let (headers, body) = envelope.to_binary(Prefix::Http);
        let record = Record::http(None, &headers, &body).unwrap();
        let reading = read_bytes(Via::Http, &record.encode(), &OUTSIDE).unwrap();
        assert_eq!(shown(&reading), expected, "{} in binary mode over http", example.name);
    }
}

#[test]
fn nulls_and_empty_strings_change_nothing() {
    for example in examples().iter().filter(|example| !example.is_own()) {
        let mut event = example.event.clone();
        add_absent(&mut event["data"]);
        let reading = from_kafka(&[], event.to_string().as_bytes());
        assert_eq!(shown(&reading), example.golden, "{}", example.name);
    }
}

/// Sends the common optional parts of subjects as null or empty, wherever an object lacks them.
fn add_absent(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(add_absent);
            for (name, absent) in
                [("namespace", json!(null)), ("version", json!("")), ("path", json!(null)), ("digest", json!(""))]
            {
                members.entry(name).or_insert(absent);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(add_absent),
        _ => {}
    }
}
