//! The tree by the words of RFC 6962, slow and plain, and a store of tiles in memory.

use std::collections::BTreeMap;

use modeltrail_tlog::hash::{LeafHash, NodeHash, RootHash, empty_root, leaf_hash, node_hash};
use modeltrail_tlog::tile::TileId;
use modeltrail_tlog::tree::{Edge, HashReader};

/// The leaf hash of the entry that the tests put at `index`.
pub(crate) fn leaf(index: u64) -> LeafHash {
    leaf_hash(&index.to_be_bytes())
}

pub(crate) fn leaves(count: u64) -> Vec<LeafHash> {
    (0..count).map(leaf).collect()
}

/// MTH(D[n]) of RFC 6962 section 2.1, for at least one leaf.
pub(crate) fn naive_node(leaves: &[LeafHash]) -> NodeHash {
    match leaves {
        [leaf] => (*leaf).into(),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&naive_node(left), &naive_node(right))
        }
    }
}

pub(crate) fn naive_root(leaves: &[LeafHash]) -> RootHash {
    if leaves.is_empty() { empty_root() } else { naive_node(leaves).into() }
}

/// PATH(m, D[n]) of RFC 6962 section 2.1.1.
pub(crate) fn naive_path(index: usize, leaves: &[LeafHash]) -> Vec<NodeHash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let (mut path, sibling) = if index < middle {
        (naive_path(index, left), naive_node(right))
    } else {
        (naive_path(index - middle, right), naive_node(left))
    };
    path.push(sibling);
    path
}

/// SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2.
pub(crate) fn naive_subproof(old: usize, leaves: &[LeafHash], whole: bool) -> Vec<NodeHash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_node(leaves)] };
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let (mut proof, sibling) = if old <= middle {
        (naive_subproof(old, left, whole), naive_node(right))
    } else {
        (naive_subproof(old - middle, right, false), naive_node(left))
    };
    proof.push(sibling);
    proof
}

/// The bytes of a tile by the formula of C2SP tlog-tiles.
pub(crate) fn naive_tile(id: TileId, leaves: &[LeafHash]) -> Vec<u8> {
    let span = 256_usize.pow(u32::from(id.level));
    let first = usize::try_from(id.index).unwrap() * 256;
    (first..first + usize::from(id.width))
        .flat_map(|slot| *naive_node(&leaves[slot * span..(slot + 1) * span]).as_bytes())
        .collect()
}

/// Tiles in memory: the full ones, and the partial ones of one size.
#[derive(Clone)]
pub(crate) struct Tiles {
    pub(crate) edge: Edge,
    pub(crate) full: BTreeMap<(u8, u64), Vec<u8>>,
}

impl Tiles {
    pub(crate) fn of(leaves: &[LeafHash]) -> Self {
        let (mut edge, mut filled) = (Edge::new(), Vec::new());
        leaves.iter().for_each(|leaf| edge.append(*leaf, &mut filled));
        let full = filled.into_iter().map(|(id, tile)| ((id.level, id.index), tile)).collect();
        Self { edge, full }
    }

    pub(crate) fn get(&self, id: TileId) -> Option<Vec<u8>> {
        let full = self.full.get(&(id.level, id.index)).cloned();
        let partial = || self.edge.partial(id.level).filter(|(at, _)| at.index == id.index);
        let tile = full.or_else(|| Some(partial()?.1))?;
        tile.get(..id.byte_len()).map(<[u8]>::to_vec)
    }
}

impl HashReader for Tiles {
    type Error = &'static str;

    fn tile(&self, id: TileId) -> Result<Vec<u8>, &'static str> {
        self.get(id).ok_or("not there")
    }
}
