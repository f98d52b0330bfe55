//! A producer, for dead letters, demonstrations and tests: idempotent, all replicas acknowledge, optionally in transactions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

use crate::config::Properties;
use crate::error::IngestError;

/// How long a record may take to be delivered.
const DELIVERY: &str = "60000";
/// How long one wait for room in the producer's queue takes.
const ROOM: Duration = Duration::from_millis(20);

/// A record that a broker acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivered {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// Its position.
    pub offset: u64,
    /// What was given along with it.
    pub tag: u64,
}

/// What is to be sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outgoing<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition; by the key's hash when `None`.
    pub partition: Option<u32>,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// Names and values, in order; a value may be null.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
    /// The body; `None` is a tombstone.
    pub payload: Option<&'a [u8]>,
    /// Milliseconds since 1970; now when `None`.
    pub timestamp_ms: Option<i64>,
    /// Comes back with the acknowledgement.
    pub tag: u64,
}

/// A record that was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What was given along with it.
    pub tag: u64,
    /// It is larger than the topic or the producer takes.
    pub too_large: bool,
    /// Why.
    pub error: String,
}

impl Failed {
    fn of(tag: u64, error: &KafkaError) -> Self {
        let too_large = error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge);
        Self { tag, too_large, error: error.to_string() }
    }
}

#[derive(Default)]
struct Acks {
    delivered: Mutex<Vec<Delivered>>,
    failed: Mutex<Vec<Failed>>,
    acknowledged: AtomicU64,
}

struct Context(Arc<Acks>);

impl ClientContext for Context {}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, tag: Self::DeliveryOpaque) {
        match result {
            Ok(message) => {
                self.0.acknowledged.fetch_add(1, Ordering::Relaxed);
                let delivered = Delivered {
                    topic: message.topic().to_owned(),
                    partition: u32::try_from(message.partition()).unwrap_or_default(),
                    offset: u64::try_from(message.offset()).unwrap_or_default(),
                    tag: *tag,
                };
                self.0.delivered.lock().unwrap_or_else(PoisonError::into_inner).push(delivered);
            }
            Err((error, _)) => {
                self.0.failed.lock().unwrap_or_else(PoisonError::into_inner).push(Failed::of(*tag, error))
            }
        }
    }
}

/// A producer.
pub struct Producer {
    inner: BaseProducer<Context>,
    acks: Arc<Acks>,
    servers: String,
}

impl Producer {
    /// A producer outside transactions.
    ///
    /// # Errors
    /// librdkafka refuses a property.
    pub fn new(properties: &Properties) -> Result<Self, IngestError> {
        Self::with(properties, None)
    }

    /// A producer whose records become visible only when their transaction is committed.
    ///
    /// # Errors
    /// librdkafka refuses a property, or the broker does not take up the transactional id.
    pub fn transactional(properties: &Properties, id: &str) -> Result<Self, IngestError> {
        let producer = Self::with(properties, Some(id))?;
        producer.done(producer.inner.init_transactions(Duration::from_secs(30)))?;
        Ok(producer)
    }

    fn with(properties: &Properties, transactional_id: Option<&str>) -> Result<Self, IngestError> {
        let servers = properties.servers().to_owned();
        let mut config = ClientConfig::new();
        for (name, value) in [
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("delivery.timeout.ms", DELIVERY),
            ("linger.ms", "5"),
            ("message.max.bytes", "20000000"),
        ] {
            config.set(name, value);
        }
        for (name, value) in properties.iter() {
            config.set(name, value);
        }
        if let Some(id) = transactional_id {
            config.set("transactional.id", id);
        }
        let acks = Arc::new(Acks::default());
        let inner = BaseProducer::from_config_and_context(&config, Context(Arc::clone(&acks)));
        let inner =
            inner.map_err(|error| IngestError::Client { cluster: servers.clone(), detail: error.to_string() })?;
        Ok(Self { inner, acks, servers })
    }

    fn done<T>(&self, result: Result<T, KafkaError>) -> Result<T, IngestError> {
        result.map_err(|error| self.broker(error.to_string()))
    }

    fn broker(&self, detail: String) -> IngestError {
        IngestError::Broker { cluster: self.servers.clone(), detail }
    }

    /// Puts a record in the queue, waiting for room in it; it is sent in the background.
    ///
    /// # Errors
    /// It can't be queued: too large, say.
    pub fn send(&self, out: Outgoing<'_>) -> Result<(), IngestError> {
        self.try_send(out).map_err(|failed| self.broker(failed.error))
    }

    /// As [`Producer::send`], with a failure that can be told from others.
    ///
    /// # Errors
    /// It can't be queued: too large, say.
    pub fn try_send(&self, out: Outgoing<'_>) -> Result<(), Failed> {
        let mut record = BaseRecord::with_opaque_to(out.topic, Box::new(out.tag));
        record.partition = out.partition.map(|partition| i32::try_from(partition).unwrap_or(i32::MAX));
        record.key = out.key;
        record.payload = out.payload;
        record.timestamp = out.timestamp_ms;
        if !out.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(out.headers.len());
            record.headers = Some(
                out.headers.iter().fold(headers, |headers, (key, value)| headers.insert(Header { key, value: *value })),
            );
        }
        loop {
            match self.inner.send(record) {
                Ok(()) => {
                    self.inner.poll(Duration::ZERO);
                    return Ok(());
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.inner.poll(ROOM);
                }
                Err((error, _)) => return Err(Failed::of(out.tag, &error)),
            }
        }
    }

    /// Waits until everything queued is acknowledged.
    ///
    /// # Errors
    /// Something was not, in time or at all; names the first.
    pub fn flush(&self, time: Duration) -> Result<(), IngestError> {
        self.done(self.inner.flush(time))?;
        match self.acks.failed.lock().unwrap_or_else(PoisonError::into_inner).first() {
            Some(failed) => Err(self.broker(format!("record {} was not delivered: {}", failed.tag, failed.error))),
            None => Ok(()),
        }
    }

    /// How many records are neither acknowledged nor given up.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        u64::try_from(self.inner.in_flight_count()).unwrap_or_default()
    }

    /// Takes in acknowledgements, waiting at most so long for one.
    pub fn serve(&self, time: Duration) {
        self.inner.poll(time);
    }

    /// What was given up since the last call.
    #[must_use]
    pub fn take_failed(&self) -> Vec<Failed> {
        std::mem::take(&mut *self.acks.failed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was acknowledged since the last call, in the order of acknowledgement.
    #[must_use]
    pub fn take_delivered(&self) -> Vec<Delivered> {
        std::mem::take(&mut *self.acks.delivered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many records were acknowledged in all.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acks.acknowledged.load(Ordering::Relaxed)
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// The producer isn't transactional, or one is open.
    pub fn begin(&self) -> Result<(), IngestError> {
        self.done(self.inner.begin_transaction())
    }

    /// Makes the transaction's records visible.
    ///
    /// # Errors
    /// The broker refuses or does not answer.
    pub fn commit(&self, time: Duration) -> Result<(), IngestError> {
        self.done(self.inner.commit_transaction(time))
    }

    /// Throws the transaction's records away: they keep their positions and are never delivered to readers of committed records.
    ///
    /// # Errors
    /// The broker refuses or does not answer.
    pub fn abort(&self, time: Duration) -> Result<(), IngestError> {
        self.done(self.inner.flush(time))?;
        self.done(self.inner.abort_transaction(time))
    }
}
