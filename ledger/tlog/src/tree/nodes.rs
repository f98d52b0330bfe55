//! The nodes inside a tile, hashed once, and a cache of such tiles for many proofs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::HashReader;
use super::range::TILE_HEIGHT;
use crate::hash::{HASH_BYTES, NodeHash, node_hash};
use crate::tile::TileId;

/// Every perfect subtree of a tile: of height 0 (its hashes) up to 8 (its root, when it is full).
///
/// 511 hashes, 16 KiB, for a full tile; made with 255 hash operations, after which a proof through this tile costs none.
#[derive(Debug, Clone)]
pub struct TileNodes {
    heights: Vec<Vec<NodeHash>>,
}

impl TileNodes {
    /// Hashes a tile's bytes, as many as they are: whole hashes, at most 256. What is left over is ignored; readers check lengths before.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
        let mut heights = vec![hashes.iter().map(|hash| NodeHash::from_bytes(*hash)).collect::<Vec<_>>()];
        for _ in 0..TILE_HEIGHT {
            let below = heights.last().map(Vec::as_slice).unwrap_or_default();
            let (pairs, _) = below.as_chunks::<2>();
            if pairs.is_empty() {
                break;
            }
            heights.push(pairs.iter().map(|[left, right]| node_hash(left, right)).collect());
        }
        Self { heights }
    }

    /// Hashes that the tile has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.heights.first().map_or(0, Vec::len)
    }

    /// The root over 2^`height` of its hashes, the `index`-th of that height; `None` where the tile ends before.
    #[must_use]
    pub fn node(&self, height: u32, index: usize) -> Option<&NodeHash> {
        self.heights.get(usize::try_from(height).ok()?)?.get(index)
    }
}

/// Hashed tiles, the least recently used given up first. Whoever reads through the same cache must read the same tree:
/// a tile's name is all that tells it from another.
#[derive(Debug)]
pub struct TileCache {
    capacity: usize,
    // Few enough for a scan to be as quick as a map; the most recently used last.
    tiles: Mutex<VecDeque<(TileId, Arc<TileNodes>)>>,
}

impl TileCache {
    /// A cache of so many tiles, 16 KiB each.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), tiles: Mutex::default() }
    }

    fn get(&self, id: TileId) -> Option<Arc<TileNodes>> {
        // Whole values are moved under the lock, so a panic elsewhere leaves no half state.
        let mut tiles = self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
        let place = tiles.iter().rposition(|(known, _)| *known == id)?;
        let found = tiles.remove(place)?;
        let nodes = Arc::clone(&found.1);
        tiles.push_back(found);
        Some(nodes)
    }

    fn put(&self, id: TileId, nodes: Arc<TileNodes>) {
        let mut tiles = self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
        if tiles.len() >= self.capacity {
            tiles.pop_front();
        }
        tiles.push_back((id, nodes));
    }
}

/// A reader whose tiles are hashed once and kept.
#[derive(Debug)]
pub struct Cached<'c, R> {
    inner: R,
    cache: &'c TileCache,
}

impl<'c, R: HashReader> Cached<'c, R> {
    /// Reads through a cache. No lock is held while the reader reads.
    pub fn new(inner: R, cache: &'c TileCache) -> Self {
        Self { inner, cache }
    }
}

impl<R: HashReader> HashReader for Cached<'_, R> {
    type Error = R::Error;

    fn tile(&self, id: TileId) -> Result<Vec<u8>, R::Error> {
        self.inner.tile(id)
    }

    fn nodes(&self, id: TileId) -> Result<Arc<TileNodes>, R::Error> {
        if let Some(nodes) = self.cache.get(id) {
            return Ok(nodes);
        }
        let nodes = self.inner.nodes(id)?;
        // A tile of another length is refused by whoever asked, and must not stay.
        if nodes.width() == usize::from(id.width) {
            self.cache.put(id, Arc::clone(&nodes));
        }
        Ok(nodes)
    }
}
