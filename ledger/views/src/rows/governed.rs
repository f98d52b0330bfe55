//! Judgements: approvals, evaluations, validations, reviews, incidents, monitoring, documents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Act, Said};

/// A condition of an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// Its id within the approval.
    pub id: String,
    /// What is demanded.
    pub text: String,
    /// By when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// When it was met, and which entry says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met: Option<Said<String>>,
}

/// An approval from request to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Its id.
    pub id: String,
    /// What it is about, a subject.
    pub about: String,
    /// The manifest digest it binds to; absent where the events name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Said<String>>,
    /// Deployments it is for; absent where no entry names any, which means everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<Said<Vec<String>>>,
    /// `release`, `change`, `plan`, `exception` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Said<String>>,
    /// The policy, with version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Said<String>>,
    /// `requested`, `granted`, `rejected`, `withdrawn`, `revoked`, `expired`; `discounted` while nothing that counts was said under this id.
    /// Time alone changes no row: a reader compares `expires` with the time asked about.
    pub state: String,
    /// The act came before its approval.
    pub emergency: bool,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Act>,
    /// Who granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<Act>,
    /// Approvers that the grant names, the actor among them.
    pub approvers: Vec<String>,
    /// Who rejected, withdrew or revoked it, or said that it ran out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Act>,
    /// When a revocation takes effect, or when it ran out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Until when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Said<String>>,
    /// By when a request is to be decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Said<String>>,
    /// Its conditions, as the grant has them.
    pub conditions: Vec<Condition>,
    /// Why, in the grant's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<String>,
    /// The signature manifestation (21 CFR 11.50), where the event has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Said<Value>>,
    /// Statements under this id whose signature fails: they count for nothing. The first 30.
    pub discounted: Vec<Act>,
}

impl Approval {
    /// Deployments it is for; none means everywhere.
    #[must_use]
    pub fn places(&self) -> &[String] {
        self.places.as_ref().map(|places| places.value.as_slice()).unwrap_or_default()
    }
}

/// A plan: thresholds laid down before they are used, of an evaluation or of monitoring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub about: String,
    /// `evaluation` or `monitoring`.
    pub kind: String,
    /// Who declared it when.
    pub act: Act,
    /// The plan's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Thresholds, as the event has them.
    pub thresholds: Value,
    /// The data of the event.
    pub data: Value,
}

/// A measurement of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evaluation {
    /// Its id.
    pub id: String,
    /// The event's id, by which a later event corrects this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The version.
    pub version: String,
    /// Who recorded it when.
    pub act: Act,
    /// The manifest digest that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_digest: Option<String>,
    /// The plan it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// `quality`, `fairness` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `passed`, `failed`, `inconclusive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// When the thresholds were set: as the event says, else when its plan was declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds_set: Option<Said<String>>,
    /// When the result was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_at: Option<String>,
    /// Who measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluator: Option<String>,
    /// Datasets, subjects.
    pub datasets: Vec<String>,
    /// Metrics, as the event has them.
    pub metrics: Value,
    /// Thresholds, as the event has them.
    pub thresholds: Value,
    /// The entry of a later evaluation that replaces this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<u64>,
}

/// An independent judgement of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Validation {
    /// Its id.
    pub id: String,
    /// The version.
    pub version: String,
    /// Who recorded it when.
    pub act: Act,
    /// `initial`, `revalidation`, `targeted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether the event says that it was independent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub independent: Option<bool>,
    /// Who validated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator: Option<String>,
    /// `accepted`, `accepted_with_conditions`, `rejected`.
    pub outcome: String,
    /// Until when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// The report's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// The data of the event.
    pub data: Value,
}

/// What a validation found, from opening to closing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remark {
    /// Its id.
    pub id: String,
    /// The model or version.
    pub about: String,
    /// `critical`, `high`, `medium`, `low`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// What.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// By when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Opened by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Act>,
    /// Closed by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Act>,
    /// `remediated`, `accepted`, `withdrawn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
}

/// One step of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentStep {
    /// The verb, e.g. `opened`, `notified`.
    pub verb: String,
    /// Who when.
    pub act: Act,
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// The subject.
    pub subject: String,
    /// The entry that first names it.
    pub first: u64,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Said<String>>,
    /// How bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Said<String>>,
    /// `open`, `resolved`, `closed`.
    pub state: String,
    /// When somebody came to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aware: Option<Said<String>>,
    /// When it was resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Said<String>>,
    /// Models, versions and deployments it touches.
    pub affected: Vec<String>,
    /// The steps, in order of arrival; the newest 200.
    pub steps: Vec<IncidentStep>,
}

/// Something watched in use: metrics of a window, a drift, a breach and its answer.
// As it is written, act and data are those of the entry, not copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Monitoring")]
pub struct Monitoring<A = Act, D = Value> {
    /// The version.
    pub version: String,
    /// The verb, e.g. `metric_recorded`, `threshold_breached`.
    pub verb: String,
    /// Who when.
    pub act: A,
    /// The data of the event.
    pub data: D,
}

/// A review that is due or was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Review {
    /// Its id.
    pub id: String,
    /// What is reviewed.
    pub about: String,
    /// When it is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Said<String>>,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Act>,
    /// `unchanged`, `changes_needed`, `restricted`, `to_retire`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Due next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due: Option<String>,
}

/// A published document about something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// What it is about.
    pub about: String,
    /// Who published it when.
    pub act: Act,
    /// `technical_documentation`, `model_card` and so on.
    pub doc_type: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `sha256:…` of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_version: Option<String>,
    /// Headings it covers.
    pub sections: Vec<String>,
}

/// Any other statement about a subject: oversight, notices, suppliers, conformity, risk, exceptions and so on.
// As it is written, act and data are those of the entry, not copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Note")]
pub struct Note<A = Act, D = Value> {
    /// What it is about.
    pub about: String,
    /// The type without `modeltrail.` and version, e.g. `oversight.assigned`.
    pub verb: String,
    /// Who when.
    pub act: A,
    /// The data of the event.
    pub data: D,
}
