//! A ledger of ours under checkers that nobody here wrote: pymerkle, Go's checksum-database code, Tessera's fsck; and its
//! bundles under the verifier that was written from docs/FORMAT.md alone.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use modeltrail_tests::foreign::{self, GoCheck};
use modeltrail_tests::http::{BATCH, STRUCTURED};
use modeltrail_tests::skip::or_skip;
use modeltrail_tests::system::{ORIGIN, modeltrail, python};
use modeltrail_tests::{System, workspace_root};
use serde_json::{Value, json};

/// More than 256 × 256: there are full tiles on two levels, and one on a third is begun.
const BATCHES: u64 = 70;
const BATCH_EVENTS: u64 = 1_000;
/// What only the ledger itself may say, by the first word of a type.
const RESERVED: [&str; 8] = ["ledger", "key", "source", "ingest", "export", "report", "access", "record"];
const SUBJECT: &str = "model/risk/credit-pd@2.1.0";

/// A served ledger, and checkpoints that were kept on the way.
struct Filled {
    system: System,
    vkey_file: PathBuf,
    olders: Vec<PathBuf>,
}

fn fill() -> Filled {
    let mut system = System::new(None).unwrap();
    system.start().unwrap();
    let vkey_file = system.path("ledger.vkey");
    fs::write(&vkey_file, format!("{}\n", system.vkey())).unwrap();
    let mut filled = Filled { system, vkey_file, olders: Vec::new() };
    filled.keep_checkpoint("first");
    let examples = post_examples(&filled.system);
    assert!(examples > 50, "only {examples} examples of the catalogue are from outside");
    post_signed(&filled.system);
    filled.keep_checkpoint("second");
    for round in 0..BATCHES {
        post_batch(&filled.system, round);
        if round == BATCHES / 2 {
            filled.keep_checkpoint("third");
        }
    }
    filled
}

impl Filled {
    /// Keeps the newest checkpoint, as whoever wants to hold the ledger to its word later does.
    fn keep_checkpoint(&mut self, name: &str) {
        let path = self.system.path(name);
        fs::write(&path, self.system.client().get("/checkpoint").unwrap().body).unwrap();
        self.olders.push(path);
    }

    /// The newest checkpoint's size and root, in hex.
    fn head(&self) -> (u64, String) {
        let text = String::from_utf8(self.system.client().get("/checkpoint").unwrap().body).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(ORIGIN));
        let size = lines.next().unwrap().parse().unwrap();
        let root = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, lines.next().unwrap()).unwrap();
        (size, root.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn go_check(&self, keys: &Path, index: Option<u64>, older: Option<&Path>) -> anyhow::Result<String> {
        let base_url = self.system.client().base();
        foreign::go_checker(GoCheck { base_url: &base_url, vkey_file: keys, index, older })
    }
}

fn post_examples(system: &System) -> usize {
    let mut files: Vec<PathBuf> =
        fs::read_dir(workspace_root().join("schemas/events")).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".example.json"));
    files.retain(|file| {
        !RESERVED.iter().any(|group| file.file_name().unwrap().to_string_lossy().starts_with(&format!("{group}.")))
    });
    files.sort();
    for file in &files {
        let answer = system.client().emit(STRUCTURED, &fs::read(file).unwrap()).unwrap();
        assert_eq!(answer.status, 201, "{}: {}", file.display(), answer.words());
    }
    files.len()
}

/// One event by a registered key, so that a bundle has a signature to be judged.
fn post_signed(system: &System) {
    let (key, event) = (system.path("ci.key"), system.path("event.json"));
    let made = system.modeltrail(["keygen".as_ref(), "--json".as_ref(), "-o".as_ref(), key.as_os_str()]).unwrap();
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let public = made["public_key"].as_str().unwrap();
    let registered = system
        .modeltraild(["producer", "register", "--public-key", public, "--type", "*", "--subject", "model/*"])
        .unwrap();
    assert!(registered.status.success(), "{}", registered.text());
    let mut version: Value = serde_json::from_slice(
        &fs::read(workspace_root().join("schemas/events/model.version_registered.example.json")).unwrap(),
    )
    .unwrap();
    version["id"] = "signed".into();
    fs::write(&event, version.to_string()).unwrap();
    let signed = system
        .modeltrail([
            "sign".as_ref(),
            event.as_os_str(),
            "--producer-key".as_ref(),
            key.as_os_str(),
            "--origin".as_ref(),
            ORIGIN.as_ref(),
        ])
        .unwrap();
    let answer = system.client().emit("application/vnd.dsse.envelope.v1+json", signed.stdout.as_bytes()).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.words());
    let header: Value = serde_json::from_str(answer.json()["header"].as_str().unwrap()).unwrap();
    assert_eq!(header["signers"][0]["status"], "valid");
}

fn post_batch(system: &System, round: u64) {
    let event = |place: u64| json!({"specversion": "1.0", "id": format!("{round}-{place}"), "source": "fill", "type": "com.example.scored", "subject": format!("model/m{}@{}", place % 50, round % 3)});
    let events: Vec<Value> = (0..BATCH_EVENTS).map(event).collect();
    let answer = system.client().emit(BATCH, Value::from(events).to_string().as_bytes()).unwrap();
    let results = answer.json();
    let good = results.as_array().is_some_and(|results| {
        results.len() as u64 == BATCH_EVENTS && results.iter().all(|result| result["status"] == 201)
    });
    assert!(good, "{}", answer.words());
}

#[test]
fn programs_not_ours_agree_on_our_tiles() {
    let filled = fill();
    let (size, root) = filled.head();
    assert!(size > 65_536, "no third level of tiles at {size}");
    assert_eq!(filled.system.client().get("/tile/2/000.p/1").unwrap().body.len(), 32);
    let stranger = filled.system.path("stranger.vkey");
    fs::write(&stranger, System::new(None).unwrap().vkey()).unwrap();
    if or_skip("foreign_ledger (Go's sumdb)", foreign::go()).is_some() {
        let text = filled.go_check(&filled.vkey_file, None, None).unwrap();
        assert!(text.contains(&format!("size {size} root {root}\n")), "{text}");
        let text = filled.go_check(&filled.vkey_file, Some(65_535), None).unwrap();
        assert!(text.contains(&format!("inclusion: entry 65535 of {size} holds")), "{text}");
        for older in &filled.olders {
            let text = filled.go_check(&filled.vkey_file, Some(1), Some(older)).unwrap();
            assert!(text.contains(&format!(" to {size} holds")), "{text}");
        }
        assert!(filled.go_check(&stranger, Some(1), None).is_err(), "another ledger's key was taken for ours");
    }
    if or_skip("foreign_ledger (Tessera's fsck)", foreign::fsck()).is_some() {
        let text = foreign::tessera_fsck(&filled.system.client().base(), filled.system.vkey()).unwrap();
        assert!(text.contains(&format!("size {size}")), "{text}");
        assert!(
            foreign::tessera_fsck(&filled.system.client().base(), &fs::read_to_string(&stranger).unwrap()).is_err()
        );
    }
    if or_skip("foreign_ledger (pymerkle)", foreign::python()).is_some() {
        assert_eq!(foreign::pymerkle_root(&exported_headers(&filled.system, size)).unwrap(), root);
        bundles_are_accepted(&filled, &stranger);
    }
    after_a_rotation(filled);
}

/// All headers as the API gives them, one a line.
fn exported_headers(system: &System, size: u64) -> PathBuf {
    let items = system.client().list("/v1/entries").unwrap();
    assert_eq!(items.len() as u64, size, "nothing was written meanwhile");
    let text: String = items.iter().map(|item| format!("{}\n", item["header"].as_str().unwrap())).collect();
    let path = system.path("headers.jsonl");
    fs::write(&path, text).unwrap();
    path
}

/// A bundle is accepted under the ledger's key by our tool and by the stranger's, and refused by both under another.
fn bundles_are_accepted(filled: &Filled, stranger: &Path) {
    let answer = filled.system.client().get(&format!("/v1/exports?subject={SUBJECT}&subject=model/m7@1")).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.words());
    let bundle = filled.system.path("bundle.zip");
    fs::write(&bundle, answer.body).unwrap();
    judged(&bundle, &filled.vkey_file, 0);
    judged(&bundle, stranger, 1);
}

/// Both verifiers end with this exit code.
fn judged(bundle: &Path, key: &Path, wanted: i32) {
    python(&workspace_root().join("docs/verify.py"), &[bundle, key], wanted).unwrap();
    let ours = modeltrail(["verify".as_ref(), bundle.as_os_str(), "--key".as_ref(), key.as_os_str()]).unwrap();
    assert_eq!(ours.status.code(), Some(wanted), "{}", ours.text());
}

/// With a new key the same programs still follow from the old checkpoints, and a pin to the old key still verifies.
fn after_a_rotation(mut filled: Filled) {
    let rotated = filled.system.modeltraild(["keys", "rotate"]).unwrap();
    assert!(rotated.status.success(), "{}", rotated.text());
    post_batch(&filled.system, BATCHES);
    let keys: Vec<String> = filled.system.client().get_json("/v1/keys").unwrap()["ledger"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["key"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 2, "{keys:?}");
    let both = filled.system.path("both.vkeys");
    fs::write(&both, keys.join("\n")).unwrap();
    filled.keep_checkpoint("newest");
    if or_skip("foreign_ledger (Go's sumdb)", foreign::go()).is_some() {
        for older in &filled.olders {
            filled.go_check(&both, Some(70_000), Some(older)).unwrap();
        }
        assert!(filled.go_check(&filled.vkey_file, Some(1), None).is_err(), "the old key has no say any more");
    }
    if or_skip("foreign_ledger (Tessera's fsck)", foreign::fsck()).is_some() {
        foreign::tessera_fsck(&filled.system.client().base(), &keys[1]).unwrap();
    }
    if or_skip("foreign_ledger (pymerkle)", foreign::python()).is_some() {
        let stranger = filled.system.path("stranger.vkey");
        bundles_are_accepted(&filled, &stranger);
        let newest = filled.system.path("newest.vkey");
        fs::write(&newest, format!("{}\n", keys[1])).unwrap();
        judged(&filled.system.path("bundle.zip"), &newest, 0);
    }
    filled.system.stop().unwrap();
    filled.system.fsck().unwrap();
}

#[test]
fn the_strangers_bundle_is_accepted_by_our_verifier() {
    if or_skip("foreign_ledger (the stranger's bundle)", foreign::python()).is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (bundle, key, first) = (dir.path().join("bundle.zip"), dir.path().join("key"), dir.path().join("key.first"));
    python(&workspace_root().join("tests/foreign/stranger/make_bundle.py"), &[&bundle, &key], 0).unwrap();
    judged(&bundle, &key, 0);
    judged(&bundle, &first, 0);
    let other = dir.path().join("other");
    fs::write(&other, System::new(None).unwrap().vkey()).unwrap();
    judged(&bundle, &other, 1);
}

#[test]
fn the_strangers_verifier_passes_its_own_tests() {
    if or_skip("foreign_ledger (the stranger's verifier)", foreign::python()).is_none() {
        return;
    }
    python(&workspace_root().join("tests/foreign/stranger/test_verify.py"), &[], 0).unwrap();
}
