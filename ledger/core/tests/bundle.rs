//! Bundles from a ledger in memory: an honest one holds; everything else is caught, and named.
#![allow(clippy::unwrap_used, reason = "a test may fail by unwrapping")]

#[path = "bundle/world.rs"]
mod world;

#[path = "bundle/dishonest.rs"]
mod dishonest;
#[path = "bundle/flips.rs"]
mod flips;
#[path = "bundle/golden.rs"]
mod golden;

use modeltrail_core::verify::{Aspect, Outcome, Report, Verdict};
use world::{Files, MODEL, ORIGIN, World, bundle_of, mirror, vkey, zip_of};

/// The faults of one verdict as text.
fn faults(report: &Report, aspect: Aspect) -> Vec<String> {
    match report.verdict(aspect) {
        Verdict::DoesNotHold { faults, .. } => faults.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// Demands that this verdict fails with a fault that says this.
fn expect_fault(report: &Report, aspect: Aspect, what: &str) {
    assert_eq!(report.outcome(false), Outcome::DoesNotHold, "{report:#?}");
    let faults = faults(report, aspect);
    assert!(
        faults.iter().any(|fault| fault.contains(what)),
        "no fault of {} says {what:?}: {report:#?}",
        aspect.as_str()
    );
}

fn expect_holds(report: &Report) {
    for aspect in Aspect::ALL {
        assert!(report.verdict(aspect).holds(), "{}: {report:#?}", aspect.as_str());
    }
    assert_eq!(report.outcome(true), Outcome::Holds);
}

#[test]
fn an_honest_bundle_holds_under_each_of_its_keys() {
    let world = World::full();
    let bundle = world.bundle();
    for pin in [1, 2] {
        let report = bundle.verify(Some(vkey(pin))).unwrap();
        expect_holds(&report);
        let facts = &report.facts;
        assert_eq!(facts.origin, ORIGIN);
        assert_eq!(facts.keys.len(), 2);
        assert_eq!(facts.earlier_checkpoints, 1);
        assert_eq!(facts.clock.as_deref(), Some("simulated"));
        let count =
            |counts: &std::collections::BTreeMap<String, u64>, word: &str| counts.get(word).copied().unwrap_or(0);
        assert_eq!(
            [
                count(&facts.signers, "valid"),
                count(&facts.signers, "bad"),
                count(&facts.signers, "unknown"),
                count(&facts.signers, "revoked")
            ],
            [1, 1, 1, 1]
        );
        assert_eq!(count(&facts.quarantined, "conflict"), 1);
        assert_eq!(count(&facts.absent, "erased"), 1);
    }
    let simulated = format!("{:?}", bundle.verify(Some(vkey(1))).unwrap().time);
    assert!(simulated.contains("SIMULATED"), "{simulated}");
}

#[test]
fn without_a_key_authenticity_is_self_attested() {
    let report = World::full().bundle().verify(None).unwrap();
    assert!(
        matches!(&report.authenticity, Verdict::CouldNotBeJudged { why } if why.contains("self-attested")),
        "{report:#?}"
    );
    assert_eq!(report.outcome(false), Outcome::CouldNotBeJudged);
    assert!(report.integrity.holds() && report.order.holds());
}

#[test]
fn the_same_ledger_gives_the_same_bytes_and_they_survive_unpacking() {
    let (one, two) = (World::full(), World::full());
    let zip = zip_of(&one.store, &[MODEL], one.key);
    assert_eq!(zip, zip_of(&two.store, &[MODEL], two.key));
    let directory = tempfile::tempdir().unwrap();
    Files::unzip(&zip).unpack(directory.path());
    let mut reader = modeltrail_core::bundle::reader::BundleReader::open(directory.path()).unwrap();
    let trust = modeltrail_core::verify::Trust { pin: Some(vkey(1)), policy: None };
    let options = modeltrail_core::verify::Options { trust: &trust, tiles: None, progress: &|_| {} };
    expect_holds(&modeltrail_core::verify::verify_bundle(&mut reader, &options).unwrap());
}

#[test]
fn everything_a_bundle_must_carry_is_in_it() {
    let world = World::full();
    let bundle = bundle_of(&world.store, &["dataset/claims@7"], world.key);
    expect_holds(&bundle.verify(Some(vkey(2))).unwrap());
    let lines = bundle.lines("entries.jsonl");
    let has = |what: &str| lines.iter().any(|line| line.contains(what));
    for must in ["ledger.genesis", "ledger.opened", "key.rotated", "ledger.trails_added"] {
        assert!(has(must), "{must}");
    }
    let added = bundle_of(&world.store, &["dataset/part59@1"], world.key);
    expect_holds(&added.verify(Some(vkey(2))).unwrap());
    assert!(
        added.lines("entries.jsonl").iter().any(|line| line.contains("\\\"e8\\\"")),
        "what trails were added to comes along"
    );
}

#[test]
fn a_claim_of_nothing_is_a_claim_too() {
    let world = World::full();
    let bundle = bundle_of(&world.store, &["model/never-heard-of"], world.key);
    let report = bundle.verify(Some(vkey(2))).unwrap();
    expect_holds(&report);
    let manifest = String::from_utf8(bundle.0["MANIFEST.json"].clone()).unwrap();
    assert!(manifest.contains(r#"{"count":0,"subject":"model/never-heard-of"}"#), "{manifest}");
}

#[test]
fn all_headers_recompute_what_the_key_states() {
    let world = World::full();
    let directory = tempfile::tempdir().unwrap();
    mirror(&world.store, directory.path());
    let report = world.bundle().verify_with(Some(vkey(1)), Some(directory.path())).unwrap();
    expect_holds(&report);
    assert_eq!(report.facts.mirrored, Some(world.size()));
    assert!(
        matches!(&report.completeness, Verdict::Holds { sense } if sense.starts_with("recomputed from all")),
        "{report:#?}"
    );
}

#[test]
fn with_a_sources_whole_trail_every_position_is_accounted_for() {
    let world = World::full();
    let directory = tempfile::tempdir().unwrap();
    mirror(&world.store, directory.path());
    let sense = |subject: &str| {
        let report =
            bundle_of(&world.store, &[subject], world.key).verify_with(Some(vkey(1)), Some(directory.path())).unwrap();
        expect_holds(&report);
        format!("{:?}", report.completeness)
    };
    assert!(sense("source/ml-events").contains("every position of 1 sources is accounted for"));
    assert!(sense(MODEL).contains("why 1 positions of sources gave no entry"));
}

#[test]
fn a_position_that_nothing_accounts_for_is_named() {
    let world = World::full();
    let store = world.forged(|_, header, _| {
        if header.event.as_ref().is_some_and(|event| event.id == "k3") {
            header.received.offset = Some(17);
        }
    });
    let directory = tempfile::tempdir().unwrap();
    mirror(&store, directory.path());
    let bundle = bundle_of(&store, &["source/ml-events"], world.key);
    expect_fault(
        &bundle.verify_with(Some(vkey(1)), Some(directory.path())).unwrap(),
        Aspect::Completeness,
        "are not covered",
    );
}

#[test]
fn a_mirror_that_lacks_a_file_judges_nothing() {
    let world = World::full();
    let directory = tempfile::tempdir().unwrap();
    let error = world.bundle().verify_with(Some(vkey(1)), Some(directory.path())).unwrap_err();
    assert!(error.to_string().contains("tile/entries/000"), "{error}");
}

#[test]
fn a_ledger_of_one_entry_has_a_bundle() {
    let store = world::store_of(
        World::new().headers().into_iter().take(1).map(|(index, header)| (header, opening(index))).collect(),
        |_| vec![1],
    );
    let report = bundle_of(&store, &[], 1).verify(Some(vkey(1))).unwrap();
    expect_holds(&report);
}

fn opening(index: u64) -> Option<Vec<u8>> {
    use modeltrail_core::store::Store;
    World::new().store.opening(modeltrail_core::types::EntryIndex(index)).unwrap()
}
