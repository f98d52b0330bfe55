//! The program as people run it: arguments in; data, talk and exit code out.
#![allow(clippy::unwrap_used, reason = "a test may fail by unwrapping")]

#[path = "cli/run.rs"]
mod run;
#[path = "cli/server.rs"]
mod server;
// The ledger of the core's own bundle tests: what they prove of bundles is what the program is shown.
#[allow(dead_code, reason = "these tests need no dishonest operator")]
#[path = "../../ledger/core/tests/bundle/world.rs"]
mod world;

use std::path::{Path, PathBuf};

use modeltrail_core::store::Store as _;
use modeltrail_tlog::tree::TreeSize;
use run::{run, run_with};
use serde_json::{Value, json};
use server::Server;
use tempfile::TempDir;
use world::{MODEL, ORIGIN, World, mirror, vkey, zip_of};

/// A ledger and its files in a directory.
struct Place {
    world: World,
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { world: World::full(), directory: tempfile::tempdir().unwrap() };
        place.write("fraud.zip", &zip_of(&place.world.store, &[MODEL], place.world.key));
        place.write("ledger.vkey", format!("{}\n", vkey(1)).as_bytes());
        place.write("new.vkey", vkey(2).to_string().as_bytes());
        place.write("other.vkey", vkey(9).to_string().as_bytes());
        place
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.directory.path().join(name), bytes).unwrap();
        self.path(name)
    }

    fn server(&self) -> Server {
        Server::new(std::sync::Arc::clone(&self.world.store), self.world.key)
    }
}

#[test]
fn verify_says_five_verdicts_and_one_code() {
    let place = Place::new();
    let bundle = place.path("fraud.zip");
    let good = run(&["verify", &bundle, "--key", &place.path("ledger.vkey"), "--strict"]);
    good.expect(0, "simulated clock");
    for aspect in [
        "integrity     holds",
        "order         holds",
        "completeness  holds",
        "authenticity  holds",
        "time          holds",
    ] {
        good.expect(0, aspect);
    }
    assert!(!good.out.contains('\u{1b}'), "no colours where nobody sees them");
    run(&["verify", &bundle, "--key", &vkey(2).to_string()]).expect(0, "holds");
    run(&["verify", &bundle]).expect(2, "self-attested");
    run(&["verify", &bundle, "--key", &place.path("other.vkey")]).expect(1, "does not have the key that was given");
    run(&["verify", &bundle, "--key", "no-such-file"]).expect(2, "neither a verifier key nor a file");
    run(&["verify", &place.path("nothing.zip"), "--key", &vkey(1).to_string()]).expect(2, "nothing.zip");
    run(&["verify", &place.path("ledger.vkey"), "--key", &vkey(1).to_string()]).expect(2, "is not a zip");
    run(&["verify"]).expect(2, "Usage");
}

#[test]
fn verify_json_keeps_verdicts_apart() {
    let place = Place::new();
    let report = run(&["verify", &place.path("fraud.zip"), "--json"]);
    assert_eq!(report.code, 2);
    let report = report.json();
    assert_eq!(report["outcome"], "could not be judged");
    assert_eq!(report["verdicts"]["integrity"]["verdict"], "holds");
    assert_eq!(report["verdicts"]["authenticity"]["verdict"], "could not be judged");
    assert_eq!(report["facts"]["origin"], ORIGIN);
    let mut zip = std::fs::read(place.path("fraud.zip")).unwrap();
    // The checkpoint is deflated; a changed byte in it shows as a changed file or as no zip any more.
    let at = zip.windows(10).position(|name| name == b"checkpoint").unwrap() + 14;
    zip[at] ^= 0x10;
    let changed = run(&["verify", &place.write("changed.zip", &zip), "--key", &vkey(1).to_string(), "--json"]);
    assert_ne!(changed.code, 0, "{changed:?}");
}

#[test]
fn verify_with_policy_and_tiles() {
    let place = Place::new();
    let bundle = place.path("fraud.zip");
    let policy = place.write("trust.policy", format!("log {}\nquorum none\n", vkey(1)).as_bytes());
    run(&["verify", &bundle, "--policy", &policy]).expect(0, "stated by the ledger's key");
    let other = place.write("other.policy", b"log example.org/x+00000000+AAAA\nquorum none\n");
    run(&["verify", &bundle, "--policy", &other]).expect(2, "policy line 1");
    let tiles = place.directory.path().join("mirror");
    mirror(&place.world.store, &tiles);
    run(&["verify", &bundle, "--policy", &policy, "--tiles", &tiles.display().to_string()])
        .expect(0, "recomputed from all 2");
    run(&["verify", &bundle, "--policy", &policy, "--tiles", &place.path("nowhere")]).expect(2, "is missing");
}

#[test]
fn history_and_show_read_bundles_offline_and_servers() {
    let place = Place::new();
    let (bundle, server) = (place.path("fraud.zip"), place.server());
    let offline = run(&["history", MODEL, "--bundle", &bundle, "--key", &vkey(1).to_string(), "--json"]);
    offline.expect(0, "\"role\": \"about\"");
    let online = run(&["history", MODEL, "--server", &server.url, "--json"]);
    assert_eq!(online.json(), offline.json(), "both say the same");
    run(&["history", MODEL, "--bundle", &bundle])
        .expect(0, "self-attested")
        .expect(0, "quarantined: conflict")
        .expect(0, "signature bad");
    run(&["history", MODEL, "--bundle", &bundle, "--key", &vkey(9).to_string()])
        .expect(1, "does not hold, so it says nothing");
    run(&["history", "not a subject", "--bundle", &bundle]).expect(2, "is not a subject");
    run(&["history", MODEL]).expect(2, "--server");
    run(&["history", MODEL, "--server", "https://example.com"]).expect(2, "plain http only");

    let shown = run(&["show", "3", "--bundle", &bundle, "--json"]);
    shown.expect(0, "quoted");
    assert_eq!(run(&["show", "3", "--server", &server.url, "--json"]).json(), shown.json());
    run(&["show", "999", "--bundle", &bundle]).expect(1, "has no entry 999");
    run(&["show", "999", "--server", &server.url]).expect(1, "no such entry");
    server.can(200, r#"{"header":"{}","record":"","salt":"00"}"#);
    run(&["show", "3", "--server", &server.url]).expect(1, "entry 3");
    let lie = json!({"header": String::from_utf8(world::headers(&place.world.store)[3].1.to_bytes()).unwrap(), "record": "AAAA", "salt": "00".repeat(16)});
    server.can(200, &lie.to_string());
    run(&["show", "3", "--server", &server.url]).expect(1, "not the one that its header committed to");
}

#[test]
fn prove_writes_a_proof_that_was_checked() {
    let place = Place::new();
    let (bundle, server, key) = (place.path("fraud.zip"), place.server(), vkey(2).to_string());
    let offline = run(&["prove", "3", "--bundle", &bundle, "--key", &key]);
    offline.expect(0, "c2sp.org/tlog-proof@v1");
    let file = place.path("3.tlog-proof");
    run(&["prove", "3", "--server", &server.url, "--key", &key, "-o", &file]).expect(0, "wrote");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), offline.out);
    run(&["prove", "3", "--server", &server.url, "--key", &key, "-o", &file]).expect(2, "could not create");
    run(&["prove", "3", "--bundle", &bundle, "--key", &vkey(9).to_string()]).expect(1, "does not hold");
    run(&["prove", "3", "--bundle", &bundle]).expect(0, "not checked");
    run(&["prove", "999", "--server", &server.url]).expect(1, "404");
}

#[test]
fn export_keeps_only_what_holds() {
    let place = Place::new();
    let server = place.server();
    let file = place.path("out.zip");
    run(&["export", MODEL, "-o", &file, "--server", &server.url, "--key", &vkey(1).to_string()]).expect(0, "out.zip");
    assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(place.path("fraud.zip")).unwrap());
    run(&["export", MODEL, "-o", &file, "--server", &server.url]).expect(2, "could not write");
    let refused = place.path("refused.zip");
    run(&["export", MODEL, "-o", &refused, "--server", &server.url, "--key", &vkey(9).to_string()])
        .expect(1, "was not kept");
    let left: Vec<PathBuf> =
        std::fs::read_dir(place.directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(
        !left
            .iter()
            .any(|path| path.display().to_string().contains("refused")
                || path.extension().is_some_and(|ext| ext == "part")),
        "{left:?}"
    );
}

#[test]
fn emit_sends_again_and_keeps_receipts() {
    let place = Place::new();
    let server = place.server();
    let event = place.write(
        "event.json",
        br#"{"specversion":"1.0","id":"e1","source":"//ci.example","type":"com.example.note","data":{}}"#,
    );
    server.can(0, "");
    server.can(503, r#"{"title":"paused","detail":"disk is nearly full"}"#);
    let receipts = place.path("receipts");
    let sent = run(&["emit", &event, "--server", &server.url, "--receipts", &receipts]);
    sent.expect(0, "entry 3").expect(0, "disk is nearly full");
    let requests = server.requests.lock().unwrap().clone();
    assert_eq!(requests.len(), 3);
    assert!(
        requests.iter().all(|request| request.body == requests[0].body
            && request.headers.contains("content-type: application/cloudevents+json")),
        "{requests:?}"
    );
    let receipt = Path::new(&receipts).join("3.json").display().to_string();
    run(&["receipt", "verify", &receipt, "--key", &vkey(2).to_string()]).expect(0, "holds: entry 3 of example.com/ml");
    run(&["receipt", "verify", &receipt, "--key", &vkey(9).to_string()]).expect(1, "does not hold");
    run(&["receipt", "verify", &receipt, "--key", &vkey(2).to_string(), "--event", &event])
        .expect(1, "not what entry 3 committed to");
    let sent_then =
        serde_json::to_vec(&world::event("e1", "com.example.note", MODEL, &json!({"text": "a \"quoted\" \\ line ä"})))
            .unwrap();
    let sent_then = place.write("then.json", &sent_then);
    let shown = run(&["receipt", "verify", &receipt, "--key", &vkey(2).to_string(), "--event", &sent_then, "--json"]);
    assert_eq!((shown.code, &shown.json()["committed"]), (0, &json!(true)));

    server.can(409, r#"{"title":"conflict","detail":"entry 3 has this id"}"#);
    run(&["emit", &event, "--server", &server.url]).expect(1, "entry 3 has this id");
    run_with(&["emit", "-", "--server", &server.url], b"{\"id\":\"x\"}").expect(2, "has no source");
    server.can(0, "");
    run(&["emit", &event, "--server", &server.url, "--retries", "0"]).expect(2, "gave up after 1 tries");
    server.can(200, r#"[{"status":422,"problem":{"title":"bad"}}]"#);
    let batch = place.write("batch.json", br#"[{"id":"1","source":"s","type":"t"}]"#);
    let sent = run(&["emit", &batch, "--server", &server.url, "--json"]);
    assert_eq!((sent.code, &sent.json()["refused"]), (1, &json!(1)));
}

#[test]
fn the_token_is_sent_and_never_said() {
    let place = Place::new();
    let server = place.server();
    let token = place.write("token", b"mt_secret\n");
    let ran = run(&["show", "3", "--server", &server.url, "--token-file", &token]);
    assert_eq!(ran.code, 0);
    assert!(server.requests.lock().unwrap()[0].headers.contains("authorization: bearer mt_secret"));
    assert!(!format!("{ran:?}").contains("mt_secret"));
}

#[test]
fn keygen_and_sign_make_what_a_ledger_accepts() {
    let place = Place::new();
    let key = place.path("ci.key");
    let made = run(&["keygen", "-o", &key, "--json"]).json();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key).unwrap().permissions()) & 0o777, 0o400);
    run(&["keygen", "-o", &key]).expect(2, "could not create");
    let public = modeltrail_core::keys::parse_public(made["public_key"].as_str().unwrap()).unwrap();
    assert_eq!(modeltrail_core::keys::key_id(1, &public).to_string(), made["key_id"].as_str().unwrap());

    let event = br#"{"specversion":"1.0","id":"e1","source":"//ci","type":"com.example.note","data":{"a":1}}"#;
    let signed = run_with(&["sign", "-", "--producer-key", &key, "--origin", ORIGIN], event);
    assert_eq!(signed.code, 0, "{signed:?}");
    let envelope = modeltrail_schemas::dsse::Envelope::parse(signed.out.trim_end().as_bytes()).unwrap();
    let payload: Value = serde_json::from_slice(&envelope.payload).unwrap();
    assert_eq!(payload["modeltrailorigin"], ORIGIN);
    let [signature] = envelope.signatures.as_slice() else { panic!("{envelope:?}") };
    assert_eq!(signature.keyid, made["key_id"].as_str().unwrap());
    let sig: [u8; 64] = signature.sig.as_slice().try_into().unwrap();
    assert!(modeltrail_tlog::strict_ed25519::verify(&public, &envelope.signed_bytes(), &sig));
    let elsewhere =
        br#"{"specversion":"1.0","id":"e1","source":"//ci","type":"t","modeltrailorigin":"example.com/other"}"#;
    run_with(&["sign", "-", "--producer-key", &key, "--origin", ORIGIN], elsewhere).expect(2, "is meant for");
    run_with(&["sign", "-", "--producer-key", &key, "--origin", ORIGIN], b"{\"id\":1,\"id\":1}")
        .expect(2, "strict JSON");
}

#[test]
fn checkpoints_verify_and_grow() {
    let place = Place::new();
    let server = place.server();
    let store = &place.world.store;
    let size = place.world.size();
    let note = |size: u64| store.checkpoint_up_to(TreeSize::new(size)).unwrap().unwrap().1;
    let new = place.write("new", note(size).as_bytes());
    let policy = place.write("both.policy", format!("log {}\nlog {}\nquorum none\n", vkey(1), vkey(2)).as_bytes());
    let old = place.write("old", note(5).as_bytes());
    run(&["checkpoint", "verify", &new, "--key", &place.path("new.vkey")]).expect(0, "holds: example.com/ml");
    run(&["checkpoint", "verify", &new, "--key", &place.path("other.vkey")]).expect(1, "does not hold");
    run(&["checkpoint", "verify", &new]).expect(2, "no key to trust");
    run(&["checkpoint", "consistency", &old, &new, "--policy", &policy, "--server", &server.url])
        .expect(0, "grew from");
    run(&["checkpoint", "consistency", &new, &old, "--policy", &policy, "--server", &server.url])
        .expect(1, "wrong way round");
    run(&["checkpoint", "consistency", &new, &new, "--policy", &policy]).expect(0, "grew from");

    let tiles = place.directory.path().join("tiles/tile/0");
    let width = u16::try_from(size).unwrap();
    std::fs::create_dir_all(tiles.join("000.p")).unwrap();
    let leaves: Vec<u8> = world::headers(store).iter().flat_map(|(_, header)| *header.leaf_hash().as_bytes()).collect();
    std::fs::write(tiles.join(format!("000.p/{width}")), &leaves).unwrap();
    run(&["checkpoint", "consistency", &old, &new, "--policy", &policy, "--tiles", &place.path("tiles")])
        .expect(0, "grew from");

    let fork = place.world.forged(|index, header, _| {
        if index == 3 {
            header.received.producer = Some("other".to_owned());
        }
    });
    let forked = place.write("fork", fork.checkpoint_up_to(TreeSize::new(u64::MAX)).unwrap().unwrap().1.as_bytes());
    run(&["checkpoint", "consistency", &old, &forked, "--policy", &policy, "--tiles", &place.path("tiles")])
        .expect(1, "two histories");
}
