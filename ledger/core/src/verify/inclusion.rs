//! Inclusion of many entries in one tree: neighbours share most of their path, so what was proven once is compared and not hashed again.

use modeltrail_tlog::hash::{LeafHash, NodeHash, RootHash, node_hash};
use modeltrail_tlog::proof::{ProofError, verify_inclusion};
use modeltrail_tlog::tree::TreeSize;

/// A node on the path of the entry proven last.
struct Step {
    /// Height and place of the node; no two nodes of a tree share them.
    place: (u32, u64),
    node: NodeHash,
    /// Proof hashes used below it.
    used: usize,
}

/// Checks proofs against one root.
pub(super) struct Inclusion {
    size: u64,
    root: RootHash,
    path: Vec<Step>,
    proof: Vec<NodeHash>,
    walked: Vec<Step>,
}

impl Inclusion {
    pub(super) fn new(size: u64, root: RootHash) -> Self {
        Self { size, root, path: Vec::new(), proof: Vec::new(), walked: Vec::new() }
    }

    /// Whether `leaf` is entry `index`.
    pub(super) fn check(&mut self, leaf: &LeafHash, index: u64, proof: &[NodeHash]) -> Result<(), ProofError> {
        if self.joins(leaf, index, proof) {
            return Ok(());
        }
        verify_inclusion(leaf, index, TreeSize::new(self.size), proof, &self.root)?;
        self.remember(leaf, index, proof);
        Ok(())
    }

    /// Whether the path comes to a node that was proven to be in the tree, and the rest of the proof is the one that proved it.
    fn joins(&mut self, leaf: &LeafHash, index: u64, proof: &[NodeHash]) -> bool {
        if index >= self.size || self.path.is_empty() {
            return false;
        }
        self.walked.clear();
        let mut at = 0;
        let mut found = None;
        walk(leaf, index, self.size, proof, &mut self.walked, |step| {
            while self.path.get(at).is_some_and(|known| known.place.0 < step.place.0) {
                at += 1;
            }
            let known = self.path.get(at).filter(|known| known.place == step.place);
            found = known.map(|known| (at, known.node == step.node && proof[step.used..] == self.proof[known.used..]));
            found.is_none()
        });
        let Some((at, true)) = found else { return false };
        // The new path below the meeting point, the known one from there on.
        let shift = self.walked.last().map_or(0, |step| step.used);
        let known_used = self.path[at].used;
        let above: Vec<Step> =
            self.path.drain(at + 1..).map(|step| Step { used: step.used - known_used + shift, ..step }).collect();
        std::mem::swap(&mut self.path, &mut self.walked);
        self.path.extend(above);
        self.proof.clear();
        self.proof.extend_from_slice(proof);
        true
    }

    fn remember(&mut self, leaf: &LeafHash, index: u64, proof: &[NodeHash]) {
        self.path.clear();
        walk(leaf, index, self.size, proof, &mut self.path, |_| true);
        self.proof.clear();
        self.proof.extend_from_slice(proof);
    }
}

/// Walks from leaf to root (RFC 9162 section 2.1.3.2), while `go_on` says so, and notes every node.
fn walk(
    leaf: &LeafHash,
    index: u64,
    size: u64,
    proof: &[NodeHash],
    steps: &mut Vec<Step>,
    mut go_on: impl FnMut(&Step) -> bool,
) {
    let (mut place, mut last, mut height) = (index, size - 1, 0);
    let mut node = NodeHash::from(*leaf);
    for (used, sibling) in std::iter::once(None).chain(proof.iter().map(Some)).enumerate() {
        if let Some(sibling) = sibling {
            // On the right edge a node without a sibling is its own parent.
            while place == last && place & 1 == 0 && place > 0 {
                (place, last, height) = (place >> 1, last >> 1, height + 1);
            }
            node = if place & 1 == 1 { node_hash(sibling, &node) } else { node_hash(&node, sibling) };
            (place, last, height) = (place >> 1, last >> 1, height + 1);
        }
        let step = Step { place: (height, place), node, used };
        let more = go_on(&step);
        steps.push(step);
        if !more {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeltrail_tlog::hash::leaf_hash;
    use modeltrail_tlog::tile::TileId;
    use modeltrail_tlog::tree::{Edge, HashReader, inclusion_proof};

    struct Leaves(Vec<LeafHash>);

    impl HashReader for Leaves {
        type Error = std::convert::Infallible;

        fn tile(&self, id: TileId) -> Result<Vec<u8>, Self::Error> {
            assert_eq!(id.level, 0, "small trees only");
            let start = usize::try_from(id.index).unwrap() * 256;
            Ok(self.0[start..start + usize::from(id.width)].iter().flat_map(|leaf| *leaf.as_bytes()).collect())
        }
    }

    #[test]
    fn sharing_paths_changes_no_answer() {
        for size in [1u64, 2, 3, 5, 8, 13, 64, 70, 100] {
            let leaves = Leaves((0..size).map(|at| leaf_hash(&at.to_be_bytes())).collect());
            let mut edge = Edge::new();
            leaves.0.iter().for_each(|leaf| edge.append(*leaf, &mut Vec::new()));
            let proofs: Vec<_> =
                (0..size).map(|at| inclusion_proof(&leaves, at, TreeSize::new(size)).unwrap()).collect();
            for stride in [1, 2, 3, 7] {
                let mut inclusion = Inclusion::new(size, edge.root());
                for at in (0..size).step_by(stride) {
                    let slot = usize::try_from(at).unwrap();
                    let (leaf, proof) = (&leaves.0[slot], &proofs[slot]);
                    for change in 0..proof.len() {
                        let mut bad = proof.clone();
                        bad[change] = NodeHash::from_bytes([0x5A; 32]);
                        assert!(inclusion.check(leaf, at, &bad).is_err(), "size {size} entry {at} hash {change}");
                    }
                    assert!(inclusion.check(&leaf_hash(b"other"), at, proof).is_err());
                    assert!(inclusion.check(leaf, at + size, proof).is_err());
                    if size > 1 {
                        assert!(inclusion.check(leaf, (at + 1) % size, proof).is_err(), "size {size} entry {at}");
                        assert!(inclusion.check(leaf, at, &proof[1..]).is_err());
                    }
                    assert_eq!(inclusion.check(leaf, at, proof), Ok(()), "size {size} entry {at}");
                }
            }
        }
    }
}
