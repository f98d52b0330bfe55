//! The demo's story under the auditor's tool: what it names, what it passes, and that each of an examiner's questions has a line.
//!
//! The story is played into a ledger in memory; its bundles are made by the code that a server makes them with, and judged by the program itself.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[allow(dead_code, reason = "the reports' own tests use the rest")]
#[path = "reports/dry.rs"]
mod dry;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use dry::Dry;
use dry::support::ORIGIN;
use modeltrail_tests::bin;
use modeltrail_tests::process::{Output, run};
use modeltrail_tlog::note::SignerKey;
use serde_json::Value;
use tempfile::TempDir;

/// A bundle of a few hundred entries, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// The story's bundles, each made once.
struct Bundles {
    directory: TempDir,
    ledger: std::sync::Mutex<Dry>,
    key: String,
}

fn bundles() -> &'static Bundles {
    static BUNDLES: OnceLock<Bundles> = OnceLock::new();
    BUNDLES.get_or_init(|| Bundles {
        directory: tempfile::tempdir().unwrap(),
        ledger: std::sync::Mutex::new(dry::story()),
        key: SignerKey::from_seed(ORIGIN, &[7; 32]).unwrap().verifier().to_string(),
    })
}

impl Bundles {
    /// The bundle of a version with its dossier.
    fn of(&self, version: &str) -> PathBuf {
        let path = self.directory.path().join(format!("{}.zip", version.replace(['/', '@'], "-")));
        let ledger = self.ledger.lock().unwrap();
        if !path.exists() {
            std::fs::write(&path, dry::bundle(&ledger, version, None)).unwrap();
        }
        path
    }
}

fn modeltrail(args: &[&str]) -> Output {
    run(Command::new(bin("modeltrail").unwrap()).args(args), LIMIT).unwrap()
}

/// Asks the bundle of a version.
fn ask(version: &str, args: &[&str]) -> Output {
    let bundle = bundles().of(version).display().to_string();
    modeltrail(&[args, &["--bundle", &bundle, "--key", &bundles().key]].concat())
}

fn expect(output: &Output, code: i32, words: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{}", output.text());
    for word in words {
        assert!(output.text().contains(word), "{word:?} is nowhere in\n{}", output.text());
    }
}

#[test]
fn the_clean_model_holds_signed_throughout() {
    for version in ["model/risk/pd-mortgage@1.0.0", "model/risk/pd-mortgage@1.1.0"] {
        let output = ask(version, &["lineage", version, "--verify", "--require-signed"]);
        expect(&output, 0, &["no finding is about them", "valid by ", "(mortgage-pipeline)", "\nholds\n"]);
        for word in [": unsigned", "trail not in this bundle", "not judged:", "against it:"] {
            assert!(!output.stdout.contains(word), "{word:?} is in\n{}", output.stdout);
        }
    }
}

#[test]
fn each_fault_about_a_model_is_named_and_fails() {
    for (version, words) in [
        // The forged approval.
        (
            "model/fraud/card-fraud@6.0.1",
            &["signature-bad-", "The signature of mrm-desk over this approval does not verify"][..],
        ),
        // The key outside its bounds.
        (
            "model/bureau/refscore@7.3.0",
            &["signer-not-entitled-", "The key of refbureau may not speak for modeltrail.validation.recorded.v1"],
        ),
        // The deployment that nobody approved.
        (
            "model/collections/contact-priority@1.2.0",
            &["deployment-without-approval-", "without an approval of its manifest digest"],
        ),
        ("model/pricing/overdraft-limit@2.0.0", &["version-reregistered-"]),
        ("model/aml/alert-triage@4.0.0", &["running-digest-differs-"]),
        ("model/ops/branch-cash@2.1.0", &["approval-by-author-", "signer-unknown-"]),
    ] {
        let output = ask(version, &["lineage", version, "--verify"]);
        expect(&output, 1, words);
        expect(&output, 1, &["against it: ", "\ndoes not hold\n"]);
    }
}

#[test]
fn the_other_versions_of_those_models_are_not_blamed() {
    for version in
        ["model/fraud/card-fraud@5.4.0", "model/bureau/refscore@7.2.0", "model/collections/contact-priority@1.1.0"]
    {
        let output = ask(version, &["lineage", version, "--verify"]);
        expect(&output, 0, &["no finding is about them", "\nholds\n"]);
    }
}

#[test]
fn unsigned_edges_print_as_such_and_fail_on_demand() {
    let version = "model/risk/pd-retail@3.1.0";
    expect(&ask(version, &["lineage", version]), 0, &["unsigned"]);
    expect(
        &ask(version, &["lineage", version, "--verify", "--require-signed"]),
        1,
        &["edges not signed by their producer: "],
    );
    let output = ask(version, &["lineage", version, "--verify", "--json"]);
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    let edges = document["checked"]["edges"].as_array().unwrap();
    let told = document["row"]["edges"].as_array().unwrap();
    assert_eq!(edges.len(), told.len());
    for (edge, told) in edges.iter().zip(told) {
        let word = if told["signature"] == "none" { "unsigned" } else { told["signature"].as_str().unwrap() };
        assert_eq!(edge["signature"], word, "{edge}");
    }
    assert!(edges.iter().any(|edge| edge["signature"] == "unsigned"), "{document}");
}

#[test]
fn the_report_is_rendered_again() {
    let version = "model/risk/pd-mortgage@1.1.0";
    let bundle = bundles().of(version).display().to_string();
    expect(&modeltrail(&["verify", &bundle, "--key", &bundles().key]), 0, &["reports       the same"]);
    let dossier = ask(version, &["report", "dossier", version, "--format", "json"]);
    expect(&dossier, 0, &["\"report\":\"version-dossier\""]);
    let unpacked = bundles().directory.path().join("unpacked");
    dry::unpack(std::fs::read(bundle).unwrap(), &unpacked);
    assert_eq!(dossier.stdout.as_bytes(), std::fs::read(unpacked.join("report/dossier.json")).unwrap());
}

#[test]
fn each_question_of_an_examiner_has_a_line() {
    let version = "model/risk/pd-retail@3.1.0";
    expect(&ask(version, &["models", "--tier", "1"]), 0, &["model/risk/pd-retail"]);
    expect(&ask(version, &["versions", "model/risk/pd-retail"]), 0, &["3.0.0", "3.1.0", "3.2.0", "3.3.0"]);
    expect(
        &ask(version, &["changes", "model/risk/pd-retail", "--from", "2026-06-01", "--to", "2026-06-30"]),
        0,
        &["2026-06-1"],
    );
    expect(&ask(version, &["validations", version]), 0, &["accepted"]);
    expect(&ask(version, &["approvals", version]), 0, &["AP-2025-101", "p-04ab9d"]);
    expect(&ask(version, &["ran-at", "2026-03-03T14:02:00Z"]), 0, &[version]);
    expect(&ask(version, &["ran-at", "2025-10-01"]), 0, &["nothing"]);
    expect(&ask(version, &["report", "inventory", "--as-of", "2025-12-31"]), 0, &["model/risk/pd-retail"]);
    let rows: Value = serde_json::from_str(&ask(version, &["approvals", version, "--json"]).stdout).unwrap();
    let digest = rows["rows"][0]["digest"]["value"].as_str().unwrap().to_owned();
    expect(&ask(version, &["approvals", &digest]), 0, &["AP-2025-101"]);
}
