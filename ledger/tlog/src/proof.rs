//! Checking inclusion and consistency proofs (RFC 9162 sections 2.1.3.2 and 2.1.4.2; the proofs are
//! those of RFC 6962).
//!
//! Proofs are not trusted: whoever can write one can at most make a check fail. Sizes and roots must
//! come from a verified checkpoint, as a proof alone doesn't bind the size of its tree.

use crate::hash::{LeafHash, NodeHash, RootHash, empty_root, node_hash};
use crate::tree::TreeSize;

/// Most hashes in a proof, as C2SP tlog-witness and tlog-mirror limit it: enough for 2^62 entries.
pub const MAX_PROOF_HASHES: usize = 63;

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The tree has no entry of that index.
    #[error("index {index} is outside a tree of {size} entries")]
    IndexOutside {
        /// The index asked about.
        index: u64,
        /// Entries in the tree.
        size: u64,
    },
    /// The older tree is the larger one.
    #[error("the older tree has {old} entries, more than the newer with {new}")]
    SizesReversed {
        /// Entries in the older tree.
        old: u64,
        /// Entries in the newer tree.
        new: u64,
    },
    /// The proof has another number of hashes than its sizes demand.
    #[error("the proof has {hashes} hashes, which is not what these sizes demand")]
    Length {
        /// Hashes in the proof.
        hashes: usize,
    },
    /// The proof leads to another root than the one given.
    #[error("the proof leads to root {computed}, not to {expected}")]
    RootMismatch {
        /// The root that was to be reached.
        expected: RootHash,
        /// The root that the proof leads to.
        computed: RootHash,
    },
    /// A consistency proof leads to another root of the older tree than the one given.
    #[error("the proof leads to older root {computed}, not to {expected}: history was changed")]
    OldRootMismatch {
        /// The root that was to be reached.
        expected: RootHash,
        /// The root that the proof leads to.
        computed: RootHash,
    },
}

/// Checks that `leaf` is entry `index` of the tree of `size` entries with that `root`.
///
/// # Errors
/// [`ProofError::IndexOutside`], [`ProofError::Length`], [`ProofError::RootMismatch`].
pub fn verify_inclusion(
    leaf: &LeafHash,
    index: u64,
    size: TreeSize,
    proof: &[NodeHash],
    root: &RootHash,
) -> Result<(), ProofError> {
    let computed = root_from_inclusion(leaf, index, size, proof)?;
    if computed == *root { Ok(()) } else { Err(ProofError::RootMismatch { expected: *root, computed }) }
}

/// The root that an inclusion proof leads to. It says nothing until compared with a trusted root.
///
/// # Errors
/// [`ProofError::IndexOutside`]; [`ProofError::Length`] unless the proof has exactly as many hashes
/// as the path of `index` in a tree of `size` entries.
pub fn root_from_inclusion(
    leaf: &LeafHash,
    index: u64,
    size: TreeSize,
    proof: &[NodeHash],
) -> Result<RootHash, ProofError> {
    if index >= size.get() {
        return Err(ProofError::IndexOutside { index, size: size.get() });
    }
    let wrong_length = ProofError::Length { hashes: proof.len() };
    if proof.len() > MAX_PROOF_HASHES {
        return Err(wrong_length);
    }
    // `node` walks from the leaf to the root, `last` with it along the right edge of the tree.
    let (mut node, mut last) = (index, size.get() - 1);
    let mut hash = NodeHash::from(*leaf);
    for sibling in proof {
        if last == 0 {
            return Err(wrong_length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            skip_levels_without_sibling(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 { Ok(hash.into()) } else { Err(wrong_length) }
}

/// Checks that the tree of `old` entries is a prefix of the tree of `new` entries. Equal sizes, and
/// an older tree without entries, have an empty proof; their roots are compared all the same.
///
/// # Errors
/// [`ProofError::SizesReversed`], [`ProofError::Length`], [`ProofError::OldRootMismatch`],
/// [`ProofError::RootMismatch`].
pub fn verify_consistency(
    old: TreeSize,
    old_root: &RootHash,
    new: TreeSize,
    new_root: &RootHash,
    proof: &[NodeHash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::SizesReversed { old: old.get(), new: new.get() });
    }
    let needs_proof = old.get() != 0 && old != new;
    if !needs_proof && !proof.is_empty() {
        return Err(ProofError::Length { hashes: proof.len() });
    }
    let (computed_old, computed_new) = if needs_proof {
        roots_from_consistency(old, old_root, new, proof)?
    } else if new.get() == 0 {
        (empty_root(), empty_root())
    } else if old.get() == 0 {
        (empty_root(), *new_root)
    } else {
        (*new_root, *new_root)
    };
    if computed_old != *old_root {
        return Err(ProofError::OldRootMismatch { expected: *old_root, computed: computed_old });
    }
    if computed_new != *new_root {
        return Err(ProofError::RootMismatch { expected: *new_root, computed: computed_new });
    }
    Ok(())
}

/// The roots of both trees that the proof leads to, for 0 < old < new.
fn roots_from_consistency(
    old: TreeSize,
    old_root: &RootHash,
    new: TreeSize,
    proof: &[NodeHash],
) -> Result<(RootHash, RootHash), ProofError> {
    let wrong_length = ProofError::Length { hashes: proof.len() };
    if proof.len() > MAX_PROOF_HASHES {
        return Err(wrong_length);
    }
    // A perfect older tree is itself the first node; its root is left out of the proof.
    let (start, rest) = if old.get().is_power_of_two() {
        (NodeHash::from(*old_root), proof)
    } else {
        proof.split_first().map(|(first, rest)| (*first, rest)).ok_or(wrong_length)?
    };
    let (mut node, mut last) = (old.get() - 1, new.get() - 1);
    let shift = node.trailing_ones();
    node >>= shift;
    last >>= shift;
    let (mut old_hash, mut new_hash) = (start, start);
    for sibling in rest {
        if last == 0 {
            return Err(wrong_length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            skip_levels_without_sibling(&mut node, &mut last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 { Ok((old_hash.into(), new_hash.into())) } else { Err(wrong_length) }
}

/// On the right edge a node without a sibling is its own parent: such levels have no hash in a proof.
fn skip_levels_without_sibling(node: &mut u64, last: &mut u64) {
    // Called when `node` is odd, or equals `last`, which is not 0: so there is a set bit to stop at.
    let shift = node.trailing_zeros();
    *node >>= shift;
    *last >>= shift;
}
