//! The growing edge against the naive tree.

use std::collections::BTreeMap;

use modeltrail_tlog::hash::{LeafHash, RootHash};
use modeltrail_tlog::tile::{TileId, new_tiles, tiles_for};
use modeltrail_tlog::tree::{Edge, MAX_TREE_SIZE, TreeError, TreeSize, root_at};
use proptest::prelude::*;

use crate::oracle::{Tiles, leaf, leaves, naive_root, naive_tile};

/// Where tiles fill, at level 0 and level 1.
const CROSSINGS: [u64; 12] = [0, 1, 254, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537];

/// Everything that must be true of a tree of these leaves.
fn check(tiles: &Tiles, leaves: &[LeafHash]) {
    let size = TreeSize::new(leaves.len() as u64);
    assert_eq!(tiles.edge.size(), size);
    assert_eq!(tiles.edge.root(), naive_root(leaves), "root of {size}");
    assert_eq!(root_at(tiles, size), Ok(tiles.edge.root()));
    let mut partial: Vec<_> = (0..=9).filter_map(|level| tiles.edge.partial(level)).collect();
    assert!(partial.iter().all(|(id, _)| !id.is_full()));
    partial.extend(tiles.full.iter().map(|((level, index), tile)| (TileId::full(*level, *index), tile.clone())));
    let by_id: BTreeMap<_, _> = partial.into_iter().collect();
    assert!(by_id.keys().copied().eq(sorted(tiles_for(size))), "tiles of {size}");
    for (id, tile) in by_id {
        assert_eq!(tile, naive_tile(id, leaves), "{id} of {size}");
    }
    check_continued(tiles, leaves);
}

/// From what is stored, in each way, the same edge comes back, and goes on the same.
fn check_continued(tiles: &Tiles, leaves: &[LeafHash]) {
    let size = tiles.edge.size();
    let tail = &leaves[leaves.len() / 256 * 256..];
    let full_only = |id: TileId| {
        assert!(id.is_full(), "{id} is not a full tile");
        Ok::<_, ()>(tiles.get(id))
    };
    let continued = [
        Edge::from_tiles(size, |id| Ok::<_, ()>(tiles.get(id))).unwrap(),
        Edge::rebuild(size, full_only, tail).unwrap(),
    ];
    for mut edge in continued {
        let (mut original, mut expected, mut filled) = (tiles.edge.clone(), vec![], vec![]);
        for step in 0..3 {
            assert_eq!(edge.root(), original.root());
            for level in 0..9 {
                assert_eq!(edge.partial(level), original.partial(level));
            }
            original.append(leaf(step), &mut expected);
            edge.append(leaf(step), &mut filled);
            assert_eq!(filled, expected);
        }
    }
}

fn sorted(tiles: impl Iterator<Item = TileId>) -> impl Iterator<Item = TileId> {
    let mut tiles: Vec<_> = tiles.collect();
    tiles.sort();
    tiles.into_iter()
}

#[test]
fn crossings_of_tiles() {
    for size in CROSSINGS {
        let leaves = leaves(size);
        check(&Tiles::of(&leaves), &leaves);
    }
}

#[test]
fn filled_tiles_come_in_order() {
    let (mut edge, mut filled) = (Edge::new(), Vec::new());
    for index in 0..65_536 {
        edge.append(leaf(index), &mut filled);
        let expected: Vec<TileId> = match (index + 1) % 65_536 {
            0 => vec![TileId::full(0, index / 256), TileId::full(1, 0)],
            other if other % 256 == 0 => vec![TileId::full(0, index / 256)],
            _ => vec![],
        };
        assert!(filled.drain(..).map(|(id, _)| id).eq(expected), "after {index}");
    }
}

#[test]
fn earlier_roots_come_from_later_tiles() {
    let leaves = leaves(1_100);
    let tiles = Tiles::of(&leaves);
    for size in 0..=leaves.len() {
        let root = root_at(&tiles, TreeSize::new(size as u64));
        assert_eq!(root, Ok(naive_root(&leaves[..size])), "size {size}");
    }
    let beyond = root_at(&tiles, TreeSize::new(1_101));
    assert!(matches!(beyond, Err(TreeError::Read { source: "not there", .. })), "{beyond:?}");
}

#[test]
fn a_changed_tile_changes_the_root() {
    let leaves = leaves(70_000);
    let tiles = Tiles::of(&leaves);
    let size = tiles.edge.size();
    // Each hash that the root is read from, in one bit.
    for (level, index, slot) in [(1, 0, 0), (1, 0, 255), (1, 1, 16), (0, 273, 0), (0, 273, 111)] {
        let flip = |id: TileId| {
            let mut tile = tiles.get(id);
            if let (true, Some(tile)) = ((id.level, id.index) == (level, index), &mut tile) {
                tile[slot * 32] ^= 1;
            }
            Ok::<_, ()>(tile)
        };
        let edge = Edge::from_tiles(size, flip).unwrap();
        // The edge reads no full tile above which a partial one stands in.
        let seen = (level, index) != (1, 0);
        assert_eq!(edge.root() != tiles.edge.root(), seen, "level {level} tile {index} slot {slot}");
    }
}

#[test]
fn damaged_stores_are_refused() {
    let leaves = leaves(70_000);
    let tiles = Tiles::of(&leaves);
    let size = tiles.edge.size();
    let short = |id| Ok::<_, ()>(tiles.get(id).map(|tile| tile[1..].to_vec()));
    assert!(matches!(Edge::from_tiles(size, short), Err(TreeError::TileLength { .. })));
    let nothing = |_| Ok::<_, ()>(None);
    let missing = Err(TreeError::Missing { tile: TileId { level: 0, index: 273, width: 112 } });
    assert_eq!(Edge::from_tiles(size, nothing).map(|_| ()), missing);
    let tail = &leaves[69_888..];
    let missing = Err(TreeError::Missing { tile: TileId::full(0, 256) });
    assert_eq!(Edge::rebuild(size, nothing, tail).map(|_| ()), missing);
    let unread = Err(TreeError::Read { tile: TileId::full(0, 256), source: "disk" });
    assert_eq!(Edge::rebuild(size, |_| Err("disk"), tail).map(|_| ()), unread);
    let wrong_tail = Err(TreeError::TailLength { size: 70_000, wanted: 112, given: 111 });
    assert_eq!(Edge::rebuild(size, nothing, &tail[1..]).map(|_| ()), wrong_tail);
    let above = TreeSize::new(MAX_TREE_SIZE.get() + 1);
    let too_large = Err(TreeError::TooLarge { size: above.get() });
    assert_eq!(Edge::from_tiles(above, nothing).map(|_| ()), too_large);
}

#[test]
fn huge_trees_neither_overflow_nor_loop() {
    let uniform = |id: TileId| Ok::<_, ()>(Some(vec![9; id.byte_len()]));
    let size = TreeSize::new(MAX_TREE_SIZE.get() - 1);
    let mut edge = Edge::from_tiles(size, uniform).unwrap();
    let mut filled = Vec::new();
    edge.append(leaf(0), &mut filled);
    // 2^62 is 64 · 256^7: every tile of the levels below fills.
    assert!(filled.iter().map(|(id, _)| id.level).eq(0..7));
    assert_eq!(edge.size(), MAX_TREE_SIZE);
    assert_eq!(edge.partial(7).unwrap().0, TileId { level: 7, index: 0, width: 64 });
}

/// A tree as a store sees it: batches of appends with a copy of the edge taken before each.
fn grow_in_batches(batches: &[u64]) -> (Tiles, Vec<RootHash>) {
    let mut tiles = Tiles::of(&[]);
    let mut roots = Vec::new();
    for batch in batches {
        let mut edge = tiles.edge.clone();
        let (start, mut filled) = (edge.size(), Vec::new());
        (0..*batch).for_each(|step| edge.append(leaf(start.get() + step), &mut filled));
        let published: Vec<_> = new_tiles(start, edge.size()).filter(TileId::is_full).collect();
        assert!(sorted(filled.iter().map(|(id, _)| *id)).eq(sorted(published.into_iter())));
        tiles.full.extend(filled.into_iter().map(|(id, tile)| ((id.level, id.index), tile)));
        tiles.edge = edge;
        roots.push(tiles.edge.root());
    }
    (tiles, roots)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_batches_give_the_naive_tree(
        batches in prop::collection::vec(prop_oneof![0..4_u64, 200..300_u64, 500..3000_u64], 0..8),
    ) {
        let (tiles, roots) = grow_in_batches(&batches);
        let leaves = leaves(batches.iter().sum());
        check(&tiles, &leaves);
        let mut size = 0;
        for (batch, root) in batches.iter().zip(roots) {
            size += usize::try_from(*batch).unwrap();
            prop_assert_eq!(root, naive_root(&leaves[..size]));
        }
    }
}

proptest! {
    // Few, as each builds a tree of 65,536 leaves and more thrice.
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn level_two_is_right_around_its_first_hashes(offset in 0..1_100_u64) {
        let leaves = leaves(65_536 - 300 + offset);
        check(&Tiles::of(&leaves), &leaves);
    }
}
