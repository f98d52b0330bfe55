use super::*;

#[test]
fn what_no_event_can_be_read_from_is_malformed() {
    let media = "application/cloudevents+json";
    let cases = [
        (typed(media, ""), "ends too early at line 1"),
        (typed(media, "{\"a\":1,"), "ends too early"),
        (typed(media, "[]"), "not a JSON object"),
        (typed(media, r#"{"specversion":"1.0","id":"1","source":"s"}"#), "no `type`"),
        (typed(media, r#"{"specversion":"1.1","id":"1","source":"s","type":"t"}"#), "`specversion` other than `1.0`"),
        (typed(media, r#"{"id":"1","id":"2","source":"s","type":"t"}"#), "the name `id` twice at line 1, column 11"),
        (typed(media, r#"{"id":"1","source":"s","type":"t","data":{"a":9007199254740993}}"#), "outside ±(2^53−1)"),
        (typed(media, r#"{"id":"1","source":"s","type":"t"}"#), "no `specversion`"),
        (kafka(&[], b""), "neither a content type nor a body"),
        (kafka(&[], b"\0\x01\x02"), "can't be read: json expects a value"),
        (typed("application/avro", "x"), "content type is none that events come in"),
        (kafka(&[("content-type", Some(media)), ("content-type", Some(media))], b"{}"), "content-type occurs twice"),
    ];
    for (reading, says) in cases {
        assert_fault(&reading, Quarantine::Malformed, says);
        assert_eq!((reading.event, reading.data, reading.known), (None, None, false));
        assert!(reading.trails.is_empty() && reading.signatures.is_empty());
    }
}

#[test]
fn a_content_type_twice_is_malformed_even_with_an_event() {
    let body = event(CREATED, &json!({"name": "x"})).to_string();
    let headers = [("content-type", Some("application/cloudevents+json")), ("Content-Type", None)];
    let reading = kafka(&headers, body.as_bytes());
    assert_fault(&reading, Quarantine::Malformed, "content-type occurs twice");
    assert_eq!(reading.format, Format::Unknown);
}

#[test]
fn a_tombstone_is_malformed_whatever_its_headers_say() {
    let headers = [
        ("content-type", Some("application/json")),
        ("ce_specversion", Some("1.0")),
        ("ce_id", Some("1")),
        ("ce_source", Some("s")),
        ("ce_type", Some("t")),
    ];
    let record = Record::kafka(Some(b"k"), None, TimestampType::None, &headers, None).unwrap();
    let reading = read(Via::Kafka, &record, &own());
    assert_fault(&reading, Quarantine::Malformed, "tombstone");
    assert_eq!(reading.format, Format::CloudeventsBinary);
    let empty = Record::kafka(Some(b"k"), None, TimestampType::None, &headers, Some(b"")).unwrap();
    let empty = read(Via::Kafka, &empty, &own());
    assert_eq!((empty.reason(), empty.data.is_none(), empty.event.is_some()), (None, true, true));
}

#[test]
fn what_is_the_ledgers_own_is_reserved() {
    for group in OWN_GROUPS {
        let reading = bare(&event(&format!("modeltrail.{group}.anything.v7"), &json!({"evidence": [{"digest": "d"}]})));
        assert_fault(&reading, Quarantine::Reserved, group);
        assert!(reading.trails.is_empty() && reading.event.is_some());
    }
    for kind in ["ledger", "key", "source"] {
        let about = json!({"about": {"kind": kind, "name": "x"}, "review_id": "1"});
        assert_fault(&bare(&event("modeltrail.review.scheduled.v1", &about)), Quarantine::Reserved, kind);
        let mut unknown = event("org.example.thing", &json!({}));
        unknown["subject"] = json!(format!("{kind}/x"));
        assert_fault(&bare(&unknown), Quarantine::Reserved, kind);
    }
    for near in [
        "modeltrail.ledgers.opened.v1",
        "modeltrail.ledger",
        "org.modeltrail.ledger.opened.v1",
        "MODELTRAIL.ledger.opened.v1",
    ] {
        assert_eq!(bare(&event(near, &json!({}))).quarantine, None, "{near}");
    }
}

#[test]
fn the_origin_is_nobody_elses_source() {
    let mut from_origin = event(CREATED, &json!({"name": "x"}));
    from_origin["source"] = json!("example.com/ml");
    let reading = bare(&from_origin);
    assert_fault(&reading, Quarantine::Reserved, "its origin as source");
    assert!(reading.trails.is_empty() && reading.event.is_some());
    let record = |event: &Value| {
        let none: [(&str, Option<&str>); 0] = [];
        let body = event.to_string();
        Record::kafka(None, None, TimestampType::None, &none, Some(body.as_bytes())).unwrap()
    };
    for origin in ["", "example.com/m", "EXAMPLE.com/ml"] {
        let elsewhere = OwnContext { origin, ..own() };
        let reading = read(Via::Kafka, &record(&from_origin), &elsewhere);
        assert_eq!(reading.quarantine, None, "{origin}");
    }
}

#[test]
fn nobody_outside_reaches_the_trails_of_keys_and_sources() {
    let data = json!({
        "about": {"kind": "model", "name": "m"},
        "same_as": {"kind": "key", "name": "abc"},
    });
    let reading = bare(&event("modeltrail.subject.linked.v1", &data));
    assert_eq!((shown(&reading), reading.quarantine), (vec!["about model/m".to_owned()], None));
}

#[test]
fn an_address_is_kept_out_of_the_header() {
    let mut by_id = event(CREATED, &json!({"name": "x"}));
    by_id["id"] = json!("jane@bank.example");
    let mut by_source = event(CREATED, &json!({"name": "x"}));
    by_source["source"] = json!("jane@bank.example");
    let by_type = event("jane@bank.example", &json!({}));
    let by_subject = event(CREATED, &json!({"name": "jane@bank.example"}));
    let by_touch =
        event("modeltrail.model.alias_changed.v1", &json!({"name": "x", "alias": "a", "new": "jane@bank.example"}));
    let beside_a_fault =
        event("modeltrail.model.alias_changed.v1", &json!({"name": "x@y.example", "alias": "a", "new": 1}));
    let cases = [
        (by_id, "`id`"),
        (by_source, "`source`"),
        (by_type, "`type`"),
        (by_subject, "a model in role about"),
        (by_touch, "a model in role target"),
        (beside_a_fault, "a model in role about"),
    ];
    for (event, place) in cases {
        let reading = bare(&event);
        assert_fault(&reading, Quarantine::PersonalData, place);
        assert!(!reading.quarantine.as_ref().unwrap().1.contains("jane"), "the message repeats no personal data");
        assert!(reading.event.is_none() && reading.trails.is_empty() && reading.signatures.is_empty());
    }
    let code = json!({"repository": "git@github.com", "commit": "c0ffee"});
    assert_eq!(bare(&event("modeltrail.code.revision_recorded.v1", &code)).quarantine, None);
}

#[test]
fn a_reserved_event_with_an_address_has_no_event_either() {
    let mut event = event("modeltrail.ledger.opened.v1", &json!({}));
    event["id"] = json!("jane@bank.example");
    let reading = bare(&event);
    assert_eq!((reading.reason(), reading.event), (Some(Quarantine::Reserved), None));
}

#[test]
fn an_about_that_cannot_be_built_leaves_the_rest() {
    let data = json!({"name": "x", "version": 7, "manifest_digest": "d", "run": {"source": "s", "id": "1"}, "evaluation_id": "e", "metrics": []});
    let reading = bare(&event("modeltrail.evaluation.recorded.v1", &data));
    assert_fault(&reading, Quarantine::Subject, "`version` is not a string");
    assert_fault(&reading, Quarantine::Subject, "model/{namespace?}/{name}@{version}");
    assert_eq!(shown(&reading), ["run run/s/1"]);
    assert!(reading.event.is_some() && reading.known);
    let nothing = json!({"specversion": "1.0", "id": "1", "source": "s", "type": CREATED});
    assert_fault(&bare(&nothing), Quarantine::Subject, "/data");
}
