//! The files as they are written: closed, so that a misspelt member is a fault and not an absent one.

use std::collections::BTreeMap;

use modeltrail_schemas::time::Micros;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::DemoError;
use crate::files::File;

/// Reads a TOML file of the story.
pub(crate) fn from_toml<T: DeserializeOwned>((file, text): File) -> Result<T, DemoError> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        DemoError::Story { file, line: 1 + before.matches('\n').count(), fault: error.message().to_owned() }
    })
}

/// A fault of a file, at its first line that holds `near`.
pub(crate) fn fault_near((file, text): File, near: &str, fault: impl Into<String>) -> DemoError {
    let line = text.lines().position(|line| line.contains(near)).map_or(1, |at| at + 1);
    DemoError::Story { file, line, fault: fault.into() }
}

/// `story.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoryFile {
    pub(super) title: String,
    pub(super) start: Micros,
    pub(super) end: Micros,
    pub(super) clock: String,
    pub(super) environment: String,
    pub(super) seed: String,
    pub(super) counts: Counts,
    pub(super) policy: Policy,
    pub(super) source: Vec<Source>,
    pub(super) producer: Vec<RawProducer>,
    pub(super) party: Vec<Party>,
}

/// What must come out of the count over all acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Records sent.
    pub emitted: u64,
    /// Entries that are not quarantined.
    pub entries: u64,
    /// Records that gave no entry, since the same was there before.
    pub duplicates: u64,
    /// Entries that are kept aside.
    pub quarantined: u64,
}

/// Expectations that the story states for its faults.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) breach_answered_within: String,
}

/// A topic that is read as a source of the same name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The topic, and the source's name.
    pub topic: String,
    /// Its partitions.
    pub partitions: u32,
    /// What its keys are: always `model`.
    pub key: String,
    /// After how long without a record it counts as silent (ISO 8601).
    #[serde(default)]
    pub silent_after: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProducer {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) signs: bool,
    #[serde(default)]
    pub(super) registered: bool,
    #[serde(default)]
    pub(super) party: Option<String>,
    #[serde(default)]
    pub(super) entitlement: Option<Entitlement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entitlement {
    pub(super) types: Vec<String>,
    pub(super) subjects: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Party {
    pub(super) id: String,
    pub(super) role: String,
    pub(super) team: String,
}

/// `faults.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultFile {
    pub(super) fault: Vec<Fault>,
}

/// A planted fault.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Its name, `F-01` upwards.
    pub id: String,
    /// The act that the finding points at.
    pub act: String,
    /// What is wrong.
    pub what: String,
    /// The finding that should come of it.
    pub finding: String,
    /// How bad it is.
    pub severity: String,
    /// Found by the first set of rules.
    pub first: bool,
    /// Why the act's entry is kept aside, if it is.
    #[serde(default)]
    pub quarantine: Option<String>,
    /// Further acts that it rests on.
    #[serde(default)]
    pub see: Vec<String>,
    /// From when it is there, where time makes it.
    #[serde(default)]
    pub opens: Option<Micros>,
    /// Until when.
    #[serde(default)]
    pub closes: Option<Micros>,
    /// What the finding says.
    pub text: String,
}

/// A line of an acts file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAct {
    pub(super) id: String,
    pub(super) at: Micros,
    #[serde(default)]
    pub(super) delay: Option<String>,
    pub(super) topic: String,
    pub(super) key: String,
    pub(super) producer: String,
    pub(super) mode: Mode,
    pub(super) via: super::Channel,
    #[serde(default)]
    pub(super) sign: Option<Sign>,
    #[serde(default)]
    pub(super) event: Option<RawEvent>,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) body_base64: Option<String>,
    #[serde(default)]
    pub(super) tombstone: bool,
    #[serde(default)]
    pub(super) duplicate_of: Option<String>,
    #[serde(default)]
    pub(super) fault: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    Structured,
    Binary,
    Dsse,
    Raw,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sign {
    pub(super) key: String,
    #[serde(default)]
    pub(super) forge: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvent {
    pub(super) r#type: String,
    pub(super) id: String,
    pub(super) data: serde_json::Value,
}

/// `background.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackgroundFile {
    pub(crate) quiet: Vec<RawQuiet>,
    pub(crate) template: Vec<RawTemplate>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawQuiet {
    pub(crate) topic: String,
    pub(crate) from: Micros,
    pub(crate) to: Micros,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTemplate {
    pub(crate) name: String,
    pub(crate) weight: u64,
    pub(crate) topic: String,
    pub(crate) key: String,
    pub(crate) producer: String,
    pub(crate) mode: String,
    pub(crate) from: Micros,
    pub(crate) to: Micros,
    pub(crate) id: String,
    pub(crate) r#type: String,
    pub(crate) data: String,
    #[serde(default)]
    pub(crate) cycle: BTreeMap<String, Vec<serde_json::Number>>,
}
