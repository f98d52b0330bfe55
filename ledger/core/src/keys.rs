//! Who may sign what: the ledger's own keys, and the producers' keys as the `key/…` entries register them.
//!
//! A [`KeyBook`] is folded from own entries in order. The writer, `fsck` and the offline verifier use this one fold, so that a signer's
//! status is derived the same way everywhere (`docs/FORMAT.md` section 4, "Signers").

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeltrail_schemas::reading::{Reading, Role, Signature};
use modeltrail_schemas::time::{Micros, parse_rfc3339};
use modeltrail_tlog::strict_ed25519;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::header::{Signer, SignerStatus};
use crate::types::Hex32;

/// The type byte of an Ed25519 key in C2SP `signed-note`, and in our key ids.
pub const ED25519_TYPE: u8 = 0x01;
/// The one algorithm that signers are checked with.
pub const ED25519: &str = "ed25519";

/// The own types that change the book.
pub mod types {
    /// Registers a producer's key.
    pub const REGISTERED: &str = "modeltrail.key.producer_registered.v1";
    /// Changes what a key may speak for.
    pub const CHANGED: &str = "modeltrail.key.producer_changed.v1";
    /// Revokes a key.
    pub const REVOKED: &str = "modeltrail.key.producer_revoked.v1";
    /// The ledger's key gives way to a new one.
    pub const ROTATED: &str = "modeltrail.key.rotated.v1";
    /// The ledger's first key.
    pub const GENESIS: &str = "modeltrail.ledger.genesis.v1";
}

/// A key's id: SHA-256(type byte ‖ public key).
#[must_use]
pub fn key_id(type_byte: u8, public: &[u8]) -> Hex32 {
    let mut hasher = Sha256::new();
    hasher.update([type_byte]);
    hasher.update(public);
    Hex32(hasher.finalize().into())
}

/// The id under which an envelope's keyid stands in a header: itself when it has the right shape, else its hash.
#[must_use]
pub fn header_key(keyid: &str) -> Hex32 {
    keyid.parse().unwrap_or_else(|_| Hex32(Sha256::digest(keyid.as_bytes()).into()))
}

/// What a key may speak for. In a pattern `*` matches any run of characters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entitlement {
    /// Patterns of event types.
    pub types: Vec<String>,
    /// Patterns of subjects, for `about`.
    pub subjects: Vec<String>,
}

impl Entitlement {
    /// Whether these patterns cover an event of this type about this subject.
    #[must_use]
    pub fn covers(&self, event_type: &str, about: &str) -> bool {
        self.types.iter().any(|pattern| glob(pattern, event_type))
            && self.subjects.iter().any(|pattern| glob(pattern, about))
    }
}

/// Whether `text` fits `pattern`, in which `*` matches any run of characters. Takes time in proportion to both lengths' product.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// One producer's key as registered.
#[derive(Clone, Debug)]
pub struct ProducerKey {
    /// The 32 bytes of the Ed25519 key.
    pub public: [u8; 32],
    /// Who holds it.
    pub party: Option<String>,
    /// The producer's name, for people.
    pub producer: Option<String>,
    /// What it may speak for.
    pub entitlement: Entitlement,
    /// From when, on the ledger's clock.
    pub valid_from: Option<Micros>,
    /// Until when, exclusive.
    pub valid_until: Option<Micros>,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// The producers' keys as they stand after the entries folded so far.
#[derive(Clone, Debug, Default)]
pub struct KeyBook {
    keys: HashMap<Hex32, ProducerKey>,
    /// The ledger's own keys: none of them speaks as a producer, whatever an entry says.
    own: HashSet<Hex32>,
}

/// Why a registration can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The id is not that of the public key.
    #[error("key id {found} is not that of the public key, {expected}")]
    WrongId {
        /// The id given.
        found: String,
        /// The key's own.
        expected: Hex32,
    },
    /// The public key is not base64 of a type byte and 32 sound bytes.
    #[error("public key {fault}")]
    PublicKey {
        /// What is wrong.
        fault: &'static str,
    },
    /// The key is already registered.
    #[error("key {key} is already registered")]
    Known {
        /// Its id.
        key: Hex32,
    },
    /// No such key.
    #[error("key {key} is not registered")]
    Unknown {
        /// Its id.
        key: String,
    },
    /// A ledger's key can't speak as a producer.
    #[error("key {key} is this ledger's own and can never be a producer's")]
    LedgerKey {
        /// Its id.
        key: Hex32,
    },
    /// Only Ed25519 signatures are checked.
    #[error("algorithm {alg} can't be checked by this program; use ed25519")]
    Algorithm {
        /// The algorithm named.
        alg: String,
    },
}

/// Decodes `public_key` of a registration: base64 of the type byte and the 32 bytes of a key that isn't weak.
///
/// # Errors
/// [`KeyError::PublicKey`] says what is wrong.
pub fn parse_public(text: &str) -> Result<[u8; 32], KeyError> {
    let refuse = |fault| KeyError::PublicKey { fault };
    let bytes = STANDARD.decode(text).map_err(|_| refuse("is not base64 with padding"))?;
    let (type_byte, public) = bytes.split_first().ok_or(refuse("is empty"))?;
    if *type_byte != ED25519_TYPE {
        return Err(refuse("is not of type 01, Ed25519"));
    }
    let public: [u8; 32] = public.try_into().map_err(|_| refuse("has not 32 bytes after its type byte"))?;
    if !strict_ed25519::is_strong_key(&public) {
        return Err(refuse("is no sound Ed25519 point (not canonical, or of small order)"));
    }
    Ok(public)
}

impl KeyBook {
    /// Folds one own entry's event into the book; other types change nothing. A key's first registration stands.
    pub fn fold(&mut self, event_type: &str, data: &Value) {
        match event_type {
            types::REGISTERED => self.register(data),
            types::CHANGED => {
                if let Some(key) = self.key_mut(data) {
                    if let Some(new) = data.get("new").and_then(|value| Entitlement::deserialize(value).ok()) {
                        key.entitlement = new;
                    }
                    key.valid_until = time_of(data, "valid_until").or(key.valid_until);
                }
            }
            types::REVOKED => {
                if let Some(key) = self.key_mut(data) {
                    key.revoked = true;
                }
            }
            types::GENESIS => self.take_over(data, "key_id"),
            types::ROTATED => self.take_over(data, "new"),
            _ => {}
        }
    }

    /// From here on the key is the ledger's. No writer makes a producer's key its own; what a dishonest one wrote must not pass as a producer's word.
    fn take_over(&mut self, data: &Value, member: &str) {
        if let Some(id) = data.get(member).and_then(Value::as_str).and_then(|id| id.parse::<Hex32>().ok()) {
            self.keys.remove(&id);
            self.own.insert(id);
        }
    }

    fn key_mut(&mut self, data: &Value) -> Option<&mut ProducerKey> {
        let id: Hex32 = data.get("key_id")?.as_str()?.parse().ok()?;
        self.keys.get_mut(&id)
    }

    fn register(&mut self, data: &Value) {
        let text = |name: &str| data.get(name).and_then(Value::as_str);
        let Some(id) = text("key_id").and_then(|id| id.parse::<Hex32>().ok()) else { return };
        // What is unsound registers nothing, so that it can't stand in the way of a sound registration.
        let public = text("public_key").filter(|_| text("alg") == Some(ED25519)).and_then(|key| parse_public(key).ok());
        let Some(public) = public.filter(|key| key_id(ED25519_TYPE, key) == id && !self.own.contains(&id)) else {
            return;
        };
        let entitlement = data
            .get("entitlement")
            .and_then(|value| Entitlement::deserialize(value).ok())
            .unwrap_or(Entitlement { types: Vec::new(), subjects: Vec::new() });
        self.keys.entry(id).or_insert(ProducerKey {
            public,
            party: text("party").map(str::to_owned),
            producer: text("producer").map(str::to_owned),
            entitlement,
            valid_from: time_of(data, "valid_from"),
            valid_until: time_of(data, "valid_until"),
            revoked: false,
        });
    }

    /// The key of this id, if it was ever registered.
    #[must_use]
    pub fn get(&self, id: &Hex32) -> Option<&ProducerKey> {
        self.keys.get(id)
    }

    /// All keys, sorted by id.
    #[must_use]
    pub fn all(&self) -> Vec<(Hex32, &ProducerKey)> {
        let mut all: Vec<_> = self.keys.iter().map(|(id, key)| (*id, key)).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// The `signers` of an entry, in the envelope's order: every signature's status as it follows from the entries folded so far.
    #[must_use]
    pub fn signers(&self, reading: &Reading, origin: &str, received_at: Micros) -> Vec<Signer> {
        let message = reading.signed.as_deref().unwrap_or_default();
        reading
            .signatures
            .iter()
            .map(|signature| self.signer(signature, message, reading, origin, received_at))
            .collect()
    }

    fn signer(
        &self,
        signature: &Signature,
        message: &[u8],
        reading: &Reading,
        origin: &str,
        received_at: Micros,
    ) -> Signer {
        let id = header_key(&signature.keyid);
        let known = signature.keyid.parse::<Hex32>().ok().and_then(|id| self.keys.get(&id));
        let Some(key) = known else {
            return Signer { alg: None, key: id, status: SignerStatus::Unknown };
        };
        let status = key.status(signature, message, reading, origin, received_at);
        Signer { alg: Some(ED25519.to_owned()), key: id, status }
    }
}

impl ProducerKey {
    fn status(
        &self,
        signature: &Signature,
        message: &[u8],
        reading: &Reading,
        origin: &str,
        at: Micros,
    ) -> SignerStatus {
        let holds = <&[u8; 64]>::try_from(signature.sig.as_slice())
            .is_ok_and(|sig| strict_ed25519::verify(&self.public, message, sig));
        if !holds {
            return SignerStatus::Bad;
        }
        if self.revoked {
            return SignerStatus::Revoked;
        }
        if reading.origin_ext.as_deref() != Some(origin) {
            return SignerStatus::Unbound;
        }
        let about = reading.trails.iter().find(|(role, _)| *role == Role::About).map(|(_, subject)| subject.as_str());
        let event_type = reading.event.as_ref().map(|event| event.r#type.as_str());
        let covered = matches!((event_type, about), (Some(event_type), Some(about)) if self.entitlement.covers(event_type, about));
        let in_time = self.valid_from.is_none_or(|from| at >= from) && self.valid_until.is_none_or(|until| at < until);
        if covered && in_time { SignerStatus::Valid } else { SignerStatus::NotEntitled }
    }
}

fn time_of(data: &Value, name: &str) -> Option<Micros> {
    data.get(name)?.as_str().and_then(parse_rfc3339)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_any_run() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("model/*", "model/fraud", true),
            ("model/*@1", "model/fraud@1@1", true),
            ("modeltrail.training.*", "modeltrail.training.completed.v1", true),
            ("model/fraud", "model/fraud2", false),
            ("*a*b*c", "xaybzc", true),
            ("*a*b*c", "xaybz", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    /// A registration that may speak for all, of the Ed25519 key of this seed.
    fn registration(seed: u8) -> (Hex32, Value) {
        let signer = modeltrail_tlog::note::SignerKey::from_seed("x", &[seed; 32]).unwrap();
        let public = signer.verifier().public_key();
        let id = key_id(ED25519_TYPE, public);
        let key = STANDARD.encode([&[ED25519_TYPE][..], public].concat());
        let entitlement = serde_json::json!({"types": ["*"], "subjects": ["*"]});
        (id, serde_json::json!({"alg": ED25519, "key_id": id, "public_key": key, "entitlement": entitlement}))
    }

    #[test]
    fn a_key_of_the_ledger_is_no_producers() {
        let ((first, as_producer), (second, other)) = (registration(1), registration(2));
        let mut book = KeyBook::default();
        book.fold(types::GENESIS, &serde_json::json!({"key_id": first}));
        book.fold(types::REGISTERED, &as_producer);
        assert!(book.get(&first).is_none(), "genesis made it the ledger's");
        book.fold(types::REGISTERED, &other);
        assert!(book.get(&second).is_some());
        book.fold(types::ROTATED, &serde_json::json!({"old": first, "new": second}));
        assert!(book.get(&second).is_none(), "the rotation made it the ledger's");
        book.fold(types::REGISTERED, &other);
        assert!(book.get(&second).is_none());
    }

    #[test]
    fn a_long_pattern_of_stars_is_not_exponential() {
        assert!(!glob(&"*a".repeat(200), &"a".repeat(199)));
    }
}
