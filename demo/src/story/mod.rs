//! The story as data: read strictly, checked as a whole, with all digests in place.

mod acts;
mod checks;
mod digests;
mod duration;
mod keys;
mod raw;
mod wire;

use std::collections::BTreeMap;

use modeltrail_ingest::SourceConfig;
use modeltrail_ingest::broker::EmbeddedBroker;
use modeltrail_schemas::time::Micros;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use acts::{Act, Channel};
pub use raw::{Counts, Fault, Source};
pub use wire::Wire;

use crate::background::{self, Background};
use crate::error::DemoError;
use crate::files::{self, File};
use keys::DemoKey;

/// Who sends events.
#[derive(Debug)]
pub struct Producer {
    /// Its name in the story.
    pub name: String,
    /// The `source` of its events.
    pub source: String,
    /// Its key, if it signs.
    key: Option<DemoKey>,
    /// What the ledger is told of the key before the first act, if it is told.
    registration: Option<Value>,
}

/// The story, whole.
#[derive(Debug)]
pub struct Story {
    title: String,
    start: Micros,
    end: Micros,
    counts: Counts,
    sources: Vec<Source>,
    producers: BTreeMap<String, Producer>,
    acts: Vec<Act>,
    faults: Vec<Fault>,
    background: Background,
}

impl Story {
    /// Reads the story that is built into this program.
    ///
    /// # Errors
    /// [`DemoError::Story`] names the file, the line and the fault.
    pub fn load() -> Result<Self, DemoError> {
        Self::read(files::STORY, files::FAULTS, files::BACKGROUND, &files::ACTS)
    }

    fn read(story: File, faults: File, background: File, acts: &[File]) -> Result<Self, DemoError> {
        let head: raw::StoryFile = raw::from_toml(story)?;
        checks::head(story, &head)?;
        let producers = keys::producers(story, &head)?;
        let mut manifests = Manifests::default();
        let acts = acts::read(acts, &head, &producers, &mut manifests)?;
        let listed: raw::FaultFile = raw::from_toml(faults)?;
        checks::faults(faults, &listed.fault, &acts)?;
        let background = background::read(background, &head.source, &producers, &manifests)?;
        Ok(Self {
            title: head.title,
            start: head.start,
            end: head.end,
            counts: head.counts,
            sources: head.source,
            producers,
            acts,
            faults: listed.fault,
            background,
        })
    }

    /// What it is called.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// When it begins, in simulated time.
    #[must_use]
    pub fn start(&self) -> Micros {
        self.start
    }

    /// When it ends.
    #[must_use]
    pub fn end(&self) -> Micros {
        self.end
    }

    /// What an honest player counts over all acts, background traffic not among it.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The acts, in order of arrival.
    #[must_use]
    pub fn acts(&self) -> &[Act] {
        &self.acts
    }

    /// The planted faults, in order of arrival.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The sources; each is named like its topic.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The background traffic.
    #[must_use]
    pub fn background(&self) -> &Background {
        &self.background
    }

    /// Topics and their numbers of partitions, for [`EmbeddedBroker::start`].
    #[must_use]
    pub fn topics(&self) -> Vec<(&str, u32)> {
        self.sources.iter().map(|source| (source.topic.as_str(), source.partitions)).collect()
    }

    /// What ingest reads: one source for each topic, under the topic's name.
    #[must_use]
    pub fn source_configs(&self, broker: &EmbeddedBroker) -> Vec<SourceConfig> {
        self.sources.iter().map(|source| broker.source(&source.topic, &source.topic)).collect()
    }

    /// The `data` of a `key.producer_registered` entry for each producer whose key the story registers.
    pub fn registrations(&self) -> impl Iterator<Item = &Value> {
        self.producers.values().filter_map(|producer| producer.registration.as_ref())
    }

    /// The partition of a topic's key. The same key always goes to the same one, so that a model's events keep their order.
    #[must_use]
    pub fn partition(&self, topic: &str, key: &str) -> u32 {
        let count =
            self.sources.iter().find(|source| source.topic == topic).map_or(1, |source| source.partitions.max(1));
        let digest = Sha256::digest(key);
        u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % count
    }

    /// The bytes of an act, for a ledger of this origin.
    #[must_use]
    pub fn wire(&self, act: &Act, origin: &str) -> Wire {
        wire::of(self, act, origin)
    }

    fn key(&self, producer: &str) -> Option<&DemoKey> {
        self.producers.get(producer).and_then(|producer| producer.key.as_ref())
    }
}

pub(crate) use digests::Manifests;
pub(crate) use raw::{BackgroundFile, RawQuiet, RawTemplate, fault_near, from_toml};
pub(crate) use wire::BinaryHead;

#[cfg(test)]
mod tests;
