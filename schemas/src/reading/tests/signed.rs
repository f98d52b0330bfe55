use super::*;
use crate::dsse::{self, Envelope};

fn signature(keyid: &str) -> Signature {
    Signature {
        keyid: keyid.to_owned(),
        sig: vec![7; 64],
    }
}

fn envelope(payload_type: &str, event: &Value) -> Envelope {
    Envelope {
        payload_type: payload_type.to_owned(),
        payload: event.to_string().into_bytes(),
        signatures: vec![signature("b"), signature("a")],
    }
}

fn signed(event: &Value) -> Reading {
    kafka(
        &[],
        &envelope("application/cloudevents+json", event).to_json(),
    )
}

#[test]
fn the_event_comes_from_the_payload_alone() {
    let mut inner = event(CREATED, &json!({"name": "x"}));
    inner["modeltrailorigin"] = json!("example.com/ml");
    let body = envelope("application/cloudevents+json", &inner).to_json();
    let headers = [
        ("ce_id", Some("other")),
        (
            "content-type",
            Some("application/vnd.dsse.envelope.v1+json"),
        ),
    ];
    let reading = kafka(&headers, &body);
    assert_eq!(
        (reading.format, &reading.quarantine),
        (Format::DsseJson, &None)
    );
    assert_eq!(reading.event.as_ref().unwrap().id, "1");
    assert_eq!(
        reading.signatures,
        [signature("b"), signature("a")],
        "in the envelope's order"
    );
    assert_eq!(
        reading.signed,
        Some(dsse::pae(
            "application/cloudevents+json",
            inner.to_string().as_bytes()
        ))
    );
    assert_eq!(reading.origin_ext.as_deref(), Some("example.com/ml"));
    let plain = bare(&inner);
    assert_eq!(
        (shown(&reading), reading.fingerprint),
        (shown(&plain), plain.fingerprint),
        "the same content, signed or not"
    );
    assert_eq!(
        (plain.origin_ext, plain.signed),
        (None, None),
        "without a signature nothing is bound"
    );
    assert_eq!(reading, kafka(&[], &body));
}

#[test]
fn the_media_type_of_the_payload_counts_without_parameters() {
    let inner = event(CREATED, &json!({"name": "x"}));
    let payload_type = "Application/CloudEvents+json; charset=utf-8";
    let reading = kafka(&[], &envelope(payload_type, &inner).to_json());
    assert_eq!(reading.quarantine, None);
    assert!(
        reading
            .signed
            .unwrap()
            .starts_with(b"DSSEv1 43 Application/CloudEvents+json; charset=utf-8 ")
    );
    for other in [
        "application/vnd.in-toto+json",
        "application/json",
        "application/cloudevents-batch+json",
    ] {
        assert_fault(
            &kafka(&[], &envelope(other, &inner).to_json()),
            Quarantine::Malformed,
            "payload other than",
        );
    }
}

#[test]
fn faults_name_the_layer() {
    let cases = [
        (
            r#"{"payloadType":"application/cloudevents+json","payload":"!","signatures":[]}"#,
            "`payload` is neither",
        ),
        (
            r#"{"payloadType":"application/cloudevents+json","payload":"e30=","signatures":[]}"#,
            "in the dsse payload: event has no `id`",
        ),
        (
            r#"{"payloadType":"application/cloudevents+json","payload":"e30","signatures":"x"}"#,
            "`signatures` is not an array",
        ),
        (
            r#"{"payloadType":"application/cloudevents+json","payload":"ew==","signatures":[]}"#,
            "in the dsse payload: json ends too early",
        ),
    ];
    for (body, says) in cases {
        let reading = kafka(&[], body.as_bytes());
        assert_fault(&reading, Quarantine::Malformed, says);
        assert!(reading.signatures.is_empty() && reading.signed.is_none());
    }
    let mut many = envelope(
        "application/cloudevents+json",
        &event(CREATED, &json!({"name": "x"})),
    );
    many.signatures = vec![signature("k"); dsse::MAX_SIGNATURES];
    assert_eq!(kafka(&[], &many.to_json()).quarantine, None);
    many.signatures.push(signature("k"));
    assert_fault(
        &kafka(&[], &many.to_json()),
        Quarantine::Malformed,
        "17 signatures",
    );
}

#[test]
fn signers_stay_where_the_event_does() {
    let reserved = signed(&event("modeltrail.key.rotated.v1", &json!({})));
    assert_eq!(
        (reserved.reason(), reserved.signatures.len()),
        (Some(Quarantine::Reserved), 2)
    );
    let unbuilt = signed(&event(CREATED, &json!({})));
    assert_eq!(
        (unbuilt.reason(), unbuilt.signatures.len()),
        (Some(Quarantine::Subject), 2)
    );
    let mut personal = event(CREATED, &json!({"name": "x"}));
    personal["id"] = json!("jane@bank.example");
    let personal = signed(&personal);
    assert_eq!(
        (
            personal.reason(),
            personal.signatures.len(),
            personal.signed
        ),
        (Some(Quarantine::PersonalData), 0, None)
    );
}

#[test]
fn the_fingerprint_leaves_signatures_aside() {
    let inner = event(CREATED, &json!({"name": "x"}));
    let one = envelope("application/cloudevents+json", &inner);
    let mut other = one.clone();
    other.signatures.truncate(1);
    assert_eq!(
        kafka(&[], &one.to_json()).fingerprint,
        kafka(&[], &other.to_json()).fingerprint
    );
    other.payload.push(b' ');
    assert_ne!(
        kafka(&[], &one.to_json()).fingerprint,
        kafka(&[], &other.to_json()).fingerprint
    );
}
