//! Whose trails the dossier of a version needs, found from headers and trails alone: no views are asked, so the answer is the same wherever the log is.
//!
//! The version and its model always; what it was made of and which versions were made of it, as far as entries lead there; where these run and ran; incidents that touch it; systems, use cases and
//! suppliers that hold it; the wholes of its datasets, whose legal basis is told of the whole; and the sources that its entries came from.
//! Bounds keep a bundle small; a dossier names the subjects of its lineage whose trails it has not got.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::error::Error;

use modeltrail_core::bundle::source::LedgerRead;
use modeltrail_core::header::{EntryHeader, MAX_TRAILS};
use modeltrail_core::types::EntryIndex;
use modeltrail_schemas::subject::encode_part;
use modeltrail_views::read::ReadEntry;

use crate::dossier::{ReportError, version_of};

/// Subjects whose trails are taken: more is no dossier but a copy of the ledger.
pub const MAX_SUBJECTS: usize = 2_000;
/// Entries on all of them together: a bundle of some hundred megabytes at most, as records are rarely over a few kilobytes.
pub const MAX_ENTRIES: usize = 50_000;
/// Entries on one trail beside the version's and its model's: a dataset that everybody uses, an image that everything runs in.
pub const MAX_TRAIL: usize = 5_000;
/// Entries on the trail of a source: longer ones tell of a year of trouble, and have a report of their own.
pub const MAX_SOURCE_TRAIL: usize = 500;
/// Trail entries that are asked for at a time.
const PAGE: usize = 1_024;

/// How a subject is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Follow {
    /// The version itself.
    Version,
    /// Its model.
    Model,
    /// What went into it: on to what went into that.
    Up,
    /// A version made of it: on to what was made of that, and to where it runs.
    Down,
    /// Its trail is taken, and leads no further.
    Here,
}

/// Subjects whose trails go into the dossier of a version as of a size, the version itself among them.
///
/// # Errors
/// The subject is no version, or the ledger can't be read.
pub fn scope<R: LedgerRead>(ledger: &R, version: &str, as_of: u64) -> Result<BTreeSet<String>, ReportError> {
    let parsed = version_of(version)?;
    let model = parsed.whole().map(|whole| whole.as_str().to_owned()).unwrap_or_default();
    let mut search = Search {
        ledger,
        version,
        as_of,
        taken: BTreeSet::new(),
        entries: BTreeSet::new(),
        sources: BTreeSet::new(),
        seen: BTreeSet::new(),
        queue: VecDeque::new(),
    };
    search.want(version, Follow::Version);
    search.want(&model, Follow::Model);
    while let Some((subject, follow)) = search.queue.pop_front() {
        search.subject(&subject, follow)?;
    }
    for source in std::mem::take(&mut search.sources) {
        let subject = format!("source/{}", encode_part(&source));
        search.take(&subject, Follow::Here, MAX_SOURCE_TRAIL)?;
    }
    Ok(search.taken)
}

struct Search<'a, R> {
    ledger: &'a R,
    version: &'a str,
    as_of: u64,
    taken: BTreeSet<String>,
    entries: BTreeSet<u64>,
    sources: BTreeSet<String>,
    seen: BTreeSet<String>,
    queue: VecDeque<(String, Follow)>,
}

impl<R: LedgerRead> Search<'_, R> {
    fn want(&mut self, subject: &str, follow: Follow) {
        if self.seen.insert(subject.to_owned()) {
            self.queue.push_back((subject.to_owned(), follow));
        }
    }

    fn subject(&mut self, subject: &str, follow: Follow) -> Result<(), ReportError> {
        let limit = if matches!(follow, Follow::Version | Follow::Model) { MAX_ENTRIES } else { MAX_TRAIL };
        for index in self.take(subject, follow, limit)? {
            let header = self.header(index)?;
            self.sources.extend(header.received.source.clone());
            if header.quarantine.is_none() && index.get() < self.as_of {
                let steps = self.steps(&header, index)?;
                self.follow(subject, follow, &steps);
            }
        }
        let dataset = follow == Follow::Up && subject.starts_with("dataset/");
        if let Some((whole, _)) = subject.split_once('@').filter(|_| dataset) {
            self.want(whole, Follow::Here);
        }
        Ok(())
    }

    /// The entries of a trail, if it fits; empty otherwise.
    fn take(&mut self, subject: &str, follow: Follow, limit: usize) -> Result<Vec<EntryIndex>, ReportError> {
        let room = MAX_ENTRIES.saturating_sub(self.entries.len());
        let always = matches!(follow, Follow::Version | Follow::Model);
        let limit = if always { usize::MAX } else { limit.min(room) };
        if self.taken.len() >= MAX_SUBJECTS {
            return Ok(Vec::new());
        }
        let Some(indices) = self.trail(subject, limit)? else { return Ok(Vec::new()) };
        self.entries.extend(indices.iter().map(|index| index.get()));
        self.taken.insert(subject.to_owned());
        Ok(indices)
    }

    /// A trail of at most `limit` entries; `None` for a longer one.
    fn trail(&self, subject: &str, limit: usize) -> Result<Option<Vec<EntryIndex>>, ReportError> {
        let mut indices: Vec<EntryIndex> = Vec::new();
        loop {
            let page = self.ledger.trail(subject, indices.len() as u64, PAGE).map_err(unread)?;
            let all = page.len() < PAGE;
            let before = indices.len();
            indices.extend(page.into_iter().filter(|index| index.get() < self.ledger.size().get()));
            if indices.len() > limit {
                return Ok(None);
            }
            if all || indices.len() - before < PAGE {
                return Ok(Some(indices));
            }
        }
    }

    fn header(&self, index: EntryIndex) -> Result<EntryHeader, ReportError> {
        let bytes = self.ledger.header(index).map_err(unread)?;
        EntryHeader::parse(&bytes).map_err(unread)
    }

    /// Role → subjects. A full header may not name them all; then the record is read.
    fn steps(&self, header: &EntryHeader, index: EntryIndex) -> Result<BTreeMap<String, Vec<String>>, ReportError> {
        let mut steps: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut step = |role: String, subject: String| steps.entry(role).or_default().push(subject);
        if header.trails.len() == MAX_TRAILS {
            let bytes = self.ledger.header(index).map_err(unread)?;
            let opening = self.ledger.opening(index).map_err(unread)?;
            let entry = ReadEntry::new(&bytes, opening.as_deref())?;
            let trails = entry.trails().into_iter().take(MAX_SUBJECTS);
            trails.for_each(|(role, subject)| step(role.to_owned(), subject.to_owned()));
        } else {
            header.trails.iter().for_each(|found| step(found.role.clone(), found.subject.clone()));
        }
        Ok(steps)
    }

    fn follow(&mut self, subject: &str, follow: Follow, steps: &BTreeMap<String, Vec<String>>) {
        let has = |role: &str, wanted: &str| steps.get(role).is_some_and(|found| found.iter().any(|one| one == wanted));
        let about = steps.get("about").and_then(|about| about.first()).cloned().unwrap_or_default();
        let kind = about.split('/').next().unwrap_or_default();
        // An alias that moves on names a version as what it leaves: that makes nothing.
        let made_of =
            |part: &str| about != part && about.contains('@') && (has("base", part) || has("component", part));
        match follow {
            Follow::Here => {}
            Follow::Version if about == subject => self.inputs(steps),
            Follow::Version => match kind {
                "deployment" | "incident" | "system" | "usecase" | "supplier" | "run" => {
                    self.want(&about, Follow::Here)
                }
                "model" if made_of(subject) => self.want(&about, Follow::Down),
                _ => {}
            },
            Follow::Down if kind == "deployment" => self.want(&about, Follow::Here),
            Follow::Down if kind == "model" && made_of(subject) => self.want(&about, Follow::Down),
            Follow::Down => {}
            // As a mere whole the model stands on every entry about another of its versions.
            Follow::Model => {
                let meant = about != subject && !has("whole", subject);
                if meant && matches!(kind, "incident" | "system" | "usecase" | "supplier") {
                    self.want(&about, Follow::Here);
                }
            }
            Follow::Up if about == subject => self.inputs(steps),
            Follow::Up if has("output", subject) => {
                self.want(&about, Follow::Up);
                self.inputs(steps);
            }
            Follow::Up => {}
        }
    }

    /// What went into what an entry is about.
    fn inputs(&mut self, steps: &BTreeMap<String, Vec<String>>) {
        for role in ["run", "code", "environment", "base", "component", "input"] {
            for subject in steps.get(role).into_iter().flatten() {
                if subject != self.version {
                    self.want(subject, Follow::Up);
                }
            }
        }
    }
}

fn unread<E: Error + Send + Sync + 'static>(source: E) -> ReportError {
    ReportError::Entries { source: Box::new(source) }
}
