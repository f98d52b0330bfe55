//! What is refused over HTTP, with which words; none of it is recorded, and what is good still arrives.

use modeltrail_web::Limits;
use serde_json::{Value, json};

use crate::harness::{BATCH, STRUCTURED, Server, bytes, event, structured};

const DSSE: &str = "application/vnd.dsse.envelope.v1+json";
const JSON: &str = "application/json";

/// (headers, body, status, code, part of the detail)
type Case = (Vec<(&'static str, &'static str)>, Vec<u8>, u16, &'static str, &'static str);

fn of_type(event_type: &str) -> Value {
    json!({"specversion": "1.0", "id": "1", "source": "urn:test", "type": event_type})
}

fn with(member: &str, value: Value) -> Vec<u8> {
    let mut event = event("1", "fraud", 1);
    event[member] = value;
    bytes(&event)
}

fn malformed(body: &[u8], part: &'static str) -> Case {
    (vec![("content-type", STRUCTURED)], body.to_vec(), 400, "malformed", part)
}

fn about_json() -> Vec<Case> {
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    vec![
        malformed(b"", "ends too early at line 1, column 1"),
        malformed(b"{\"id\": \"1\",\n  \"id\": \"2\"}", "`id` twice at line 2"),
        malformed(b"{\"a\": 9007199254740992}", "outside"),
        malformed(b"{\"a\": 1e400}", "too large for a double"),
        malformed(b"{\"a\": \"\\ud800\"}", "lone surrogate"),
        malformed(b"{\"a\": \"\xff\"}", "UTF-8"),
        malformed(b"\xef\xbb\xbf{}", "line 1, column 1"),
        malformed(b"{} {}", "goes on after its value"),
        malformed(b"{'a': 1}", "line 1, column 2"),
        malformed(deep.as_bytes(), "deeper than 64"),
        malformed(&[0, 159, 146, 150], "not valid UTF-8 at line 1, column 2 (byte 1)"),
        malformed(b"null", "not a JSON object"),
        malformed(b"[1]", "not a JSON object"),
    ]
}

fn about_envelopes() -> Vec<Case> {
    let binary = |more: &[(&'static str, &'static str)]| {
        let base = [
            ("content-type", JSON),
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "urn:test"),
            ("ce-type", "t"),
        ];
        base.into_iter().chain(more.iter().copied()).collect::<Vec<_>>()
    };
    vec![
        malformed(b"{\"specversion\":\"1.0\",\"source\":\"s\",\"type\":\"t\"}", "no `id`"),
        malformed(&with("id", json!("")), "no `id`"),
        malformed(&with("id", json!(1)), "`id` that is not a string"),
        malformed(&with("source", json!("x".repeat(513))), "513 bytes"),
        malformed(&with("type", json!("a\u{7f}b")), "control character"),
        malformed(&with("specversion", json!("0.3")), "version"),
        (binary(&[("ce-id", "2")]), b"{}".to_vec(), 400, "malformed", "twice"),
        (binary(&[("ce-id", "1")]), b"{}".to_vec(), 400, "malformed", "twice"),
        (vec![("content-type", DSSE)], b"{}".to_vec(), 400, "malformed", ""),
        (
            vec![("content-type", DSSE)],
            b"{\"payload\":\"\",\"payloadType\":\"text/plain\",\"signatures\":[]}".to_vec(),
            400,
            "malformed",
            "",
        ),
    ]
}

fn about_content_types() -> Vec<Case> {
    let good = || bytes(&event("1", "fraud", 1));
    vec![
        (vec![], good(), 415, "content-type", "no content type; send application/cloudevents+json"),
        (vec![("content-type", "")], good(), 415, "content-type", "none that events come in"),
        (vec![("content-type", JSON)], good(), 415, "content-type", "needs the header ce-specversion"),
        (vec![("content-type", "text/plain")], good(), 415, "content-type", "`text/plain` is none that events come in"),
        (
            vec![("content-type", STRUCTURED), ("content-type", STRUCTURED)],
            good(),
            415,
            "content-type",
            "two content types",
        ),
        (
            vec![("content-type", STRUCTURED), ("content-encoding", "gzip")],
            good(),
            415,
            "content-encoding",
            "`gzip` is not taken",
        ),
        (
            vec![("content-type", STRUCTURED), ("content-encoding", "identity")],
            good(),
            415,
            "content-encoding",
            "as it is",
        ),
    ]
}

fn said(body: &[u8], status: u16, code: &'static str, part: &'static str) -> Case {
    (vec![("content-type", STRUCTURED)], body.to_vec(), status, code, part)
}

fn about_who_may_say_it() -> Vec<Case> {
    let on = |subject: &str| {
        bytes(
            &json!({"specversion": "1.0", "id": "1", "source": "urn:test", "type": "com.example.t", "subject": subject}),
        )
    };
    let of = |event_type: &str| bytes(&of_type(event_type));
    vec![
        said(&of("modeltrail.ledger.genesis.v1"), 403, "reserved", "ledger"),
        said(&of("modeltrail.key.producer_registered.v1"), 403, "reserved", "key"),
        said(&of("modeltrail.export.anything"), 403, "reserved", "export"),
        said(&on("key/abc"), 403, "reserved", "key"),
        said(&on("source/http"), 403, "reserved", "source"),
        said(&on("ledger/example.com%2Fml"), 403, "reserved", "ledger"),
    ]
}

fn about_meaning() -> Vec<Case> {
    let data = |value: Value| with("data", value);
    let mail = "anna@example.com";
    let long = "x".repeat(600);
    vec![
        said(&data(json!({"key": "note", "new": 1})), 422, "subject", "name"),
        said(&data(json!({"key": "note", "name": long, "new": 1})), 422, "subject", ""),
        said(&with("id", json!(mail)), 422, "personal-data", "`id` is an e-mail address"),
        said(&data(json!({"key": "note", "name": mail, "new": 1})), 422, "personal-data", "pseudonym"),
        said(&data(json!({"name": "fraud", "new": 1})), 422, "schema", "field `key` is missing"),
        said(&data(json!({"key": 5, "name": "fraud", "new": 1})), 422, "schema", "/data/key"),
        said(&data(json!({"key": "k", "name": "fraud", "new": 1, "more": 1})), 422, "schema", "unknown field"),
    ]
}

fn every_case() -> Vec<Case> {
    [about_json(), about_envelopes(), about_content_types(), about_who_may_say_it(), about_meaning()].concat()
}

#[test]
fn every_refusal_names_the_fault_and_leaves_no_trace() {
    let server = Server::start();
    let size = server.size();
    let cases = every_case();
    for (headers, body, status, code, part) in cases {
        let answer = server.client().post_with(&headers, &body);
        assert_eq!(answer.status, status, "{headers:?} {}: {}", String::from_utf8_lossy(&body), answer.text());
        answer.problem(status, code, part);
        assert_eq!(server.size(), size, "{headers:?} {}", String::from_utf8_lossy(&body));
    }
    let body = bytes(&event("1", "fraud", 1));
    server.holds(&server.post(STRUCTURED, &body).ok(201), &structured(&body));
}

#[test]
fn a_header_that_is_not_text_is_refused() {
    let server = Server::start();
    let mut request = b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nce-specversion: 1.0\r\nce-id: ".to_vec();
    request.extend_from_slice(b"caf\xe9\r\ncontent-length: 2\r\n\r\n{}");
    server.client().raw(&request, false).problem(400, "header-encoding", "header `ce-id` is not UTF-8");
}

#[test]
fn schema_problems_name_all_places() {
    let server = Server::start();
    let body = with("data", json!({"key": 5, "name": "fraud", "zzz": null, "yyy": 1}));
    let problem = server.post(STRUCTURED, &body).problem(422, "schema", "modeltrail.model.metadata_changed.v1");
    let places: Vec<&str> =
        problem["violations"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap()).collect();
    assert!(places.contains(&"/data/key") && places.contains(&"/data/yyy"), "{problem}");
    assert!(!places.contains(&"/data/zzz"), "a null counts as absent: {problem}");
}

#[test]
fn an_unknown_type_is_kept_and_an_event_without_data_is_held_against_its_schema() {
    let server = Server::start();
    server.post(STRUCTURED, &bytes(&of_type("com.example.anything"))).ok(201);
    let mut bare = event("2", "fraud", 1);
    bare.as_object_mut().unwrap().remove("data");
    let answer = server.post(STRUCTURED, &bytes(&bare));
    assert!(answer.status == 422, "{}", answer.text());
}

#[test]
fn large_bodies_are_refused_early_and_by_the_byte() {
    let limits = Limits { record_bytes: 2_000, batch_bytes: 4_000, ..Limits::default() };
    let server = Server::with(0, |config| config.limits = limits);
    let sized = |bytes_in_all: usize| {
        let empty = with("data", json!({"key": "", "name": "fraud", "new": 1})).len();
        with("data", json!({"key": "k".repeat(bytes_in_all - empty), "name": "fraud", "new": 1}))
    };
    let size = server.size();
    let announced = server.post(STRUCTURED, &sized(2_001)).problem(
        413,
        "too-large",
        "an event is limited to 2000 bytes, this one has 2001",
    );
    assert_eq!(announced["limit"], 2_000);
    // The record is body, headers and framing.
    server.post(STRUCTURED, &sized(2_000)).problem(
        413,
        "too-large",
        "a record (headers and body) is limited to 2000 bytes, this one has 20",
    );
    let chunked = [("content-type", STRUCTURED), ("transfer-encoding", "chunked")];
    let mut body = format!("{:x}\r\n", 3_000).into_bytes();
    body.extend_from_slice(&sized(3_000));
    body.extend_from_slice(b"\r\n0\r\n\r\n");
    server.client().post_with(&chunked, &body).problem(413, "too-large", "an event is limited to 2000 bytes");
    let batch = json!((0..60).map(|n| event(&n.to_string(), "fraud", 1)).collect::<Vec<_>>());
    server.post(BATCH, &bytes(&batch)).problem(413, "too-large", "a batch is limited to 4000 bytes");
    assert_eq!(server.size(), size);
    let framing = structured(b"").encoded_len();
    server.post(STRUCTURED, &sized(2_000 - framing)).ok(201);
    server.post(STRUCTURED, &sized(2_001 - framing)).problem(413, "too-large", "this one has 2001");
}

#[test]
fn a_body_that_does_not_come_is_given_up_and_memory_has_a_bound() {
    let limits = Limits { body_seconds: 1, bodies_bytes: 5_000, ..Limits::default() };
    let server = Server::with(0, |config| config.limits = limits);
    let stuck = [("content-type", STRUCTURED), ("content-length", "4000")];
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| server.client().post_with(&stuck, b"{"));
        std::thread::sleep(std::time::Duration::from_millis(300));
        let busy = server.client().post_with(&stuck, b"{");
        busy.problem(503, "busy", "too many large requests");
        assert!(busy.header("retry-after").is_some());
        server.post(STRUCTURED, &bytes(&event("1", "fraud", 1))).ok(201);
        waits.join().unwrap().problem(408, "body-slow", "within 1 seconds");
    });
    let body = vec![b' '; 4_000];
    server.post(STRUCTURED, &body).problem(400, "malformed", "ends too early");
}

#[test]
fn ten_thousand_bad_ones_in_a_row_and_then_a_good_one() {
    let server = Server::start();
    let size = server.size();
    let bad = every_case();
    let mut client = server.client();
    for (headers, body, status, code, part) in bad.iter().cycle().take(10_000) {
        let answer = client.post_with(headers, body);
        answer.problem(*status, code, part);
        if answer.header("connection") == Some("close") {
            client = server.client();
        }
    }
    assert_eq!(server.size(), size);
    let body = bytes(&event("1", "fraud", 1));
    server.holds(&client.post(STRUCTURED, &body).ok(201), &structured(&body));
}
