//! Hashes of ranges of entries, read from tiles.

use std::sync::Arc;

use super::{HashReader, MAX_TREE_SIZE, TileNodes, TreeError, TreeSize};
use crate::hash::{HASH_BYTES, NodeHash, node_hash};
use crate::tile::{TileId, width_at};

/// Levels of the tree inside one tile: 256 is 2^8.
pub(super) const TILE_HEIGHT: u32 = 8;

/// The nodes of the tree of one size, by way of its tiles. Each tile is read once.
pub(super) struct Nodes<'r, R: HashReader> {
    reader: &'r R,
    size: TreeSize,
    // A proof touches at most two tiles a level, so a scan is as quick as a map.
    tiles: Vec<(TileId, Arc<TileNodes>)>,
}

impl<'r, R: HashReader> Nodes<'r, R> {
    pub(super) fn new(reader: &'r R, size: TreeSize) -> Result<Self, TreeError<R::Error>> {
        if size > MAX_TREE_SIZE {
            return Err(TreeError::TooLarge { size: size.get() });
        }
        Ok(Self { reader, size, tiles: Vec::new() })
    }

    /// The Merkle tree hash of entries `start` to `end` - 1. The range must not be empty, and `start`
    /// must be where RFC 6962 starts a subtree that large: a multiple of every power of two that the
    /// range is split into.
    pub(super) fn range(&mut self, start: u64, end: u64) -> Result<NodeHash, TreeError<R::Error>> {
        let mut subtrees = Vec::new();
        let mut next = start;
        while next < end {
            let height = (end - next).ilog2();
            subtrees.push(self.perfect(height, next >> height)?);
            next += 1 << height;
        }
        let joined = subtrees.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
        Ok(joined.expect("a range that is not empty has a subtree"))
    }

    /// The hash of the perfect subtree of 2^height entries, the `index`-th of that height.
    fn perfect(&mut self, height: u32, index: u64) -> Result<NodeHash, TreeError<R::Error>> {
        // MAX_TREE_SIZE keeps heights under 63, so the level fits.
        let level = (height / TILE_HEIGHT) as u8;
        let inner = height % TILE_HEIGHT;
        let first = index << inner;
        let tile = self.tile(level, first >> TILE_HEIGHT)?;
        let inside = (first % (1 << TILE_HEIGHT)) >> inner;
        // The tile has the width of this size, and the subtree lies within it.
        Ok(*tile.node(inner, inside as usize).expect("a subtree of the tree lies within the tile of its size"))
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<&TileNodes, TreeError<R::Error>> {
        let tile = TileId { level, index, width: width_at(level, index, self.size) };
        let known = self.tiles.iter().position(|(id, _)| *id == tile);
        let place = match known {
            Some(place) => place,
            None => {
                let nodes = self.reader.nodes(tile).map_err(|source| TreeError::Read { tile, source })?;
                if nodes.width() != usize::from(tile.width) {
                    return Err(TreeError::TileLength { tile, bytes: nodes.width() * HASH_BYTES });
                }
                self.tiles.push((tile, nodes));
                self.tiles.len() - 1
            }
        };
        Ok(&self.tiles[place].1)
    }
}

/// Refuses a tile that has more or fewer hashes than were asked for.
pub(super) fn check_length<E>(tile: TileId, bytes: &[u8]) -> Result<(), TreeError<E>> {
    if bytes.len() == tile.byte_len() { Ok(()) } else { Err(TreeError::TileLength { tile, bytes: bytes.len() }) }
}

/// The root over the concatenated hashes of a perfect subtree. Their number must be a power of two of
/// at most 256, which every caller cuts from a tile of checked length.
pub(super) fn perfect_root(hashes: &[u8]) -> NodeHash {
    let (hashes, _) = hashes.as_chunks::<HASH_BYTES>();
    // The stack of a binary counter: a subtree is joined with its left sibling as soon as it is whole.
    let mut stack = [NodeHash::from_bytes([0; HASH_BYTES]); TILE_HEIGHT as usize + 1];
    let mut depth = 0;
    for (position, hash) in hashes.iter().enumerate() {
        let mut node = NodeHash::from_bytes(*hash);
        for _ in 0..position.trailing_ones() {
            depth -= 1;
            node = node_hash(&stack[depth], &node);
        }
        stack[depth] = node;
        depth += 1;
    }
    stack[0]
}
