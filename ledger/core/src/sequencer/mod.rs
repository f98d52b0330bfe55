//! The pure part of the writer: decides duplicates and conflicts, numbers and links entries, and closes a batch with a signed checkpoint.
//!
//! There is one sequencer for a ledger and it is owned by one thread. It never writes: [`Sequencer::finish`] hands out a [`SealBatch`] that the caller
//! makes durable. Until the caller reports that with [`Sequencer::synced`], everything in the batch stays in the overlay, so that decisions are made
//! against the store *and* all that is not yet synced.

mod admit;
mod open;
mod overlay;
mod own;
mod positions;
mod seal;

use std::collections::BTreeMap;
use std::sync::Arc;

use modeltrail_schemas::time::Micros;
use modeltrail_tlog::note::SignerKey;
use modeltrail_tlog::tree::Edge;

use crate::clock::Clock;
use crate::keys::KeyBook;
use crate::store::{SealBatch, Store, StoreError};
use crate::types::{EntryIndex, Hex32, Salt};

pub use admit::{Arrival, Outcome};
pub use open::{Found, LedgerKey, Opening, governing, open_checkpoint};
pub use own::After;
pub use positions::{Halt, NewPartition, Partition, PartitionId};
pub use seal::Rotation;

use overlay::Overlay;

/// A batch is closed at this many entries, so that a seal stays short.
pub const MAX_SEAL_ENTRIES: usize = 1_024;
/// A batch is closed at this many bytes, for the same reason.
pub const MAX_SEAL_BYTES: usize = 4 << 20;

/// Why the sequencer could not go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SequencerError {
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store holds contradicts itself.
    #[error("the ledger contradicts itself: {what}; run `modeltraild fsck`")]
    Contradiction {
        /// What contradicts what.
        what: String,
    },
    /// The key at hand is not the one that governs the ledger's next checkpoint.
    #[error("the signing key {found} is not the ledger's, {expected}")]
    WrongKey {
        /// The key's verifier key.
        found: String,
        /// The one that governs.
        expected: String,
    },
    /// A command names a partition that isn't open, or in another state.
    #[error("source {source_name} partition {partition}: {fault}")]
    Partition {
        /// The source.
        source_name: String,
        /// The partition.
        partition: u32,
        /// What is wrong.
        fault: &'static str,
    },
    /// A key command can't be carried out.
    #[error(transparent)]
    Key(#[from] crate::keys::KeyError),
    /// The ledger's own event breaks the ledger's own schema: refused before it is written.
    #[error("own event {event_type} breaks its schema: {detail}")]
    OwnEvent {
        /// The type.
        event_type: String,
        /// The first violation.
        detail: String,
    },
}

/// Draws 16 fresh random bytes.
pub type SaltSource = Box<dyn FnMut() -> Salt + Send>;

/// The state of the one writer.
pub struct Sequencer<S> {
    store: Arc<S>,
    clock: Arc<dyn Clock>,
    salts: SaltSource,
    origin: String,
    signer: Arc<SignerKey>,
    /// Set by a rotation until the checkpoint that both keys sign is closed.
    next_signer: Option<Arc<SignerKey>>,
    /// Key ids that were ever the ledger's own.
    own_keys: Vec<Hex32>,
    reading: u64,

    /// The index of the next entry.
    next: u64,
    /// The leaf hash of the last entry.
    prev: Hex32,
    edge: Edge,
    book: KeyBook,
    overlay: Overlay,
    partitions: BTreeMap<PartitionId, Partition>,

    /// `received.at` of the last entry.
    last_at: Micros,
    /// Wall and monotonic clock when the last entry was made, to see steps.
    last_seen: Option<(Micros, i64)>,

    batch: SealBatch,
    batch_bytes: usize,
    touched: Vec<PartitionId>,
}

impl<S: Store> Sequencer<S> {
    /// The ledger's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The index that the next entry gets.
    #[must_use]
    pub fn next_index(&self) -> EntryIndex {
        EntryIndex(self.next)
    }

    /// Entries in the batch that is being built.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.batch.entries.len()
    }

    /// Whether the batch should be closed before more goes in.
    #[must_use]
    pub fn full(&self) -> bool {
        self.batch.entries.len() >= MAX_SEAL_ENTRIES || self.batch_bytes >= MAX_SEAL_BYTES || self.next_signer.is_some()
    }

    /// The producers' keys as they stand.
    #[must_use]
    pub fn key_book(&self) -> &KeyBook {
        &self.book
    }

    /// The verifier key that governs the next checkpoint.
    #[must_use]
    pub fn verifier(&self) -> String {
        self.signer.verifier().to_string()
    }

    /// The tree as it will be after the batch that is being built.
    #[must_use]
    pub fn edge(&self) -> &Edge {
        &self.edge
    }

    /// Tells that all entries below `size` are durable, so that the overlay may let go of them.
    pub fn synced(&mut self, size: u64) {
        self.overlay.synced(size);
    }
}
