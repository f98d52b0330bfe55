//! The part of the check that needs order: links, tree, checkpoints, keys, clock, positions.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use modeltrail_schemas::reading;
use modeltrail_schemas::record::Via;
use modeltrail_schemas::time::Micros;
use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::note::VerifierKey;
use modeltrail_tlog::tile::TileId;
use modeltrail_tlog::tree::{Edge, TreeSize};
use serde_json::Value;

use super::entry::{Context, Entry, Looked, has_effect};
use super::positions::Coverage;
use super::rows::Rows;
use super::{CheckError, CheckOptions, Damage, Report};
use crate::derive;
use crate::header::EntryHeader;
use crate::keys::{self, KeyBook};
use crate::own_event::parse_own;
use crate::sequencer::{LedgerKey, governing};
use crate::store::Store;
use crate::types::{EntryIndex, Hex32, SALT_BYTES};

/// Missing records remembered until an erasure entry explains them; beyond, L-10 names the first at once.
const MAX_UNEXPLAINED: usize = 1 << 20;

pub(super) struct Chain<'s, S> {
    store: &'s S,
    context: Context,
    next: u64,
    prev: Hex32,
    edge: Edge,
    tiles: Vec<(TileId, Vec<u8>)>,
    full_tiles: u64,
    last_at: Option<Micros>,
    keys: Vec<LedgerKey>,
    book: KeyBook,
    coverage: Coverage,
    rows: Rows,
    /// Sizes of kept checkpoints, ascending; `checked` of them are done.
    sizes: Vec<u64>,
    checked: usize,
    /// A checkpoint kept outside, and its note.
    outside: Option<(Checkpoint, String)>,
    unexplained: BTreeSet<u64>,
    /// Subjects that must follow in `trails_added` entries directly behind.
    owed: Option<(u64, Vec<(String, String)>)>,
}

impl<'s, S: Store> Chain<'s, S> {
    pub(super) fn new(store: &'s S, options: &CheckOptions<'_>) -> Result<Self, CheckError> {
        let mut sizes = Vec::new();
        store.scan_checkpoints(&mut |size, _| {
            sizes.push(size.get());
            ControlFlow::Continue(())
        })?;
        let first = store.header(EntryIndex(0))?.ok_or(CheckError::Empty)?;
        // A damaged genesis is reported when it is come by; until then nothing can be said of the origin.
        let origin = EntryHeader::parse(&first).map(|header| header.origin).unwrap_or_default();
        Ok(Self {
            store,
            context: Context { origin, headers_only: options.headers_only, key: options.key },
            next: 0,
            prev: Hex32([0; 32]),
            edge: Edge::new(),
            tiles: Vec::new(),
            full_tiles: 0,
            last_at: None,
            keys: Vec::new(),
            book: KeyBook::default(),
            coverage: Coverage::default(),
            rows: Rows::new(options.key),
            sizes,
            checked: 0,
            outside: options.outside.as_deref().and_then(|note| Some((parse_outside(note)?, note.to_owned()))),
            unexplained: BTreeSet::new(),
            owed: None,
        })
    }

    pub(super) fn context(&self) -> Context {
        self.context.clone()
    }

    /// Links the entries of a chunk, in order of the rows.
    pub(super) fn add_all(&mut self, looked: Looked, report: &mut Report) -> Result<(), CheckError> {
        self.rows.asked(looked.asked);
        looked.entries.into_iter().try_for_each(|entry| self.add(entry, report))
    }

    fn add(&mut self, entry: Entry, report: &mut Report) -> Result<(), CheckError> {
        let index = EntryIndex(entry.key);
        report.entries += 1;
        if entry.key != self.next {
            let detail = format!("entries {} to {} are missing", self.next, entry.key.wrapping_sub(1));
            report.note("L-1", Some(EntryIndex(self.next)), Damage::Missing, detail);
        }
        for (invariant, damage, detail) in &entry.faults {
            report.note(invariant, Some(index), *damage, detail.clone());
        }
        self.tree(&entry, report)?;
        let Ok(header) = &entry.header else {
            self.prev = Hex32(*entry.leaf.as_bytes());
            self.next = entry.key + 1;
            return self.checkpoints(report);
        };
        if header.index != index {
            report.note(
                "L-1",
                Some(index),
                Damage::Misplaced,
                format!("the header stored as entry {index} says it is entry {}", header.index),
            );
        }
        if header.prev != self.prev {
            report.note(
                "L-2",
                Some(index),
                Damage::Changed,
                format!("prev is {}, the leaf hash before is {}", header.prev, self.prev),
            );
        }
        self.time(header, entry.at, report);
        self.rows.aside(header);
        if let Err(detail) = self.coverage.entry(header) {
            report.note("L-8", Some(index), Damage::Misplaced, detail);
        }
        self.records(&entry, header, report)?;
        self.prev = Hex32(*entry.leaf.as_bytes());
        self.next = entry.key + 1;
        self.checkpoints(report)
    }

    /// The tree as the headers give it, and its full tiles against the stored ones.
    fn tree(&mut self, entry: &Entry, report: &mut Report) -> Result<(), CheckError> {
        self.edge.append(entry.leaf, &mut self.tiles);
        for (id, hashes) in self.tiles.drain(..) {
            self.full_tiles += 1;
            match self.store.tile(id.level, id.index)? {
                Some(stored) if stored == hashes => {}
                Some(_) => report.note(
                    "L-4",
                    Some(EntryIndex(entry.key)),
                    Damage::Changed,
                    format!("{} is not that of the headers", id.path()),
                ),
                None => report.note(
                    "L-4",
                    Some(EntryIndex(entry.key)),
                    Damage::Missing,
                    format!("{} is not stored", id.path()),
                ),
            }
        }
        Ok(())
    }

    fn time(&mut self, header: &EntryHeader, at: Option<Micros>, report: &mut Report) {
        let stepped = header.received.via == "ledger"
            && header.event.as_ref().is_some_and(|event| event.r#type == "modeltrail.ledger.clock_stepped.v1");
        if let (Some(last), Some(at)) = (self.last_at, at)
            && at < last
            && !stepped
        {
            report.note(
                "L-9",
                Some(header.index),
                Damage::Misplaced,
                format!("received.at goes back from {last} to {at}"),
            );
        }
        self.last_at = at.or(self.last_at);
    }

    fn records(&mut self, entry: &Entry, header: &EntryHeader, report: &mut Report) -> Result<(), CheckError> {
        let own = match &entry.own {
            Some(own) => Some(own.clone()),
            None => self.own_with_effect(header, report)?,
        };
        if !self.context.headers_only {
            self.derive(entry, header, report)?;
            if !entry.has_record && header.content.kept.is_none() {
                if header.received.via == "ledger" || self.unexplained.len() >= MAX_UNEXPLAINED {
                    report.note("L-10", Some(header.index), Damage::Missing, "the record is not stored".to_owned());
                } else {
                    self.unexplained.insert(header.index.get());
                }
            }
        }
        let Some((event_type, data)) = own else { return Ok(()) };
        self.fold_own(header, &event_type, &data, report);
        Ok(())
    }

    /// Own entries whose effect matters, when records are otherwise left alone.
    fn own_with_effect(
        &self,
        header: &EntryHeader,
        report: &mut Report,
    ) -> Result<Option<(String, Value)>, CheckError> {
        let wanted =
            header.received.via == "ledger" && header.event.as_ref().is_some_and(|event| has_effect(&event.r#type));
        if !wanted {
            return Ok(None);
        }
        let opening = self.store.opening(header.index)?;
        let own = opening.as_deref().and_then(|opening| parse_own(opening.get(SALT_BYTES..)?));
        if own.is_none() {
            report.note(
                "L-10",
                Some(header.index),
                Damage::Missing,
                "the record of an own entry can't be read".to_owned(),
            );
        }
        Ok(own)
    }

    fn fold_own(&mut self, header: &EntryHeader, event_type: &str, data: &Value, report: &mut Report) {
        let from = match event_type {
            "modeltrail.ledger.genesis.v1" if header.index.get() == 0 => Some(0),
            keys::types::ROTATED => Some(header.index.get() + 1),
            _ => None,
        };
        if let Some(from) = from {
            match data.get("public_key").and_then(Value::as_str).unwrap_or_default().parse::<VerifierKey>() {
                Ok(key) => self.keys.push(LedgerKey { from, key }),
                Err(error) => {
                    report.note("L-4", Some(header.index), Damage::Malformed, format!("names no verifier key: {error}"))
                }
            }
        }
        self.book.fold(event_type, data);
        if let Err(detail) = self.coverage.own(event_type, data) {
            report.note("L-8", Some(header.index), Damage::Misplaced, detail);
        }
        if event_type == "modeltrail.record.erased.v1" {
            let erased = data.get("entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            erased.iter().filter_map(Value::as_u64).for_each(|index| {
                self.unexplained.remove(&index);
            });
        }
    }

    /// L-12: the header against what the reading in force makes of the record.
    fn derive(&mut self, entry: &Entry, header: &EntryHeader, report: &mut Report) -> Result<(), CheckError> {
        self.owed_subjects(entry, header, report);
        let Some(reading) = &entry.reading else { return Ok(()) };
        // Most entries are unsigned, agree, and have nothing that only the entries before could tell.
        let simple = entry.agrees && header.signers.is_empty() && reading.signatures.is_empty();
        if simple && header.quarantine.is_none() && header.content.reading == u64::from(reading::READING) {
            return Ok(());
        }
        let signers = derive::signers(reading, &self.context.origin, &header.received, &self.book);
        let expected = derive::expected(reading, &header.received, signers);
        if let Some(difference) = expected.differences(header).first() {
            report.note("L-12", Some(header.index), Damage::Changed, difference.to_string());
        }
        if header.content.reading != u64::from(reading::READING) {
            report
                .not_judged
                .push(format!("L-12 of entry {}: reading {} is not known", header.index, header.content.reading));
        }
        if let Some(of) = header.quarantine.as_ref().and_then(|quarantine| quarantine.of)
            && let Err(detail) = self.conflict(header, reading, of)?
        {
            report.note("L-12", Some(header.index), Damage::Changed, detail);
        }
        if !expected.further.is_empty() {
            let further =
                expected.further.iter().map(|(role, subject)| (role.as_str().to_owned(), subject.clone())).collect();
            self.owed = Some((header.index.get(), further));
        }
        Ok(())
    }

    /// Subjects beyond a header's room stand in `trails_added` entries directly behind it, all of them, in order.
    fn owed_subjects(&mut self, entry: &Entry, header: &EntryHeader, report: &mut Report) {
        let Some((of, mut owed)) = self.owed.take() else { return };
        let added = entry.own.as_ref().filter(|(event_type, data)| {
            event_type == "modeltrail.ledger.trails_added.v1" && data.get("of").and_then(Value::as_u64) == Some(of)
        });
        let Some((_, data)) = added else {
            let detail = format!("{} further subjects of entry {of} do not follow it", owed.len());
            report.note("L-12", Some(header.index), Damage::Missing, detail);
            return;
        };
        let before = owed.len();
        owed.retain(|(role, subject)| !names(data, role, subject));
        if owed.len() == before {
            report.note(
                "L-12",
                Some(header.index),
                Damage::Changed,
                format!("adds none of the further subjects of entry {of}"),
            );
        } else if !owed.is_empty() {
            self.owed = Some((of, owed));
        }
    }

    fn conflict(
        &self,
        header: &EntryHeader,
        reading: &reading::Reading,
        of: EntryIndex,
    ) -> Result<Result<(), String>, CheckError> {
        let Some(first) = self.store.header(of)?.and_then(|bytes| EntryHeader::parse(&bytes).ok()) else {
            return Ok(Err(format!("the entry {of} that it conflicts with can't be read")));
        };
        let same_id = match (&first.event, &header.event) {
            (Some(a), Some(b)) => a.id == b.id && a.source == b.source,
            _ => false,
        };
        if !same_id || first.quarantine.is_some() || first.received.via == "ledger" {
            return Ok(Err(format!("entry {of} is not an admitted entry with this source and id")));
        }
        let Some(opening) = self.store.opening(of)? else { return Ok(Ok(())) };
        let Some(via) = Via::parse(&first.received.via) else { return Ok(Ok(())) };
        let context =
            reading::OwnContext { origin: &self.context.origin, received_at: Micros::EPOCH, index: Some(of.get()) };
        let other = reading::read_bytes(via, opening.get(SALT_BYTES..).unwrap_or_default(), &context);
        Ok(match other {
            Ok(other) if other.fingerprint == reading.fingerprint => {
                Err(format!("entry {of} has the same content, so this is a duplicate and no conflict"))
            }
            _ => Ok(()),
        })
    }

    /// The kept checkpoints of sizes up to here.
    fn checkpoints(&mut self, report: &mut Report) -> Result<(), CheckError> {
        while let Some(size) = self.sizes.get(self.checked).copied().filter(|size| *size <= self.next) {
            self.checked += 1;
            let at = Some(EntryIndex(size.saturating_sub(1)));
            let note = self.store.checkpoint(TreeSize::new(size))?.unwrap_or_default();
            if size != self.next {
                report.note(
                    "L-4",
                    at,
                    Damage::Misplaced,
                    format!("a checkpoint of size {size} is of no prefix of the entries"),
                );
                continue;
            }
            match self.open(&note) {
                Ok(checkpoint) if checkpoint.size.get() != size => {
                    report.note(
                        "L-5",
                        at,
                        Damage::Misplaced,
                        format!("the checkpoint stored for size {size} is of size {}", checkpoint.size.get()),
                    );
                }
                Ok(checkpoint) if checkpoint.root != self.edge.root() => {
                    let detail = format!(
                        "the checkpoint of size {size} has root {}, the entries give {}",
                        checkpoint.root,
                        self.edge.root()
                    );
                    report.note("L-4", at, Damage::Changed, detail);
                }
                Ok(_) => {}
                Err(detail) => {
                    report.note("L-4", at, Damage::Unsigned, format!("the checkpoint of size {size}: {detail}"))
                }
            }
            self.outside_at(size, report);
        }
        self.outside_at(self.next, report);
        Ok(())
    }

    /// Opens a note as a checkpoint that all keys of its size signed.
    fn open(&self, note: &str) -> Result<Checkpoint, String> {
        let mut opened = None;
        let size = parse_outside(note).ok_or("it is no checkpoint")?.size;
        for key in governing(&self.keys, size.get()) {
            opened = Some(
                Checkpoint::open(note.as_bytes(), std::slice::from_ref(&key)).map_err(|error| error.to_string())?.0,
            );
        }
        opened
            .filter(|checkpoint| checkpoint.origin == self.context.origin)
            .ok_or_else(|| "no key of this ledger governs it".to_owned())
    }

    fn outside_at(&mut self, size: u64, report: &mut Report) {
        let due = self.outside.as_ref().is_some_and(|(outside, _)| outside.size.get() == size)
            && self.edge.size().get() == size;
        let Some((outside, note)) = self.outside.take_if(|_| due) else { return };
        let at = Some(EntryIndex(size.saturating_sub(1)));
        if let Err(detail) = self.open(&note) {
            report.note("L-5", at, Damage::Unsigned, format!("the checkpoint kept outside: {detail}"));
        } else if outside.root != self.edge.root() {
            let detail = format!(
                "the checkpoint kept outside has root {} at size {size}, the entries give {}",
                outside.root,
                self.edge.root()
            );
            report.note("L-5", at, Damage::Changed, detail);
        }
    }

    /// What can only be said at the end.
    pub(super) fn finish(mut self, report: &mut Report) -> Result<(), CheckError> {
        report.root = self.edge.root().to_string();
        report.size = self.sizes.last().copied().unwrap_or(0);
        if report.size != self.next {
            let (damage, detail) = if report.size < self.next {
                (Damage::Extra, format!("entries {} to {} are under no checkpoint", report.size, self.next - 1))
            } else {
                (
                    Damage::Missing,
                    format!("the newest checkpoint has size {}, but there are {} entries", report.size, self.next),
                )
            };
            report.note("L-3", Some(EntryIndex(report.size.min(self.next))), damage, detail);
        }
        if let Some((outside, _)) = self.outside.take() {
            let detail =
                format!("the checkpoint kept outside has size {}, the ledger {}", outside.size.get(), self.next);
            report.note("L-5", Some(EntryIndex(self.next)), Damage::Missing, detail);
        }
        if let Some((of, owed)) = self.owed.take() {
            report.note(
                "L-12",
                Some(EntryIndex(of)),
                Damage::Missing,
                format!("{} further subjects of entry {of} do not follow it", owed.len()),
            );
        }
        if let Some(first) = self.unexplained.first() {
            let count = self.unexplained.len();
            report.note(
                "L-10",
                Some(EntryIndex(*first)),
                Damage::Missing,
                format!("{count} records are not stored and no erasure explains it"),
            );
        }
        if let Err(detail) = self.coverage.compare(&self.store.positions()?) {
            report.note("L-8", None, Damage::Changed, detail);
        }
        self.stray_tiles(report)?;
        self.rows.finish(self.store, report)
    }

    fn stray_tiles(&self, report: &mut Report) -> Result<(), CheckError> {
        let mut stored = 0_u64;
        self.store.scan_tiles(&mut |_, _, _| {
            stored += 1;
            ControlFlow::Continue(())
        })?;
        if stored > self.full_tiles {
            report.note(
                "L-4",
                None,
                Damage::Extra,
                format!("{stored} tiles are stored, the entries fill {}", self.full_tiles),
            );
        }
        Ok(())
    }
}

/// The text of a note kept outside.
fn parse_outside(note: &str) -> Option<Checkpoint> {
    let (text, _) = note.split_once("\n\n")?;
    Checkpoint::parse_text(&format!("{text}\n")).ok()
}

/// Whether a `trails_added` entry names this subject in this role.
fn names(data: &Value, role: &str, subject: &str) -> bool {
    let list = if role == "evidence" { "evidence_subjects" } else { role };
    data.get(list)
        .and_then(Value::as_array)
        .is_some_and(|list| list.iter().any(|element| element.as_str() == Some(subject)))
}
