//! How the sources stand, for the portal, the API and metrics.

use serde::Serialize;

/// One source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceStatus {
    /// The source.
    pub source: String,
    /// Its topic.
    pub topic: String,
    /// The bootstrap servers.
    pub servers: String,
    /// The cluster's id, once it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The topic's id, or `unknown`, once it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_id: Option<String>,
    /// `starting`, `reading`, `paused`, `refused`, `incomplete` (the consumer group gives some partitions to somebody else) or `halted` (at least one
    /// partition is).
    pub state: &'static str,
    /// No for a source that makes no progress although it should, or does not have all of its topic.
    pub healthy: bool,
    /// What is wrong now, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When identity was last checked and found good, by the ledger's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<String>,
    /// Numbers of the partitions that the consumer group does not give to this ledger: what they hold is not read, and not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<u32>,
    /// How copying to the dead-letter topic stands, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<DeadLetterStatus>,
    /// By number.
    pub partitions: Vec<PartitionStatus>,
}

/// Copying of what was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetterStatus {
    /// The topic.
    pub topic: String,
    /// The first entry that was not looked at yet.
    pub next: u64,
    /// Entries of the log, as it is now, that are still to be looked at; unknown once the sources are stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<u64>,
    /// Copies that the broker took since the start of the process.
    pub copied: u64,
    /// Why it lags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartitionStatus {
    /// Its number.
    pub partition: u32,
    /// `waiting` (for a check), `elsewhere` (the consumer group does not give it to this ledger), `reading`, `paused` (the writer has no room), `halted` or `stopped` (by a configured limit).
    pub state: &'static str,
    /// The next position to be read.
    pub next: u64,
    /// The oldest position that the broker has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<u64>,
    /// The position after the last stable record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<u64>,
    /// Positions between `next` and `high`. Not known of a partition that is elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// Why it is halted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halted: Option<String>,
    /// What went wrong last; may be over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Over the last few seconds.
    pub records_per_second: f64,
    /// Counts since the start of the process.
    pub counts: Counts,
}

/// Counts since the start of the process. The ledger itself holds them for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Records handed to the writer.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records that were delivered again and dropped, because their position was covered.
    pub already_had: u64,
    /// Positions that the broker did not deliver.
    pub undelivered: u64,
    /// Records that were read as quarantined; conflicts, which the writer finds, are not among them.
    pub quarantined: u64,
    /// Gaps recorded.
    pub gaps: u64,
    /// Positions in them.
    pub gap_positions: u64,
    /// Times that the partition was assigned again, after an error or to look at a hole twice.
    pub restarts: u64,
}
