//! Signed notes and their keys.

use modeltrail_tlog::note::{MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError, NoteSignature, SignerKey, VerifierKey};
use proptest::prelude::*;

use crate::known_answers::{NOTE, VKEY};

pub(crate) fn signer(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, &[seed; 32]).unwrap()
}

fn signed(text: &str, keys: &[&SignerKey]) -> Note {
    let mut note = Note::new(text.to_owned()).unwrap();
    keys.iter().for_each(|key| note.sign(key));
    note
}

fn junk(name: &str, id: u8) -> NoteSignature {
    NoteSignature { name: name.to_owned(), key_id: [id; 4], blob: vec![id; 2_428] }
}

#[test]
fn two_keys_sign_and_either_verifies() {
    let (first, second, third) = (signer("a", 1), signer("b", 2), signer("c", 3));
    let note = signed("text\n", &[&first, &second]);
    let read = Note::parse(&note.to_bytes()).unwrap();
    assert_eq!(read, note);
    let keys = |of: &[&SignerKey]| of.iter().map(|key| key.verifier().clone()).collect::<Vec<_>>();
    assert_eq!(read.verify(&keys(&[&third, &second, &first])), Ok(vec![1, 2]));
    assert_eq!(read.verify(&keys(&[&second])), Ok(vec![0]));
    assert_eq!(read.verify(&keys(&[&third])), Err(NoteError::NoKnownSignature { keys: 1 }));
    assert_eq!(read.verify(&[]), Err(NoteError::NoKnownSignature { keys: 0 }));
}

#[test]
fn signing_again_replaces() {
    let (key, other) = (signer("a", 1), signer("a", 2));
    let mut note = signed("text\n", &[&key, &other, &key]);
    assert_eq!(note.signatures.len(), 2, "the same name with another key stays");
    note.text = "other\n".to_owned();
    note.sign(&key);
    note.sign(&other);
    let keys = [key.verifier().clone(), other.verifier().clone()];
    assert_eq!(note.verify(&keys), Ok(vec![0, 1]));
}

#[test]
fn unknown_signatures_are_ignored() {
    let key = signer("log", 1);
    let mut note = signed("text\n", &[&key]);
    let id = key.verifier().key_id();
    note.signatures.insert(0, junk("somebody", 7));
    // Only the name, or only the key id, is a known key's.
    note.signatures.push(junk("log", 7));
    note.signatures.push(NoteSignature { name: "other".to_owned(), key_id: id, blob: vec![1] });
    let read = Note::parse(&note.to_bytes()).unwrap();
    assert_eq!(read.verify(&[key.verifier().clone()]), Ok(vec![0]));
}

#[test]
fn a_bad_signature_of_a_known_key_spoils_the_note() {
    let (key, other) = (signer("log", 1), signer("other", 2));
    let keys = [key.verifier().clone(), other.verifier().clone()];
    let bad = Err(NoteError::BadSignature { name: "log".to_owned() });
    let good = signed("text\n", &[&key, &other]);
    let mut note = good.clone();
    note.signatures[0].blob[5] ^= 1;
    assert_eq!(note.verify(&keys), bad);
    let mut note = good.clone();
    note.signatures[0].blob.push(0);
    assert_eq!(note.verify(&keys), bad);
    let mut note = good.clone();
    note.signatures.push(NoteSignature { blob: vec![0; 64], ..good.signatures[0].clone() });
    assert_eq!(note.verify(&keys), bad, "a good line does not excuse a bad one");
    let mut note = good;
    note.text.push_str("more\n");
    assert_eq!(note.verify(&keys), bad);
}

#[test]
fn only_ed25519_keys_verify() {
    let key = signer("log", 1);
    let note = signed("text\n", &[&key]);
    // The same name and key id, of a type without a rule for ids.
    let id = key.verifier().to_string();
    let id = id.split('+').nth(1).unwrap();
    let unknown = VerifierKey::parse(&format!("log+{id}+/wECAw==")).unwrap();
    assert_eq!((unknown.type_byte(), unknown.public_key()), (0xff, &[1, 2, 3][..]));
    assert_eq!(unknown.ed25519_public(), None);
    assert_eq!(unknown.to_string(), format!("log+{id}+/wECAw=="));
    let none = Err(NoteError::NoKnownSignature { keys: 1 });
    assert_eq!(note.verify(std::slice::from_ref(&unknown)), none);
    assert_eq!(note.verify(&[unknown, key.verifier().clone()]), Ok(vec![1]));
}

#[test]
fn text_with_blank_lines_is_split_at_the_last() {
    let key = signer("log", 1);
    for text in ["\n", "\n\n", "a\n\nb\n", "a\n\n", "— log AAAAAAA=\n", "a\n\n— log AAAAAAA=\n"] {
        let note = Note::parse(&signed(text, &[&key]).to_bytes()).unwrap();
        assert_eq!(note.text, text);
        assert_eq!(note.verify(&[key.verifier().clone()]), Ok(vec![0]), "{text:?}");
    }
}

#[test]
fn malformed_notes_are_refused() {
    let line = "— log AAAAAAA=\n";
    let ok = format!("text\n\n{line}");
    assert!(Note::parse(ok.as_bytes()).is_ok());
    let layout = ["", "\n", "text\n", "text", "text\n\n— log AAAAAAA=", "\n\n", line];
    for bad in layout {
        let found = Note::parse(bad.as_bytes());
        assert!(matches!(found, Err(NoteError::Layout | NoteError::SignatureLine { .. })), "{bad:?}");
    }
    let lines = [
        "- log AAAAAAA=",
        "—log AAAAAAA=",
        "—  log AAAAAAA=",
        "— log  AAAAAAA=",
        "— log AAAAAAA= ",
        "— log AAAAAAA",
        "— log AAAAAAB=",
        "— log AAAAAA==",
        "— log AAAA",
        "— log ",
        "— log",
        "—  AAAAAAA=",
        "— l+g AAAAAAA=",
        "— l\u{a0}g AAAAAAA=",
        "— l\u{2003}g AAAAAAA=",
        "— log AAAA_AA=",
        "x— log AAAAAAA=",
        "— log AAAA\u{2028}AAA=",
    ];
    for bad in lines {
        let note = format!("text\n\n{line}{bad}\n");
        let found = Note::parse(note.as_bytes());
        assert_eq!(found, Err(NoteError::SignatureLine { line: 2 }), "{bad:?}");
    }
    for (bad, at) in [("te\rxt\n\n", 2), ("\0\n\n", 0), ("text\n\n\t", 6), ("text\r\n\r\n", 4)] {
        let note = format!("{bad}{line}");
        assert_eq!(Note::parse(note.as_bytes()), Err(NoteError::ControlCharacter { at }));
        assert_eq!(Note::new(note), Err(NoteError::ControlCharacter { at }));
    }
    assert_eq!(Note::parse(b"te\xffxt\n\n"), Err(NoteError::Utf8 { at: 2 }));
    assert_eq!(Note::new("no newline".to_owned()), Err(NoteError::Layout));
}

#[test]
fn limits_hold() {
    let line = "— log AAAAAAA=\n";
    let note = |count: usize| format!("text\n\n{}", line.repeat(count));
    let full = Note::parse(note(MAX_SIGNATURES).as_bytes()).unwrap();
    assert_eq!(full.signatures.len(), MAX_SIGNATURES);
    let above = Note::parse(note(MAX_SIGNATURES + 1).as_bytes());
    assert_eq!(above, Err(NoteError::TooManySignatures));
    let rest = "\n\n".len() + line.len();
    let fitting = format!("{}\n\n{line}", "x".repeat(MAX_NOTE_BYTES - rest));
    assert!(Note::parse(fitting.as_bytes()).is_ok());
    let long = Err(NoteError::TooLong { bytes: MAX_NOTE_BYTES + 1 });
    assert_eq!(Note::parse(format!("x{fitting}").as_bytes()), long);
}

#[test]
fn names_of_keys() {
    for name in ["a", "example.com/log", "é", &"n".repeat(255)] {
        assert_eq!(signer(name, 1).name(), name);
    }
    let long = "n".repeat(256);
    for bad in ["", "a b", "a+b", "a\nb", "a\u{a0}b", "a\u{3000}b", "a\0b", &long] {
        let made = SignerKey::from_seed(bad, &[1; 32]);
        assert!(matches!(made, Err(NoteError::KeyName { .. })), "{bad:?}");
        assert!(VerifierKey::ed25519(bad, signer("a", 1).verifier().ed25519_public().unwrap()).is_err());
    }
}

#[test]
fn verifier_keys_have_one_spelling() {
    let (name, id, key) = ("example.com/foo", "530d903a", "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
    let bad = [
        String::new(),
        name.to_owned(),
        format!("{name}+{id}"),
        format!("{name}+{id}+"),
        format!("+{id}+{key}"),
        format!("{name}+530D903A+{key}"),
        format!("{name}+530d903+{key}"),
        format!("{name}+{id}+{key}="),
        format!("{name}+{id}+{key}\n"),
        format!(" {name}+{id}+{key}"),
        format!("{name}+{id}+AQ=="),
        format!("{name}+{id}+{}", "A".repeat(10_000)),
    ];
    for vkey in bad {
        let read = VerifierKey::parse(&vkey);
        assert!(matches!(read, Err(NoteError::VerifierKey { .. })), "{vkey:?}: {read:?}");
    }
    let others = [format!("{name}+530d903b+{key}"), format!("{name}x+{id}+{key}")];
    for vkey in others {
        assert!(matches!(VerifierKey::parse(&vkey), Err(NoteError::KeyIdMismatch { .. })), "{vkey}");
    }
    assert_eq!(VKEY.parse::<VerifierKey>().unwrap().to_string(), VKEY);
}

#[test]
fn a_weak_key_is_no_verifier() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let weak = Err(NoteError::WeakKey { name: "log".to_owned() });
    assert_eq!(VerifierKey::ed25519("log", &identity), weak);
    // A vkey whose id is right all the same.
    let id = sha256_prefix(&[b"log\n\x01", &identity[..]].concat());
    assert_eq!(VerifierKey::parse(&format!("log+{id}+AQEA{}", "A".repeat(40))), weak);
}

/// The first 8 hex digits of SHA-256, by way of a fingerprint: type byte and rest joined.
fn sha256_prefix(bytes: &[u8]) -> String {
    modeltrail_tlog::note::key_fingerprint(bytes[0], &bytes[1..])[..8].to_owned()
}

#[test]
fn key_ids_of_other_types_are_checked_where_defined() {
    let public = [5; 8];
    let base64 = |type_byte: u8| {
        let bytes = [&[type_byte], &public[..]].concat();
        // Nine bytes are twelve characters, without padding.
        bytes.chunks(3).map(|c| base64_of([c[0], c[1], c[2]])).collect::<String>()
    };
    for type_byte in [0x04, 0x06] {
        let id = sha256_prefix(&[b"n\n", &[type_byte][..], &public].concat());
        assert!(VerifierKey::parse(&format!("n+{id}+{}", base64(type_byte))).is_ok());
        assert!(VerifierKey::parse(&format!("n+00000000+{}", base64(type_byte))).is_err());
    }
    let id = sha256_prefix(&public);
    assert!(VerifierKey::parse(&format!("n+{id}+{}", base64(2))).is_ok());
    assert!(VerifierKey::parse(&format!("n+00000000+{}", base64(2))).is_err());
    assert!(VerifierKey::parse(&format!("n+00000000+{}", base64(0x77))).is_ok());
}

fn base64_of(bytes: [u8; 3]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
    [18, 12, 6, 0].map(|shift| char::from(alphabet[(value >> shift) as usize & 63])).iter().collect()
}

#[test]
fn signer_keys_go_round_and_stay_secret() {
    let key = signer("example.com/log", 9);
    let skey = key.to_skey();
    let read = SignerKey::parse(&skey).unwrap();
    assert_eq!(read.verifier(), key.verifier());
    assert_eq!(read.sign(b"m"), key.sign(b"m"));
    let secret = skey.rsplit_once('+').unwrap().1;
    assert_eq!(format!("{key:?}"), format!("SignerKey {{ verifier: {:?}, .. }}", key.verifier()));
    assert_eq!(format!("{:?}", key.verifier()), format!("VerifierKey({})", key.verifier()));
    for bad in [
        skey.replace("PRIVATE", "private"),
        skey.replace("+AQ", "+Ag"),
        format!("{}=", *skey),
        format!("{}\n", *skey),
        skey[..skey.len() - 4].to_owned(),
        skey[12..].to_owned(),
        String::new(),
    ] {
        let error = SignerKey::parse(&bad).unwrap_err();
        assert_eq!(error, NoteError::SignerKey, "{bad}");
        assert!(!error.to_string().contains(&secret[..8]));
    }
    let other = skey.replace("example", "exbmple");
    assert!(matches!(SignerKey::parse(&other), Err(NoteError::KeyIdMismatch { .. })));
}

#[test]
fn two_keys_of_one_name_and_id_are_refused() {
    // A key id has 4 bytes: among 100,000 keys two were found that share it.
    let [one, other] = [54_995_u64, 102_411].map(|number| {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_be_bytes());
        SignerKey::from_seed("log", &seed).unwrap()
    });
    assert_eq!(one.verifier().key_id(), other.verifier().key_id());
    assert_ne!(one.verifier(), other.verifier());
    let note = signed("text\n", &[&one]);
    let verify = |keys: [&SignerKey; 2]| note.verify(&keys.map(|key| key.verifier().clone()));
    let ambiguous = Err(NoteError::AmbiguousKey { name: "log".to_owned() });
    assert_eq!(verify([&one, &other]), ambiguous);
    assert_eq!(verify([&other, &one]), ambiguous);
    assert_eq!(verify([&one, &one]), Ok(vec![0, 1]), "the same key given twice is no conflict");
    let bad = Err(NoteError::BadSignature { name: "log".to_owned() });
    assert_eq!(note.verify(&[other.verifier().clone()]), bad);
}

#[test]
fn every_flipped_bit_of_a_note_is_caught() {
    let key = VerifierKey::parse(VKEY).unwrap();
    for bit in 0..NOTE.len() * 8 {
        let mut bytes = NOTE.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let held = Note::parse(&bytes).is_ok_and(|note| note.verify(std::slice::from_ref(&key)).is_ok());
        assert!(!held, "bit {bit}");
    }
}

proptest! {
    #[test]
    fn notes_go_round(
        text in "[ -~é—\\n]{0,60}\n",
        lines in prop::collection::vec(("[a-z./é]{1,20}", any::<[u8; 4]>(), prop::collection::vec(any::<u8>(), 1..100)), 1..20),
        seed in any::<[u8; 32]>(),
    ) {
        let key = SignerKey::from_seed("LOG", &seed).unwrap();
        let mut note = Note::new(text).unwrap();
        note.signatures = lines
            .into_iter()
            .map(|(name, key_id, blob)| NoteSignature { name, key_id, blob })
            .collect();
        note.sign(&key);
        let read = Note::parse(&note.to_bytes()).unwrap();
        prop_assert_eq!(&read, &note);
        prop_assert_eq!(read.verify(&[key.verifier().clone()]), Ok(vec![0]));
        let skey = key.to_skey();
        let again = SignerKey::parse(&skey).unwrap();
        prop_assert_eq!(again.verifier(), key.verifier());
        let vkey = key.verifier().to_string();
        prop_assert_eq!(&VerifierKey::parse(&vkey).unwrap(), key.verifier());
    }
}
