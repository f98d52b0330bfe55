//! The growing edge of the tree: all that must be known of it to append.

use super::range::{TILE_HEIGHT, check_length, perfect_root};
use super::{MAX_TREE_SIZE, TreeError, TreeSize};
use crate::hash::{HASH_BYTES, LeafHash, NodeHash, RootHash, empty_root, node_hash};
use crate::tile::{FULL_TILE_BYTES, FULL_WIDTH, MAX_USED_LEVEL, TileId, hashes_at};

/// Heights of subtrees in a tree of at most [`MAX_TREE_SIZE`] entries.
const HEIGHTS: usize = 63;
const LEVELS: usize = MAX_USED_LEVEL as usize + 1;

/// An incremental Merkle tree whose state is one partial tile a level, and the perfect subtrees that
/// the tree falls into, one for each bit set in its size.
///
/// Appending hashes once on average and allocates only when a tile fills. A root costs at most 62
/// hashes. Memory is at most 8 KiB a level, three levels for 16 million entries.
#[derive(Clone)]
pub struct Edge {
    size: u64,
    /// Slot h holds the perfect subtree of 2^h entries where bit h of `size` is set, else anything.
    subtrees: [NodeHash; HEIGHTS],
    /// The hashes of each level's last tile, empty when that tile is full.
    partial: [Vec<u8>; LEVELS],
}

impl Default for Edge {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("size", &self.size).field("root", &self.root()).finish()
    }
}

impl Edge {
    /// The edge of the tree without entries.
    pub fn new() -> Self {
        Self { size: 0, subtrees: [NodeHash::from_bytes([0; HASH_BYTES]); HEIGHTS], partial: Default::default() }
    }

    /// Continues a tree of `size` entries from stored tiles.
    ///
    /// `fetch` is asked for the partial tile of each level. Where it answers `None` above level 0, the
    /// hashes are derived from the full tiles below (at most 255 a level), which must exist. Tiles are
    /// not trusted: compare [`Edge::root`] with a signed checkpoint before appending.
    ///
    /// # Errors
    /// [`TreeError::TooLarge`], [`TreeError::Read`], [`TreeError::Missing`], [`TreeError::TileLength`].
    pub fn from_tiles<E>(
        size: TreeSize,
        mut fetch: impl FnMut(TileId) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Self, TreeError<E>> {
        if size > MAX_TREE_SIZE {
            return Err(TreeError::TooLarge { size: size.get() });
        }
        let mut edge = Self { size: size.get(), ..Self::new() };
        for level in 0..=MAX_USED_LEVEL {
            let Some(tile) = last_partial(level, size) else {
                continue;
            };
            let bytes = match read(tile, &mut fetch)? {
                Some(bytes) => bytes,
                None if level == 0 => return Err(TreeError::Missing { tile }),
                None => derive(tile, &mut fetch)?,
            };
            edge.set_partial(level, bytes);
        }
        Ok(edge)
    }

    /// Continues a tree of `size` entries from full tiles alone and the leaf hashes behind the last
    /// full tile of level 0, in order. The partial tiles above are derived, as in
    /// [`Edge::from_tiles`], with the same duty to compare the root.
    ///
    /// # Errors
    /// [`TreeError::TailLength`] unless `tail` has `size` mod 256 hashes, and those of
    /// [`Edge::from_tiles`].
    pub fn rebuild<E>(
        size: TreeSize,
        mut full_tile: impl FnMut(TileId) -> Result<Option<Vec<u8>>, E>,
        tail: &[LeafHash],
    ) -> Result<Self, TreeError<E>> {
        let wanted = last_partial(0, size).map_or(0, |tile| tile.width);
        if tail.len() != usize::from(wanted) {
            return Err(TreeError::TailLength { size: size.get(), wanted, given: tail.len() });
        }
        Self::from_tiles(size, |tile| match (tile.is_full(), tile.level) {
            (true, _) => full_tile(tile),
            (false, 0) => Ok(Some(tail.iter().flat_map(|leaf| *leaf.as_bytes()).collect())),
            (false, _) => Ok(None),
        })
    }

    /// Appends one leaf, and pushes every tile that it fills onto `full`, level 0 first.
    ///
    /// # Panics
    /// If the tree already has [`MAX_TREE_SIZE`] entries.
    pub fn append(&mut self, leaf: LeafHash, full: &mut Vec<(TileId, Vec<u8>)>) {
        assert!(self.size < MAX_TREE_SIZE.get(), "a tree holds at most 2^62 entries");
        let mut node = NodeHash::from(leaf);
        let mut height = 0;
        self.push_to_level(0, &node, full);
        // As in adding 1 to a binary counter: each bit that was set is a left sibling to join with.
        while self.size >> height & 1 == 1 {
            node = node_hash(&self.subtrees[height], &node);
            height += 1;
            if height % TILE_HEIGHT as usize == 0 {
                self.push_to_level(height / TILE_HEIGHT as usize, &node, full);
            }
        }
        self.subtrees[height] = node;
        self.size += 1;
    }

    /// The number of entries.
    pub fn size(&self) -> TreeSize {
        TreeSize::new(self.size)
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> RootHash {
        let mut heights = (0..HEIGHTS).filter(|height| self.size >> height & 1 == 1);
        let Some(lowest) = heights.next() else {
            return empty_root();
        };
        heights.fold(self.subtrees[lowest], |right, height| node_hash(&self.subtrees[height], &right)).into()
    }

    /// The last tile of a level, with its bytes, unless it is full or there is none: the tile that a
    /// checkpoint of this size needs beyond the full ones.
    pub fn partial(&self, level: u8) -> Option<(TileId, Vec<u8>)> {
        let tile = last_partial(level, self.size())?;
        Some((tile, self.partial.get(usize::from(level))?.clone()))
    }

    fn push_to_level(&mut self, level: usize, node: &NodeHash, full: &mut Vec<(TileId, Vec<u8>)>) {
        let hashes = &mut self.partial[level];
        if hashes.capacity() == 0 {
            hashes.reserve_exact(FULL_TILE_BYTES);
        }
        hashes.extend_from_slice(node.as_bytes());
        if hashes.len() == FULL_TILE_BYTES {
            // `size` does not count this leaf yet, and the leaf completes a multiple of 256^(level+1).
            let index = self.size >> (TILE_HEIGHT as usize * (level + 1));
            full.push((TileId::full(level as u8, index), std::mem::take(hashes)));
        }
    }

    /// Takes over a partial tile and the perfect subtrees inside it.
    fn set_partial(&mut self, level: u8, mut bytes: Vec<u8>) {
        let width = bytes.len() / HASH_BYTES;
        let mut rest = &bytes[..];
        for bit in (0..TILE_HEIGHT as usize).rev().filter(|bit| width >> bit & 1 == 1) {
            let (subtree, tail) = rest.split_at(HASH_BYTES << bit);
            self.subtrees[usize::from(level) * TILE_HEIGHT as usize + bit] = perfect_root(subtree);
            rest = tail;
        }
        bytes.reserve_exact(FULL_TILE_BYTES - bytes.len());
        self.partial[usize::from(level)] = bytes;
    }
}

/// The last tile of a level in a tree of `size`, if it is partial.
fn last_partial(level: u8, size: TreeSize) -> Option<TileId> {
    let hashes = hashes_at(level, size);
    let width = hashes % u64::from(FULL_WIDTH);
    // The remainder of a division by 256 fits.
    (width > 0).then_some(TileId { level, index: hashes >> TILE_HEIGHT, width: width as u16 })
}

/// A partial tile above level 0: each of its hashes is the root of a full tile below.
fn derive<E>(
    tile: TileId,
    fetch: &mut impl FnMut(TileId) -> Result<Option<Vec<u8>>, E>,
) -> Result<Vec<u8>, TreeError<E>> {
    let mut bytes = Vec::with_capacity(FULL_TILE_BYTES);
    let first = tile.index << TILE_HEIGHT;
    for index in first..first + u64::from(tile.width) {
        let below = TileId::full(tile.level - 1, index);
        let hashes = read(below, fetch)?.ok_or(TreeError::Missing { tile: below })?;
        bytes.extend_from_slice(perfect_root(&hashes).as_bytes());
    }
    Ok(bytes)
}

fn read<E>(
    tile: TileId,
    fetch: &mut impl FnMut(TileId) -> Result<Option<Vec<u8>>, E>,
) -> Result<Option<Vec<u8>>, TreeError<E>> {
    let bytes = fetch(tile).map_err(|source| TreeError::Read { tile, source })?;
    if let Some(bytes) = &bytes {
        check_length(tile, bytes)?;
    }
    Ok(bytes)
}
