//! Topics made, grown and deleted: what tests and demonstrations do to a broker. The sources themselves never change a topic.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;

use crate::config::Properties;
use crate::error::IngestError;

/// How long the broker may take for one request.
const TIME: Duration = Duration::from_secs(20);

/// An administrator of a cluster.
pub struct Admin {
    client: AdminClient<DefaultClientContext>,
    servers: String,
}

impl Admin {
    /// # Errors
    /// librdkafka refuses a property.
    pub fn new(properties: &Properties) -> Result<Self, IngestError> {
        let servers = properties.servers().to_owned();
        let mut config = ClientConfig::new();
        for (name, value) in properties.iter() {
            config.set(name, value);
        }
        let client = config
            .create()
            .map_err(|error| IngestError::Client { cluster: servers.clone(), detail: error.to_string() })?;
        Ok(Self { client, servers })
    }

    fn options() -> AdminOptions {
        AdminOptions::new().operation_timeout(Some(TIME)).request_timeout(Some(TIME))
    }

    fn failed(&self, detail: impl std::fmt::Display) -> IngestError {
        IngestError::Broker { cluster: self.servers.clone(), detail: detail.to_string() }
    }

    /// Makes a topic with one replica and this configuration.
    ///
    /// # Errors
    /// The broker refuses or does not answer.
    pub fn create_topic(&self, topic: &str, partitions: u32, config: &[(&str, &str)]) -> Result<(), IngestError> {
        let count = i32::try_from(partitions).unwrap_or(i32::MAX);
        let new = NewTopic::new(topic, count, TopicReplication::Fixed(1));
        let new = config.iter().fold(new, |new, (name, value)| new.set(name, value));
        let done = block_on(self.client.create_topics([&new], &Self::options())).map_err(|error| self.failed(error))?;
        done.into_iter()
            .try_for_each(|one| one.map(drop).map_err(|(topic, code)| self.failed(format!("topic {topic}: {code}"))))
    }

    /// Deletes a topic.
    ///
    /// # Errors
    /// The broker refuses or does not answer.
    pub fn delete_topic(&self, topic: &str) -> Result<(), IngestError> {
        let done =
            block_on(self.client.delete_topics(&[topic], &Self::options())).map_err(|error| self.failed(error))?;
        done.into_iter()
            .try_for_each(|one| one.map(drop).map_err(|(topic, code)| self.failed(format!("topic {topic}: {code}"))))
    }

    /// Lets a topic grow to so many partitions.
    ///
    /// # Errors
    /// The broker refuses or does not answer.
    pub fn grow_topic(&self, topic: &str, partitions: u32) -> Result<(), IngestError> {
        let grown = NewPartitions::new(topic, partitions as usize);
        let done =
            block_on(self.client.create_partitions([&grown], &Self::options())).map_err(|error| self.failed(error))?;
        done.into_iter()
            .try_for_each(|one| one.map(drop).map_err(|(topic, code)| self.failed(format!("topic {topic}: {code}"))))
    }

    /// Replaces a topic's configuration by this.
    ///
    /// # Errors
    /// The broker refuses or does not answer.
    pub fn configure_topic(&self, topic: &str, config: &[(&str, &str)]) -> Result<(), IngestError> {
        let alter = AlterConfig::new(ResourceSpecifier::Topic(topic));
        let alter = config.iter().fold(alter, |alter, (name, value)| alter.set(name, value));
        let done =
            block_on(self.client.alter_configs([&alter], &Self::options())).map_err(|error| self.failed(error))?;
        done.into_iter()
            .try_for_each(|one| one.map(drop).map_err(|(_, code)| self.failed(format!("topic {topic}: {code}"))))
    }
}

/// Wakes a thread that is parked in [`block_on`].
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for one future on this thread: the client completes it from its own.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park_timeout(Duration::from_millis(100)),
        }
    }
}
