//! `MANIFEST.json` and the text that `MANIFEST.note` signs.

use std::collections::BTreeMap;

use modeltrail_schemas::subject::Subject;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BundleError, MANIFEST, MAX_FILES, is_allowed_name, is_unlisted_name};
use crate::header::MAX_NUMBER;
use crate::types::Hex32;

/// The manifest's format version.
pub const VERSION: u64 = 1;
/// The first line of what `MANIFEST.note` signs; no checkpoint begins like that, so neither can be passed off as the other.
pub const NOTE_LINE: &str = "modeltrail bundle v1";

/// What a bundle holds and claims. Members stand in the order of canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// File name → digest.
    pub files: BTreeMap<String, FileDigest>,
    /// The ledger's name.
    pub origin: String,
    /// The root that every proof leads to.
    pub root: Hex32,
    /// What was asked for.
    pub scope: Scope,
    /// The trails that are claimed complete, sorted by subject.
    pub trails: Vec<TrailClaim>,
    /// The size of the tree of that root.
    pub tree_size: u64,
    /// The format version, 1.
    pub v: u64,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// As of which tree size.
    pub as_of: u64,
    /// Which subjects, sorted.
    pub subjects: Vec<String>,
}

/// The claim that a trail has exactly these entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrailClaim {
    /// Entries on it.
    pub count: u64,
    /// The last one; left out when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// The subject.
    pub subject: String,
}

/// The SHA-256 of a file, written `sha256:<64 hex>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileDigest(pub Hex32);

impl FileDigest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Hex32(Sha256::digest(bytes).into()))
    }
}

impl std::fmt::Display for FileDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl Serialize for FileDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FileDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hex = text.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
        hex.map(Self).ok_or_else(|| serde::de::Error::custom("a digest is sha256: and 64 lower-case hex digits"))
    }
}

impl Manifest {
    /// The canonical bytes, without line end.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings, integers, lists and a map with text keys always serialise")
    }

    /// Reads a manifest strictly. [`Manifest::check`] is for the caller to ask.
    ///
    /// # Errors
    /// [`BundleError::Malformed`] names the fault; [`BundleError::Version`] for a later format.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| later_version(bytes, &error))?;
        if manifest.v != VERSION {
            return Err(BundleError::Version { name: MANIFEST, found: manifest.v });
        }
        if manifest.to_bytes() != bytes {
            return Err(BundleError::malformed(MANIFEST, "is not canonical JSON"));
        }
        Ok(manifest)
    }

    /// The rules that the schema does not hold by itself.
    ///
    /// # Errors
    /// The first that is broken, to be put behind the file's name.
    pub fn check(&self) -> Result<(), String> {
        if self.files.len() > MAX_FILES {
            return Err(format!("lists more than {MAX_FILES} files"));
        }
        if let Some(name) = self.files.keys().find(|name| !is_allowed_name(name) || is_unlisted_name(name)) {
            return Err(format!("lists {name:?}, a file that it may not list"));
        }
        if self.origin.is_empty() {
            return Err("has an empty origin".to_owned());
        }
        if self.tree_size == 0 || self.tree_size > MAX_NUMBER {
            return Err("has a tree_size outside 1 to 2^53 - 1".to_owned());
        }
        if self.scope.as_of > self.tree_size {
            return Err(format!("has scope.as_of {} over tree_size {}", self.scope.as_of, self.tree_size));
        }
        if !sorted(self.scope.subjects.iter()) {
            return Err("has scope.subjects that are not sorted, each once".to_owned());
        }
        if !sorted(self.trails.iter().map(|claim| &claim.subject)) {
            return Err("has trails that are not sorted by subject, each once".to_owned());
        }
        let mut subjects = self.scope.subjects.iter().chain(self.trails.iter().map(|claim| &claim.subject));
        if let Some(subject) = subjects.find(|subject| Subject::parse(subject).is_err()) {
            return Err(format!("names {subject:?}, which is no subject"));
        }
        self.trails.iter().try_for_each(|claim| claim.check(self.tree_size))
    }

    /// The claim about a subject's trail.
    #[must_use]
    pub fn claim(&self, subject: &str) -> Option<&TrailClaim> {
        let at = self.trails.binary_search_by(|claim| claim.subject.as_str().cmp(subject)).ok()?;
        self.trails.get(at)
    }

    /// What `MANIFEST.note` signs, for a manifest of these bytes.
    #[must_use]
    pub fn note_text(origin: &str, manifest: &[u8]) -> String {
        format!("{NOTE_LINE}\n{origin}\n{}\n", FileDigest::of(manifest))
    }
}

impl TrailClaim {
    fn check(&self, tree_size: u64) -> Result<(), String> {
        let subject = &self.subject;
        if (self.count == 0) != self.last.is_none() {
            return Err(format!("has a claim about {subject} whose count and last do not fit"));
        }
        // A trail of n entries ends at index n - 1 or later.
        match self.last {
            Some(last) if last >= tree_size || self.count > last + 1 => {
                Err(format!("has a claim about {subject} that no tree of this size can hold"))
            }
            _ => Ok(()),
        }
    }
}

fn sorted<'a>(mut texts: impl Iterator<Item = &'a String>) -> bool {
    let Some(mut before) = texts.next() else { return true };
    texts.all(|text| std::mem::replace(&mut before, text) < text)
}

fn later_version(bytes: &[u8], error: &serde_json::Error) -> BundleError {
    let found = serde_json::from_slice::<serde_json::Value>(bytes).ok().and_then(|value| value.get("v")?.as_u64());
    match found {
        Some(found) if found != VERSION => BundleError::Version { name: MANIFEST, found },
        _ => BundleError::malformed(MANIFEST, format!("is not of the closed schema: {error}")),
    }
}
