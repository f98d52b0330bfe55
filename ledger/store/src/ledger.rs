//! Reading: everything up to the newest durable checkpoint, and nothing beyond.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use modeltrail_core::keys::KeyBook;
use modeltrail_core::sequencer::LedgerKey;
use modeltrail_core::store::{PositionRow, Store, StoreError};
use modeltrail_core::types::EntryIndex;
use modeltrail_tlog::hash::{NodeHash, RootHash};
use modeltrail_tlog::note::{Note, SignerKey};
use modeltrail_tlog::tile::{FULL_WIDTH, TileId, width_at};
use modeltrail_tlog::tree::{self, Cached, Edge, HashReader, TileCache, TreeSize};

use crate::clock;
use crate::rocks::RocksStore;

/// A kept checkpoint at least every so many entries and so often.
const KEEP_ENTRIES: u64 = 256;
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// Tiles whose nodes are kept for proofs, 16 KiB each: the edge at the sizes that are asked about, and some ways up.
const CACHED_TILES: usize = 64;

/// The newest durable state: a signed checkpoint and what belongs to it.
pub struct Head {
    /// Entries.
    pub size: u64,
    /// The tree's root.
    pub root: RootHash,
    /// The signed checkpoint.
    pub note: Arc<str>,
    /// The tree's partial tiles.
    pub edge: Arc<Edge>,
    /// The ledger's keys.
    pub keys: Arc<Vec<LedgerKey>>,
    /// The producers' keys.
    pub book: Arc<KeyBook>,
    /// The key that governs this size; `None` when open for reading only.
    pub signer: Option<Arc<SignerKey>>,
}

/// What the writer can do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriterStatus {
    /// It writes.
    Running,
    /// The disk is nearly full.
    Paused {
        /// Free bytes.
        free_bytes: u64,
        /// The reserve.
        needed_bytes: u64,
    },
    /// A write failed; a restart is needed.
    Poisoned {
        /// The first failure.
        cause: String,
    },
    /// Opened, or held, for reading only.
    ReadOnly {
        /// Why.
        why: String,
    },
    /// It was told to stop.
    Stopped,
}

struct Published {
    head: Arc<Head>,
    /// The newest checkpoint left the process, or must stay for another reason.
    kept: bool,
    last_kept: (u64, Instant),
    /// Checkpoints that the next seal may drop.
    prune: Vec<u64>,
}

/// The read handle.
pub struct Ledger {
    store: Arc<RocksStore>,
    origin: String,
    clock: String,
    published: Mutex<Published>,
    /// Told when a newer state is durable.
    newer: Condvar,
    status: Mutex<WriterStatus>,
    /// What proofs go through: a tile of a width is the same for ever.
    proofs: TileCache,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole values are swapped under these locks, so a panic elsewhere leaves no half state.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    pub(crate) fn new(store: Arc<RocksStore>, origin: String, clock: String, head: Head, status: WriterStatus) -> Self {
        let last_kept = (head.size, clock::now());
        let published = Published { head: Arc::new(head), kept: true, last_kept, prune: Vec::new() };
        Self {
            store,
            origin,
            clock,
            published: Mutex::new(published),
            newer: Condvar::new(),
            status: Mutex::new(status),
            proofs: TileCache::new(CACHED_TILES),
        }
    }

    /// The ledger's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// `system` or `simulated`.
    #[must_use]
    pub fn clock_kind(&self) -> &str {
        &self.clock
    }

    /// The newest durable state, for use inside the process.
    #[must_use]
    pub fn head(&self) -> Arc<Head> {
        Arc::clone(&locked(&self.published).head)
    }

    /// The newest durable state, to be handed out: its checkpoint is kept for good.
    #[must_use]
    pub fn published(&self) -> Arc<Head> {
        let mut published = locked(&self.published);
        published.kept = true;
        Arc::clone(&published.head)
    }

    /// A newer state is durable. `keep`: its checkpoint leaves the process or is evidence in itself.
    pub(crate) fn publish(&self, head: Head, keep: bool) {
        let mut published = locked(&self.published);
        let old = published.head.size;
        let due =
            old / KEEP_ENTRIES != published.last_kept.0 / KEEP_ENTRIES || published.last_kept.1.elapsed() >= KEEP_EVERY;
        if published.kept || due {
            published.last_kept = (old, clock::now());
        } else {
            published.prune.push(old);
        }
        published.head = Arc::new(head);
        published.kept = keep;
        self.newer.notify_all();
    }

    /// Waits until more than `size` entries are durable, `give_up` is set, or `time` is over. Who sets `give_up` calls [`Ledger::wake`] after it.
    pub(crate) fn wait_beyond(&self, size: u64, give_up: &AtomicBool, time: Duration) {
        let waits = |published: &mut Published| published.head.size <= size && !give_up.load(Ordering::Acquire);
        // What it waited for is asked again by the caller, whatever ended the wait.
        drop(self.newer.wait_timeout_while(locked(&self.published), time, waits));
    }

    /// Lets everybody who waits look again.
    pub(crate) fn wake(&self) {
        // Under the lock: nobody can be between looking and waiting.
        let _published = locked(&self.published);
        self.newer.notify_all();
    }

    pub(crate) fn take_prune(&self) -> Vec<u64> {
        std::mem::take(&mut locked(&self.published).prune)
    }

    /// What the writer can do now.
    #[must_use]
    pub fn status(&self) -> WriterStatus {
        locked(&self.status).clone()
    }

    /// Poisoned and stopped are final.
    pub(crate) fn set_status(&self, new: WriterStatus) {
        let mut status = locked(&self.status);
        if !matches!(*status, WriterStatus::Poisoned { .. } | WriterStatus::Stopped) {
            *status = new;
        }
    }

    /// Nothing more is written by this process: what is outside and what is here disagree.
    pub fn poison(&self, cause: String) {
        tracing::error!(cause, "the writer is poisoned; nothing more is written until a restart");
        self.set_status(WriterStatus::Poisoned { cause });
    }

    /// The store, for scans.
    #[must_use]
    pub fn store(&self) -> &Arc<RocksStore> {
        &self.store
    }

    /// The ledger's keys.
    #[must_use]
    pub fn keys(&self) -> Arc<Vec<LedgerKey>> {
        Arc::clone(&self.head().keys)
    }

    /// The producers' keys.
    #[must_use]
    pub fn key_book(&self) -> Arc<KeyBook> {
        Arc::clone(&self.head().book)
    }

    /// The durable positions of all partitions.
    ///
    /// # Errors
    /// The store can't answer.
    pub fn positions(&self) -> Result<Vec<PositionRow>, StoreError> {
        self.store.positions()
    }

    /// The header bytes of an entry.
    ///
    /// # Errors
    /// The store can't answer.
    pub fn header(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.header(EntryIndex(index))
    }

    /// salt ‖ record of an entry; `None` when it was not kept or is erased.
    ///
    /// # Errors
    /// The store can't answer.
    pub fn opening(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.opening(EntryIndex(index))
    }

    /// Ordinal and entry of a trail's last step.
    ///
    /// # Errors
    /// The store can't answer.
    pub fn trail_head(&self, subject: &str) -> Result<Option<(u64, EntryIndex)>, StoreError> {
        self.store.trail_head(subject)
    }

    /// Up to `limit` entries of a trail from ordinal `from` on.
    ///
    /// # Errors
    /// The store can't answer.
    pub fn trail(&self, subject: &str, from: u64, limit: usize) -> Result<Vec<EntryIndex>, StoreError> {
        self.store.trail(subject, from, limit)
    }

    /// Up to `limit` subjects that start with `prefix` and come after `after`.
    ///
    /// # Errors
    /// The store can't answer.
    pub fn subjects(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        self.store.subjects(prefix, after, limit)
    }

    /// The newest kept checkpoint of at most this size.
    ///
    /// # Errors
    /// The store can't answer.
    pub fn checkpoint_up_to(&self, size: u64) -> Result<Option<(u64, String)>, StoreError> {
        Ok(self.store.checkpoint_up_to(TreeSize::new(size))?.map(|(size, note)| (size.get(), note)))
    }

    /// A tile as C2SP serves it, full or partial, of the newest durable tree; `None` when that tree has no such tile.
    ///
    /// # Errors
    /// The store can't answer.
    pub fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        self.head_tiles().tile_of(id)
    }

    fn head_tiles(&self) -> Tiles {
        Tiles { store: Arc::clone(&self.store), edge: Arc::clone(&self.head().edge) }
    }

    /// The proof that entry `index` is in the tree of `size`.
    ///
    /// # Errors
    /// `size` is beyond the newest durable tree, `index` beyond `size`, or the store can't answer.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<NodeHash>, StoreError> {
        tree::inclusion_proof(&Cached::new(self.head_tiles(), &self.proofs), index, TreeSize::new(size))
            .map_err(|error| proof_error(&error))
    }

    /// The proof that the tree of `new` goes on from the tree of `old`.
    ///
    /// # Errors
    /// As [`Ledger::inclusion`].
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<NodeHash>, StoreError> {
        tree::consistency_proof(&Cached::new(self.head_tiles(), &self.proofs), TreeSize::new(old), TreeSize::new(new))
            .map_err(|error| proof_error(&error))
    }

    /// The root of the tree of `size`.
    ///
    /// # Errors
    /// As [`Ledger::inclusion`].
    pub fn root_at(&self, size: u64) -> Result<RootHash, StoreError> {
        tree::root_at(&self.head_tiles(), TreeSize::new(size)).map_err(|error| proof_error(&error))
    }

    /// Signs a text with the key that governs `head`'s size.
    ///
    /// # Errors
    /// The ledger is open for reading only, or the text can't be a note.
    pub fn sign_note(&self, head: &Head, text: &str) -> Result<String, StoreError> {
        let signer = head.signer.as_ref().ok_or(StoreError::ReadOnly)?;
        let mut note =
            Note::new(text.to_owned()).map_err(|error| StoreError::Io { doing: "sign", detail: error.to_string() })?;
        note.sign(signer);
        Ok(note.to_string())
    }
}

fn proof_error(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Io { doing: "make a proof", detail: error.to_string() }
}

/// Tiles of one durable tree: full ones from the store, partial ones from its edge.
pub(crate) struct Tiles {
    pub(crate) store: Arc<RocksStore>,
    pub(crate) edge: Arc<Edge>,
}

impl Tiles {
    fn tile_of(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        let width = width_at(id.level, id.index, self.edge.size());
        if id.width > width {
            return Ok(None);
        }
        let whole = if width == FULL_WIDTH {
            self.store.tile(id.level, id.index)?
        } else {
            self.edge.partial(id.level).map(|(_, hashes)| hashes)
        };
        let mut hashes =
            whole.ok_or_else(|| StoreError::Damaged { what: id.path(), detail: "the tile is missing".to_owned() })?;
        hashes.truncate(id.byte_len());
        Ok(Some(hashes))
    }
}

impl HashReader for Tiles {
    type Error = StoreError;

    fn tile(&self, id: TileId) -> Result<Vec<u8>, StoreError> {
        self.tile_of(id)?.ok_or_else(|| StoreError::Io {
            doing: "read a tile",
            detail: format!("{} is beyond the newest checkpoint", id.path()),
        })
    }
}
