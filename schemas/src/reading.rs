//! Reading 1: what a record means. Pure functions of (how it came, the record), kept for ever once a ledger has used them.
//!
//! [`read`] turns a record into its format, its event, the trails it stands on, its signatures, and the reason for quarantine if
//! there is one. Which subjects a type touches is data, the catalogue's; how to find them is code, here. Whoever holds a record
//! derives its entry header again by the same function, so a header that says something else is caught.
//!
//! The rules are those of `docs/FORMAT.md`, section 3, to the byte. Some that are easy to miss:
//! - an event that arrived bare and the same bytes in a signed envelope differ in their [`Reading::fingerprint`];
//! - a reserved event with personal data in its id, source or type loses its event: nothing personal enters a header;
//! - from outside, a further subject of a kind that only the ledger speaks about adds nothing;
//! - the ledger's own records are read by the same rules, but are never `reserved`.

mod absent;
mod fingerprint;
mod format;
mod personal;
mod rules;
mod trails;
mod words;

use serde_json::Value;

pub use crate::dsse::Signature;
use crate::record::{Record, RecordError, RecordView, Via};
use crate::subject::Subject;
use crate::time::Micros;
pub use absent::absent_removed;
pub use words::{Format, Quarantine, Role};

/// The number of this reading.
pub const READING: u32 = 1;

/// The groups of event types that only the ledger writes: `modeltrail.<group>.…`.
pub const OWN_GROUPS: [&str; 8] = ["ledger", "key", "source", "ingest", "export", "report", "access", "record"];

/// What identifies an event, as it stands in an entry header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventHead {
    /// The producer's number for it; of an own event its entry's index in decimal, empty while that isn't known.
    pub id: String,
    /// Who says so; of an own event the origin.
    pub source: String,
    /// What kind of event it is.
    pub r#type: String,
    /// When it happened, as the source says.
    pub time: Option<Micros>,
}

/// What the reading of an own record takes from its entry. Of any other record only `origin` matters: it is nobody else's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnContext<'a> {
    /// The ledger's origin; empty while there is no ledger.
    pub origin: &'a str,
    /// When the entry was received.
    pub received_at: Micros,
    /// The entry's index, where it is known already.
    pub index: Option<u64>,
}

/// What a record means.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// How the event was wrapped.
    pub format: Format,
    /// The event, if one could be read and may stand in a header.
    pub event: Option<EventHead>,
    /// All subjects with their roles, wholes included: sorted by subject, each once, not capped. Empty when there are none or
    /// none may be used; the entry then stands on the trail of its source.
    pub trails: Vec<(Role, Subject)>,
    /// Why it is quarantined, and where the fault is in words for people. `Oversize` and `Conflict` are the ledger's to find.
    pub quarantine: Option<(Quarantine, String)>,
    /// The signatures, in the envelope's order: of a DSSE envelope around an event, else none.
    pub signatures: Vec<Signature>,
    /// The bytes that the signatures cover.
    pub signed: Option<Vec<u8>>,
    /// Which ledger a signed event says it is meant for.
    pub origin_ext: Option<String>,
    /// Whether the catalogue knows the event's type.
    pub known: bool,
    /// The event's data as they were sent, nulls and empty strings included.
    pub data: Option<Value>,
    /// SHA-256 over what makes two deliveries of one event the same: the event's own bytes; of a signed one its payload and the
    /// set of its signatures; in binary mode its attributes and body. For comparing with another record's in memory, never to be stored: no entry holds an unsalted digest.
    pub fingerprint: [u8; 32],
}

impl Reading {
    /// The reading of a record that nobody looked into: no event, no subjects, and why.
    #[must_use]
    pub fn unread(reason: Quarantine, detail: String) -> Self {
        Self {
            format: Format::Unknown,
            event: None,
            trails: Vec::new(),
            quarantine: Some((reason, detail)),
            signatures: Vec::new(),
            signed: None,
            origin_ext: None,
            known: false,
            data: None,
            fingerprint: [0; 32],
        }
    }

    /// The subject that the event is about; of an entry that adds trails, the first by name of those it adds in that role.
    #[must_use]
    pub fn about(&self) -> Option<&Subject> {
        self.trails.iter().find(|(role, _)| *role == Role::About).map(|(_, subject)| subject)
    }

    /// The reason for quarantine alone.
    #[must_use]
    pub fn reason(&self) -> Option<Quarantine> {
        self.quarantine.as_ref().map(|(reason, _)| *reason)
    }
}

/// Reads a record that came that way. Never fails: what can't be read is a reading with a reason.
#[must_use]
pub fn read(via: Via, record: &Record, own: &OwnContext<'_>) -> Reading {
    read_view(via, &record.view(), own)
}

/// Reads a record that is borrowed.
#[must_use]
pub fn read_view(via: Via, record: &RecordView<'_>, own: &OwnContext<'_>) -> Reading {
    format::read(via, record, own)
}

/// Reads the bytes of a record.
///
/// # Errors
/// [`RecordError`] when the bytes are no record, or one that can't have come that way.
pub fn read_bytes(via: Via, bytes: &[u8], own: &OwnContext<'_>) -> Result<Reading, RecordError> {
    let record = RecordView::decode(bytes)?;
    record.check_via(via)?;
    Ok(read_view(via, &record, own))
}

/// The event's data alone, as strictly read as by [`read_bytes`]: for whoever has the rest, which the data decide, out of an entry header.
///
/// # Errors
/// [`RecordError`] when the bytes are no record, or one that can't have come that way.
pub fn data_bytes(via: Via, bytes: &[u8], own: &OwnContext<'_>) -> Result<Option<Value>, RecordError> {
    let record = RecordView::decode(bytes)?;
    record.check_via(via)?;
    Ok(format::data(via, &record, own))
}

/// Builds every template of the catalogue now instead of at the first record.
pub fn warm_up() {
    rules::warm_up();
}

#[cfg(test)]
mod tests;
