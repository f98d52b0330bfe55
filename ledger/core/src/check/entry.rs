//! What can be said of one entry by itself: the part of the check that runs on several threads.

use modeltrail_schemas::reading::{self, OwnContext, Reading};
use modeltrail_schemas::record::Via;
use modeltrail_schemas::time::Micros;
use modeltrail_tlog::hash::{LeafHash, leaf_hash};
use serde_json::Value;

use super::Damage;
use super::rows::Asked;
use crate::derive;
use crate::header::{EntryHeader, HeaderError};
use crate::keys;
use crate::own_event::parse_own;
use crate::types::{Commitment, SALT_BYTES};

/// What a thread needs to know of the ledger.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) origin: String,
    pub(super) headers_only: bool,
    /// The key of the sums over rows.
    pub(super) key: [u8; 16],
}

/// Entries of one chunk, looked at, and what their headers ask of the rows found by key.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) entries: Vec<Entry>,
    pub(super) asked: Asked,
}

/// One entry, looked at.
pub(super) struct Entry {
    /// The row's key.
    pub(super) key: u64,
    pub(super) leaf: LeafHash,
    pub(super) header: Result<EntryHeader, HeaderError>,
    pub(super) at: Option<Micros>,
    /// A record is stored.
    pub(super) has_record: bool,
    /// Type and data, for own entries whose record is at hand.
    pub(super) own: Option<(String, Value)>,
    pub(super) reading: Option<Reading>,
    /// The header says what the record does, signers aside.
    pub(super) agrees: bool,
    /// What does not hold, without what needs the entries before it.
    pub(super) faults: Vec<(&'static str, Damage, String)>,
}

/// Looks at each row of a chunk: key, header, opening.
pub(super) fn look_at<'r>(
    rows: impl ExactSizeIterator<Item = (u64, &'r [u8], Option<&'r [u8]>)>,
    context: &Context,
) -> Looked {
    let (mut entries, mut asked) = (Vec::with_capacity(rows.len()), Asked::default());
    for (key, header, opening) in rows {
        let entry = look(key, header, opening, context);
        if let Ok(header) = &entry.header {
            asked.add(header, &context.key);
        }
        entries.push(entry);
    }
    Looked { entries, asked }
}

fn look(key: u64, bytes: &[u8], opening: Option<&[u8]>, context: &Context) -> Entry {
    let header = EntryHeader::parse(bytes);
    let at = header.as_ref().ok().and_then(|header| derive::received_at(&header.received));
    let record = opening.and_then(|opening| opening.get(SALT_BYTES..));
    let mut entry = Entry {
        key,
        leaf: leaf_hash(bytes),
        header,
        at,
        has_record: record.is_some(),
        own: None,
        reading: None,
        agrees: false,
        faults: Vec::new(),
    };
    match &entry.header {
        Err(error) => {
            let damage = if matches!(error, HeaderError::NotCanonical) { Damage::Changed } else { Damage::Malformed };
            entry.faults.push(("L-6", damage, error.to_string()));
        }
        Ok(header) => {
            if let Err(fault) = derive::check_alone(header) {
                entry.faults.push(("L-12", Damage::Changed, format!("the entry {fault}")));
            }
            if header.origin != context.origin {
                entry.faults.push((
                    "L-6",
                    Damage::Changed,
                    format!("the header's origin is {}, the ledger's {}", header.origin, context.origin),
                ));
            }
            if !context.headers_only {
                let (faults, reading, own) = look_into(header, opening, record, context);
                entry.faults.extend(faults);
                entry.agrees = reading.as_ref().is_some_and(|reading| derive::agrees(reading, header));
                entry.reading = reading;
                entry.own = own;
            }
        }
    }
    entry
}

type Inside = (Vec<(&'static str, Damage, String)>, Option<Reading>, Option<(String, Value)>);

/// The record against its commitment (L-10), and read again (for L-12).
fn look_into(header: &EntryHeader, opening: Option<&[u8]>, record: Option<&[u8]>, context: &Context) -> Inside {
    let mut faults = Vec::new();
    let (Some(opening), Some(record)) = (opening, record) else {
        if opening.is_some() {
            faults.push((
                "L-10",
                Damage::Malformed,
                "what is stored beside the header is shorter than a salt".to_owned(),
            ));
        }
        return (faults, None, None);
    };
    if header.content.kept == Some(false) {
        faults.push((
            "L-10",
            Damage::Extra,
            "the header says that the record was not kept, but one is stored".to_owned(),
        ));
        return (faults, None, None);
    }
    if Commitment::of(opening) != header.content.commitment || record.len() as u64 != header.content.size {
        faults.push(("L-10", Damage::Changed, "the record does not open its commitment".to_owned()));
        return (faults, None, None);
    }
    let Some(via) = Via::parse(&header.received.via) else { return (faults, None, None) };
    let received_at = derive::received_at(&header.received).unwrap_or(Micros::EPOCH);
    let own = OwnContext { origin: &context.origin, received_at, index: Some(header.index.get()) };
    match reading::read_bytes(via, record, &own) {
        Ok(mut reading) => {
            // Freed on the thread that made it.
            reading.data = None;
            let body = if via == Via::Ledger { parse_own(record) } else { None };
            (faults, Some(reading), body)
        }
        Err(error) => {
            faults.push(("L-12", Damage::Malformed, format!("the record can't be read: {error}")));
            (faults, None, None)
        }
    }
}

/// Own types whose effect the check must know even when it leaves records alone.
pub(super) fn has_effect(event_type: &str) -> bool {
    matches!(
        event_type,
        "modeltrail.ledger.genesis.v1"
            | "modeltrail.ledger.clock_stepped.v1"
            | "modeltrail.source.opened.v1"
            | "modeltrail.source.changed.v1"
            | "modeltrail.source.rebased.v1"
            | "modeltrail.source.gap.v1"
            | "modeltrail.ingest.positions.v1"
            | "modeltrail.record.erased.v1"
            | "modeltrail.ledger.trails_added.v1"
            | keys::types::REGISTERED
            | keys::types::CHANGED
            | keys::types::REVOKED
            | keys::types::ROTATED
    )
}
