//! Reads the entries once: folds them into views, and keeps what the dossier asks the entries themselves.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_core::bundle::export::Stored;
use modeltrail_schemas::subject::Subject;
use modeltrail_tlog::hash::leaf_hash;
use modeltrail_views::fold::{BATCH_ENTRIES, Folder};
use modeltrail_views::lineage::{Direction, Lineage, MAX_DEPTH, walk};
use modeltrail_views::read::ReadEntry;
use modeltrail_views::rows::Mark;
use modeltrail_views::store::MemoryViews;
use modeltrail_views::view::View;
use serde_json::Value;

use super::{Cited, Facts, MAX_LINEAGE, ReportError};
use crate::words;

/// A counted statement about the version, its model, or what holds them.
pub(crate) struct Statement {
    pub(crate) index: u64,
    pub(crate) verb: String,
    pub(crate) about: String,
    pub(crate) time: String,
    pub(crate) mark: Mark,
    pub(crate) data: Value,
}

/// Where entries came from.
#[derive(Default)]
pub(crate) struct Arrived {
    pub(crate) entries: u64,
    pub(crate) kept_aside: u64,
    /// Partition → first and last offset.
    pub(crate) positions: BTreeMap<u64, (u64, u64)>,
}

/// Everything a dossier is made of.
pub(crate) struct Gathered<'f> {
    pub(crate) facts: &'f Facts,
    pub(crate) version: String,
    pub(crate) model: String,
    views: MemoryViews,
    /// By index; of subjects that concern the version.
    pub(crate) statements: Vec<Statement>,
    /// Every entry below the as-of size.
    pub(crate) entries: BTreeMap<u64, Cited>,
    pub(crate) changes: Vec<super::Change>,
    pub(crate) changes_left_out: u64,
    pub(crate) arrived: BTreeMap<String, Arrived>,
    pub(crate) clock: Option<String>,
    pub(crate) last_received: Option<String>,
    pub(crate) lineage: Lineage,
}

/// Kinds of subject that may hold a version, and whose statements then concern it.
const HOLDERS: &[&str] = &["system/", "usecase/", "supplier/"];

impl<'f> Gathered<'f> {
    pub(super) fn new<E>(
        entries: impl IntoIterator<Item = Result<Stored, E>>,
        version: &Subject,
        facts: &'f Facts,
    ) -> Result<Self, ReportError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let model = version.whole().map_or_else(String::new, |model| model.as_str().to_owned());
        let mut gathered = Self {
            facts,
            version: version.as_str().to_owned(),
            model,
            views: MemoryViews::new(),
            statements: Vec::new(),
            entries: BTreeMap::new(),
            changes: Vec::new(),
            changes_left_out: 0,
            arrived: BTreeMap::new(),
            clock: None,
            last_received: None,
            lineage: Lineage {
                start: version.as_str().to_owned(),
                direction: Direction::Both,
                nodes: Vec::new(),
                edges: Vec::new(),
                truncated: None,
            },
        };
        gathered.read(entries)?;
        gathered.lineage = walk(&gathered.view(), version.as_str(), Direction::Both, MAX_DEPTH, MAX_LINEAGE)?;
        Ok(gathered)
    }

    /// The views as of the size asked for.
    pub(crate) fn view(&self) -> View<'_> {
        View::new(&self.views, self.facts.as_of)
    }

    fn read<E>(&mut self, entries: impl IntoIterator<Item = Result<Stored, E>>) -> Result<(), ReportError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let views = std::mem::take(&mut self.views);
        let mut folder = Folder::new(&views)?;
        let (mut held, mut holders) = (Vec::new(), BTreeSet::new());
        for (number, stored) in entries.into_iter().enumerate() {
            let stored = stored.map_err(|source| ReportError::Entries { source: source.into() })?;
            let entry = ReadEntry::new(&stored.header, stored.opening.as_deref())?;
            if entry.index() >= self.facts.as_of {
                break;
            }
            folder.entry(&entry)?;
            if number % BATCH_ENTRIES == BATCH_ENTRIES - 1 {
                folder.write(entry.index() + 1, "")?;
            }
            self.note(&stored.header, &entry);
            self.keep(entry, &mut held, &mut holders);
        }
        folder.write(self.facts.as_of, "")?;
        drop(folder);
        self.views = views;
        held.retain(|statement: &Statement| holders.contains(&statement.about));
        self.statements.append(&mut held);
        self.statements.sort_by_key(|statement| statement.index);
        Ok(())
    }

    /// What is kept of every entry.
    fn note(&mut self, header: &[u8], entry: &ReadEntry) {
        let received = &entry.header.received;
        self.entries.insert(
            entry.index(),
            Cited {
                entry: entry.index(),
                leaf: leaf_hash(header).to_string(),
                r#type: words::visible(entry.r#type()),
                received: received.at.clone(),
            },
        );
        self.last_received = Some(received.at.clone());
        if entry.own() && entry.verb() == "ledger.genesis" {
            self.clock = entry.text("/clock");
        }
        let source = received.source.clone().unwrap_or_else(|| received.via.clone());
        let arrived = self.arrived.entry(source).or_default();
        arrived.entries += 1;
        arrived.kept_aside += u64::from(entry.quarantined());
        if let (Some(partition), Some(offset)) = (received.partition, received.offset) {
            let range = arrived.positions.entry(partition).or_insert((offset, offset));
            *range = (range.0.min(offset), range.1.max(offset));
        }
    }

    /// Keeps statements about the version and its model, and for now those about what may hold them.
    fn keep(&mut self, entry: ReadEntry, held: &mut Vec<Statement>, holders: &mut BTreeSet<String>) {
        let trails = entry.trails();
        let (version, model) = (self.version.as_str(), self.model.as_str());
        let ours = |subject: &str| subject == version || subject == model;
        let touches = trails.iter().any(|(role, subject)| ours(subject) && *role != "whole");
        let about = entry.about().unwrap_or_default();
        let ours = ours(about);
        if touches || about == self.model {
            self.log(&entry);
        }
        if !entry.counts() {
            return;
        }
        let holds = HOLDERS.iter().any(|kind| about.starts_with(kind));
        if !ours && !holds {
            return;
        }
        if holds && touches {
            holders.insert(about.to_owned());
        }
        let statement = Statement {
            index: entry.index(),
            verb: entry.verb().to_owned(),
            about: about.to_owned(),
            time: entry.happened(),
            mark: entry.mark(),
            data: entry.data,
        };
        if holds { held.push(statement) } else { self.statements.push(statement) }
    }

    fn log(&mut self, entry: &ReadEntry) {
        if self.changes.len() >= super::MAX_CHANGES {
            self.changes_left_out += 1;
            return;
        }
        self.changes.push(super::Change {
            entry: entry.index(),
            time: entry.happened(),
            words: words::sentence(entry),
            signature: words::mark_words(entry.mark()),
        });
    }

    /// The version's first registration that counts.
    pub(crate) fn registration(&self) -> Option<&Statement> {
        let registered =
            |statement: &&Statement| statement.verb == super::fields::REGISTERED && statement.about == self.version;
        self.statements.iter().find(registered)
    }
}
