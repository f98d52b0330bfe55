//! Which event field fills which field of the dossier.
//!
//! A pointer leads from the event: `/data/…` into its data, `*` for each element of a list; `/time` is when it happened, `/about` the subject
//! that it is about, and `/signers` what became of its signatures.

mod governed;
mod made;

use super::gather::Gathered;
use super::{ReportError, rows};

use governed::{SECTION_3, SECTION_4, SECTION_5, SECTION_6, SECTION_7, SECTION_8, SECTION_9};
use made::{SECTION_1, SECTION_2};

/// A type of event without `modeltrail.` and version, and a pointer into it.
pub type Source = (&'static str, &'static str);

/// Which of several events counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// The first: what can't change.
    First,
    /// The newest.
    Newest,
}

/// A field of the dossier.
#[derive(Clone, Copy, Debug)]
pub(super) struct FactDef {
    /// Its id within the block.
    pub(in crate::dossier) id: &'static str,
    /// Its label.
    pub(in crate::dossier) label: &'static str,
    /// Which of the events counts.
    pub(in crate::dossier) take: Take,
    /// What fills it.
    pub(in crate::dossier) sources: &'static [Source],
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnDef {
    /// Its id within the block.
    pub(in crate::dossier) id: &'static str,
    /// Its head.
    pub(in crate::dossier) label: &'static str,
    /// What fills it.
    pub(in crate::dossier) sources: &'static [Source],
}

/// Where a table's rows come from.
#[derive(Clone, Copy)]
pub(super) enum RowsDef {
    /// One a counted event of these types about the version, its model, or a system or use case that holds it.
    Events(&'static [&'static str]),
    /// One an element of a list in the version's registration.
    List(&'static str),
    /// One a row of the views.
    Views(fn(&Gathered<'_>) -> Result<Vec<rows::Made>, ReportError>),
}

/// A part of a section.
#[derive(Clone, Copy)]
pub(super) struct BlockDef {
    /// Its id.
    pub(in crate::dossier) id: &'static str,
    /// Its title.
    pub(in crate::dossier) title: &'static str,
    /// Its fields.
    pub(in crate::dossier) facts: &'static [FactDef],
    /// Its table's columns and rows.
    pub(in crate::dossier) table: Option<(&'static [ColumnDef], RowsDef)>,
}

/// The nine headings: number, our words for it, parts.
pub(super) const SECTIONS: [(u8, &str, &[BlockDef]); 9] = [
    (1, "General description", SECTION_1),
    (2, "Parts, and how it was made", SECTION_2),
    (3, "How it works, is watched over and controlled", SECTION_3),
    (4, "Why these metrics fit", SECTION_4),
    (5, "Risk management", SECTION_5),
    (6, "Changes over its life", SECTION_6),
    (7, "Standards applied", SECTION_7),
    (8, "Declaration of conformity", SECTION_8),
    (9, "Watching it in use", SECTION_9),
];

/// The type of registrations.
pub(super) const REGISTERED: &str = "model.version_registered";

const fn fact(id: &'static str, label: &'static str, take: Take, sources: &'static [Source]) -> FactDef {
    FactDef { id, label, take, sources }
}

const fn column(id: &'static str, label: &'static str, sources: &'static [Source]) -> ColumnDef {
    ColumnDef { id, label, sources }
}

/// Every field of the dossier: its id, and what fills it.
pub fn all() -> impl Iterator<Item = (String, &'static [Source])> {
    SECTIONS.iter().flat_map(|(_, _, blocks)| blocks.iter()).flat_map(|block| {
        let facts = block.facts.iter().map(|fact| (format!("{}.{}", block.id, fact.id), fact.sources));
        let columns = block.table.map(|(columns, _)| columns).unwrap_or_default();
        facts
            .chain(columns.iter().map(|column| (format!("{}.{}", block.id, column.id), column.sources)))
            .collect::<Vec<_>>()
    })
}
