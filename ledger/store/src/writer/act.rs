//! Acts of the ledger's own, each an entry.

use std::sync::Arc;

use modeltrail_core::sequencer::{Halt, NewPartition, PartitionId, Rotation, Sequencer, SequencerError};
use modeltrail_core::store::{PositionRow, Store};
use modeltrail_core::types::EntryIndex;
use modeltrail_tlog::note::SignerKey;
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

impl Act {
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
