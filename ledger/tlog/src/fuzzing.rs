//! One check for each parser, shared by the fuzz targets and by a plain test over their corpus.
//!
//! Each takes any bytes, panics only if an invariant breaks, and says whether the bytes were accepted.

use crate::checkpoint::Checkpoint;
use crate::hash::{LeafHash, NodeHash, RootHash};
use crate::note::{Note, SignerKey, VerifierKey};
use crate::proof::{root_from_inclusion, verify_consistency, verify_inclusion};
use crate::tile::{self, TileId};
use crate::tlog_proof::TlogProof;
use crate::tree::{Edge, MAX_TREE_SIZE, TreeSize};

/// A check: any bytes in, whether they were accepted out.
pub type Target = fn(&[u8]) -> bool;

/// Every check by the name of its fuzz target and corpus directory.
pub const TARGETS: [(&str, Target); 12] = [
    ("bundle", bundle),
    ("checkpoint", checkpoint),
    ("consistency", consistency),
    ("edge", edge),
    ("entries_path", entries_path),
    ("hash", hash),
    ("inclusion", inclusion),
    ("note", note),
    ("signer_key", signer_key),
    ("tile_path", tile_path),
    ("tlog_proof", tlog_proof),
    ("verifier_key", verifier_key),
];

/// What is read as an entry bundle is written the same.
pub fn bundle(data: &[u8]) -> bool {
    let Ok(entries) = tile::decode_bundle(data) else {
        return false;
    };
    assert_eq!(tile::encode_bundle(entries).as_deref(), Ok(data));
    true
}

/// What is read as a checkpoint is written the same, but for extension lines.
pub fn checkpoint(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok(checkpoint) = Checkpoint::parse_text(text) else {
        return false;
    };
    let written = checkpoint.to_text();
    assert!(text.starts_with(&written), "{text:?} was read as {written:?}");
    assert_eq!(Checkpoint::parse_text(&written), Ok(checkpoint));
    true
}

/// A consistency proof holds only between sizes in order. Layout: older size, newer size, older root,
/// newer root, hashes.
pub fn consistency(data: &[u8]) -> bool {
    let Some((old, rest)) = number(data) else {
        return false;
    };
    let Some((new, rest)) = number(rest) else {
        return false;
    };
    let [old_root, new_root, hashes @ ..] = rest.as_chunks::<32>().0 else {
        return false;
    };
    let hashes: Vec<_> = hashes.iter().map(|hash| NodeHash::from_bytes(*hash)).collect();
    let (old_root, new_root) = (RootHash::from_bytes(*old_root), RootHash::from_bytes(*new_root));
    let (old, new) = (TreeSize::new(old), TreeSize::new(new));
    let holds = verify_consistency(old, &old_root, new, &new_root, &hashes).is_ok();
    if holds {
        assert!(old <= new, "an older tree can't be larger");
        assert!(old < new || (old_root == new_root && hashes.is_empty()));
    }
    holds
}

/// An edge can be read from any bytes as tiles, and then grows. Layout: size, then the bytes that
/// every tile is cut from.
pub fn edge(data: &[u8]) -> bool {
    let Some((size, bytes)) = number(data) else {
        return false;
    };
    let fetch = |tile: TileId| Ok::<_, ()>(bytes.get(..tile.byte_len()).map(<[u8]>::to_vec));
    let Ok(mut edge) = Edge::from_tiles(TreeSize::new(size), fetch) else {
        return false;
    };
    assert_eq!(edge.size().get(), size);
    if edge.size() == MAX_TREE_SIZE {
        return true;
    }
    let (root, mut full) = (edge.root(), Vec::new());
    edge.append(LeafHash::from_bytes([1; 32]), &mut full);
    assert_ne!(edge.root(), root);
    assert_eq!(edge.size().get(), size + 1);
    true
}

/// What is read as a bundle's path is written the same.
pub fn entries_path(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok((index, width)) = tile::parse_entries_path(text) else {
        return false;
    };
    assert_eq!(tile::entries_path(index, width), text);
    true
}

/// What is read as a hash is written the same, in hex and in base64.
pub fn hash(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let (hex, base64) = (text.parse::<RootHash>(), RootHash::from_base64(text));
    assert!(hex.is_err() || base64.is_err(), "64 digits are not 44 characters");
    match (hex, base64) {
        (Ok(hash), _) => assert_eq!(hash.to_string(), text),
        (_, Ok(hash)) => assert_eq!(hash.to_base64(), text),
        _ => return false,
    }
    true
}

/// The root that a path leads to is the only one it proves. Layout: index, size, leaf, hashes.
pub fn inclusion(data: &[u8]) -> bool {
    let Some((index, rest)) = number(data) else {
        return false;
    };
    let Some((size, rest)) = number(rest) else {
        return false;
    };
    let [leaf, hashes @ ..] = rest.as_chunks::<32>().0 else {
        return false;
    };
    let (leaf, size) = (LeafHash::from_bytes(*leaf), TreeSize::new(size));
    let hashes: Vec<_> = hashes.iter().map(|hash| NodeHash::from_bytes(*hash)).collect();
    let Ok(root) = root_from_inclusion(&leaf, index, size, &hashes) else {
        return false;
    };
    assert_eq!(verify_inclusion(&leaf, index, size, &hashes, &root), Ok(()));
    let other = RootHash::from_bytes(root.as_bytes().map(|byte| !byte));
    assert!(verify_inclusion(&leaf, index, size, &hashes, &other).is_err());
    true
}

/// What is read as a note is written the same, and holds for nobody without keys.
pub fn note(data: &[u8]) -> bool {
    let Ok(note) = Note::parse(data) else {
        return false;
    };
    assert_eq!(note.to_bytes(), data);
    assert!(note.verify(&[]).is_err());
    true
}

/// What is read as an skey is written the same, and signs what its vkey verifies.
pub fn signer_key(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok(key) = SignerKey::parse(text) else {
        return false;
    };
    assert_eq!(*key.to_skey(), text);
    assert!(key.verifier().verify(data, &key.sign(data)));
    true
}

/// What is read as a tile's path is written the same.
pub fn tile_path(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok(tile) = TileId::parse(text) else {
        return false;
    };
    assert_eq!(tile.path(), text);
    true
}

/// What is read as an offline proof is written the same, and holds for nobody without keys.
pub fn tlog_proof(data: &[u8]) -> bool {
    let Ok(proof) = TlogProof::parse(data) else {
        return false;
    };
    assert_eq!(proof.to_string().as_bytes(), data);
    assert!(proof.verify(&LeafHash::from_bytes([0; 32]), &[], "").is_err());
    true
}

/// What is read as a vkey is written the same.
pub fn verifier_key(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok(key) = VerifierKey::parse(text) else {
        return false;
    };
    assert_eq!(key.to_string(), text);
    true
}

fn number(data: &[u8]) -> Option<(u64, &[u8])> {
    data.split_first_chunk().map(|(number, rest)| (u64::from_be_bytes(*number), rest))
}
