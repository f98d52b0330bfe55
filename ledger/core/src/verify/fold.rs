//! What must be checked in the order of the log: links, trails, producers' keys, the reading in force, conflicts, erasures.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use modeltrail_schemas::catalogue;
use modeltrail_schemas::reading::READING;
use modeltrail_schemas::record::Via;
use modeltrail_schemas::subject::encode_part;
use modeltrail_tlog::hash::LeafHash;
use serde_json::Value;

use super::added::Added;
use super::entry::{Entry, Line};
use super::report::{Aspect, Facts, Fault, Judges};
use super::trails::Trails;
use crate::bundle::export::{is_own, own_types};
use crate::bundle::lines::Absent;
use crate::bundle::manifest::Manifest;
use crate::bundle::{ENTRIES, READINGS_DIR};
use crate::derive;
use crate::header::{EntryHeader, Signer};
use crate::keys::{KeyBook, types};
use crate::types::{Hex32, id_hash};

/// The first half of a SHA-256: enough to tell contents and ids apart, in a table with a row for each entry.
type Half = [u8; 16];

/// An admitted entry, for telling conflicts.
struct Admitted {
    index: u64,
    content: Option<Half>,
}

/// The entry before.
struct Before {
    index: u64,
    leaf: LeafHash,
    at: String,
}

/// A rotation of the ledger's key that an entry of the bundle tells.
pub(super) struct Rotated {
    pub(super) index: u64,
    pub(super) data: Value,
}

/// What own entries tell of sources whose whole trail the bundle claims, by index: with all headers, every position can be accounted for.
pub(super) type Told = BTreeMap<u64, (String, Value)>;

/// State after the entries taken in so far.
pub(super) struct Fold<'a> {
    manifest: &'a Manifest,
    pub(super) judges: Judges,
    pub(super) facts: Facts,
    /// The producers' keys.
    pub(super) book: Arc<KeyBook>,
    /// Counts changes of the book.
    pub(super) book_version: u64,
    pub(super) trails: Trails,
    /// Producers' keys that headers name.
    pub(super) named_keys: BTreeSet<Hex32>,
    /// Readings that headers name.
    pub(super) readings: BTreeSet<u64>,
    pub(super) genesis: Option<Value>,
    pub(super) rotations: Vec<Rotated>,
    pub(super) told: Told,
    /// Some entries are of a later format version, so what depends on all of them can't be judged.
    pub(super) later: bool,
    in_force: Option<u64>,
    /// Set while the table of the reading in force is not the published one: what to say of that.
    foreign_table: Option<String>,
    first_reading: Option<u64>,
    admitted: HashMap<Half, Admitted>,
    /// Entries said to be erased, until an erasure names them; with their lines.
    erased: BTreeMap<u64, u64>,
    added: Added,
    before: Option<Before>,
}

impl<'a> Fold<'a> {
    pub(super) fn new(manifest: &'a Manifest, judges: Judges, facts: Facts) -> Self {
        Self {
            manifest,
            judges,
            facts,
            book: Arc::default(),
            book_version: 0,
            trails: Trails::default(),
            named_keys: BTreeSet::new(),
            readings: BTreeSet::new(),
            genesis: None,
            rotations: Vec::new(),
            told: Told::new(),
            later: false,
            in_force: None,
            foreign_table: None,
            first_reading: None,
            admitted: HashMap::new(),
            erased: BTreeMap::new(),
            added: Added::default(),
            before: None,
        }
    }

    /// Takes in the next line.
    pub(super) fn take(&mut self, line: Line) {
        match line {
            Line::Fault { line, what } => {
                let fault = Fault { file: ENTRIES.to_owned(), line: Some(line), entry: None, what };
                self.judges.fault(Aspect::Integrity, fault);
            }
            Line::Later { line, what } => {
                self.later = true;
                self.judges.open(Aspect::Integrity, format!("{ENTRIES} line {line}: {what}"));
            }
            Line::Entry(entry) => self.entry(*entry),
        }
    }

    fn fault(&mut self, aspect: Aspect, entry: &Entry, what: impl Into<String>) {
        let (line, index) = (entry.line, entry.header.index.get());
        self.judges
            .fault(aspect, Fault { file: ENTRIES.to_owned(), line: Some(line), entry: Some(index), what: what.into() });
    }

    fn entry(&mut self, mut entry: Entry) {
        for (aspect, what) in std::mem::take(&mut entry.faults) {
            self.fault(aspect, &entry, what);
        }
        let index = entry.header.index.get();
        for why in std::mem::take(&mut entry.open) {
            self.judges.open(Aspect::Integrity, format!("entry {index}: {why}"));
        }
        if let Some(before) = &self.before
            && index <= before.index
        {
            let what = format!("index does not ascend: entry {} stands before it", before.index);
            return self.fault(Aspect::Integrity, &entry, what);
        }
        self.count(&entry);
        self.chain(&entry);
        self.own(&mut entry);
        self.differences(&mut entry);
        self.reading_in_force(&entry);
        self.conflict(&entry);
        if entry.absent == Some(Absent::Erased) {
            self.erased.insert(index, entry.line);
        }
        for step in &entry.header.trails {
            if let Err(what) = self.trails.step(index, step) {
                self.fault(Aspect::Completeness, &entry, what);
            }
        }
        self.before = Some(Before { index, leaf: entry.leaf, at: entry.header.received.at });
    }

    fn count(&mut self, entry: &Entry) {
        let facts = &mut self.facts;
        let header = &entry.header;
        facts.entries += 1;
        add(&mut facts.via, &header.received.via);
        if let Some(quarantine) = &header.quarantine {
            add(&mut facts.quarantined, &quarantine.reason);
        }
        if let Some(absent) = entry.absent {
            add(&mut facts.absent, absent.as_str());
        }
        for signer in &header.signers {
            add(&mut facts.signers, signer.status.as_str());
            self.named_keys.insert(signer.key);
        }
        let at = header.received.at.clone();
        match &mut facts.received {
            Some((_, last)) => *last = at,
            None => facts.received = Some((at.clone(), at)),
        }
    }

    /// Link and clock, where the entry before is there.
    fn chain(&mut self, entry: &Entry) {
        let index = entry.header.index.get();
        if index == 0 && entry.header.prev != Hex32([0; 32]) {
            self.fault(Aspect::Order, entry, "prev of entry 0 is not 64 zeros");
        }
        let Some(before) = self.before.take().filter(|before| before.index + 1 == index) else { return };
        self.facts.links += 1;
        if entry.header.prev != Hex32(*before.leaf.as_bytes()) {
            self.fault(Aspect::Order, entry, format!("prev is not the leaf hash of entry {}", before.index));
        }
        // Both are canonical UTC times of one length, so their texts sort as they do.
        if entry.header.received.at < before.at && !is_own(&entry.header, own_types::CLOCK_STEPPED) {
            let what = format!(
                "received.at {} is before that of entry {}, {}",
                entry.header.received.at, before.index, before.at
            );
            self.fault(Aspect::Time, entry, what);
        }
    }

    /// Header against record. By a table that is not the published one this program can't derive anything.
    fn differences(&mut self, entry: &mut Entry) {
        let aspects = entry.differences.drain(..).map(|what| (Aspect::Integrity, what)).collect::<Vec<_>>();
        let signers = self.signers(entry).map(|what| (Aspect::Authenticity, what));
        for (aspect, what) in aspects.into_iter().chain(signers) {
            match &self.foreign_table {
                Some(table) => self.judges.open(aspect, table.clone()),
                None => self.fault(aspect, entry, what),
            }
        }
    }

    /// How the signers of an entry differ from what record and keys say.
    fn signers(&self, entry: &Entry) -> Option<String> {
        let said = entry.said.as_ref()?;
        let fresh;
        // No key changed between the look at the line and its turn, or nothing was signed: what was found then still stands.
        let expected = match &said.signed {
            Some(reading) if entry.book_version != self.book_version => {
                fresh = derive::signers(reading, &self.manifest.origin, &entry.header.received, &self.book);
                &fresh
            }
            _ => &entry.signers,
        };
        let shown = |signers: &[Signer]| {
            signers
                .iter()
                .map(|signer| format!("{} {}", signer.key, signer.status.as_str()))
                .collect::<Vec<_>>()
                .join(", ")
        };
        (*expected != entry.header.signers).then(|| {
            format!("signers are [{}], but record and keys say [{}]", shown(&entry.header.signers), shown(expected))
        })
    }

    /// What the ledger's own entries change.
    fn own(&mut self, entry: &mut Entry) {
        let index = entry.header.index.get();
        let own = entry.header.received.via == Via::Ledger.as_str();
        let data = entry.said.as_mut().and_then(|said| said.data.take());
        let event_type = entry.header.event.as_ref().map(|event| event.r#type.clone()).unwrap_or_default();
        if own && event_type == own_types::TRAILS_ADDED {
            if let Some(data) = &data
                && let Err(what) = self.added.added(index, data)
            {
                self.fault(Aspect::Integrity, entry, what);
            }
        } else {
            let further = std::mem::take(&mut entry.further);
            let absent = entry.said.is_none();
            if let Err(what) = self.added.entry(index, further, absent) {
                self.fault(Aspect::Integrity, entry, what);
            }
        }
        self.foundation(entry, own, &event_type);
        let Some(data) = data else { return };
        if catalogue::catalogue().event(&event_type).is_none() {
            self.fault(
                Aspect::Integrity,
                entry,
                format!("is the ledger's own, but its type {event_type} is not in the table"),
            );
        }
        match event_type.as_str() {
            own_types::OPENED => self.opened(entry, &data, "reading", "reading_digest"),
            own_types::READING_CHANGED => self.opened(entry, &data, "new", "new_digest"),
            own_types::ERASED => {
                let named =
                    data.get("entries").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64);
                for erased in named {
                    self.erased.remove(&erased);
                }
            }
            types::REGISTERED | types::CHANGED | types::REVOKED => self.keys_change(&event_type, &data),
            types::ROTATED => {
                self.keys_change(&event_type, &data);
                self.rotations.push(Rotated { index, data });
            }
            own_types::GENESIS if index == 0 => {
                self.keys_change(&event_type, &data);
                self.facts.clock = data.get("clock").and_then(Value::as_str).map(str::to_owned);
                self.genesis = Some(data);
            }
            _ if is_of_positions(&event_type) && self.claims_source(&data) => {
                self.told.insert(index, (event_type, data));
            }
            _ => {}
        }
    }

    fn keys_change(&mut self, event_type: &str, data: &Value) {
        Arc::make_mut(&mut self.book).fold(event_type, data);
        self.book_version += 1;
    }

    fn claims_source(&self, data: &Value) -> bool {
        let source = data.get("source").and_then(Value::as_str);
        source.is_some_and(|source| self.manifest.claim(&format!("source/{}", encode_part(source))).is_some())
    }

    /// Entries 0 and 1 are what every ledger begins with.
    fn foundation(&mut self, entry: &Entry, own: bool, event_type: &str) {
        let wanted = match entry.header.index.get() {
            0 => own_types::GENESIS,
            1 => own_types::OPENED,
            _ => return,
        };
        if !own || event_type != wanted {
            self.fault(Aspect::Integrity, entry, format!("is not the ledger's own {wanted}"));
        }
    }

    fn opened(&mut self, entry: &Entry, data: &Value, reading: &str, digest: &str) {
        let number = data.get(reading).and_then(Value::as_u64);
        let digest = data.get(digest).and_then(Value::as_str).unwrap_or_default();
        self.in_force = number;
        let Some(number) = number else { return self.fault(Aspect::Integrity, entry, format!("names no {reading}")) };
        let file = format!("{READINGS_DIR}{number}.json");
        if let Some(listed) = self.manifest.files.get(&file)
            && listed.to_string() != digest
        {
            self.fault(
                Aspect::Integrity,
                entry,
                format!("names {digest} as the table of reading {number}, but {file} is {listed}"),
            );
        }
        let published = catalogue::reading_digest();
        let foreign = number == u64::from(READING) && digest != published;
        self.foreign_table = foreign.then(|| {
            format!(
                "the ledger reads by a table {digest} of reading {number} that is not the published one, {published}"
            )
        });
        if let Some(table) = &self.foreign_table {
            self.judges.open(Aspect::Integrity, table.clone());
        }
    }

    fn reading_in_force(&mut self, entry: &Entry) {
        let (index, reading) = (entry.header.index.get(), entry.header.content.reading);
        self.readings.insert(reading);
        if index == 0 {
            self.first_reading = Some(reading);
            return;
        }
        if index == 1
            && let (Some(first), Some(now)) = (self.first_reading, self.in_force)
            && first != now
        {
            self.fault(Aspect::Integrity, entry, format!("names reading {now}, but entry 0 was read by {first}"));
        }
        match self.in_force {
            Some(now) if now != reading => {
                self.fault(Aspect::Integrity, entry, format!("was read by reading {reading}, but {now} was in force"))
            }
            _ => {}
        }
    }

    /// One event id, one admitted entry; and a conflict is one.
    fn conflict(&mut self, entry: &Entry) {
        let header = &entry.header;
        let Some(event) = header.event.as_ref().filter(|_| header.received.via != Via::Ledger.as_str()) else { return };
        let index = header.index.get();
        let key = half(&id_hash(&event.source, &event.id));
        let content = entry.said.as_ref().map(|said| half(&said.content));
        let first = self.admitted.get(&key).map(|first| (first.index, first.content));
        let Some(quarantine) = &header.quarantine else {
            if let Some((first, _)) = first {
                return self.fault(
                    Aspect::Integrity,
                    entry,
                    format!("has the source and id of entry {first}, and both are admitted"),
                );
            }
            self.admitted.insert(key, Admitted { index, content });
            return;
        };
        let Some(of) = quarantine.of.map(|of| of.get()) else { return };
        match first {
            Some((first, same)) if first == of => match (same, content) {
                (Some(same), Some(content)) if same == content => {
                    self.fault(Aspect::Integrity, entry, format!("is said to be in conflict with entry {of}, but has the same content"));
                }
                // Different; or one record is absent, and what the headers say is the ledger's word.
                _ => {}
            },
            _ => self.fault(Aspect::Integrity, entry, format!("is said to be in conflict with entry {of}, which is no admitted entry of the bundle with its source and id")),
        }
    }

    /// What is missing when no entry follows.
    pub(super) fn end(&mut self) {
        if self.later {
            return self.judges.open(Aspect::Completeness, "entries of a later format version can't be counted");
        }
        if let Err(what) = self.added.end() {
            self.judges.fault(Aspect::Integrity, Fault::of_file(ENTRIES, what));
        }
        for (entry, line) in std::mem::take(&mut self.erased) {
            let what = "record is said to be erased, but no record.erased entry of the bundle names it".to_owned();
            self.judges.fault(
                Aspect::Integrity,
                Fault { file: ENTRIES.to_owned(), line: Some(line), entry: Some(entry), what },
            );
        }
        let first_missing = [(0, own_types::GENESIS), (1, own_types::OPENED)].into_iter().find(|(index, _)| {
            let there = if *index == 0 { self.first_reading.is_some() } else { self.in_force.is_some() };
            !there && *index < self.manifest.tree_size
        });
        if let Some((index, event_type)) = first_missing {
            self.judges.fault(
                Aspect::Integrity,
                Fault::of_file(
                    ENTRIES,
                    format!("entry {index}, the ledger's own {event_type}, is missing or can't be read"),
                ),
            );
        }
    }
}

/// Whether an own type opens a source or covers positions of one.
fn is_of_positions(event_type: &str) -> bool {
    event_type == "modeltrail.ingest.positions.v1" || event_type.starts_with("modeltrail.source.")
}

fn add(counts: &mut BTreeMap<String, u64>, word: &str) {
    match counts.get_mut(word) {
        Some(count) => *count += 1,
        None => drop(counts.insert(word.to_owned(), 1)),
    }
}

fn half(hash: &[u8; 32]) -> Half {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

/// Whether an entry tells of a rotation of the ledger's key.
pub(super) fn is_rotation(header: &EntryHeader) -> bool {
    is_own(header, types::ROTATED)
}
