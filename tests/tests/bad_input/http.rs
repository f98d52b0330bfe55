//! Over HTTP, where whoever sends is told: what is refused is not recorded.

use std::collections::BTreeMap;
use std::thread;

use modeltrail_tests::System;
use modeltrail_tests::http::{BATCH, Client, STRUCTURED};
use modeltrail_tests::system::ORIGIN;
use serde_json::{Value, json};

use crate::cases::{Becomes, faulty_json};
use crate::{IN_A_ROW, RECORD_LIMIT, Signed, changed, event, keys, signed, sized, text};

const DSSE: &str = "application/vnd.dsse.envelope.v1+json";

/// Status, end of the problem's type, and words that its detail must have.
type Refusal = (u16, &'static str, &'static str);

fn refused(client: &Client, name: &str, headers: &[(&str, &str)], body: &[u8], (status, code, words): Refusal) {
    let answer = client.post("/v1/events", headers, body).unwrap_or_else(|error| panic!("{name}: {error:#}"));
    let problem = answer.json();
    assert_eq!(
        (answer.status, problem["status"].as_u64()),
        (status, Some(u64::from(status))),
        "{name}: {}",
        answer.words()
    );
    assert_eq!(problem["type"], format!("urn:modeltrail:problem:{code}"), "{name}: {}", answer.words());
    let detail = problem["detail"].as_str().unwrap();
    assert!(!detail.is_empty() && detail.contains(words), "{name}: {detail}");
}

/// An answer with an entry: its header.
fn recorded(client: &Client, name: &str, headers: &[(&str, &str)], body: &[u8], status: u16) -> Value {
    let answer = client.post("/v1/events", headers, body).unwrap();
    assert_eq!(answer.status, status, "{name}: {}", answer.words());
    let json = answer.json();
    let receipt = if status == 409 { &json["receipt"] } else { &json };
    serde_json::from_str(receipt["header"].as_str().unwrap()).unwrap()
}

fn faulty_bodies(client: &Client) {
    for case in faulty_json() {
        let Becomes::Aside(_, words) = case.becomes else { continue };
        let words = if case.name == "a list" { "" } else { words };
        let media_type = if case.name == "an empty envelope" { DSSE } else { STRUCTURED };
        refused(client, case.name, &[("content-type", media_type)], &case.body.unwrap(), (400, "malformed", words));
    }
}

fn faulty_requests(client: &Client) {
    let good = text(&event("h-never"));
    let structured = ("content-type", STRUCTURED);
    let known = |data: Value| changed("h-never", &json!({"type": "modeltrail.model.retired.v1", "data": data}));
    let all: [(&str, Vec<(&str, &str)>, Vec<u8>, Refusal); 13] = [
        ("oversized", vec![structured], sized("h-never", 3 * RECORD_LIMIT / 2), (413, "too-large", "1048576")),
        (
            "wrong schema",
            vec![structured],
            known(json!({"name": "m", "version": "1", "no such field": true})),
            (422, "schema", "modeltrail.model.retired.v1"),
        ),
        ("no subject", vec![structured], known(json!({"reason": "no name"})), (422, "subject", "name")),
        (
            "a reserved type",
            vec![structured],
            changed("h-never", &json!({"type": "modeltrail.key.rotated.v1"})),
            (403, "reserved", "group `key`"),
        ),
        (
            "a reserved subject",
            vec![structured],
            changed("h-never", &json!({"subject": "ledger/x"})),
            (403, "reserved", "ledger"),
        ),
        (
            "as if from the ledger",
            vec![structured],
            changed("h-never", &json!({"source": ORIGIN})),
            (403, "reserved", "its origin as source"),
        ),
        ("personal data", vec![structured], changed("jo@example.com", &json!({})), (422, "personal-data", "id")),
        ("no content type", vec![], good.clone(), (415, "content-type", "no content type")),
        (
            "a foreign content type",
            vec![("content-type", "text/plain")],
            good.clone(),
            (415, "content-type", "text/plain"),
        ),
        ("compressed", vec![structured, ("content-encoding", "gzip")], good.clone(), (415, "content-encoding", "gzip")),
        (
            "an id header twice",
            vec![
                ("content-type", "application/json"),
                ("ce-specversion", "1.0"),
                ("ce-id", "1"),
                ("ce-id", "2"),
                ("ce-source", "s"),
                ("ce-type", "t"),
            ],
            b"{}".to_vec(),
            (400, "malformed", "ce-id"),
        ),
        ("a batch that is no list", vec![("content-type", BATCH)], good.clone(), (400, "malformed", "array")),
        (
            "a batch too long",
            vec![("content-type", BATCH)],
            text(&Value::from(vec![event("h-never"); 1_001])),
            (413, "batch-too-long", "1000"),
        ),
    ];
    for (name, headers, body, refusal) in all {
        refused(client, name, &headers, &body, refusal);
    }
}

fn signed_bodies(client: &Client, signed: &Signed) {
    for (body, status) in [
        (&signed.good, "valid"),
        (&signed.forged, "bad"),
        (&signed.unknown, "unknown"),
        (&signed.elsewhere, "unbound"),
        (&signed.beyond, "not-entitled"),
    ] {
        let header = recorded(client, status, &[("content-type", DSSE)], body, 201);
        assert_eq!(header["signers"][0]["status"], status);
    }
}

/// In one batch: a good one, the same again, its id with other content, a malformed one, a reserved one, another good one.
fn mixed_batch(client: &Client) {
    let other = changed("h-batched", &json!({"data": {"n": 2}}));
    let parts = [
        text(&event("h-batched")),
        text(&event("h-batched")),
        other,
        b"[1]".to_vec(),
        changed("h-never", &json!({"type": "modeltrail.ledger.genesis.v1"})),
        text(&event("h-batched-2")),
    ];
    let body = format!("[{}]", parts.map(|part| String::from_utf8(part).unwrap()).join(","));
    let results = client.emit(BATCH, body.as_bytes()).unwrap().json();
    let statuses: Vec<u64> =
        results.as_array().unwrap().iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 200, 409, 400, 403, 201], "{results:#}");
    assert_eq!(results[0]["receipt"]["header"], results[1]["receipt"]["header"]);
    assert_eq!(results[2]["problem"]["of"], results[0]["receipt"]["index"]);
}

fn garbage_in_a_row(client: &Client) {
    thread::scope(|scope| {
        for part in 0..4u64 {
            scope.spawn(move || {
                for number in 0..IN_A_ROW / 4 {
                    let body = ((part << 32) | number).to_be_bytes();
                    refused(client, "garbage", &[("content-type", STRUCTURED)], &body, (400, "malformed", ""));
                }
            });
        }
    });
}

#[test]
fn bad_requests_are_told_what_is_wrong_and_good_ones_still_arrive() {
    let mut system = System::new(None).unwrap();
    system.start().unwrap();
    let (known, unknown) = keys(&system);
    let client = system.client().clone();
    let structured = [("content-type", STRUCTURED)];
    let before = recorded(&client, "good", &structured, &text(&event("h-first")), 201)["index"].as_u64().unwrap();
    faulty_bodies(&client);
    faulty_requests(&client);
    let ours = [
        structured[0],
        ("key", "x"),
        ("timestamp", "0"),
        ("timestamp-type", "none"),
        ("body-null", "1"),
        ("batch", "0/9"),
        ("authorization", "Bearer secret"),
    ];
    let header = recorded(&client, "headers named like ours", &ours, &text(&event("h-headers")), 201);
    assert_eq!(header["index"].as_u64(), Some(before + 1), "nothing of what was refused is in the log");
    signed_bodies(&client, &signed(&system, &known, &unknown, "h"));
    recorded(&client, "just not oversized", &structured, &sized("h-large", RECORD_LIMIT - 100), 201);
    recorded(&client, "the same once more", &structured, &text(&event("h-first")), 200);
    let conflict =
        recorded(&client, "a conflicting id", &structured, &changed("h-first", &json!({"data": {"n": 2}})), 409);
    assert_eq!(
        (&conflict["quarantine"]["reason"], &conflict["quarantine"]["of"]),
        (&json!("conflict"), &json!(before))
    );
    mixed_batch(&client);
    garbage_in_a_row(&client);
    recorded(&client, "good", &structured, &text(&event("h-after")), 201);
    let aside = system.client().list("/v1/quarantine").unwrap();
    assert!(
        aside
            .iter()
            .all(|item| item["reason"] == "conflict" && item["detail"].as_str().unwrap().contains("other content")),
        "{aside:#?}"
    );
    system.stop().unwrap();
    system.fsck().unwrap();
    let log = system.log().unwrap();
    let found: BTreeMap<&str, usize> = log.by_id().into_iter().map(|(id, indices)| (id, indices.len())).collect();
    let once = [
        "h-after",
        "h-batched-2",
        "h-beyond",
        "h-elsewhere",
        "h-forged",
        "h-headers",
        "h-large",
        "h-signed",
        "h-unknown",
    ];
    let wanted: BTreeMap<&str, usize> =
        once.into_iter().map(|id| (id, 1)).chain([("h-first", 2), ("h-batched", 2)]).collect();
    assert_eq!(found, wanted);
    assert_eq!(log.headers.iter().filter(|header| header.received.via == "http").count(), 13);
    let record = log.record(log.by_id()["h-headers"][0]).unwrap().unwrap();
    let producer: Vec<&[u8]> = record.producer().iter().map(|attribute| attribute.name.as_slice()).collect();
    assert_eq!((record.transport().len(), producer), (0, vec![&b"content-type"[..]]));
}
