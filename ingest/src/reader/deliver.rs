//! From the reader to the writer: one batch at a time, and what happens while there is no room.

use modeltrail_store::{AppendError, KafkaItem};

use super::Reader;
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
        let parts: Vec<(&str, u32)> = reading.iter().map(|(topic, partition)| (topic.as_str(), *partition)).collect();
        self.paused = true;
        if let Err(error) = self.client.pause(&parts) {
            tracing::warn!("pausing partitions failed: {error}");
        }
    }

    /// Lets them send again. What was dropped while paused leaves holes, which are read again from next.
    pub(super) fn resume(&mut self) {
        if !self.paused {
            return;
        }
        self.paused = false;
        let reading = self.reading();
        let parts: Vec<(&str, u32)> = reading.iter().map(|(topic, partition)| (topic.as_str(), *partition)).collect();
        for lane in self.sources.iter_mut().flat_map(|source| source.lanes.values_mut()) {
            lane.cursor.restarted();
            // Time without room is not time without progress.
            lane.progress = now();
        }
        if let Err(error) = self.client.resume(&parts) {
            tracing::warn!("resuming partitions failed: {error}");
            self.make_anew(now(), "resuming failed");
        }
    }
}
