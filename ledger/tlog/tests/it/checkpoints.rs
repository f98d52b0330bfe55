//! Checkpoints: their text, signing, opening.

use modeltrail_tlog::checkpoint::{Checkpoint, CheckpointError};
use modeltrail_tlog::hash::{RootHash, empty_root, leaf_hash};
use modeltrail_tlog::note::{Note, NoteError};
use modeltrail_tlog::tree::{Edge, TreeSize};

use crate::notes::signer;

const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

fn head(origin: &str) -> Checkpoint {
    let mut edge = Edge::new();
    (0..300_u32).for_each(|i| edge.append(leaf_hash(&i.to_be_bytes()), &mut Vec::new()));
    Checkpoint { origin: origin.to_owned(), size: edge.size(), root: edge.root() }
}

#[test]
fn the_example_of_c2sp_tlog_checkpoint() {
    let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
    let checkpoint = Checkpoint::parse_text(&text).unwrap();
    assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
    assert_eq!(checkpoint.size, TreeSize::new(20_852_163));
    assert_eq!(checkpoint.root.to_base64(), ROOT);
    assert_eq!(checkpoint.to_text(), text);
    let extended = format!("{text}extension 1\nextension 2\n");
    assert_eq!(Checkpoint::parse_text(&extended), Ok(checkpoint));
}

#[test]
fn other_texts_are_refused() {
    let layout = [
        String::new(),
        "\n".to_owned(),
        "o\n".to_owned(),
        "o\n1\n".to_owned(),
        format!("o\n1\n{ROOT}"),
        format!("o\n1\n{ROOT}\n\n"),
        format!("o\n1\n{ROOT}\n\nextension\n"),
        format!("o\n1\n{ROOT}\nextension\n\n"),
    ];
    for text in layout {
        assert_eq!(Checkpoint::parse_text(&text), Err(CheckpointError::Layout), "{text:?}");
    }
    for size in ["", "01", "00", "+1", "-1", " 1", "1 ", "1_0", "0x1", "18446744073709551616", "1\r"] {
        let read = Checkpoint::parse_text(&format!("o\n{size}\n{ROOT}\n"));
        assert!(matches!(read, Err(CheckpointError::Size { .. })), "{size:?}");
    }
    let roots = ["", "AAAA", &ROOT[..43], &format!("{ROOT}="), &format!(" {ROOT}"), &ROOT.replace("2I=", "2J=")];
    for root in roots {
        let read = Checkpoint::parse_text(&format!("o\n1\n{root}\n"));
        assert!(matches!(read, Err(CheckpointError::Root { .. })), "{root:?}");
    }
    for origin in ["", "a\rb", "a\0"] {
        let read = Checkpoint::parse_text(&format!("{origin}\n1\n{ROOT}\n"));
        assert!(matches!(read, Err(CheckpointError::Origin { .. })), "{origin:?}");
    }
}

#[test]
fn the_empty_tree_has_one_root() {
    let read = Checkpoint::parse_text(&format!("o\n0\n{ROOT}\n"));
    let root = RootHash::from_base64(ROOT).unwrap();
    assert_eq!(read, Err(CheckpointError::EmptyTreeRoot { root }));
    let empty = Checkpoint { origin: "o".to_owned(), size: TreeSize::new(0), root: empty_root() };
    assert_eq!(Checkpoint::parse_text(&empty.to_text()), Ok(empty.clone()));
    let lie = Checkpoint { root, ..empty };
    assert_eq!(lie.sign(&[&signer("o", 1)]), Err(CheckpointError::EmptyTreeRoot { root }));
}

#[test]
fn sign_and_open() {
    let (key, witness) = (signer("log.example", 1), signer("witness.example", 2));
    let checkpoint = head("log.example");
    let note = checkpoint.sign(&[&key, &witness]).unwrap();
    let keys = [witness.verifier().clone(), key.verifier().clone()];
    let opened = Checkpoint::open(&note.to_bytes(), &keys);
    assert_eq!(opened, Ok((checkpoint.clone(), note.clone())));
    let only_log = Checkpoint::open(&note.to_bytes(), &keys[1..]);
    assert_eq!(only_log, Ok((checkpoint, note.clone())));
    // A witness vouches for having seen a head, not for the log.
    let missing = Err(CheckpointError::NoOriginKey { origin: "log.example".to_owned() });
    assert_eq!(Checkpoint::open(&note.to_bytes(), &keys[..1]), missing);
    let mut seen_only = note;
    seen_only.signatures.remove(0);
    assert_eq!(Checkpoint::open(&seen_only.to_bytes(), &keys), missing, "known, but did not sign");
}

#[test]
fn a_changed_key_signs_beside_the_old_one() {
    let (old, new) = (signer("log.example", 1), signer("log.example", 2));
    let checkpoint = head("log.example");
    let note = checkpoint.sign(&[&old, &new]).unwrap();
    for key in [&old, &new] {
        let opened = Checkpoint::open(&note.to_bytes(), &[key.verifier().clone()]).unwrap();
        assert_eq!(opened.0, checkpoint);
    }
    let both = [old.verifier().clone(), new.verifier().clone()];
    assert_eq!(note.verify(&both), Ok(vec![0, 1]));
}

#[test]
fn nothing_is_signed_for_another_origin() {
    let checkpoint = head("log.example");
    let missing = Err(CheckpointError::NoOriginKey { origin: "log.example".to_owned() });
    assert_eq!(checkpoint.sign(&[&signer("other.example", 1)]), missing);
    assert_eq!(checkpoint.sign(&[]), missing);
    let forged = Checkpoint { origin: "o\n1\nroot".to_owned(), ..checkpoint };
    let refused = forged.sign(&[&signer("o", 1)]);
    assert!(matches!(refused, Err(CheckpointError::Origin { .. })));
}

#[test]
fn a_good_signature_over_another_text_does_not_open() {
    let key = signer("log.example", 1);
    let mut note = Note::new("just some text\n".to_owned()).unwrap();
    note.sign(&key);
    let opened = Checkpoint::open(&note.to_bytes(), &[key.verifier().clone()]);
    assert_eq!(opened, Err(CheckpointError::Layout));
}

#[test]
fn every_flipped_bit_of_a_checkpoint_is_caught() {
    let key = signer("log.example", 1);
    let note = head("log.example").sign(&[&key]).unwrap().to_bytes();
    for bit in 0..note.len() * 8 {
        let mut bytes = note.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let opened = Checkpoint::open(&bytes, &[key.verifier().clone()]);
        assert!(opened.is_err(), "bit {bit}");
    }
    let unknown = Checkpoint::open(&note, &[signer("log.example", 2).verifier().clone()]);
    let none = CheckpointError::Note(NoteError::NoKnownSignature { keys: 1 });
    assert_eq!(unknown, Err(none));
}
