//! What runs where, in both times: when it took effect, and when the ledger knew.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Act, Said};

/// One version in a serving set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// The version, a subject; where an observation names none, the artefact or image that was seen.
    pub subject: String,
    /// The manifest digest that the event names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_digest: Option<String>,
    /// `serving`, `shadow`, `canary` or `fallback`.
    pub role: String,
    /// Share of the traffic in per cent, a decimal number as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
}

/// One change of what a service runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The deployment, `deployment/environment/service`.
    pub deployment: String,
    /// The verb: `changed`, `rolled_back`, `suspended`, `resumed`, `removed`, `failed`.
    pub verb: String,
    /// Who, when, how far backed.
    pub act: Act,
    /// When it took effect, as the event says, else when it happened, else when it was received.
    pub effective: String,
    /// `online`, `batch` or `embedded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What ran before, as the event says.
    pub old: Vec<Member>,
    /// What runs from then on.
    pub new: Vec<Member>,
    /// The act came before its approval.
    pub emergency: bool,
    /// Approvals that the event names.
    pub approval_ids: Vec<String>,
    /// `all_at_once`, `canary` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// The incident that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// Of a roll-back: when the fault was detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<String>,
}

/// What somebody saw running.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// Who looked when.
    pub act: Act,
    /// When it was seen.
    pub observed: String,
    /// What was seen.
    pub running: Vec<Member>,
}

/// A service and what it runs, as the entries up to here say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deployment {
    /// The subject.
    pub subject: String,
    /// The environment.
    pub environment: String,
    /// The service.
    pub service: String,
    /// The entry that first names it.
    pub first: u64,
    /// `online`, `batch` or `embedded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Said<String>>,
    /// What runs: the set of the change that took effect last.
    pub running: Vec<Member>,
    /// Since when, and by which change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Said<String>>,
    /// `running`, `suspended`, `removed`; `planned` while nothing ran there yet that the log knows of.
    pub state: String,
    /// What was last seen there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Observation>,
    /// Changes so far.
    pub changes: u64,
    /// The last entry that changed this row.
    pub changed: Act,
}

/// Where a version runs or ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Served {
    /// The version.
    pub version: String,
    /// The deployment.
    pub deployment: String,
    /// The role it has there now, or had last.
    pub role: String,
    /// Its share of the traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// When it first took effect there.
    pub from: Said<String>,
    /// When it left; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Said<String>>,
}
