//! Copies of what was set aside, to a dead-letter topic: for people and programs that look for their bad records in Kafka.
//!
//! It is driven by the sealed log: a thread of each source that has such a topic looks for entries that were set aside, sends a copy of each, and once the
//! broker has them all notes up to which entry that is. So it holds nothing up, needs no queue, and after a crash copies a few twice and none never.
//! A topic that can't be written to only makes it lag.
//!
//! A copy is the record as it came (key, headers, body) and behind its own headers those that Kafka Connect gives to dead letters. Of a record that the
//! ledger does not have, or that the topic does not take for its size, there is a note: these headers, and no body. Its timestamp is that of the copy, or a
//! topic's retention would take copies of old records at once; the record's own is in a header.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};

use modeltrail_schemas::record::Record;

use crate::config::{Properties, SourceConfig};
use crate::error::IngestError;
use crate::producer::{Outgoing, Producer};
use crate::sink::{Aside, Sink};
use crate::status::DeadLetterStatus;
use crate::timing::Duration;

/// How often the log is looked at while nothing new is there.
const IDLE: Duration = Duration::from_millis(250);
/// How soon a stop is noticed while a broker is waited for.
const STEP: Duration = Duration::from_millis(50);
/// The first and the longest wait after a failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// So many entries without anything to copy are looked at again after a crash rather than noted each time.
const NOTE_EVERY: u64 = 16_384;
/// What Kafka Connect calls the step that failed, of those it knows: the value could not be made sense of.
const STAGE: &str = "VALUE_CONVERTER";

/// What a thread shows.
pub(crate) type Board = Arc<Mutex<DeadLetterStatus>>;

/// Copies what was set aside of one source.
pub(crate) struct Letters {
    source: String,
    from: String,
    topic: String,
    properties: Properties,
    sink: Arc<dyn Sink>,
    board: Board,
    stop: Arc<AtomicBool>,
    /// Closed at a stop.
    ended: Receiver<()>,
    producer: Option<Producer>,
    next: u64,
    noted: u64,
    patience: Duration,
}

impl Letters {
    /// For a source that has a dead-letter topic. The broker need not be there yet.
    pub(crate) fn new(
        source: &SourceConfig,
        topic: &str,
        sink: &Arc<dyn Sink>,
        stop: &Arc<AtomicBool>,
        ended: Receiver<()>,
    ) -> Result<Self, IngestError> {
        let next = sink.copied_to(&source.name).map_err(|detail| IngestError::Ledger { detail })?;
        let board = DeadLetterStatus { topic: topic.to_owned(), next, behind: None, copied: 0, error: None };
        Ok(Self {
            source: source.name.clone(),
            from: source.topic.clone(),
            topic: topic.to_owned(),
            properties: source.kafka.clone(),
            sink: Arc::clone(sink),
            board: Arc::new(Mutex::new(board)),
            stop: Arc::clone(stop),
            ended,
            producer: None,
            next,
            noted: next,
            patience: FIRST_WAIT,
        })
    }

    /// Where it shows how it stands.
    pub(crate) fn board(&self) -> Board {
        Arc::clone(&self.board)
    }

    /// Works until the stop.
    pub(crate) fn run(mut self) {
        while !self.stopping() {
            match self.step() {
                Ok(true) => self.patience = FIRST_WAIT,
                Ok(false) => self.rest(IDLE),
                Err(error) => {
                    self.complain(error);
                    // A producer that failed once may be unusable for good.
                    self.producer = None;
                    self.rest(self.patience);
                    self.patience = self.patience.saturating_mul(2).min(LONGEST_WAIT);
                }
            }
        }
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits so long, or until the stop.
    fn rest(&self, time: Duration) {
        match self.ended.recv_timeout(time) {
            // Nothing is ever sent: either the time is up, or the other end is gone.
            Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }

    fn show(&self, change: impl FnOnce(&mut DeadLetterStatus)) {
        change(&mut self.board.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn complain(&self, error: String) {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        if board.error.as_ref() != Some(&error) {
            tracing::warn!(
                source = self.source,
                topic = self.topic,
                "copying to the dead-letter topic failed, it is tried again: {error}"
            );
        }
        board.error = Some(error);
    }

    /// Copies what the next piece of the log has. False: there was none.
    fn step(&mut self) -> Result<bool, String> {
        let page = self.sink.set_aside(&self.source, self.next)?;
        let (some, found) = (page.next > self.next, page.found.len() as u64);
        if !page.found.is_empty() && !self.copy(&page.found)? {
            return Ok(false);
        }
        self.next = page.next;
        if found > 0 || self.next - self.noted >= NOTE_EVERY {
            self.sink.note_copied(&self.source, self.next)?;
            self.noted = self.next;
        }
        self.show(|board| {
            board.next = page.next;
            board.copied += found;
            board.error = None;
        });
        Ok(some)
    }

    /// Sends copies and waits until the broker has them. False: a stop came first.
    fn copy(&mut self, found: &[Aside]) -> Result<bool, String> {
        let producer = match self.producer.take() {
            Some(producer) => producer,
            None => Producer::new(&self.properties).map_err(|error| error.to_string())?,
        };
        let mut large = Vec::new();
        for aside in found {
            if self.letter(aside).send(&producer, &self.topic, aside.index)? == Sent::TooLarge {
                large.push(aside.index);
            }
        }
        let Some(refused) = self.wait(&producer)? else { return Ok(false) };
        large.extend(refused);
        for aside in found.iter().filter(|aside| large.contains(&aside.index)) {
            if !self.copy_large(&producer, aside)? {
                return Ok(false);
            }
        }
        self.producer = Some(producer);
        Ok(true)
    }

    /// A broker refuses a whole batch for its size: each of it is sent once more alone, and what is too large even so is noted. False: a stop came first.
    fn copy_large(&self, producer: &Producer, aside: &Aside) -> Result<bool, String> {
        let note = Letter::note(aside, &self.from, self.sink.origin(), &self.source, "too-large");
        for letter in [self.letter(aside), note] {
            if letter.send(producer, &self.topic, aside.index)? == Sent::TooLarge {
                continue;
            }
            match self.wait(producer)? {
                None => return Ok(false),
                Some(refused) if refused.is_empty() => return Ok(true),
                Some(_) => {}
            }
        }
        Err(format!("the topic does not even take the headers of entry {}: they are too large for it", aside.index))
    }

    fn letter(&self, aside: &Aside) -> Letter {
        Letter::of(aside, &self.from, self.sink.origin(), &self.source)
    }

    /// Waits for everything that was sent. Gives the entries whose copies are too large for the topic; `None` when a stop came first.
    fn wait(&self, producer: &Producer) -> Result<Option<Vec<u64>>, String> {
        while producer.in_flight() > 0 {
            if self.stopping() {
                return Ok(None);
            }
            producer.serve(STEP);
        }
        let (too_large, other): (Vec<_>, Vec<_>) =
            producer.take_failed().into_iter().partition(|failed| failed.too_large);
        // Nobody asks for the positions of what was delivered.
        drop(producer.take_delivered());
        match other.first() {
            Some(failed) => Err(format!("the copy of entry {} was not delivered: {}", failed.tag, failed.error)),
            None => Ok(Some(too_large.into_iter().map(|failed| failed.tag).collect())),
        }
    }
}

/// What is sent.
#[derive(Debug, PartialEq, Eq)]
struct Letter {
    key: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    body: Option<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Sent {
    Queued,
    TooLarge,
}

impl Letter {
    fn of(aside: &Aside, topic: &str, origin: &str, source: &str) -> Self {
        let Some(record) = &aside.record else {
            let why = if aside.erased { "erased" } else { "not-kept" };
            return Self::note(aside, topic, origin, source, why);
        };
        let named = |name: &str| record.transport().iter().find(|attribute| attribute.name == name.as_bytes());
        let value = |name: &str| named(name).and_then(|attribute| attribute.value.clone());
        let own = record.producer().iter().map(|attribute| {
            // A NUL can't stand in a name that goes out; one that came in can't have had it.
            (String::from_utf8_lossy(&attribute.name).replace('\0', "\u{fffd}"), attribute.value.clone())
        });
        let timestamp = ("modeltrail.timestamp".to_owned(), value("timestamp"));
        Self {
            key: value("key"),
            headers: own.chain(errors(aside, topic, origin, source, "kept")).chain([timestamp]).collect(),
            body: (!record.is_tombstone()).then(|| Record::body(record).to_vec()),
        }
    }

    /// The headers alone. Its key is its place, so that a compacted topic takes it.
    fn note(aside: &Aside, topic: &str, origin: &str, source: &str, record: &str) -> Self {
        Self {
            key: Some(format!("{topic}-{}-{}", aside.partition, aside.offset).into_bytes()),
            headers: errors(aside, topic, origin, source, record).collect(),
            body: None,
        }
    }

    fn send(&self, producer: &Producer, topic: &str, index: u64) -> Result<Sent, String> {
        let headers: Vec<(&str, Option<&[u8]>)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let out = Outgoing {
            topic,
            partition: None,
            key: self.key.as_deref(),
            headers: &headers,
            payload: self.body.as_deref(),
            timestamp_ms: None,
            tag: index,
        };
        match producer.try_send(out) {
            Ok(()) => Ok(Sent::Queued),
            Err(failed) if failed.too_large => Ok(Sent::TooLarge),
            Err(failed) => Err(format!("the copy of entry {index} can't be sent: {}", failed.error)),
        }
    }
}

/// Kafka Connect's headers of a dead letter, and ours.
fn errors<'a>(
    aside: &'a Aside,
    topic: &'a str,
    origin: &'a str,
    source: &'a str,
    record: &'a str,
) -> impl Iterator<Item = (String, Option<Vec<u8>>)> + 'a {
    [
        ("__connect.errors.topic", topic.to_owned()),
        ("__connect.errors.partition", aside.partition.to_string()),
        ("__connect.errors.offset", aside.offset.to_string()),
        ("__connect.errors.connector.name", origin.to_owned()),
        ("__connect.errors.task.id", "0".to_owned()),
        ("__connect.errors.stage", STAGE.to_owned()),
        ("__connect.errors.class.name", "modeltrail".to_owned()),
        ("__connect.errors.exception.class.name", format!("modeltrail.quarantine.{}", aside.reason)),
        ("__connect.errors.exception.message", aside.detail.clone()),
        ("modeltrail.source", source.to_owned()),
        ("modeltrail.entry", aside.index.to_string()),
        ("modeltrail.record", record.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), Some(value.into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeltrail_schemas::record::TimestampType;

    fn aside(record: Option<Record>) -> Aside {
        let (reason, detail) = ("malformed".to_owned(), "no JSON".to_owned());
        Aside { index: 7, partition: 1, offset: 9, reason, detail, erased: false, record }
    }

    fn header<'a>(letter: &'a Letter, name: &str) -> Option<&'a [u8]> {
        letter.headers.iter().rev().find(|(found, _)| found == name).and_then(|(_, value)| value.as_deref())
    }

    #[test]
    fn a_letter_is_the_record_and_why() {
        let own: [(&[u8], Option<&[u8]>); 2] = [(b"trace", None), (b"trace", Some(b""))];
        let record = Record::kafka(Some(b"k"), Some(5), TimestampType::Create, &own, Some(b"body")).unwrap();
        let letter = Letter::of(&aside(Some(record)), "t", "example.com/ml", "ml");
        assert_eq!(
            (letter.key.as_deref(), letter.body.as_deref(), header(&letter, "modeltrail.timestamp")),
            (Some(&b"k"[..]), Some(&b"body"[..]), Some(&b"5"[..]))
        );
        assert_eq!(letter.headers[..2], [("trace".to_owned(), None), ("trace".to_owned(), Some(Vec::new()))]);
        let errors = [
            ("topic", "t"),
            ("partition", "1"),
            ("offset", "9"),
            ("connector.name", "example.com/ml"),
            ("exception.class.name", "modeltrail.quarantine.malformed"),
            ("exception.message", "no JSON"),
        ];
        for (name, value) in errors {
            assert_eq!(header(&letter, &format!("__connect.errors.{name}")), Some(value.as_bytes()), "{name}");
        }
        assert_eq!(
            (header(&letter, "modeltrail.entry"), header(&letter, "modeltrail.record")),
            (Some(&b"7"[..]), Some(&b"kept"[..]))
        );
    }

    #[test]
    fn what_is_not_there_is_a_note_and_a_tombstone_stays_one() {
        let letter = Letter::of(&aside(None), "t", "o", "ml");
        assert_eq!((letter.key.as_deref(), letter.body, letter.headers.len()), (Some(&b"t-1-9"[..]), None, 12));
        let letter = Letter::of(&Aside { erased: true, ..aside(None) }, "t", "o", "ml");
        assert_eq!(header(&letter, "modeltrail.record"), Some(&b"erased"[..]));
        let nothing: [(&[u8], Option<&[u8]>); 0] = [];
        let record = Record::kafka(None, None, TimestampType::None, &nothing, None).unwrap();
        let letter = Letter::of(&aside(Some(record)), "t", "o", "ml");
        assert_eq!((letter.key.as_deref(), letter.body.as_deref()), (None, None));
        assert_eq!(header(&letter, "modeltrail.record"), Some(&b"kept"[..]));
    }
}
