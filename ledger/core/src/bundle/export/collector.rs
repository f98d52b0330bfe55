//! Finds what a bundle holds: indices and trails, until nothing more follows from them.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_schemas::reading::READING;
use modeltrail_schemas::subject::encode_part;
use modeltrail_tlog::note::VerifierKey;
use serde_json::Value;

use super::{ExportError, contradiction, is_own, own_types, parse, unread};
use crate::bundle::lines::LedgerKey;
use crate::bundle::manifest::TrailClaim;
use crate::bundle::source::LedgerRead;
use crate::header::{EntryHeader, MAX_TRAILS};
use crate::own_event::parse_own;
use crate::types::{EntryIndex, SALT_BYTES};

/// Trail entries that are asked for at a time.
const TRAIL_PAGE: usize = 1_024;

/// Gathers indices until nothing more follows from them.
pub(super) struct Collector<'a, R> {
    ledger: &'a R,
    pub(super) entries: BTreeSet<u64>,
    /// Entries whose consequences are not yet looked at.
    pending: Vec<u64>,
    /// Trails that are or will be complete.
    trails: BTreeMap<String, Option<TrailClaim>>,
    wanted: Vec<String>,
}

impl<'a, R: LedgerRead> Collector<'a, R> {
    pub(super) fn new(ledger: &'a R) -> Self {
        Self { ledger, entries: BTreeSet::new(), pending: Vec::new(), trails: BTreeMap::new(), wanted: Vec::new() }
    }

    fn take(&mut self, index: u64) {
        if self.entries.insert(index) {
            self.pending.push(index);
        }
    }

    pub(super) fn want_trail(&mut self, subject: &str) {
        if !self.trails.contains_key(subject) {
            self.trails.insert(subject.to_owned(), None);
            self.wanted.push(subject.to_owned());
        }
    }

    pub(super) fn claims(self) -> Vec<TrailClaim> {
        self.trails.into_values().flatten().collect()
    }

    pub(super) fn run(&mut self) -> Result<(), ExportError> {
        loop {
            if let Some(subject) = self.wanted.pop() {
                self.take_trail(&subject)?;
            } else if let Some(index) = self.pending.pop() {
                self.follow(EntryIndex(index))?;
            } else {
                return Ok(());
            }
        }
    }

    fn take_trail(&mut self, subject: &str) -> Result<(), ExportError> {
        let (mut count, mut last) = (0, None);
        self.walk(subject, 0, |this, index| {
            this.take(index);
            (count, last) = (count + 1, Some(index));
            Ok(())
        })?;
        self.trails.insert(subject.to_owned(), Some(TrailClaim { count, last, subject: subject.to_owned() }));
        Ok(())
    }

    /// Visits a trail from ordinal `from` on, below the ledger's size.
    fn walk(
        &mut self,
        subject: &str,
        mut from: u64,
        mut visit: impl FnMut(&mut Self, u64) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        loop {
            let page =
                self.ledger.trail(subject, from, TRAIL_PAGE).map_err(unread(format!("the trail of {subject}")))?;
            for index in &page {
                if index.get() >= self.ledger.size().get() {
                    return Ok(());
                }
                visit(self, index.get())?;
            }
            if page.len() < TRAIL_PAGE {
                return Ok(());
            }
            from += page.len() as u64;
        }
    }

    /// Takes what must come along with an entry.
    fn follow(&mut self, index: EntryIndex) -> Result<(), ExportError> {
        let header = self.header(index)?;
        for signer in &header.signers {
            self.want_trail(&format!("key/{}", signer.key));
        }
        if let Some(of) = header.quarantine.as_ref().and_then(|quarantine| quarantine.of) {
            self.take(of.get());
        }
        if header.content.reading != u64::from(READING) {
            return Err(contradiction(format!(
                "entry {index} was read by reading {}, which this program does not know",
                header.content.reading
            )));
        }
        if is_own(&header, own_types::TRAILS_ADDED) {
            let (_, data) = self.own(index)?;
            data.get("of").and_then(Value::as_u64).into_iter().for_each(|of| self.take(of));
        }
        if header.trails.len() == MAX_TRAILS {
            self.take_added(index)?;
        }
        let erased = header.content.kept.is_none()
            && self.ledger.opening(index).map_err(unread(format!("the record of entry {index}")))?.is_none();
        if erased { self.take_erasures(index, &header) } else { Ok(()) }
    }

    /// The `trails_added` entries directly behind an entry with more subjects than its header holds.
    fn take_added(&mut self, of: EntryIndex) -> Result<(), ExportError> {
        let mut next = of.next();
        while next.get() < self.ledger.size().get() {
            let belongs = is_own(&self.header(next)?, own_types::TRAILS_ADDED)
                && self.own(next)?.1.get("of").and_then(Value::as_u64) == Some(of.get());
            if !belongs {
                break;
            }
            self.take(next.get());
            next = next.next();
        }
        Ok(())
    }

    /// The entries that say that this record was erased: they stand on every trail of it.
    fn take_erasures(&mut self, index: EntryIndex, header: &EntryHeader) -> Result<(), ExportError> {
        let Some(step) = header.trails.first() else { return Ok(()) };
        let mut found = false;
        self.walk(&step.subject, step.n + 1, |this, later| {
            if is_own(&this.header(EntryIndex(later))?, own_types::ERASED) {
                let (_, data) = this.own(EntryIndex(later))?;
                let names = data
                    .get("entries")
                    .and_then(Value::as_array)
                    .is_some_and(|all| all.iter().any(|one| one.as_u64() == Some(index.get())));
                if names {
                    found = true;
                    this.take(later);
                }
            }
            Ok(())
        })?;
        if found {
            Ok(())
        } else {
            Err(contradiction(format!("the record of entry {index} is gone and no entry says that it was erased")))
        }
    }

    /// What every bundle carries: the first two entries, changes of the reading, rotations. Returns the ledger's keys.
    pub(super) fn foundations(&mut self) -> Result<Vec<LedgerKey>, ExportError> {
        self.take(0);
        if self.ledger.size().get() > 1 {
            self.take(1);
        }
        let mut in_force = None;
        let trail = format!("ledger/{}", encode_part(self.ledger.origin()));
        self.walk(&trail, 0, |this, index| {
            let header = this.header(EntryIndex(index))?;
            let (reading, digest) = match header.event.as_ref().map(|event| event.r#type.as_str()) {
                Some(own_types::OPENED) if header.received.via == "ledger" => ("reading", "reading_digest"),
                Some(own_types::READING_CHANGED) if header.received.via == "ledger" => ("new", "new_digest"),
                _ => return Ok(()),
            };
            let (_, data) = this.own(EntryIndex(index))?;
            let named = (data.get(reading).cloned(), data.get(digest).cloned());
            if in_force.as_ref() != Some(&named) {
                this.take(index);
                in_force = Some(named);
            }
            Ok(())
        })?;
        self.keys()
    }

    /// The ledger's keys, along the trails of each.
    fn keys(&mut self) -> Result<Vec<LedgerKey>, ExportError> {
        let (_, genesis) = self.own(EntryIndex(0))?;
        let mut keys = vec![LedgerKey { from: 0, key: verifier(&genesis, 0)? }];
        let mut id = text(&genesis, "key_id", 0)?;
        loop {
            let mut next = None;
            let from = keys.last().map_or(0, |key| key.from);
            self.walk(&format!("key/{id}"), 0, |this, index| {
                let header = this.header(EntryIndex(index))?;
                if index < from || next.is_some() || !is_own(&header, crate::keys::types::ROTATED) {
                    return Ok(());
                }
                let (_, data) = this.own(EntryIndex(index))?;
                if data.get("old").and_then(Value::as_str) == Some(&id) {
                    next =
                        Some((text(&data, "new", index)?, LedgerKey { from: index + 1, key: verifier(&data, index)? }));
                    this.take(index);
                }
                Ok(())
            })?;
            match next {
                Some((new, key)) => {
                    id = new;
                    keys.push(key);
                }
                None => return Ok(keys),
            }
        }
    }

    fn header(&self, index: EntryIndex) -> Result<EntryHeader, ExportError> {
        parse(index, &self.ledger.header(index).map_err(unread(format!("entry {index}")))?)
    }

    /// Type and data of an own entry.
    fn own(&self, index: EntryIndex) -> Result<(String, Value), ExportError> {
        let opening = self.ledger.opening(index).map_err(unread(format!("the record of entry {index}")))?;
        let record = opening.as_deref().and_then(|opening| opening.get(SALT_BYTES..));
        record
            .and_then(parse_own)
            .ok_or_else(|| contradiction(format!("the record of own entry {index} is missing or can't be read")))
    }
}

fn text(data: &Value, member: &str, index: u64) -> Result<String, ExportError> {
    let found = data.get(member).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| contradiction(format!("own entry {index} has no {member}")))
}

fn verifier(data: &Value, index: u64) -> Result<VerifierKey, ExportError> {
    text(data, "public_key", index)?
        .parse()
        .map_err(|error| contradiction(format!("own entry {index} names no verifier key: {error}")))
}
