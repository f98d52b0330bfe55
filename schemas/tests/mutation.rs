//! The fuzz targets over a corpus with deterministic mutations, so that every run of the suite breaks the parsers a little.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

#[path = "../fuzz/targets.rs"]
mod targets;

use std::fs;
use std::path::Path;

use modeltrail_schemas::dsse::{Envelope, Signature};
use modeltrail_schemas::record::{Record, TimestampType};

/// Mutations of each target's corpus: some seconds in all.
const ROUNDS: usize = 20_000;

/// xorshift64*: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % end.max(1)
    }
}

/// Pieces that parsers stumble over.
const PIECES: [&[u8]; 20] = [
    b"\"",
    b"\\",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"\"\"",
    b"-0",
    b"1e400",
    b"9007199254740992",
    b"@",
    b"/",
    b"%40",
    b"\xff",
    b"\0",
    b"\xff\xff\xff\xff",
];

fn mutated(seed: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(8)).min(bytes.len());
        match numbers.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(at..end, std::iter::empty())),
            2 => drop(bytes.splice(at..end, PIECES[numbers.below(PIECES.len())].iter().copied())),
            3 => drop(bytes.splice(at..at, PIECES[numbers.below(PIECES.len())].iter().copied())),
            4 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            5 => bytes[at.min(seed.len().min(end))..].reverse(),
            _ if at < bytes.len() => bytes[at] = numbers.next().to_le_bytes()[0],
            _ => bytes.extend_from_slice(&other[..numbers.below(other.len() + 1)]),
        }
    }
    bytes
}

/// Runs a target over its corpus, untouched and mutated; both answers have to come up, or the corpus is worth nothing.
fn run(target: fn(&[u8]) -> bool, corpus: &[Vec<u8>]) {
    assert!(corpus.iter().all(|seed| target(seed)), "every seed is accepted as it is");
    let mut numbers = Numbers(0x6d6f_6465_6c74_7261);
    let mut accepted = 0;
    for _ in 0..ROUNDS {
        let (seed, other) = (numbers.below(corpus.len()), numbers.below(corpus.len()));
        accepted += usize::from(target(&mutated(&corpus[seed], &corpus[other], &mut numbers)));
    }
    assert!(accepted > ROUNDS / 200, "only {accepted} of {ROUNDS} mutations were accepted");
    assert!(accepted < ROUNDS - ROUNDS / 200, "only {} of {ROUNDS} mutations were refused", ROUNDS - accepted);
}

fn examples() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(".example.json")).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// An event of an outside type among the examples, so that it isn't quarantined.
fn outside_examples() -> Vec<Vec<u8>> {
    let own = ["ledger", "key", "source", "ingest", "export", "report", "access", "record"];
    let is_own = |event: &[u8]| {
        let text = String::from_utf8_lossy(event).into_owned();
        own.iter().any(|group| text.contains(&format!("\"modeltrail.{group}.")))
    };
    examples().into_iter().filter(|event| !is_own(event)).collect()
}

fn signed(payload: Vec<u8>) -> Vec<u8> {
    let signature = Signature { keyid: "00".repeat(32), sig: vec![7; 64] };
    Envelope { payload_type: "application/cloudevents+json".to_owned(), payload, signatures: vec![signature] }.to_json()
}

#[test]
fn json_survives_mutation() {
    let more =
        [r#"["\ud83d\ude00\n",-1.5e-3,{"a":{"b":[]}},true,null]"#, "0", "\"\""].map(|text| text.as_bytes().to_vec());
    run(targets::json, &[examples(), more.to_vec()].concat());
}

#[test]
fn batches_survive_mutation() {
    let events = examples();
    let batch = |events: &[Vec<u8>]| [b"[".as_slice(), &events.join(b" , ".as_slice()), b"]"].concat();
    run(targets::batch, &[batch(&[]), batch(&events[..1]), batch(&events[1..4]), b"[1,[],{}]".to_vec()]);
}

#[test]
fn records_survive_mutation() {
    let headers = [("content-type", Some("application/cloudevents+json")), ("ce_id", Some("1")), ("x", None)];
    let kafka = |body: Option<&[u8]>| {
        Record::kafka(Some(b"k"), Some(5), TimestampType::Create, &headers, body).unwrap().encode()
    };
    let events = outside_examples();
    let mut corpus =
        vec![kafka(None), kafka(Some(b"")), Record::ledger(b"{\"data\":{},\"type\":\"t\"}".to_vec()).encode()];
    for event in &events[..6] {
        corpus.push(kafka(Some(event)));
        corpus.push(
            Record::http(Some((0, 2)), &[("Content-Type", "application/json"), ("ce-id", "1")], event)
                .unwrap()
                .encode(),
        );
    }
    run(targets::record, &corpus);
}

#[test]
fn readings_survive_mutation() {
    let chosen = |choice: u8, body: &[u8]| [&[choice], body].concat();
    let mut corpus = Vec::new();
    for event in outside_examples() {
        corpus.push(chosen(0, &event));
        corpus.push(chosen(3, &event));
        corpus.push(chosen(2, &signed(event)));
    }
    corpus.push(chosen(1, b"\"model/x@1\""));
    run(targets::reading, &corpus);
}

#[test]
fn envelopes_survive_mutation() {
    run(targets::envelope, &examples());
}

#[test]
fn dsse_envelopes_survive_mutation() {
    let corpus: Vec<_> = examples().into_iter().take(8).map(signed).collect();
    run(targets::dsse, &corpus);
}

#[test]
fn subjects_survive_mutation() {
    let corpus = [
        "model/risk/fraud@2.1.0",
        "dataset/s3:claims/2026%2Fq3.parquet@sha256:00ff",
        "party/%C3%A9",
        "key/x",
        "run/a/b",
    ];
    run(targets::subject, &corpus.map(|text| text.as_bytes().to_vec()));
}

#[test]
fn templates_survive_mutation() {
    let corpus = [
        "model/{namespace?}/{name}@{version|digest?}\n{\"name\":\"x\",\"version\":\"1\",\"namespace\":\"\"}",
        "{about}\n{\"about\":{\"kind\":\"artifact\",\"digest\":\"d\",\"name\":\"n\"}}",
        "code/{repository}/{path|\".\"}@{commit?}\n{\"repository\":\"r\"}",
        "{.}\n\"model/x@1\"",
        "ledger/{$source}",
        "run/{run.source}/{run.id}\n{\"run\":{\"source\":\"s\",\"id\":\"1\"}}",
    ];
    run(targets::template, &corpus.map(|text| text.as_bytes().to_vec()));
}

#[test]
fn times_survive_mutation() {
    let corpus =
        ["2026-11-23T08:20:11.123456789+01:00", "2016-12-31T23:59:59.000000000000001Z", "0001-01-01T00:00:00.1-11:30"];
    run(targets::time, &corpus.map(|text| text.as_bytes().to_vec()));
}
