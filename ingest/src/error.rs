//! What can go wrong between Kafka and the writer.

/// Why ingest could not be configured, started or told something. Troubles while it runs are in its status instead.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IngestError {
    /// A source's configuration can't be used.
    #[error("source {source_name:?}: {fault}")]
    Source {
        /// The source.
        source_name: String,
        /// What is wrong, and what to do.
        fault: String,
    },
    /// A property of the Kafka client that this crate sets itself, or that is refused.
    #[error("source {source_name:?}: Kafka property {property:?} can't be set: {why}")]
    Property {
        /// The source.
        source_name: String,
        /// The property.
        property: String,
        /// Why not.
        why: &'static str,
    },
    /// Something else in the configuration.
    #[error("ingest configuration: {fault}")]
    Config {
        /// What is wrong.
        fault: String,
    },
    /// librdkafka refuses to make a client.
    #[error("no Kafka client for {cluster}: {detail}")]
    Client {
        /// The bootstrap servers.
        cluster: String,
        /// What librdkafka says.
        detail: String,
    },
    /// The broker did not answer, or not usefully.
    #[error("Kafka at {cluster}: {detail}")]
    Broker {
        /// The bootstrap servers.
        cluster: String,
        /// What failed.
        detail: String,
    },
    /// The writer or the ledger refused.
    #[error("the ledger: {detail}")]
    Ledger {
        /// What it says.
        detail: String,
    },
    /// A thread could not be started.
    #[error("can't start the thread {name}: {detail}")]
    Thread {
        /// Its name.
        name: String,
        /// What the system says.
        detail: String,
    },
    /// The command names something that isn't there, or can't be carried out now.
    #[error("source {source_name:?} partition {partition}: {fault}")]
    Partition {
        /// The source.
        source_name: String,
        /// The partition.
        partition: u32,
        /// Why not.
        fault: String,
    },
    /// Ingest is stopping, or did not answer in time.
    #[error("ingest did not answer: {detail}")]
    Stopped {
        /// What was waited for.
        detail: &'static str,
    },
}
