//! Configuration of sources: what is read, from where on, and how a client reaches it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use modeltrail_core::prepared::{DEFAULT_RECORD_LIMIT, MAX_RECORD_LIMIT};
use serde::Deserialize;

use crate::error::IngestError;
pub use crate::properties::Properties;
use crate::settings;

/// A source's name is one part of a subject and stands in every header: short, and readable without encoding.
pub const MAX_NAME: usize = 100;
/// Kafka's own limit for the name of a topic.
pub const MAX_TOPIC: usize = 249;
/// Identity is checked at most this seldom: what is sealed between two checks is in doubt when the later one fails.
pub const MAX_CHECK_EVERY: Duration = Duration::from_secs(300);

const DEFAULT_CHECK_SECONDS: u64 = 30;
const DEFAULT_QUARANTINE_BYTES: u64 = 1 << 30;

/// From where a source is read that was never read before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "StartText")]
pub enum Start {
    /// From the oldest record that the broker still has.
    #[default]
    Earliest,
    /// From what comes after the source is opened.
    Latest,
    /// From these positions; partitions that aren't named, from the oldest.
    At(BTreeMap<u32, u64>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StartText {
    Word(String),
    At(BTreeMap<String, u64>),
}

impl TryFrom<StartText> for Start {
    type Error = String;

    fn try_from(text: StartText) -> Result<Self, String> {
        match text {
            StartText::Word(word) if word == "earliest" => Ok(Self::Earliest),
            StartText::Word(word) if word == "latest" => Ok(Self::Latest),
            StartText::Word(word) => {
                Err(format!("start is `earliest`, `latest` or a table of partition = position, not {word:?}"))
            }
            StartText::At(positions) => {
                let parse = |(partition, position): (String, u64)| match partition.parse::<u32>() {
                    Ok(number) => Ok((number, position)),
                    Err(_) => Err(format!("start: {partition:?} is not the number of a partition")),
                };
                positions.into_iter().map(parse).collect::<Result<_, _>>().map(Self::At)
            }
        }
    }
}

/// Who says which partitions of a topic are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Assignment {
    /// The configuration: all of them, by this ledger.
    #[default]
    Manual,
    /// The consumer group, which the ledger joins as its one member. Partitions that the group gives to somebody else are not read, and said to be
    /// missing.
    Group,
}

/// One source: one topic of one cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Its name in the ledger, for good: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// The topic.
    pub topic: String,
    /// How to reach the cluster. Sources with the same properties share one client.
    pub kafka: Properties,
    /// Who says which partitions are read. The same for all sources of a cluster.
    #[serde(default)]
    pub assignment: Assignment,
    /// Where to begin, the first time.
    #[serde(default)]
    pub start: Start,
    /// Read a compacted topic although records may vanish from it before they are read.
    #[serde(default)]
    pub allow_compacted: bool,
    /// Whether the broker can tell a topic's id and configuration (Kafka 2.8 and later can). With `false` they are recorded as unknown, a topic
    /// that was deleted and made anew can't be told from the old one by its id, and the completeness verdict is weaker.
    #[serde(default = "yes")]
    pub topic_ids: bool,
    /// Stop reading a partition after this many quarantined records in a row; without it nothing ever stops for what records say.
    #[serde(default)]
    pub quarantine_limit: Option<u64>,
    /// A topic of the same cluster that gets a copy of each record that is set aside.
    #[serde(default)]
    pub dead_letter_topic: Option<String>,
}

fn yes() -> bool {
    true
}

impl SourceConfig {
    /// A source with the defaults.
    #[must_use]
    pub fn new(name: impl Into<String>, topic: impl Into<String>, kafka: Properties) -> Self {
        Self {
            name: name.into(),
            topic: topic.into(),
            kafka,
            assignment: Assignment::Manual,
            start: Start::Earliest,
            allow_compacted: false,
            topic_ids: true,
            quarantine_limit: None,
            dead_letter_topic: None,
        }
    }

    fn refuse(&self, fault: impl Into<String>) -> IngestError {
        IngestError::Source { source_name: self.name.clone(), fault: fault.into() }
    }

    fn check(&self) -> Result<(), IngestError> {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let is_topic = |text: &str| !text.is_empty() && text.len() <= MAX_TOPIC && plain(text);
        if self.name.is_empty() || self.name.len() > MAX_NAME || !plain(&self.name) {
            return Err(self.refuse(format!("a name is 1 to {MAX_NAME} letters, digits, `.`, `_` or `-`")));
        }
        if self.name == "http" {
            return Err(self.refuse("this name is taken: it is where the ledger files what came over HTTP"));
        }
        for topic in [Some(&self.topic), self.dead_letter_topic.as_ref()].into_iter().flatten() {
            if !is_topic(topic) {
                return Err(self.refuse(format!("topic {topic:?} can't be the name of a Kafka topic")));
            }
        }
        if self.kafka.servers().is_empty() {
            return Err(self.refuse("`kafka` has no `bootstrap.servers`"));
        }
        if self.kafka.uses_oauth() && (self.assignment == Assignment::Group || self.dead_letter_topic.is_some()) {
            return Err(self.refuse("with `assignment = \"group\"` or `dead_letter_topic` SASL can't be OAUTHBEARER: only a client that reads can make its tokens; use another mechanism"));
        }
        settings::check(&self.name, &self.kafka)
    }
}

/// All sources, and what they share.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestConfig {
    /// The sources.
    #[serde(default)]
    pub sources: Vec<SourceConfig>,
    /// The consumer group under which positions are shown and the witness is left, and which sources with [`Assignment::Group`] join; by default `modeltrail-` and the ledger's origin.
    #[serde(default)]
    pub group: Option<String>,
    /// Records of more bytes are committed to but not kept.
    #[serde(default = "default_record_limit")]
    pub record_limit: usize,
    /// Seconds between two checks of identity.
    #[serde(default = "default_check_seconds")]
    pub check_seconds: u64,
    /// Bytes of quarantined records that are kept per source and day; beyond, they are only committed to.
    #[serde(default = "default_quarantine_bytes")]
    pub quarantine_bytes_per_day: u64,
}

fn default_record_limit() -> usize {
    DEFAULT_RECORD_LIMIT
}

fn default_check_seconds() -> u64 {
    DEFAULT_CHECK_SECONDS
}

fn default_quarantine_bytes() -> u64 {
    DEFAULT_QUARANTINE_BYTES
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            group: None,
            record_limit: DEFAULT_RECORD_LIMIT,
            check_seconds: DEFAULT_CHECK_SECONDS,
            quarantine_bytes_per_day: DEFAULT_QUARANTINE_BYTES,
        }
    }
}

impl IngestConfig {
    /// Looks for everything that can be wrong before a broker is asked.
    ///
    /// # Errors
    /// The first fault: a bad name, two sources of one name or on one topic, a property that may not be set, a limit out of range.
    pub fn check(&self) -> Result<(), IngestError> {
        let config = |fault: String| IngestError::Config { fault };
        if self.record_limit == 0 || self.record_limit > MAX_RECORD_LIMIT {
            return Err(config(format!("record_limit is {}, it must be 1 to {MAX_RECORD_LIMIT}", self.record_limit)));
        }
        if self.check_seconds == 0 || self.check_seconds > MAX_CHECK_EVERY.as_secs() {
            return Err(config(format!(
                "check_seconds is {}, it must be 1 to {}",
                self.check_seconds,
                MAX_CHECK_EVERY.as_secs()
            )));
        }
        if self
            .group
            .as_ref()
            .is_some_and(|group| group.is_empty() || group.len() > MAX_TOPIC || group.chars().any(char::is_control))
        {
            return Err(config("group is not the name of a consumer group".to_owned()));
        }
        let mut names = BTreeSet::new();
        let mut topics: BTreeMap<(BTreeSet<&str>, &str), &str> = BTreeMap::new();
        let mut assignments: BTreeMap<BTreeSet<&str>, &SourceConfig> = BTreeMap::new();
        for source in &self.sources {
            source.check()?;
            if !names.insert(source.name.as_str()) {
                return Err(source.refuse("two sources have this name"));
            }
            let brokers: BTreeSet<&str> = source.kafka.servers().split(',').map(str::trim).collect();
            let first = assignments.entry(brokers.clone()).or_insert(source);
            if first.assignment != source.assignment {
                return Err(source.refuse(format!("its `assignment` is not that of source {:?}, which reads the same cluster: a group takes commits from its members only, so all sources of a cluster are assigned in one way", first.name)));
            }
            if let Some(other) = topics.insert((brokers, source.topic.as_str()), source.name.as_str()) {
                return Err(source.refuse(format!("topic {:?} of this cluster is already read by source {other:?}: each position would be taken twice", source.topic)));
            }
        }
        for source in &self.sources {
            let Some(topic) = &source.dead_letter_topic else { continue };
            // Whatever the cluster: that two lists of brokers are two clusters can't be known.
            if let Some(reads) = self.sources.iter().find(|other| other.topic == *topic) {
                return Err(source.refuse(format!(
                    "its `dead_letter_topic` {topic:?} is what source {:?} reads: copies would come in again, for ever",
                    reads.name
                )));
            }
        }
        Ok(())
    }

    /// The consumer group for a ledger of this origin.
    #[must_use]
    pub fn group_for(&self, origin: &str) -> String {
        self.group.clone().unwrap_or_else(|| format!("modeltrail-{}", modeltrail_schemas::subject::encode_part(origin)))
    }

    /// The sources by the client they share, in the order of configuration.
    pub(crate) fn clusters(&self) -> Vec<(Properties, Vec<SourceConfig>)> {
        let mut clusters: Vec<(Properties, Vec<SourceConfig>)> = Vec::new();
        for source in &self.sources {
            match clusters.iter_mut().find(|(properties, _)| *properties == source.kafka) {
                Some((_, sources)) => sources.push(source.clone()),
                None => clusters.push((source.kafka.clone(), vec![source.clone()])),
            }
        }
        clusters
    }

    pub(crate) fn check_every(&self) -> Duration {
        Duration::from_secs(self.check_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, topic: &str) -> SourceConfig {
        SourceConfig::new(name, topic, Properties::bootstrap("a:1,b:2"))
    }

    fn fault(sources: Vec<SourceConfig>) -> String {
        IngestConfig { sources, ..IngestConfig::default() }
            .check()
            .map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(fault(vec![one("ml", "events")]), "fine");
        assert!(fault(vec![one("m/l", "events")]).contains("a name is"));
        assert!(fault(vec![one("http", "events")]).contains("taken"));
        assert!(fault(vec![one("ml", "")]).contains("topic"));
        assert!(fault(vec![one("a", "x"), one("a", "y")]).contains("two sources"));
        assert!(fault(vec![SourceConfig::new("a", "x", Properties::default())]).contains("bootstrap.servers"));
    }

    #[test]
    fn two_sources_on_one_topic_are_refused_however_the_brokers_are_ordered() {
        let other = SourceConfig::new("two", "x", Properties::bootstrap("b:2, a:1"));
        let text = fault(vec![one("one", "x"), other]);
        assert!(text.contains("already read by source \"one\""), "{text}");
    }

    #[test]
    fn no_source_reads_a_dead_letter_topic() {
        let copying =
            |name, topic, to: &str| SourceConfig { dead_letter_topic: Some(to.to_owned()), ..one(name, topic) };
        assert_eq!(fault(vec![copying("a", "x", "dead"), copying("b", "y", "dead")]), "fine");
        assert!(fault(vec![copying("a", "x", "x")]).contains("source \"a\" reads"));
        assert!(fault(vec![copying("a", "x", "y"), one("b", "y")]).contains("source \"b\" reads"));
        assert!(fault(vec![copying("a", "x", "")]).contains("name of a Kafka topic"));
    }

    #[test]
    fn sources_of_one_cluster_are_assigned_in_one_way() {
        let group = |name, topic| SourceConfig { assignment: Assignment::Group, ..one(name, topic) };
        assert_eq!(fault(vec![group("a", "x"), group("b", "y")]), "fine");
        let text = fault(vec![group("a", "x"), one("b", "y")]);
        assert!(text.contains("source \"b\"") && text.contains("source \"a\""), "{text}");
        let kafka = Properties::bootstrap("c:3").with("sasl.mechanism", "OAUTHBEARER");
        let text = fault(vec![SourceConfig { kafka: kafka.clone(), ..group("a", "x") }]);
        assert!(text.contains("OAUTHBEARER"), "{text}");
        let copying =
            SourceConfig { kafka: kafka.clone(), dead_letter_topic: Some("dead".to_owned()), ..one("a", "x") };
        assert!(fault(vec![copying]).contains("OAUTHBEARER"));
        assert_eq!(fault(vec![SourceConfig { kafka, ..one("a", "x") }]), "fine");
        assert!(serde_json::from_str::<Assignment>("\"auto\"").unwrap_err().to_string().contains("manual"));
    }

    #[test]
    fn start_is_a_word_or_a_table() {
        let parse = |text: &str| serde_json::from_str::<Start>(text);
        assert_eq!(parse("\"latest\"").unwrap(), Start::Latest);
        assert_eq!(parse("{\"0\":5,\"3\":9}").unwrap(), Start::At(BTreeMap::from([(0, 5), (3, 9)])));
        assert!(parse("\"newest\"").unwrap_err().to_string().contains("earliest"));
        assert!(parse("{\"x\":5}").unwrap_err().to_string().contains("partition"));
    }

    #[test]
    fn sources_with_equal_properties_share_a_client() {
        let config = IngestConfig {
            sources: vec![one("a", "x"), SourceConfig::new("b", "y", Properties::bootstrap("c:3")), one("c", "z")],
            ..IngestConfig::default()
        };
        let sizes: Vec<usize> = config.clusters().iter().map(|(_, sources)| sources.len()).collect();
        assert_eq!(sizes, [2, 1]);
    }
}
