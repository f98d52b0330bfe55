//! What makes two deliveries of one event the same.
//!
//! SHA-256 over a line that names this use, a class, and what counts in that class. Own events, bare events as JSON, signed
//! events, binary events and everything else are classes of their own, so that no two of different classes are the same: whoever
//! sends an event bare, or with a false signature, before its signed original makes that original a conflict, which is recorded,
//! and never a duplicate, which would be dropped.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::envelope::BinaryAttributes;
use crate::record::RecordView;

const USE: &[u8] = b"modeltrail duplicate comparison v1\n";

/// Of one of the ledger's own events.
pub(super) fn of_own(body: &[u8]) -> [u8; 32] {
    start(b'l').chain_update(body).finalize().into()
}

/// Of an event in JSON as it is: a structured event's body, an element of a batch.
pub(super) fn of_event(bytes: &[u8]) -> [u8; 32] {
    start(b'e').chain_update(bytes).finalize().into()
}

/// Of a DSSE envelope: the set of its (`keyid`, `sig`), both as they stand in it, and its payload.
pub(super) fn of_signed<'a>(signatures: impl Iterator<Item = (&'a str, &'a str)>, payload: &[u8]) -> [u8; 32] {
    let set: BTreeSet<_> = signatures.collect();
    let pairs = set.iter().map(|(keyid, sig)| (keyid.as_bytes(), sig.as_bytes()));
    with_pairs(b'd', pairs, payload)
}

/// Of an event in binary mode: its attributes that are there, sorted by name, and its body. The content type is left aside.
pub(super) fn of_binary(attributes: BinaryAttributes<'_>, body: &[u8]) -> [u8; 32] {
    let sorted: BTreeMap<_, _> = attributes.all().collect();
    let pairs = sorted.iter().map(|(name, value)| (name.as_ref(), value.as_bytes()));
    with_pairs(b'b', pairs, body)
}

/// Of what no event could be read from: all of it.
pub(super) fn of_record(record: &RecordView<'_>) -> [u8; 32] {
    start(b'r').chain_update(record.encode()).finalize().into()
}

/// The pairs, counted and each with its lengths before it, and then the rest to the end: no two inputs give the same bytes.
fn with_pairs<'a>(class: u8, pairs: impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])>, rest: &[u8]) -> [u8; 32] {
    let mut hash = start(class).chain_update(length(pairs.len()));
    for (left, right) in pairs {
        for bytes in [left, right] {
            hash.update(length(bytes.len()));
            hash.update(bytes);
        }
    }
    hash.chain_update(rest).finalize().into()
}

fn start(class: u8) -> Sha256 {
    Sha256::new().chain_update(USE).chain_update([class])
}

fn length(count: usize) -> [u8; 8] {
    (count as u64).to_be_bytes()
}
