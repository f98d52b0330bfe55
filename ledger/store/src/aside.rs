//! Entries that were set aside: found in the log, put in words, and how far they were copied elsewhere.

use std::ops::ControlFlow;

use modeltrail_core::header::EntryHeader;
use modeltrail_core::store::{Store as _, StoreError};
use modeltrail_core::types::{EntryIndex, SALT_BYTES};
use modeltrail_schemas::reading::{self, OwnContext, Reading};
use modeltrail_schemas::record::Via;
use modeltrail_schemas::time::{Micros, parse_rfc3339};

use crate::ledger::Ledger;

/// In canonical JSON this stands in a header that has the member, and in no other: within a text its quotes would be escaped.
pub const QUARANTINE: &str = "\"quarantine\":{";

fn damaged(index: u64, detail: impl Into<String>) -> StoreError {
    StoreError::Damaged { what: format!("entry {index}"), detail: detail.into() }
}

impl Ledger {
    /// The headers from `from` to below `end` that `wanted` picks by their text, at most `most`. Gives the index behind the last one looked at.
    ///
    /// # Errors
    /// The store can't answer, or a header is not one.
    pub fn headers_where(
        &self,
        from: u64,
        end: u64,
        most: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(u64, Vec<EntryHeader>), StoreError> {
        let (mut next, mut found, mut fault) = (from, Vec::new(), None);
        if from >= end || most == 0 {
            return Ok((from.min(end), found));
        }
        self.store().scan_headers(EntryIndex(from), &mut |index, bytes| {
            if index.get() >= end {
                return ControlFlow::Break(());
            }
            next = index.get() + 1;
            if std::str::from_utf8(bytes).is_ok_and(&wanted) {
                match EntryHeader::parse(bytes) {
                    Ok(header) => found.push(header),
                    Err(error) => fault = Some(damaged(index.get(), error.to_string())),
                }
            }
            if next == end || found.len() == most || fault.is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        fault.map_or(Ok((next, found)), Err)
    }

    /// What the reading in force makes of a stored record; `opening` is its salt and bytes.
    ///
    /// # Errors
    /// What is stored is no record.
    pub fn read_again(&self, header: &EntryHeader, opening: &[u8]) -> Result<Reading, StoreError> {
        let (index, received) = (header.index.get(), &header.received);
        let via = Via::parse(&received.via).ok_or_else(|| damaged(index, format!("it came by {:?}", received.via)))?;
        let received_at = parse_rfc3339(&received.at).unwrap_or(Micros::EPOCH);
        let context = OwnContext { origin: self.origin(), received_at, index: Some(index) };
        reading::read_bytes(via, opening.get(SALT_BYTES..).unwrap_or_default(), &context)
            .map_err(|error| damaged(index, format!("its record: {error}")))
    }

    /// In words why an entry was set aside. The ledger holds only the reason itself; the words follow from the record, where there is one.
    ///
    /// # Errors
    /// What is stored is no record.
    pub fn why_aside(&self, header: &EntryHeader, opening: Option<&[u8]>) -> Result<String, StoreError> {
        if let Some(of) = header.quarantine.as_ref().and_then(|quarantine| quarantine.of) {
            return Ok(format!("entry {of} has this source and id with other content"));
        }
        let Some(opening) = opening else {
            let why = if header.content.kept.is_none() { "its record was erased" } else { "its record was not kept" };
            return Ok(format!("{why} ({} bytes)", header.content.size));
        };
        let found = self.read_again(header, opening)?.quarantine;
        Ok(found.map_or_else(|| "the reading in force finds nothing wrong with it".to_owned(), |(_, detail)| detail))
    }

    /// Up to which index what was set aside of a source was copied to its dead-letter topic; 0 when nothing ever was.
    ///
    /// # Errors
    /// The store can't answer.
    pub fn copied_to(&self, source: &str) -> Result<u64, StoreError> {
        self.store().copied_to(source)
    }

    /// Remembers that. It is durable with the next seal at the latest: what is forgotten by a crash is copied twice.
    ///
    /// # Errors
    /// The write fails, or the ledger is open for reading only.
    pub fn note_copied(&self, source: &str, index: u64) -> Result<(), StoreError> {
        self.store().note_copied(source, index)
    }
}
