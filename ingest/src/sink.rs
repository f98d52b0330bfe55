//! Where records go: the writer and the ledger behind it, as far as ingest needs them.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use modeltrail_core::clock::Clock;
use modeltrail_core::header::EntryHeader;
use modeltrail_core::own_event::own_event;
use modeltrail_core::sequencer::{Outcome, PartitionId};
use modeltrail_core::store::PositionRow;
use modeltrail_core::types::{EntryIndex, SALT_BYTES, Salt};
use modeltrail_schemas::record::Record;
use modeltrail_schemas::time::Micros;
use modeltrail_store::aside::QUARANTINE;
use modeltrail_store::{Act, AppendError, Appender, KafkaItem, Ledger};
use serde_json::Value;

/// Entries of a source's trail that are looked at from either end for its last known cleanup policy: its `source.opened` is the first of them, unless
/// it was opened again in the midst of a long trail.
const POLICY_PAGE: usize = 1_024;

/// Entries looked back through, at most, for the last record of a partition: a fraction of a second's work.
const LOOK_BACK: u64 = 100_000;
/// The type of the entries that name positions without entries.
const POSITIONS: &str = "modeltrail.ingest.positions.v1";

/// A piece of the log that is looked through for what was set aside: so many headers, so many entries found, so many bytes of their records.
const ASIDE_HEADERS: u64 = 4_096;
const ASIDE_ENTRIES: usize = 256;
const ASIDE_BYTES: usize = 4 << 20;

/// The items that were not taken, and why.
pub type Refused = (Vec<KafkaItem>, AppendError);

/// An entry that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The entry.
    pub index: u64,
    /// Where its record stood.
    pub partition: u64,
    /// Where its record stood.
    pub offset: u64,
    /// The ledger's word for why.
    pub reason: String,
    /// The same in words.
    pub detail: String,
    /// Its record was kept, and erased since.
    pub erased: bool,
    /// Its record, where the ledger has it.
    pub record: Option<Record>,
}

/// What was set aside in a piece of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsidePage {
    /// In order.
    pub found: Vec<Aside>,
    /// The first entry behind the piece.
    pub next: u64,
}

/// The writer and the ledger behind it.
pub trait Sink: Send + Sync {
    /// The ledger's name.
    fn origin(&self) -> &str;
    /// The ledger's time now.
    fn now(&self) -> Micros;
    /// 16 fresh random bytes.
    fn salt(&self) -> Salt;
    /// Hands a batch over, in order. Nothing of a refused batch is taken.
    ///
    /// # Errors
    /// Gives the items back; [`AppendError::QueueFull`] while the lane is full.
    fn send(&self, items: Vec<KafkaItem>) -> Result<(), Refused>;
    /// Hands an act over; it keeps its place behind the items sent before. The answer, its entry's index, comes when it is durable.
    fn act(&self, act: Act) -> Receiver<Result<u64, AppendError>>;
    /// The durable positions.
    ///
    /// # Errors
    /// What the store says.
    fn positions(&self) -> Result<Vec<PositionRow>, String>;
    /// Size of the newest durable tree.
    fn size(&self) -> u64;
    /// Size and root (hex) of the newest durable tree.
    fn head(&self) -> (u64, String);
    /// The root (hex) of the tree of `size`.
    ///
    /// # Errors
    /// What the store says.
    fn root_at(&self, size: u64) -> Result<String, String>;
    /// The cleanup policy that the log names last for a source.
    ///
    /// # Errors
    /// What the store says.
    fn cleanup_policy(&self, source: &str) -> Result<Option<String>, String>;
    /// Whether the log has a record (or the duplicate of one) of this partition and generation at `from` or behind.
    ///
    /// # Errors
    /// What the store says, or that it lies too far back to be looked for.
    fn took_record(&self, id: &PartitionId, generation: u64, from: u64) -> Result<bool, String>;
    /// What was set aside of a source, in a piece of the durable log from entry `from` on.
    ///
    /// # Errors
    /// What the store says.
    fn set_aside(&self, source: &str, from: u64) -> Result<AsidePage, String>;
    /// Up to which entry a source's were copied to its dead-letter topic.
    ///
    /// # Errors
    /// What the store says.
    fn copied_to(&self, source: &str) -> Result<u64, String>;
    /// Remembers that.
    ///
    /// # Errors
    /// What the store says.
    fn note_copied(&self, source: &str, index: u64) -> Result<(), String>;
    /// Nothing more may be written: what stands outside and what is here disagree.
    fn poison(&self, cause: String);
}

/// The real one.
pub struct LedgerSink {
    appender: Appender,
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
}

impl LedgerSink {
    /// Writes through `appender`, reads from `ledger`.
    #[must_use]
    pub fn new(appender: Appender, ledger: Arc<Ledger>, clock: Arc<dyn Clock>) -> Self {
        Self { appender, ledger, clock }
    }
}

impl Sink for LedgerSink {
    fn origin(&self) -> &str {
        self.ledger.origin()
    }

    fn now(&self) -> Micros {
        self.clock.now()
    }

    fn salt(&self) -> Salt {
        Appender::salt()
    }

    fn send(&self, items: Vec<KafkaItem>) -> Result<(), Refused> {
        self.appender.try_kafka(items)
    }

    fn act(&self, act: Act) -> Receiver<Result<u64, AppendError>> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.appender.act(
            act,
            Box::new(move |done| {
                let index = done.map(|appended| match appended.outcome {
                    Outcome::Entry { index, .. } | Outcome::Duplicate { of: index, .. } => index.get(),
                    Outcome::Covered => appended.size,
                });
                // Whoever asked may have gone; the act stands all the same.
                drop(reply.try_send(index));
            }),
        );
        answer
    }

    fn positions(&self) -> Result<Vec<PositionRow>, String> {
        self.ledger.positions().map_err(|error| error.to_string())
    }

    fn size(&self) -> u64 {
        self.ledger.head().size
    }

    fn head(&self) -> (u64, String) {
        let head = self.ledger.published();
        (head.size, head.root.to_string())
    }

    fn root_at(&self, size: u64) -> Result<String, String> {
        self.ledger.root_at(size).map(|root| root.to_string()).map_err(|error| error.to_string())
    }

    fn cleanup_policy(&self, source: &str) -> Result<Option<String>, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let trail = format!("source/{}", modeltrail_schemas::subject::encode_part(source));
        let Some((last, _)) = self.ledger.trail_head(&trail).map_err(|error| text(&error))? else { return Ok(None) };
        let newest = (last + 1).saturating_sub(POLICY_PAGE as u64);
        for from in [newest, 0] {
            let page = self.ledger.trail(&trail, from, POLICY_PAGE).map_err(|error| text(&error))?;
            for index in page.into_iter().rev() {
                let Some((event_type, data)) =
                    own_event(self.ledger.store().as_ref(), index).map_err(|error| text(&error))?
                else {
                    continue;
                };
                let named = match event_type.as_str() {
                    "modeltrail.source.opened.v1" => data.get("cleanup_policy"),
                    "modeltrail.source.changed.v1" if data.get("key").is_some_and(|key| key == "cleanup_policy") => {
                        data.get("new")
                    }
                    _ => continue,
                };
                return Ok(named.and_then(|policy| policy.as_str()).map(str::to_owned));
            }
        }
        Ok(None)
    }

    fn took_record(&self, id: &PartitionId, generation: u64, from: u64) -> Result<bool, String> {
        let size = self.ledger.head().size;
        for index in (size.saturating_sub(LOOK_BACK)..size).rev() {
            let bytes = self
                .ledger
                .header(index)
                .map_err(|error| error.to_string())?
                .ok_or_else(|| format!("entry {index} is missing"))?;
            let header = EntryHeader::parse(&bytes).map_err(|error| format!("entry {index}: {error}"))?;
            let received = &header.received;
            let ours = received.source.as_ref() == Some(&id.source)
                && received.partition == Some(u64::from(id.partition))
                && received.generation == Some(generation);
            if ours && let Some(offset) = received.offset {
                return Ok(offset >= from);
            }
            if header.event.as_ref().is_some_and(|event| event.r#type == POSITIONS)
                && let Some((_, data)) =
                    own_event(self.ledger.store().as_ref(), EntryIndex(index)).map_err(|error| error.to_string())?
                && data["source"] == id.source.as_str()
                && data["partition"] == id.partition
                && data["generation"] == generation
                && let Some(last) = last_duplicate(&data)
            {
                return Ok(last >= from);
            }
        }
        if size <= LOOK_BACK {
            Ok(false)
        } else {
            Err(format!("no record of {} partition {} among the last {LOOK_BACK} entries", id.source, id.partition))
        }
    }

    fn set_aside(&self, source: &str, from: u64) -> Result<AsidePage, String> {
        let end = self.size().min(from.saturating_add(ASIDE_HEADERS));
        let wanted = |header: &str| header.contains(QUARANTINE);
        let (mut next, headers) =
            self.ledger.headers_where(from, end, ASIDE_ENTRIES, wanted).map_err(|error| error.to_string())?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        for header in headers.iter().filter(|header| header.received.source.as_deref() == Some(source)) {
            if bytes >= ASIDE_BYTES {
                next = header.index.get();
                break;
            }
            let aside = self.aside(header)?;
            bytes += aside.record.as_ref().map_or(0, Record::encoded_len);
            found.push(aside);
        }
        Ok(AsidePage { found, next })
    }

    fn copied_to(&self, source: &str) -> Result<u64, String> {
        self.ledger.copied_to(source).map_err(|error| error.to_string())
    }

    fn note_copied(&self, source: &str, index: u64) -> Result<(), String> {
        self.ledger.note_copied(source, index).map_err(|error| error.to_string())
    }

    fn poison(&self, cause: String) {
        self.ledger.poison(cause);
    }
}

impl LedgerSink {
    fn aside(&self, header: &EntryHeader) -> Result<Aside, String> {
        let (index, received) = (header.index.get(), &header.received);
        let opening = self.ledger.opening(index).map_err(|error| error.to_string())?;
        let detail = self.ledger.why_aside(header, opening.as_deref()).map_err(|error| error.to_string())?;
        let record = opening
            .map(|opening| Record::decode(opening.get(SALT_BYTES..).unwrap_or_default()))
            .transpose()
            .map_err(|error| format!("the record of entry {index}: {error}"))?;
        let missing = || format!("entry {index} does not say where its record stood");
        Ok(Aside {
            index,
            partition: received.partition.ok_or_else(missing)?,
            offset: received.offset.ok_or_else(missing)?,
            reason: header.quarantine.as_ref().map(|quarantine| quarantine.reason.clone()).unwrap_or_default(),
            detail,
            erased: record.is_none() && header.content.kept.is_none(),
            record,
        })
    }
}

/// The last position of an `ingest.positions` entry at which a record was delivered.
fn last_duplicate(data: &Value) -> Option<u64> {
    let ranges = data["ranges"].as_array()?;
    ranges.iter().filter(|range| range["class"] != "undelivered").filter_map(|range| range["last"].as_u64()).max()
}
