//! Verifier keys (vkeys) and signer keys (skeys) of signed notes.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{KEY_ID_BYTES, MAX_KEY_BYTES, MAX_KEY_NAME_BYTES, NoteError, is_key_name};
use crate::{encoding, strict_ed25519};

/// Signature type of a plain Ed25519 note signature (C2SP signed-note).
pub const TYPE_ED25519: u8 = 0x01;
const TYPE_ECDSA: u8 = 0x02;
const TYPE_COSIGNATURE: u8 = 0x04;
const TYPE_ML_DSA_COSIGNATURE: u8 = 0x06;

const SKEY_PREFIX: &str = "PRIVATE+KEY+";

/// A public key with the name and key id under which it signs notes.
///
/// Only plain Ed25519 keys verify. Keys of other types are read, written and compared, but as a
/// verifier they count as unknown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifierKey {
    name: String,
    key_id: [u8; KEY_ID_BYTES],
    type_byte: u8,
    public: Vec<u8>,
}

impl VerifierKey {
    /// An Ed25519 key under `name`.
    ///
    /// # Errors
    /// [`NoteError::KeyName`]; [`NoteError::WeakKey`] unless `public` is the canonical encoding of a
    /// point that is not of small order.
    pub fn ed25519(name: &str, public: &[u8; 32]) -> Result<Self, NoteError> {
        check_name(name)?;
        Self::from_parts(name, key_id(name, TYPE_ED25519, public), TYPE_ED25519, public)
    }

    /// Reads a vkey: `<name>+<8 hex digits of the key id>+<base64(type byte ‖ public key)>`. The key
    /// id must be the one that name and key give, for types that say how it is made.
    ///
    /// # Errors
    /// [`NoteError::VerifierKey`] for any other text, [`NoteError::KeyIdMismatch`],
    /// [`NoteError::WeakKey`] for an Ed25519 key as in [`VerifierKey::ed25519`].
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        let malformed = || NoteError::VerifierKey { text: encoding::excerpt(vkey) };
        let (name, id, key) = split_key(vkey).ok_or_else(malformed)?;
        let key = encoding::from_base64(key).ok_or_else(malformed)?;
        let (type_byte, public) = key.split_first().ok_or_else(malformed)?;
        if *type_byte == TYPE_ED25519 && public.len() != 32 {
            return Err(malformed());
        }
        Self::from_parts(name, id, *type_byte, public)
    }

    fn from_parts(name: &str, key_id: [u8; KEY_ID_BYTES], type_byte: u8, public: &[u8]) -> Result<Self, NoteError> {
        if expected_key_id(name, type_byte, public).is_some_and(|expected| expected != key_id) {
            return Err(NoteError::KeyIdMismatch { name: encoding::excerpt(name) });
        }
        let key = Self { name: name.to_owned(), key_id, type_byte, public: public.to_vec() };
        if key.ed25519_public().is_some_and(|public| !strict_ed25519::is_strong_key(public)) {
            return Err(NoteError::WeakKey { name: encoding::excerpt(name) });
        }
        Ok(key)
    }

    /// The key's name; for a log's key, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 4 bytes that, with the name, say which signature line is this key's.
    pub fn key_id(&self) -> [u8; KEY_ID_BYTES] {
        self.key_id
    }

    /// The signature type, [`TYPE_ED25519`] for keys that verify here.
    pub fn type_byte(&self) -> u8 {
        self.type_byte
    }

    /// The public key without its type byte; 32 bytes for Ed25519.
    pub fn public_key(&self) -> &[u8] {
        &self.public
    }

    /// The 32 bytes of an Ed25519 key, `None` for any other type.
    pub fn ed25519_public(&self) -> Option<&[u8; 32]> {
        let public = self.public.as_slice().try_into().ok()?;
        (self.type_byte == TYPE_ED25519).then_some(public)
    }

    /// [`key_fingerprint`] of this key: an identifier without a name, and not a short one.
    pub fn producer_key_id(&self) -> String {
        key_fingerprint(self.type_byte, &self.public)
    }

    /// Whether `sig` is this key's strict Ed25519 signature over `msg`. Never for other types.
    pub fn verify(&self, msg: &[u8], sig: &[u8]) -> bool {
        match (self.ed25519_public(), sig.try_into()) {
            (Some(public), Ok(sig)) => strict_ed25519::verify(public, msg, sig),
            _ => false,
        }
    }
}

impl fmt::Display for VerifierKey {
    /// The vkey, as [`VerifierKey::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.type_byte], self.public.as_slice()].concat();
        let id = encoding::to_hex(&self.key_id);
        write!(f, "{}+{id}+{}", self.name, encoding::to_base64(&key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl std::str::FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(vkey: &str) -> Result<Self, NoteError> {
        Self::parse(vkey)
    }
}

/// An Ed25519 key that signs notes. The secret is wiped when dropped, and never printed but by
/// [`SignerKey::to_skey`].
#[derive(Clone)]
pub struct SignerKey {
    verifier: VerifierKey,
    secret: SigningKey,
}

impl SignerKey {
    /// The key that this 32-byte seed (RFC 8032's private key) gives, under `name`.
    ///
    /// # Errors
    /// [`NoteError::KeyName`].
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let secret = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::ed25519(name, secret.verifying_key().as_bytes())?;
        Ok(Self { verifier, secret })
    }

    /// Reads an skey as Go's `sumdb/note` writes it:
    /// `PRIVATE+KEY+<name>+<8 hex digits of the key id>+<base64(0x01 ‖ 32-byte seed)>`.
    ///
    /// # Errors
    /// [`NoteError::SignerKey`], which never repeats any of the text; [`NoteError::KeyIdMismatch`].
    pub fn parse(skey: &str) -> Result<Self, NoteError> {
        let rest = skey.strip_prefix(SKEY_PREFIX).ok_or(NoteError::SignerKey)?;
        let (name, id, key) = split_key(rest).ok_or(NoteError::SignerKey)?;
        let key = encoding::secret_from_base64(key).ok_or(NoteError::SignerKey)?;
        let Some((&TYPE_ED25519, seed)) = key.split_first() else {
            return Err(NoteError::SignerKey);
        };
        let seed = <&[u8; 32]>::try_from(seed).map_err(|_| NoteError::SignerKey)?;
        let signer = Self::from_seed(name, seed)?;
        if signer.verifier.key_id == id {
            Ok(signer)
        } else {
            Err(NoteError::KeyIdMismatch { name: encoding::excerpt(name) })
        }
    }

    /// The skey, as [`SignerKey::parse`] reads it: the secret itself, wiped when dropped.
    pub fn to_skey(&self) -> Zeroizing<String> {
        let mut key = Zeroizing::new([TYPE_ED25519; 33]);
        key[1..].copy_from_slice(self.secret.as_bytes());
        let encoded = Zeroizing::new(encoding::to_base64(&*key));
        let id = encoding::to_hex(&self.verifier.key_id);
        Zeroizing::new([SKEY_PREFIX, self.name(), "+", &id, "+", &encoded].concat())
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The key's name; for a log's key, its origin.
    pub fn name(&self) -> &str {
        &self.verifier.name
    }

    /// The plain Ed25519 signature over `msg`.
    pub fn sign(&self, msg: &[u8]) -> [u8; 64] {
        self.secret.sign(msg).to_bytes()
    }
}

impl fmt::Debug for SignerKey {
    /// Name and public key only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerKey").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

/// Lower-case hex of `SHA-256(type byte ‖ public key)`: a key's whole identifier, 64 digits, where the
/// 4 bytes of a note's key id would be too easy to hit.
pub fn key_fingerprint(type_byte: u8, public: &[u8]) -> String {
    let digest = Sha256::new().chain_update([type_byte]).chain_update(public).finalize();
    encoding::to_hex(&digest)
}

/// `<name>+<hex id>+<base64>` in its parts; the base64 may itself hold a `+`.
fn split_key(text: &str) -> Option<(&str, [u8; KEY_ID_BYTES], &str)> {
    if text.len() > MAX_KEY_BYTES {
        return None;
    }
    let (name, rest) = text.split_once('+')?;
    let (id, key) = rest.split_once('+')?;
    check_name(name).ok()?;
    Some((name, encoding::from_hex(id)?, key))
}

fn check_name(name: &str) -> Result<(), NoteError> {
    if is_key_name(name) && name.len() <= MAX_KEY_NAME_BYTES {
        Ok(())
    } else {
        Err(NoteError::KeyName { name: encoding::excerpt(name) })
    }
}

/// The key id of C2SP signed-note: `SHA-256(name ‖ 0x0A ‖ type byte ‖ public key)[:4]`.
fn key_id(name: &str, type_byte: u8, public: &[u8]) -> [u8; KEY_ID_BYTES] {
    first_bytes(
        Sha256::new().chain_update(name).chain_update([b'\n', type_byte]).chain_update(public).finalize().into(),
    )
}

/// The id that a key of this type must have, `None` where the specifications leave it open.
fn expected_key_id(name: &str, type_byte: u8, public: &[u8]) -> Option<[u8; KEY_ID_BYTES]> {
    match type_byte {
        TYPE_ED25519 | TYPE_COSIGNATURE | TYPE_ML_DSA_COSIGNATURE => Some(key_id(name, type_byte, public)),
        TYPE_ECDSA => Some(first_bytes(Sha256::digest(public).into())),
        _ => None,
    }
}

fn first_bytes(digest: [u8; 32]) -> [u8; KEY_ID_BYTES] {
    [digest[0], digest[1], digest[2], digest[3]]
}
