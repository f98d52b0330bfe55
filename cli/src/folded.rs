//! A bundle as views: verified, then folded in memory, so that it answers the questions that a ledger's views answer.
//!
//! A bundle holds the trails that it was made about and little more. What it answers about anything else may be a part of the truth:
//! whoever asks is told which trails are whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::bail;
use modeltrail_core::bundle::lines::{Absent, EntryLine, Opening};
use modeltrail_core::bundle::manifest::Manifest;
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::bundle::{MANIFEST, MAX_DOCUMENT_BYTES};
use modeltrail_core::header::{EntryHeader, Signer};
use modeltrail_core::verify::{Aspect, Outcome, Report, Trust, Verdict};
use modeltrail_views::fold::{BATCH_ENTRIES, Folder};
use modeltrail_views::read::ReadEntry;
use modeltrail_views::rows::Finding;
use modeltrail_views::store::MemoryViews;
use modeltrail_views::view::View;

use crate::bundle;
use crate::commands::verify;
use crate::exit::refused;
use crate::output::{printable, say};
use crate::when::AsOf;

/// Subjects that are named when it is said what a bundle is about.
const MAX_NAMED: usize = 3;
/// Rules, by the beginnings of their names, whose findings need nothing but the entries that they name.
const SHOWN_BY_ONE_ENTRY: &[&str] = &["signature-", "signer-", "conflicting-id", "source-", "version-reregistered"];

/// Whether a subject is a version of a model.
pub(crate) fn is_version(subject: &str) -> bool {
    subject.starts_with("model/") && subject.contains('@')
}

/// What is kept of an entry besides what the views make of it.
pub(crate) struct Seen {
    /// When the ledger received it.
    pub(crate) received: String,
    /// Its signers, as verified.
    pub(crate) signers: Vec<Signer>,
    /// Whether the ledger itself speaks.
    pub(crate) own: bool,
    /// Why its record is not in the bundle; then nobody here knows what it says.
    pub(crate) absent: Option<Absent>,
    /// The trails it stands on, kept only where its record is absent.
    pub(crate) subjects: Vec<String>,
}

/// A verified bundle and the views of its entries.
pub(crate) struct Folded {
    path: PathBuf,
    views: MemoryViews,
    /// What it claims.
    pub(crate) manifest: Manifest,
    /// What verification said. Nothing in it fails.
    pub(crate) report: Report,
    /// Its entries.
    pub(crate) seen: BTreeMap<u64, Seen>,
}

impl Folded {
    /// Verifies a bundle and folds its entries. What could not be judged is said.
    ///
    /// A bundle that does not hold says nothing and is refused.
    pub(crate) fn open(path: &Path, trust: &Trust) -> anyhow::Result<Self> {
        let report = bundle::verify(path, trust, None)?;
        let outcome = report.outcome(false);
        if outcome == Outcome::DoesNotHold {
            say(&verify::text(&report, outcome));
            return Err(refused(format!("{} does not hold, so it says nothing", path.display())));
        }
        for aspect in Aspect::ALL {
            if let Verdict::CouldNotBeJudged { why } = report.verdict(aspect) {
                say(&format!("note: {} could not be judged: {}", aspect.as_str(), printable(why)));
            }
        }
        let manifest = BundleReader::open(path)?.read(MANIFEST, MAX_DOCUMENT_BYTES)?;
        let manifest = Manifest::parse(&manifest)?;
        let views = MemoryViews::new();
        let seen = fold(path, &views, &manifest)?;
        Ok(Self { path: path.to_owned(), views, manifest, report, seen })
    }

    /// The size of the tree as of which a question is answered: as asked, else as the bundle was made for.
    pub(crate) fn size(&self, as_of: Option<AsOf>) -> anyhow::Result<u64> {
        let whole = self.manifest.tree_size;
        match as_of {
            None => Ok(self.manifest.scope.as_of),
            Some(AsOf::Size(size)) if size > whole => {
                bail!("as of {size} entries is beyond the bundle, whose tree has {whole}")
            }
            Some(AsOf::Size(size)) => Ok(size),
            Some(AsOf::Time(time)) => {
                let time = time.to_string();
                let after = self.seen.iter().find(|(_, seen)| seen.received > time);
                Ok(after.map_or(whole, |(index, _)| *index))
            }
        }
    }

    /// Where the bundle lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The views as of a size.
    pub(crate) fn view(&self, size: u64) -> View<'_> {
        View::new(&self.views, size)
    }

    /// When the last entry of the bundle below this size was received.
    pub(crate) fn received_at(&self, size: u64) -> Option<&str> {
        self.seen.range(..size).next_back().map(|(_, seen)| seen.received.as_str())
    }

    /// Reads the entries below a size once more, in order.
    pub(crate) fn each(
        &self,
        size: u64,
        mut visit: impl FnMut(&ReadEntry) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        bundle::each_entry(&self.path, |header, line| {
            if header.index.get() >= size {
                return Ok(false);
            }
            visit(&read(&line)?)?;
            Ok(true)
        })
    }

    /// Whether a finding can be told from the bundle. One that misses something (an approval, a registration) is only as sure as the trails of the
    /// versions that it names are whole; one that shows something wrong is sure from the entry alone.
    pub(crate) fn can_tell(&self, finding: &Finding) -> bool {
        let shown = SHOWN_BY_ONE_ENTRY.iter().any(|prefix| finding.rule.starts_with(prefix));
        let mut versions = finding.subjects.iter().filter(|subject| is_version(subject));
        shown || versions.all(|version| self.manifest.claim(version).is_some())
    }

    /// Says that only a part of the ledger is here.
    pub(crate) fn say_scope(&self) {
        let asked = &self.manifest.scope.subjects;
        let more = asked.len().saturating_sub(MAX_NAMED);
        let subjects = asked.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
        let subjects = if more > 0 { format!("{subjects} and {more} more") } else { subjects };
        let (held, whole) = (self.seen.len(), self.manifest.tree_size);
        say(&format!(
            "note: the bundle holds {held} of {whole} entries, all about {}; what it lacks is not shown",
            printable(&subjects)
        ));
    }
}

fn fold(path: &Path, views: &MemoryViews, manifest: &Manifest) -> anyhow::Result<BTreeMap<u64, Seen>> {
    let mut folder = Folder::new(views)?;
    let mut seen = BTreeMap::new();
    bundle::each_entry(path, |header, line| {
        let index = header.index.get();
        let absent = match &line.opening {
            Opening::Kept(_) => None,
            Opening::Absent(absent) => Some(*absent),
        };
        folder.entry(&read(&line)?)?;
        seen.insert(index, keep(header, absent));
        if seen.len() % BATCH_ENTRIES == 0 {
            folder.write(index + 1, "")?;
        }
        Ok(true)
    })?;
    folder.write(manifest.tree_size, &manifest.root.to_string())?;
    Ok(seen)
}

fn read(line: &EntryLine) -> anyhow::Result<ReadEntry> {
    let opening = match &line.opening {
        Opening::Kept(opening) => Some(opening.as_slice()),
        Opening::Absent(_) => None,
    };
    ReadEntry::new(&line.header, opening).map_err(|error| refused(error.to_string()))
}

fn keep(header: EntryHeader, absent: Option<Absent>) -> Seen {
    let subjects = match absent {
        Some(_) => header.trails.into_iter().map(|step| step.subject).collect(),
        None => Vec::new(),
    };
    Seen {
        own: header.received.via == "ledger",
        received: header.received.at,
        signers: header.signers,
        absent,
        subjects,
    }
}
