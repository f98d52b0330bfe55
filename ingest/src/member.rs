//! Membership in the consumer group, for sources that are assigned by it.
//!
//! The member is a client of its own that never fetches: it joins, answers rebalances, and commits with the group's generation. The partitions it is
//! granted are read by the reading client, which is assigned by hand as ever and from the ledger's positions. So a rebalance touches nothing of what
//! is read but the partitions that it takes away, and the broker's committed positions can't come into play.
//!
//! The group learns of an answer only when the reader gave it: what was taken away is no longer read by then.
//!
//! The member is static: its instance id is made of the ledger's origin and its first source. A ledger that restarts gets its partitions back
//! at once, and of two processes with the same ledger the group keeps one: the other is fenced, for good.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use modeltrail_core::types::id_hash;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::{Message, TopicPartitionList};

use crate::client::{self, Commit, without_value};
use crate::config::Properties;
use crate::error::IngestError;
use crate::ffi;
use crate::settings;
use crate::timing::now;
use crate::words::Words;

/// Kafka's own limit for an instance id.
const MAX_INSTANCE: usize = 249;
/// Events taken in one go.
const EVENTS: usize = 64;
/// How long leaving may take, of the five seconds that a stop has.
const LEAVE: Duration = Duration::from_millis(1_500);
const LEAVE_STEP: Duration = Duration::from_millis(10);

/// Topic and partition.
pub(crate) type Place = (String, u32);

/// What the group says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// These are ours from now on. Wants [`Member::took`].
    Granted(Vec<Place>),
    /// These no longer are. Wants [`Member::gave_up`], once nothing more of them is taken.
    Revoked(Vec<Place>),
    /// Another process joined under our instance id. Nothing follows.
    Fenced,
    /// Something else failed.
    Trouble(String),
}

/// Notes down what the group says; the reader answers.
#[derive(Default)]
struct Membership {
    changes: Mutex<Vec<Change>>,
    closing: AtomicBool,
}

impl ClientContext for Membership {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, text: &str) {
        tracing::debug!(facility, "librdkafka: {text}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!("librdkafka: {error}: {reason}");
    }
}

impl ConsumerContext for Membership {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        if self.closing.load(Ordering::Relaxed) {
            return answer(consumer, code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS);
        }
        let places = list
            .elements()
            .iter()
            .filter_map(|element| Some((element.topic().to_owned(), u32::try_from(element.partition()).ok()?)))
            .collect();
        let change = match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Change::Granted(places),
            _ => Change::Revoked(places),
        };
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }
}

/// Tells the group that a change is carried out. The member itself is assigned nothing, ever, so the list is empty.
fn answer(consumer: &BaseConsumer<Membership>, assign: bool) {
    let nothing = TopicPartitionList::new();
    let done = match (consumer.rebalance_protocol(), assign) {
        (RebalanceProtocol::Cooperative, true) => consumer.incremental_assign(&nothing),
        (RebalanceProtocol::Cooperative, false) => consumer.incremental_unassign(&nothing),
        (_, true) => consumer.assign(&nothing),
        (_, false) => consumer.unassign(),
    };
    if let Err(error) = done {
        tracing::warn!("answering the consumer group failed: {error}");
    }
}

/// A member of the group.
pub(crate) struct Member {
    words: Words,
    consumer: BaseConsumer<Membership>,
    group: String,
    instance: String,
}

impl Member {
    /// Begins to join in the background; an unreachable broker is no error here.
    pub(crate) fn join(
        properties: &Properties,
        group: &str,
        instance: String,
        topics: &[&str],
    ) -> Result<Self, IngestError> {
        let config = settings::member(properties, group, &instance);
        let refuse = |error: KafkaError| IngestError::Client {
            cluster: properties.servers().to_owned(),
            detail: without_value(&error),
        };
        let consumer = BaseConsumer::from_config_and_context(&config, Membership::default()).map_err(refuse)?;
        consumer.subscribe(topics).map_err(refuse)?;
        Ok(Self { words: Words::of(consumer.client()), consumer, group: group.to_owned(), instance })
    }

    /// The group.
    pub(crate) fn group(&self) -> &str {
        &self.group
    }

    /// Our name in it.
    pub(crate) fn instance(&self) -> &str {
        &self.instance
    }

    /// What librdkafka says beside its answers.
    pub(crate) fn words(&self) -> &Words {
        &self.words
    }

    /// Takes what the group said since the last call. It must be called often, or the group takes the member for dead.
    pub(crate) fn poll(&self) -> Vec<Change> {
        self.words.listen();
        let mut failed = Vec::new();
        for _ in 0..EVENTS {
            match self.consumer.poll(Duration::ZERO) {
                None => break,
                Some(Err(error)) => failed.extend(change_of(&error)),
                // It is assigned nothing, so this can't be; were it so, reading is not its business.
                Some(Ok(message)) => tracing::warn!(topic = message.topic(), "the group's member was sent a record"),
            }
        }
        let mut changes =
            std::mem::take(&mut *self.consumer.context().changes.lock().unwrap_or_else(PoisonError::into_inner));
        changes.append(&mut failed);
        changes
    }

    /// What was granted is taken.
    pub(crate) fn took(&self) {
        answer(&self.consumer, true);
    }

    /// What was revoked is given up.
    pub(crate) fn gave_up(&self) {
        answer(&self.consumer, false);
    }

    /// Commits positions with this metadata, as this member of this generation, and waits for the answer.
    pub(crate) fn commit(&self, commits: &[Commit], metadata: &str) -> Result<(), String> {
        client::commit(&self.consumer, commits, metadata)
    }

    /// Leaves the group, so that others need not wait until the session of a static member ends. Waits only a moment: a group that isn't told
    /// finds out by itself.
    pub(crate) fn leave(&self) {
        self.consumer.context().closing.store(true, Ordering::Relaxed);
        // What waits for an answer gets it here: the reader reads no more.
        for change in self.poll() {
            match change {
                Change::Granted(_) => self.took(),
                Change::Revoked(_) => self.gave_up(),
                Change::Fenced => return,
                Change::Trouble(_) => {}
            }
        }
        self.consumer.unsubscribe();
        let deadline = now() + LEAVE;
        while ffi::is_member(self.consumer.client()) && now() < deadline {
            if let Some(Err(error)) = self.consumer.poll(LEAVE_STEP) {
                tracing::debug!("leaving the group: {error}");
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Closing the client, which follows, takes an answer for each rebalance that is still on its way.
        self.consumer.context().closing.store(true, Ordering::Relaxed);
    }
}

/// The instance id of the member that reads this source among others, for a ledger of this origin: letters, digits, `.`, `_` and `-`, and no longer than
/// Kafka takes. Other bytes of the origin are written as `_` and two hexadecimal digits, so that what stands between the two can't be part of it.
pub(crate) fn instance_of(origin: &str, first_source: &str) -> String {
    let mut plain = String::with_capacity(origin.len());
    for byte in origin.bytes() {
        if byte.is_ascii_alphanumeric() || b".-".contains(&byte) {
            plain.push(char::from(byte));
        } else {
            plain.push_str(&format!("_{byte:02X}"));
        }
    }
    let whole = format!("modeltrail.{plain}__{first_source}");
    if whole.len() <= MAX_INSTANCE {
        return whole;
    }
    let digest: String = id_hash(origin, first_source).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("modeltrail.{digest}")
}

fn change_of(error: &KafkaError) -> Option<Change> {
    match error {
        KafkaError::MessageConsumptionFatal(RDKafkaErrorCode::FencedInstanceId)
        | KafkaError::MessageConsumption(RDKafkaErrorCode::FencedInstanceId) => Some(Change::Fenced),
        // Connections come and go; what matters of it shows in the checks.
        KafkaError::MessageConsumption(
            RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve,
        ) => None,
        other => Some(Change::Trouble(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_id_is_plain_and_its_own() {
        assert_eq!(instance_of("example.com/ml", "b"), "modeltrail.example.com_2Fml__b");
        assert_ne!(instance_of("a", "b__c"), instance_of("a__b", "c"));
        let long = instance_of(&"x/".repeat(100), "b");
        assert!(long.len() <= MAX_INSTANCE && long.starts_with("modeltrail."), "{long}");
        assert_ne!(long, instance_of(&"x/".repeat(100), "c"));
    }

    #[test]
    fn only_a_fence_ends_it() {
        let lost = KafkaError::MessageConsumptionFatal(RDKafkaErrorCode::FencedInstanceId);
        assert_eq!(change_of(&lost), Some(Change::Fenced));
        assert_eq!(change_of(&KafkaError::MessageConsumption(RDKafkaErrorCode::AllBrokersDown)), None);
        let refused = KafkaError::MessageConsumption(RDKafkaErrorCode::GroupAuthorizationFailed);
        assert!(
            matches!(change_of(&refused), Some(Change::Trouble(text)) if text.contains("Group authorization failed"))
        );
    }
}
