//! The dossier of the story's clean model, and what the walker in Python makes of its bundle.

use std::fs;

use modeltrail_compliance::bundle::{DOSSIER_HTML, DOSSIER_JSON, Rerendered, rerender};
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::verify::Outcome;
use modeltrail_tests::foreign::run_python;
use modeltrail_tests::paths::workspace_root;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::dry::{self, Dry, unpack, verify};

const VERSION: &str = "model/risk/pd-mortgage@1.1.0";

/// What the golden dossier says, without the bytes that move with every new entry type or table: the digests are of the whole files.
const GOLDEN: &str = "tests/golden/dossier.json";

#[test]
fn the_clean_model_s_dossier_verifies_renders_again_and_says_what_the_story_does() {
    let ledger = dry::story();
    let bundle = dry::bundle(&ledger, VERSION, None);
    let mut reader = BundleReader::from_bytes(bundle).unwrap();
    let report = verify(&mut reader);
    assert_eq!(report.outcome(false), Outcome::Holds, "{report:#?}");
    let files = vec![DOSSIER_HTML.to_owned(), DOSSIER_JSON.to_owned()];
    assert_eq!(rerender(&mut reader).unwrap(), Rerendered::Same { files });

    let json = reader.read(DOSSIER_JSON, u64::MAX).unwrap();
    let dossier: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(dossier["findings"], Value::Array(Vec::new()), "the clean one has none");
    let one = |id: &str| fact(&dossier, id)["values"][0]["value"].clone();
    assert_eq!(one("identity.version"), "1.1.0");
    assert_eq!(one("identity.author"), "p-2c9e04");
    assert_eq!(one("environment.runtime"), "python 3.12.9");
    let approvals = table(&dossier, "approvals");
    let granted = column(approvals, "approvals.granted_by");
    assert!(granted.iter().any(|party| party == "p-04ab9d"), "{granted:?}");
    let places = column(table(&dossier, "serving"), "serving.deployment");
    assert_eq!(places, ["deployment/production-eu/mortgage-scoring"]);
    assert_eq!(fact(&dossier, "standards.standards")["values"], Value::Array(Vec::new()));
    let filled_by = &fact(&dossier, "standards.standards")["filled_by"];
    assert_eq!(filled_by, &serde_json::json!(["modeltrail.conformity.declared.v1"]));
    every_number_is_an_entry_of_the_bundle(&dossier);
}

#[test]
fn the_dossier_is_the_golden_one() {
    let ledger = dry::story();
    let mut reader = BundleReader::from_bytes(dry::bundle(&ledger, VERSION, None)).unwrap();
    let json = reader.read(DOSSIER_JSON, u64::MAX).unwrap();
    let html = reader.read(DOSSIER_HTML, u64::MAX).unwrap();
    let golden = fs::read(workspace_root().join(GOLDEN)).unwrap();
    let scratch = std::env::temp_dir().join("modeltrail-dossier.json");
    if json != golden {
        fs::write(&scratch, &json).unwrap();
    }
    assert!(json == golden, "{GOLDEN} is another; what is rendered now stands in {}", scratch.display());
    let page = String::from_utf8(html).unwrap();
    assert_eq!(page.matches("<style>").count(), 1);
    for foreign in ["<script", "http://", "https://", "<link", "@import", "url("] {
        let allowed = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!allowed.contains(foreign), "the page is to need nothing else, and has {foreign}");
    }
}

#[test]
fn the_lineage_is_what_a_walker_in_python_finds() {
    let ledger = dry::story();
    for version in
        [VERSION, "model/risk/pd-retail@3.1.0", "model/cx/complaints-summary@1.2.0", "model/bureau/refscore@7.3.0"]
    {
        let dir = tempfile::tempdir().unwrap();
        unpack(dry::bundle(&ledger, version, None), dir.path());
        let dossier: Value = serde_json::from_slice(&fs::read(dir.path().join(DOSSIER_JSON)).unwrap()).unwrap();
        let walked = run_python("lineage.py", [dir.path().as_os_str(), version.as_ref()]).unwrap();
        let walked: Value = serde_json::from_str(&walked).unwrap();
        let nodes: Vec<Value> = array(&dossier["lineage"]["nodes"])
            .iter()
            .map(|node| serde_json::json!([node["level"], node["subject"]]))
            .collect();
        let edges: Vec<Value> = array(&dossier["lineage"]["edges"])
            .iter()
            .map(|edge| serde_json::json!([edge["from"], edge["to"], edge["role"], edge["known"], edge["entry"]]))
            .collect();
        assert!(nodes.len() > 4 && edges.len() > 3, "{version} has a lineage");
        assert_eq!(walked["nodes"], Value::Array(nodes), "{version}");
        assert_eq!(walked["edges"], Value::Array(edges), "{version}");
    }
}

#[test]
fn as_of_an_earlier_size_it_says_what_was_known_then() {
    let ledger = dry::story();
    let newest: Value = dossier(&ledger, None);
    let registered = fact(&newest, "identity.version")["values"][0]["entry"].as_u64().unwrap();
    let before = dossier(&ledger, Some(registered));
    assert_eq!(fact(&before, "identity.version")["values"], Value::Array(Vec::new()));
    assert_eq!(table(&before, "approvals")["rows"], Value::Array(Vec::new()));
    let then = dossier(&ledger, Some(registered + 1));
    assert_eq!(fact(&then, "identity.version")["values"][0]["value"], "1.1.0");
    assert!(array(&then["cited"]).iter().all(|cited| cited["entry"].as_u64().unwrap() <= registered));
}

fn dossier(ledger: &Dry, as_of: Option<u64>) -> Value {
    let mut reader = BundleReader::from_bytes(dry::bundle(ledger, VERSION, as_of)).unwrap();
    serde_json::from_slice(&reader.read(DOSSIER_JSON, u64::MAX).unwrap()).unwrap()
}

/// Cited entries are in the list with the leaf hash of their header, and nothing is cited that isn't in it.
fn every_number_is_an_entry_of_the_bundle(dossier: &Value) {
    let cited: Vec<u64> = array(&dossier["cited"]).iter().map(|cited| cited["entry"].as_u64().unwrap()).collect();
    assert!(cited.windows(2).all(|pair| pair[0] < pair[1]));
    let mut named = Vec::new();
    entries(&dossier["sections"], &mut named);
    entries(&dossier["lineage"]["edges"], &mut named);
    assert!(named.len() > 100);
    for entry in named {
        assert!(cited.binary_search(&entry).is_ok(), "entry {entry} is cited and not listed");
    }
}

fn entries(value: &Value, into: &mut Vec<u64>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| entries(item, into)),
        Value::Object(members) => {
            into.extend(members.get("entry").and_then(Value::as_u64));
            members.iter().filter(|(name, _)| *name != "value").for_each(|(_, item)| entries(item, into));
        }
        _ => {}
    }
}

pub(crate) fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn blocks(dossier: &Value) -> impl Iterator<Item = &Value> {
    array(&dossier["sections"]).iter().flat_map(|section| array(&section["blocks"]))
}

pub(crate) fn fact<'v>(dossier: &'v Value, id: &str) -> &'v Value {
    blocks(dossier).flat_map(|block| array(&block["facts"])).find(|fact| fact["id"] == id).unwrap()
}

pub(crate) fn table<'v>(dossier: &'v Value, id: &str) -> &'v Value {
    &blocks(dossier).find(|block| block["id"] == id).unwrap()["table"]
}

fn column(table: &Value, id: &str) -> Vec<String> {
    let at = array(&table["columns"]).iter().position(|column| column["id"] == id).unwrap();
    let values =
        array(&table["rows"]).iter().map(|row| row["cells"][at]["value"].as_str().unwrap_or_default().to_owned());
    values.collect()
}

/// The digest of what a version's bundle says, for the test in another time zone.
pub(crate) fn digest() -> String {
    let ledger = dry::story();
    let mut reader = BundleReader::from_bytes(dry::bundle(&ledger, VERSION, None)).unwrap();
    let mut hasher = Sha256::new();
    for name in [DOSSIER_JSON, DOSSIER_HTML] {
        hasher.update(reader.read(name, u64::MAX).unwrap());
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Breaks one byte of a report inside an unpacked bundle, and says what rendering it again finds.
pub(crate) fn broken(file: &str, at: usize) -> Rerendered {
    let ledger = dry::story();
    let dir = tempfile::tempdir().unwrap();
    unpack(dry::bundle(&ledger, VERSION, None), dir.path());
    let path = dir.path().join(file);
    let mut bytes = fs::read(&path).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    rerender(&mut BundleReader::open(dir.path()).unwrap()).unwrap()
}
