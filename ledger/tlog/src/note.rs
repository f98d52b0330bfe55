//! Signed notes (C2SP signed-note): a text, and below it the signatures of named keys.
//!
//! A note is not trusted until [`Note::verify`] has found a good signature by a key that the caller
//! trusts: whoever can write one can at most have it refused.

mod key;

use std::collections::BTreeSet;
use std::fmt;

pub use key::{SignerKey, TYPE_ED25519, VerifierKey, key_fingerprint};

use crate::encoding;

/// Most signature lines in a note. The specification asks for at least 16; the cap bounds what an
/// unknown sender can make a verifier do.
pub const MAX_SIGNATURES: usize = 64;
/// Longest note read, in bytes: 64 post-quantum signatures of 5 kB and room for the text.
pub const MAX_NOTE_BYTES: usize = 1 << 20;
/// Longest name of a key of our own or one to verify with: cosignature formats give it one length byte.
pub const MAX_KEY_NAME_BYTES: usize = 255;
/// Longest vkey or skey read, in bytes: the largest known key (ML-DSA-44) takes under 2,100.
pub const MAX_KEY_BYTES: usize = 8192;
/// Bytes of a key id.
pub const KEY_ID_BYTES: usize = 4;

/// What a signature line starts with: an em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// Why a note or a key can't be read, or a note does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`].
    #[error("the note has {bytes} bytes, more than {MAX_NOTE_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("the note is not valid UTF-8 from byte {at} on")]
    Utf8 {
        /// Bytes that are valid before the first that is not.
        at: usize,
    },
    /// A control character other than newline.
    #[error("byte {at} of the note is a control character")]
    ControlCharacter {
        /// Its offset in bytes.
        at: usize,
    },
    /// No text that ends in a newline before a blank line and signatures.
    #[error("a note is a text that ends in a newline, a blank line, and signature lines")]
    Layout,
    /// A signature line is not `— <name> <base64 of key id and signature>`.
    #[error("signature line {line} is not an em dash, a key name and base64 with one space between")]
    SignatureLine {
        /// Its number among the signature lines, from 1.
        line: usize,
    },
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A known key's signature is bad: the text or the signature was changed.
    #[error("the signature by `{name}` does not hold: the note was changed or the key is another")]
    BadSignature {
        /// The key's name.
        name: String,
    },
    /// Two different keys were given for one name and key id.
    #[error("two different keys are called `{name}` and share a key id: keep one of them")]
    AmbiguousKey {
        /// The keys' name.
        name: String,
    },
    /// None of the given keys signed the note.
    #[error("the note is not signed by any of the {keys} keys it was checked against")]
    NoKnownSignature {
        /// How many keys were given.
        keys: usize,
    },
    /// The name is empty, has a space, plus or control character, or is too long.
    #[error("`{name}` is not a key name (1 to 255 bytes, no space, `+` or control character)")]
    KeyName {
        /// The name, cut to a printable excerpt.
        name: String,
    },
    /// Not a vkey.
    #[error("`{text}` is not a verifier key (name+8 hex digits+base64)")]
    VerifierKey {
        /// The text, cut to a printable excerpt.
        text: String,
    },
    /// Not an Ed25519 skey. The text is left out, as it may be a secret.
    #[error("not a signer key (PRIVATE+KEY+name+8 hex digits+base64 of an Ed25519 seed)")]
    SignerKey,
    /// The key id is not the one that name and key give: one of them was changed.
    #[error("the key id of `{name}` does not fit its name and key: one of them was changed")]
    KeyIdMismatch {
        /// The key's name.
        name: String,
    },
    /// Not the canonical encoding of a point of large order.
    #[error("the public key of `{name}` is not a sound Ed25519 key: anybody could sign with it")]
    WeakKey {
        /// The key's name.
        name: String,
    },
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NoteSignature {
    /// The name of the key, by its own account.
    pub name: String,
    /// The key id, by its own account.
    pub key_id: [u8; KEY_ID_BYTES],
    /// The signature without the key id; 64 bytes for Ed25519, at least 1.
    pub blob: Vec<u8>,
}

/// A text and the signatures below it. [`Note::parse`] and [`Note::new`] keep the rules of the
/// format; whoever fills the fields by hand must.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Note {
    /// What is signed, its final newline included.
    pub text: String,
    /// The signature lines, in their order.
    pub signatures: Vec<NoteSignature>,
}

impl Note {
    /// A note that nobody has signed yet. It can be read again once it has a signature.
    ///
    /// # Errors
    /// [`NoteError::ControlCharacter`]; [`NoteError::Layout`] unless `text` ends in a newline.
    pub fn new(text: String) -> Result<Self, NoteError> {
        check_characters(&text)?;
        if text.ends_with('\n') { Ok(Self { text, signatures: Vec::new() }) } else { Err(NoteError::Layout) }
    }

    /// Reads what [`Note::to_bytes`] writes and nothing else. Nothing is verified.
    ///
    /// # Errors
    /// [`NoteError::TooLong`], [`NoteError::Utf8`], [`NoteError::ControlCharacter`],
    /// [`NoteError::Layout`], [`NoteError::SignatureLine`], [`NoteError::TooManySignatures`].
    pub fn parse(note: &[u8]) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong { bytes: note.len() });
        }
        let note = std::str::from_utf8(note).map_err(|error| NoteError::Utf8 { at: error.valid_up_to() })?;
        check_characters(note)?;
        // The text may hold blank lines: the last one ends it.
        let (before, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Layout)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Layout)?;
        let mut signatures = Vec::new();
        for (place, line) in lines.split('\n').enumerate() {
            if place == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            let signature = parse_signature(line);
            signatures.push(signature.ok_or(NoteError::SignatureLine { line: place + 1 })?);
        }
        Ok(Self { text: format!("{before}\n"), signatures })
    }

    /// The whole note: text, blank line, signature lines.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    /// Adds the signature of `key` over the text, or replaces the one it had.
    pub fn sign(&mut self, key: &SignerKey) {
        let (name, key_id) = (key.name(), key.verifier().key_id());
        self.signatures.retain(|signature| signature.name != name || signature.key_id != key_id);
        let blob = key.sign(self.text.as_bytes()).to_vec();
        self.signatures.push(NoteSignature { name: name.to_owned(), key_id, blob });
    }

    /// Which of `keys` signed the text: their places in `keys`, ascending, at least one. Signatures by
    /// other keys are ignored, and so are `keys` that are not Ed25519.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] if any line of a known key does not hold, even beside a good one;
    /// [`NoteError::AmbiguousKey`]; [`NoteError::NoKnownSignature`].
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<usize>, NoteError> {
        let mut holding = BTreeSet::new();
        for signature in &self.signatures {
            let known: Vec<usize> = (0..keys.len()).filter(|i| signature.is_by(&keys[*i])).collect();
            let Some(first) = known.first() else { continue };
            let key = &keys[*first];
            if known.iter().any(|other| keys[*other] != *key) {
                return Err(NoteError::AmbiguousKey { name: signature.name.clone() });
            }
            if !key.verify(self.text.as_bytes(), &signature.blob) {
                return Err(NoteError::BadSignature { name: signature.name.clone() });
            }
            holding.extend(known);
        }
        if holding.is_empty() {
            return Err(NoteError::NoKnownSignature { keys: keys.len() });
        }
        Ok(holding.into_iter().collect())
    }
}

impl NoteSignature {
    /// Whether name and key id are those of `key`, a key that can verify.
    fn is_by(&self, key: &VerifierKey) -> bool {
        key.ed25519_public().is_some() && self.name == key.name() && self.key_id == key.key_id()
    }
}

impl fmt::Display for Note {
    /// The whole note, as [`Note::to_bytes`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            writeln!(f, "{signature}")?;
        }
        Ok(())
    }
}

impl fmt::Display for NoteSignature {
    /// The signature line without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blob = [&self.key_id, self.blob.as_slice()].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, encoding::to_base64(&blob))
    }
}

fn parse_signature(line: &str) -> Option<NoteSignature> {
    let (name, blob) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
    let blob = encoding::from_base64(blob)?;
    let (key_id, blob) = blob.split_first_chunk::<KEY_ID_BYTES>()?;
    if !is_key_name(name) || blob.is_empty() {
        return None;
    }
    Some(NoteSignature { name: name.to_owned(), key_id: *key_id, blob: blob.to_vec() })
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    match text.bytes().position(|byte| byte < b' ' && byte != b'\n') {
        Some(at) => Err(NoteError::ControlCharacter { at }),
        None => Ok(()),
    }
}

/// Whether a signature line may carry this name: not empty, no Unicode space, no `+`, no control
/// character below U+0020.
fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ')
}
