//! What an export asks a ledger, and the answer of any [`Store`].

use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::note::Note;
use modeltrail_tlog::tile::TileId;
use modeltrail_tlog::tree::{Edge, HashReader, TreeSize};

use crate::edge;
use crate::store::{Store, StoreError};
use crate::types::EntryIndex;

/// A ledger as it stands at one signed checkpoint. Nothing after it is seen.
pub trait LedgerRead {
    /// Why it can't answer.
    type Error: std::error::Error + Send + Sync + 'static;
    /// Hands out the tiles of the tree.
    type Tiles: HashReader<Error = Self::Error>;

    /// The ledger's name.
    fn origin(&self) -> &str;
    /// The size of the tree that the checkpoint signs; at least 1.
    fn size(&self) -> TreeSize;
    /// The checkpoint of exactly that size, a signed note.
    fn checkpoint(&self) -> &str;
    /// The tiles of the tree of that size.
    fn tiles(&self) -> &Self::Tiles;
    /// The header bytes of an entry below the size.
    ///
    /// # Errors
    /// The store can't answer, or the entry is missing.
    fn header(&self, index: EntryIndex) -> Result<Vec<u8>, Self::Error>;
    /// salt ‖ record of an entry; `None` when it was not kept or was erased.
    ///
    /// # Errors
    /// The store can't answer.
    fn opening(&self, index: EntryIndex) -> Result<Option<Vec<u8>>, Self::Error>;
    /// Up to `limit` entries of a trail from ordinal `from` on, in order. Entries at or above the size may be among them; callers leave them out.
    ///
    /// # Errors
    /// The store can't answer.
    fn trail(&self, subject: &str, from: u64, limit: usize) -> Result<Vec<EntryIndex>, Self::Error>;
    /// The kept checkpoint of exactly this size.
    ///
    /// # Errors
    /// The store can't answer.
    fn checkpoint_of(&self, size: TreeSize) -> Result<Option<String>, Self::Error>;
}

/// A [`Store`] at its newest checkpoint, or at an earlier one.
pub struct StoreView<'a, S> {
    store: &'a S,
    checkpoint: Checkpoint,
    note: String,
    tiles: StoreTiles<'a, S>,
}

/// The tiles of a [`Store`]: full ones as stored, the partial ones of one size from the edge of the tree.
pub struct StoreTiles<'a, S> {
    store: &'a S,
    edge: Edge,
}

/// Why a store can't be read as a ledger.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The store can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no checkpoint: the ledger was never begun.
    #[error("the ledger has no checkpoint of size {wanted} or before")]
    Empty {
        /// The size asked for.
        wanted: u64,
    },
    /// What is stored contradicts itself.
    #[error("the ledger contradicts itself: {what}; run `modeltraild fsck`")]
    Contradiction {
        /// What contradicts what.
        what: String,
    },
}

impl<'a, S: Store> StoreView<'a, S> {
    /// The ledger at its newest kept checkpoint of at most `size`; [`TreeSize`]`(u64::MAX)` for the newest of all.
    ///
    /// # Errors
    /// There is no such checkpoint, or tiles and checkpoint contradict each other.
    pub fn new(store: &'a S, size: TreeSize) -> Result<Self, ViewError> {
        let (size, note) = store.checkpoint_up_to(size)?.ok_or(ViewError::Empty { wanted: size.get() })?;
        let contradiction = |what: String| ViewError::Contradiction { what };
        let text =
            Note::parse(note.as_bytes()).map_err(|error| contradiction(format!("checkpoint {size}: {error}")))?.text;
        let checkpoint =
            Checkpoint::parse_text(&text).map_err(|error| contradiction(format!("checkpoint {size}: {error}")))?;
        let edge = edge::rebuild(store, size, contradiction)?;
        if checkpoint.size != size || edge.root() != checkpoint.root {
            return Err(contradiction(format!("the tiles give another root than the checkpoint of size {size}")));
        }
        Ok(Self { store, checkpoint, note, tiles: StoreTiles { store, edge } })
    }

    /// The checkpoint that this view stands at.
    #[must_use]
    pub fn head(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

impl<S: Store> HashReader for StoreTiles<'_, S> {
    type Error = ViewError;

    fn tile(&self, id: TileId) -> Result<Vec<u8>, ViewError> {
        let stored = self.store.tile(id.level, id.index)?;
        let bytes = match stored {
            Some(bytes) => Some(bytes),
            None => {
                self.edge.partial(id.level).filter(|(partial, _)| partial.index == id.index).map(|(_, bytes)| bytes)
            }
        };
        let wanted = id.byte_len();
        match bytes {
            Some(mut bytes) if bytes.len() >= wanted => {
                bytes.truncate(wanted);
                Ok(bytes)
            }
            _ => Err(ViewError::Contradiction { what: format!("{} is missing or too short", id.path()) }),
        }
    }
}

impl<'a, S: Store> LedgerRead for StoreView<'a, S> {
    type Error = ViewError;
    type Tiles = StoreTiles<'a, S>;

    fn origin(&self) -> &str {
        &self.checkpoint.origin
    }

    fn size(&self) -> TreeSize {
        self.checkpoint.size
    }

    fn checkpoint(&self) -> &str {
        &self.note
    }

    fn tiles(&self) -> &StoreTiles<'a, S> {
        &self.tiles
    }

    fn header(&self, index: EntryIndex) -> Result<Vec<u8>, ViewError> {
        self.store.header(index)?.ok_or_else(|| ViewError::Contradiction { what: format!("entry {index} is missing") })
    }

    fn opening(&self, index: EntryIndex) -> Result<Option<Vec<u8>>, ViewError> {
        Ok(self.store.opening(index)?)
    }

    fn trail(&self, subject: &str, from: u64, limit: usize) -> Result<Vec<EntryIndex>, ViewError> {
        Ok(self.store.trail(subject, from, limit)?)
    }

    fn checkpoint_of(&self, size: TreeSize) -> Result<Option<String>, ViewError> {
        Ok(self.store.checkpoint(size)?)
    }
}
