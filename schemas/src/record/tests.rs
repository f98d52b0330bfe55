use proptest::prelude::*;

use super::*;

type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

#[test]
fn frames_a_kafka_record_to_the_byte() {
    let headers = [("ce_id", Some("7")), ("x", None)];
    let record = Record::kafka(Some(b"k"), Some(12), TimestampType::Create, &headers, Some(b"{}")).unwrap();
    let expected = [
        b"\x01\x00\x03".as_slice(),
        b"\0\0\0\x03key\0\0\0\x01k",
        b"\0\0\0\x09timestamp\0\0\0\x0212",
        b"\0\0\0\x0etimestamp-type\0\0\0\x06create",
        b"\x00\x02",
        b"\0\0\0\x05ce_id\0\0\0\x017",
        b"\0\0\0\x01x\xff\xff\xff\xff",
        b"{}",
    ];
    assert_eq!(record.encode(), expected.concat());
    assert_eq!(record.encoded_len(), record.encode().len());
    assert_eq!(Record::decode(&record.encode()), Ok(record));
}

#[test]
fn frames_a_tombstone_and_what_has_no_key() {
    let none: [(&str, Option<&str>); 0] = [];
    let record = Record::kafka(None, Some(5), TimestampType::None, &none, None).unwrap();
    let expected = [
        b"\x01\x00\x04".as_slice(),
        b"\0\0\0\x03key\xff\xff\xff\xff",
        b"\0\0\0\x09timestamp\0\0\0\x02-1",
        b"\0\0\0\x0etimestamp-type\0\0\0\x04none",
        b"\0\0\0\x09body-null\0\0\0\0",
        b"\x00\x00",
    ];
    assert_eq!(record.encode(), expected.concat());
    assert!(record.is_tombstone());
    let empty = Record::kafka(None, None, TimestampType::Create, &none, Some(b"")).unwrap();
    assert!(!empty.is_tombstone());
    assert_ne!(empty.encode(), record.encode());
}

#[test]
fn keeps_only_what_a_reading_uses_of_a_request() {
    let headers = [
        ("Content-Type", "application/json"),
        ("Authorization", "Bearer secret"),
        ("Cookie", "secret"),
        ("CE-Id", " \t7 7\t "),
        ("ce_id", "8"),
        ("x-ce-id", "9"),
    ];
    let record = Record::http(Some((0, 2)), &headers, b"{}").unwrap();
    let names: Vec<_> = record.producer().iter().map(|one| String::from_utf8_lossy(&one.name).into_owned()).collect();
    assert_eq!(names, ["content-type", "ce-id"]);
    assert_eq!(record.producer()[1].value.as_deref(), Some(b"7 7".as_slice()));
    assert!(record.view().check_via(Via::Http).is_ok());
    assert_eq!(record.transport()[0].value.as_deref(), Some(b"0/2".as_slice()));
    assert!(!String::from_utf8_lossy(&record.encode()).contains("secret"));
    for (index, count) in [(2, 2), (0, 1_001)] {
        assert_eq!(Record::http(Some((index, count)), &headers, b""), Err(RecordError::Batch(index, count)));
    }
}

#[test]
fn an_own_record_is_its_body() {
    assert_eq!(Record::ledger(b"{}".to_vec()).encode(), b"\x01\0\0\0\0{}");
}

#[test]
fn every_truncation_of_the_frame_is_refused() {
    let headers = [("ce_id", Some("7")), ("x", None)];
    let bytes = Record::kafka(Some(b"k"), Some(12), TimestampType::Append, &headers, Some(b"")).unwrap().encode();
    for end in 0..bytes.len() {
        let found = Record::decode(&bytes[..end]);
        assert!(matches!(found, Err(RecordError::Truncated { offset, .. }) if offset == end), "{end}: {found:?}");
    }
    assert!(Record::decode(&bytes).is_ok());
}

#[test]
fn lengths_beyond_the_input_are_refused_without_allocating() {
    let huge = b"\x01\x00\x00\xff\xff\xff\xff\xff\xfe";
    assert!(matches!(Record::decode(huge), Err(RecordError::Truncated { .. })));
    assert_eq!(Record::decode(b"\x02"), Err(RecordError::Version(2)));
    assert_eq!(Record::decode(b"\x01\0\0\0\x01\xff\xff\xff\xff\0\0\0\0"), Err(RecordError::NullName(9)));
}

fn transport(attributes: &[(&str, Option<&str>)], body: &str) -> Result<Record, RecordError> {
    let mut bytes = vec![VERSION, 0, u8::try_from(attributes.len()).unwrap()];
    let mut push = |text: Option<&str>| match text {
        Some(text) => {
            bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        None => bytes.extend([0xff; 4]),
    };
    for (name, value) in attributes {
        push(Some(name));
        push(*value);
    }
    bytes.extend([0, 0]);
    bytes.extend(body.as_bytes());
    Record::decode(&bytes)
}

#[test]
fn transport_attributes_are_exactly_those_of_a_way() {
    let kafka = |time, kind| [("key", None), ("timestamp", time), ("timestamp-type", kind)];
    assert!(transport(&kafka(Some("0"), Some("append")), "x").is_ok());
    assert!(transport(&kafka(Some("-1"), Some("create")), "x").is_ok());
    assert!(transport(&[("batch", Some("999/1000"))], "x").is_ok());
    let wrong = [
        kafka(Some("01"), Some("create")).to_vec(),
        kafka(Some("+1"), Some("create")).to_vec(),
        kafka(Some("0"), Some("none")).to_vec(),
        kafka(Some("0"), Some("Create")).to_vec(),
        kafka(None, Some("create")).to_vec(),
        kafka(Some("0"), None).to_vec(),
        kafka(Some("0"), Some("create"))[..2].to_vec(),
        vec![("timestamp", Some("0")), ("key", None), ("timestamp-type", Some("create"))],
        [kafka(Some("0"), Some("create")).as_slice(), &[("body-null", None)]].concat(),
        [kafka(Some("0"), Some("create")).as_slice(), &[("other", Some(""))]].concat(),
        [kafka(Some("0"), Some("create")).as_slice(), &[("body-null", Some("")), ("body-null", Some(""))]].concat(),
        vec![("batch", None)],
        vec![("batch", Some("1"))],
        vec![("batch", Some("00/1"))],
        vec![("batch", Some("1/1"))],
        vec![("batch", Some("0/1001"))],
        vec![("batch", Some("0/1")), ("batch", Some("0/1"))],
        vec![("other", Some(""))],
    ];
    for attributes in wrong {
        assert!(transport(&attributes, "").is_err(), "{attributes:?}");
    }
    let null = [kafka(Some("0"), Some("create")).as_slice(), &[("body-null", Some(""))]].concat();
    assert!(transport(&null, "").is_ok());
    assert!(transport(&null, "x").is_err(), "a tombstone has no body");
}

#[test]
fn a_record_has_to_fit_its_way() {
    let none: [(&str, Option<&str>); 0] = [];
    let kafka = Record::kafka(None, None, TimestampType::None, &none, Some(b"")).unwrap();
    let http = Record::http(None, &[("ce-id", "1")], b"").unwrap();
    let own = Record::ledger(Vec::new());
    let fits = |record: &Record| [Via::Kafka, Via::Http, Via::Ledger].map(|via| record.view().check_via(via).is_ok());
    assert_eq!(fits(&kafka), [true, false, false]);
    assert_eq!(fits(&http), [false, true, false]);
    assert_eq!(fits(&own), [false, true, true], "a request without headers has the same framing");
    for (name, value) in [
        (b"cookie".as_slice(), Some(b"x".as_slice())),
        (b"CE-id", Some(b"x")),
        (b"ce-id", None),
        (b"ce-id", Some(b"x ")),
        (b"ce-id", Some(b"\tx")),
        (b"ce-id", Some(b" ")),
    ] {
        let attribute = Attribute { name: name.to_vec(), value: value.map(<[u8]>::to_vec) };
        let record = Record { transport: Vec::new(), producer: vec![attribute], body: Vec::new() };
        assert!(record.view().check_via(Via::Http).is_err());
    }
}

#[test]
fn more_headers_than_the_framing_counts_are_refused() {
    let headers = vec![("", None::<&str>); MAX_ATTRIBUTES + 1];
    let framed = |count: usize| Record::kafka(None, None, TimestampType::None, &headers[..count], Some(b""));
    assert_eq!(framed(MAX_ATTRIBUTES + 1), Err(RecordError::TooManyAttributes(MAX_ATTRIBUTES + 1)));
    let most = framed(MAX_ATTRIBUTES).unwrap();
    assert_eq!(Record::decode(&most.encode()), Ok(most));
}

fn some_headers() -> impl Strategy<Value = Headers> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..12);
    proptest::collection::vec((bytes(), proptest::option::of(bytes())), 0..6)
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        key in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9)),
        time in proptest::option::of(any::<i64>()),
        kind in prop_oneof![Just(TimestampType::None), Just(TimestampType::Create), Just(TimestampType::Append)],
        headers in some_headers(),
        body in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
    ) {
        let record = Record::kafka(key.as_deref(), time, kind, &headers, body.as_deref()).unwrap();
        let bytes = record.encode();
        prop_assert_eq!(bytes.len(), record.encoded_len());
        let decoded = RecordView::decode(&bytes).unwrap();
        prop_assert!(decoded.check_via(Via::Kafka).is_ok());
        prop_assert_eq!(decoded.to_record(), record);
    }

    #[test]
    fn what_decodes_is_encoded_to_the_same(
        start in prop_oneof![Just(b"\x01\0\0".to_vec()), Just(b"\x01\0\x01\0\0\0\x05batch\0\0\0\x030/1".to_vec())],
        rest in proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), any::<u8>()], 0..40),
    ) {
        let bytes = [start, rest].concat();
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(record.encode(), bytes);
        }
    }
}
