//! `fsck`: every invariant L-1 to L-12, over a whole store, in one pass over headers and records with bounded memory.
//!
//! Rows that are found by key (event ids, trails) are held against the headers as multisets: a keyed sum over all rows the headers ask for must equal the sum over all
//! rows there are. Only when the sums differ are rows looked up one by one, to name the first that is wrong.

mod chain;
mod entry;
mod lanes;
pub(crate) mod positions;
mod rows;
mod told;

use std::fmt;

use serde::Serialize;

use crate::sequencer::SequencerError;
use crate::store::{Store, StoreError};
use crate::types::EntryIndex;

pub use told::{FAILED, VERIFIED};

/// What is wrong with the first entry that breaks an invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// Something that must be there is not.
    Missing,
    /// Something is there that must not be.
    Extra,
    /// Bytes are not what was committed to or signed.
    Changed,
    /// Bytes can't be read as what they should be.
    Malformed,
    /// Things stand in the wrong order, or in one place twice.
    Misplaced,
    /// A signature is missing or bad.
    Unsigned,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Changed => "changed",
            Self::Malformed => "malformed",
            Self::Misplaced => "misplaced",
            Self::Unsigned => "unsigned",
        })
    }
}

/// The invariants, in order.
pub const INVARIANTS: [&str; 12] =
    ["L-1", "L-2", "L-3", "L-4", "L-5", "L-6", "L-7", "L-8", "L-9", "L-10", "L-11", "L-12"];
/// Those that headers alone can't show.
pub const NEED_RECORDS: [&str; 2] = ["L-10", "L-12"];

/// The first break of one invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The invariant.
    pub invariant: &'static str,
    /// The first entry that breaks it, where it is an entry's fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntryIndex>,
    /// What kind of damage.
    pub damage: Damage,
    /// What is wrong, in words.
    pub detail: String,
    /// How often it is broken in all, as far as that was counted.
    pub count: u64,
}

/// What a check found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Entries looked at.
    pub entries: u64,
    /// The newest checkpoint's size.
    pub size: u64,
    /// The root of the headers as they are.
    pub root: String,
    /// The first break of each invariant, in order of the invariants.
    pub broken: Vec<Broken>,
    /// Invariants that were not checked, or could not be.
    pub not_judged: Vec<String>,
}

impl Report {
    /// Whether everything that was checked holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.broken.is_empty()
    }

    fn note(&mut self, invariant: &'static str, entry: Option<EntryIndex>, damage: Damage, detail: String) {
        match self.broken.iter_mut().find(|broken| broken.invariant == invariant) {
            Some(known) => {
                known.count += 1;
                if entry.is_some_and(|entry| known.entry.is_some_and(|first| entry < first)) {
                    (known.entry, known.damage, known.detail) = (entry, damage, detail);
                }
            }
            None => self.broken.push(Broken { invariant, entry, damage, detail, count: 1 }),
        }
    }
}

/// How a check is made.
pub struct CheckOptions<'a> {
    /// Leave records alone: L-10 and L-12 are not judged.
    pub headers_only: bool,
    /// 16 random bytes that whoever wrote the store could not know.
    pub key: [u8; 16],
    /// A checkpoint kept outside, e.g. the head file's, that must be of this ledger's past (L-5).
    pub outside: Option<String>,
    /// Is told how many entries are done, now and then.
    pub progress: &'a mut dyn FnMut(u64),
}

/// Why a check could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The store can't be read on.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing to check.
    #[error("the store holds no ledger")]
    Empty,
    /// A reader of the store stopped early.
    #[error("a reading thread ended without saying why")]
    Reader,
}

impl From<SequencerError> for CheckError {
    fn from(error: SequencerError) -> Self {
        match error {
            SequencerError::Store(error) => Self::Store(error),
            other => Self::Store(StoreError::Damaged { what: "own entry".to_owned(), detail: other.to_string() }),
        }
    }
}

/// Checks a whole store.
///
/// # Errors
/// The store can't be read. What it holds, however damaged, is in the report.
pub fn check<S: Store>(store: &S, mut options: CheckOptions<'_>) -> Result<Report, CheckError> {
    let mut report = Report::default();
    if options.headers_only {
        report.not_judged.extend(NEED_RECORDS.map(str::to_owned));
    }
    let mut chain = chain::Chain::new(store, &options)?;
    lanes::run(store, &mut chain, &mut report, &mut options)?;
    chain.finish(&mut report)?;
    report.broken.sort_by_key(|broken| INVARIANTS.iter().position(|id| *id == broken.invariant));
    Ok(report)
}
