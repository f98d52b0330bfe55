use serde_json::json;

use super::*;
use crate::record::{Record, TimestampType, Via};

fn event(members: &Value) -> Result<Envelope> {
    let mut whole = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t"});
    let target = whole.as_object_mut().unwrap();
    target.extend(members.as_object().unwrap().clone());
    Envelope::parse(whole.to_string().as_bytes())
}

#[test]
fn reads_structured_mode() {
    let envelope = event(&json!({
        "time": "2026-11-23T09:20:11.1234567+01:00", "subject": "model/x", "modeltrailorigin": "example.com/ml",
        "data": {"a": null}, "other": 1,
    }));
    let envelope = envelope.unwrap();
    assert_eq!((envelope.id.as_str(), envelope.source.as_str(), envelope.r#type.as_str()), ("1", "s", "t"));
    assert_eq!(envelope.time.unwrap().to_string(), "2026-11-23T08:20:11.123456Z");
    assert_eq!(envelope.subject.as_deref(), Some("model/x"));
    assert_eq!(envelope.origin.as_deref(), Some("example.com/ml"));
    assert_eq!(envelope.data, Some(json!({"a": null})));
}

#[test]
fn what_is_optional_is_left_out_when_it_is_not_right() {
    for (name, value) in
        [("time", json!("yesterday")), ("time", json!(5)), ("subject", json!("")), ("modeltrailorigin", json!(true))]
    {
        let envelope = event(&json!({name: value})).unwrap();
        assert_eq!((envelope.time, envelope.subject, envelope.origin), (None, None, None), "{name}");
    }
    assert_eq!(event(&json!({"data": null})).unwrap().data, None);
    assert_eq!(event(&json!({"data": ""})).unwrap().data, None);
    assert_eq!(event(&json!({"data_base64": "AA=="})).unwrap().data, None);
    assert_eq!(
        event(&json!({"data_base64": "AA==", "datacontenttype": 7, "data": 1})).unwrap().data,
        Some(json!(1)),
        "only `data` is looked at"
    );
}

#[test]
fn what_is_demanded_has_limits() {
    let long = "é".repeat(256);
    assert!(event(&json!({"id": long})).is_ok());
    let too_long = format!("{long}x");
    let cases = [
        (json!({"id": null}), EnvelopeError::Missing("id")),
        (json!({"source": ""}), EnvelopeError::Missing("source")),
        (json!({"type": 1}), EnvelopeError::NotText("type")),
        (json!({"id": too_long}), EnvelopeError::TooLong("id", 513)),
        (json!({"source": "a\u{85}"}), EnvelopeError::Control("source")),
        (json!({"type": "a\u{7f}"}), EnvelopeError::Control("type")),
        (json!({"specversion": "0.3"}), EnvelopeError::SpecVersion),
        (json!({"specversion": 1.0}), EnvelopeError::SpecVersion),
        (json!({"specversion": null}), EnvelopeError::Missing("specversion")),
        (json!({"specversion": ""}), EnvelopeError::Missing("specversion")),
    ];
    for (members, error) in cases {
        assert_eq!(event(&members), Err(error), "{members}");
    }
    assert_eq!(Envelope::parse(b"[]"), Err(EnvelopeError::NotObject));
}

fn full() -> Envelope {
    Envelope {
        id: "a \"%\" é".to_owned(),
        source: "https://mlflow.example/x?y=%20".to_owned(),
        r#type: "some.type".to_owned(),
        time: parse_rfc3339("2026-11-23T08:20:11.123456Z"),
        subject: Some("model/x@1".to_owned()),
        origin: Some("example.com/ml".to_owned()),
        data: Some(json!({"b": [1, 2.5, 4e19, 1e300], "a": "é"})),
    }
}

#[test]
fn every_mode_carries_the_same_event() {
    let envelope = full();
    assert_eq!(Envelope::parse(&envelope.to_structured()).as_ref(), Ok(&envelope));
    for (prefix, via) in [(Prefix::Kafka, Via::Kafka), (Prefix::Http, Via::Http)] {
        let (headers, body) = envelope.to_binary(prefix);
        let record = match prefix {
            Prefix::Kafka => {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (name, Some(value))).collect();
                Record::kafka(None, None, TimestampType::None, &headers, Some(&body)).unwrap()
            }
            Prefix::Http => Record::http(None, &headers, &body).unwrap(),
        };
        let view = record.view();
        let read = BinaryAttributes::new(view.producer(), Prefix::of(via)).envelope(view.body());
        assert_eq!(read.as_ref(), Ok(&envelope), "{via}");
    }
}

#[test]
fn a_batch_is_split_into_the_bytes_of_its_elements() {
    let (one, other) = (full().to_structured(), br#"{ "id" : "2" }"#.to_vec());
    let body = [b"[\n".as_slice(), &one, b" ,", &other, b"]"].concat();
    assert_eq!(split_batch(&body).unwrap(), [one.as_slice(), &other]);
    let many = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert_eq!(split_batch(many(MAX_BATCH).as_bytes()).unwrap().len(), MAX_BATCH);
    assert!(split_batch(many(MAX_BATCH + 1).as_bytes()).is_err());
}

fn over_http(name: &str, value: &[u8]) -> Option<String> {
    let record = Record::http(None, &[(name, value)], b"").unwrap();
    let view = record.view();
    BinaryAttributes::new(view.producer(), Prefix::Http).get("id")
}

#[test]
fn http_values_are_decoded_once() {
    let cases: [(&[u8], Option<&str>); 12] = [
        (b"plain", Some("plain")),
        (b"Euro%20%E2%82%AC%20%F0%9F%98%80", Some("Euro \u{20ac} \u{1f600}")),
        (b"%2541", Some("%41")),
        (b"%e2%82%ac", Some("\u{20ac}")),
        (b"\"a %20\"", Some("\"a  \"")),
        ("é".as_bytes(), Some("é")),
        (b"50%", Some("50%")),
        (b"%4", Some("%4")),
        (b"%zz%+1%41", Some("%zz%+1A")),
        (b"%FF", None),
        (b"\xff", None),
        (b"", None),
    ];
    for (value, expected) in cases {
        assert_eq!(over_http("CE-Id", value).as_deref(), expected, "{value:?}");
    }
}
