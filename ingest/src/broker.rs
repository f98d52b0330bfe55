//! A Kafka-protocol broker inside the process: librdkafka's mock cluster, for demonstrations and tests.
//!
//! It is not a Kafka: it keeps everything in memory, and of each partition at most [`PARTITION_BYTES`], dropping the oldest batches without a word, so
//! whoever fills it must let it be read meanwhile or use enough partitions. It gives no topic ids, has no compaction, and delivers records of aborted
//! transactions.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::config::{Properties, SourceConfig};
use crate::error::IngestError;

/// What the mock cluster keeps of a partition.
pub const PARTITION_BYTES: usize = 5 << 20;

/// The cluster itself, for faults.
pub type Mock = MockCluster<'static, DefaultProducerContext>;

type Task = Box<dyn FnOnce(&Mock) + Send>;

/// An embedded broker. Dropped, it is gone with all it holds.
pub struct EmbeddedBroker {
    bootstrap: String,
    tasks: Option<Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedBroker {
    /// Starts one broker on a free loopback port, with these topics and their numbers of partitions.
    ///
    /// # Errors
    /// librdkafka refuses, or the thread can't be started.
    pub fn start(topics: &[(&str, u32)]) -> Result<Self, IngestError> {
        let topics: Vec<(String, i32)> = topics
            .iter()
            .map(|(name, count)| ((*name).to_owned(), i32::try_from(*count).unwrap_or(i32::MAX)))
            .collect();
        let (tasks, todo) = mpsc::channel();
        let (started, start) = mpsc::channel();
        let name = "modeltrail-embedded-broker";
        let failed = |detail: String| IngestError::Broker { cluster: "embedded".to_owned(), detail };
        // The handle of the cluster stays on one thread.
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || serve(&topics, &started, &todo));
        let thread =
            thread.map_err(|error| IngestError::Thread { name: name.to_owned(), detail: error.to_string() })?;
        let bootstrap =
            start.recv().map_err(|_| failed("the embedded broker ended at once".to_owned()))?.map_err(failed)?;
        Ok(Self { bootstrap, tasks: Some(tasks), thread: Some(thread) })
    }

    /// `host:port` for clients.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// How its clients read. It holds an empty answer back for as long as it may, so that is short.
    fn properties(&self) -> Properties {
        Properties::bootstrap(&self.bootstrap).with("fetch.wait.max.ms", "5")
    }

    /// A source that reads one of its topics. It can't have a topic id here, and says so.
    #[must_use]
    pub fn source(&self, name: &str, topic: &str) -> SourceConfig {
        SourceConfig { topic_ids: false, ..SourceConfig::new(name, topic, self.properties()) }
    }

    /// Does something to the cluster: brokers down and up, errors, leaders moved. Waits until it is done.
    ///
    /// # Errors
    /// The cluster is gone.
    pub fn with<T: Send + 'static>(&self, task: impl FnOnce(&Mock) -> T + Send + 'static) -> Result<T, IngestError> {
        let gone = || IngestError::Stopped { detail: "the embedded broker" };
        let (reply, answer) = mpsc::channel();
        let task: Task = Box::new(move |cluster| drop(reply.send(task(cluster))));
        self.tasks.as_ref().ok_or_else(gone)?.send(task).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())
    }
}

fn serve(topics: &[(String, i32)], started: &Sender<Result<String, String>>, todo: &Receiver<Task>) {
    let made = MockCluster::new(1).and_then(|cluster| {
        topics.iter().try_for_each(|(topic, partitions)| cluster.create_topic(topic, *partitions, 1))?;
        Ok(cluster)
    });
    match made {
        Ok(cluster) => {
            drop(started.send(Ok(cluster.bootstrap_servers())));
            todo.iter().for_each(|task| task(&cluster));
        }
        Err(error) => drop(started.send(Err(error.to_string()))),
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the embedded broker's thread panicked");
        }
    }
}
