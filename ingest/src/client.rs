//! One cluster's consumer: assignment, polling, and the questions asked of the brokers. It decides nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::bindings::rd_kafka_resp_err_t;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use crate::config::Properties;
use crate::error::IngestError;
use crate::ffi::{self, Polled};
use crate::identity::{Marks, Seen, UNKNOWN};
use crate::settings;
use crate::words::Words;

/// How long one question to a broker may take. Short, because a stop must not wait for several of them.
pub(crate) const ASK: Duration = Duration::from_secs(2);

/// How long a new client is polled for its first token, which it makes itself.
const FIRST_TOKEN: Duration = Duration::from_millis(100);

/// Nothing is left to the context: words come through their own queue, everything else by polling.
#[derive(Default)]
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, text: &str) {
        tracing::debug!(facility, "librdkafka: {text}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!("librdkafka: {error}: {reason}");
    }
}

impl ConsumerContext for Quiet {}

/// Where one partition is to be read from.
#[derive(Debug, Clone)]
pub(crate) struct From<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: u32,
    pub(crate) next: u64,
    /// The leader epoch of the last record taken, −1 when unknown.
    pub(crate) epoch: i32,
}

/// A committed position's metadata.
#[derive(Debug, Clone)]
pub(crate) struct Committed {
    pub(crate) topic: String,
    pub(crate) partition: u32,
    pub(crate) metadata: String,
}

/// A position to commit.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) topic: String,
    pub(crate) partition: u32,
    pub(crate) next: u64,
}

/// The consumer of one cluster.
pub(crate) struct KafkaClient {
    words: Words,
    consumer: BaseConsumer<Quiet>,
    servers: String,
}

impl KafkaClient {
    /// Connects in the background; an unreachable broker is no error here.
    pub(crate) fn new(properties: &Properties, group: &str) -> Result<Self, IngestError> {
        let servers = properties.servers().to_owned();
        let config = settings::consumer(properties, group);
        let refuse =
            |error: KafkaError| IngestError::Client { cluster: servers.clone(), detail: without_value(&error) };
        let consumer = BaseConsumer::from_config_and_context(&config, Quiet).map_err(refuse)?;
        if properties.uses_oauth() {
            // Tokens are made while the client is polled, and nothing answers before there is one. Nothing is assigned yet, so nothing is missed.
            drop(ffi::poll(consumer.client(), FIRST_TOKEN));
        }
        Ok(Self { words: Words::of(consumer.client()), consumer, servers })
    }

    /// The bootstrap servers.
    pub(crate) fn servers(&self) -> &str {
        &self.servers
    }

    /// What librdkafka says beside its answers.
    pub(crate) fn words(&self) -> &Words {
        &self.words
    }

    /// The next message or event.
    pub(crate) fn poll(&self, timeout: Duration) -> Option<Polled<'_>> {
        ffi::poll(self.consumer.client(), timeout)
    }

    /// Adds partitions to the assignment, each from its position. Where the leader epoch is known, the broker is asked first whether its log was cut before
    /// that position: librdkafka asks on its own only when the leader changes, so the position is sought once more, which makes it ask.
    pub(crate) fn assign(&self, parts: &[From<'_>]) -> Result<(), String> {
        let mut list = TopicPartitionList::with_capacity(parts.len());
        for part in parts {
            let offset = Offset::Offset(i64::try_from(part.next).map_err(|error| error.to_string())?);
            list.add_partition_offset(part.topic, number(part.partition), offset).map_err(text)?;
        }
        self.consumer.incremental_assign(&list).map_err(text)?;
        let known: Vec<&From<'_>> = parts.iter().filter(|part| part.epoch >= 0 && part.next > 0).collect();
        if known.is_empty() {
            return Ok(());
        }
        let mut sought = TopicPartitionList::with_capacity(known.len());
        for part in known {
            let offset = Offset::Offset(i64::try_from(part.next).map_err(|error| error.to_string())?);
            sought.add_partition_offset(part.topic, number(part.partition), offset).map_err(text)?;
            ffi::set_leader_epoch(&sought, part.topic, number(part.partition), part.epoch);
        }
        let done = self.consumer.seek_partitions(sought, ASK).map_err(text)?;
        done.elements().iter().try_for_each(|element| element.error().map_err(text))
    }

    /// Takes a partition out of the assignment; what of it waits in the queue is dropped.
    pub(crate) fn unassign(&self, topic: &str, partition: u32) -> Result<(), String> {
        self.consumer.incremental_unassign(&list_of(&[(topic, partition)])).map_err(text)
    }

    /// Stops fetching these partitions.
    pub(crate) fn pause(&self, parts: &[(&str, u32)]) -> Result<(), String> {
        self.consumer.pause(&list_of(parts)).map_err(text)
    }

    /// Fetches them again.
    pub(crate) fn resume(&self, parts: &[(&str, u32)]) -> Result<(), String> {
        self.consumer.resume(&list_of(parts)).map_err(text)
    }

    /// Everything by which a topic is told from another, asked anew.
    pub(crate) fn identity(&self, topic: &str, topic_ids: bool, stop: &AtomicBool) -> Result<Seen, String> {
        let partitions = self.partitions(topic)?;
        let client = self.consumer.client();
        let cluster = client.fetch_cluster_id(ASK).unwrap_or_else(|| UNKNOWN.to_owned());
        let mut seen =
            Seen { cluster, topic_id: UNKNOWN.to_owned(), marks: Vec::new(), cleanup_policy: None, retention_ms: None };
        if topic_ids {
            seen.topic_id = self.topic_id(topic)?;
            match ffi::topic_config(client, topic, ASK) {
                Ok(config) => {
                    seen.cleanup_policy = config.get("cleanup.policy").cloned();
                    seen.retention_ms = config.get("retention.ms").and_then(|value| value.parse().ok());
                }
                // Describing a configuration is a right of its own; without it the policy stays unknown.
                Err(trouble) => tracing::debug!(topic, "configuration not described: {}", trouble.text),
            }
        }
        seen.marks = self.marks(topic, partitions, stop)?;
        Ok(seen)
    }

    fn topic_id(&self, topic: &str) -> Result<String, String> {
        match ffi::topic_id(self.consumer.client(), topic, ASK) {
            Ok(id) => Ok(id.unwrap_or_else(|| UNKNOWN.to_owned())),
            Err(trouble) if trouble.code == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE => {
                Ok(UNKNOWN.to_owned())
            }
            Err(trouble) => Err(format!(
                "the id of topic {topic:?} could not be asked for: {} (where brokers give none, set topic_ids = false)",
                trouble.text
            )),
        }
    }

    /// How many partitions a topic has.
    pub(crate) fn partitions(&self, topic: &str) -> Result<u32, String> {
        let metadata = self
            .consumer
            .fetch_metadata(Some(topic), ASK)
            .map_err(|error| format!("no metadata of topic {topic:?}: {error}"))?;
        let found = metadata
            .topics()
            .iter()
            .find(|found| found.name() == topic)
            .ok_or_else(|| format!("topic {topic:?} is not there"))?;
        if let Some(error) = found.error() {
            let code = rdkafka::types::RDKafkaErrorCode::from(error);
            return Err(format!("topic {topic:?}: {code}"));
        }
        match u32::try_from(found.partitions().len()) {
            Ok(0) | Err(_) => Err(format!("topic {topic:?} has no partitions")),
            Ok(count) => Ok(count),
        }
    }

    /// Low and high (last stable) watermark of each partition.
    pub(crate) fn marks(&self, topic: &str, partitions: u32, stop: &AtomicBool) -> Result<Vec<Marks>, String> {
        let ask = |partition: u32| {
            if stop.load(Ordering::Relaxed) {
                return Err("stopping".to_owned());
            }
            let (low, high) = self
                .consumer
                .fetch_watermarks(topic, number(partition), ASK)
                .map_err(|error| format!("no watermarks of topic {topic:?} partition {partition}: {error}"))?;
            let bad = || format!("topic {topic:?} partition {partition}: watermarks {low} and {high} are no positions");
            Ok(Marks { low: u64::try_from(low).map_err(|_| bad())?, high: u64::try_from(high).map_err(|_| bad())? })
        };
        (0..partitions).map(ask).collect()
    }

    /// The metadata that stands at our group's committed positions, of all partitions of these topics.
    pub(crate) fn committed(&self, parts: &[(&str, u32)]) -> Result<Vec<Committed>, String> {
        let list = self.consumer.committed_offsets(list_of(parts), ASK).map_err(text)?;
        let elements = list.elements();
        elements
            .iter()
            .map(|element| {
                element.error().map_err(text)?;
                let partition = u32::try_from(element.partition()).unwrap_or_default();
                Ok(Committed { topic: element.topic().to_owned(), partition, metadata: element.metadata().to_owned() })
            })
            .collect()
    }

    /// Commits positions with this metadata and waits for the answer. Kafka takes them only while the group has no members.
    pub(crate) fn commit(&self, commits: &[Commit], metadata: &str) -> Result<(), String> {
        commit(&self.consumer, commits, metadata)
    }
}

/// Commits positions with this metadata and waits for the answer.
pub(crate) fn commit<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    commits: &[Commit],
    metadata: &str,
) -> Result<(), String> {
    let mut list = TopicPartitionList::with_capacity(commits.len());
    for commit in commits {
        let mut element = list.add_partition(&commit.topic, number(commit.partition));
        element
            .set_offset(Offset::Offset(i64::try_from(commit.next).map_err(|error| error.to_string())?))
            .map_err(text)?;
        element.set_metadata(metadata);
    }
    consumer.commit(&list, CommitMode::Sync).map_err(text)
}

fn list_of(parts: &[(&str, u32)]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(parts.len());
    for (topic, partition) in parts {
        list.add_partition(topic, number(*partition));
    }
    list
}

fn number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

fn text(error: KafkaError) -> String {
    error.to_string()
}

/// What librdkafka says, without the value of a property that it refuses: it may be a secret.
pub(crate) fn without_value(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, _, name, _) => {
            format!(
                "librdkafka does not take the property `{name}`: there is none of that name, or its value has the wrong form"
            )
        }
        other => other.to_string(),
    }
}
