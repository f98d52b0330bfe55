//! What the reader knows of one source and of each of its partitions.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_core::sequencer::PartitionId;
use modeltrail_core::store::PositionRow;
use modeltrail_schemas::time::Micros;

use crate::accept::Cursor;
use crate::config::SourceConfig;
use crate::identity::{Doubt, Marks, Seen};
use crate::prepare::Quota;
use crate::status::{Counts, PartitionStatus, SourceStatus};
use crate::timing::{Duration, Instant};

/// The first and the longest wait before a partition is assigned again after an error.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Over so many seconds the rate is smoothed.
const RATE_SECONDS: f64 = 5.0;

/// Whether a partition is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is not assigned, and is once a check with a number above `after`, not before that time, is good.
    Waiting { after: u64, not_before: Instant },
    /// It is assigned.
    Reading,
    /// The ledger says so, until an operator re-bases it.
    Halted,
    /// A configured limit was reached; a restart begins anew.
    Stopped,
}

/// One partition.
pub(super) struct Lane {
    pub(super) id: PartitionId,
    /// Its identity as the ledger has it. `next` in it is not kept up to date: the cursor is.
    pub(super) row: PositionRow,
    pub(super) cursor: Cursor,
    pub(super) state: State,
    /// Assignments since the last progress.
    pub(super) tries: u32,
    /// What the last checks doubted, and how many in a row.
    pub(super) doubt: Option<(Doubt, u32)>,
    /// Order is in doubt; the next check decides whether it is the topic that changed.
    pub(super) disorder: Option<Doubt>,
    /// The broker said, since the last progress, that its log was cut.
    pub(super) cuts: u32,
    /// The last record taken in this run and generation.
    pub(super) last_record: Option<u64>,
    /// While paused, something was delivered and dropped.
    pub(super) dropped: bool,
    pub(super) quarantined_in_a_row: u64,
    pub(super) counts: Counts,
    pub(super) marks: Option<Marks>,
    pub(super) last_error: Option<String>,
    pub(super) progress: Instant,
    rate: f64,
    rate_records: u64,
}

impl Lane {
    pub(super) fn new(row: PositionRow, now: Instant) -> Self {
        let state = if row.halted.is_some() { State::Halted } else { State::Waiting { after: 0, not_before: now } };
        Self {
            id: PartitionId { source: row.source.clone(), partition: row.partition },
            cursor: Cursor::new(row.next, row.leader_epoch),
            row,
            state,
            tries: 0,
            doubt: None,
            disorder: None,
            cuts: 0,
            last_record: None,
            dropped: false,
            quarantined_in_a_row: 0,
            counts: Counts::default(),
            marks: None,
            last_error: None,
            progress: now,
            rate: 0.0,
            rate_records: 0,
        }
    }

    /// How long to wait before the next assignment: twice as long each time without progress.
    pub(super) fn patience(&mut self) -> Duration {
        let wait = FIRST_WAIT.saturating_mul(1 << self.tries.min(16)).min(LONGEST_WAIT);
        self.tries = self.tries.saturating_add(1);
        wait
    }

    /// The position moved.
    pub(super) fn progressed(&mut self, now: Instant) {
        self.progress = now;
        self.tries = 0;
        self.cuts = 0;
        self.doubt = None;
    }

    /// Positions between next and the last stable record.
    pub(super) fn lag(&self) -> Option<u64> {
        self.marks.map(|marks| marks.high.saturating_sub(self.cursor.next()))
    }

    /// Measures the rate over the time since the last measurement.
    pub(super) fn measure(&mut self, since: Duration) {
        let seconds = since.as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let now = (self.counts.records - self.rate_records) as f64 / seconds;
        self.rate_records = self.counts.records;
        self.rate += (now - self.rate) * (seconds / RATE_SECONDS).min(1.0);
    }

    fn status(&self, paused: bool, held: bool) -> PartitionStatus {
        let marks = self.marks.filter(|_| held);
        let state = match self.state {
            State::Waiting { .. } if !held => "elsewhere",
            State::Waiting { .. } => "waiting",
            State::Reading if paused => "paused",
            State::Reading => "reading",
            State::Halted => "halted",
            State::Stopped => "stopped",
        };
        PartitionStatus {
            partition: self.id.partition,
            state,
            next: self.cursor.next(),
            low: marks.map(|marks| marks.low),
            high: marks.map(|marks| marks.high.max(self.cursor.next())),
            lag: marks.and(self.lag()),
            halted: self.row.halted.clone(),
            last_error: self.last_error.clone(),
            records_per_second: (self.rate * 10.0).round() / 10.0,
            counts: self.counts,
        }
    }
}

/// One source.
pub(super) struct Source {
    pub(super) config: SourceConfig,
    pub(super) lanes: BTreeMap<u32, Lane>,
    /// The ledger has open rows for it.
    pub(super) opened: bool,
    /// Why it can't be read, until the configuration or the topic changes.
    pub(super) refused: Option<String>,
    /// What is wrong now.
    pub(super) error: Option<String>,
    /// The last check's answer.
    pub(super) seen: Option<Seen>,
    /// The cleanup policy that the log names last.
    pub(super) policy: Option<String>,
    pub(super) quota: Quota,
    /// The ledger's size before the last good check, and when that was.
    pub(super) good: Option<(u64, Micros)>,
    /// The ledger's size before the check that is under way.
    pub(super) asked_at_size: u64,
    /// The number of the last check that was asked for.
    pub(super) check: u64,
    pub(super) check_under_way: bool,
    pub(super) check_due: Instant,
    pub(super) marks_under_way: bool,
    pub(super) healthy: bool,
    /// Partitions that the consumer group does not give us.
    pub(super) missing: BTreeSet<u32>,
    pub(super) missing_since: Option<Instant>,
    /// What is said of them, once that has lasted.
    pub(super) lack: Option<String>,
}

impl Source {
    pub(super) fn new(
        config: SourceConfig,
        rows: Vec<PositionRow>,
        policy: Option<String>,
        quarantine_bytes_per_day: u64,
        now: Instant,
    ) -> Self {
        let opened = rows.iter().any(|row| !row.closed);
        let refused = rows.iter().find(|row| !row.closed && row.topic != config.topic).map(|row| {
            format!("source {:?} was opened on topic {:?}: one source is one topic for good; give {:?} a source of another name", config.name, row.topic, config.topic)
        });
        let lanes = rows.into_iter().map(|row| (row.partition, Lane::new(row, now))).collect();
        Self {
            quota: Quota::new(quarantine_bytes_per_day),
            config,
            lanes,
            opened,
            refused,
            error: None,
            seen: None,
            policy,
            good: None,
            asked_at_size: 0,
            check: 0,
            check_under_way: false,
            check_due: now,
            marks_under_way: false,
            healthy: true,
            missing: BTreeSet::new(),
            missing_since: None,
            lack: None,
        }
    }

    /// Stops reading a lane until a check that is asked for from now on is good.
    pub(super) fn wait(&mut self, partition: u32, not_before: Instant) {
        let after = self.check;
        if let Some(lane) = self.lanes.get_mut(&partition) {
            lane.state = State::Waiting { after, not_before };
        }
        self.check_due = self.check_due.min(not_before);
    }

    pub(super) fn status(&self, servers: &str, paused: bool) -> SourceStatus {
        let any = |wanted: fn(&State) -> bool| self.lanes.values().any(|lane| wanted(&lane.state));
        let held = |lane: &Lane| !self.missing.contains(&lane.id.partition);
        let state = if self.refused.is_some() {
            "refused"
        } else if any(|state| matches!(state, State::Halted)) {
            "halted"
        } else if self.lack.is_some() {
            "incomplete"
        } else if !any(|state| matches!(state, State::Reading)) {
            "starting"
        } else if paused {
            "paused"
        } else {
            "reading"
        };
        SourceStatus {
            source: self.config.name.clone(),
            topic: self.config.topic.clone(),
            servers: servers.to_owned(),
            cluster: self.seen.as_ref().map(|seen| seen.cluster.clone()),
            topic_id: self.seen.as_ref().map(|seen| seen.topic_id.clone()),
            state,
            healthy: self.healthy && self.lack.is_none() && self.refused.is_none(),
            error: self.refused.as_ref().or(self.lack.as_ref()).or(self.error.as_ref()).cloned(),
            checked_at: self.good.map(|(_, at)| at.to_string()),
            // Shown by the thread that copies.
            dead_letters: None,
            missing: self.missing.iter().copied().collect(),
            partitions: self.lanes.values().map(|lane| lane.status(paused, held(lane))).collect(),
        }
    }
}
