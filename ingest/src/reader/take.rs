//! What was polled: records, ends and errors.

use modeltrail_schemas::time::Micros;
use modeltrail_store::KafkaItem;
use rdkafka::bindings::rd_kafka_resp_err_t;

use super::Reader;
use super::lane::State;
use crate::accept::Step;
use crate::ffi::{Polled, Trouble, What};
use crate::identity::Doubt;
use crate::prepare::prepare;
use crate::timing::{Duration, Instant, now};

/// How librdkafka words it that in our leader epoch the broker's log ends before our position.
const CUT: &str = "truncation";
const CUT_AT: &str = "broker end offset is ";
/// A cut is believed when the broker says so twice in a row.
const CUTS: u32 = 2;

impl Reader {
    pub(super) fn polled(&mut self, polled: &Polled<'_>, at: Micros) {
        let place = self.place_of(polled);
        match (polled.what(), place) {
            (What::Record, Some((source, partition))) => self.record(source, partition, polled, at),
            (What::End, Some((source, partition))) => self.end(source, partition, polled),
            (What::Trouble(trouble), Some((source, partition))) => self.trouble(source, partition, &trouble),
            (What::Trouble(trouble), None) => self.trouble_anywhere(&trouble),
            (What::Record | What::End, None) => {}
        }
    }

    /// Source and partition that it belongs to, if it says and we read them.
    pub(super) fn place_of(&self, polled: &Polled<'_>) -> Option<(usize, u32)> {
        let topic = polled.topic()?;
        self.sources.iter().position(|source| source.config.topic == topic).zip(polled.partition())
    }

    fn record(&mut self, at: usize, partition: u32, polled: &Polled<'_>, time: Micros) {
        let Some(source) = self.sources.get_mut(at) else { return };
        let Some(lane) = source.lanes.get_mut(&partition).filter(|lane| lane.state == State::Reading) else { return };
        let Some(offset) = polled.offset() else { return };
        let (epoch, before) = (polled.leader_epoch(), lane.cursor.next());
        match lane.cursor.record(offset, epoch) {
            Step::Take => {}
            Step::AlreadyHad => {
                lane.counts.already_had += 1;
                return;
            }
            Step::ReadAgain => return self.read_again(at, partition, Duration::ZERO),
            Step::EpochBack => {
                let (stored, seen) = (
                    format!("position {before}, leader epoch {}", lane.cursor.epoch()),
                    format!("position {offset}, leader epoch {epoch}"),
                );
                lane.disorder = Some(Doubt { cause: "epoch_back", stored, seen });
                return self.read_again(at, partition, Duration::ZERO);
            }
        }
        let record = prepare(polled, &self.rules, self.sink.salt(), time, &mut source.quota);
        lane.last_record = Some(offset);
        lane.counts.records += 1;
        lane.counts.bytes += record.record_len() as u64;
        lane.counts.undelivered += offset - before;
        let kept_aside = record.reading.quarantine.is_some();
        lane.counts.quarantined += u64::from(kept_aside);
        lane.quarantined_in_a_row = if kept_aside { lane.quarantined_in_a_row + 1 } else { 0 };
        lane.progressed(now());
        let over = source.config.quarantine_limit.is_some_and(|limit| lane.quarantined_in_a_row >= limit);
        self.outbox.push(KafkaItem::Record {
            partition: lane.id.clone(),
            offset,
            leader_epoch: epoch,
            record: Box::new(record),
        });
        if over {
            self.stop_lane(at, partition);
        }
    }

    fn end(&mut self, at: usize, partition: u32, polled: &Polled<'_>) {
        let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else { return };
        let (State::Reading, Some(end)) = (lane.state, polled.offset()) else { return };
        let before = lane.cursor.next();
        match lane.cursor.end(end) {
            Step::Take => {
                lane.counts.undelivered += end - before;
                self.outbox.push(KafkaItem::End { partition: lane.id.clone(), end });
            }
            Step::ReadAgain => return self.read_again(at, partition, Duration::ZERO),
            Step::AlreadyHad | Step::EpochBack => {}
        }
        lane.progressed(now());
        if let Some(marks) = &mut lane.marks {
            marks.high = marks.high.max(end);
        }
    }

    /// Takes a lane out of the assignment; it is read again from next once a check is good.
    pub(super) fn read_again(&mut self, at: usize, partition: u32, wait: Duration) {
        let Some(source) = self.sources.get_mut(at) else { return };
        if let Some(lane) = source.lanes.get_mut(&partition) {
            lane.counts.restarts += 1;
        }
        source.wait(partition, now() + wait);
        self.release(at, partition);
    }

    /// Takes a lane out of the assignment.
    pub(super) fn release(&mut self, at: usize, partition: u32) {
        let Some(topic) = self.sources.get(at).map(|source| source.config.topic.clone()) else { return };
        if let Err(error) = self.client.unassign(&topic, partition) {
            tracing::warn!(topic, partition, "taking a partition out of the assignment failed: {error}");
            self.make_anew(now(), "unassigning failed");
        }
    }

    fn stop_lane(&mut self, at: usize, partition: u32) {
        if let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) {
            let text = format!(
                "{} quarantined records in a row, the configured quarantine_limit: look at them, then restart",
                lane.quarantined_in_a_row
            );
            tracing::error!(source = lane.id.source, partition, "reading stops: {text}");
            lane.last_error = Some(text);
            lane.state = State::Stopped;
        }
        self.release(at, partition);
    }

    /// An error of one partition. Whatever it is, nothing more is read before identity and watermarks were looked at.
    fn trouble(&mut self, at: usize, partition: u32, trouble: &Trouble) {
        let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else { return };
        if lane.state != State::Reading {
            return;
        }
        tracing::warn!(
            source = lane.id.source,
            partition,
            next = lane.cursor.next(),
            "reading failed: {}",
            trouble.text
        );
        lane.last_error = Some(trouble.text.clone());
        if trouble.text.contains(CUT) {
            lane.cuts += 1;
            if lane.cuts >= CUTS {
                self.cut(at, partition, &trouble.text);
            }
        }
        let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else { return };
        let wait = lane.patience();
        self.read_again(at, partition, wait);
    }

    /// The broker says that in the leader epoch of our last record its log ends before our position. If we took a record at or behind that end, the
    /// log is another than the one we read. If only undelivered positions lie there (markers and aborted records have epochs that nobody shows us),
    /// or the broker has forgotten that epoch, it proves nothing, and the epoch is not asked about again.
    fn cut(&mut self, at: usize, partition: u32, text: &str) {
        let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else { return };
        let end: Option<u64> = text
            .split_once(CUT_AT)
            .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
        let taken = match (end, lane.last_record) {
            (None, _) => false,
            (Some(end), Some(last)) => last >= end,
            // What can't be looked up counts as taken: a halt asks a person, going on would not.
            (Some(end), None) => self.sink.took_record(&lane.id, lane.row.generation, end).unwrap_or(true),
        };
        if taken {
            let stored = format!("position {}, leader epoch {}", lane.cursor.next(), lane.cursor.epoch());
            lane.disorder = Some(Doubt { cause: "epoch_back", stored, seen: text.to_owned() });
        } else {
            tracing::info!(
                source = lane.id.source,
                partition,
                "no record of ours lies behind the end that the broker names; reading goes on: {text}"
            );
            lane.cursor.forget_epoch();
        }
    }

    /// An error that names no partition. A lost position may be any's, so all are looked at.
    fn trouble_anywhere(&mut self, trouble: &Trouble) {
        tracing::warn!(servers = self.client.servers(), "Kafka: {}", trouble.text);
        match trouble.code {
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__FATAL => self.make_anew(now(), &trouble.text),
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET => {
                let places: Vec<(usize, u32)> = self
                    .sources
                    .iter()
                    .enumerate()
                    .flat_map(|(at, source)| source.lanes.keys().map(move |partition| (at, *partition)))
                    .collect();
                places.into_iter().for_each(|(at, partition)| self.trouble(at, partition, trouble));
            }
            _ => self.sources.iter_mut().for_each(|source| source.error = Some(trouble.text.clone())),
        }
    }

    /// The watchdog: a partition that has records and gives none.
    pub(super) fn watch(&mut self, at: Instant) {
        if self.paused.is_some() {
            return;
        }
        let mut stuck = false;
        for source in &mut self.sources {
            let silent = |lane: &super::lane::Lane| {
                lane.state == State::Reading
                    && lane.lag().is_some_and(|lag| lag > 0)
                    && at.duration_since(lane.progress) >= super::WATCHDOG
            };
            source.healthy = !source.lanes.values().any(silent);
            stuck |= !source.healthy;
        }
        if stuck && at.duration_since(self.made_anew) >= super::WATCHDOG {
            self.make_anew(at, "records are there, and none was delivered for a minute");
        }
    }
}
