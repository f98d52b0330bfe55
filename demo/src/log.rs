//! What the log says of everything that arrived, in one pass over its headers.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use modeltrail_core::header::{EntryHeader, SignerStatus};
use modeltrail_core::own_event::own_event;
use modeltrail_core::store::Store;
use modeltrail_core::types::EntryIndex;
use serde_json::Value;

use crate::error::DemoError;
use crate::lanes::LaneId;

/// The own entries that name positions without entries.
const POSITIONS: &str = "modeltrail.ingest.positions.v1";

/// What was counted of one partition, or of HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneCount {
    /// Entries that are not quarantined.
    pub entries: u64,
    /// Entries that are kept aside.
    pub quarantined: u64,
    /// Positions of records that repeat an entry. Over HTTP none can be found here: they leave no trace.
    pub duplicates: u64,
}

impl LaneCount {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.entries + self.quarantined + self.duplicates
    }
}

/// Where an act went.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// To this position of this source and partition.
    Kafka {
        /// The source.
        source: String,
        /// The partition.
        partition: u32,
        /// The position.
        offset: u64,
    },
    /// Over HTTP, and is this entry.
    Http(EntryIndex),
}

/// An entry that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Its index.
    pub index: EntryIndex,
    /// When the ledger received it.
    pub received_at: String,
    /// Why it is kept aside, if it is.
    pub quarantine: Option<String>,
    /// What became of its signatures.
    pub signers: Vec<SignerStatus>,
}

/// What the log says.
#[derive(Debug, Default)]
pub struct Log {
    /// By source and partition.
    pub lanes: BTreeMap<LaneId, LaneCount>,
    /// Over HTTP.
    pub http: LaneCount,
    /// The ledger's own entries.
    pub own: u64,
    /// The entries looked for, by their places.
    pub marks: BTreeMap<Place, Mark>,
}

impl Log {
    /// Reads all headers from entry `from` on, and looks for the entries at these places.
    ///
    /// # Errors
    /// The store can't answer, or an entry can't be read.
    pub fn read<S: Store>(
        store: &S,
        from: EntryIndex,
        places: impl IntoIterator<Item = Place>,
    ) -> Result<Self, DemoError> {
        let mut log = Self::default();
        let mut wanted: BTreeMap<Place, ()> = places.into_iter().map(|place| (place, ())).collect();
        let mut positions = Vec::new();
        let mut fault = None;
        store.scan_headers(from, &mut |index, bytes| match EntryHeader::parse(bytes) {
            Ok(header) => {
                if header.event.as_ref().is_some_and(|event| event.r#type == POSITIONS) {
                    positions.push(index);
                }
                log.take(&header, &mut wanted);
                ControlFlow::Continue(())
            }
            Err(cause) => {
                fault = Some(DemoError::Header { index, cause });
                ControlFlow::Break(())
            }
        })?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        for index in positions {
            // An event of that type from outside is no own event and counts as what it is.
            if let Some((_, data)) = own_event(store, index)? {
                log.ranges(&data);
            }
        }
        Ok(log)
    }

    fn take(&mut self, header: &EntryHeader, wanted: &mut BTreeMap<Place, ()>) {
        let received = &header.received;
        let (count, place) = match (received.via.as_str(), &received.source, received.partition, received.offset) {
            ("kafka", Some(source), Some(partition), Some(offset)) => {
                let partition = u32::try_from(partition).unwrap_or(u32::MAX);
                let lane = self.lanes.entry((source.clone(), partition)).or_default();
                (lane, Place::Kafka { source: source.clone(), partition, offset })
            }
            ("http", ..) => (&mut self.http, Place::Http(header.index)),
            _ => {
                self.own += 1;
                return;
            }
        };
        match &header.quarantine {
            Some(_) => count.quarantined += 1,
            None => count.entries += 1,
        }
        if wanted.remove(&place).is_some() {
            let mark = Mark {
                index: header.index,
                received_at: received.at.clone(),
                quarantine: header.quarantine.as_ref().map(|quarantine| quarantine.reason.clone()),
                signers: header.signers.iter().map(|signer| signer.status).collect(),
            };
            self.marks.insert(place, mark);
        }
    }

    /// The duplicates that an `ingest.positions` entry names.
    fn ranges(&mut self, data: &Value) {
        let number = |value: Option<&Value>| value.and_then(Value::as_u64);
        let source = data.get("source").and_then(Value::as_str).unwrap_or_default();
        let partition =
            number(data.get("partition")).and_then(|partition| u32::try_from(partition).ok()).unwrap_or(u32::MAX);
        let lane = self.lanes.entry((source.to_owned(), partition)).or_default();
        for range in data.get("ranges").and_then(Value::as_array).into_iter().flatten() {
            let ends = number(range.get("first")).zip(number(range.get("last")));
            if let (Some("duplicate" | "erased"), Some((first, last))) =
                (range.get("class").and_then(Value::as_str), ends)
            {
                lane.duplicates += (last + 1).saturating_sub(first);
            }
        }
    }
}
