use super::*;
use crate::dsse::{self, Envelope};

fn signature(keyid: &str) -> Signature {
    Signature { keyid: keyid.to_owned(), sig: vec![7; 64] }
}

fn envelope(payload_type: &str, event: &Value) -> Envelope {
    Envelope {
        payload_type: payload_type.to_owned(),
        payload: event.to_string().into_bytes(),
        signatures: vec![signature("b"), signature("a")],
    }
}

fn signed(event: &Value) -> Reading {
    kafka(&[], &envelope("application/cloudevents+json", event).to_json())
}

#[test]
fn the_event_comes_from_the_payload_alone() {
    let mut inner = event(CREATED, &json!({"name": "x"}));
    inner["modeltrailorigin"] = json!("example.com/ml");
    let body = envelope("application/cloudevents+json", &inner).to_json();
    let headers = [("ce_id", Some("other")), ("content-type", Some("application/vnd.dsse.envelope.v1+json"))];
    let reading = kafka(&headers, &body);
    assert_eq!((reading.format, &reading.quarantine), (Format::DsseJson, &None));
    assert_eq!(reading.event.as_ref().unwrap().id, "1");
    assert_eq!(reading.signatures, [signature("b"), signature("a")], "in the envelope's order");
    assert_eq!(reading.signed, Some(dsse::pae("application/cloudevents+json", inner.to_string().as_bytes())));
    assert_eq!(reading.origin_ext.as_deref(), Some("example.com/ml"));
    let plain = bare(&inner);
    assert_eq!(shown(&reading), shown(&plain));
    assert_ne!(
        reading.fingerprint, plain.fingerprint,
        "whoever sends it bare first doesn't make the signed one a duplicate"
    );
    assert_eq!((plain.origin_ext, plain.signed), (None, None), "without a signature nothing is bound");
    assert_eq!(reading, kafka(&[], &body));
}

#[test]
fn the_payload_has_exactly_one_type() {
    let inner = event(CREATED, &json!({"name": "x"}));
    for other in [
        "Application/cloudevents+json",
        "application/cloudevents+json; charset=utf-8",
        " application/cloudevents+json",
        "application/vnd.in-toto+json",
        "application/json",
        "application/cloudevents-batch+json",
    ] {
        let reading = kafka(&[], &envelope(other, &inner).to_json());
        assert_fault(&reading, Quarantine::Malformed, "payload other than");
        assert!(reading.event.is_none() && reading.signatures.is_empty());
    }
}

#[test]
fn faults_name_the_layer() {
    let cases = [
        (
            r#"{"payloadType":"application/cloudevents+json","payload":"!","signatures":[{"sig":"AA=="}]}"#,
            "`payload` is neither",
        ),
        (
            r#"{"payloadType":"application/cloudevents+json","payload":"e30=","signatures":[{"sig":"AA=="}]}"#,
            "in the dsse payload: event has no `specversion`",
        ),
        (r#"{"payloadType":"application/cloudevents+json","payload":"e30=","signatures":[]}"#, "`signatures` is empty"),
        (
            r#"{"payloadType":"application/cloudevents+json","payload":"e30=","signatures":"x"}"#,
            "`signatures` is not an array",
        ),
        (
            r#"{"payloadType":"application/cloudevents+json","payload":"ew==","signatures":[{"sig":"AA=="}]}"#,
            "in the dsse payload: json ends too early",
        ),
    ];
    for (body, says) in cases {
        let reading = kafka(&[], body.as_bytes());
        assert_fault(&reading, Quarantine::Malformed, says);
        assert!(reading.signatures.is_empty() && reading.signed.is_none());
    }
    let mut many = envelope("application/cloudevents+json", &event(CREATED, &json!({"name": "x"})));
    many.signatures = vec![signature("k"); dsse::MAX_SIGNATURES];
    assert_eq!(kafka(&[], &many.to_json()).quarantine, None);
    many.signatures.push(signature("k"));
    assert_fault(&kafka(&[], &many.to_json()), Quarantine::Malformed, "17 signatures");
}

#[test]
fn signers_stay_where_the_event_does() {
    let reserved = signed(&event("modeltrail.key.rotated.v1", &json!({})));
    assert_eq!((reserved.reason(), reserved.signatures.len()), (Some(Quarantine::Reserved), 2));
    let unbuilt = signed(&event(CREATED, &json!({})));
    assert_eq!((unbuilt.reason(), unbuilt.signatures.len()), (Some(Quarantine::Subject), 2));
    let mut personal = event(CREATED, &json!({"name": "x"}));
    personal["id"] = json!("jane@bank.example");
    let personal = signed(&personal);
    assert_eq!(
        (personal.reason(), personal.signatures.len(), personal.signed),
        (Some(Quarantine::PersonalData), 0, None)
    );
}

#[test]
fn a_reserved_event_with_an_address_has_no_signers_either() {
    let mut inner = event("modeltrail.key.rotated.v1", &json!({}));
    inner["source"] = json!("jane@bank.example");
    let reading = signed(&inner);
    assert_eq!(reading.reason(), Some(Quarantine::Reserved));
    assert_eq!((reading.event, reading.signatures.len(), reading.signed), (None, 0, None));
}

#[test]
fn the_fingerprint_covers_the_payload_and_the_set_of_signatures() {
    let inner = event(CREATED, &json!({"name": "x"}));
    let one = envelope("application/cloudevents+json", &inner);
    let of = |envelope: &Envelope| kafka(&[], &envelope.to_json()).fingerprint;
    let mut same = one.clone();
    same.signatures.reverse();
    same.signatures.push(signature("a"));
    assert_eq!(of(&one), of(&same), "neither order nor number counts");
    let text = String::from_utf8(one.to_json()).unwrap();
    let spaced = text.replace("\"payload\":", "\"extra\": 1, \"payload\" : ");
    assert_eq!(of(&one), kafka(&[], spaced.as_bytes()).fingerprint);
    let change = |change: fn(&mut Envelope)| {
        let mut other = one.clone();
        change(&mut other);
        other
    };
    for (index, other) in [
        change(|other| other.signatures.truncate(1)),
        change(|other| other.signatures[0].keyid = "c".to_owned()),
        change(|other| other.signatures[0].sig[0] ^= 1),
        change(|other| other.payload.push(b' ')),
    ]
    .iter()
    .enumerate()
    {
        assert_ne!(of(&one), of(other), "case {index}");
    }
    let broken = |sig: &str| {
        let mut envelope: Value = serde_json::from_str(&text).unwrap();
        envelope["signatures"][0]["sig"] = json!(sig);
        kafka(&[], envelope.to_string().as_bytes())
    };
    let (left, right) = (broken("!1"), broken("!2"));
    assert_eq!((left.reason(), left.signatures[0].sig.len()), (None, 2));
    assert_ne!(left.fingerprint, right.fingerprint);
}
