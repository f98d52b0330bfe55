//! Where entries come from, who speaks, and what is wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Act;

/// A party at its first sight: a pseudonym.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Party {
    /// The pseudonym.
    pub party: String,
    /// The entry that first names it.
    pub first: u64,
}

/// Something that a party did.
// As it is written, the act is that of the entry, not copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PartyAct")]
pub struct PartyAct<A = Act> {
    /// The pseudonym.
    pub party: String,
    /// As what: `actor`, `approver`, `author`, `validator`, `owner` and so on.
    pub capacity: String,
    /// What it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The act.
    pub act: A,
}

/// Something that happened to a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceEvent {
    /// `opened`, `changed`, `halted`, `rebased`, `gap`, `closed`.
    pub verb: String,
    /// The entry.
    pub entry: u64,
    /// When.
    pub received: String,
    /// The event's data.
    pub data: Value,
}

/// A source of entries: a topic, or HTTP, as the ledger's own entries about it say. Positions and lag are the store's and the reader's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// Its configured name; `http` for HTTP.
    pub source: String,
    /// The entry that first names it.
    pub first: u64,
    /// `open`, `halted`, `closed`.
    pub state: String,
    /// What happened to it; the newest 200.
    pub events: Vec<SourceEvent>,
    /// Gaps so far: positions that retention took.
    pub gaps: u64,
}

/// An entry kept aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quarantined {
    /// The entry.
    pub entry: u64,
    /// When it was received.
    pub received: String,
    /// Its source.
    pub source: String,
    /// Partition and offset, where it came from Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u64>,
    /// The offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The reason's word.
    pub reason: String,
    /// What is wrong and where, in words.
    pub detail: String,
    /// The entry that a conflict collides with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// The subjects it stands on, where they can be read.
    pub subjects: Vec<String>,
}

/// A key: the ledger's, or a producer's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// The key's id, 64 hex digits.
    pub id: String,
    /// `ledger` or `producer`.
    pub whose: String,
    /// Who it belongs to, as registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Type patterns it may speak for.
    pub types: Vec<String>,
    /// Subject patterns it may speak for.
    pub subjects: Vec<String>,
    /// Valid from and until, where bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// The end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
    /// The registration, or the entry that brought the ledger's key in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Act>,
    /// The revocation, or the rotation away from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Act>,
}

/// A report or an export that left the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Its id.
    pub id: String,
    /// `report` or `export`.
    pub kind: String,
    /// Issued when.
    pub act: Act,
    /// What it is about.
    pub subjects: Vec<String>,
    /// The data of the entry: kind, checkpoint, digests.
    pub data: Value,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Look today.
    Critical,
    /// Look this week.
    High,
    /// Look at the next review.
    Medium,
    /// Good to know.
    Low,
}

/// A broken expectation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `<rule>-<entry>`, with a further `-<n>` where one entry gives more than one.
    pub id: String,
    /// The rule, e.g. `deployment-without-approval`.
    pub rule: String,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence.
    pub title: String,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// What it is about, the first one most.
    pub subjects: Vec<String>,
    /// The entries that show it: the first is where it was seen.
    pub entries: Vec<u64>,
    /// When the ledger received the entry that shows it.
    pub since: String,
    /// The entry that ended it, where it can end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}
