//! Verification of a bundle, offline (`docs/FORMAT.md` section 9).
//!
//! Nothing that comes in a bundle is trusted for being there: keys count only from a pin on, statements only as far as the ledger's key signed them. Verdicts are kept
//! apart, each *holds*, *does not hold* or *could not be judged*; what this program does not know (a later version, an unknown reading) is the last, never a pass.
//! Whether what a record says is true is not among the questions.
//!
//! `entries.jsonl` is read once, in chunks, and never held; memory grows only with the number of trails and of event ids.

mod added;
mod entry;
mod files;
mod fold;
mod inclusion;
mod pass;
mod policy;
mod report;
mod tiles;
mod trails;
mod trust;

use std::io;
use std::path::{Path, PathBuf};

use crate::bundle::lines::LedgerKey;
use crate::bundle::manifest::{FileDigest, Manifest};
use crate::bundle::reader::BundleReader;
use crate::bundle::{BundleError, ENTRIES, MANIFEST, MANIFEST_NOTE, MAX_DOCUMENT_BYTES, MAX_NOTE_BYTES};

pub use pass::Progress;
pub use policy::{MAX_POLICY_BYTES, Policy, PolicyError};
pub use report::{Aspect, Facts, Fault, MAX_FAULTS, Outcome, Report, Verdict};
pub use trust::Trust;

use fold::Fold;
use report::Judges;

/// Why nothing could be judged at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The bundle can't be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The mirror of the ledger's tiles can't be read.
    #[error("{}: {fault}", path.display())]
    Mirror {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
}

/// What to verify with.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whom to trust.
    pub trust: &'a Trust,
    /// A mirror of the ledger's tiles, to count trails over all headers.
    pub tiles: Option<&'a Path>,
    /// Told how many bytes of `entries.jsonl` are done.
    pub progress: Progress<'a>,
}

/// Verifies a bundle.
///
/// # Errors
/// The input can't be read, or is no bundle; whatever is wrong *with* a bundle is in the report.
pub fn verify_bundle(reader: &mut BundleReader, options: &Options<'_>) -> Result<Report, VerifyError> {
    let bytes = reader.read(MANIFEST, MAX_DOCUMENT_BYTES)?;
    let manifest = match Manifest::parse(&bytes) {
        Ok(manifest) => manifest,
        Err(error) => {
            let note =
                if reader.has(MANIFEST_NOTE) { reader.read(MANIFEST_NOTE, MAX_NOTE_BYTES as u64)? } else { Vec::new() };
            return Ok(unusable(&error, &bytes, &note));
        }
    };
    let mut judges = Judges::default();
    let mut facts = about(&manifest);
    if let Err(fault) = manifest.check() {
        judges.fault(Aspect::Integrity, Fault::of_file(MANIFEST, fault));
    }
    let documents = files::check(reader, &manifest, &mut judges, &mut facts)?;
    let mut fold = Fold::new(&manifest, judges, facts);
    entries(reader, &manifest, &mut fold, options.progress)?;
    fold.end();
    files::check_readings(&manifest, &fold.readings, &mut fold.judges);
    trust::check(&documents, &manifest, options.trust, &mut fold);
    claims(&manifest, &mut fold);
    let counted = match options.tiles {
        Some(root) => {
            let keys = documents.keys.as_deref().map(LedgerKey::parse_document);
            let from = keys.and_then(Result::ok).unwrap_or_default().iter().map(|key| key.from).collect();
            Some(tiles::count(root, &manifest, from, std::mem::take(&mut fold.told), &mut fold.judges)?)
        }
        None => None,
    };
    Ok(conclude(fold, counted))
}

/// The report on a bundle whose manifest can't be used.
fn unusable(error: &BundleError, manifest: &[u8], note: &[u8]) -> Report {
    let mut judges = Judges::default();
    let digest = FileDigest::of(manifest).to_string();
    // A manifest of a later version is signed as it stands; one whose version was changed is not.
    let signed = String::from_utf8_lossy(note).lines().any(|line| line == digest);
    match error {
        BundleError::Version { .. } if signed => judges.open(Aspect::Integrity, error.to_string()),
        _ => judges.fault(Aspect::Integrity, Fault::of_file(MANIFEST, error.to_string())),
    }
    for aspect in [Aspect::Order, Aspect::Completeness, Aspect::Authenticity, Aspect::Time] {
        judges.open(aspect, format!("{MANIFEST} can't be used"));
    }
    let mut verdict = |aspect| judges.conclude(aspect, String::new());
    Report {
        integrity: verdict(Aspect::Integrity),
        order: verdict(Aspect::Order),
        completeness: verdict(Aspect::Completeness),
        authenticity: verdict(Aspect::Authenticity),
        time: verdict(Aspect::Time),
        facts: Facts::default(),
    }
}

fn about(manifest: &Manifest) -> Facts {
    Facts {
        origin: manifest.origin.clone(),
        tree_size: manifest.tree_size,
        root: manifest.root.to_string(),
        subjects: manifest.scope.subjects.clone(),
        as_of: manifest.scope.as_of,
        trails: manifest.trails.len() as u64,
        ..Facts::default()
    }
}

/// Steps 4 to 8, over the entries.
fn entries(
    reader: &mut BundleReader,
    manifest: &Manifest,
    fold: &mut Fold<'_>,
    progress: Progress<'_>,
) -> Result<(), BundleError> {
    if !reader.has(ENTRIES) {
        return Ok(());
    }
    let read = pass::run(reader.stream(ENTRIES)?, fold, manifest, progress);
    match (read, manifest.files.get(ENTRIES)) {
        (Ok(found), Some(listed)) if found != *listed => {
            fold.judges.root_fault(Aspect::Integrity, Fault::of_file(ENTRIES, files::digest_fault(&found, listed)));
        }
        (Ok(_), _) => {}
        // What the file holds is wrong; anything else is the disk's or the system's fault.
        (Err(error), _) if error.kind() == io::ErrorKind::InvalidData => {
            fold.judges.root_fault(Aspect::Integrity, Fault::of_file(ENTRIES, error.to_string()));
        }
        (Err(error), _) => return Err(BundleError::io(ENTRIES, error)),
    }
    Ok(())
}

/// Step 9: every trail that must be claimed is, and every claim holds.
fn claims(manifest: &Manifest, fold: &mut Fold<'_>) {
    if fold.later {
        return;
    }
    let keys = fold.named_keys.iter().map(|key| format!("key/{key}"));
    let must: Vec<String> = manifest.scope.subjects.iter().cloned().chain(keys).collect();
    for subject in must.iter().filter(|subject| manifest.claim(subject).is_none()) {
        fold.judges.fault(
            Aspect::Completeness,
            Fault::of_file(MANIFEST, format!("claims no trail for {subject}, which was asked for or signed an entry")),
        );
    }
    for claim in &manifest.trails {
        if let Err(what) = fold.trails.hold(claim) {
            fold.judges.fault(Aspect::Completeness, Fault::of_file(MANIFEST, what));
        }
    }
}

fn conclude(fold: Fold<'_>, counted: Option<tiles::Counted>) -> Report {
    let Fold { mut judges, mut facts, trails, .. } = fold;
    facts.mirrored = counted.as_ref().map(|counted| counted.headers);
    if judges.fails(Aspect::Authenticity) && counted.is_none() {
        judges.open(Aspect::Completeness, "the trails are stated under a signature that does not hold");
    }
    match facts.clock.as_deref() {
        Some("system" | "simulated") => {}
        Some(other) => {
            judges.open(Aspect::Time, format!("entry 0 says the clock is {other:?}, which this program does not know"))
        }
        None => judges.open(Aspect::Time, "no readable entry 0 says whose clock it is"),
    }
    let senses = Senses { facts: &facts, counted: counted.as_ref(), seen: trails.len() };
    let integrity = judges.conclude(Aspect::Integrity, senses.integrity());
    let order = judges.conclude(Aspect::Order, senses.order());
    let authenticity = judges.conclude(Aspect::Authenticity, senses.authenticity());
    let completeness = judges.conclude(Aspect::Completeness, senses.completeness(authenticity.holds()));
    let time = judges.conclude(Aspect::Time, senses.time());
    Report { integrity, order, completeness, authenticity, time, facts }
}

/// In which sense each verdict holds, if it does.
struct Senses<'a> {
    facts: &'a Facts,
    counted: Option<&'a tiles::Counted>,
    seen: usize,
}

impl Senses<'_> {
    fn integrity(&self) -> String {
        let absent: u64 = self.facts.absent.values().sum();
        let records = self.facts.entries - absent.min(self.facts.entries);
        let stated = match absent {
            0 => String::new(),
            1 => "; 1 record is absent, and what its header says is the ledger's word".to_owned(),
            _ => format!("; {absent} records are absent, and what their headers say is the ledger's word"),
        };
        format!(
            "all files are as listed; {records} records open their commitments and say what their headers say{stated}"
        )
    }

    fn order(&self) -> String {
        let links = self.counted.map_or(self.facts.links, |counted| counted.headers.saturating_sub(1));
        format!("every entry is proven to stand at its index; {links} links between neighbours hold")
    }

    fn completeness(&self, authentic: bool) -> String {
        let claimed = self.facts.trails;
        match self.counted {
            Some(counted) => {
                let headers = counted.headers;
                let positions = match (counted.accounted, counted.uncovered) {
                    (0, 0) => "no position of a source is missing between headers".to_owned(),
                    (0, uncovered) => {
                        format!(
                            "why {uncovered} positions of sources gave no entry is told only by records that are not in this bundle"
                        )
                    }
                    (accounted, 0) => format!("every position of {accounted} sources is accounted for"),
                    (accounted, uncovered) => {
                        format!(
                            "every position of {accounted} sources is accounted for; why {uncovered} of others gave no entry is told only by records that are not in this bundle"
                        )
                    }
                };
                format!("recomputed from all {headers} headers: {claimed} trails are whole; {positions}")
            }
            None if authentic => format!(
                "stated by the ledger's key, not recomputed: {claimed} trails are whole, and {} trails do not contradict themselves",
                self.seen
            ),
            None => format!(
                "stated by the key that came in the bundle, for which nobody vouched: {claimed} trails are whole"
            ),
        }
    }

    fn authenticity(&self) -> String {
        let earlier = self.facts.earlier_checkpoints;
        let signed: u64 = self.facts.signers.values().sum();
        let bad: u64 =
            self.facts.signers.iter().filter(|(status, _)| status.as_str() != "valid").map(|(_, count)| count).sum();
        let producers = match signed {
            0 => "no entry is signed by its producer".to_owned(),
            _ => format!("of {signed} producers' signatures {bad} do not count, as their entries truthfully say"),
        };
        format!(
            "signed by the ledger's key from the one given on ({} keys, {earlier} earlier checkpoints); {producers}",
            self.facts.keys.len()
        )
    }

    fn time(&self) -> String {
        let clock = match self.facts.clock.as_deref() {
            Some("simulated") => "a SIMULATED clock, as entry 0 says: no time in this ledger is real",
            _ => "the ledger's own clock, which nobody else vouches for",
        };
        format!("{clock}; it does not go back between neighbours but where an entry says so")
    }
}
