use super::*;

const MEDIA: (&str, Option<&str>) = ("content-type", Some("application/json; charset=utf-8"));

fn headers<'a>(extra: &[(&'a str, Option<&'a str>)]) -> Vec<(&'a str, Option<&'a str>)> {
    let fixed = [
        MEDIA,
        ("ce_specversion", Some("1.0")),
        ("ce_id", Some("1")),
        ("ce_source", Some("urn:s")),
        ("ce_type", Some(CREATED)),
    ];
    fixed.iter().chain(extra).copied().collect()
}

#[test]
fn reads_binary_mode() {
    let reading = kafka(&headers(&[("ce_time", Some("2026-11-23T08:20:11Z"))]), br#"{"name":"x"}"#);
    assert_eq!((reading.format, &reading.quarantine), (Format::CloudeventsBinary, &None));
    let structured = bare(&event(CREATED, &json!({"name": "x"})));
    assert_eq!((shown(&reading), &reading.data), (shown(&structured), &structured.data));
    assert_eq!(reading.event.unwrap().time.unwrap().to_string(), "2026-11-23T08:20:11.000000Z");
    assert_ne!(reading.fingerprint, structured.fingerprint, "other modes are other bytes");
}

#[test]
fn only_json_is_read() {
    for (media, read) in [
        ("application/vnd.x+json", true),
        ("application/JSON ; x", true),
        ("image/svg+json", true),
        ("text/json", false),
        ("application/json-seq", false),
        ("text/xml", false),
        ("json", false),
    ] {
        let mut headers = headers(&[]);
        headers[0] = ("content-type", Some(media));
        assert_eq!(kafka(&headers, br#"{"name":"x"}"#).event.is_some(), read, "{media}");
    }
    assert_eq!(kafka(&headers(&[])[1..], br#"{"name":"x"}"#).format, Format::Unknown, "without a content type");
}

#[test]
fn an_attribute_twice_is_malformed() {
    for name in ["ce_specversion", "ce_id", "ce_source", "ce_type", "CE_Type", "content-type", "Content-Type"] {
        let reading = kafka(&headers(&[(name, Some("1.0"))]), br#"{"name":"x"}"#);
        assert_fault(&reading, Quarantine::Malformed, "twice");
    }
    for (name, again) in [("ce_time", "ce_time"), ("ce_traceparent", "CE_TraceParent"), ("ce_", "ce_")] {
        for value in [Some("a"), None] {
            let twice = headers(&[(name, value), (again, Some("b"))]);
            let reading = kafka(&twice, br#"{"name":"x"}"#);
            assert_fault(&reading, Quarantine::Malformed, "twice");
            assert_eq!(reading.format, Format::CloudeventsBinary);
        }
    }
    let unused = [("x", Some("1")), ("x", None), ("ce-id", Some("2"))];
    let unused: Vec<_> = unused.iter().chain(&unused).copied().collect();
    assert_eq!(kafka(&headers(&unused), br#"{"name":"x"}"#).quarantine, None, "others may come as often as they like");
}

#[test]
fn an_attribute_twice_is_malformed_whatever_the_format() {
    let body = event(CREATED, &json!({"name": "x"})).to_string();
    let twice = [("ce_x", None), ("ce_x", Some("1"))];
    let reading = kafka(&twice, body.as_bytes());
    assert_fault(&reading, Quarantine::Malformed, "ce_x occurs twice");
    assert_eq!(reading.format, Format::CloudeventsJson);
    let record = Record::http(None, &[("ce-x", ""), ("CE-X", "")], body.as_bytes()).unwrap();
    assert_fault(&read(Via::Http, &record, &own()), Quarantine::Malformed, "ce-x occurs twice");
}

#[test]
fn names_are_compared_with_letters_lowered() {
    let upper: Vec<_> = headers(&[("ce_time", Some("2026-11-23T08:20:11Z"))])
        .into_iter()
        .map(|(name, value)| (name.to_ascii_uppercase(), value))
        .collect();
    let upper: Vec<_> = upper.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let lower = headers(&[("ce_time", Some("2026-11-23T08:20:11Z"))]);
    let body = br#"{"name":"x"}"#;
    assert_eq!(kafka(&upper, body), kafka(&lower, body));
    assert_eq!(kafka(&lower, body).quarantine, None);
}

#[test]
fn a_body_that_is_no_json_is_no_event_whatever_the_type() {
    for event_type in [CREATED, "org.example.thing"] {
        let mut headers = headers(&[]);
        headers[4] = ("ce_type", Some(event_type));
        for body in ["{broken", r#"{"a":1,"a":1}"#, " "] {
            let reading = kafka(&headers, body.as_bytes());
            assert_fault(&reading, Quarantine::Malformed, "json");
            assert_eq!(reading.event, None);
        }
        let empty = kafka(&headers, b"");
        assert!(empty.event.is_some() && empty.data.is_none());
    }
    assert_fault(&kafka(&headers(&[]), b""), Quarantine::Subject, "/data");
}

#[test]
fn a_version_has_to_be_there() {
    for version in [None, Some(""), Some("1"), Some("1.0 ")] {
        let mut headers = headers(&[]);
        headers[1].1 = version;
        let reading = kafka(&headers, br#"{"name":"x"}"#);
        assert_fault(&reading, Quarantine::Malformed, "specversion");
        assert_eq!(reading.format, Format::CloudeventsBinary);
    }
}

#[test]
fn values_that_are_no_text_are_absent() {
    let mut headers: Vec<(&[u8], Option<&[u8]>)> = vec![
        (b"content-type", Some(b"application/json")),
        (b"ce_specversion", Some(b"1.0")),
        (b"ce_id", Some(b"\xff")),
        (b"ce_source", Some(b"s")),
        (b"ce_type", Some(b"t")),
        (b"ce_time", Some(b"\xff")),
    ];
    let read_it = |headers: &[(&[u8], Option<&[u8]>)]| {
        read(Via::Kafka, &Record::kafka(None, None, TimestampType::None, headers, Some(b"{}")).unwrap(), &own())
    };
    assert_fault(&read_it(&headers), Quarantine::Malformed, "no `id`");
    headers[2].1 = Some(b"%41");
    let reading = read_it(&headers);
    let head = reading.event.unwrap();
    assert_eq!((head.id.as_str(), head.time), ("%41", None), "kafka's values are not percent-encoded");
    headers.pop();
    assert_eq!(read_it(&headers).fingerprint, reading.fingerprint);
}

#[test]
fn http_values_are_percent_decoded() {
    let headers = [
        ("Content-Type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "a%20b"),
        ("CE-Source", "urn:%C3%A9"),
        ("ce-type", CREATED),
    ];
    let record = Record::http(None, &headers, br#"{"name":"x"}"#).unwrap();
    let reading = read(Via::Http, &record, &own());
    assert_eq!((reading.format, &reading.quarantine), (Format::CloudeventsBinary, &None));
    let head = reading.event.unwrap();
    assert_eq!((head.id.as_str(), head.source.as_str()), ("a b", "urn:é"));
    let kafka = [
        MEDIA,
        ("ce_type", Some(CREATED)),
        ("ce_source", Some("urn:é")),
        ("ce_id", Some("a b")),
        ("ce_specversion", Some("1.0")),
    ];
    assert_eq!(super::kafka(&kafka, br#"{"name":"x"}"#).fingerprint, reading.fingerprint, "one event, two ways");
}

#[test]
fn the_fingerprint_covers_attributes_and_body_alone() {
    let base = kafka(&headers(&[("ce_x", Some("1"))]), br#"{"name":"x"}"#).fingerprint;
    let same =
        [kafka(&headers(&[("trace", Some("9")), ("ce_x", Some("1")), ("ce_empty", Some(""))]), br#"{"name":"x"}"#), {
            let mut reordered = headers(&[("ce_x", Some("1"))]);
            reordered.reverse();
            reordered.last_mut().unwrap().1 = Some("application/vnd.other+json");
            kafka(&reordered, br#"{"name":"x"}"#)
        }];
    assert!(same.iter().all(|reading| reading.quarantine.is_none() && reading.fingerprint == base));
    let other = [
        kafka(&headers(&[("ce_x", Some("2"))]), br#"{"name":"x"}"#),
        kafka(&headers(&[]), br#"{"name":"x"}"#),
        kafka(&headers(&[("ce_x", Some("1"))]), br#"{"name": "x"}"#),
        kafka(&headers(&[("ce_x1", Some(""))]), br#"{"name":"x"}"#),
    ];
    assert!(other.iter().all(|reading| reading.fingerprint != base));
}
