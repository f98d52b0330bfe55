//! What the ledger needs of a store, and the one batch it writes.

use std::ops::ControlFlow;

use modeltrail_tlog::tile::TileId;
use modeltrail_tlog::tree::TreeSize;
use serde::{Deserialize, Serialize};

use crate::types::EntryIndex;

/// One entry of a seal.
#[derive(Clone, Debug)]
pub struct SealedEntry {
    /// The canonical header.
    pub header: Vec<u8>,
    /// salt ‖ record; `None` when the record was not kept.
    pub opening: Option<Vec<u8>>,
}

/// Everything that one seal makes durable, in one atomic write.
#[derive(Clone, Debug, Default)]
pub struct SealBatch {
    /// The index of the first entry.
    pub first: u64,
    /// The entries, contiguous from `first`.
    pub entries: Vec<SealedEntry>,
    /// Event ids: [`crate::types::id_hash`] → the entry that answers for it. A row may replace that of a quarantined entry.
    pub ids: Vec<([u8; 32], EntryIndex)>,
    /// Trail rows: subject, ordinal → entry.
    pub trails: Vec<(String, u64, EntryIndex)>,
    /// Tiles that became full.
    pub tiles: Vec<(TileId, Vec<u8>)>,
    /// Source positions after this seal, for the partitions it touched.
    pub positions: Vec<PositionRow>,
    /// The tree size after this seal.
    pub size: u64,
    /// The signed checkpoint of that size.
    pub checkpoint: String,
    /// This checkpoint is evidence of a key rotation and stays.
    pub keep_checkpoint: bool,
    /// Earlier checkpoints that never left the process and need not be kept.
    pub drop_checkpoints: Vec<u64>,
}

/// Where reading of one partition goes on, stored in the same write as the entries it gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionRow {
    /// The configured source.
    pub source: String,
    /// The partition.
    pub partition: u32,
    /// Counts re-basings, from 1.
    pub generation: u64,
    /// The next position to be covered.
    pub next: u64,
    /// Identity of the cluster when last checked.
    pub cluster: String,
    /// The topic.
    pub topic: String,
    /// The topic's id, or `unknown` where the broker gives none.
    pub topic_id: String,
    /// The leader epoch of the last record, −1 when unknown.
    pub leader_epoch: i32,
    /// Why reading stopped, until it is re-based.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<String>,
    /// The source was removed from the configuration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// Why a store could not answer or write.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Reading or writing failed below.
    #[error("store could not {doing}: {detail}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the layer below says.
        detail: String,
    },
    /// What was read can't be right.
    #[error("store row is damaged ({what}): {detail}")]
    Damaged {
        /// Which row.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// An earlier write failed: what is on disk is in doubt, so nothing more is written. Reads go on.
    #[error(
        "the writer is poisoned since a write failed ({cause}); nothing more is written until modeltraild is restarted"
    )]
    Poisoned {
        /// The first failure.
        cause: String,
    },
    /// Opened without the right to write.
    #[error("the store is open for reading only")]
    ReadOnly,
}

/// Is shown rows by index until it breaks.
pub type VisitRow<'v> = &'v mut dyn FnMut(EntryIndex, &[u8]) -> ControlFlow<()>;
/// Is shown event ids until it breaks.
pub type VisitId<'v> = &'v mut dyn FnMut(&[u8], EntryIndex) -> ControlFlow<()>;
/// Is shown trail rows until it breaks: subject, ordinal, entry.
pub type VisitTrail<'v> = &'v mut dyn FnMut(&str, u64, EntryIndex) -> ControlFlow<()>;
/// Is shown tiles until it breaks: level, index, hashes.
pub type VisitTile<'v> = &'v mut dyn FnMut(u8, u64, &[u8]) -> ControlFlow<()>;
/// Is shown checkpoints until it breaks.
pub type VisitCheckpoint<'v> = &'v mut dyn FnMut(TreeSize, &str) -> ControlFlow<()>;

/// The log, durable. Reads see everything sealed so far and nothing else.
pub trait Store: Send + Sync {
    /// Writes one seal. MUST be atomic over all rows, and durable (synced) when it returns `Ok`.
    /// MUST NOT be called again after an error: the caller poisons itself.
    ///
    /// # Errors
    /// Any failure; then it is unknown whether the batch survived.
    fn seal(&self, batch: &SealBatch) -> Result<(), StoreError>;
    /// The header bytes of an entry.
    fn header(&self, index: EntryIndex) -> Result<Option<Vec<u8>>, StoreError>;
    /// salt ‖ record of an entry; `None` when not kept or erased.
    fn opening(&self, index: EntryIndex) -> Result<Option<Vec<u8>>, StoreError>;
    /// The entry that answers for an event id.
    fn id(&self, hash: &[u8; 32]) -> Result<Option<EntryIndex>, StoreError>;
    /// The last step of a trail: its ordinal and entry.
    fn trail_head(&self, subject: &str) -> Result<Option<(u64, EntryIndex)>, StoreError>;
    /// Up to `limit` entries of a trail from ordinal `from` on.
    fn trail(&self, subject: &str, from: u64, limit: usize) -> Result<Vec<EntryIndex>, StoreError>;
    /// Up to `limit` subjects that start with `prefix` and come after `after`, in byte order.
    fn subjects(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError>;
    /// A full tile: 256 hashes.
    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError>;
    /// The kept checkpoint of exactly this size.
    fn checkpoint(&self, size: TreeSize) -> Result<Option<String>, StoreError>;
    /// The newest kept checkpoint of at most this size.
    fn checkpoint_up_to(&self, size: TreeSize) -> Result<Option<(TreeSize, String)>, StoreError>;
    /// All partitions' positions.
    fn positions(&self) -> Result<Vec<PositionRow>, StoreError>;
    /// Visits headers in order from `from`.
    fn scan_headers(&self, from: EntryIndex, visit: VisitRow<'_>) -> Result<(), StoreError>;
    /// Visits openings (salt ‖ record) in order from `from`.
    fn scan_openings(&self, from: EntryIndex, visit: VisitRow<'_>) -> Result<(), StoreError>;
    /// Visits event ids in any order.
    fn scan_ids(&self, visit: VisitId<'_>) -> Result<(), StoreError>;
    /// Visits trail rows by subject and ordinal.
    fn scan_trails(&self, visit: VisitTrail<'_>) -> Result<(), StoreError>;
    /// Visits full tiles by level and index.
    fn scan_tiles(&self, visit: VisitTile<'_>) -> Result<(), StoreError>;
    /// Visits kept checkpoints by size.
    fn scan_checkpoints(&self, visit: VisitCheckpoint<'_>) -> Result<(), StoreError>;
}
