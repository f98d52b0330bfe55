//! Acts of the ledger's own, each an entry.

use std::sync::Arc;

use modeltrail_core::sequencer::{Halt, NewPartition, PartitionId, Rotation, Sequencer, SequencerError};
use modeltrail_core::store::{PositionRow, Store};
use modeltrail_core::types::EntryIndex;
use modeltrail_tlog::note::SignerKey;
use serde::Serialize;
use serde_json::Value;

/// One act.
pub enum Act {
    /// Any own event that has no rules besides its schema, e.g. `export.created`.
    Own {
        /// The type.
        event_type: String,
        /// The data.
        data: Value,
    },
    /// Registers a producer's key: data as `key.producer_registered` has it.
    RegisterProducer(Value),
    /// Revokes a producer's key.
    RevokeProducer {
        /// The key's id.
        key: String,
        /// `compromised`, `superseded`, `left` or `other`.
        why: String,
    },
    /// The ledger's key gives way to this one.
    Rotate(Arc<SignerKey>, Rotation),
    /// A source is read for the first time.
    OpenSource {
        /// Source, cluster, topic and topic id.
        template: PositionRow,
        /// Its partitions.
        new: Vec<NewPartition>,
        /// `cleanup_policy`, `retention_ms`, where known.
        extra: Value,
    },
    /// The topic grew.
    AddPartitions {
        /// Source, cluster, topic and topic id.
        template: PositionRow,
        /// Partitions before.
        old: u32,
        /// Partitions now.
        new: u32,
    },
    /// A property of a source changed.
    ChangeSource {
        /// The source.
        source: String,
        /// Which property.
        key: String,
        /// Before.
        old: Value,
        /// Now.
        new: Value,
    },
    /// Reading of a partition stops.
    Halt {
        /// Which.
        partition: PartitionId,
        /// Why.
        halt: Halt,
    },
    /// Reading of a partition goes on elsewhere.
    Rebase {
        /// Which.
        partition: PartitionId,
        /// Where.
        position: u64,
        /// The topic's id now.
        topic_id: String,
        /// The cluster's id now.
        cluster: String,
    },
    /// Positions are gone.
    Gap {
        /// Which partition.
        partition: PartitionId,
        /// The last that is gone.
        last: u64,
        /// `retention`, `truncation` or `unknown`.
        cause: String,
    },
    /// A source is no longer configured.
    CloseSource {
        /// The source.
        source: String,
    },
}

/// A report as its entry tells it: the data of `report.issued`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ReportIssued {
    /// Its id, fresh for each.
    pub report_id: String,
    /// Which of the reports it is.
    pub report: String,
    /// What it is about, as the report has it.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub scope: Value,
    /// What was asked for besides.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub options: Value,
    /// The framework pack it answers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// The pack's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack_version: Option<String>,
    /// Subjects on whose trails it stands.
    pub subjects: Vec<String>,
    /// The checkpoint at which it was rendered.
    pub checkpoint: ReportCheckpoint,
    /// The size as of which it speaks, where that is an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of_size: Option<u64>,
    /// What was given out.
    pub files: Vec<ReportFile>,
    /// The pseudonym of who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// What for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// A checkpoint, named.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ReportCheckpoint {
    /// The ledger.
    pub origin: String,
    /// `sha256:` and 64 hex digits.
    pub root: String,
    /// Entries.
    pub size: u64,
}

/// One file of a report.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ReportFile {
    /// `html`, `json`, `csv`.
    pub format: String,
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

impl Act {
    /// That a report was issued.
    #[must_use]
    pub fn report_issued(report: &ReportIssued) -> Self {
        let data = serde_json::to_value(report).expect("texts, numbers and JSON values always serialise");
        Self::Own { event_type: "modeltrail.report.issued.v1".to_owned(), data }
    }

    /// Whether it must keep its place among the records of its source.
    pub(super) fn is_about_a_source(&self) -> bool {
        match self {
            Self::Own { .. } | Self::RegisterProducer(_) | Self::RevokeProducer { .. } | Self::Rotate(..) => false,
            Self::OpenSource { .. }
            | Self::AddPartitions { .. }
            | Self::ChangeSource { .. }
            | Self::Halt { .. }
            | Self::Rebase { .. }
            | Self::Gap { .. }
            | Self::CloseSource { .. } => true,
        }
    }

    pub(super) fn run<S: Store>(self, sequencer: &mut Sequencer<S>) -> Result<EntryIndex, SequencerError> {
        match self {
            Self::Own { event_type, data } => sequencer.own(&event_type, data),
            Self::RegisterProducer(data) => sequencer.register_producer(data),
            Self::RevokeProducer { key, why } => sequencer.revoke_producer(&key, &why),
            Self::Rotate(new, why) => sequencer.rotate(new, why),
            Self::OpenSource { template, new, extra } => sequencer.open_source(&template, &new, extra),
            Self::AddPartitions { template, old, new } => sequencer.add_partitions(&template, old, new),
            Self::ChangeSource { source, key, old, new } => sequencer.change_source(&source, &key, old, new),
            Self::Halt { partition, halt } => sequencer.halt(&partition, &halt),
            Self::Rebase { partition, position, topic_id, cluster } => {
                sequencer.rebase(&partition, position, &topic_id, &cluster)
            }
            Self::Gap { partition, last, cause } => sequencer.gap(&partition, last, &cause),
            Self::CloseSource { source } => sequencer.close_source(&source),
        }
    }
}
