//! Single bytes changed, in every file of the database.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::probe::Seen;
use super::world::World;
use super::{each, reference, with};

/// Bytes changed in each file: a start and a whole check in a fresh process for each take a tenth of a second, so not every byte has its turn.
/// A file's first and last bytes, where RocksDB keeps what leads to all the rest, always have.
const FLIPS_A_FILE: usize = 20;
/// From either end of a file.
const ENDS: usize = 3;

/// The places that are changed in a file of this length.
fn places(length: usize) -> Vec<usize> {
    // A stride that is odd comes to every part of rows whose length is a power of two.
    let stride = (length / FLIPS_A_FILE).max(1) | 1;
    let ends = (0..ENDS).flat_map(|at| [at, length.saturating_sub(at + 1)]);
    let mut places: Vec<usize> = (0..length).step_by(stride).chain(ends).filter(|at| *at < length).collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn no_flipped_byte_passes_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::make(dir.path());
    let sound = reference(&world, world.size);
    let mut cases: Vec<(PathBuf, usize)> = Vec::new();
    for file in world.files() {
        let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
        cases.extend(places(length).into_iter().map(|at| (file.clone(), at)));
    }
    let seen = each(&cases, |(file, at), dir| {
        let mut bytes = std::fs::read(file).unwrap();
        bytes[*at] ^= 1 << (at % 8);
        with(&world, dir, file, &bytes, |_| {})
    });
    let mut ends: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut unseen = Vec::new();
    for ((file, at), seen) in cases.iter().zip(&seen) {
        let end = match seen {
            Seen::Refused(_) => "refused",
            Seen::Found(_) => "found",
            same if *same == sound => "harmless",
            other => {
                unseen.push(format!("{} byte {at}: {other:?}", file.display()));
                continue;
            }
        };
        *ends.entry((kind(file), end)).or_default() += 1;
    }
    println!("{ends:#?}");
    assert!(unseen.is_empty(), "{unseen:#?}");
    for kind in ["sst", "log", "blob", "MANIFEST", "CURRENT"] {
        let caught = ["refused", "found"].iter().filter_map(|end| ends.get(&(kind.to_owned(), *end))).sum::<usize>();
        assert!(caught > 0, "no flip in a file of the kind {kind} was caught: {ends:?}");
    }
}

/// `sst`, `log`, `blob`, `MANIFEST`, `OPTIONS`, …
fn kind(file: &std::path::Path) -> String {
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    match name.split_once('.') {
        Some((number, extension)) if number.bytes().all(|byte| byte.is_ascii_digit()) => extension.to_owned(),
        _ => name.split(['-', '.']).next().unwrap_or_default().to_owned(),
    }
}
