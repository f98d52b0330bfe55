//! Administrative acts: who may, and what they leave.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::header::EntryHeader;
use modeltrail_core::sequencer::Rotation;
use modeltrail_core::verify::{Options, Outcome, Trust, verify_bundle};
use modeltrail_schemas::dsse::pae;
use modeltrail_store::{Act, Appended, Appender};
use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::note::SignerKey;
use modeltrail_web::{Admin, AdminError, Position};
use serde_json::{Value, json};

use crate::harness::{Answer, ORIGIN, STRUCTURED, Server, TOKEN, bytes, event};

fn act(server: &Server, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("host", "localhost"), ("content-type", "application/json"), ("authorization", bearer.as_str())];
    server.client().send("POST", &format!("/v1/admin/{path}"), &headers, body.to_string().as_bytes())
}

fn producer() -> (SignerKey, Value) {
    let key = SignerKey::from_seed("pipeline", &[9; 32]).unwrap();
    let public = [&[1], key.verifier().public_key()].concat();
    let data = json!({
        "alg": "ed25519", "entitlement": {"subjects": ["model/*"], "types": ["modeltrail.model.*"]},
        "key_id": key.verifier().producer_key_id(), "party": "t-risk", "public_key": STANDARD.encode(public),
    });
    (key, data)
}

/// A signed event, and the status that its signature got.
fn signed(server: &Server, key: &SignerKey, id: &str) -> String {
    let mut event = event(id, "fraud", 1);
    event["modeltrailorigin"] = json!(ORIGIN);
    let payload = bytes(&event);
    let envelope = json!({
        "payload": STANDARD.encode(&payload), "payloadType": STRUCTURED,
        "signatures": [{"keyid": key.verifier().producer_key_id(), "sig": STANDARD.encode(key.sign(&pae(STRUCTURED, &payload)))}],
    });
    let receipt = server.post("application/vnd.dsse.envelope.v1+json", &bytes(&envelope)).ok(201);
    let header = EntryHeader::parse(receipt["header"].as_str().unwrap().as_bytes()).unwrap();
    header.signers[0].status.as_str().to_owned()
}

#[test]
fn a_producers_key_is_registered_and_revoked() {
    let server = Server::start();
    let (key, data) = producer();
    assert_eq!(signed(&server, &key, "1"), "unknown");
    let done = act(&server, "producers", &data);
    let value = done.ok(201);
    assert_eq!(done.header("location"), Some(format!("/v1/entries/{}", value["index"]).as_str()));
    let note = value["checkpoint"].as_str().unwrap();
    let (checkpoint, _) = Checkpoint::open(note.as_bytes(), std::slice::from_ref(&server.key)).unwrap();
    assert_eq!(value["size"], checkpoint.size.get());
    assert_eq!(signed(&server, &key, "2"), "valid");
    act(&server, "producers", &data).problem(409, "state", "already registered");
    let id = key.verifier().producer_key_id();
    let listed = server.get("/v1/keys").ok(200);
    assert_eq!((&listed["producers"][0]["id"], &listed["producers"][0]["revoked"]), (&json!(id), &json!(false)));
    assert_eq!(listed["producers"][0]["public_key"], data["public_key"]);
    act(&server, &format!("producers/{id}/revoke"), &json!({"why": "compromised"})).ok(201);
    assert_eq!(signed(&server, &key, "3"), "revoked");
    assert_eq!(server.get("/v1/keys").ok(200)["producers"][0]["revoked"], true);
}

#[test]
fn wrong_acts_are_refused_with_the_place() {
    let server = Server::start();
    let size = server.size();
    let (_, data) = producer();
    let with = |name: &str, value: Value| {
        let mut data = data.clone();
        data[name] = value;
        data
    };
    act(&server, "producers", &json!({})).problem(422, "schema", "is missing");
    act(&server, "producers", &with("nonsense", json!(1))).problem(422, "schema", "unknown field");
    act(&server, "producers", &with("key_id", json!("ab".repeat(32)))).problem(
        422,
        "refused",
        "is not that of the public key",
    );
    act(&server, "producers", &with("public_key", json!("AAAA"))).problem(422, "refused", "public key");
    act(&server, "producers", &with("alg", json!("ecdsa_p256"))).problem(422, "refused", "use ed25519");
    act(&server, "producers", &json!([])).problem(400, "malformed", "not a JSON object");
    let unknown = "0".repeat(64);
    act(&server, &format!("producers/{unknown}/revoke"), &json!({})).problem(404, "not-known", "is not registered");
    act(&server, "producers/x/revoke", &json!({"y": 1})).problem(422, "refused", "member `y` is not known here");
    act(&server, "keys/rotate", &json!({"why": "whim"})).problem(422, "refused", "`whim` is not scheduled");
    act(&server, "keys/rotate", &json!({})).problem(503, "unavailable", "modeltraild keys rotate");
    act(&server, "sources/ml/rebase", &json!({"partition": 0, "position": "latest"})).problem(
        404,
        "not-known",
        "`ml` is not read by this server",
    );
    act(&server, "sources/ml/rebase", &json!({"partition": -1, "position": 1})).problem(
        422,
        "refused",
        "partition must be",
    );
    act(&server, "sources/ml/rebase", &json!({"partition": 0, "position": -1})).problem(
        422,
        "refused",
        "position must be",
    );
    assert_eq!(server.size(), size);
}

#[test]
fn only_the_bearer_of_the_token_acts() {
    let server = Server::start();
    let send = |headers: &[(&str, &str)]| {
        server.client().send("POST", "/v1/admin/keys/rotate", &[&[("host", "localhost")], headers].concat(), b"{}")
    };
    let plain = send(&[("content-type", "application/json")]);
    plain.problem(401, "admin-token", "Authorization: Bearer mt_admin_");
    assert_eq!(plain.header("www-authenticate"), Some("Bearer realm=\"modeltrail admin\""));
    for wrong in [
        "Bearer mt_admin_other",
        "Bearer ",
        "Basic bXRfYWRtaW4=",
        "bearer mt_admin_for_tests_only",
        "Bearer mt_admin_for_tests_only ,",
    ] {
        send(&[("content-type", "application/json"), ("authorization", wrong)]).problem(401, "admin-token", "");
    }
    let right = format!("Bearer {TOKEN}");
    send(&[("authorization", &right), ("authorization", &right)]).problem(401, "admin-token", "");
    send(&[("authorization", &right)]).problem(415, "content-type", "send application/json");
    send(&[("authorization", &right), ("content-type", "application/json")]).problem(503, "unavailable", "");
    let off = Server::with(0, |config| config.admin_token = None);
    act(&off, "keys/rotate", &json!({})).problem(403, "admin-off", "no admin token");
}

/// Rotates as the daemon does, but for keeping the key.
struct Rotates(Appender);

impl Admin for Rotates {
    fn rotate_keys(&self, why: Rotation) -> Result<Appended, AdminError> {
        let key = SignerKey::from_seed(ORIGIN, &[5; 32]).unwrap();
        Ok(self.0.act_blocking(Act::Rotate(Arc::new(key), why))?)
    }

    fn rebase(&self, source: &str, partition: u32, to: Position) -> Result<Appended, AdminError> {
        Err(AdminError::Refused { why: format!("{source} {partition} {to:?}") })
    }
}

#[test]
fn a_rotation_is_signed_by_both_keys_and_receipts_go_on() {
    let server = Server::with(0, |config| {
        config.admin = Arc::new(Rotates(config.appender.clone().unwrap()));
    });
    let done = act(&server, "keys/rotate", &json!({"why": "operator_change"})).ok(201);
    let note = done["checkpoint"].as_str().unwrap();
    let new = SignerKey::from_seed(ORIGIN, &[5; 32]).unwrap().verifier().clone();
    for key in [&server.key, &new] {
        Checkpoint::open(note.as_bytes(), std::slice::from_ref(key)).unwrap();
    }
    let receipt = server.post(STRUCTURED, &bytes(&event("1", "fraud", 1))).ok(201);
    let proof = receipt["proof"].as_str().unwrap();
    assert!(modeltrail_tlog::tlog_proof::TlogProof::parse(proof.as_bytes()).is_ok());
    let keys = server.get("/v1/keys").ok(200);
    assert_eq!(keys["ledger"][1], json!({"from": done["size"], "id": new.producer_key_id(), "key": new.to_string()}));
    let bundle = server.get("/v1/exports?subject=model/fraud");
    assert_eq!(bundle.status, 200);
    for key in [server.key.clone(), new] {
        let trust = Trust { pin: Some(key), policy: None };
        let mut reader = BundleReader::from_bytes(bundle.body.clone()).unwrap();
        let report = verify_bundle(&mut reader, &Options { trust: &trust, tiles: None, progress: &|_| {} }).unwrap();
        assert_eq!(report.outcome(false), Outcome::Holds, "{report:?}");
    }
    act(&server, "sources/a%2Fb/rebase", &json!({"partition": 7, "position": 12})).problem(
        422,
        "refused",
        "a/b 7 At(12)",
    );
}

#[test]
fn a_check_is_recorded_when_it_was_of_this_ledger() {
    let server = Server::start();
    server.post(STRUCTURED, &bytes(&event("1", "fraud", 1))).ok(201);
    let (size, root) = (server.size(), format!("sha256:{}", server.ledger.published().root));
    let told = |origin: &str, size: u64, root: &str| json!({"by": "fsck", "checkpoint": {"origin": origin, "root": root, "size": size}, "invariants": ["L-1"]});
    let other = format!("sha256:{}", "0".repeat(64));
    let body = |holds: bool, data: Value| json!({"data": data, "holds": holds});
    let asked = |body: Value| act(&server, "checks", &body);
    asked(body(true, told("example.com/other", size, &root))).problem(422, "refused", "another ledger");
    asked(body(true, told(ORIGIN, size + 1, &root))).problem(422, "refused", "no size");
    asked(body(true, told(ORIGIN, size, &other))).problem(422, "refused", "is another");
    asked(body(true, json!({"checkpoint": {"size": size}}))).problem(422, "schema", "");
    asked(json!({"data": told(ORIGIN, size, &root)})).problem(422, "refused", "holds must be");
    assert_eq!(server.size(), size);
    assert!(server.get("/v1/admin/checks").status == 405);

    let page = |part: &str| {
        let settled = || server.views.as_ref().unwrap().handle().size() >= server.size();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !settled() && std::time::Instant::now() < until {
            std::thread::yield_now();
        }
        for path in ["/", "/integrity"] {
            let html = server.get(path);
            assert!(html.text().contains(part), "{path} doesn't say {part:?}: {}", html.text());
        }
    };
    page("none is recorded");
    let index = asked(body(true, told(ORIGIN, size, &root))).ok(201)["index"].as_u64().unwrap();
    let header = EntryHeader::parse(&server.ledger.header(index).unwrap().unwrap()).unwrap();
    assert_eq!(header.event.unwrap().r#type, "modeltrail.ledger.verified.v1");
    page(&format!("</span> holds</span> at {size} entries"));
    // What is broken may be the root itself.
    asked(body(false, told(ORIGIN, size, &other))).ok(201);
    page("does not hold");
}
