//! Why the story could not be read, played or accounted for.

use modeltrail_core::header::HeaderError;
use modeltrail_core::sequencer::SequencerError;
use modeltrail_core::store::StoreError;
use modeltrail_core::types::EntryIndex;
use modeltrail_ingest::IngestError;
use modeltrail_store::AppendError;

/// Why the story could not be read, played or accounted for.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file of the story says something that can't be.
    #[error("story file {file}, line {line}: {fault}")]
    Story {
        /// Which file, below `tests/story`.
        file: &'static str,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        fault: String,
    },
    /// The embedded broker or its producer failed.
    #[error(transparent)]
    Kafka(#[from] IngestError),
    /// The ledger takes nothing more.
    #[error("the ledger takes nothing more: {0}")]
    Append(#[from] AppendError),
    /// The ledger can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the ledger holds contradicts itself.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
    /// A header can't be read.
    #[error("entry {index}: {cause}")]
    Header {
        /// The entry.
        index: EntryIndex,
        /// What is wrong with it.
        cause: HeaderError,
    },
    /// An act over HTTP was refused.
    #[error("act {label} was refused over HTTP with status {status}: {detail}")]
    Refused {
        /// The act.
        label: String,
        /// The status.
        status: u16,
        /// What the answer says.
        detail: String,
    },
    /// An act over HTTP got no answer.
    #[error("act {label} got no answer over HTTP from {url}: {detail}")]
    NoAnswer {
        /// The act.
        label: String,
        /// Where it went.
        url: String,
        /// What happened.
        detail: String,
    },
    /// The ledger was not empty, or something else than the player writes to the embedded broker.
    #[error("topic {topic} partition {partition}: {fault}; the story needs a new ledger and a broker of its own")]
    NotAlone {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// What was found.
        fault: String,
    },
    /// What was sent does not become durable.
    #[error(
        "nothing moved for {seconds} s while waiting for {what}; the state of the sources says why (GET /v1/sources)"
    )]
    Stalled {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
    },
    /// The play was told to end.
    #[error("the play was stopped before its end")]
    Stopped,
    /// What was sent and what the log says are not the same.
    #[error("the account does not add up: {differences}")]
    Account {
        /// Each difference, with its place.
        differences: String,
    },
}
