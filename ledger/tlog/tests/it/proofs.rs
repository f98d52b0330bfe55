//! Making and checking proofs, and every way to tamper with one.

use modeltrail_tlog::hash::{LeafHash, NodeHash, RootHash, empty_root};
use modeltrail_tlog::proof::{MAX_PROOF_HASHES, ProofError, root_from_inclusion, verify_consistency, verify_inclusion};
use modeltrail_tlog::tree::{MAX_TREE_SIZE, TreeError, TreeSize, consistency_proof, inclusion_proof};
use proptest::prelude::*;

use crate::oracle::{Tiles, leaf, leaves, naive_path, naive_root, naive_subproof};

const SMALL: usize = 70;

fn roots(leaves: &[LeafHash]) -> Vec<RootHash> {
    (0..=leaves.len()).map(|size| naive_root(&leaves[..size])).collect()
}

fn size(entries: usize) -> TreeSize {
    TreeSize::new(entries as u64)
}

/// The proof with each hash changed, each left out, and one too many at each end.
fn tampered(proof: &[NodeHash]) -> Vec<Vec<NodeHash>> {
    let mut all = Vec::new();
    for place in 0..proof.len() {
        let mut changed = proof.to_vec();
        let mut bytes = *changed[place].as_bytes();
        bytes[place % 32] ^= 1 << (place % 8);
        changed[place] = NodeHash::from_bytes(bytes);
        all.push(changed);
        let mut shorter = proof.to_vec();
        shorter.remove(place);
        all.push(shorter);
    }
    for extra in [NodeHash::from_bytes([0; 32]), leaf(0).into()] {
        all.push([proof, &[extra]].concat());
        all.push([&[extra], proof].concat());
    }
    all
}

fn check_inclusion(tiles: &Tiles, leaves: &[LeafHash], index: usize, root: &RootHash) {
    let (at, of) = (index as u64, size(leaves.len()));
    let proof = inclusion_proof(tiles, at, of).unwrap();
    assert_eq!(proof, naive_path(index, leaves), "path of {index} in {of}");
    assert_eq!(verify_inclusion(&leaves[index], at, of, &proof, root), Ok(()));
    assert_eq!(root_from_inclusion(&leaves[index], at, of, &proof), Ok(*root));
    for bad in tampered(&proof) {
        assert!(verify_inclusion(&leaves[index], at, of, &bad, root).is_err(), "{index} in {of}");
    }
    assert!(verify_inclusion(&leaf(u64::MAX), at, of, &proof, root).is_err());
    assert!(verify_inclusion(&leaves[index], at, of, &proof, &empty_root()).is_err());
}

fn check_consistency(tiles: &Tiles, leaves: &[LeafHash], old: usize, roots: [&RootHash; 2]) {
    let ([old_root, new_root], new) = (roots, size(leaves.len()));
    let proof = consistency_proof(tiles, size(old), new).unwrap();
    let expected = if old == 0 { Vec::new() } else { naive_subproof(old, leaves, true) };
    assert_eq!(proof, expected, "proof from {old} to {new}");
    assert_eq!(verify_consistency(size(old), old_root, new, new_root, &proof), Ok(()));
    for bad in tampered(&proof) {
        let verified = verify_consistency(size(old), old_root, new, new_root, &bad);
        assert!(verified.is_err(), "tampered proof from {old} to {new}");
    }
    let other = RootHash::from_bytes([3; 32]);
    assert!(verify_consistency(size(old), &other, new, new_root, &proof).is_err());
    // Nothing ties the root of a tree to an older one without entries.
    let free = old == 0 && new.get() > 0;
    assert_eq!(verify_consistency(size(old), old_root, new, &other, &proof).is_ok(), free);
}

#[test]
fn every_inclusion_in_every_small_tree() {
    let leaves = leaves(SMALL as u64);
    let tiles = Tiles::of(&leaves);
    for (entries, root) in roots(&leaves).iter().enumerate().skip(1) {
        for index in 0..entries {
            check_inclusion(&tiles, &leaves[..entries], index, root);
        }
    }
}

#[test]
fn every_consistency_between_small_trees() {
    let leaves = leaves(SMALL as u64);
    let (tiles, roots) = (Tiles::of(&leaves), roots(&leaves));
    for new in 0..=SMALL {
        for old in 0..=new {
            check_consistency(&tiles, &leaves[..new], old, [&roots[old], &roots[new]]);
        }
    }
}

#[test]
fn an_inclusion_proof_fits_one_place_only() {
    let leaves = leaves(40);
    let (tiles, roots) = (Tiles::of(&leaves), roots(&leaves));
    for entries in 1..=40 {
        for (index, leaf) in leaves[..entries].iter().enumerate() {
            let proof = inclusion_proof(&tiles, index as u64, size(entries)).unwrap();
            for (other_size, root) in roots.iter().enumerate() {
                for other in 0..=other_size {
                    let verified = verify_inclusion(leaf, other as u64, size(other_size), &proof, root);
                    let same = (other, other_size) == (index, entries);
                    assert_eq!(verified.is_ok(), same, "{index} of {entries} as {other} of {other_size}");
                }
            }
        }
    }
}

#[test]
fn a_consistency_proof_fits_one_pair_only() {
    let leaves = leaves(24);
    let (tiles, roots) = (Tiles::of(&leaves), roots(&leaves));
    for (old, new) in (1..=24).flat_map(|new| (1..new).map(move |old| (old, new))) {
        let proof = consistency_proof(&tiles, size(old), size(new)).unwrap();
        for (other_old, other_new) in (1..=24).flat_map(|a| (1..=24).map(move |b| (a, b))) {
            if other_old == other_new {
                continue;
            }
            let (old_root, new_root) = (&roots[other_old], &roots[other_new]);
            let verified = verify_consistency(size(other_old), old_root, size(other_new), new_root, &proof);
            let same = (other_old, other_new) == (old, new);
            assert_eq!(verified.is_ok(), same, "{old}→{new} as {other_old}→{other_new}");
        }
    }
}

#[test]
fn a_rewritten_history_has_no_proof() {
    let honest = leaves(50);
    let mut forged = honest.clone();
    forged[7] = leaf(999);
    let tiles = Tiles::of(&forged);
    for old in 8..50 {
        let proof = consistency_proof(&tiles, size(old), size(50)).unwrap();
        let old_root = naive_root(&honest[..old]);
        let verified = verify_consistency(size(old), &old_root, size(50), &naive_root(&forged), &proof);
        assert!(verified.is_err(), "from {old}");
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let tiles = Tiles::of(&leaves(10));
    let root = tiles.edge.root();
    let outside = Err(TreeError::IndexOutside { index: 10, size: 10 });
    assert_eq!(inclusion_proof(&tiles, 10, size(10)), outside);
    let reversed = Err(TreeError::SizesReversed { old: 10, new: 9 });
    assert_eq!(consistency_proof(&tiles, size(10), size(9)), reversed);
    let huge = TreeSize::new(MAX_TREE_SIZE.get() + 1);
    let too_large = Err(TreeError::TooLarge { size: huge.get() });
    assert_eq!(inclusion_proof(&tiles, 0, huge), too_large);
    assert_eq!(consistency_proof(&tiles, size(1), huge), too_large);
    let outside = Err(ProofError::IndexOutside { index: 10, size: 10 });
    assert_eq!(verify_inclusion(&leaf(0), 10, size(10), &[], &root), outside);
    let outside = Err(ProofError::IndexOutside { index: 0, size: 0 });
    assert_eq!(verify_inclusion(&leaf(0), 0, size(0), &[], &empty_root()), outside);
    let reversed = Err(ProofError::SizesReversed { old: 2, new: 1 });
    assert_eq!(verify_consistency(size(2), &root, size(1), &root, &[]), reversed);
    let history = verify_consistency(size(9), &root, size(10), &root, &[]);
    assert_eq!(history, Err(ProofError::Length { hashes: 0 }));
}

#[test]
fn extreme_sizes_neither_overflow_nor_pass() {
    let hash = NodeHash::from_bytes([1; 32]);
    let root = RootHash::from_bytes([1; 32]);
    let edges = [0, 1, 2, (1 << 62) - 1, 1 << 62, (1 << 62) + 1, 1 << 63, u64::MAX - 1, u64::MAX];
    for hashes in 0..=MAX_PROOF_HASHES + 2 {
        let proof = vec![hash; hashes];
        for (a, b) in edges.iter().flat_map(|a| edges.iter().map(move |b| (*a, *b))) {
            let (old, new) = (TreeSize::new(a), TreeSize::new(b));
            assert!(verify_inclusion(&leaf(0), a, new, &proof, &root).is_err());
            let holds = verify_consistency(old, &root, new, &root, &proof).is_ok();
            assert_eq!(holds, a == b && a > 0 && hashes == 0, "{a} to {b} with {hashes}");
        }
    }
}

#[test]
fn a_proof_has_at_most_63_hashes() {
    let path = |hashes| vec![NodeHash::from_bytes([1; 32]); hashes];
    let lead = |size, hashes| root_from_inclusion(&leaf(0), 0, TreeSize::new(size), &path(hashes));
    assert!(lead(1 << 63, 63).is_ok());
    assert_eq!(lead(u64::MAX, 64), Err(ProofError::Length { hashes: 64 }));
    let (root, old) = (RootHash::from_bytes([1; 32]), TreeSize::new(1));
    let grown = |size, hashes| verify_consistency(old, &root, TreeSize::new(size), &root, &path(hashes));
    assert!(matches!(grown(1 << 63, 63), Err(ProofError::RootMismatch { .. })));
    assert_eq!(grown(u64::MAX, 64), Err(ProofError::Length { hashes: 64 }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_trees(new in 1..3_000_usize, at in any::<prop::sample::Index>(), later in 0..700_u64) {
        let all = leaves(new as u64 + later);
        // The store is ahead of the size that is asked about.
        let tiles = Tiles::of(&all);
        let (leaves, index) = (&all[..new], at.index(new));
        let root = naive_root(leaves);
        check_inclusion(&tiles, leaves, index, &root);
        check_consistency(&tiles, leaves, index, [&naive_root(&leaves[..index]), &root]);
    }
}

#[test]
fn trees_of_three_levels() {
    let leaves = leaves(70_000);
    let tiles = Tiles::of(&leaves);
    for entries in [65_536, 65_537, 70_000] {
        let (leaves, root) = (&leaves[..entries], naive_root(&leaves[..entries]));
        for index in [0, 255, 256, 65_535, entries - 1] {
            check_inclusion(&tiles, leaves, index, &root);
            check_consistency(&tiles, leaves, index, [&naive_root(&leaves[..index]), &root]);
        }
    }
}
