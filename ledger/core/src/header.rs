//! The entry header: the canonical bytes of an entry, and the Merkle leaf (`docs/FORMAT.md` section 4).
//!
//! The members of every struct here stand in alphabetical order and hold only strings, integers and lists, so that
//! `serde_json` writes canonical JSON (RFC 8785) without sorting; a test holds that against a canonicalizer.

use modeltrail_tlog::hash::{LeafHash, leaf_hash};
use serde::{Deserialize, Serialize};

use crate::types::{Commitment, EntryIndex, Hex32};

/// An entry must fit an entry bundle of C2SP `tlog-tiles`, whose lengths are 16 bits.
pub const MAX_HEADER_BYTES: usize = 65_535;
/// More subjects than these follow in `ledger.trails_added` entries, so that a header keeps its limit.
pub const MAX_TRAILS: usize = 64;
/// More signatures than these make an envelope malformed, so that a header keeps its limit.
pub const MAX_SIGNERS: usize = 16;
/// The format version this code writes and knows.
pub const VERSION: u64 = 1;
/// Numbers in our JSON stay exact in every reader: 2^53 − 1.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// An entry's canonical description of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryHeader {
    /// What the entry commits to.
    pub content: Content,
    /// The event, where one could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventHead>,
    /// The entry's place.
    pub index: EntryIndex,
    /// The ledger's name.
    pub origin: String,
    /// The leaf hash of the entry before; 64 zeros for entry 0.
    pub prev: Hex32,
    /// Why the entry is kept aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Quarantined>,
    /// When and how it arrived.
    pub received: Received,
    /// Who signed the event, and whether that counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signers: Vec<Signer>,
    /// What the entry is about, sorted by subject.
    pub trails: Vec<TrailStep>,
    /// The format version, 1.
    pub v: u64,
}

/// `content` of a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// SHA-256(salt ‖ record).
    pub commitment: Commitment,
    /// The format that the reading found, e.g. `cloudevents+json`.
    pub format: String,
    /// `Some(false)`: the record was over the limit and never stored. Never `Some(true)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<bool>,
    /// The number of the reading in force.
    pub reading: u64,
    /// The record's bytes.
    pub size: u64,
}

/// `event` of a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventHead {
    /// The event's id, unique for its source.
    pub id: String,
    /// The event's source.
    pub source: String,
    /// The claimed time, UTC with six digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The event's type.
    pub r#type: String,
}

/// `quarantine` of a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantined {
    /// The admitted entry that a conflict collides with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<EntryIndex>,
    /// `oversize`, `malformed`, `reserved`, `personal-data`, `subject` or `conflict`.
    pub reason: String,
}

/// `received` of a header. Which members are there depends on `via`; [`EntryHeader::parse`] holds them to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Received {
    /// The ledger's clock.
    pub at: String,
    /// Kafka: counts re-basings of the partition, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Kafka: the record's position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Kafka: the partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u64>,
    /// HTTP: the public id of the caller's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// Kafka: positions right before this one that the broker did not deliver; never 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<u64>,
    /// Kafka: the configured source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `kafka`, `http` or `ledger`.
    pub via: String,
}

/// One element of `signers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// `ed25519`; left out when the key is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// The key's id.
    pub key: Hex32,
    /// What became of the signature.
    pub status: SignerStatus,
}

/// What became of a producer's signature, the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignerStatus {
    /// No such key is registered.
    Unknown,
    /// The signature does not verify.
    Bad,
    /// The key was revoked before.
    Revoked,
    /// The signed event names no or another ledger.
    Unbound,
    /// The key may not speak for this type, subject or time.
    NotEntitled,
    /// It counts.
    Valid,
}

impl SignerStatus {
    /// The word in the header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Bad => "bad",
            Self::Revoked => "revoked",
            Self::Unbound => "unbound",
            Self::NotEntitled => "not-entitled",
            Self::Valid => "valid",
        }
    }
}

/// One element of `trails`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrailStep {
    /// This entry's ordinal in the trail, from 0.
    pub n: u64,
    /// The trail's entry before; absent at `n` = 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<EntryIndex>,
    /// Why the subject is in the entry.
    pub role: String,
    /// The subject.
    pub subject: String,
}

/// Why bytes are not an entry header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Longer than an entry may be.
    #[error("header has {found} bytes, more than {MAX_HEADER_BYTES}")]
    TooLong {
        /// Its bytes.
        found: usize,
    },
    /// Not JSON of the closed schema.
    #[error("header is not of the closed schema: {detail}")]
    Schema {
        /// What the parser says, with line and column.
        detail: String,
    },
    /// The same content would be written with other bytes.
    #[error("header is not canonical JSON")]
    NotCanonical,
    /// A later format version: could not be judged, never a pass.
    #[error("header has format version {found}; this program knows {VERSION}")]
    Version {
        /// The version found.
        found: u64,
    },
    /// A member's value breaks a rule of the format.
    #[error("header member {member} {fault}")]
    Member {
        /// The member's path.
        member: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
}

impl EntryHeader {
    /// The canonical bytes: what is hashed, stored and exported.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(768);
        serde_json::to_writer(&mut bytes, self).expect("strings, integers and lists always serialise");
        bytes
    }

    /// The leaf hash of these bytes (RFC 6962).
    #[must_use]
    pub fn leaf_hash(&self) -> LeafHash {
        leaf_hash(&self.to_bytes())
    }

    /// Reads a header strictly: canonical, closed, and every rule on single members kept.
    ///
    /// # Errors
    /// [`HeaderError`] names the member and the fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        if bytes.len() > MAX_HEADER_BYTES {
            return Err(HeaderError::TooLong { found: bytes.len() });
        }
        let header: Self = serde_json::from_slice(bytes).map_err(|error| later_version(bytes, &error))?;
        if header.v != VERSION {
            return Err(HeaderError::Version { found: header.v });
        }
        // Equality with its own canonical form also rules out repeated names, spaces, other escapes and null members.
        if header.to_bytes() != bytes {
            return Err(HeaderError::NotCanonical);
        }
        header.check()?;
        Ok(header)
    }

    /// The rules that the types do not hold by themselves.
    fn check(&self) -> Result<(), HeaderError> {
        let refuse = |member, fault| Err(HeaderError::Member { member, fault });
        if self.index.get() > MAX_NUMBER || self.content.size > MAX_NUMBER {
            return refuse("index", "is over 2^53 - 1");
        }
        if self.content.kept == Some(true) {
            return refuse("content.kept", "may only be false");
        }
        if self.origin.is_empty() {
            return refuse("origin", "is empty");
        }
        self.received.check()?;
        if self.signers.len() > MAX_SIGNERS {
            return refuse("signers", "has more than 16 elements");
        }
        if self.trails.is_empty() || self.trails.len() > MAX_TRAILS {
            return refuse("trails", "has not 1 to 64 elements");
        }
        if !self.trails.windows(2).all(|pair| pair[0].subject < pair[1].subject) {
            return refuse("trails", "is not sorted by subject, each once");
        }
        for step in &self.trails {
            if (step.n == 0) != step.prev.is_none() || step.prev.is_some_and(|prev| prev >= self.index) {
                return refuse("trails.prev", "does not fit n and the entry's own index");
            }
        }
        match &self.quarantine {
            Some(q) if (q.reason == "conflict") != q.of.is_some() => {
                refuse("quarantine.of", "goes with a conflict and only there")
            }
            Some(q) if q.of.is_some_and(|of| of >= self.index) => refuse("quarantine.of", "is not an earlier entry"),
            _ => Ok(()),
        }
    }

    /// The trail step of `subject`, if the entry stands on that trail.
    #[must_use]
    pub fn step(&self, subject: &str) -> Option<&TrailStep> {
        let at = self.trails.binary_search_by(|step| step.subject.as_str().cmp(subject)).ok()?;
        self.trails.get(at)
    }
}

impl Received {
    /// The trail of what arrived without a subject.
    #[must_use]
    pub fn source_trail(&self) -> String {
        match &self.source {
            Some(source) => format!("source/{}", modeltrail_schemas::subject::encode_part(source)),
            None => "source/http".to_owned(),
        }
    }

    fn check(&self) -> Result<(), HeaderError> {
        let refuse = |member, fault| Err(HeaderError::Member { member, fault });
        let canonical_time =
            modeltrail_schemas::time::parse_rfc3339(&self.at).is_some_and(|at| at.to_string() == self.at);
        if !canonical_time {
            return refuse("received.at", "is not a UTC time with six digits");
        }
        let kafka =
            self.generation.is_some() && self.offset.is_some() && self.partition.is_some() && self.source.is_some();
        let any_kafka = self.generation.is_some()
            || self.offset.is_some()
            || self.partition.is_some()
            || self.source.is_some()
            || self.skipped.is_some();
        let fits = match self.via.as_str() {
            "kafka" => kafka && self.producer.is_none(),
            "http" => !any_kafka && self.producer.is_some(),
            "ledger" => !any_kafka && self.producer.is_none(),
            _ => return refuse("received.via", "is not kafka, http or ledger"),
        };
        if !fits {
            return refuse("received", "has other members than its via demands");
        }
        if self.skipped.is_some_and(|skipped| skipped == 0 || skipped > self.offset.unwrap_or(0)) {
            return refuse("received.skipped", "is 0 or reaches before position 0");
        }
        Ok(())
    }
}

/// A header that fails the schema of this version may be of a later one: that is another answer.
fn later_version(bytes: &[u8], error: &serde_json::Error) -> HeaderError {
    let found = serde_json::from_slice::<serde_json::Value>(bytes).ok().and_then(|value| value.get("v")?.as_u64());
    match found {
        Some(found) if found != VERSION => HeaderError::Version { found },
        _ => HeaderError::Schema { detail: error.to_string() },
    }
}
