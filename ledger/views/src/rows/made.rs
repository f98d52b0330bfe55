//! Models, versions, datasets, runs, and what was made of what.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Act, Assurance, JsonText, Mark, Said};

/// A subject at its first sight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// The subject.
    pub subject: String,
    /// Its kind, e.g. `model`.
    pub kind: String,
    /// The entry that first names it.
    pub first: u64,
    /// When that was received.
    pub received: String,
}

/// A risk tier or class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tier {
    /// The tier.
    pub value: String,
    /// `provisional` or `final`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// On what basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
}

/// A model: what its versions have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// The subject, `model/namespace/name`.
    pub subject: String,
    /// The entry that first names it.
    pub first: u64,
    /// `model.created`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Act>,
    /// Who answers for it, by duty: `owner`, `developer`, `validator`, `user`, `executive`.
    pub duties: BTreeMap<String, Said<String>>,
    /// What it is meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Said<String>>,
    /// What it is allowed for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_uses: Option<Said<Vec<String>>>,
    /// What it is not to be used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded_uses: Option<Said<Vec<String>>>,
    /// What it is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Said<String>>,
    /// `statistical`, `machine_learning`, `generative`, `rules`, `vendor`, `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Said<String>>,
    /// Risk tiers by scheme.
    pub tiers: BTreeMap<String, Said<Tier>>,
    /// Versions that names point at now.
    pub aliases: BTreeMap<String, Said<String>>,
    /// Tags set now.
    pub tags: BTreeMap<String, Said<JsonText>>,
    /// Limits of use in force, as `model.limits_changed` has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Said<Value>>,
    /// `model.retired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Act>,
    /// `subject.opening_imported`: what another system knew of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Said<Value>>,
    /// The version registered last, a subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<Said<String>>,
    /// Versions registered.
    pub versions: u64,
    /// The last entry that changed this row.
    pub changed: Act,
}

/// One registration of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Registration {
    /// Who registered when.
    pub act: Act,
    /// SHA-256 of the canonical manifest, computed here: `sha256:…`.
    pub manifest_digest: String,
    /// The digest that the event claims, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_digest: Option<String>,
    /// `pipeline`, `hand` or `import`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_by: Option<String>,
}

/// Which parts of the recipe a manifest names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parts {
    /// Code with a commit.
    pub code: bool,
    /// Data sets with a digest or version.
    pub data: bool,
    /// Parameters or a digest of them.
    pub configuration: bool,
    /// An image by digest, or a lock file.
    pub environment: bool,
    /// Files with digests.
    pub artifacts: bool,
}

/// A version of a model: an indivisible manifest, by its first registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// The subject, `model/namespace/name@version`.
    pub subject: String,
    /// The model.
    pub model: String,
    /// The registry's name for the version.
    pub version: String,
    /// The entry that first names it.
    pub first: u64,
    /// The manifest of the first registration that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Said<Value>>,
    /// All registrations, the first one first. More than one digest among them is a finding. At most 50 are kept.
    pub registrations: Vec<Registration>,
    /// Which parts of the recipe the manifest names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
    /// The author that the manifest names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Said<String>>,
    /// `model.status_changed`: the newest status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Said<String>>,
    /// Tags set now.
    pub tags: BTreeMap<String, Said<JsonText>>,
    /// Limits of use in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Said<Value>>,
    /// `model.retired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Act>,
    /// The newest `reproduction.attempted` and its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproduced: Option<Said<String>>,
    /// `subject.opening_imported`: what another system knew of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Said<Value>>,
    /// The last entry that changed this row.
    pub changed: Act,
}

impl Version {
    /// The first registration that counts.
    #[must_use]
    pub fn counted(&self) -> Option<&Registration> {
        self.registrations.iter().find(|registration| registration.act.counts())
    }

    /// Its digest.
    #[must_use]
    pub fn manifest_digest(&self) -> Option<&str> {
        self.counted().map(|registration| registration.manifest_digest.as_str())
    }
}

/// A dataset, or one version of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dataset {
    /// The subject.
    pub subject: String,
    /// The entry that first names it.
    pub first: u64,
    /// `dataset.created` or `dataset.version_registered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Act>,
    /// `sha256:…` of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Said<String>>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Said<String>>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Said<String>>,
    /// Where it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<Said<String>>,
    /// Where the data come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Said<String>>,
    /// The licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<Said<String>>,
    /// The legal basis now; an empty text when it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Said<String>>,
    /// Purposes that the basis allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purposes: Option<Said<Vec<String>>>,
    /// `none`, `personal`, `special`, `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal_data: Option<Said<String>>,
    /// `train`, `validation`, `test` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Said<String>>,
    /// Rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Said<u64>>,
    /// `dataset.quality_assessed`: the newest verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Said<String>>,
    /// `dataset.bias_examined`: what was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<Said<String>>,
    /// `dataset.deleted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Act>,
    /// The last entry that changed this row.
    pub changed: Act,
}

/// A run: training, scoring, data preparation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The subject.
    pub subject: String,
    /// The entry that first names it.
    pub first: u64,
    /// `training`, `scoring`, `run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Said<String>>,
    /// Which model it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Said<String>>,
    /// The start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Act>,
    /// The end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Act>,
    /// `running`, `completed`, `failed`, `aborted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Said<String>>,
    /// The data of the newest statement: parameters, environment, metrics.
    pub data: Said<Value>,
    /// `training.compute_recorded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute: Option<Said<Value>>,
    /// The last entry that changed this row.
    pub changed: Act,
}

/// One thing went into another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// What went in: data, code, an image, a base, a run that made it; of a deployment what runs there.
    pub from: String,
    /// What came of it.
    pub to: String,
    /// `input`, `base`, `component`, `code`, `environment`, `run` (made by it), `output`, `serves`, `same`.
    pub role: String,
    /// How it is known: asserted by the producer (declared), observed, inferred, attested.
    pub known: Assurance,
    /// The entry that said so first.
    pub entry: u64,
    /// When that was received.
    pub received: String,
    /// What became of that entry's signatures.
    pub signature: Mark,
    /// The entry that ended it; walks leave it out from there on. Only `same` ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}
