//! Every key of the views, made here.
//!
//! ```text
//! key = u8 table ‖ part ‖ 00 ‖ part ‖ 00 … ‖ be64(!from)
//! ```
//!
//! A part is printable ASCII: subjects as they are, anything else percent-encoded as in a subject. `from` is the index of the entry that made this
//! version of the row; its complement puts the newest version first. All parts of a table are as many, so no key is another's prefix.

use modeltrail_schemas::subject::encode_part;
use sha2::{Digest as _, Sha256};

/// The tables. A number is never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// (subject) → [`crate::rows::Subject`], at its first sight.
    Subjects = 1,
    /// (model) → [`crate::rows::Model`].
    Models = 2,
    /// (model version) → [`crate::rows::Version`].
    Versions = 3,
    /// (dataset, whole or version) → [`crate::rows::Dataset`].
    Datasets = 4,
    /// (run) → [`crate::rows::Run`].
    Runs = 5,
    /// (about, approval id) → [`crate::rows::Approval`].
    Approvals = 6,
    /// (deployment) → [`crate::rows::Deployment`].
    Deployments = 7,
    /// (deployment, effective time, entry) → [`crate::rows::Change`].
    Changes = 8,
    /// (model version, deployment) → [`crate::rows::Served`]: where a version runs or ran.
    ServedAt = 9,
    /// (model version, evaluation id, entry) → [`crate::rows::Evaluation`].
    Evaluations = 10,
    /// (about, plan id) → [`crate::rows::Plan`].
    Plans = 11,
    /// (model version, validation id) → [`crate::rows::Validation`].
    Validations = 12,
    /// (model or version, finding id) → [`crate::rows::Remark`]: what a validation found.
    Remarks = 13,
    /// (incident) → [`crate::rows::Incident`].
    Incidents = 14,
    /// (subject, incident): the incidents that name a subject; empty rows.
    IncidentsOf = 15,
    /// (model version, entry) → [`crate::rows::Monitoring`].
    Monitoring = 16,
    /// (about, review id) → [`crate::rows::Review`].
    Reviews = 17,
    /// (about, entry) → [`crate::rows::Document`].
    Documents = 18,
    /// (party) → [`crate::rows::Party`], at its first sight.
    Parties = 19,
    /// (party, entry, capacity) → [`crate::rows::PartyAct`].
    PartyActs = 20,
    /// (source) → [`crate::rows::Source`].
    Sources = 21,
    /// (entry) → [`crate::rows::Quarantined`].
    Quarantine = 22,
    /// (key id) → [`crate::rows::Key`].
    Keys = 23,
    /// (report id) → [`crate::rows::Report`].
    Reports = 24,
    /// (finding id) → [`crate::rows::Finding`].
    Findings = 25,
    /// (subject, finding id): findings that point at a subject; empty rows.
    FindingsOf = 26,
    /// (from, to, role) → [`crate::rows::Edge`].
    EdgesOut = 27,
    /// (to, from, role) → the same edge.
    EdgesIn = 28,
    /// (word in lower case, subject): for search by prefix; empty rows.
    Words = 29,
    /// (digest in hex, subject) → where the digest stands, a text.
    Digests = 30,
    /// (about, entry) → [`crate::rows::Note`]: any other statement about a subject that a page or a dossier shows.
    Notes = 31,
}

impl Table {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 31] = [
        Self::Subjects,
        Self::Models,
        Self::Versions,
        Self::Datasets,
        Self::Runs,
        Self::Approvals,
        Self::Deployments,
        Self::Changes,
        Self::ServedAt,
        Self::Evaluations,
        Self::Plans,
        Self::Validations,
        Self::Remarks,
        Self::Incidents,
        Self::IncidentsOf,
        Self::Monitoring,
        Self::Reviews,
        Self::Documents,
        Self::Parties,
        Self::PartyActs,
        Self::Sources,
        Self::Quarantine,
        Self::Keys,
        Self::Reports,
        Self::Findings,
        Self::FindingsOf,
        Self::EdgesOut,
        Self::EdgesIn,
        Self::Words,
        Self::Digests,
        Self::Notes,
    ];
}

/// A row's name: the table and the parts, without the version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey(Vec<u8>);

impl RowKey {
    /// The key of a row. Parts that are subjects go in as they are (and are not escaped again); [`part`] makes anything else one.
    #[must_use]
    pub fn new(table: Table, parts: &[&str]) -> Self {
        let mut bytes = Vec::with_capacity(1 + parts.iter().map(|part| part.len() + 1).sum::<usize>());
        bytes.push(table as u8);
        for part in parts {
            bytes.extend_from_slice(part.as_bytes());
            bytes.push(0);
        }
        Self(bytes)
    }

    /// All rows of the table whose first parts are these.
    #[must_use]
    pub fn prefix(table: Table, parts: &[&str]) -> Vec<u8> {
        Self::new(table, parts).0
    }

    /// The bytes of one version of the row.
    #[must_use]
    pub fn version(&self, from: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() + size_of::<u64>());
        bytes.extend_from_slice(&self.0);
        bytes.extend_from_slice(&(!from).to_be_bytes());
        bytes
    }

    /// The first bytes behind every version of the row.
    pub(crate) fn behind(&self) -> Vec<u8> {
        let mut bytes = self.version(0);
        bytes.push(0);
        bytes
    }

    /// Whether a stored key is that of a version of this row.
    pub(crate) fn is_of(&self, stored: &[u8]) -> bool {
        stored.len() == self.0.len() + size_of::<u64>() && stored.starts_with(&self.0)
    }

    /// The bytes without a version.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The parts.
    #[must_use]
    pub fn parts(&self) -> Vec<String> {
        parts(&self.0)
    }

    /// Takes a stored key apart: the row and the version's first entry. `None` when it is none of ours.
    #[must_use]
    pub fn split(stored: &[u8]) -> Option<(Self, u64)> {
        let (key, from) = stored.split_last_chunk::<8>()?;
        let known = key.len() >= 2 && key.last() == Some(&0);
        known.then(|| (Self(key.to_vec()), !u64::from_be_bytes(*from)))
    }
}

fn parts(bytes: &[u8]) -> Vec<String> {
    let inner = bytes.get(1..bytes.len().saturating_sub(1)).unwrap_or_default();
    inner.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// Bytes of a text that go into a part as they are: keys stay short whatever a sender calls things.
pub const MAX_PART: usize = 256;

/// Any text as a part. One that is longer than [`MAX_PART`] keeps its start, and its digest keeps it apart from others.
#[must_use]
pub fn part(text: &str) -> String {
    if text.len() <= MAX_PART {
        return encode_part(text);
    }
    let start = text.floor_char_boundary(MAX_PART / 2);
    let digest = hex::encode(Sha256::digest(text.as_bytes()));
    encode_part(&format!("{}~{digest}", text.get(..start).unwrap_or_default()))
}

/// A number as a part whose byte order is the number's.
#[must_use]
pub fn number(value: u64) -> String {
    format!("{value:020}")
}
