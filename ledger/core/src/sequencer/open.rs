//! Opening: what a store holds is put together and compared before anything is added to it.

use std::sync::Arc;

use modeltrail_schemas::time::{Micros, parse_rfc3339};
use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::hash::{LeafHash, leaf_hash};
use modeltrail_tlog::note::{SignerKey, VerifierKey};
use modeltrail_tlog::tree::{Edge, TreeSize};
use serde_json::{Value, json};

use super::overlay::Overlay;
use super::positions::{Partition, PartitionId};
use super::seal::key_id_of;
use super::{SaltSource, Sequencer, SequencerError};
use crate::clock::Clock;
use crate::edge;
use crate::header::EntryHeader;
use crate::keys::{self, KeyBook};
use crate::own_event::own_event;
use crate::store::{SealBatch, Store};
use crate::types::{EntryIndex, Hex32};

/// One of the ledger's own keys.
#[derive(Debug, Clone)]
pub struct LedgerKey {
    /// The tree size from which it governs; 0 for the first.
    pub from: u64,
    /// The key.
    pub key: VerifierKey,
}

/// What a store holds, checked as far as a start demands: newest checkpoint, last header, tiles and keys agree.
pub struct Found {
    /// The ledger's name.
    pub origin: String,
    /// `system` or `simulated`.
    pub clock: String,
    /// The newest checkpoint's note.
    pub note: String,
    /// The newest checkpoint.
    pub checkpoint: Checkpoint,
    /// The tree of that size.
    pub edge: Edge,
    /// The ledger's keys, by the size they govern from.
    pub keys: Vec<LedgerKey>,
    /// The producers' keys.
    pub book: KeyBook,
    /// The writer epoch of the last `ledger.opened`, 0 when there is none.
    pub epoch: u64,
    last: EntryHeader,
    last_leaf: LeafHash,
}

/// Everything a sequencer needs besides a store.
pub struct Opening {
    /// The key that governs the next checkpoint.
    pub signer: Arc<SignerKey>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Fresh random salts.
    pub salts: SaltSource,
}

/// Entries of a trail that are looked at in one go.
const PAGE: usize = 256;

fn contradiction(what: impl Into<String>) -> SequencerError {
    SequencerError::Contradiction { what: what.into() }
}

impl Found {
    /// Reads and compares newest checkpoint, last header, tiles and keys. `Ok(None)`: the store is empty.
    ///
    /// # Errors
    /// [`SequencerError::Contradiction`] names what does not fit what.
    pub fn load<S: Store>(store: &S) -> Result<Option<Self>, SequencerError> {
        let Some((size, note)) = store.checkpoint_up_to(TreeSize::new(u64::MAX))? else {
            return match store.header(EntryIndex(0))? {
                Some(_) => Err(contradiction("there are entries but no checkpoint")),
                None => Ok(None),
            };
        };
        let (last, last_leaf) = last_header(store, size.get())?;
        let edge = edge::rebuild(store, size, contradiction)?;
        let keys = ledger_keys(store)?;
        let (checkpoint, _) = open_checkpoint(&note, &keys)?;
        if checkpoint.size != size || checkpoint.origin != last.origin {
            return Err(contradiction(format!(
                "the checkpoint stored for size {} speaks of size {} of {}",
                size.get(),
                checkpoint.size.get(),
                checkpoint.origin
            )));
        }
        if checkpoint.root != edge.root() {
            return Err(contradiction(format!(
                "the newest checkpoint (size {}) has root {}, but the tiles and headers give {}",
                size.get(),
                checkpoint.root,
                edge.root()
            )));
        }
        let book = key_book(store)?;
        let (_, genesis) =
            own_event(store, EntryIndex(0))?.ok_or_else(|| contradiction("entry 0 is not an own entry"))?;
        let clock = genesis.get("clock").and_then(Value::as_str).unwrap_or_default().to_owned();
        let epoch = last_epoch(store, &checkpoint.origin)?;
        Ok(Some(Self {
            origin: checkpoint.origin.clone(),
            clock,
            note,
            checkpoint,
            edge,
            keys,
            book,
            epoch,
            last,
            last_leaf,
        }))
    }

    /// The time of the last entry.
    #[must_use]
    pub fn last_at(&self) -> Micros {
        parse_rfc3339(&self.last.received.at).unwrap_or(Micros::EPOCH)
    }

    /// The newest of the ledger's keys.
    #[must_use]
    pub fn key(&self) -> Option<&VerifierKey> {
        self.keys.last().map(|key| &key.key)
    }

    /// `{origin, root, size}` of the newest checkpoint, as entries name checkpoints.
    #[must_use]
    pub fn checkpoint_json(&self) -> Value {
        json!({"origin": self.origin, "root": format!("sha256:{}", self.checkpoint.root), "size": self.checkpoint.size.get()})
    }
}

/// The keys that must have signed a checkpoint of `size`: one, or at a rotation two.
#[must_use]
pub fn governing(keys: &[LedgerKey], size: u64) -> Vec<VerifierKey> {
    let newest = keys.iter().rposition(|key| key.from <= size).unwrap_or(0);
    let at_rotation = newest > 0 && keys.get(newest).is_some_and(|key| key.from == size);
    let first = if at_rotation { newest - 1 } else { newest };
    keys.iter().skip(first).take(newest + 1 - first).map(|key| key.key.clone()).collect()
}

/// Opens a checkpoint of the ledger: all keys that govern its size must have signed it.
///
/// # Errors
/// It is none, or a signature is missing or bad.
pub fn open_checkpoint(note: &str, keys: &[LedgerKey]) -> Result<(Checkpoint, u64), SequencerError> {
    let all: Vec<VerifierKey> = keys.iter().map(|key| key.key.clone()).collect();
    let refuse = |error: &dyn std::fmt::Display| contradiction(format!("a checkpoint does not verify: {error}"));
    let (checkpoint, _) = Checkpoint::open(note.as_bytes(), &all).map_err(|error| refuse(&error))?;
    let size = checkpoint.size.get();
    for key in governing(keys, size) {
        Checkpoint::open(note.as_bytes(), std::slice::from_ref(&key)).map_err(|error| refuse(&error))?;
    }
    Ok((checkpoint, size))
}

fn last_header<S: Store>(store: &S, size: u64) -> Result<(EntryHeader, LeafHash), SequencerError> {
    let index = size.checked_sub(1).ok_or_else(|| contradiction("a checkpoint of size 0"))?;
    let bytes = store
        .header(EntryIndex(index))?
        .ok_or_else(|| contradiction(format!("the newest checkpoint has size {size}, but entry {index} is missing")))?;
    if store.header(EntryIndex(size))?.is_some() {
        return Err(contradiction(format!("entry {size} exists, but the newest checkpoint has size {size}")));
    }
    let header = EntryHeader::parse(&bytes).map_err(|error| contradiction(format!("entry {index}: {error}")))?;
    if header.index.get() != index {
        return Err(contradiction(format!("entry {index} says it is entry {}", header.index)));
    }
    Ok((header, leaf_hash(&bytes)))
}

/// All own entries on trails of keys, in order.
fn key_entries<S: Store>(store: &S) -> Result<Vec<EntryIndex>, SequencerError> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let subjects = store.subjects("key/", after.as_deref(), PAGE)?;
        let Some(last) = subjects.last() else { break };
        after = Some(last.clone());
        for subject in &subjects {
            let mut from = 0;
            loop {
                let page = store.trail(subject, from, PAGE)?;
                from += page.len() as u64;
                found.extend_from_slice(&page);
                if page.len() < PAGE {
                    break;
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The ledger's keys: genesis and every rotation.
fn ledger_keys<S: Store>(store: &S) -> Result<Vec<LedgerKey>, SequencerError> {
    let mut keys = Vec::new();
    for index in key_entries(store)? {
        let Some((event_type, data)) = own_event(store, index)? else { continue };
        let from = match event_type.as_str() {
            "modeltrail.ledger.genesis.v1" if index.get() == 0 => 0,
            keys::types::ROTATED => index.get() + 1,
            _ => continue,
        };
        let text = data.get("public_key").and_then(Value::as_str).unwrap_or_default();
        let key = text
            .parse::<VerifierKey>()
            .map_err(|error| contradiction(format!("entry {index} names no verifier key: {error}")))?;
        keys.push(LedgerKey { from, key });
    }
    if keys.first().is_none_or(|key| key.from != 0) {
        return Err(contradiction("entry 0 is not a genesis with a verifier key"));
    }
    Ok(keys)
}

fn key_book<S: Store>(store: &S) -> Result<KeyBook, SequencerError> {
    let mut book = KeyBook::default();
    for index in key_entries(store)? {
        if let Some((event_type, data)) = own_event(store, index)? {
            book.fold(&event_type, &data);
        }
    }
    Ok(book)
}

/// The epoch of the newest `ledger.opened`, looked for backwards on the ledger's own trail.
fn last_epoch<S: Store>(store: &S, origin: &str) -> Result<u64, SequencerError> {
    let trail = format!("ledger/{}", modeltrail_schemas::subject::encode_part(origin));
    let Some((newest, _)) = store.trail_head(&trail)? else { return Ok(0) };
    let mut end = newest + 1;
    while end > 0 {
        let from = end.saturating_sub(PAGE as u64);
        for index in store.trail(&trail, from, usize::try_from(end - from).unwrap_or(PAGE))?.into_iter().rev() {
            match own_event(store, index)? {
                Some((event_type, data)) if event_type == "modeltrail.ledger.opened.v1" => {
                    return Ok(data.get("epoch").and_then(Value::as_u64).unwrap_or(0));
                }
                _ => {}
            }
        }
        end = from;
    }
    Ok(0)
}

impl<S: Store> Sequencer<S> {
    /// A new ledger in an empty store: its batch holds entry 0, the genesis.
    ///
    /// # Errors
    /// The store isn't empty.
    pub fn genesis(store: Arc<S>, origin: &str, opening: Opening, software: &str) -> Result<Self, SequencerError> {
        if Found::load(store.as_ref())?.is_some() {
            return Err(contradiction("the store already holds a ledger"));
        }
        let mut sequencer = Self::at(store, origin.to_owned(), opening, Edge::new(), 0);
        let at = sequencer.clock.now();
        sequencer.last_at = at;
        let verifier = sequencer.signer.verifier().to_string();
        let id = key_id_of(&sequencer.signer);
        let data = json!({"clock": sequencer.clock.kind(), "created_at": at.to_string(), "format": 1, "key_id": id, "origin": origin, "public_key": verifier, "software": software});
        sequencer.own_keys.push(id);
        sequencer.own_at(at, "modeltrail.ledger.genesis.v1", data)?;
        Ok(sequencer)
    }

    /// Goes on with a ledger that was found.
    ///
    /// # Errors
    /// The key isn't the ledger's.
    pub fn open(store: Arc<S>, found: Found, opening: Opening) -> Result<Self, SequencerError> {
        let expected = found.key().map(ToString::to_string).unwrap_or_default();
        let at_hand = opening.signer.verifier().to_string();
        if expected != at_hand {
            return Err(SequencerError::WrongKey { found: at_hand, expected });
        }
        let size = found.checkpoint.size.get();
        let last_at = found.last_at();
        let rows = store.positions()?;
        let mut sequencer = Self::at(store, found.origin, opening, found.edge, size);
        sequencer.prev = Hex32(*found.last_leaf.as_bytes());
        sequencer.last_at = last_at;
        sequencer.book = found.book;
        sequencer.own_keys =
            found.keys.iter().map(|key| keys::key_id(keys::ED25519_TYPE, key.key.public_key())).collect();
        for row in rows {
            let id = PartitionId { source: row.source.clone(), partition: row.partition };
            sequencer.partitions.insert(id, Partition::new(row));
        }
        Ok(sequencer)
    }

    fn at(store: Arc<S>, origin: String, opening: Opening, edge: Edge, size: u64) -> Self {
        Self {
            store,
            clock: opening.clock,
            salts: opening.salts,
            origin,
            signer: opening.signer,
            next_signer: None,
            own_keys: Vec::new(),
            reading: u64::from(modeltrail_schemas::reading::READING),
            next: size,
            prev: Hex32([0; 32]),
            edge,
            book: KeyBook::default(),
            overlay: Overlay::new(size),
            partitions: std::collections::BTreeMap::new(),
            last_at: Micros::EPOCH,
            last_seen: None,
            batch: SealBatch { first: size, ..SealBatch::default() },
            batch_bytes: 0,
            touched: Vec::new(),
        }
    }
}
