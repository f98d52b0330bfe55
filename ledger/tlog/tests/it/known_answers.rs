//! Answers that others computed: the reference tree of RFC 6962's authors, C2SP's examples.

use modeltrail_tlog::hash::{empty_root, leaf_hash};
use modeltrail_tlog::note::{Note, SignerKey, VerifierKey, key_fingerprint};
use modeltrail_tlog::tile::{TileId, tiles_for};
use modeltrail_tlog::tree::{Edge, TreeSize};

/// The leaves of the reference tree that CT implementations share.
const REFERENCE_LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

#[test]
fn roots_of_the_reference_tree() {
    let expected = [
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ];
    for (size, root) in expected {
        let mut edge = Edge::new();
        for leaf in &REFERENCE_LEAVES[..size] {
            edge.append(leaf_hash(leaf), &mut Vec::new());
        }
        assert_eq!(edge.root().to_string(), root, "size {size}");
    }
    assert_eq!(Edge::new().root(), empty_root());
    assert_eq!(empty_root().to_base64(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

pub(crate) const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
pub(crate) const NOTE: &str = concat!(
    "This is an example message.\n\n— example.com/foo ",
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
);

#[test]
fn the_note_of_c2sp_signed_note() {
    let key = VerifierKey::parse(VKEY).unwrap();
    assert_eq!(key.to_string(), VKEY);
    assert_eq!((key.name(), key.key_id()), ("example.com/foo", [0x53, 0x0d, 0x90, 0x3a]));
    let note = Note::parse(NOTE.as_bytes()).unwrap();
    assert_eq!(note.text, "This is an example message.\n");
    assert_eq!(note.verify(std::slice::from_ref(&key)), Ok(vec![0]));
    assert_eq!(note.to_bytes(), NOTE.as_bytes());
}

#[test]
fn the_keys_and_note_of_go_sumdb_note() {
    // The published example of golang.org/x/mod/sumdb/note: no secret.
    let skey = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let text = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n";
    let line =
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    let key = SignerKey::parse(skey).unwrap();
    assert_eq!(key.verifier().to_string(), vkey);
    assert_eq!(*key.to_skey(), skey);
    let mut note = Note::new(text.to_owned()).unwrap();
    note.sign(&key);
    assert_eq!(note.to_string(), format!("{text}\n{line}\n"));
}

#[test]
fn a_fingerprint_is_the_whole_hash() {
    // sha256 of the bytes 01 02 03, computed with coreutils.
    let expected = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81";
    assert_eq!(key_fingerprint(1, &[2, 3]), expected);
}

#[test]
fn tiles_of_c2sp_tlog_tiles() {
    let path = TileId::full(0, 1_234_067).path();
    assert_eq!(path, "tile/0/x001/x234/067");
    let tiles: Vec<_> = tiles_for(TreeSize::new(70_000)).collect();
    let count = |level, full| tiles.iter().filter(|tile| tile.level == level && tile.is_full() == full).count();
    assert_eq!((count(0, true), count(1, true), count(2, true)), (273, 1, 0));
    let partial: Vec<_> = tiles.iter().filter(|tile| !tile.is_full()).copied().collect();
    let expected = [(0, 273, 112), (1, 1, 17), (2, 0, 1)].map(|(level, index, width)| TileId { level, index, width });
    assert_eq!(partial, expected);
    let small: Vec<_> = tiles_for(TreeSize::new(256)).collect();
    assert_eq!(small, [TileId::full(0, 0), TileId { level: 1, index: 0, width: 1 }]);
}
