//! The write-ahead log cut, zeroed and doubled, at and beside the bounds of its records.

use std::collections::BTreeMap;

use super::probe::Seen;
use super::world::World;
use super::{each, reference, with};

/// RocksDB writes its log in blocks; no record's head crosses one.
const BLOCK: usize = 32 << 10;
/// Checksum, length, type.
const HEAD: usize = 7;
/// Every how many bounds of records are cut at: each costs six starts in fresh processes.
const STRIDE: usize = 3;
/// Zeroed at once.
const ZEROED: usize = 512;

/// Where the pieces of records begin, and where the last ends.
fn bounds(log: &[u8]) -> Vec<usize> {
    let (mut at, mut bounds) = (0, vec![0]);
    while at + HEAD <= log.len() {
        let left = BLOCK - at % BLOCK;
        let length = usize::from(u16::from_le_bytes([log[at + 4], log[at + 5]]));
        at += if left < HEAD { left } else { HEAD + length };
        bounds.push(at);
    }
    assert_eq!(bounds.last(), Some(&log.len()), "the log is not made of records as expected");
    bounds
}

/// A log file as it may be found, and how it came to that.
struct Case {
    what: String,
    bytes: Vec<u8>,
    /// The head file is that of before the last run, so that going on with less is allowed.
    earlier: bool,
}

fn cases(log: &[u8]) -> Vec<(String, Vec<u8>)> {
    let bounds = bounds(log);
    let mut cases = Vec::new();
    for bound in bounds.iter().step_by(STRIDE) {
        for end in [bound.wrapping_sub(1), *bound, bound + 1] {
            if let Some(kept) = log.get(..end) {
                cases.push((format!("cut at {end}, where a record ends at {bound}"), kept.to_vec()));
            }
        }
    }
    for less in [1, HEAD, 100, BLOCK] {
        cases.push((format!("without the last {less} bytes"), log[..log.len() - less].to_vec()));
    }
    for part in 0..8 {
        let (from, mut zeroed) = (log.len() / 8 * part, log.to_vec());
        zeroed[from..from + ZEROED].fill(0);
        cases.push((format!("zeroed from {from}"), zeroed));
    }
    for (from, to) in [(0, BLOCK), (BLOCK, 2 * BLOCK), (bounds[4], bounds[5]), (bounds[bounds.len() - 2], log.len())] {
        cases.push((format!("{from} to {to} twice"), [&log[..to], &log[from..]].concat()));
    }
    cases
}

#[test]
fn a_damaged_log_is_refused_or_loses_nothing_published() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::make(dir.path());
    let file = world.log_file();
    let log = std::fs::read(&file).unwrap();
    let cases: Vec<Case> = cases(&log)
        .into_iter()
        .flat_map(|(what, bytes)| {
            [false, true].map(|earlier| Case { what: what.clone(), bytes: bytes.clone(), earlier })
        })
        .collect();
    let seen = each(&cases, |case, dir| {
        with(&world, dir, &file, &case.bytes, |data| {
            if case.earlier {
                std::fs::write(&data.head_file, &world.earlier_head).unwrap();
            }
        })
    });
    let mut prefixes: BTreeMap<u64, Seen> = BTreeMap::new();
    let (mut refused, mut shorter) = (0, 0);
    for (case, seen) in cases.iter().zip(&seen) {
        let what = format!("{} (head file of before: {}): {seen:?}", case.what, case.earlier);
        match seen {
            Seen::Refused(_) => refused += 1,
            Seen::Sound { entries, .. } => {
                let least = if case.earlier { world.earlier_size } else { world.size };
                assert!((least..=world.size).contains(entries), "{what}");
                let same = prefixes.entry(*entries).or_insert_with(|| reference(&world, *entries));
                assert_eq!(seen, same, "{what}");
                shorter += usize::from(*entries < world.size);
            }
            _ => panic!("{what}"),
        }
    }
    assert!(refused > 0 && shorter > 0, "{refused} refused, {shorter} went on with less");
    assert!(prefixes.len() > 3, "only {:?} sizes were gone on with", prefixes.keys());
}
