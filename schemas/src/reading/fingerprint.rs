//! What makes two deliveries of one event the same.
//!
//! SHA-256 over a line that names this use, a class, and what counts in that class. Own events, events as JSON (bare or as a
//! DSSE payload), binary events and everything else are classes of their own, so that no two of different classes are the same.

use sha2::{Digest, Sha256};

use crate::envelope::BinaryAttributes;
use crate::record::RecordView;

const USE: &[u8] = b"modeltrail duplicate comparison v1\n";

/// Of one of the ledger's own events.
pub(super) fn of_own(body: &[u8]) -> [u8; 32] {
    start(b'l').chain_update(body).finalize().into()
}

/// Of an event in JSON: a structured event's body, an element of a batch, a DSSE envelope's payload.
pub(super) fn of_event(bytes: &[u8]) -> [u8; 32] {
    start(b'e').chain_update(bytes).finalize().into()
}

/// Of an event in binary mode: its attributes without their prefix, in lower case and sorted by name, and its body. The content
/// type's text is left aside.
pub(super) fn of_binary(attributes: BinaryAttributes<'_>, body: &[u8]) -> [u8; 32] {
    let mut sorted: Vec<_> = attributes
        .all()
        .map(|(name, value)| {
            (
                name.to_ascii_lowercase(),
                attributes.decoded(value).unwrap_or(value.into()),
            )
        })
        .collect();
    // Stable, so that values of one name stay in order of arrival.
    sorted.sort_by(|(name, _), (other, _)| name.cmp(other));
    let mut hash = start(b'b');
    hash.update(length(sorted.len()));
    for (name, value) in &sorted {
        for bytes in [name.as_slice(), value] {
            hash.update(length(bytes.len()));
            hash.update(bytes);
        }
    }
    hash.update(body);
    hash.finalize().into()
}

/// Of what no event could be read from: all of it.
pub(super) fn of_record(record: &RecordView<'_>) -> [u8; 32] {
    start(b'r').chain_update(record.encode()).finalize().into()
}

fn start(class: u8) -> Sha256 {
    Sha256::new().chain_update(USE).chain_update([class])
}

fn length(count: usize) -> [u8; 8] {
    (count as u64).to_be_bytes()
}
