//! The producers and their demo keys. Everybody can compute them.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeltrail_core::keys::{ED25519, ED25519_TYPE, key_id};
use modeltrail_core::types::Hex32;
use modeltrail_tlog::note::SignerKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::raw::{Entitlement, StoryFile};
use super::{Producer, fault_near};
use crate::error::DemoError;
use crate::files::File;

/// A producer's key.
pub(super) struct DemoKey {
    signer: SignerKey,
    id: Hex32,
}

impl fmt::Debug for DemoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DemoKey({})", self.id)
    }
}

impl DemoKey {
    /// The key whose secret is SHA-256 of `seed`, `/` and the producer's name.
    fn derive(seed: &str, name: &str) -> Result<Self, String> {
        let secret: [u8; 32] = Sha256::digest(format!("{seed}/{name}")).into();
        let signer = SignerKey::from_seed(name, &secret).map_err(|error| error.to_string())?;
        let id = key_id(ED25519_TYPE, signer.verifier().public_key());
        Ok(Self { signer, id })
    }

    /// The `keyid` of its signatures.
    pub(super) fn id(&self) -> String {
        self.id.to_string()
    }

    /// Its signature of these bytes.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signer.sign(message)
    }

    fn registration(&self, name: &str, party: Option<&str>, entitlement: &Entitlement) -> Value {
        let public = [&[ED25519_TYPE], self.signer.verifier().public_key()].concat();
        let mut data = json!({
            "alg": ED25519,
            "entitlement": {"subjects": entitlement.subjects, "types": entitlement.types},
            "key_id": self.id,
            "producer": name,
            "public_key": STANDARD.encode(public),
        });
        if let (Some(party), Some(members)) = (party, data.as_object_mut()) {
            members.insert("party".to_owned(), party.into());
        }
        data
    }
}

/// All producers by name.
pub(super) fn producers(file: File, head: &StoryFile) -> Result<BTreeMap<String, Producer>, DemoError> {
    let mut producers = BTreeMap::new();
    for raw in &head.producer {
        let refuse = |fault: String| {
            fault_near(file, &format!("name = {:?}", raw.name), format!("producer {}: {fault}", raw.name))
        };
        let key = raw.signs.then(|| DemoKey::derive(&head.seed, &raw.name)).transpose().map_err(&refuse)?;
        let registration = match (&key, &raw.entitlement, raw.registered) {
            (Some(key), Some(entitlement), true) => {
                Some(key.registration(&raw.name, raw.party.as_deref(), entitlement))
            }
            (_, None, false) => None,
            (_, _, true) => return Err(refuse("is registered, but has no key or no entitlement".to_owned())),
            (_, Some(_), false) => return Err(refuse("has an entitlement, but is not registered".to_owned())),
        };
        let producer = Producer { name: raw.name.clone(), source: raw.source.clone(), key, registration };
        if producers.insert(raw.name.clone(), producer).is_some() {
            return Err(refuse("is there twice".to_owned()));
        }
    }
    Ok(producers)
}
