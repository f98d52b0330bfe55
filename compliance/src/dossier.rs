//! The dossier of one version of a model: under the nine headings of the AI Act's Annex IV, in our own words, everything the entries say.
//!
//! Each field stands with the entry that fills it, or as *not recorded* with the type of event that would. Which event field fills which field is data
//! ([`fields`]), so a field can't be filled from anywhere else. Text that a person wrote enters as the title and digest of a published document, never as prose of the report's own.
//!
//! A dossier is a function of (entries, checkpoint, subject, as-of): given the same, it is the same bytes.

mod around;
pub mod fields;
mod fill;
mod gather;
mod html;
mod rows;

use modeltrail_core::bundle::export::Stored;
use modeltrail_schemas::json;
use modeltrail_schemas::subject::{Kind, Subject};
use modeltrail_views::lineage::Lineage;
use modeltrail_views::read::ReadError;
use modeltrail_views::rows::Finding;
use modeltrail_views::store::ViewError;
use serde::Serialize;
use serde_json::Value;

/// The version of this renderer: a report made by another one can't be judged by rendering it again.
pub const RENDERER: u64 = 1;
/// The report's name in `report.issued` entries.
pub const NAME: &str = "version-dossier";
/// Rows of one table; more are counted, and stand in the bundle's entries.
pub const MAX_ROWS: usize = 500;
/// Lines of the change log; more are counted.
pub const MAX_CHANGES: usize = 2_000;
/// Subjects of the lineage in a dossier: what a reader can be asked to follow.
pub const MAX_LINEAGE: usize = 2_000;

/// What a report is told about the ledger and the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The ledger's name.
    pub origin: String,
    /// The size of the tree of the checkpoint.
    pub size: u64,
    /// Its root, 64 hex digits.
    pub root: String,
    /// As of which size the report speaks.
    pub as_of: u64,
    /// Subjects whose trails are there, complete, sorted.
    pub complete: Vec<String>,
}

/// Why a report can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// What a dossier is asked for is no version of a model.
    #[error("{subject:?} is no version of a model; a dossier is about one, such as model/risk/fraud@2.1.0")]
    NotVersion {
        /// What was given.
        subject: String,
    },
    /// The entries can't be had.
    #[error("could not read the entries: {source}")]
    Entries {
        /// What whoever holds them says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An entry can't be read.
    #[error(transparent)]
    Entry(#[from] ReadError),
    /// The views can't be folded or asked.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The page can't be rendered.
    #[error("could not render the page: {source}")]
    Page {
        /// What the template engine says.
        #[from]
        source: askama::Error,
    },
}

/// The dossier.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dossier {
    /// [`NAME`].
    pub report: &'static str,
    /// [`RENDERER`].
    pub renderer: u64,
    /// The version.
    pub subject: String,
    /// As of which size.
    pub as_of: u64,
    /// The signed summary that every entry is proven against.
    pub checkpoint: Checkpoint,
    /// `system` or `simulated`, as entry 0 says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// When the last entry was received that the dossier rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_received: Option<String>,
    /// Whether any entry names the version.
    pub known: bool,
    /// Broken expectations about the version and what belongs to it.
    pub findings: Vec<Finding>,
    /// Findings on these entries that are about other models: their trails are not here, so they are not judged here.
    pub findings_elsewhere: u64,
    /// The nine headings.
    pub sections: Vec<Section>,
    /// What went into the version and what came of it.
    pub lineage: Lineage,
    /// Subjects of the lineage whose own trails are not here: what lies behind them may be more.
    pub lineage_open: Vec<String>,
    /// What happened, in plain words, in the order of entries.
    pub changes: Vec<Change>,
    /// Lines of the change log that were left out.
    pub changes_left_out: u64,
    /// Where the entries came from, and how far that is known to be all.
    pub ingest: Vec<SourceLine>,
    /// The entries that the dossier cites.
    pub cited: Vec<Cited>,
    /// What the bundle proves.
    pub proven: Vec<String>,
    /// What it does not prove.
    pub not_proven: Vec<String>,
}

/// A checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// The ledger's name.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root of their tree, 64 hex digits.
    pub root: String,
}

/// One heading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// Its number in Annex IV.
    pub number: u8,
    /// The heading.
    pub title: &'static str,
    /// Its parts.
    pub blocks: Vec<Block>,
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Block {
    /// Its id: fields' ids begin with it.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Single fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// A table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fact {
    /// Its id.
    pub id: String,
    /// Its label.
    pub label: &'static str,
    /// Its values; none when it was not recorded.
    pub values: Vec<Cell>,
    /// The types of event that fill it.
    pub filled_by: Vec<String>,
}

/// A value and the entry that says so.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// The entry.
    pub entry: u64,
    /// The value, as the event has it.
    pub value: Value,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Rows left out.
    pub left_out: u64,
    /// The types of event that give rows.
    pub filled_by: Vec<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its field's id.
    pub id: String,
    /// Its head.
    pub label: &'static str,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The entry that the row is about.
    pub entry: u64,
    /// One cell a column; `None` when it was not recorded.
    pub cells: Vec<Option<Cell>>,
}

/// A line of the change log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The entry.
    pub entry: u64,
    /// When it happened, as the source says, else when it was received.
    pub time: String,
    /// What it states.
    pub words: String,
    /// What became of its signatures, in words.
    pub signature: &'static str,
}

/// A source of entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceLine {
    /// Its name; `http` and `ledger` for what came that way.
    pub source: String,
    /// Entries of this dossier that came from it.
    pub entries: u64,
    /// Entries among them that are kept aside.
    pub kept_aside: u64,
    /// Partition, first and last offset of what is here.
    pub positions: Vec<(u64, u64, u64)>,
    /// Whether the trail of the source is here, complete.
    pub trail: bool,
    /// What is known of completeness, in words.
    pub words: String,
    /// Entries that say it.
    pub said_by: Vec<u64>,
}

/// A cited entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cited {
    /// Its index.
    pub entry: u64,
    /// Its leaf hash, 64 hex digits.
    pub leaf: String,
    /// Its event's type; empty without one.
    pub r#type: String,
    /// When it was received.
    pub received: String,
}

/// Makes the dossier of a version from stored entries, in the order of their indices. Entries at or above `facts.as_of` are passed over.
///
/// # Errors
/// The subject is no version, or an entry can't be read.
pub fn dossier<E>(
    entries: impl IntoIterator<Item = Result<Stored, E>>,
    subject: &str,
    facts: &Facts,
) -> Result<Dossier, ReportError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let version = version_of(subject)?;
    let gathered = gather::Gathered::new(entries, &version, facts)?;
    around::assemble(&gathered, facts)
}

/// The subject, if it is a version of a model.
pub(crate) fn version_of(subject: &str) -> Result<Subject, ReportError> {
    let refuse = || ReportError::NotVersion { subject: subject.to_owned() };
    let parsed = Subject::parse(subject).map_err(|_| refuse())?;
    if parsed.kind() == Kind::Model && parsed.version().is_some() { Ok(parsed) } else { Err(refuse()) }
}

impl Dossier {
    /// The dossier as canonical JSON, without line end.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let value = serde_json::to_value(self).expect("texts, numbers, lists and JSON values always serialise");
        json::canonical(&value)
    }

    /// The dossier as one HTML page that needs nothing else.
    ///
    /// # Errors
    /// The template can't be rendered.
    pub fn to_html(&self) -> Result<Vec<u8>, ReportError> {
        html::page(self)
    }
}
