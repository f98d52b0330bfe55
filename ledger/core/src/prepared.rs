//! What can be done to a record before it has its place: read it, salt it, commit to it. Pure and parallel.

use modeltrail_schemas::reading::{self, OwnContext, Quarantine, Reading};
use modeltrail_schemas::record::{RecordView, Via};
use modeltrail_schemas::time::Micros;

use crate::types::{Commitment, SALT_BYTES, Salt, id_hash};

/// Records of at most this many bytes are kept, unless configured otherwise.
pub const DEFAULT_RECORD_LIMIT: usize = 1 << 20;
/// The most that can be configured: a record must fit in memory several times over.
pub const MAX_RECORD_LIMIT: usize = 16 << 20;

/// A record that is ready for its place in the ledger.
#[derive(Debug)]
pub struct Prepared {
    /// How it arrived.
    pub via: Via,
    /// salt ‖ record.
    pub opening: Vec<u8>,
    /// What the reading in force makes of it.
    pub reading: Reading,
    /// Its commitment.
    pub commitment: Commitment,
    /// Whether it is stored (it is within the limit).
    pub kept: bool,
    /// The hash of its event id, when it has one.
    pub id: Option<[u8; 32]>,
}

impl Prepared {
    /// Reads and commits to a record that arrived from outside. A record of more than `limit` bytes is only committed to.
    #[must_use]
    pub fn new(via: Via, record: &RecordView<'_>, salt: Salt, limit: usize, origin: &str) -> Self {
        // What arrives from outside needs no index to be read, and the origin only to see who borrows it.
        let outside = OwnContext { origin, received_at: Micros::EPOCH, index: None };
        let kept = record.encoded_len() <= limit;
        let reading =
            if kept { reading::read_view(via, record, &outside) } else { oversize(record.encoded_len(), limit) };
        Self::with_reading(via, record, salt, reading, kept)
    }

    /// Commits to a record whose reading is at hand.
    #[must_use]
    pub fn with_reading(via: Via, record: &RecordView<'_>, salt: Salt, reading: Reading, kept: bool) -> Self {
        let mut opening = Vec::with_capacity(SALT_BYTES + record.encoded_len());
        opening.extend_from_slice(&salt);
        record.encode_to(&mut opening);
        let commitment = Commitment::of(&opening);
        // Own entries are told apart by their index; their ids can collide with nothing.
        let id = reading.event.as_ref().filter(|_| via != Via::Ledger).map(|event| id_hash(&event.source, &event.id));
        Self { via, opening, reading, commitment, kept, id }
    }

    /// The record's bytes, without the salt.
    #[must_use]
    pub fn record_len(&self) -> usize {
        self.opening.len() - SALT_BYTES
    }
}

/// What is said of a record that is over the limit, without looking into it.
fn oversize(found: usize, limit: usize) -> Reading {
    let detail = format!("record has {found} bytes, more than the limit of {limit}");
    Reading::unread(Quarantine::Oversize, detail)
}
