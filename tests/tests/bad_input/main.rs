//! Bad input, over a real Kafka and over HTTP: each ends as it should, with words that name the fault; later good events
//! arrive; nothing is lost.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod cases;
mod http;
mod kafka;

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeltrail_tests::System;
use modeltrail_tests::system::ORIGIN;
use serde_json::{Value, json};

/// The default limit of a record: one byte of body more is too much, whatever comes with it.
const RECORD_LIMIT: usize = 1 << 20;
/// How many garbled records or requests follow one another.
const IN_A_ROW: u64 = 10_000;

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "bad-input", "type": "com.example.tried", "subject": "model/m@1", "data": {"n": 1}})
}

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// An event with members changed.
fn changed(id: &str, members: &Value) -> Vec<u8> {
    let mut event = event(id);
    let object = event.as_object_mut().unwrap();
    object.extend(members.as_object().unwrap().clone());
    text(&event)
}

/// A good event of so many bytes.
fn sized(id: &str, bytes: usize) -> Vec<u8> {
    let empty = changed(id, &json!({"data": {"text": ""}})).len();
    changed(id, &json!({"data": {"text": "x".repeat(bytes - empty)}}))
}

fn deep() -> Vec<u8> {
    let mut body = br#"{"specversion":"1.0","id":"deep","source":"s","type":"com.example.tried","data":"#.to_vec();
    body.extend(std::iter::repeat_n(b'[', 5_000));
    body
}

/// Signed events: what came of each is in its header, whatever it is.
struct Signed {
    good: Vec<u8>,
    forged: Vec<u8>,
    unknown: Vec<u8>,
    elsewhere: Vec<u8>,
    beyond: Vec<u8>,
}

fn key(system: &System, name: &str) -> (String, String) {
    let path = system.path(name);
    let made = system.modeltrail(["keygen".as_ref(), "--json".as_ref(), "-o".as_ref(), path.as_os_str()]).unwrap();
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    (path.display().to_string(), made["public_key"].as_str().unwrap().to_owned())
}

fn sign(system: &System, key: &str, origin: &str, event: &[u8]) -> Vec<u8> {
    let file = system.path("to-sign.json");
    fs::write(&file, event).unwrap();
    let file = file.display().to_string();
    let signed = system.modeltrail(["sign", &file, "--producer-key", key, "--origin", origin]).unwrap();
    assert!(signed.status.success(), "{}", signed.text());
    signed.stdout.into_bytes()
}

/// The same events over Kafka and over HTTP differ in `prefix`.
fn signed(system: &System, known: &str, unknown: &str, prefix: &str) -> Signed {
    let named = |name: &str| text(&event(&format!("{prefix}-{name}")));
    let mut envelope: Value = serde_json::from_slice(&sign(system, known, ORIGIN, &named("forged"))).unwrap();
    let sig = &mut envelope["signatures"][0]["sig"];
    let mut bytes = STANDARD.decode(sig.as_str().unwrap()).unwrap();
    bytes[7] ^= 1;
    *sig = STANDARD.encode(bytes).into();
    let beyond = changed(&format!("{prefix}-beyond"), &json!({"subject": "dataset/d@1"}));
    Signed {
        good: sign(system, known, ORIGIN, &named("signed")),
        forged: text(&envelope),
        unknown: sign(system, unknown, ORIGIN, &named("unknown")),
        elsewhere: sign(system, known, "example.com/other", &named("elsewhere")),
        beyond: sign(system, known, ORIGIN, &beyond),
    }
}

/// A registered key that may speak about models only, and one that nobody registered.
fn keys(system: &System) -> (String, String) {
    let ((known, public), (unknown, _)) = (key(system, "known.key"), key(system, "unknown.key"));
    let registered = system
        .modeltraild([
            "producer",
            "register",
            "--public-key",
            &public,
            "--type",
            "com.example.*",
            "--subject",
            "model/*",
        ])
        .unwrap();
    assert!(registered.status.success(), "{}", registered.text());
    (known, unknown)
}
