//! `lineage` and the other questions, from bundles: what is told, what is judged, and what is not passed over.
#![allow(clippy::unwrap_used, reason = "a test may fail by unwrapping")]

#[path = "cli/bank.rs"]
mod bank;
#[path = "cli/run.rs"]
#[allow(dead_code, reason = "nothing here reads stdin")]
mod run;
#[allow(dead_code, reason = "these tests need only a part of that server")]
#[path = "cli/server.rs"]
mod server;
#[allow(dead_code, reason = "these tests need only a part of that world")]
#[path = "../../ledger/core/tests/bundle/world.rs"]
mod world;

use bank::{Bank, LINEAGE, MODEL, SERVICE, VERSION, Way, digest};
use run::{Ran, run};
use serde_json::{Value, json};
use server::Server;
use tempfile::TempDir;
use world::{Files, vkey};

/// A bundle on disk, and the key of its ledger.
struct Shelf {
    directory: TempDir,
}

impl Shelf {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn put(&self, bank: &Bank, subjects: &[&str]) -> String {
        self.write("bundle.zip", &bank.zip(subjects))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }
}

/// Runs a command on a bundle about all of the lineage, with the ledger's key.
fn ask(bank: &Bank, args: &[&str]) -> Ran {
    ask_about(bank, LINEAGE, args)
}

fn ask_about(bank: &Bank, subjects: &[&str], args: &[&str]) -> Ran {
    let shelf = Shelf::new();
    let (bundle, key) = (shelf.put(bank, subjects), vkey(1).to_string());
    run(&[args, &["--bundle", &bundle, "--key", &key]].concat())
}

#[test]
fn a_clean_signed_lineage_holds() {
    let bank = Bank::clean();
    let ran = ask(&bank, &["lineage", VERSION, "--verify", "--require-signed"]);
    ran.expect(0, "no finding is about them");
    for line in [
        "model/risk/fraud@2.1.0\nmade of\n",
        &format!("dataset/lake/claims@7  input, declared, entry 6: valid by {} (pipeline)", Bank::pipeline()),
        "   │  └─ dataset/lake/raw-claims@7  base, declared, entry 5: valid by",
        "what came of it\n└─ deployment/production/score  serves, declared, entry 8: valid by",
        "\nholds\n",
    ] {
        assert!(ran.out.contains(line.trim_start_matches("   ")), "{line:?} is not in\n{}", ran.out);
    }
    assert!(!ran.out.contains("unsigned\n└"), "{}", ran.out);
}

#[test]
fn without_verify_it_is_told_and_not_judged() {
    let mut bank = Bank::new();
    bank.registered(Way::Forged);
    bank.registered(Way::Unsigned);
    bank.seal();
    ask(&bank, &["lineage", VERSION]).expect(0, "unsigned");
    ask(&bank, &["lineage", "model/risk/none@1"]).expect(1, "no entry of the bundle names model/risk/none@1");
    ask(&bank, &["lineage", "fraud"]).expect(2, "is not a subject");
    ask(&bank, &["lineage", VERSION, "--require-signed"]).expect(2, "--verify");
    ask(&bank, &["lineage", VERSION, "--up", "--down"]).expect(2, "cannot be used with");
}

#[test]
fn directions_and_depth_bound_the_walk() {
    let bank = Bank::clean();
    let up = ask(&bank, &["lineage", VERSION, "--up", "--json"]).json();
    let levels = |row: &Value| -> Vec<i64> {
        row["row"]["nodes"].as_array().unwrap().iter().map(|node| node["level"].as_i64().unwrap()).collect()
    };
    assert!(levels(&up).iter().all(|level| *level <= 0) && levels(&up).contains(&-2), "{up}");
    let down = ask(&bank, &["lineage", VERSION, "--down", "--json"]).json();
    assert_eq!(levels(&down), [0, 1], "{down}");
    let one = ask(&bank, &["lineage", VERSION, "--up", "--depth", "1", "--json"]).json();
    assert!(levels(&one).iter().all(|level| *level >= -1), "{one}");
    let data = ask(&bank, &["lineage", "dataset/lake/raw-claims@7", "--down", "--json"]).json();
    assert_eq!(data["row"]["nodes"].as_array().unwrap().last().unwrap()["subject"], SERVICE);
    ask(&bank, &["lineage", VERSION, "--depth", "0"]).expect(2, "--depth");
}

#[test]
fn a_model_stands_for_its_versions() {
    let mut bank = Bank::clean();
    bank.version(Way::Signed, "2.2.0");
    bank.seal();
    let subjects = [LINEAGE, &["model/risk/fraud@2.2.0"]].concat();
    let ran = ask_about(&bank, &subjects, &["lineage", MODEL, "--verify"]);
    ran.expect(0, "model/risk/fraud@2.2.0\nmade of").expect(0, "model/risk/fraud@2.1.0\nmade of");
}

#[test]
fn every_signature_that_does_not_count_is_named_and_fails() {
    for (way, word, rule) in [(Way::Forged, "bad by", "signature-bad"), (Way::Stranger, "unknown by", "signer-unknown")]
    {
        let mut bank = Bank::new();
        bank.registered(way);
        bank.seal();
        let ran = ask(&bank, &["lineage", VERSION, "--verify"]);
        ran.expect(1, word).expect(1, rule).expect(1, "does not hold");
    }
    let mut bank = Bank::clean();
    bank.validated(Way::Vendor);
    bank.seal();
    let ran = ask(&bank, &["lineage", VERSION, "--verify", "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let checked = &ran.json()["checked"];
    assert_eq!(checked["findings"][0]["rule"], "signer-not-entitled");
    assert_eq!(checked["outcome"], "does not hold");
}

#[test]
fn a_forged_approval_and_a_missing_one_are_named() {
    let mut bank = Bank::new();
    bank.registered(Way::Signed);
    bank.approved(Way::Forged, "AP-9", "p-head");
    bank.seal();
    ask(&bank, &["lineage", VERSION, "--verify"])
        .expect(1, "signature-bad-7")
        .expect(1, "The signature of pipeline over this approval");
    bank.deployed(Way::Signed, "2.1.0");
    bank.seal();
    let ran = ask(&bank, &["lineage", VERSION, "--verify"]);
    ran.expect(1, "deployment-without-approval-8").expect(1, "without an approval of its manifest digest");
    // Before the deployment nothing said so.
    ask(&bank, &["lineage", VERSION, "--verify", "--as-of", "7"]).expect(0, "holds");
}

#[test]
fn unsigned_edges_are_told_and_fail_only_on_demand() {
    let mut bank = Bank::new();
    bank.registered(Way::Signed);
    bank.approved(Way::Signed, "AP-1", "p-head");
    bank.deployed(Way::Unsigned, "2.1.0");
    bank.seal();
    ask(&bank, &["lineage", VERSION, "--verify"]).expect(0, "serves, declared, entry 8: unsigned");
    ask(&bank, &["lineage", VERSION, "--verify", "--require-signed"]).expect(1, "edges not signed by their producer: ");
}

#[test]
fn what_the_bundle_lacks_is_no_pass() {
    let bank = Bank::clean();
    let ran = ask_about(&bank, &[VERSION], &["lineage", VERSION, "--verify"]);
    ran.expect(2, "trail not in this bundle: edges may be missing").expect(2, "could not be judged");
    // Nothing is looked for beyond the depth that was asked for.
    ask_about(&bank, &[VERSION], &["lineage", VERSION, "--verify", "--depth", "1"]).expect(0, "holds");
    let shelf = Shelf::new();
    let bundle = shelf.put(&bank, LINEAGE);
    run(&["lineage", VERSION, "--verify", "--bundle", &bundle]).expect(2, "self-attested");
    run(&["lineage", VERSION, "--verify", "--bundle", &bundle, "--key", &vkey(9).to_string()])
        .expect(1, "does not hold, so it says nothing");
    // A finding is one even where nobody vouches for the ledger.
    let mut bank = Bank::new();
    bank.registered(Way::Forged);
    bank.seal();
    let bundle = shelf.put(&bank, LINEAGE);
    run(&["lineage", VERSION, "--verify", "--bundle", &bundle]).expect(1, "bad by");
}

#[test]
fn an_erased_record_may_have_made_an_edge() {
    let mut bank = Bank::clean();
    bank.world.erase("//ci.example", "b2");
    bank.seal();
    let ran = ask(&bank, &["lineage", VERSION, "--verify"]);
    ran.expect(2, "entries without their record: 1")
        .expect(2, "without a record in the bundle, any of which may have made an edge: 5");
}

#[test]
fn a_lie_in_the_bundle_is_found_before_anything_is_told() {
    let bank = Bank::clean();
    // An operator with the key leaves out who signed.
    let forged = bank.world.forged(|_, header, _| header.signers.clear());
    let shelf = Shelf::new();
    let path = shelf.directory.path().join("forged.zip").display().to_string();
    std::fs::write(&path, world::zip_of(&forged, LINEAGE, 1)).unwrap();
    run(&["lineage", VERSION, "--verify", "--bundle", &path, "--key", &vkey(1).to_string()]).expect(1, "does not hold");
}

#[test]
fn the_json_is_what_the_page_says() {
    let document = ask(&Bank::clean(), &["lineage", VERSION, "--verify", "--json"]).json();
    assert_eq!(document["as_of"]["size"], 9);
    assert_eq!(document["row"]["start"], VERSION);
    let edge = &document["checked"]["edges"][0];
    assert_eq!(edge["signature"], "valid");
    assert_eq!(edge["signers"][0]["owner"], "pipeline");
    assert_eq!(edge["signers"][0]["status"], "valid");
    let subjects = document["checked"]["subjects"].as_array().unwrap();
    assert!(subjects.iter().all(|subject| subject["whole"] == true && subject["walked_on"] == true), "{document}");
    assert_eq!(document["checked"]["faults"], json!([]));
    assert_eq!(document["checked"]["open"], json!([]));
}

#[test]
fn each_question_of_an_examiner_has_a_line() {
    let mut bank = Bank::clean();
    bank.validated(Way::Signed);
    bank.version(Way::Signed, "2.2.0");
    bank.send(
        Way::Signed,
        "risk.tier_changed",
        &json!({"about": {"kind": "model", "namespace": "risk", "name": "fraud"}, "scheme": "materiality", "new": "1"}),
    );
    bank.seal();
    let subjects = [LINEAGE, &["model/risk/fraud@2.2.0"]].concat();
    let ask = |args: &[&str]| ask_about(&bank, &subjects, args);
    ask(&["models"]).expect(0, "model/risk/fraud").expect(0, "p-owner").expect(0, "2.2.0");
    ask(&["models", "--tier", "1"]).expect(0, "model/risk/fraud");
    ask(&["models", "--tier", "2"]).expect(0, "No models.");
    ask(&["versions", MODEL]).expect(0, "model/risk/fraud@2.1.0").expect(0, "p-author");
    ask(&["versions", VERSION]).expect(2, "is not a model without a version");
    ask(&["changes", MODEL, "--from", "2026-03-03"]).expect(0, "entry 8");
    ask(&["changes", MODEL, "--to", "2026-03-02"]).expect(0, "Nothing happened then.");
    ask(&["validations"]).expect(0, "accepted").expect(0, "p-val");
    let missing = ask(&["validations", "--missing"]);
    missing.expect(0, "model/risk/fraud@2.2.0");
    assert!(!missing.out.contains("2.1.0"), "{missing:?}");
    ask(&["approvals", VERSION]).expect(0, "AP-1").expect(0, "head of model risk");
    ask(&["approvals", MODEL]).expect(0, "AP-1");
    ask(&["approvals", &digest("2.1.0")]).expect(0, "p-head");
    ask(&["approvals", &digest("2.2.0")]).expect(0, "No approvals.");
    ask(&["approvals", "0123"]).expect(2, "too few digits");
    ask(&["ran-at", "2026-03-03T14:02:00Z"]).expect(0, VERSION);
    ask(&["ran-at", "2026-03-03T14:01:00Z", "--deployment", SERVICE]).expect(0, "nothing");
    ask(&["ran-at", "2026-03-03", "--deployment", "deployment/production/none"])
        .expect(1, "no entry of the bundle changes");
    ask(&["findings"]).expect(0, "No findings.").expect(0, "what it lacks is not shown");
    ask(&["findings", "--as-of", "1000"]).expect(2, "is beyond the bundle");
}

#[test]
fn an_approval_that_counts_for_nothing_is_shown_as_that() {
    let mut bank = Bank::new();
    bank.registered(Way::Signed);
    bank.approved(Way::Forged, "AP-9", "p-head");
    bank.seal();
    ask(&bank, &["approvals", VERSION]).expect(0, "counts for nothing").expect(0, "bad");
    let found = ask(&bank, &["findings", "--severity", "critical", "--json"]).json();
    assert_eq!(found["rows"][0]["rule"], "signature-bad");
    assert_eq!(found["next"], Value::Null);
    assert_eq!(ask(&bank, &["findings", "--rule", "signer-unknown", "--json"]).json()["rows"], json!([]));
}

#[test]
fn a_finding_that_something_is_missing_needs_the_trail() {
    let mut bank = Bank::clean();
    bank.version(Way::Signed, "2.2.0");
    bank.deployed(Way::Signed, "2.2.0");
    bank.seal();
    // 2.1.0 was approved and 2.2.0 was not; a bundle without their trails can't know.
    ask_about(&bank, &[SERVICE], &["findings"])
        .expect(0, "No findings.")
        .expect(0, "trails that they rest on are not in the bundle: 2");
    ask_about(&bank, &[SERVICE, "model/risk/fraud@2.2.0"], &["findings"]).expect(0, "deployment-without-approval");
    // And it is no fault of the version before.
    ask(&bank, &["lineage", VERSION, "--verify"]).expect(0, "holds");
}

#[test]
fn hostile_names_stay_in_their_line() {
    let mut bank = Bank::new();
    let name = "x\u{202e}\u{1b}[2J\n\u{2514}\u{2500} model/risk/other@1";
    bank.send(
        Way::Unsigned,
        "dataset.version_registered",
        &json!({"namespace": "lake", "name": "out", "version": "1", "derived_from": [{"name": name, "version": "1"}]}),
    );
    bank.send(Way::Unsigned, "model.created", &json!({"namespace": "risk", "name": "h", "owner": name}));
    bank.seal();
    let subjects = ["dataset/lake/out@1", "model/risk/h"];
    for args in [&["lineage", "dataset/lake/out@1"][..], &["models"], &["changes", "model/risk/h"]] {
        let ran = ask_about(&bank, &subjects, args);
        assert_eq!(ran.code, 0, "{ran:?}");
        let plain = |c: char| !c.is_control() || c == '\n';
        assert!(ran.out.chars().all(|c| plain(c) && c != '\u{202e}'), "{ran:?}");
        assert!(!ran.out.lines().any(|line| line.starts_with("└─ model/risk/other@1")), "{ran:?}");
    }
}

#[test]
fn a_cycle_and_a_deep_chain_are_drawn_once() {
    let mut bank = Bank::new();
    for at in 0..300 {
        let (this, next) = (format!("{at}"), format!("{}", at + 1));
        bank.send(
            Way::Unsigned,
            "dataset.version_registered",
            &json!({"namespace": "deep", "name": "d", "version": this, "derived_from": [{"namespace": "deep", "name": "d", "version": next}]}),
        );
    }
    bank.send(
        Way::Unsigned,
        "dataset.version_registered",
        &json!({"namespace": "deep", "name": "d", "version": "300", "derived_from": [{"namespace": "deep", "name": "d", "version": "0"}]}),
    );
    bank.seal();
    let ran = ask_about(&bank, &["dataset/deep/d"], &["lineage", "dataset/deep/d@0"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.out.lines().filter(|line| line.contains("dataset/deep/d@150 ")).count(), 2, "once up, once down");
    assert!(ran.out.contains("dataset/deep/d@0  base"), "the cycle closes");
}

#[test]
fn against_a_server_bundles_are_fetched_until_every_trail_is_there() {
    let bank = Bank::clean();
    let server = Server::new(std::sync::Arc::clone(&bank.world.store), 1);
    let key = vkey(1).to_string();
    // This server gives the trails that it is asked for and no more, as for something that has no dossier.
    run(&["lineage", VERSION, "--verify", "--require-signed", "--server", &server.url, "--key", &key])
        .expect(0, "\nholds\n");
    let asked: Vec<String> = server.requests.lock().unwrap().iter().map(|request| request.line.clone()).collect();
    assert!(asked.len() > 1 && asked[0].contains("dossier=1") && !asked[1].contains("dossier"), "{asked:?}");
    run(&["lineage", VERSION, "--verify", "--server", &server.url]).expect(2, "self-attested");
    run(&["lineage", VERSION, "--verify", "--server", &server.url, "--key", &vkey(9).to_string()])
        .expect(1, "does not hold, so it says nothing");
    run(&["lineage", VERSION, "--verify", "--server", "http://127.0.0.1:1", "--key", &key])
        .expect(2, "could not reach");
}

#[test]
fn a_server_is_asked_page_by_page_and_taken_at_its_word() {
    let bank = Bank::clean();
    let server = Server::new(std::sync::Arc::clone(&bank.world.store), 1);
    let shelf = Shelf::new();
    let bundle = shelf.put(&bank, LINEAGE);
    let rows = run(&["models", "--bundle", &bundle, "--key", &vkey(1).to_string(), "--json"]).json();
    let page = |next: &str| json!({"as_of": rows["as_of"], "behind": 3, "rows": rows["rows"], "next": next, "truncated": false});
    let last = json!({"as_of": rows["as_of"], "behind": 3, "rows": rows["rows"], "next": null, "truncated": true});
    server.can(200, &page("9-02").to_string());
    server.can(200, &last.to_string());
    let told = run(&["models", "--tier", "1", "--as-of", "2026-03-03", "--server", &server.url]);
    told.expect(0, "3 entries behind").expect(0, "there may be more").expect(0, "No models.");
    let asked: Vec<String> = server.requests.lock().unwrap().iter().map(|request| request.line.clone()).collect();
    assert!(asked[0].starts_with("GET /v1/models?tier=1&limit=1000&as_of=2026-03-03T23"), "{asked:?}");
    assert!(asked[1].contains("cursor=9-02"), "{asked:?}");
    // A server that leads in a circle is not followed for ever.
    server.can(200, &page("9-02").to_string());
    server.can(200, &page("9-02").to_string());
    run(&["models", "--server", &server.url]).expect(2, "does not get on");
    server.can(404, r#"{"title":"not found","detail":"no such subject"}"#);
    run(&["lineage", VERSION, "--server", &server.url]).expect(1, "no such subject");
    run(&["models", "--server", &server.url, "--key", &vkey(1).to_string()])
        .expect(2, "is its word and no key proves it");
}

#[test]
fn a_dossier_takes_along_what_a_lineage_rests_on() {
    let bank = Bank::clean();
    let shelf = Shelf::new();
    let (bundle, key) = (shelf.write("dossier.zip", &bank.dossier()), vkey(1).to_string());
    run(&["lineage", VERSION, "--verify", "--require-signed", "--bundle", &bundle, "--key", &key])
        .expect(0, "\nholds\n");
}

#[test]
fn verify_renders_reports_again() {
    let bank = Bank::clean();
    let (shelf, key) = (Shelf::new(), vkey(1).to_string());
    let zip = bank.dossier();
    let bundle = shelf.write("dossier.zip", &zip);
    run(&["verify", &bundle, "--key", &key]).expect(0, "reports       the same: ");
    let told = run(&["verify", &bundle, "--key", &key, "--json"]).json();
    assert_eq!(
        told["reports"],
        json!({"verdict": "the same", "files": ["report/dossier.html", "report/dossier.json"]})
    );
    // An operator with the key writes something else into the page and lists it.
    let mut files = Files::unzip(&zip);
    let page = files.0.get_mut("report/dossier.html").unwrap();
    let at = page.len() / 2;
    page[at] ^= 1;
    files.relist(1, |_| {});
    let changed = shelf.write("changed.zip", &files.zip());
    run(&["verify", &changed, "--key", &key])
        .expect(1, &format!("report/dossier.html is not what these entries give, from byte {at} on"));
    // A byte that only the bundle's carrier changed is found by its digest, too.
    let mut carried = Files::unzip(&zip);
    carried.0.get_mut("report/dossier.json").unwrap()[20] ^= 1;
    run(&["verify", &shelf.write("carried.zip", &carried.zip()), "--key", &key]).expect(1, "report/dossier.json");
    // What a later renderer wrote could not be judged, which is no pass.
    let mut later = Files::unzip(&zip);
    let json = String::from_utf8(later.0["report/dossier.json"].clone()).unwrap();
    let json = json.replace("\"renderer\":1", "\"renderer\":99");
    later.0.insert("report/dossier.json".to_owned(), json.into_bytes());
    later.relist(1, |_| {});
    run(&["verify", &shelf.write("later.zip", &later.zip()), "--key", &key])
        .expect(2, "reports       could not be judged: renderer 99");
}

#[test]
fn reports_are_rendered_from_a_bundle() {
    let bank = Bank::clean();
    let (shelf, key) = (Shelf::new(), vkey(1).to_string());
    let zip = bank.dossier();
    let bundle = shelf.write("dossier.zip", &zip);
    let from = ["--bundle", &bundle, "--key", &key];
    let report = |args: &[&str]| run(&[&["report"], args, &from].concat());
    let made = report(&["dossier", VERSION, "--format", "json"]);
    assert_eq!((made.code, made.out.as_bytes()), (0, &*Files::unzip(&zip).0["report/dossier.json"]));
    assert_eq!(report(&["dossier", VERSION, "--json"]).out, made.out);
    report(&["dossier", VERSION]).expect(0, "<!doctype html>");
    report(&["dossier", "model/risk/fraud@9"]).expect(1, "no entry of the bundle names model/risk/fraud@9");
    report(&["dossier", MODEL]).expect(2, "is not a version of a model");
    let file = shelf.directory.path().join("inventory.csv").display().to_string();
    report(&["inventory", "-o", &file]).expect(0, "inventory.csv");
    report(&["inventory", "-o", &file]).expect(2, "could not create");
    let csv = std::fs::read_to_string(&file).unwrap();
    assert!(csv.lines().any(|line| line.starts_with(MODEL)), "{csv}");
    assert_eq!(
        report(&["inventory", "--as-of", "3"]).out.lines().count(),
        1,
        "nothing but a head before the first model"
    );
}
