//! From the reader to the writer: one batch at a time, and what happens while there is no room.

use modeltrail_store::{AppendError, KafkaItem};

use super::Reader;
use super::lane::State;
use crate::ffi::{Polled, What};
use crate::timing::{Duration, Instant, now};

/// A batch is full at this many items: the writer is woken seldom enough, and still in time.
const BATCH_ITEMS: usize = 256;
/// A batch is full at this many bytes, so that the reader never holds more than this and one record.
const BATCH_BYTES: usize = 1 << 20;
/// How long the reader just waits for room before it pauses its partitions: a writer that works makes room within a seal.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);
/// One step of that waiting.
pub(super) const STEP: Duration = Duration::from_millis(2);

/// The batch that is being filled.
#[derive(Default)]
pub(super) struct Outbox {
    items: Vec<KafkaItem>,
    bytes: usize,
    stalled_since: Option<Instant>,
    refusal: Option<String>,
}

impl Outbox {
    pub(super) fn push(&mut self, item: KafkaItem) {
        self.bytes += match &item {
            KafkaItem::Record { record, .. } => record.opening.len(),
            KafkaItem::End { .. } => 0,
        };
        self.items.push(item);
    }

    pub(super) fn full(&self) -> bool {
        self.items.len() >= BATCH_ITEMS || self.bytes >= BATCH_BYTES
    }

    pub(super) fn stalled_for(&self, at: Instant) -> Duration {
        self.stalled_since.map_or(Duration::ZERO, |since| at.duration_since(since))
    }
}

impl Reader {
    /// Gives the batch to the writer. False: it has no room or refuses, and the batch stays.
    pub(super) fn deliver(&mut self) -> bool {
        if self.outbox.items.is_empty() {
            return true;
        }
        let items = std::mem::take(&mut self.outbox.items);
        match self.sink.send(items) {
            Ok(()) => {
                let refused = self.outbox.refusal.take();
                self.outbox = Outbox { items: Vec::with_capacity(BATCH_ITEMS), ..Outbox::default() };
                if refused.is_some() {
                    self.sources.iter_mut().for_each(|source| source.error = None);
                }
                true
            }
            Err((items, error)) => {
                self.outbox.items = items;
                self.outbox.stalled_since.get_or_insert_with(now);
                self.refused(&error);
                false
            }
        }
    }

    fn refused(&mut self, error: &AppendError) {
        if matches!(error, AppendError::QueueFull) {
            return;
        }
        let text = format!("the writer takes nothing: {error}");
        if self.outbox.refusal.as_ref() != Some(&text) {
            tracing::error!("{text}");
            self.sources.iter_mut().for_each(|source| source.error = Some(text.clone()));
            self.outbox.refusal = Some(text);
        }
    }

    /// Stops the brokers from sending more.
    pub(super) fn pause(&mut self) {
        let reading = self.reading();
        self.paused.get_or_insert_default();
        self.pause_also(reading);
    }

    /// Pauses partitions that are read while all are paused. A pause outlives an assignment, so each is remembered until it is taken back.
    pub(super) fn pause_also(&mut self, parts: Vec<(String, u32)>) {
        let Some(paused) = &mut self.paused else { return };
        let new: Vec<(String, u32)> = parts.into_iter().filter(|part| !paused.contains(part)).collect();
        if let Err(error) = self.client.pause(&borrowed(&new)) {
            tracing::warn!("pausing partitions failed: {error}");
        }
        paused.extend(new);
    }

    /// Something was delivered all the same. Errors count; the rest is dropped, and its partition is read again from next later.
    pub(super) fn polled_while_paused(&mut self, polled: &Polled<'_>) {
        match (polled.what(), self.place_of(polled)) {
            (What::Trouble(_), _) => self.polled(polled, self.sink.now()),
            (_, Some((at, partition))) => {
                if let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) {
                    lane.dropped = true;
                }
            }
            (_, None) => {}
        }
    }

    /// Lets them send again.
    pub(super) fn resume(&mut self) {
        let Some(paused) = self.paused.take() else { return };
        let mut behind = Vec::new();
        for (at, source) in self.sources.iter_mut().enumerate() {
            for lane in source.lanes.values_mut() {
                lane.cursor.restarted();
                // Time without room is not time without progress.
                lane.progress = now();
                if std::mem::take(&mut lane.dropped) && lane.state == State::Reading {
                    behind.push((at, lane.id.partition));
                }
            }
        }
        if let Err(error) = self.client.resume(&borrowed(&paused)) {
            tracing::warn!("resuming partitions failed: {error}");
            return self.make_anew(now(), "resuming failed");
        }
        behind.into_iter().for_each(|(at, partition)| self.read_again(at, partition, Duration::ZERO));
    }
}

fn borrowed(parts: &[(String, u32)]) -> Vec<(&str, u32)> {
    parts.iter().map(|(topic, partition)| (topic.as_str(), *partition)).collect()
}
