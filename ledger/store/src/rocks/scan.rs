//! Reading whole column families in order, with checksums verified and the cache left alone.

use std::ops::ControlFlow;

use modeltrail_core::store::{StoreError, VisitCheckpoint, VisitId, VisitRow, VisitTile, VisitTrail};
use modeltrail_core::types::EntryIndex;
use modeltrail_tlog::tree::TreeSize;
use rocksdb::{DBRawIterator, ReadOptions};

use super::{RocksStore, damaged, io};
use crate::keys;

/// Read ahead this much in scans.
const READAHEAD_BYTES: usize = 2 << 20;

fn raw<'a>(store: &'a RocksStore, name: &'static str) -> Result<DBRawIterator<'a>, StoreError> {
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    options.set_verify_checksums(true);
    options.set_total_order_seek(true);
    options.set_readahead_size(READAHEAD_BYTES);
    Ok(store.db.raw_iterator_cf_opt(store.family(name)?, options))
}

/// Visits rows from where the iterator stands. An iterator that ends on an error is not at its end.
fn visit_all(
    mut rows: DBRawIterator<'_>,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    while let Some((key, value)) = rows.item() {
        if visit(key, value)?.is_break() {
            return Ok(());
        }
        rows.next();
    }
    rows.status().map_err(io("scan"))
}

pub(super) fn indexed(
    store: &RocksStore,
    name: &'static str,
    from: EntryIndex,
    visit: VisitRow<'_>,
) -> Result<(), StoreError> {
    let mut rows = raw(store, name)?;
    rows.seek(keys::number(from.get()));
    visit_all(rows, |key, value| {
        let index = keys::parse_index(key).ok_or_else(|| damaged(name, "a key is not an index"))?;
        Ok(visit(index, value))
    })
}

/// Is shown entries until it breaks: index, header, opening.
pub type VisitEntry<'v> = &'v mut dyn FnMut(u64, &[u8], Option<&[u8]>) -> ControlFlow<()>;

/// Headers and openings side by side, `from..to`. A missing header is damage; openings may be missing.
pub(super) fn entries(store: &RocksStore, from: u64, to: u64, visit: VisitEntry<'_>) -> Result<(), StoreError> {
    let (mut headers, mut openings) = (raw(store, keys::HEADERS)?, raw(store, keys::RECORDS)?);
    headers.seek(keys::number(from));
    openings.seek(keys::number(from));
    for index in from..to {
        let key = keys::number(index);
        let Some((_, header)) = headers.item().filter(|(found, _)| *found == key) else {
            headers.status().map_err(io("scan"))?;
            return Err(damaged(format!("header {index}"), "it is missing"));
        };
        while openings.key().is_some_and(|found| found < key.as_slice()) {
            openings.next();
        }
        let opening = openings.item().filter(|(found, _)| *found == key).map(|(_, value)| value);
        if opening.is_none() {
            // An iterator that stands on an error looks as if there were nothing.
            openings.status().map_err(io("scan"))?;
        }
        if visit(index, header, opening).is_break() {
            return Ok(());
        }
        headers.next();
    }
    Ok(())
}

pub(super) fn ids(store: &RocksStore, visit: VisitId<'_>) -> Result<(), StoreError> {
    let mut rows = raw(store, keys::IDS)?;
    rows.seek_to_first();
    visit_all(rows, |key, value| {
        let index = keys::parse_index(value).ok_or_else(|| damaged("ids", "a value is not an index"))?;
        Ok(visit(key, index))
    })
}

pub(super) fn trails(store: &RocksStore, visit: VisitTrail<'_>) -> Result<(), StoreError> {
    let mut rows = raw(store, keys::TRAILS)?;
    rows.seek_to_first();
    visit_all(rows, |key, value| {
        let (subject, n) = keys::parse_trail(key).ok_or_else(|| damaged("trails", "a key is none"))?;
        let index = keys::parse_index(value).ok_or_else(|| damaged("trails", "a value is not an index"))?;
        Ok(visit(subject, n, index))
    })
}

pub(super) fn tiles(store: &RocksStore, visit: VisitTile<'_>) -> Result<(), StoreError> {
    let mut rows = raw(store, keys::TILES)?;
    rows.seek_to_first();
    visit_all(rows, |key, value| {
        let (level, index) = keys::parse_tile(key).ok_or_else(|| damaged("tiles", "a key is none"))?;
        Ok(visit(level, index, value))
    })
}

pub(super) fn checkpoints(store: &RocksStore, visit: VisitCheckpoint<'_>) -> Result<(), StoreError> {
    let mut rows = raw(store, keys::CHECKPOINTS)?;
    rows.seek_to_first();
    visit_all(rows, |key, value| {
        let size = keys::parse_number(key).ok_or_else(|| damaged("checkpoints", "a key is not a size"))?;
        let note =
            std::str::from_utf8(value).map_err(|error| damaged(format!("checkpoint {size}"), error.to_string()))?;
        Ok(visit(TreeSize::new(size), note))
    })
}

/// Distinct subjects in order: from each one a seek behind its last possible row.
pub(super) fn subjects(
    store: &RocksStore,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let mut rows = raw(store, keys::TRAILS)?;
    // Behind all rows of `after` and before those of any other subject: 0x01 follows the 0x00 that ends a subject.
    let behind = |subject: &str| [subject.as_bytes(), &[1]].concat();
    match after {
        Some(after) if after >= prefix => rows.seek(behind(after)),
        _ => rows.seek(prefix.as_bytes()),
    }
    let mut found: Vec<String> = Vec::new();
    while found.len() < limit {
        let Some(key) = rows.key() else { break };
        let (subject, _) = keys::parse_trail(key).ok_or_else(|| damaged("trails", "a key is none"))?;
        if !subject.starts_with(prefix) {
            break;
        }
        let subject = subject.to_owned();
        rows.seek(behind(&subject));
        found.push(subject);
    }
    rows.status().map_err(io("scan"))?;
    Ok(found)
}
