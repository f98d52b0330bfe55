//! Offline proofs.

use modeltrail_tlog::checkpoint::{Checkpoint, CheckpointError};
use modeltrail_tlog::hash::{LeafHash, NodeHash};
use modeltrail_tlog::note::NoteError;
use modeltrail_tlog::proof::{MAX_PROOF_HASHES, ProofError};
use modeltrail_tlog::tlog_proof::{MAX_EXTRA_BYTES, MAX_TLOG_PROOF_BYTES, TlogProof, TlogProofError};
use modeltrail_tlog::tree::inclusion_proof;

use crate::notes::signer;
use crate::oracle::{Tiles, leaf, leaves};

const ORIGIN: &str = "log.example";

fn proof(index: u64, extra: Option<&[u8]>) -> (TlogProof, LeafHash) {
    let tiles = Tiles::of(&leaves(300));
    let (size, root) = (tiles.edge.size(), tiles.edge.root());
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root };
    let note = checkpoint.sign(&[&signer(ORIGIN, 1)]).unwrap();
    let hashes = inclusion_proof(&tiles, index, size).unwrap();
    let extra = extra.map(<[u8]>::to_vec);
    (TlogProof { index, hashes, checkpoint: note.to_string(), extra }, leaf(index))
}

fn verify(proof: &TlogProof, leaf: &LeafHash) -> Result<Checkpoint, TlogProofError> {
    proof.verify(leaf, &[signer(ORIGIN, 1).verifier().clone()], ORIGIN)
}

#[test]
fn proofs_go_round_and_hold() {
    for (index, extra) in [(0, None), (299, None), (42, Some(&b"x"[..])), (7, Some(&[0; 99][..]))] {
        let (proof, leaf) = proof(index, extra);
        let text = proof.to_string();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\n"));
        let read = TlogProof::parse(text.as_bytes()).unwrap();
        assert_eq!(read, proof);
        assert_eq!(verify(&read, &leaf).unwrap().size.get(), 300);
    }
}

#[test]
fn a_tree_of_one_has_no_hashes() {
    let tiles = Tiles::of(&leaves(1));
    let head = Checkpoint { origin: ORIGIN.to_owned(), size: tiles.edge.size(), root: tiles.edge.root() };
    let checkpoint = head.sign(&[&signer(ORIGIN, 1)]).unwrap().to_string();
    let proof = TlogProof { index: 0, hashes: vec![], checkpoint, extra: None };
    assert!(proof.to_string().starts_with("c2sp.org/tlog-proof@v1\nindex 0\n\nlog.example\n1\n"));
    let read = TlogProof::parse(proof.to_string().as_bytes()).unwrap();
    assert_eq!(verify(&read, &leaf(0)), Ok(head));
}

#[test]
fn what_does_not_hold() {
    let (good, entry) = proof(42, None);
    let mismatch = |found| matches!(found, Err(TlogProofError::Inclusion(ProofError::RootMismatch { .. })));
    assert!(mismatch(verify(&good, &leaf(43))));
    assert!(mismatch(verify(&TlogProof { index: 43, ..good.clone() }, &entry)));
    let outside = TlogProofError::Inclusion(ProofError::IndexOutside { index: 300, size: 300 });
    assert_eq!(verify(&TlogProof { index: 300, ..good.clone() }, &entry), Err(outside));
    let other = signer(ORIGIN, 2);
    let unsigned = good.verify(&entry, &[other.verifier().clone()], ORIGIN);
    let none = CheckpointError::Note(NoteError::NoKnownSignature { keys: 1 });
    assert_eq!(unsigned, Err(TlogProofError::Checkpoint(none)));
    let wanted = good.verify(&entry, &[signer(ORIGIN, 1).verifier().clone()], "other.example");
    let (wanted_origin, found) = ("other.example".to_owned(), ORIGIN.to_owned());
    assert_eq!(wanted, Err(TlogProofError::Origin { wanted: wanted_origin, found }));
}

#[test]
fn every_flipped_bit_is_caught() {
    let (good, entry) = proof(42, None);
    let text = good.to_string().into_bytes();
    for bit in 0..text.len() * 8 {
        let mut bytes = text.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let held = TlogProof::parse(&bytes).is_ok_and(|proof| verify(&proof, &entry).is_ok());
        assert!(!held, "bit {bit}");
    }
}

#[test]
fn malformed_proofs_are_refused() {
    let (good, _) = proof(42, Some(b"x"));
    let text = good.to_string();
    let parse = |text: &str| TlogProof::parse(text.as_bytes()).map(|_| ());
    assert_eq!(parse(&text), Ok(()));
    assert_eq!(parse(&text.replace("@v1", "@v2")), Err(TlogProofError::Header));
    assert_eq!(parse(&format!("\n{text}")), Err(TlogProofError::Header));
    for extra in ["extra \n", "extra eA\n", "extra eB==\n", "extra  eA==\n", "extra eA== \n"] {
        assert_eq!(parse(&text.replace("extra eA==\n", extra)), Err(TlogProofError::Extra));
    }
    let twice = text.replace("extra eA==\n", "extra eA==\nextra eA==\n");
    assert_eq!(parse(&twice), Err(TlogProofError::Index { line: 3 }));
    for index in ["index 042", "index", "index ", "index -1", "Index 42", "index 42 ", "index 42\r"] {
        assert_eq!(parse(&text.replace("index 42", index)), Err(TlogProofError::Index { line: 3 }));
    }
    let late = text.replace("extra eA==\nindex 42\n", "index 42\nextra eA==\n");
    assert_eq!(parse(&late), Err(TlogProofError::Hash { place: 1 }));
    let (head, checkpoint) = text.split_once("\n\n").unwrap();
    assert_eq!(parse(head), Err(TlogProofError::Layout));
    assert!(matches!(parse(&format!("{head}\n\n\n{checkpoint}")), Err(TlogProofError::Checkpoint(_))));
    assert!(matches!(parse(&format!("{head}\n\n")), Err(TlogProofError::Checkpoint(_))));
    assert!(matches!(parse(&format!("{text}\n")), Err(TlogProofError::Checkpoint(_))));
    assert_eq!(TlogProof::parse(b"c2sp\xff"), Err(TlogProofError::Utf8 { at: 4 }));
}

#[test]
fn limits_hold() {
    let (mut proof, _) = proof(42, None);
    proof.hashes = vec![NodeHash::from_bytes([7; 32]); MAX_PROOF_HASHES];
    proof.extra = Some(vec![1; MAX_EXTRA_BYTES]);
    assert_eq!(TlogProof::parse(proof.to_string().as_bytes()), Ok(proof.clone()));
    proof.hashes.push(NodeHash::from_bytes([7; 32]));
    let parse = |proof: &TlogProof| TlogProof::parse(proof.to_string().as_bytes());
    assert_eq!(parse(&proof), Err(TlogProofError::TooManyHashes));
    proof.hashes.clear();
    proof.extra = Some(vec![1; MAX_EXTRA_BYTES + 1]);
    assert_eq!(parse(&proof), Err(TlogProofError::Extra));
    let bytes = MAX_TLOG_PROOF_BYTES + 1;
    assert_eq!(TlogProof::parse(&vec![b'x'; bytes]), Err(TlogProofError::TooLong { bytes }));
}
