//! What is in the ledger after a play, for people.

use std::fmt;

use modeltrail_core::header::SignerStatus;
use modeltrail_core::store::{Store, StoreError};
use modeltrail_schemas::time::Micros;

use crate::log::{Log, Mark};
use crate::player::Played;
use crate::story::{Fault, Story};

/// Subjects asked for in one go.
const PAGE: usize = 256;
/// The findings that a signature's status alone shows.
const BY_SIGNATURE: [(&str, SignerStatus); 3] = [
    ("signature-bad", SignerStatus::Bad),
    ("signer-unknown", SignerStatus::Unknown),
    ("signer-not-entitled", SignerStatus::NotEntitled),
];

/// A model and its versions, as the log's trails have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelLine {
    /// Its subject.
    pub model: String,
    /// Entries on its trail, those of its versions included.
    pub entries: u64,
    /// Its versions as subjects have them, in byte order.
    pub versions: Vec<String>,
}

/// A planted fault and its entry.
#[derive(Debug, Clone)]
pub struct Planted {
    /// The fault.
    pub fault: Fault,
    /// Its entry; `None` when the log has none.
    pub mark: Option<Mark>,
    /// The log already shows as much of it as a single entry can: the reason for quarantine, or the signature's status.
    pub as_planted: bool,
}

/// What is in the ledger after a play.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The story's title.
    pub title: String,
    /// From when to when, in simulated time.
    pub span: (Micros, Micros),
    /// The ledger's own entries.
    pub own: u64,
    /// All models.
    pub models: Vec<ModelLine>,
    /// All planted faults, in order of arrival.
    pub faults: Vec<Planted>,
}

impl Summary {
    /// Looks up models in the store, and the planted faults in what the log says of the play.
    ///
    /// # Errors
    /// The store can't answer.
    pub fn of<S: Store>(store: &S, story: &Story, played: &Played, log: &Log) -> Result<Self, StoreError> {
        let planted = |fault: &Fault| {
            let mark = played.places.get(&fault.act).and_then(|place| log.marks.get(place)).cloned();
            let as_planted = mark.as_ref().is_some_and(|mark| shows(fault, mark));
            Planted { fault: fault.clone(), mark, as_planted }
        };
        Ok(Self {
            title: story.title().to_owned(),
            span: (story.start(), story.end()),
            own: log.own,
            models: models(store)?,
            faults: story.faults().iter().map(planted).collect(),
        })
    }

    /// Whether every planted fault is in the log as it was planted.
    #[must_use]
    pub fn all_as_planted(&self) -> bool {
        self.faults.iter().all(|planted| planted.as_planted)
    }
}

fn shows(fault: &Fault, mark: &Mark) -> bool {
    let signature = BY_SIGNATURE.iter().find(|(finding, _)| *finding == fault.finding).map(|(_, status)| *status);
    let signed = match signature {
        Some(status) => mark.signers == [status],
        None => mark.signers.iter().all(|status| *status == SignerStatus::Valid),
    };
    mark.quarantine == fault.quarantine && signed
}

fn models<S: Store>(store: &S) -> Result<Vec<ModelLine>, StoreError> {
    let mut models: Vec<ModelLine> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.subjects("model/", after.as_deref(), PAGE)?;
        for subject in &page {
            // Names stay encoded: they come from outside, and this is printed. A version brings its whole along, which sorts
            // before it, though not always right before.
            let Some((whole, version)) = subject.split_once('@') else {
                let entries = store.trail_head(subject)?.map_or(0, |(n, _)| n + 1);
                models.push(ModelLine { model: subject.clone(), entries, versions: Vec::new() });
                continue;
            };
            if let Some(model) = models.iter_mut().rev().find(|line| line.model == whole) {
                model.versions.push(version.to_owned());
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.clone()),
            _ => return Ok(models),
        }
    }
}

/// The date and minute of a time with six digits.
fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (self.span.0.to_string(), self.span.1.to_string());
        writeln!(
            f,
            "{}, from {} to {} UTC. Time in this ledger is simulated.",
            self.title,
            minute(&start),
            minute(&end)
        )?;
        writeln!(f)?;
        let width = self.models.iter().map(|line| line.model.len()).max().unwrap_or_default();
        writeln!(f, "{:<width$} {:>7}  versions", "model", "entries")?;
        for ModelLine { model, entries, versions } in &self.models {
            writeln!(f, "{model:<width$} {entries:>7}  {}", versions.join(", "))?;
        }
        writeln!(f)?;
        writeln!(f, "planted faults, and the finding that should come of each")?;
        self.faults.iter().try_for_each(|planted| write!(f, "{planted}"))?;
        writeln!(f)?;
        writeln!(f, "{} entries are the ledger's own", self.own)
    }
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { id, what, finding, severity, .. } = &self.fault;
        let Some(mark) = &self.mark else {
            return writeln!(f, "{id}  entry missing  {severity:<8}  {finding}\n      {what}");
        };
        let aside = mark.quarantine.as_ref().map(|reason| format!("quarantined as {reason}"));
        let signed = mark.signers.iter().map(|status| format!("signature {}", status.as_str()));
        let mut seen: Vec<String> = aside.into_iter().chain(signed).collect();
        if seen.is_empty() {
            seen.push("an ordinary entry".to_owned());
        }
        let not = if self.as_planted { "" } else { "; NOT AS PLANTED" };
        writeln!(
            f,
            "{id}  entry {:>7}  {}  {severity:<8}  {finding}  ({}{not})",
            mark.index,
            minute(&mark.received_at),
            seen.join(", ")
        )?;
        writeln!(f, "      {what}")
    }
}
