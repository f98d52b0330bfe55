//! Completeness from all headers: a mirror of the ledger's `/tile/entries/…` is read whole, and what the ledger's key states of trails is counted instead.
//!
//! A mirror is not trusted: its headers must give the bundle's root.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use modeltrail_tlog::hash::leaf_hash;
use modeltrail_tlog::tile::{FULL_WIDTH, MAX_ENTRY_BYTES, decode_bundle, entries_path};
use modeltrail_tlog::tree::Edge;

use super::VerifyError;
use super::fold::{Told, is_rotation};
use super::report::{Aspect, Fault, Judges};
use super::trails::Trails;
use crate::bundle::MANIFEST;
use crate::bundle::export::{is_own, own_types};
use crate::bundle::manifest::Manifest;
use crate::check::positions::Coverage;
use crate::header::EntryHeader;
use crate::types::Hex32;

/// A full entry bundle of the longest entries with their length prefixes.
const MAX_BUNDLE_BYTES: u64 = FULL_WIDTH as u64 * (MAX_ENTRY_BYTES as u64 + 2);

/// What was counted.
pub(super) struct Counted {
    /// Headers read: the bundle's tree size.
    pub(super) headers: u64,
    /// Kafka positions that no header covers; `ingest.positions` and `source.gap` records, which are not in tiles, must explain them.
    pub(super) uncovered: u64,
    /// Sources of which every position is accounted for, by the records that the bundle has of them.
    pub(super) accounted: u64,
}

struct Counting<'a> {
    judges: &'a mut Judges,
    keys_from: Vec<u64>,
    edge: Edge,
    trails: Trails,
    prev: Hex32,
    at: String,
    /// Source, partition, generation → the next position.
    positions: HashMap<(String, u64, u64), u64>,
    uncovered: u64,
    /// Sources whose whole trail is in the bundle, and what their own entries tell.
    sources: BTreeSet<String>,
    told: Told,
    coverage: Coverage,
}

/// Reads every header below the manifest's tree size from the mirror at `root`. `keys_from` are the sizes from which the bundle's keys govern, `told` what the
/// bundle's records tell of sources.
///
/// # Errors
/// The mirror lacks a file or can't be read; that judges nothing.
pub(super) fn count(
    root: &Path,
    manifest: &Manifest,
    keys_from: Vec<u64>,
    told: Told,
    judges: &mut Judges,
) -> Result<Counted, VerifyError> {
    let sources = told.values().filter_map(|(_, data)| data.get("source")?.as_str().map(str::to_owned)).collect();
    let mut counting = Counting {
        judges,
        keys_from,
        edge: Edge::new(),
        trails: Trails::of_all(),
        prev: Hex32([0; 32]),
        at: String::new(),
        positions: HashMap::new(),
        uncovered: 0,
        sources,
        told,
        coverage: Coverage::default(),
    };
    let mut index = 0;
    while index < manifest.tree_size {
        let place = index / u64::from(FULL_WIDTH);
        let wanted = (manifest.tree_size - index).min(u64::from(FULL_WIDTH));
        let path = find(root, place, u16::try_from(wanted).unwrap_or(FULL_WIDTH))?;
        let bytes = read(&path)?;
        let broken = |fault: String| VerifyError::Mirror { path: path.clone(), fault };
        let headers = decode_bundle(&bytes).map_err(|error| broken(error.to_string()))?;
        if (headers.len() as u64) < wanted {
            return Err(broken(format!("has {} entries, {wanted} are needed", headers.len())));
        }
        for header in headers.into_iter().take(usize::from(FULL_WIDTH).min(usize::try_from(wanted).unwrap_or(0))) {
            counting.header(index, header, &path);
            index += 1;
        }
    }
    counting.conclude(manifest, root);
    let accounted = counting.sources.len() as u64;
    Ok(Counted { headers: index, uncovered: counting.uncovered, accounted })
}

/// The file of an entry bundle: the full one, or the smallest partial one that has as many entries as wanted.
fn find(root: &Path, place: u64, wanted: u16) -> Result<PathBuf, VerifyError> {
    let full = root.join(entries_path(place, FULL_WIDTH));
    if full.is_file() {
        return Ok(full);
    }
    let partial = |width: u16| Some(root.join(entries_path(place, width))).filter(|path| path.is_file());
    (wanted..FULL_WIDTH).find_map(partial).ok_or_else(|| VerifyError::Mirror {
        path: full,
        fault: format!("is missing, and so is every part of it with {wanted} entries or more"),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, VerifyError> {
    let broken = |fault: String| VerifyError::Mirror { path: path.to_owned(), fault };
    let size = fs::metadata(path).map_err(|error| broken(error.to_string()))?.len();
    if size > MAX_BUNDLE_BYTES {
        return Err(broken(format!("has {size} bytes, more than an entry bundle can have")));
    }
    fs::read(path).map_err(|error| broken(error.to_string()))
}

impl Counting<'_> {
    fn fault(&mut self, aspect: Aspect, index: u64, path: &Path, what: String) {
        self.judges.fault(aspect, Fault { file: path.display().to_string(), line: None, entry: Some(index), what });
    }

    fn header(&mut self, index: u64, bytes: &[u8], path: &Path) {
        let leaf = leaf_hash(bytes);
        self.edge.append(leaf, &mut Vec::new());
        let prev = std::mem::replace(&mut self.prev, Hex32(*leaf.as_bytes()));
        let header = match EntryHeader::parse(bytes) {
            Ok(header) => header,
            Err(error) => return self.fault(Aspect::Completeness, index, path, error.to_string()),
        };
        if header.index.get() != index {
            self.fault(Aspect::Order, index, path, format!("header says index {}", header.index));
        }
        if header.prev != prev {
            self.fault(Aspect::Order, index, path, "prev is not the leaf hash of the entry before".to_owned());
        }
        if header.received.at < self.at && !is_own(&header, own_types::CLOCK_STEPPED) {
            self.fault(
                Aspect::Time,
                index,
                path,
                format!("received.at {} is before that of the entry before, {}", header.received.at, self.at),
            );
        }
        if is_rotation(&header) && !self.keys_from.contains(&(index + 1)) {
            let what = "rotates the ledger's key, but the bundle does not have the new key: it was signed by one already rotated away".to_owned();
            self.fault(Aspect::Authenticity, index, path, what);
        }
        for step in &header.trails {
            if let Err(what) = self.trails.step(index, step) {
                self.fault(Aspect::Completeness, index, path, what);
            }
        }
        if let Err(what) = self.position(index, &header) {
            self.fault(Aspect::Completeness, index, path, what);
        }
        self.at = header.received.at;
    }

    /// Positions only go up, and none is covered twice; where the bundle has all that is told of a source, none is left out either.
    fn position(&mut self, index: u64, header: &EntryHeader) -> Result<(), String> {
        if let Some((event_type, data)) = self.told.remove(&index) {
            return self.coverage.own(&event_type, &data);
        }
        let received = &header.received;
        let (Some(source), Some(partition), Some(generation), Some(offset)) =
            (&received.source, received.partition, received.generation, received.offset)
        else {
            return Ok(());
        };
        if self.sources.contains(source) {
            return self.coverage.entry(header);
        }
        let first = offset - received.skipped.unwrap_or(0).min(offset);
        let next = self.positions.entry((source.clone(), partition, generation)).or_insert(first);
        let expected = std::mem::replace(next, offset.saturating_add(1));
        match first.checked_sub(expected) {
            Some(uncovered) => {
                self.uncovered += uncovered;
                Ok(())
            }
            None => Err(format!(
                "covers position {first} of {source} partition {partition} generation {generation}, which an earlier entry covers"
            )),
        }
    }

    fn conclude(&mut self, manifest: &Manifest, root: &Path) {
        let found = Hex32(*self.edge.root().as_bytes());
        if found != manifest.root {
            let what = format!(
                "the headers give root {found} at size {}, the bundle's is {}: another history, or a damaged mirror",
                manifest.tree_size, manifest.root
            );
            self.judges.root_fault(Aspect::Completeness, Fault::of_file(root.display().to_string(), what));
        }
        for claim in &manifest.trails {
            if let Err(what) = self.trails.hold(claim) {
                self.judges.fault(
                    Aspect::Completeness,
                    Fault::of_file(MANIFEST, format!("{what} (counted over all headers)")),
                );
            }
        }
    }
}
