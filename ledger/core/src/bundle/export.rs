//! Makes a bundle about some subjects: exactly what `docs/FORMAT.md` section 8 demands, found from the trails alone.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::{Seek, Write};

use modeltrail_schemas::catalogue;
use modeltrail_schemas::json;
use modeltrail_schemas::reading::READING;
use modeltrail_schemas::subject::{Subject, encode_part};
use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::note::{Note, VerifierKey};
use modeltrail_tlog::tree::{TreeSize, consistency_proof, inclusion_proof};
use serde_json::Value;

use super::lines::{Absent, ConsistencyLine, EntryLine, LedgerKey, Opening};
use super::manifest::{Scope, TrailClaim};
use super::source::LedgerRead;
use super::writer::{BundleWriter, Claims, Finished};
use super::{BundleError, CONSISTENCY, KEYS, READINGS_DIR};
use crate::header::{EntryHeader, MAX_TRAILS};
use crate::own_event::parse_own;
use crate::types::{EntryIndex, Hex32, SALT_BYTES};

/// Trail entries that are asked for at a time.
const TRAIL_PAGE: usize = 1_024;

/// The ledger's own types that a bundle must carry.
pub(crate) mod own_types {
    pub(crate) const GENESIS: &str = "modeltrail.ledger.genesis.v1";
    pub(crate) const OPENED: &str = "modeltrail.ledger.opened.v1";
    pub(crate) const READING_CHANGED: &str = "modeltrail.ledger.reading_changed.v1";
    pub(crate) const TRAILS_ADDED: &str = "modeltrail.ledger.trails_added.v1";
    pub(crate) const CLOCK_STEPPED: &str = "modeltrail.ledger.clock_stepped.v1";
    pub(crate) const ERASED: &str = "modeltrail.record.erased.v1";
}

/// Why a bundle can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger can't answer.
    #[error("could not read {what}: {source}")]
    Read {
        /// What was asked for.
        what: String,
        /// What the ledger says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// What is asked for is no subject.
    #[error("{subject:?} is not a subject: {detail}")]
    Subject {
        /// What was given.
        subject: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The tree never had that size yet.
    #[error("as of {as_of} is beyond the ledger's newest checkpoint, {size}")]
    AsOf {
        /// The size asked for.
        as_of: u64,
        /// The newest there is.
        size: u64,
    },
    /// What the ledger holds contradicts itself.
    #[error("the ledger contradicts itself: {what}; run `modeltraild fsck`")]
    Contradiction {
        /// What contradicts what.
        what: String,
    },
    /// The bundle can't be written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The manifest can't be signed.
    #[error("could not sign the manifest: {source}")]
    Sign {
        /// What the signer says.
        source: Box<dyn Error + Send + Sync>,
    },
}

fn contradiction(what: impl Into<String>) -> ExportError {
    ExportError::Contradiction { what: what.into() }
}

fn unread<E: Error + Send + Sync + 'static>(what: impl Into<String>) -> impl FnOnce(E) -> ExportError {
    let what = what.into();
    move |source| ExportError::Read { what, source: Box::new(source) }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The subjects whose trails are wanted, whole.
    pub subjects: BTreeSet<String>,
    /// As of which tree size, for what reports say; the newest when `None`. The trails go up to the checkpoint in any case.
    pub as_of: Option<TreeSize>,
}

/// Writes a bundle of everything about some subjects to `out`. `sign` signs a text with the key that governs the ledger's size, as a note.
///
/// # Errors
/// [`ExportError`] says what could not be read or written, or what contradicts itself.
pub fn export<R: LedgerRead, W: Write + Seek>(
    ledger: &R,
    request: &Request,
    sign: impl FnOnce(&str) -> Result<Note, Box<dyn Error + Send + Sync>>,
    out: W,
) -> Result<Finished<W>, ExportError> {
    let size = ledger.size();
    let as_of = request.as_of.unwrap_or(size);
    if as_of > size {
        return Err(ExportError::AsOf { as_of: as_of.get(), size: size.get() });
    }
    for subject in &request.subjects {
        Subject::parse(subject)
            .map_err(|error| ExportError::Subject { subject: subject.clone(), detail: error.to_string() })?;
    }
    let checkpoint = checkpoint_text(ledger)?;
    let mut collector = Collector::new(ledger);
    let keys = collector.foundations()?;
    request.subjects.iter().for_each(|subject| collector.want_trail(subject));
    collector.run()?;

    let mut bundle = BundleWriter::new(out);
    bundle.add(CONSISTENCY, &consistency(ledger, &keys)?)?;
    collector
        .entries
        .iter()
        .try_for_each(|index| bundle.entry(&entry_line(ledger, EntryIndex(*index))?).map_err(ExportError::from))?;
    bundle.add(KEYS, &LedgerKey::to_document(&keys))?;
    bundle.add(&format!("{READINGS_DIR}{READING}.json"), &json::canonical(&catalogue::reading_table()))?;
    let claims = Claims {
        origin: ledger.origin().to_owned(),
        root: Hex32(*checkpoint.root.as_bytes()),
        scope: Scope { as_of: as_of.get(), subjects: request.subjects.iter().cloned().collect() },
        trails: collector.claims(),
        tree_size: size.get(),
    };
    bundle.finish(claims, ledger.checkpoint().as_bytes(), |text| {
        sign(text).map_err(|source| ExportError::Sign { source })
    })
}

fn checkpoint_text<R: LedgerRead>(ledger: &R) -> Result<Checkpoint, ExportError> {
    let note = Note::parse(ledger.checkpoint().as_bytes())
        .map_err(|error| contradiction(format!("the checkpoint: {error}")))?;
    let checkpoint =
        Checkpoint::parse_text(&note.text).map_err(|error| contradiction(format!("the checkpoint: {error}")))?;
    if checkpoint.size != ledger.size() || checkpoint.origin != ledger.origin() || checkpoint.size.get() == 0 {
        return Err(contradiction("the checkpoint is not of the ledger's size and origin"));
    }
    Ok(checkpoint)
}

/// The checkpoints at which keys changed, and the proofs from them to now.
fn consistency<R: LedgerRead>(ledger: &R, keys: &[LedgerKey]) -> Result<Vec<u8>, ExportError> {
    let mut lines = Vec::new();
    for key in keys.iter().filter(|key| key.from > 0 && key.from < ledger.size().get()) {
        let size = TreeSize::new(key.from);
        let note = ledger.checkpoint_of(size).map_err(unread(format!("the checkpoint of size {size}")))?;
        let checkpoint = note.ok_or_else(|| {
            contradiction(format!("the checkpoint of size {size}, where the key changed, is missing"))
        })?;
        let proof = consistency_proof(ledger.tiles(), size, ledger.size())
            .map_err(unread(format!("the consistency proof from {size}")))?;
        let proof = proof.iter().map(ToString::to_string).collect();
        lines.extend_from_slice(&ConsistencyLine { checkpoint, proof }.to_bytes());
    }
    Ok(lines)
}

fn entry_line<R: LedgerRead>(ledger: &R, index: EntryIndex) -> Result<EntryLine, ExportError> {
    let header = ledger.header(index).map_err(unread(format!("entry {index}")))?;
    let proof = inclusion_proof(ledger.tiles(), index.get(), ledger.size())
        .map_err(unread(format!("the proof of entry {index}")))?;
    let opening = match ledger.opening(index).map_err(unread(format!("the record of entry {index}")))? {
        Some(opening) => Opening::Kept(opening),
        None if parse(index, &header)?.content.kept == Some(false) => Opening::Absent(Absent::NotKept),
        None => Opening::Absent(Absent::Erased),
    };
    Ok(EntryLine { header, proof, opening })
}

fn parse(index: EntryIndex, header: &[u8]) -> Result<EntryHeader, ExportError> {
    EntryHeader::parse(header).map_err(|error| contradiction(format!("entry {index}: {error}")))
}

/// Gathers indices until nothing more follows from them.
struct Collector<'a, R> {
    ledger: &'a R,
    entries: BTreeSet<u64>,
    /// Entries whose consequences are not yet looked at.
    pending: Vec<u64>,
    /// Trails that are or will be complete.
    trails: BTreeMap<String, Option<TrailClaim>>,
    wanted: Vec<String>,
}

impl<'a, R: LedgerRead> Collector<'a, R> {
    fn new(ledger: &'a R) -> Self {
        Self { ledger, entries: BTreeSet::new(), pending: Vec::new(), trails: BTreeMap::new(), wanted: Vec::new() }
    }

    fn take(&mut self, index: u64) {
        if self.entries.insert(index) {
            self.pending.push(index);
        }
    }

    fn want_trail(&mut self, subject: &str) {
        if !self.trails.contains_key(subject) {
            self.trails.insert(subject.to_owned(), None);
            self.wanted.push(subject.to_owned());
        }
    }

    fn claims(self) -> Vec<TrailClaim> {
        self.trails.into_values().flatten().collect()
    }

    fn run(&mut self) -> Result<(), ExportError> {
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
    fn foundations(&mut self) -> Result<Vec<LedgerKey>, ExportError> {
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

/// Whether an entry is the ledger's own and of this type.
pub(crate) fn is_own(header: &EntryHeader, event_type: &str) -> bool {
    header.received.via == "ledger" && header.event.as_ref().is_some_and(|event| event.r#type == event_type)
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
