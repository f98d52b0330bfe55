//! Lists, entries, proofs, keys, sources, quarantine.

use std::sync::Arc;

use modeltrail_schemas::record::Record;
use modeltrail_store::{Act, Appender};
use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::hash::{NodeHash, leaf_hash};
use modeltrail_tlog::proof::{verify_consistency, verify_inclusion};
use modeltrail_tlog::tlog_proof::TlogProof;
use modeltrail_tlog::tree::TreeSize;
use modeltrail_web::SourceStatus;
use serde_json::{Value, json};

use crate::harness::common::{kafka_within, open_source, partition};
use crate::harness::{ORIGIN, STRUCTURED, Server, bytes, event, fill};

fn hashes(proof: &Value) -> Vec<NodeHash> {
    proof.as_array().unwrap().iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn entries_come_in_pages_and_none_is_left_out() {
    let server = Server::start();
    fill(&server, "fraud", 25);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/v1/entries?limit=10{after}")).ok(200);
        assert_eq!(page["size"], server.size());
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["index"].as_u64().unwrap()));
        match page["next"].as_u64() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..server.size()).collect::<Vec<_>>());
    let beyond = server.get("/v1/entries?after=9007199254740991").ok(200);
    assert_eq!((&beyond["items"], &beyond["next"]), (&json!([]), &Value::Null));
    let first = server.get("/v1/entries?limit=1").ok(200);
    assert_eq!(first["items"][0]["type"], "modeltrail.ledger.genesis.v1");
    assert_eq!(first["next"], 0);
}

#[test]
fn an_entry_shows_its_record_and_has_a_tag() {
    let server = Server::start();
    let body = bytes(&event("1", "fraud", 7));
    let receipt = server.post(STRUCTURED, &body).ok(201);
    let path = format!("/v1/entries/{}", receipt["index"]);
    let answer = server.get(&path);
    let entry = answer.ok(200);
    assert_eq!((&entry["header"], &entry["salt"]), (&receipt["header"], &receipt["salt"]));
    assert_eq!(entry["event"], json!({"key": "note", "name": "fraud", "new": 7}));
    let record = decode(entry["record"].as_str().unwrap());
    assert_eq!(Record::decode(&record).unwrap().body(), body);
    let tag = answer.header("etag").unwrap();
    let again = server.client().send(
        "GET",
        &path,
        &[("host", "localhost"), ("if-none-match", &format!("\"x\", W/{tag}"))],
        b"",
    );
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    let head = server.client().send("HEAD", &path, &[("host", "localhost")], b"");
    assert_eq!((head.status, head.header("etag")), (200, Some(tag)));
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[test]
fn what_is_not_there_or_no_number_is_said() {
    let server = Server::start();
    let problem = server.get("/v1/entries/2").problem(404, "no-entry", "there is no entry 2; the ledger has 2 entries");
    assert_eq!(problem["size"], 2);
    for index in ["-1", "01", "1x", "18446744073709551616", "9007199254740992", "%31%00", "..", "0x1"] {
        let answer = server.get(&format!("/v1/entries/{index}"));
        assert!(answer.status == 400 || answer.status == 404, "{index}: {}", answer.status);
        assert!(answer.header("content-type") == Some("application/problem+json"), "{index}");
    }
    server.get("/v1/entries?limit=0").problem(400, "parameter", "`limit` is not between 1 and 1000");
    server.get("/v1/entries?limit=1001").problem(400, "parameter", "between 1 and 1000");
    server.get("/v1/entries?aftr=1").problem(
        400,
        "parameter",
        "`aftr` is not known here; this endpoint takes: after, limit",
    );
    server.get("/v1/entries/1?x=1").problem(400, "parameter", "this endpoint takes: none");
    server.get("/v1/nothing").problem(404, "not-found", "there is nothing at /v1/nothing");
    server.get("/v1/entries/1/2").problem(404, "not-found", "/v1/entries/1/2");
}

#[test]
fn trails_are_whole_and_in_order() {
    let server = Server::start();
    fill(&server, "fraud", 7);
    fill(&server, "a%2Fb+c", 1);
    let first = server.get("/v1/trails?subject=model/fraud&limit=3").ok(200);
    assert_eq!((&first["subject"], &first["count"], &first["next"]), (&json!("model/fraud"), &json!(7), &json!(2)));
    let item = &first["items"][2];
    assert_eq!(
        (&item["n"], &item["role"], &item["type"]),
        (&json!(2), &json!("about"), &json!("modeltrail.model.metadata_changed.v1"))
    );
    assert!(item["received_at"].as_str().unwrap().ends_with('Z') && item["header"].as_str().unwrap().starts_with('{'));
    let last = server.get("/v1/trails?subject=model/fraud&after=2").ok(200);
    let ns: Vec<u64> = last["items"].as_array().unwrap().iter().map(|item| item["n"].as_u64().unwrap()).collect();
    assert_eq!((ns, &last["next"]), (vec![3, 4, 5, 6], &Value::Null));
    assert_eq!(server.get("/v1/trails?subject=model/fraud&after=6").ok(200)["items"], json!([]));
    assert_eq!(server.get("/v1/trails?subject=model/never").ok(200)["count"], 0);
    // A name with a percent sign: encoded once as a part, once more in the query; a plus is a plus.
    let odd = server.get("/v1/trails?subject=model%2Fa%25252Fb+c").ok(200);
    assert_eq!((&odd["subject"], &odd["count"]), (&json!("model/a%252Fb+c"), &json!(1)));
    server.get("/v1/trails").problem(400, "parameter", "`subject` is missing");
    server.get("/v1/trails?subject=nonsense/x").problem(400, "parameter", "not a subject");
    server.get("/v1/trails?subject=model/a&subject=model/b").problem(400, "parameter", "given twice");
}

#[test]
fn subjects_are_found_by_prefix() {
    let server = Server::start();
    for name in ["a", "b", "c"] {
        fill(&server, name, 1);
    }
    let page = server.get("/v1/subjects?prefix=model/&limit=2").ok(200);
    assert_eq!(page, json!({"items": ["model/a", "model/b"], "next": "model/b"}));
    assert_eq!(
        server.get("/v1/subjects?prefix=model/&limit=2&after=model/b").ok(200),
        json!({"items": ["model/c"], "next": null})
    );
    let all = server.get("/v1/subjects").ok(200);
    assert!(all["items"].as_array().unwrap().contains(&json!("ledger/example.com%2Fml")), "{all}");
    server.get("/v1/subjects?prefix=%0a").problem(400, "parameter", "printable ASCII");
    server.get(&format!("/v1/subjects?prefix={}", "x".repeat(513))).problem(400, "parameter", "at most 512");
}

#[test]
fn proofs_hold_under_the_ledgers_key() {
    let server = Server::start();
    fill(&server, "fraud", 300);
    let old = server.get("/checkpoint").text().to_owned();
    let (old, _) = Checkpoint::open(old.as_bytes(), std::slice::from_ref(&server.key)).unwrap();
    fill(&server, "other", 300);
    for index in [0, 1, 255, 256, 301, server.size() - 1] {
        let proof = server.get(&format!("/v1/proofs/inclusion?index={index}")).ok(200);
        let leaf = leaf_hash(&server.ledger.header(index).unwrap().unwrap());
        let file = TlogProof::parse(proof["tlog_proof"].as_str().unwrap().as_bytes()).unwrap();
        let seen = file.verify(&leaf, std::slice::from_ref(&server.key), ORIGIN).unwrap();
        assert_eq!((proof["size"].as_u64(), proof["index"].as_u64()), (Some(seen.size.get()), Some(index)));
        verify_inclusion(&leaf, index, seen.size, &hashes(&proof["proof"]), &seen.root).unwrap();
    }
    let past = server.get(&format!("/v1/proofs/inclusion?index=7&size={}", old.size)).ok(200);
    let leaf = leaf_hash(&server.ledger.header(7).unwrap().unwrap());
    verify_inclusion(&leaf, 7, old.size, &hashes(&past["proof"]), &old.root).unwrap();
    let grown = server.get(&format!("/v1/proofs/consistency?old={}", old.size)).ok(200);
    let new = TreeSize::new(grown["new"].as_u64().unwrap());
    let root = server.ledger.root_at(new.get()).unwrap();
    verify_consistency(old.size, &old.root, new, &root, &hashes(&grown["proof"])).unwrap();
    proofs_that_can_not_be(&server, old.size.get());
}

fn proofs_that_can_not_be(server: &Server, old: u64) {
    let size = server.size();
    server.get("/v1/proofs/inclusion").problem(400, "parameter", "`index` is missing");
    server.get(&format!("/v1/proofs/inclusion?index={size}")).problem(404, "no-entry", "there is no entry");
    server.get(&format!("/v1/proofs/inclusion?index={old}&size={old}")).problem(404, "no-entry", "there is no entry");
    server.get(&format!("/v1/proofs/inclusion?index=0&size={}", size + 1)).problem(
        404,
        "no-size",
        "beyond the newest checkpoint",
    );
    let gone = (3..size).find(|size| server.ledger.checkpoint_up_to(*size).unwrap().unwrap().0 != *size).unwrap();
    server.get(&format!("/v1/proofs/inclusion?index=0&size={gone}")).problem(
        404,
        "no-checkpoint",
        "the newest kept before it has size",
    );
    server.get(&format!("/v1/proofs/consistency?old=1&new={}", size + 1)).problem(404, "no-size", "beyond");
    server.get("/v1/proofs/consistency?old=3&new=2").problem(400, "parameter", "larger than new");
    server.get("/v1/proofs/consistency?new=2").problem(400, "parameter", "`old` is missing");
}

#[test]
fn checkpoints_that_left_are_kept_and_listed() {
    let server = Server::start();
    let mut handed_out = Vec::new();
    for name in ["a", "b", "c"] {
        fill(&server, name, 3);
        handed_out.push(server.get("/checkpoint").text().to_owned());
    }
    let first = server.get("/v1/checkpoints?limit=1").ok(200);
    assert_eq!(first["items"][0]["checkpoint"], handed_out[2].as_str());
    let rest = server.get(&format!("/v1/checkpoints?before={}", first["next"])).ok(200);
    let rest: Vec<&str> =
        rest["items"].as_array().unwrap().iter().map(|item| item["checkpoint"].as_str().unwrap()).collect();
    assert!(rest.contains(&handed_out[0].as_str()) && rest.contains(&handed_out[1].as_str()), "{rest:?}");
    let one = server.get(&format!("/v1/checkpoints/{}", server.size()));
    assert_eq!((one.text(), one.header("content-type")), (handed_out[2].as_str(), Some("text/plain; charset=utf-8")));
    server.get("/v1/checkpoints/9999").problem(404, "no-size", "beyond");
    server.get("/v1/checkpoints/x").problem(400, "parameter", "`size` is not a decimal number");
    assert_eq!(server.get("/v1/checkpoints?before=0").ok(200), json!({"items": [], "next": null}));
}

struct OneSource;

impl SourceStatus for OneSource {
    fn sources(&self) -> Vec<Value> {
        vec![
            json!({"source": "ml", "topic": "events", "healthy": false, "partitions": [{"partition": 0, "lag": 41, "next": 3}]}),
        ]
    }
}

/// A source with one good record, one that is not JSON, one too large to keep, and a gap.
fn read_some(appender: &Appender) {
    open_source(appender, 0);
    let bodies = [bytes(&event("k1", "fraud", 1)), b"{\"a\":1,\"a\":2}".to_vec(), vec![b'x'; 3_000]];
    let items = (0..).zip(&bodies).map(|(offset, body)| kafka_within(2_000, offset, body));
    appender.kafka(items.collect()).unwrap();
    appender.act_blocking(Act::Gap { partition: partition(), last: 9, cause: "retention".to_owned() }).unwrap();
}

#[test]
fn sources_show_what_is_recorded_and_how_they_stand() {
    let server = Server::with(0, |config| config.sources = Arc::new(OneSource));
    read_some(&server.appender());
    server.post(STRUCTURED, &bytes(&event("1", "fraud", 1))).ok(201);
    server.post(STRUCTURED, &bytes(&event("1", "fraud", 2))).problem(409, "conflict", "");
    let sources = server.get("/v1/sources").ok(200);
    assert_eq!(sources["counted_to"], sources["size"]);
    let [http, ml] = sources["items"].as_array().unwrap().as_slice() else { panic!("{sources}") };
    assert_eq!((&http["source"], &http["recorded"]["quarantined"]), (&json!("http"), &json!({"conflict": 1})));
    assert_eq!(ml["recorded"], json!({"gap_positions": 7, "gaps": 1, "quarantined": {"malformed": 1, "oversize": 1}}));
    assert_eq!((&ml["partitions"][0]["next"], &ml["live"]["partitions"][0]["lag"]), (&json!(10), &json!(41)));
    let metrics = server.get("/metrics");
    for line in [
        "modeltrail_source_lag{partition=\"0\",source=\"ml\"} 41",
        "modeltrail_source_healthy{source=\"ml\"} 0",
        "modeltrail_quarantined_entries{reason=\"malformed\",source=\"ml\"} 1",
        "modeltrail_source_gap_positions{source=\"ml\"} 7",
    ] {
        assert!(metrics.text().lines().any(|found| found == line), "{line} is not in {}", metrics.text());
    }
    what_was_kept_aside(&server);
}

fn what_was_kept_aside(server: &Server) {
    let page = server.get("/v1/quarantine?limit=2").ok(200);
    let [malformed, oversize] = page["items"].as_array().unwrap().as_slice() else { panic!("{page}") };
    assert_eq!((&malformed["reason"], &oversize["reason"]), (&json!("malformed"), &json!("oversize")));
    assert!(malformed["detail"].as_str().unwrap().contains("`a` twice at line 1, column 8"), "{malformed}");
    assert!(oversize["detail"].as_str().unwrap().contains("not kept"), "{oversize}");
    assert_eq!((&malformed["received"]["offset"], &oversize["received"]["source"]), (&json!(1), &json!("ml")));
    let rest = server.get(&format!("/v1/quarantine?after={}", page["next"])).ok(200);
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    let entry = server.get(&format!("/v1/entries/{}", oversize["index"])).ok(200);
    assert_eq!((&entry["absent"], entry.get("record")), (&json!("not-kept"), None));
}

#[test]
fn the_keys_are_listed() {
    let server = Server::start();
    let keys = server.get("/v1/keys").ok(200);
    assert_eq!(
        (&keys["origin"], &keys["ledger"][0]["from"], &keys["producers"]),
        (&json!(ORIGIN), &json!(0), &json!([]))
    );
    assert_eq!(keys["ledger"][0]["key"], server.key.to_string());
    server.get("/v1/keys?after=xyz").problem(400, "parameter", "is no key id");
}
