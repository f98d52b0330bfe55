//! What every parser promises, whatever the bytes: one function per fuzz target, also run by `tests/mutation.rs` without a fuzzer.
//! Each panics when a promise is broken, and says whether the bytes were accepted.
#![allow(dead_code)] // each fuzz target uses one of these functions

use modeltrail_schemas::dsse;
use modeltrail_schemas::envelope::{Envelope, MAX_ATTRIBUTE, MAX_BATCH, split_batch};
use modeltrail_schemas::json::{self, JsonFault};
use modeltrail_schemas::reading::{OwnContext, Quarantine, Reading, Role, read_bytes};
use modeltrail_schemas::record::{Record, TimestampType, Via};
use modeltrail_schemas::subject::{self, Subject};
use modeltrail_schemas::template::{Pointer, Template};
use modeltrail_schemas::time::{Micros, parse_rfc3339};
use serde_json::Value;

/// Strict JSON is JSON, with the meaning that another parser gives it, and its canonical form is one.
pub(crate) fn json(bytes: &[u8]) -> bool {
    let theirs = serde_json::from_slice::<Value>(bytes);
    match json::parse(bytes) {
        Ok(value) => {
            assert_eq!(theirs.ok().as_ref(), Some(&value));
            let canonical = json::canonical(&value);
            match json::parse(&canonical) {
                Ok(again) => assert_eq!(json::canonical(&again), canonical),
                Err(error) => assert_eq!(error.fault, JsonFault::Integer),
            }
            true
        }
        Err(error) => {
            let stricter = matches!(
                error.fault,
                JsonFault::DuplicateName(_) | JsonFault::Integer | JsonFault::TooDeep | JsonFault::TooLarge(_)
            );
            assert!(stricter || theirs.is_err(), "{error}");
            assert!(error.offset <= bytes.len() && error.to_string().len() < 1_000);
            false
        }
    }
}

/// The elements of a batch are strict JSON each, and put together again they are the batch.
pub(crate) fn batch(bytes: &[u8]) -> bool {
    let Ok(elements) = split_batch(bytes) else {
        return false;
    };
    assert!(elements.len() <= MAX_BATCH);
    let values: Vec<_> = elements.iter().map(|element| json::parse(element).expect("an element is JSON")).collect();
    assert_eq!(serde_json::from_slice::<Value>(bytes).expect("a batch is JSON"), Value::from(values));
    true
}

/// What decodes, encodes to the same bytes, and can be read whichever way it came.
pub(crate) fn record(bytes: &[u8]) -> bool {
    let Ok(record) = Record::decode(bytes) else {
        assert!(read_bytes(Via::Kafka, bytes, &own()).is_err());
        return false;
    };
    assert_eq!(record.encode(), bytes);
    assert_eq!(record.encoded_len(), bytes.len());
    for via in [Via::Kafka, Via::Http, Via::Ledger] {
        if let Ok(reading) = read_bytes(via, bytes, &own()) {
            check_reading(via, &reading);
        }
    }
    true
}

/// A body with the headers that its first byte chooses reads to something that an entry header can hold.
pub(crate) fn reading(bytes: &[u8]) -> bool {
    let Some((choice, body)) = bytes.split_first() else {
        return false;
    };
    const MEDIA: [&str; 4] = ["application/cloudevents+json", "application/json", dsse::MEDIA_TYPE, ""];
    let media = ("content-type", Some(MEDIA[usize::from(*choice & 3)]));
    // The body is the data, so it has to be JSON for a good event; as a JSON text it is also a good id and subject.
    let text = std::str::from_utf8(body.get(..body.len().min(600)).unwrap_or_default()).unwrap_or("model/x@1");
    let text = text.trim_matches('"');
    let headers = [
        media,
        ("ce_specversion", Some("1.0")),
        ("ce_id", Some(text)),
        ("ce_source", Some("s")),
        ("ce_type", Some("org.example.thing")),
        ("ce_subject", Some(text)),
    ];
    let record = Record::kafka(None, None, TimestampType::None, &headers, Some(body)).expect("six headers");
    let bytes = record.encode();
    let reading = read_bytes(Via::Kafka, &bytes, &own()).expect("a record from Kafka");
    assert_eq!(read_bytes(Via::Kafka, &bytes, &own()).as_ref(), Ok(&reading), "a reading is a function");
    check_reading(Via::Kafka, &reading);
    reading.quarantine.is_none()
}

fn own() -> OwnContext<'static> {
    OwnContext { origin: "example.com/ml", received_at: Micros::EPOCH, index: Some(7) }
}

fn check_reading(via: Via, reading: &Reading) {
    let subjects: Vec<_> = reading.trails.iter().map(|(_, subject)| subject).collect();
    assert!(subjects.windows(2).all(|pair| pair[0] < pair[1]), "sorted by subject, each once");
    for subject in &subjects {
        assert!(Subject::parse(subject.as_str()).is_ok());
        assert!(subject.whole().is_none_or(|whole| subjects.contains(&&whole)), "wholes come along");
        assert!(via == Via::Ledger || !subject.kind().is_ledger_only(), "only the ledger speaks about {subject}");
    }
    if let Some(event) = &reading.event {
        for text in [&event.id, &event.source, &event.r#type] {
            assert!(!text.is_empty() && text.len() <= MAX_ATTRIBUTE && !text.chars().any(char::is_control));
        }
    }
    assert!(reading.signatures.len() <= dsse::MAX_SIGNATURES);
    let has_about = reading.trails.iter().any(|(role, _)| *role == Role::About);
    match reading.reason() {
        Some(Quarantine::Malformed | Quarantine::PersonalData) => {
            assert!(reading.event.is_none() && reading.trails.is_empty() && reading.signatures.is_empty());
        }
        Some(Quarantine::Reserved) => assert!(reading.trails.is_empty() && via != Via::Ledger),
        Some(Quarantine::Subject) => assert!(reading.known && !has_about),
        Some(Quarantine::Oversize | Quarantine::Conflict) => panic!("only the ledger finds these"),
        None => assert!(reading.event.is_some() && (has_about || !reading.known)),
    }
}

/// A subject has one spelling, which its parts give back.
pub(crate) fn subject(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let encoded = subject::encode_part(text);
    assert!(encoded.is_ascii());
    let Ok(subject) = Subject::parse(text) else {
        return false;
    };
    let (namespace, version) = (subject.namespace(), subject.version());
    let again = Subject::of(subject.kind(), namespace.as_deref(), &subject.name(), version.as_deref());
    assert_eq!(again.as_ref(), Ok(&subject));
    assert_eq!(subject.as_str(), text);
    true
}

/// A template or pointer on the first line is put to the JSON after it: nothing panics, and what is built is a subject.
pub(crate) fn template(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let (first, data) = text.split_once('\n').unwrap_or((text, "{}"));
    let data = json::parse(data.as_bytes()).unwrap_or_default();
    if let Ok(pointer) = Pointer::parse(first) {
        pointer.visit(&data, &mut |_| {});
    }
    let Ok(template) = Template::parse(first) else {
        return false;
    };
    let Ok(subject) = template.build(&data, "source") else {
        return false;
    };
    assert!(Subject::parse(subject.as_str()).is_ok());
    true
}

/// A time that is read prints as one that reads to the same.
pub(crate) fn time(bytes: &[u8]) -> bool {
    let Some(time) = std::str::from_utf8(bytes).ok().and_then(parse_rfc3339) else {
        return false;
    };
    let printed = time.to_string();
    assert_eq!(printed.len(), 27);
    assert_eq!(parse_rfc3339(&printed), Some(time));
    true
}

/// An envelope that is read is built to one that reads to the same.
pub(crate) fn dsse(bytes: &[u8]) -> bool {
    let Ok(envelope) = dsse::Envelope::parse(bytes) else {
        return false;
    };
    assert_eq!(dsse::Envelope::parse(&envelope.to_json()).as_ref(), Ok(&envelope));
    true
}

/// An event that is read is built to one that reads to the same.
pub(crate) fn envelope(bytes: &[u8]) -> bool {
    let Ok(envelope) = Envelope::parse(bytes) else {
        return false;
    };
    assert_eq!(Envelope::parse(&envelope.to_structured()).as_ref(), Ok(&envelope));
    true
}
