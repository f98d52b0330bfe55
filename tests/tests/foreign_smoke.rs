//! The foreign checkers themselves, tried on a log that Go's own code wrote: they accept it, agree on its root, and
//! refuse it after one flipped byte. A checker that accepted anything would prove nothing about our log.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use std::fs;
use std::path::Path;

use modeltrail_tests::foreign::{self, GoCheck};
use modeltrail_tests::skip::or_skip;
use tempfile::TempDir;

/// Two tile levels, with a partial tile at the edge of each.
const SIZE: u64 = 70_000;
const OLDER: u64 = 600;

fn log() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    foreign::go_make_log(dir.path(), SIZE, OLDER).unwrap();
    dir
}

fn go_check(dir: &Path) -> anyhow::Result<String> {
    let base_url = format!("file://{}", dir.display());
    let (vkey_file, older) = (dir.join("ledger.vkey"), dir.join("older"));
    foreign::go_checker(GoCheck { base_url: &base_url, vkey_file: &vkey_file, index: None, older: Some(&older) })
}

fn fsck(dir: &Path) -> anyhow::Result<String> {
    foreign::tessera_fsck(&format!("file://{}", dir.display()), &fs::read_to_string(dir.join("ledger.vkey")).unwrap())
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn go_accepts_an_honest_log_and_refuses_a_flipped_byte() {
    if or_skip("foreign_smoke (Go's sumdb)", foreign::go()).is_none() {
        return;
    }
    let dir = log();
    let text = go_check(dir.path()).unwrap();
    assert!(text.contains("consistency: 600 to 70000 holds"), "{text}");
    for (file, at) in
        [("tile/0/000", 40), ("tile/entries/000", 20), ("checkpoint", 3), ("older", 30), ("tile/1/000", 9)]
    {
        let path = dir.path().join(file);
        flip(&path, at);
        assert!(go_check(dir.path()).is_err(), "a flipped byte in {file} was accepted");
        flip(&path, at);
    }
    go_check(dir.path()).unwrap();
}

#[test]
fn tesseras_fsck_accepts_an_honest_log_and_refuses_a_flipped_byte() {
    let found = foreign::fsck().and_then(|_| foreign::go());
    if or_skip("foreign_smoke (Tessera's fsck)", found).is_none() {
        return;
    }
    let dir = log();
    assert!(fsck(dir.path()).unwrap().contains("size 70000"));
    for (file, at) in [("tile/0/001", 40), ("tile/entries/001", 20), ("checkpoint", 3)] {
        let path = dir.path().join(file);
        flip(&path, at);
        assert!(fsck(dir.path()).is_err(), "a flipped byte in {file} was accepted");
        flip(&path, at);
    }
}

#[test]
fn pymerkle_derives_the_root_that_go_signed() {
    let found = foreign::python().and_then(|_| foreign::go());
    if or_skip("foreign_smoke (pymerkle)", found).is_none() {
        return;
    }
    let dir = log();
    let headers = dir.path().join("headers.jsonl");
    let root = foreign::pymerkle_root(&headers).unwrap();
    assert!(go_check(dir.path()).unwrap().contains(&format!("root {root}\n")), "pymerkle's root is {root}");
    flip(&headers, 1_000);
    assert_ne!(foreign::pymerkle_root(&headers).unwrap(), root);
    fs::write(&headers, "cut short").unwrap();
    assert!(foreign::pymerkle_root(&headers).is_err());
}
