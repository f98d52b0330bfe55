//! Records, each with what has to become of it.

use modeltrail_tests::system::ORIGIN;
use serde_json::{Value, json};

use crate::{RECORD_LIMIT, Signed, changed, deep, event, sized, text};

/// What has to become of a record.
#[derive(Clone)]
pub(crate) enum Becomes {
    /// An entry like any other, with this id.
    Entry(&'static str),
    /// An entry with this signer's status.
    Signed(&'static str),
    /// A quarantined entry: reason, and words that its detail must have.
    Aside(&'static str, &'static str),
    /// No entry: it repeats the one with this id.
    Duplicate(&'static str),
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) key: Option<&'static [u8]>,
    pub(crate) headers: Vec<(&'static str, Option<&'static [u8]>)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) becomes: Becomes,
}

fn case(name: &'static str, body: impl Into<Vec<u8>>, becomes: Becomes) -> Case {
    Case { name, key: None, headers: Vec::new(), body: Some(body.into()), becomes }
}

fn with(
    name: &'static str,
    headers: &[(&'static str, Option<&'static [u8]>)],
    body: Option<Vec<u8>>,
    becomes: Becomes,
) -> Case {
    Case { name, key: Some(b"the key"), headers: headers.to_vec(), body, becomes }
}

pub(crate) fn faulty_json() -> Vec<Case> {
    use Becomes::Aside;
    vec![
        case("malformed JSON", r#"{"specversion":"1.0","id":"#, Aside("malformed", "byte")),
        case(
            "a name twice",
            r#"{"specversion":"1.0","id":"a","id":"b","source":"s","type":"t"}"#,
            Aside("malformed", "`id` twice"),
        ),
        case("too deep", deep(), Aside("malformed", "64")),
        case(
            "a big integer",
            r#"{"specversion":"1.0","id":"a","source":"s","type":"t","data":9007199254740993}"#,
            Aside("malformed", "2^53"),
        ),
        case(
            "a lone surrogate",
            r#"{"specversion":"1.0","id":"\ud800","source":"s","type":"t"}"#,
            Aside("malformed", "surrogate"),
        ),
        case("not UTF-8", b"{\"specversion\":\"1.0\",\"id\":\"\xff\"}", Aside("malformed", "UTF-8")),
        case("binary garbage", [0, 159, 146, 150, 255, 0, 1], Aside("malformed", "UTF-8")),
        case("empty", "", Aside("malformed", "")),
        case("white space", " \n\t", Aside("malformed", "ends too early")),
        case("a list", text(&json!([event("listed")])), Aside("malformed", "")),
        case("no id", r#"{"specversion":"1.0","source":"s","type":"t"}"#, Aside("malformed", "id")),
        case("another version", changed("version", &json!({"specversion": "0.3"})), Aside("malformed", "specversion")),
        case("a control character", changed("a\u{7}b", &json!({})), Aside("malformed", "control")),
        case(
            "an empty envelope",
            r#"{"payloadType":"application/cloudevents+json","payload":"","signatures":[]}"#,
            Aside("malformed", "signatures"),
        ),
    ]
}

pub(crate) fn faulty_sense(signed: Signed) -> Vec<Case> {
    use Becomes::{Aside, Duplicate, Entry, Signed};
    let known = |id: &str, data: Value| changed(id, &json!({"type": "modeltrail.model.retired.v1", "data": data}));
    vec![
        case("good", text(&event("k-first")), Entry("k-first")),
        case("oversized", sized("k-big", 3 * RECORD_LIMIT / 2), Aside("oversize", "bytes")),
        case("just not oversized", sized("k-large", RECORD_LIMIT - 100), Entry("k-large")),
        case(
            "wrong schema",
            known("k-schema", json!({"name": "m", "version": "1", "no such field": true})),
            Entry("k-schema"),
        ),
        case("no subject", known("k-subject", json!({"reason": "no name"})), Aside("subject", "name")),
        case("a good signature", signed.good, Signed("valid")),
        case("a wrong signature", signed.forged, Signed("bad")),
        case("an unknown signer", signed.unknown, Signed("unknown")),
        case("signed for another ledger", signed.elsewhere, Signed("unbound")),
        case("beyond what its key may say", signed.beyond, Signed("not-entitled")),
        case(
            "a reserved type",
            changed("k-reserved", &json!({"type": "modeltrail.key.rotated.v1"})),
            Aside("reserved", "group `key`"),
        ),
        case("a reserved subject", changed("k-key", &json!({"subject": "key/00"})), Aside("reserved", "key")),
        case(
            "as if from the ledger",
            changed("k-ledger", &json!({"source": ORIGIN})),
            Aside("reserved", "its origin as source"),
        ),
        case("personal data", changed("jo@example.com", &json!({})), Aside("personal-data", "id")),
        case("a conflicting id", changed("k-first", &json!({"data": {"n": 2}})), Aside("conflict", "entry")),
        case("the same once more", text(&event("k-first")), Duplicate("k-first")),
        case(
            "another spelling of the same",
            serde_json::to_vec_pretty(&event("k-first")).unwrap(),
            Aside("conflict", "entry"),
        ),
    ]
}

const CLOUDEVENT: (&str, Option<&[u8]>) = ("content-type", Some(b"application/cloudevents+json"));

pub(crate) fn faulty_transport() -> Vec<Case> {
    use Becomes::{Aside, Entry};
    let ours: [(&str, Option<&[u8]>); 6] = [
        CLOUDEVENT,
        ("key", Some(b"not it")),
        ("timestamp", Some(b"0")),
        ("timestamp-type", Some(b"none")),
        ("body-null", None),
        ("batch", Some(b"0/9")),
    ];
    let binary: [(&str, Option<&[u8]>); 5] = [
        ("content-type", Some(b"application/json")),
        ("ce_specversion", Some(b"1.0")),
        ("ce_id", Some(b"k-binary")),
        ("ce_source", Some(b"bad-input")),
        ("ce_type", Some(b"com.example.tried")),
    ];
    let twice: Vec<_> = binary.into_iter().chain([("ce_id", Some(&b"k-other"[..]))]).collect();
    let types = [CLOUDEVENT, ("content-type", Some(&b"text/plain"[..]))];
    vec![
        with("a tombstone", &[], None, Aside("malformed", "tombstone")),
        with("a tombstone with an event's headers", &binary, None, Aside("malformed", "tombstone")),
        with("headers named like ours", &ours, Some(text(&event("k-headers"))), Entry("k-headers")),
        with("binary mode", &binary, Some(b"{\"n\":1}".to_vec()), Entry("k-binary")),
        with("an id header twice", &twice, Some(b"{\"n\":1}".to_vec()), Aside("malformed", "ce_id")),
        with("two content types", &types, Some(text(&event("k-types"))), Aside("malformed", "content-type")),
        with(
            "a type that is none of ours",
            &[("content-type", Some(b"text/plain"))],
            Some(text(&event("k-text"))),
            Aside("malformed", "content type"),
        ),
        with(
            "a name that is not text",
            &[("ce_specversion", Some(&[0xff, 0xfe]))],
            Some(b"{}".to_vec()),
            Aside("malformed", "content type"),
        ),
    ]
}
