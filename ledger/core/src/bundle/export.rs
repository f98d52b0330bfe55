//! Makes a bundle about some subjects: exactly what `docs/FORMAT.md` section 8 demands, found from the trails alone.

mod collector;

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{Seek, Write};

use modeltrail_schemas::catalogue;
use modeltrail_schemas::json;
use modeltrail_schemas::reading::READING;
use modeltrail_schemas::subject::Subject;
use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::note::Note;
use modeltrail_tlog::tree::{Cached, TileCache, TreeSize, consistency_proof, inclusion_proof};

use super::lines::{Absent, ConsistencyLine, EntryLine, LedgerKey, Opening};
use super::manifest::{Scope, TrailClaim};
use super::source::LedgerRead;
use super::writer::{BundleWriter, Claims, Finished};
use super::{BundleError, CONSISTENCY, KEYS, READINGS_DIR, REPORT_DIR};
use crate::header::EntryHeader;
use crate::types::{EntryIndex, Hex32};
use collector::Collector;

/// The ledger's own types that a bundle must carry.
pub(crate) mod own_types {
    pub(crate) const GENESIS: &str = "modeltrail.ledger.genesis.v1";
    pub(crate) const OPENED: &str = "modeltrail.ledger.opened.v1";
    pub(crate) const READING_CHANGED: &str = "modeltrail.ledger.reading_changed.v1";
    pub(crate) const TRAILS_ADDED: &str = "modeltrail.ledger.trails_added.v1";
    pub(crate) const CLOCK_STEPPED: &str = "modeltrail.ledger.clock_stepped.v1";
    pub(crate) const ERASED: &str = "modeltrail.record.erased.v1";
}

/// Tiles whose nodes are kept while a bundle is written, 16 KiB each: those of one way up, and of the entries around.
const CACHED_TILES: usize = 16;

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
    /// A report can't be rendered.
    #[error("could not render the reports: {source}")]
    Render {
        /// What the renderer says.
        source: Box<dyn Error + Send + Sync>,
    },
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

/// What a bundle will hold, before it is written.
#[derive(Clone, Debug)]
pub struct Collection {
    /// The ledger's name.
    pub origin: String,
    /// The size of the tree.
    pub tree_size: u64,
    /// The root of that tree.
    pub root: Hex32,
    /// What was asked for.
    pub scope: Scope,
    /// The entries, by index.
    pub entries: BTreeSet<u64>,
    /// The trails that are complete, sorted by subject.
    pub claims: Vec<TrailClaim>,
    keys: Vec<LedgerKey>,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The header's exact bytes.
    pub header: Vec<u8>,
    /// salt ‖ record; `None` when it was not kept or was erased.
    pub opening: Option<Vec<u8>>,
}

impl From<EntryLine> for Stored {
    fn from(line: EntryLine) -> Self {
        let opening = match line.opening {
            Opening::Kept(opening) => Some(opening),
            Opening::Absent(_) => None,
        };
        Self { header: line.header, opening }
    }
}

/// The entries of a collection, read one by one.
pub type Entries<'a> = &'a mut dyn Iterator<Item = Result<Stored, Interrupted>>;

/// Tells whoever reads the entries that there are no more of them, since the export failed; its own error says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the export failed on the way")]
pub struct Interrupted;

/// Report files by their names in a bundle.
pub type ReportFiles = Vec<(String, Vec<u8>)>;

/// Finds what a bundle of everything about some subjects holds. `further` are subjects whose trails come along, complete, without having been asked for.
///
/// # Errors
/// [`ExportError`] says what could not be read, or what contradicts itself.
pub fn collect<R: LedgerRead>(
    ledger: &R,
    request: &Request,
    further: &BTreeSet<String>,
) -> Result<Collection, ExportError> {
    let size = ledger.size();
    let as_of = request.as_of.unwrap_or(size);
    if as_of > size {
        return Err(ExportError::AsOf { as_of: as_of.get(), size: size.get() });
    }
    for subject in request.subjects.union(further) {
        Subject::parse(subject)
            .map_err(|error| ExportError::Subject { subject: subject.clone(), detail: error.to_string() })?;
    }
    let checkpoint = checkpoint_text(ledger)?;
    let mut collector = Collector::new(ledger);
    let keys = collector.foundations()?;
    request.subjects.union(further).for_each(|subject| collector.want_trail(subject));
    collector.run()?;
    Ok(Collection {
        origin: ledger.origin().to_owned(),
        tree_size: size.get(),
        root: Hex32(*checkpoint.root.as_bytes()),
        scope: Scope { as_of: as_of.get(), subjects: request.subjects.iter().cloned().collect() },
        entries: std::mem::take(&mut collector.entries),
        claims: collector.claims(),
        keys,
    })
}

impl Collection {
    /// Reads the entries one by one, in order.
    pub fn read<'a, R: LedgerRead>(
        &'a self,
        ledger: &'a R,
    ) -> impl Iterator<Item = Result<Stored, ExportError>> + use<'a, R> {
        self.entries.iter().map(|index| stored(ledger, EntryIndex(*index)))
    }
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
    export_with(ledger, request, &BTreeSet::new(), |_, _| Ok(Vec::new()), sign, out)
}

/// Writes a bundle with reports: `further` trails come along, and `render` makes the files under `report/` from the very entries that the bundle holds,
/// while they are written.
///
/// # Errors
/// As [`export`], and what `render` says.
pub fn export_with<R: LedgerRead, W: Write + Seek>(
    ledger: &R,
    request: &Request,
    further: &BTreeSet<String>,
    render: impl FnOnce(&Collection, Entries<'_>) -> Result<ReportFiles, Box<dyn Error + Send + Sync>>,
    sign: impl FnOnce(&str) -> Result<Note, Box<dyn Error + Send + Sync>>,
    out: W,
) -> Result<Finished<W>, ExportError> {
    let collection = collect(ledger, request, further)?;
    let mut bundle = BundleWriter::new(out);
    bundle.add(CONSISTENCY, &consistency(ledger, &collection.keys)?)?;
    // Indices ascend, so neighbours share tiles, and all share the upper ones.
    let cache = TileCache::new(CACHED_TILES);
    let tiles = Cached::new(ledger.tiles(), &cache);
    let mut passing = Passing {
        line: |index| entry_line(ledger, &tiles, EntryIndex(index)),
        indices: collection.entries.iter(),
        bundle: &mut bundle,
        failed: None,
    };
    let reports = render(&collection, &mut passing);
    // Whatever the reports did not ask for goes into the bundle all the same.
    passing.by_ref().for_each(drop);
    passing.failed.map_or(Ok(()), Err)?;
    let reports = reports.map_err(|source| ExportError::Render { source })?;
    bundle.add(KEYS, &LedgerKey::to_document(&collection.keys))?;
    bundle.add(&format!("{READINGS_DIR}{READING}.json"), &json::canonical(&catalogue::reading_table()))?;
    for (name, bytes) in reports {
        if !name.starts_with(REPORT_DIR) {
            return Err(BundleError::malformed(name, format!("is no report: those stand under {REPORT_DIR}")).into());
        }
        bundle.add(&name, &bytes)?;
    }
    let Collection { origin, root, scope, claims: trails, tree_size, .. } = collection;
    let claims = Claims { origin, root, scope, trails, tree_size };
    bundle.finish(claims, ledger.checkpoint().as_bytes(), |text| {
        sign(text).map_err(|source| ExportError::Sign { source })
    })
}

/// Entries on their way into a bundle: each is written as it is handed out.
struct Passing<'a, F, W: Write + Seek> {
    line: F,
    indices: std::collections::btree_set::Iter<'a, u64>,
    bundle: &'a mut BundleWriter<W>,
    failed: Option<ExportError>,
}

impl<F, W> Iterator for Passing<'_, F, W>
where
    F: FnMut(u64) -> Result<EntryLine, ExportError>,
    W: Write + Seek,
{
    type Item = Result<Stored, Interrupted>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed.is_some() {
            return None;
        }
        let line = (self.line)(*self.indices.next()?)
            .and_then(|line| self.bundle.entry(&line).map(|()| line).map_err(ExportError::from));
        Some(line.map(Stored::from).map_err(|error| {
            self.failed = Some(error);
            Interrupted
        }))
    }
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

fn stored<R: LedgerRead>(ledger: &R, index: EntryIndex) -> Result<Stored, ExportError> {
    let header = ledger.header(index).map_err(unread(format!("entry {index}")))?;
    let opening = ledger.opening(index).map_err(unread(format!("the record of entry {index}")))?;
    Ok(Stored { header, opening })
}

fn entry_line<R: LedgerRead>(
    ledger: &R,
    tiles: &Cached<'_, &R::Tiles>,
    index: EntryIndex,
) -> Result<EntryLine, ExportError> {
    let Stored { header, opening } = stored(ledger, index)?;
    let proof =
        inclusion_proof(tiles, index.get(), ledger.size()).map_err(unread(format!("the proof of entry {index}")))?;
    let opening = match opening {
        Some(opening) => Opening::Kept(opening),
        None if parse(index, &header)?.content.kept == Some(false) => Opening::Absent(Absent::NotKept),
        None => Opening::Absent(Absent::Erased),
    };
    Ok(EntryLine { header, proof, opening })
}

fn parse(index: EntryIndex, header: &[u8]) -> Result<EntryHeader, ExportError> {
    EntryHeader::parse(header).map_err(|error| contradiction(format!("entry {index}: {error}")))
}

/// Whether an entry is the ledger's own and of this type.
pub(crate) fn is_own(header: &EntryHeader, event_type: &str) -> bool {
    header.received.via == "ledger" && header.event.as_ref().is_some_and(|event| event.r#type == event_type)
}
