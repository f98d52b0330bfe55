//! Step 1: the files are those of the manifest, and the small ones are read.

use std::collections::BTreeSet;

use super::report::{Aspect, Facts, Fault, Judges};
use crate::bundle::manifest::{FileDigest, Manifest};
use crate::bundle::reader::BundleReader;
use crate::bundle::{
    BundleError, CHECKPOINT, CONSISTENCY, ENTRIES, KEYS, LATER_DIR, MANIFEST, MANIFEST_NOTE, MAX_DOCUMENT_BYTES,
    MAX_NOTE_BYTES, READINGS_DIR, REPORT_DIR, VERIFY_MD, is_unlisted_name,
};

/// The documents that are read whole; `None` where one is missing.
pub(super) struct Documents {
    pub(super) note: Option<Vec<u8>>,
    pub(super) checkpoint: Option<Vec<u8>>,
    pub(super) keys: Option<Vec<u8>>,
    pub(super) consistency: Option<Vec<u8>>,
}

/// Holds what is there against what is listed, digests but that of `entries.jsonl` included.
///
/// # Errors
/// A file can't be read at all.
pub(super) fn check(
    reader: &mut BundleReader,
    manifest: &Manifest,
    judges: &mut Judges,
    facts: &mut Facts,
) -> Result<Documents, BundleError> {
    let mut fault = |file: &str, what: String| judges.fault(Aspect::Integrity, Fault::of_file(file, what));
    for (name, why) in reader.strange() {
        fault(name, (*why).to_owned());
    }
    for name in reader.names().filter(|name| !is_unlisted_name(name) && !manifest.files.contains_key(*name)) {
        fault(name, format!("is there, but {MANIFEST} does not list it"));
    }
    for name in manifest.files.keys() {
        let known = matches!(name.as_str(), VERIFY_MD | CONSISTENCY | ENTRIES | KEYS)
            || is_reading(name)
            || name.starts_with(REPORT_DIR);
        if !known {
            fault(name, format!("is listed in {MANIFEST}, but is no file of this format"));
        }
    }
    for name in [VERIFY_MD, CONSISTENCY, ENTRIES, KEYS].into_iter().filter(|name| !manifest.files.contains_key(*name)) {
        fault(MANIFEST, format!("does not list {name}"));
    }
    for name in [MANIFEST_NOTE, CHECKPOINT].into_iter().filter(|name| !reader.has(name)) {
        fault(name, "is missing".to_owned());
    }
    facts.reports = manifest.files.keys().filter(|name| name.starts_with(REPORT_DIR)).cloned().collect();
    facts.later = reader.names().filter(|name| name.starts_with(LATER_DIR)).count() as u64;
    let mut documents = Documents { note: None, checkpoint: None, keys: None, consistency: None };
    for (name, listed) in &manifest.files {
        if !reader.has(name) {
            fault(name, format!("is listed in {MANIFEST}, but missing"));
            continue;
        }
        let found = match name.as_str() {
            ENTRIES => continue,
            KEYS => keep(&mut documents.keys, reader.read(name, MAX_DOCUMENT_BYTES)?),
            CONSISTENCY => keep(&mut documents.consistency, reader.read(name, MAX_DOCUMENT_BYTES)?),
            _ => reader.digest(name)?,
        };
        if found != *listed {
            fault(name, digest_fault(&found, listed));
        }
    }
    for (name, slot) in [(MANIFEST_NOTE, &mut documents.note), (CHECKPOINT, &mut documents.checkpoint)] {
        if reader.has(name) {
            *slot = Some(reader.read(name, MAX_NOTE_BYTES as u64)?);
        }
    }
    Ok(documents)
}

fn keep(slot: &mut Option<Vec<u8>>, bytes: Vec<u8>) -> FileDigest {
    FileDigest::of(slot.insert(bytes))
}

/// How a file that was changed is told.
pub(super) fn digest_fault(found: &FileDigest, listed: &FileDigest) -> String {
    format!("was changed: its digest is {found}, {MANIFEST} says {listed}")
}

/// Whether a name is `readings/<n>.json` with a number as numbers are written.
fn is_reading(name: &str) -> bool {
    reading_number(name).is_some()
}

fn reading_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(READINGS_DIR)?.strip_suffix(".json")?;
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

/// Holds the listed tables of readings against the readings that headers name.
pub(super) fn check_readings(manifest: &Manifest, named: &BTreeSet<u64>, judges: &mut Judges) {
    let listed: BTreeSet<u64> = manifest.files.keys().filter_map(|name| reading_number(name)).collect();
    for number in named.difference(&listed) {
        judges.fault(
            Aspect::Integrity,
            Fault::of_file(MANIFEST, format!("does not list {READINGS_DIR}{number}.json, which a header names")),
        );
    }
    for number in listed.difference(named) {
        judges.fault(
            Aspect::Integrity,
            Fault::of_file(MANIFEST, format!("lists {READINGS_DIR}{number}.json, which no header names")),
        );
    }
}
