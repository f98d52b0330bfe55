//! Closing a batch: root, signature, hand-over.

use std::sync::Arc;

use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::note::SignerKey;
use modeltrail_tlog::tree::TreeSize;
use serde_json::json;

use super::{Sequencer, SequencerError};
use crate::keys::{self, ED25519_TYPE};
use crate::store::{SealBatch, Store};
use crate::types::{EntryIndex, Hex32};

/// Why the ledger's key gives way to another.
#[derive(Debug, Clone, Copy)]
pub enum Rotation {
    /// As planned.
    Scheduled,
    /// Because those who operate it change.
    OperatorChange,
}

impl Rotation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::OperatorChange => "operator_change",
        }
    }
}

impl<S: Store> Sequencer<S> {
    /// Closes the batch: everything in it is covered by the checkpoint that this signs. `None` when there is nothing in it.
    ///
    /// The batch is not durable yet. The caller writes it with [`Store::seal`] and only then acknowledges anything in it.
    pub fn finish(&mut self) -> Option<SealBatch> {
        if self.batch.entries.is_empty() {
            return None;
        }
        let size = self.next;
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: TreeSize::new(size), root: self.edge.root() };
        let keep = self.next_signer.is_some();
        let mut signers = vec![Arc::clone(&self.signer)];
        // The one checkpoint that both keys sign: the rotation is its last entry.
        signers.extend(self.next_signer.take());
        let note = checkpoint
            .sign(&signers.iter().map(Arc::as_ref).collect::<Vec<_>>())
            .expect("a ledger's keys carry its origin as their name");
        if let Some(newest) = signers.pop() {
            self.signer = newest;
        }
        self.overlay.close(size);
        self.batch_bytes = 0;
        let positions = self.position_rows();
        let batch = std::mem::replace(&mut self.batch, SealBatch { first: size, ..SealBatch::default() });
        Some(SealBatch { positions, size, checkpoint: note.to_string(), keep_checkpoint: keep, ..batch })
    }

    /// Signs any text with the key that governs checkpoints of the present size.
    #[must_use]
    pub fn signer(&self) -> &Arc<SignerKey> {
        &self.signer
    }

    /// Rotates the ledger's key. The entry is the last of its batch: the caller closes the batch at once ([`Sequencer::full`] says so).
    ///
    /// # Errors
    /// The new key is a producer's or was the ledger's before; or as [`Sequencer::own`].
    pub fn rotate(&mut self, new: Arc<SignerKey>, why: Rotation) -> Result<EntryIndex, SequencerError> {
        let verifier = new.verifier();
        let id = key_id_of(&new);
        if self.book.get(&id).is_some() || self.own_keys.contains(&id) {
            return Err(keys::KeyError::Known { key: id }.into());
        }
        let data =
            json!({"new": id, "old": key_id_of(&self.signer), "public_key": verifier.to_string(), "why": why.as_str()});
        let index = self.own(keys::types::ROTATED, data)?;
        self.own_keys.push(id);
        self.next_signer = Some(new);
        Ok(index)
    }
}

pub(super) fn key_id_of(signer: &SignerKey) -> Hex32 {
    keys::key_id(ED25519_TYPE, signer.verifier().public_key())
}
