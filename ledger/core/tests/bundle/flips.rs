//! Single bytes changed, and files cut, moved, added and removed, by somebody without the key.

use std::sync::atomic::{AtomicUsize, Ordering};

use modeltrail_core::verify::{Aspect, Outcome, Report, Verdict, VerifyError};

use super::world::{Files, World, vkey};
use super::{expect_fault, faults};

/// Every position of files up to this long is flipped; of longer ones, about as many.
const FLIPS: usize = 3_000;

/// Demands that a changed bundle does not hold, or is no bundle any more, and that this is said in words.
fn expect_refused(result: Result<Report, VerifyError>, change: &str) {
    match result {
        Err(error) => assert!(!error.to_string().is_empty(), "{change}"),
        Ok(report) => {
            assert_eq!(report.outcome(false), Outcome::DoesNotHold, "{change}: {report:#?}");
            let named = Aspect::ALL.iter().any(|aspect| match report.verdict(*aspect) {
                Verdict::DoesNotHold { faults, .. } => {
                    faults.iter().all(|fault| !fault.file.is_empty() && !fault.what.is_empty()) && !faults.is_empty()
                }
                Verdict::CouldNotBeJudged { why } => !why.is_empty(),
                Verdict::Holds { .. } => false,
            });
            assert!(named, "{change} is not named: {report:#?}");
        }
    }
}

/// The table of the reading is as long as all else together, and no part of it is looked at before its digest: each of its bytes is covered the same way.
const TABLE: &str = "readings/1.json";
/// Bytes of the table between two flips; odd, so that it comes to every part of a row.
const TABLE_STRIDE: usize = 97;

#[test]
fn every_single_byte_of_a_small_bundle_counts() {
    let bundle = World::small().bundle();
    super::expect_holds(&bundle.verify(Some(vkey(1))).unwrap());
    let mut flips: Vec<(&String, usize)> = Vec::new();
    for (name, bytes) in &bundle.0 {
        let stride = if name == TABLE { TABLE_STRIDE } else { 1 };
        flips.extend((0..bytes.len()).step_by(stride).map(|at| (name, at)));
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut flipped = bundle.clone();
                while let Some((name, at)) = flips.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let flip = 1 << (at % 8);
                    flipped.0.get_mut(*name).unwrap()[*at] ^= flip;
                    expect_refused(flipped.verify(Some(vkey(1))), &format!("a flip in {name} at {at}"));
                    flipped.0.get_mut(*name).unwrap()[*at] ^= flip;
                }
            });
        }
    });
}

#[test]
fn flips_all_over_a_full_bundle_are_refused() {
    let bundle = World::full().bundle();
    for (name, bytes) in &bundle.0 {
        let stride = bytes.len().div_ceil(FLIPS).max(1);
        // A stride that shares no factor with a line's length comes to every part of a line.
        let stride = if stride > 1 { stride | 1 } else { stride };
        for at in (0..bytes.len()).step_by(stride) {
            let mut flipped = bundle.clone();
            flipped.0.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
            expect_refused(flipped.verify(Some(vkey(1))), &format!("a flip in {name} at {at}"));
        }
    }
}

#[test]
fn a_flip_fails_and_names_the_file() {
    let bundle = World::full().bundle();
    for name in [
        "entries.jsonl",
        "keys.json",
        "consistency.jsonl",
        "VERIFY.md",
        "readings/1.json",
        "checkpoint",
        "MANIFEST.note",
    ] {
        let mut flipped = bundle.clone();
        let bytes = flipped.0.get_mut(name).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let report = flipped.verify(Some(vkey(1))).unwrap();
        assert_eq!(report.outcome(false), Outcome::DoesNotHold, "{name}");
        let all: Vec<String> = Aspect::ALL.iter().flat_map(|aspect| faults(&report, *aspect)).collect();
        assert!(all.iter().any(|fault| fault.contains(name)), "{name}: {all:?}");
    }
}

#[test]
fn truncated_bundles_are_refused() {
    let bundle = World::full().bundle();
    for (name, bytes) in &bundle.0 {
        for end in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            if end == bytes.len() {
                continue;
            }
            let mut cut = bundle.clone();
            cut.0.get_mut(name).unwrap().truncate(end);
            expect_refused(cut.verify(Some(vkey(1))), &format!("{name} cut at {end}"));
        }
    }
    let zip = bundle.zip();
    for end in (0..zip.len()).step_by(zip.len() / 50) {
        assert!(
            modeltrail_core::bundle::reader::BundleReader::from_bytes(zip[..end].to_vec()).is_err(),
            "the zip cut at {end}"
        );
    }
}

#[test]
fn a_file_more_or_less_is_refused() {
    let bundle = World::full().bundle();
    for name in bundle.0.keys() {
        let mut less = bundle.clone();
        less.0.remove(name);
        expect_refused(less.verify(Some(vkey(1))), &format!("{name} removed"));
    }
    for name in ["extra.txt", "readings/2.json", "report/dossier.html", "evil/x", "../x"] {
        let mut more = bundle.clone();
        more.0.insert(name.to_owned(), b"{}".to_vec());
        expect_fault(&more.verify(Some(vkey(1))).unwrap(), Aspect::Integrity, name);
    }
    let mut later = bundle.clone();
    later.0.insert("later/timestamp.tsr".to_owned(), b"whatever".to_vec());
    let report = later.verify(Some(vkey(1))).unwrap();
    assert_eq!(
        (report.outcome(true), report.facts.later),
        (Outcome::Holds, 1),
        "what comes later proves itself or is ignored"
    );
}

#[test]
fn links_in_a_directory_are_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    World::full().bundle().unpack(directory.path());
    let keys = directory.path().join("keys.json");
    let elsewhere = directory.path().join("..").join("modeltrail-elsewhere.json");
    std::fs::rename(&keys, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &keys).unwrap();
    let mut reader = modeltrail_core::bundle::reader::BundleReader::open(directory.path()).unwrap();
    let trust = modeltrail_core::verify::Trust { pin: Some(vkey(1)), policy: None };
    let report = modeltrail_core::verify::verify_bundle(
        &mut reader,
        &modeltrail_core::verify::Options { trust: &trust, tiles: None, progress: &|_| {} },
    )
    .unwrap();
    std::fs::remove_file(&elsewhere).unwrap();
    expect_fault(&report, Aspect::Integrity, "keys.json: is a link");
}

#[test]
fn an_altered_bundle_signed_by_another_key_is_refused() {
    let mut bundle = World::full().bundle();
    let mut lines = bundle.lines("entries.jsonl");
    lines.pop();
    bundle.set_lines("entries.jsonl", &lines);
    bundle.relist(7, |_| {});
    expect_fault(&bundle.verify(Some(vkey(1))).unwrap(), Aspect::Authenticity, "MANIFEST.note");
    let honest = World::full().bundle();
    expect_fault(&honest.verify(Some(vkey(7))).unwrap(), Aspect::Authenticity, "does not have the key that was given");
}

#[test]
fn a_zip_that_names_a_file_twice_is_no_bundle() {
    let bundle = World::full().bundle();
    let mut zip = bundle.zip();
    // The writer refuses a double name, so one of equal length is renamed in both places.
    let mut two: Files = bundle.clone();
    let checkpoint = two.0["checkpoint"].clone();
    two.0.insert("checkpoinu".to_owned(), checkpoint);
    let doubled = two.zip();
    zip.clear();
    let mut at = 0;
    while at < doubled.len() {
        if doubled[at..].starts_with(b"checkpoinu") {
            zip.extend_from_slice(b"checkpoint");
            at += 10;
        } else {
            zip.push(doubled[at]);
            at += 1;
        }
    }
    let error = modeltrail_core::bundle::reader::BundleReader::from_bytes(zip).err().expect("a name twice");
    assert!(error.to_string().contains("twice"), "{error}");
}
