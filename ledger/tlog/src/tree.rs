//! The Merkle tree of RFC 6962 over tiles: its growing edge, its roots, and the making of proofs.

mod edge;
mod nodes;
mod range;

use std::fmt;
use std::sync::Arc;

pub use edge::Edge;
pub use nodes::{Cached, TileCache, TileNodes};

use crate::hash::{NodeHash, RootHash, empty_root};
use crate::tile::TileId;
use range::Nodes;

/// Largest tree that is built or proved here: up to it a consistency proof never needs more than
/// [`crate::proof::MAX_PROOF_HASHES`] hashes. A thousand million entries a second reach it in 146
/// years.
pub const MAX_TREE_SIZE: TreeSize = TreeSize(1 << 62);

/// The number of entries in a tree. Their indices are 0 to size - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TreeSize(pub u64);

impl TreeSize {
    /// A tree of that many entries.
    pub const fn new(entries: u64) -> Self {
        Self(entries)
    }

    /// The number of entries.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a tree can't be continued or a proof can't be made. `E` is the error of whoever reads tiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError<E> {
    /// Reading a tile failed.
    #[error("{tile} can't be read: {source}")]
    Read {
        /// The tile asked for.
        tile: TileId,
        /// What the reader said.
        source: E,
    },
    /// The tree needs a tile that is not there.
    #[error("{tile} is missing: the stored tree is incomplete")]
    Missing {
        /// The tile asked for.
        tile: TileId,
    },
    /// A tile has another length than its width demands.
    #[error("{tile} has {bytes} bytes instead of {}: it is damaged", tile.byte_len())]
    TileLength {
        /// The tile asked for.
        tile: TileId,
        /// Bytes that were handed out.
        bytes: usize,
    },
    /// The leaf hashes given for the last partial tile are not as many as the size demands.
    #[error("a tree of {size} entries has {wanted} leaf hashes behind its last full tile, not {given}")]
    TailLength {
        /// Entries in the tree.
        size: u64,
        /// Leaf hashes that its last partial tile has.
        wanted: u16,
        /// Leaf hashes that were given.
        given: usize,
    },
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
    /// The size is above [`MAX_TREE_SIZE`].
    #[error("a tree of {size} entries is above the limit of 2^62")]
    TooLarge {
        /// The size asked for.
        size: u64,
    },
}

/// Hands out the tiles of a stored tree.
///
/// Tiles are not trusted: whoever can change one can at most make a root or a proof that fails when
/// it is checked against a signed checkpoint.
pub trait HashReader {
    /// Why a tile can't be read.
    type Error;

    /// The bytes of exactly the first `id.width` hashes of the tile at that place. A tile wider than
    /// that must be cut: proofs for earlier sizes ask for less than there is.
    ///
    /// # Errors
    /// Whatever the reader's storage reports, a missing tile included.
    fn tile(&self, id: TileId) -> Result<Vec<u8>, Self::Error>;

    /// The same tile with the nodes inside it, hashed. What proofs are made of; [`Cached`] keeps them.
    ///
    /// # Errors
    /// Those of [`HashReader::tile`].
    fn nodes(&self, id: TileId) -> Result<Arc<TileNodes>, Self::Error> {
        Ok(Arc::new(TileNodes::new(&self.tile(id)?)))
    }
}

impl<R: HashReader + ?Sized> HashReader for &R {
    type Error = R::Error;

    fn tile(&self, id: TileId) -> Result<Vec<u8>, Self::Error> {
        (**self).tile(id)
    }

    fn nodes(&self, id: TileId) -> Result<Arc<TileNodes>, Self::Error> {
        (**self).nodes(id)
    }
}

/// The proof that entry `index` is in the tree of `size` entries: the hashes from the leaf's sibling
/// up to the root's child (RFC 6962 section 2.1.1). `size` may be earlier than the reader's newest.
///
/// # Errors
/// [`TreeError::IndexOutside`], [`TreeError::TooLarge`], and what reading tiles can give.
pub fn inclusion_proof<R: HashReader>(r: &R, index: u64, size: TreeSize) -> Result<Vec<NodeHash>, TreeError<R::Error>> {
    let mut nodes = Nodes::new(r, size)?;
    if index >= size.get() {
        return Err(TreeError::IndexOutside { index, size: size.get() });
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size.get());
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(nodes.range(middle, end)?);
            end = middle;
        } else {
            proof.push(nodes.range(start, middle)?);
            start = middle;
        }
    }
    // The walk went from the root down; the proof is written from the leaf up.
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of `old` entries is a prefix of the tree of `new` entries (RFC 6962 section
/// 2.1.2). Empty for equal sizes and for an older tree without entries.
///
/// # Errors
/// [`TreeError::SizesReversed`], [`TreeError::TooLarge`], and what reading tiles can give.
pub fn consistency_proof<R: HashReader>(
    r: &R,
    old: TreeSize,
    new: TreeSize,
) -> Result<Vec<NodeHash>, TreeError<R::Error>> {
    let mut nodes = Nodes::new(r, new)?;
    if old > new {
        return Err(TreeError::SizesReversed { old: old.get(), new: new.get() });
    }
    let mut proof = Vec::new();
    if old.get() == 0 || old == new {
        return Ok(proof);
    }
    let old = old.get();
    let (mut start, mut end) = (0, new.get());
    while old < end {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(nodes.range(middle, end)?);
            end = middle;
        } else {
            proof.push(nodes.range(start, middle)?);
            start = middle;
        }
    }
    // A subtree that starts at 0 is the whole older tree, whose root the verifier has.
    if start > 0 {
        proof.push(nodes.range(start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The root of the tree of `size` entries, which may be earlier than the reader's newest.
///
/// # Errors
/// [`TreeError::TooLarge`], and what reading tiles can give.
pub fn root_at<R: HashReader>(r: &R, size: TreeSize) -> Result<RootHash, TreeError<R::Error>> {
    let mut nodes = Nodes::new(r, size)?;
    if size.get() == 0 {
        return Ok(empty_root());
    }
    nodes.range(0, size.get()).map(RootHash::from)
}

/// The largest power of two below `entries`, which must be at least 2: where RFC 6962 splits a tree.
fn split(entries: u64) -> u64 {
    1 << (entries - 1).ilog2()
}
