//! The rows: what is known about each thing, as of one entry.
//!
//! Every value stands with the entry that says it ([`Said`]), every act with who, when and how far it is backed ([`Act`]).
//! Members that nobody has spoken about are absent. Times are `2026-11-23T08:20:11.123456Z`, so that text order is time order.
//! The JSON of a row is what the views store, what the API answers and what `docs/API.md` describes.

mod deployed;
mod governed;
mod json_text;
mod made;
mod sources;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use deployed::{Change, Deployment, Member, Observation, Served};
pub use governed::{
    Approval, Condition, Document, Evaluation, Incident, IncidentStep, Monitoring, Note, Plan, Remark, Review,
    Validation,
};
pub use json_text::JsonText;
pub use made::{Dataset, Edge, Model, Parts, Registration, Run, Subject, Tier, Version};
pub use sources::{Finding, Key, Party, PartyAct, Quarantined, Report, Severity, Source, SourceEvent};

use crate::tables::Table;

/// A row of one table.
pub trait Row: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Where it is kept.
    const TABLE: Table;
}

macro_rules! rows {
    ($($row:ty => $table:ident),+ $(,)?) => { $(impl Row for $row { const TABLE: Table = Table::$table; })+ };
}

rows! {
    Subject => Subjects, Model => Models, Version => Versions, Dataset => Datasets, Run => Runs, Approval => Approvals,
    Deployment => Deployments, Change => Changes, Served => ServedAt, Evaluation => Evaluations, Plan => Plans, Validation => Validations,
    Remark => Remarks, Incident => Incidents, Monitoring => Monitoring, Review => Reviews, Document => Documents, Party => Parties,
    PartyAct => PartyActs, Source => Sources, Quarantined => Quarantine, Key => Keys, Report => Reports, Finding => Findings,
    Edge => EdgesOut, Note => Notes,
}

/// A value and the entry that says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said<T> {
    /// The entry.
    pub entry: u64,
    /// The value.
    pub value: T,
}

impl<T> Said<T> {
    /// A value that this entry says.
    pub fn new(value: T, entry: u64) -> Self {
        Self { entry, value }
    }
}

/// How the source knows what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// It says so.
    Asserted,
    /// It saw it.
    Observed,
    /// It concluded it.
    Inferred,
    /// It vouches for it.
    Attested,
}

/// What became of an event's signatures when it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Not signed by a producer.
    None,
    /// The ledger's own entry.
    Ledger,
    /// By a registered key that may speak for this.
    Valid,
    /// The key may not speak for this type, subject or time.
    NotEntitled,
    /// The signed event names no or another ledger.
    Unbound,
    /// The key was revoked before.
    Revoked,
    /// The signature does not verify.
    Bad,
    /// The key was never registered.
    Unknown,
}

impl Mark {
    /// Whether it is no failure. What nobody signed counts, and is shown as unsigned.
    #[must_use]
    pub fn counts(self) -> bool {
        matches!(self, Self::None | Self::Valid | Self::Ledger)
    }
}

/// Who did it, as the event says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// The party's pseudonym.
    pub id: String,
    /// `user`, `service_account` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The role held at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// For whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// How the sender knows the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<String>,
}

/// Who said what when, and how far that is backed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Act {
    /// The entry.
    pub entry: u64,
    /// The event's type.
    pub r#type: String,
    /// When the ledger received it, by its own clock.
    pub received: String,
    /// When it happened, as the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The event's source.
    pub source: String,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// What became of its signatures.
    pub signature: Mark,
    /// How the source knows.
    pub assurance: Assurance,
    /// Why it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Act {
    /// When it happened: as claimed, else as received.
    #[must_use]
    pub fn happened(&self) -> &str {
        self.time.as_deref().unwrap_or(&self.received)
    }

    /// Whether no signature on it fails. An unsigned statement counts, and is shown as unsigned.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.signature.counts()
    }
}
