//! Events in, receipts out.

use modeltrail_core::header::EntryHeader;
use modeltrail_schemas::dsse::Envelope;
use modeltrail_schemas::record::Record;
use modeltrail_store::{Act, AppendError};
use serde_json::{Value, json};

use crate::harness::{BATCH, STRUCTURED, Server, bytes, event, fill, problem, structured};

#[test]
fn a_new_event_gets_a_receipt_that_holds() {
    let server = Server::start();
    let body = bytes(&event("1", "fraud", 7));
    let answer = server.post("Application/CloudEvents+JSON; charset=utf-8", &body);
    let receipt = answer.ok(201);
    let index = receipt["index"].as_u64().unwrap();
    assert_eq!(answer.header("location"), Some(format!("/v1/entries/{index}").as_str()));
    assert!(receipt.get("duplicate").is_none());
    let record = Record::http(None, &[("content-type", "Application/CloudEvents+JSON; charset=utf-8")], &body).unwrap();
    let header = EntryHeader::parse(server.holds(&receipt, &record).header.as_bytes()).unwrap();
    assert_eq!((header.received.via.as_str(), header.received.producer.as_deref()), ("http", Some("local")));
    assert_eq!(header.trails[0].subject, "model/fraud");
}

#[test]
fn the_same_event_again_is_a_duplicate_of_the_first() {
    let server = Server::start();
    let body = bytes(&event("1", "fraud", 7));
    let first = server.post(STRUCTURED, &body).ok(201);
    fill(&server, "other", 10);
    let size = server.size();
    let again = server.post(STRUCTURED, &body).ok(200);
    assert_eq!(server.size(), size);
    assert_eq!(again["duplicate"], true);
    for member in ["index", "salt", "header"] {
        assert_eq!(again[member], first[member], "{member}");
    }
    server.holds(&again, &structured(&body));
}

#[test]
fn a_conflict_is_recorded_and_answered_409_with_its_receipt() {
    let server = Server::start();
    let first = server.post(STRUCTURED, &bytes(&event("1", "fraud", 7))).ok(201);
    let other = bytes(&event("1", "fraud", 8));
    let size = server.size();
    let answer = server.post(STRUCTURED, &other).problem(409, "conflict", "has this source and id with other content");
    assert_eq!(server.size(), size + 1);
    assert_eq!((&answer["of"], &answer["index"]), (&first["index"], &json!(size)));
    let header = EntryHeader::parse(server.holds(&answer["receipt"], &structured(&other)).header.as_bytes()).unwrap();
    assert_eq!(header.quarantine.unwrap().reason, "conflict");
    let aside = server.get("/v1/quarantine").ok(200);
    assert_eq!((&aside["items"][0]["index"], &aside["items"][0]["of"]), (&json!(size), &first["index"]));
    assert_eq!(
        aside["items"][0]["detail"],
        format!("entry {} has this source and id with other content", first["index"])
    );
}

#[test]
fn binary_mode_commits_to_its_headers_and_to_no_others() {
    let server = Server::start();
    let sent = [
        ("Authorization", "Bearer secret-token"),
        ("ce-type", "modeltrail.model.metadata_changed.v1"),
        ("Cookie", "session=secret-cookie"),
        ("CE-Source", "urn:test%20x"),
        ("ce-id", "b-1"),
        ("Content-Type", "application/json"),
        ("ce-specversion", "  1.0\t"),
        ("X-Trace", "secret-trace"),
    ];
    let body = bytes(&json!({"key": "note", "name": "fraud", "new": 1}));
    let receipt = server.client().post_with(&sent, &body).ok(201);
    let kept = [
        ("ce-id", "b-1"),
        ("ce-source", "urn:test%20x"),
        ("ce-specversion", "1.0"),
        ("ce-type", "modeltrail.model.metadata_changed.v1"),
        ("content-type", "application/json"),
    ];
    let record = Record::http(None, &kept, &body).unwrap();
    let header = EntryHeader::parse(server.holds(&receipt, &record).header.as_bytes()).unwrap();
    assert_eq!(header.content.format, "cloudevents-binary");
    assert_eq!(header.event.unwrap().source, "urn:test x");
    let opening = server.ledger.opening(header.index.get()).unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&opening).contains("secret"));
}

#[test]
fn a_signed_event_is_taken_with_its_signers() {
    let server = Server::start();
    let payload = bytes(&event("s-1", "fraud", 1));
    let envelope = json!({
        "payload": base64(&payload), "payloadType": STRUCTURED,
        "signatures": [{"keyid": "ab".repeat(32), "sig": base64(&[1; 64])}],
    });
    let body = bytes(&envelope);
    assert!(Envelope::parse(&body).is_ok());
    let media = "application/vnd.dsse.envelope.v1+json";
    let receipt = server.post(media, &body).ok(201);
    let record = Record::http(None, &[("content-type", media)], &body).unwrap();
    let header = EntryHeader::parse(server.holds(&receipt, &record).header.as_bytes()).unwrap();
    assert_eq!(header.content.format, "dsse+json");
    assert_eq!(header.signers[0].status.as_str(), "unknown");
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn each_element_of_a_batch_is_a_record_of_its_own() {
    let server = Server::start();
    let (one, two) = (event("1", "fraud", 1).to_string(), event("2", "fraud", 2).to_string());
    let body = format!("[ {one} ,\n{two}]");
    let answers = server.post(BATCH, body.as_bytes()).ok(200);
    for (place, element) in [one, two].into_iter().enumerate() {
        assert_eq!(answers[place]["status"], 201, "{answers}");
        let record = Record::http(Some((place, 2)), &[("content-type", BATCH)], element.as_bytes()).unwrap();
        server.holds(&answers[place]["receipt"], &record);
    }
}

#[test]
fn one_id_twice_in_a_batch_is_a_duplicate_or_a_conflict_of_the_first() {
    let server = Server::start();
    let batch = json!([
        event("1", "fraud", 1), event("1", "fraud", 1), event("1", "fraud", 2),
        {"specversion": "1.0", "id": "x"}, event("2", "a b/c", 3), event("3", "anna@example.com", 3),
    ]);
    let size = server.size();
    let answers = server.post(BATCH, &bytes(&batch)).ok(200);
    let statuses: Vec<u64> = answers.as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 200, 409, 400, 201, 422]);
    assert_eq!(answers[1]["receipt"]["duplicate"], true);
    assert_eq!(answers[1]["receipt"]["index"], answers[0]["receipt"]["index"]);
    problem(&answers[2]["problem"], 409, "conflict", "has this source and id");
    problem(&answers[3]["problem"], 400, "malformed", "no `source`");
    problem(&answers[5]["problem"], 422, "personal-data", "e-mail");
    assert_eq!(server.size(), size + 3, "the new ones and the conflict");
}

#[test]
fn batches_have_bounds() {
    let server = Server::start();
    assert_eq!(server.post(BATCH, b"[]").ok(200), json!([]));
    let size = server.size();
    let many = |count: usize| bytes(&(0..count).map(|n| event(&n.to_string(), "m", n as u64)).collect::<Value>());
    server.post(BATCH, &many(1_001)).problem(413, "batch-too-long", "at most 1000 events");
    assert_eq!(server.size(), size);
    let answers = server.post(BATCH, &many(1_000)).ok(200);
    assert_eq!(answers.as_array().unwrap().len(), 1_000);
    assert_eq!(server.size(), size + 1_000);
    server.post(BATCH, b"{}").problem(400, "malformed", "the batch is not a strict JSON array");
    server.post(BATCH, b"[{},]").problem(400, "malformed", "line 1, column 5");
    server.post(BATCH, b"[{\"a\":1,\n\"a\":2}]").problem(400, "malformed", "twice at line 2");
    server.post(BATCH, b"").problem(400, "malformed", "ends too early");
    server.post(STRUCTURED, &many(2)).problem(400, "malformed", "not a JSON object");
}

#[test]
fn many_producers_at_one_time_lose_nothing() {
    let server = Server::start();
    let size = server.size();
    std::thread::scope(|scope| {
        for producer in 0..16 {
            let server = &server;
            scope.spawn(move || {
                let mut client = server.client();
                for n in 0..50 {
                    let body = bytes(&event(&format!("{producer}/{n}"), "fraud", n));
                    let receipt = client.post(STRUCTURED, &body).ok(201);
                    server.holds(&receipt, &structured(&body));
                }
            });
        }
    });
    assert_eq!(server.size(), size + 800);
    let trail = server.get("/v1/trails?subject=model/fraud&limit=1").ok(200);
    assert_eq!(trail["count"], 800);
}

#[test]
fn a_poisoned_ledger_says_503_and_why_and_goes_on_reading() {
    let server = Server::start();
    server.post(STRUCTURED, &bytes(&event("1", "fraud", 1))).ok(201);
    server.ledger.poison("the disk is gone".to_owned());
    let answer = server.post(STRUCTURED, &bytes(&event("2", "fraud", 1)));
    answer.problem(503, "poisoned", "restart modeltraild, then send again with the same id");
    assert_eq!(answer.header("retry-after"), Some("60"));
    server.get("/readyz").problem(503, "poisoned", "the disk is gone");
    server.get("/healthz").ok(200);
    server.get("/v1/entries/1").ok(200);
    server.get("/v1/exports?subject=model/fraud").problem(503, "poisoned", "the disk is gone");
}

#[test]
fn a_nearly_full_disk_pauses_writes() {
    let server = Server::with(u64::MAX, |_| {});
    // The writer looks at the disk when it first has something to do.
    let answer = (0..100)
        .map(|n| server.post(STRUCTURED, &bytes(&event(&n.to_string(), "fraud", 1))))
        .find(|answer| answer.status == 503)
        .unwrap();
    answer.problem(503, "paused", "bytes are free on the data disk");
    assert_eq!(answer.header("retry-after"), Some("10"));
    server.get("/readyz").problem(503, "paused", "free some space");
}

#[test]
fn a_ledger_for_reading_only_takes_nothing() {
    let server = Server::read_only();
    let answer = server.post(STRUCTURED, &bytes(&event("1", "fraud", 1)));
    answer.problem(503, "read-only", "the ledger is read-only");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(server.get("/readyz").ok(200)["writer"], "read-only");
    server.get("/v1/entries/0").ok(200);
    server.get("/v1/exports?subject=model/fraud").problem(503, "read-only", "read-only");
}

#[test]
fn the_ledgers_own_entries_stand_between_without_harm() {
    let server = Server::start();
    let appender = server.appender();
    let event_type = "modeltrail.export.created.v1".to_owned();
    let refused = appender.act_blocking(Act::Own { event_type, data: json!({"nonsense": 1}) });
    assert!(matches!(refused, Err(AppendError::Sequencer(_))));
    server.post(STRUCTURED, &bytes(&event("1", "fraud", 1))).ok(201);
}
