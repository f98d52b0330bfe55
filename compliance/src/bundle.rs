//! The dossier inside a bundle: rendered from the very entries that the bundle holds, so that whoever has the bundle can render it again.

use std::error::Error;
use std::io::{Seek, Write};

use modeltrail_core::bundle::export::{
    Collection, Entries, ExportError, ReportFiles, Request, Stored, collect, export_with,
};
use modeltrail_core::bundle::lines::{Absent, EntryLine, Opening};
use modeltrail_core::bundle::manifest::Manifest;
use modeltrail_core::bundle::reader::{BundleReader, Chunk, Chunks};
use modeltrail_core::bundle::source::LedgerRead;
use modeltrail_core::bundle::writer::Finished;
use modeltrail_core::bundle::{BundleError, ENTRIES, MANIFEST, MAX_DOCUMENT_BYTES, REPORT_DIR};
use modeltrail_tlog::note::Note;
use modeltrail_tlog::tree::TreeSize;

use crate::dossier::{Dossier, Facts, RENDERER, ReportError, dossier, version_of};
use crate::scope::scope;

/// The dossier as JSON.
pub const DOSSIER_JSON: &str = "report/dossier.json";
/// The dossier as a page.
pub const DOSSIER_HTML: &str = "report/dossier.html";
/// Bytes of `entries.jsonl` that are held as text at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// What a report says about the ledger, from a collection.
#[must_use]
pub fn facts_of_collection(collection: &Collection) -> Facts {
    Facts {
        origin: collection.origin.clone(),
        size: collection.tree_size,
        root: collection.root.to_string(),
        as_of: collection.scope.as_of,
        complete: collection.claims.iter().map(|claim| claim.subject.clone()).collect(),
    }
}

/// The same from a bundle's manifest.
#[must_use]
pub fn facts_of_manifest(manifest: &Manifest) -> Facts {
    Facts {
        origin: manifest.origin.clone(),
        size: manifest.tree_size,
        root: manifest.root.to_string(),
        as_of: manifest.scope.as_of,
        complete: manifest.trails.iter().map(|claim| claim.subject.clone()).collect(),
    }
}

/// What asks for the dossier of a version.
///
/// # Errors
/// The subject is no version.
pub fn request(version: &str, as_of: Option<TreeSize>) -> Result<Request, ReportError> {
    let version = version_of(version)?;
    Ok(Request { subjects: std::iter::once(version.as_str().to_owned()).collect(), as_of })
}

/// The dossier of a version as a ledger holds it, without a bundle. It is the one that [`export_dossier`] would put into one.
///
/// # Errors
/// The subject is no version, or the ledger can't be read.
pub fn preview<R: LedgerRead>(ledger: &R, version: &str, as_of: Option<TreeSize>) -> Result<Dossier, ReportError> {
    let entries = |source: ExportError| ReportError::Entries { source: Box::new(source) };
    let further = scope(ledger, version, as_of.unwrap_or(ledger.size()).get())?;
    let collection = collect(ledger, &request(version, as_of)?, &further).map_err(entries)?;
    dossier(collection.read(ledger), version, &facts_of_collection(&collection))
}

/// Writes the bundle of a version with its dossier.
///
/// # Errors
/// The subject is no version, the ledger can't be read, or `out` can't be written.
pub fn export_dossier<R: LedgerRead, W: Write + Seek>(
    ledger: &R,
    version: &str,
    as_of: Option<TreeSize>,
    sign: impl FnOnce(&str) -> Result<Note, Box<dyn Error + Send + Sync>>,
    out: W,
) -> Result<Finished<W>, ExportError> {
    let size = ledger.size();
    if let Some(asked) = as_of.filter(|asked| *asked > size) {
        return Err(ExportError::AsOf { as_of: asked.get(), size: size.get() });
    }
    let unrendered = |source: ReportError| ExportError::Render { source: Box::new(source) };
    let further = scope(ledger, version, as_of.unwrap_or(size).get()).map_err(unrendered)?;
    let request = request(version, as_of).map_err(unrendered)?;
    export_with(ledger, &request, &further, |collection, entries| render(collection, entries, version), sign, out)
}

/// Renders the report files of a bundle about a version, for [`export_with`].
///
/// # Errors
/// The subject is no version, or an entry can't be read.
pub fn render(
    collection: &Collection,
    entries: Entries<'_>,
    version: &str,
) -> Result<ReportFiles, Box<dyn Error + Send + Sync>> {
    let dossier = dossier(entries, version, &facts_of_collection(collection))?;
    Ok(vec![(DOSSIER_HTML.to_owned(), dossier.to_html()?), (DOSSIER_JSON.to_owned(), dossier.to_json())])
}

/// What came of rendering the reports of a bundle again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rerendered {
    /// There is no report in it.
    None,
    /// All are the same, byte for byte.
    Same {
        /// The files.
        files: Vec<String>,
    },
    /// One is another.
    Differs {
        /// Which file.
        file: String,
        /// The first byte that is another, from 0; the length of the shorter one where one goes on.
        at: u64,
    },
    /// It can't be said.
    CouldNotBeJudged {
        /// Why.
        why: String,
    },
}

/// Why reports can't be rendered again at all.
#[derive(Debug, thiserror::Error)]
pub enum RerenderError {
    /// The bundle can't be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// Renders the reports of a bundle again from its own entries. What comes of it means something only if the bundle verifies.
///
/// # Errors
/// The bundle can't be read.
pub fn rerender(reader: &mut BundleReader) -> Result<Rerendered, RerenderError> {
    let open = |why: String| Ok(Rerendered::CouldNotBeJudged { why });
    let manifest = Manifest::parse(&reader.read(MANIFEST, MAX_DOCUMENT_BYTES)?)?;
    let files: Vec<String> = manifest.files.keys().filter(|name| name.starts_with(REPORT_DIR)).cloned().collect();
    if files.is_empty() {
        return Ok(Rerendered::None);
    }
    if let Some(other) = files.iter().find(|name| !matches!(name.as_str(), DOSSIER_JSON | DOSSIER_HTML)) {
        return open(format!("this program knows no report called {other}"));
    }
    let json = reader.read(DOSSIER_JSON, MAX_DOCUMENT_BYTES)?;
    if let Some(found) = renderer(&json).filter(|found| *found != RENDERER) {
        return open(format!("renderer {found} made it, and this program has renderer {RENDERER}"));
    }
    let [version] = manifest.scope.subjects.as_slice() else {
        return open("a dossier is about one subject, and the bundle was asked for about another number".to_owned());
    };
    let dossier = match again(reader, version, &manifest)? {
        Ok(dossier) => dossier,
        Err(why) => return open(why),
    };
    let html = match dossier.to_html() {
        Ok(html) => html,
        Err(error) => return open(error.to_string()),
    };
    let mut held = |name: &str, made: &[u8], stood: Option<Vec<u8>>| -> Result<Option<Rerendered>, RerenderError> {
        let stood = stood.map_or_else(|| reader.read(name, MAX_DOCUMENT_BYTES), Ok)?;
        let differs = |at| Rerendered::Differs { file: name.to_owned(), at };
        Ok(first_difference(made, &stood).map(differs))
    };
    if let Some(differs) = held(DOSSIER_JSON, &dossier.to_json(), Some(json))? {
        return Ok(differs);
    }
    if let Some(differs) = held(DOSSIER_HTML, &html, None)? {
        return Ok(differs);
    }
    Ok(Rerendered::Same { files })
}

/// The renderer that a report names.
fn renderer(json: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(json).ok()?.get("renderer")?.as_u64()
}

fn again(
    reader: &mut BundleReader,
    version: &str,
    manifest: &Manifest,
) -> Result<Result<Dossier, String>, BundleError> {
    let mut withheld = false;
    let mut lines = Lines::new(Chunks::new(reader.stream(ENTRIES)?));
    let entries = std::iter::from_fn(|| lines.next()).inspect(|line| {
        withheld |= matches!(line, Ok((_, true)));
    });
    let made = dossier(entries.map(|line| line.map(|(stored, _)| stored)), version, &facts_of_manifest(manifest));
    Ok(match made {
        _ if withheld => Err("records are withheld that the report was made from".to_owned()),
        Ok(dossier) => Ok(dossier),
        Err(error) => Err(error.to_string()),
    })
}

fn first_difference(one: &[u8], other: &[u8]) -> Option<u64> {
    if one == other {
        return None;
    }
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    Some(at.unwrap_or(one.len().min(other.len())) as u64)
}

/// The entries of a bundle, one after the other.
pub struct Lines<R> {
    chunks: Chunks<R>,
    pending: std::vec::IntoIter<Result<(Stored, bool), BundleError>>,
}

impl<R: std::io::Read> Lines<R> {
    /// Reads entries from `entries.jsonl`.
    pub fn new(chunks: Chunks<R>) -> Self {
        Self { chunks, pending: Vec::new().into_iter() }
    }
}

impl<R: std::io::Read> Iterator for Lines<R> {
    /// The entry, and whether its record is withheld.
    type Item = Result<(Stored, bool), BundleError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.pending.next() {
                return Some(line);
            }
            let mut chunk = Chunk::default();
            match self.chunks.next(CHUNK_BYTES, &mut chunk) {
                Ok(true) => {
                    self.pending = chunk.lines().map(|(at, line)| parse(at, line)).collect::<Vec<_>>().into_iter()
                }
                Ok(false) => return None,
                Err(source) => return Some(Err(BundleError::Io { what: ENTRIES.to_owned(), source })),
            }
        }
    }
}

fn parse(at: u64, line: &[u8]) -> Result<(Stored, bool), BundleError> {
    let line = EntryLine::parse(line)
        .map_err(|fault| BundleError::Malformed { place: format!("{ENTRIES} line {at}"), fault: fault.to_string() })?;
    let withheld = matches!(line.opening, Opening::Absent(Absent::Withheld));
    Ok((Stored::from(line), withheld))
}
