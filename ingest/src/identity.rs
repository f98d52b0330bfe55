//! Is this still the log we read before? What is stored is held against what the brokers say. Pure.

use modeltrail_core::store::PositionRow;

/// What stands where a broker gives no id.
pub const UNKNOWN: &str = "unknown";

/// The oldest position that is still there, and the one after the last stable record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Low watermark.
    pub low: u64,
    /// High watermark (last stable offset).
    pub high: u64,
}

/// What the brokers say of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The cluster's id.
    pub cluster: String,
    /// The topic's id, or [`UNKNOWN`].
    pub topic_id: String,
    /// By partition.
    pub marks: Vec<Marks>,
    /// `cleanup.policy`, when it may be asked for.
    pub cleanup_policy: Option<String>,
    /// `retention.ms`, when it may be asked for.
    pub retention_ms: Option<i64>,
}

/// A doubt about identity or order, in the words of a `source.halted` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// `topic_id`, `cluster_id`, `epoch_back`, `position_past_end` or `other`.
    pub cause: &'static str,
    /// What the ledger has.
    pub stored: String,
    /// What the broker says.
    pub seen: String,
}

/// What a check says of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is the log we read before, and next is in it.
    Good,
    /// It is, but positions up to this one are gone.
    Gone {
        /// The last position that is gone.
        last: u64,
    },
    /// It may be another.
    Doubt(Doubt),
}

/// Holds a partition's stored row against what was seen. `next` is the next position to be read, which MUST NOT have moved since the brokers were
/// asked; `None` leaves positions out, for a partition that is being read meanwhile.
#[must_use]
pub fn judge(row: &PositionRow, next: Option<u64>, seen: &Seen) -> Verdict {
    let doubt = |cause, stored: String, seen: String| Verdict::Doubt(Doubt { cause, stored, seen });
    if known(&row.cluster) && known(&seen.cluster) && row.cluster != seen.cluster {
        return doubt("cluster_id", row.cluster.clone(), seen.cluster.clone());
    }
    if known(&row.topic_id) && known(&seen.topic_id) && row.topic_id != seen.topic_id {
        return doubt("topic_id", row.topic_id.clone(), seen.topic_id.clone());
    }
    let Some(marks) = usize::try_from(row.partition).ok().and_then(|at| seen.marks.get(at)) else {
        return doubt("other", format!("partition {}", row.partition), format!("{} partitions", seen.marks.len()));
    };
    match next {
        Some(next) if next > marks.high => doubt("position_past_end", next.to_string(), marks.high.to_string()),
        Some(next) if next < marks.low => Verdict::Gone { last: marks.low - 1 },
        _ => Verdict::Good,
    }
}

fn known(id: &str) -> bool {
    id != UNKNOWN
}

/// How often a doubt must be seen in a row before it halts a partition: ids come from the controller and don't waver, while a watermark may lag for
/// a moment behind a change of leader.
#[must_use]
pub fn sightings(cause: &str) -> u32 {
    match cause {
        "topic_id" | "cluster_id" => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> PositionRow {
        PositionRow {
            source: "ml".into(),
            partition: 1,
            generation: 1,
            next: 10,
            cluster: "c".into(),
            topic: "t".into(),
            topic_id: "id".into(),
            leader_epoch: 0,
            halted: None,
            closed: false,
        }
    }

    fn seen(low: u64, high: u64) -> Seen {
        let marks = vec![Marks { low: 0, high: 0 }, Marks { low, high }];
        Seen { cluster: "c".into(), topic_id: "id".into(), marks, cleanup_policy: None, retention_ms: None }
    }

    fn cause(verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Doubt(doubt) => doubt.cause,
            _ => "none",
        }
    }

    #[test]
    fn a_position_inside_is_good_and_one_below_is_gone() {
        assert_eq!(judge(&row(), Some(10), &seen(10, 10)), Verdict::Good);
        assert_eq!(judge(&row(), Some(10), &seen(0, 99)), Verdict::Good);
        assert_eq!(judge(&row(), Some(10), &seen(12, 99)), Verdict::Gone { last: 11 });
        assert_eq!(judge(&row(), None, &seen(12, 99)), Verdict::Good);
    }

    #[test]
    fn each_doubt_has_its_cause() {
        assert_eq!(cause(judge(&row(), Some(10), &seen(0, 9))), "position_past_end");
        assert_eq!(cause(judge(&row(), Some(10), &Seen { topic_id: "other".into(), ..seen(0, 99) })), "topic_id");
        assert_eq!(
            cause(judge(&row(), Some(10), &Seen { cluster: "other".into(), topic_id: "other".into(), ..seen(0, 99) })),
            "cluster_id"
        );
        assert_eq!(
            cause(judge(&row(), Some(10), &Seen { marks: vec![Marks { low: 0, high: 99 }], ..seen(0, 99) })),
            "other"
        );
    }

    #[test]
    fn what_no_broker_tells_is_not_held_against_it() {
        let unknown = Seen { topic_id: UNKNOWN.into(), cluster: UNKNOWN.into(), ..seen(0, 99) };
        assert_eq!(judge(&row(), Some(10), &unknown), Verdict::Good);
        assert_eq!(judge(&PositionRow { topic_id: UNKNOWN.into(), ..row() }, Some(10), &seen(0, 99)), Verdict::Good);
    }
}
