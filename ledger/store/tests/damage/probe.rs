//! What a start, the whole check and every read make of a data directory, asked in a fresh process.
//!
//! A process of its own, since the cache of another one could hide what is wrong on disk, and since what RocksDB makes of damaged bytes
//! might end the process.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow::Continue;
use std::process::Command;

use modeltrail_core::check::{CheckOptions, check};
use modeltrail_core::header::EntryHeader;
use modeltrail_core::store::{Store, StoreError};
use modeltrail_core::types::{EntryIndex, id_hash};
use modeltrail_store::rocks::RocksStore;
use modeltrail_store::{Data, open};
use modeltrail_tlog::tree::TreeSize;

use super::world::{head, options};

/// What was made of a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The start was refused, with these words.
    Refused(String),
    /// The whole check names something.
    Found(String),
    /// A read said an error though the whole check held.
    Unreadable(String),
    /// The process ended before it could say anything.
    Died(String),
    /// The whole check holds; so many entries of the log it was before are there, and all that was read of them has this hash.
    Sound { entries: u64, reads: u64 },
}

/// Names the directory that a child process is to look at.
const ASKED: &str = "MODELTRAIL_TEST_PROBE";
/// Entries below this index are read and compared: those of before.
const UP_TO: &str = "MODELTRAIL_TEST_PROBE_SIZE";

/// Asks a fresh process, which is this test program with one test to run.
pub(crate) fn ask(data: &Data, up_to: u64) -> Seen {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_probe_tells_what_it_sees", "--nocapture"])
        .env(ASKED, &data.dir)
        .env(UP_TO, up_to.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let Some(line) = said.lines().find_map(|line| line.split_once("SEEN ").map(|(_, rest)| rest)) else {
        return Seen::Died(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    };
    let (word, rest) = line.split_once(' ').unwrap();
    match word {
        "refused" => Seen::Refused(rest.to_owned()),
        "found" => Seen::Found(rest.to_owned()),
        "unreadable" => Seen::Unreadable(rest.to_owned()),
        _ => {
            let (entries, reads) = rest.split_once(' ').unwrap();
            Seen::Sound { entries: entries.parse().unwrap(), reads: reads.parse().unwrap() }
        }
    }
}

/// In a process that was asked to: looks, and says it. Whether it was asked.
pub(crate) fn answer() -> bool {
    let (Some(dir), Ok(up_to)) = (std::env::var_os(ASKED), std::env::var(UP_TO)) else { return false };
    let seen = look(&Data::new(dir.as_ref()), up_to.parse().unwrap());
    let line = match &seen {
        Seen::Refused(what) => format!("refused {what}"),
        Seen::Found(what) => format!("found {what}"),
        Seen::Unreadable(what) | Seen::Died(what) => format!("unreadable {what}"),
        Seen::Sound { entries, reads } => format!("sound {entries} {reads}"),
    };
    println!("\nSEEN {}", line.replace('\n', " "));
    true
}

/// Starts as the daemon does, checks all, reads all.
pub(crate) fn look(data: &Data, up_to: u64) -> Seen {
    let outside = head(data).0;
    let opened = match open(data, options(0)) {
        Ok(opened) => opened,
        Err(error) => return Seen::Refused(error.to_string()),
    };
    let store = opened.ledger.store();
    let check = check(
        store.as_ref(),
        CheckOptions { headers_only: false, key: [7; 16], outside: Some(outside), progress: &mut |_| {} },
    );
    let seen = match check {
        Err(error) => Seen::Found(error.to_string()),
        Ok(report) if !report.holds() || !report.not_judged.is_empty() => Seen::Found(format!("{report:?}")),
        // The start has added one entry.
        Ok(report) => match read_all(store, up_to.min(report.entries - 1)) {
            Ok(reads) => Seen::Sound { entries: up_to.min(report.entries - 1), reads },
            Err(error) => Seen::Unreadable(error.to_string()),
        },
    };
    opened.stop();
    seen
}

/// A hash over every header, record, event id, trail, tile and checkpoint of the first `size` entries, each read by key and by scan.
fn read_all(store: &RocksStore, size: u64) -> Result<u64, StoreError> {
    let mut hash = DefaultHasher::new();
    let before = |index: EntryIndex| index.get() < size;
    for index in (0..size).map(EntryIndex) {
        let header = store.header(index)?;
        let event = header.as_deref().and_then(|bytes| EntryHeader::parse(bytes).ok()?.event);
        if let Some(event) = event {
            store.id(&id_hash(&event.source, &event.id))?.hash(&mut hash);
        }
        (header, store.opening(index)?).hash(&mut hash);
    }
    let mut scanned = String::new();
    let mut note = |what: std::fmt::Arguments<'_>| scanned.write_fmt(what).unwrap();
    store.scan_headers(EntryIndex(0), &mut |index, bytes| {
        before(index).then(|| note(format_args!("{index} {bytes:?}\n")));
        Continue(())
    })?;
    store.scan_openings(EntryIndex(0), &mut |index, bytes| {
        before(index).then(|| note(format_args!("{index} {bytes:?}\n")));
        Continue(())
    })?;
    store.scan_ids(&mut |id, index| {
        before(index).then(|| note(format_args!("{id:?} {index}\n")));
        Continue(())
    })?;
    store.scan_tiles(&mut |level, index, hashes| {
        // A tile is full when its last leaf is there.
        let leaves = (index + 1) << (8 * (u32::from(level) + 1));
        (leaves <= size).then(|| note(format_args!("{level} {index} {hashes:?}\n")));
        Continue(())
    })?;
    note(format_args!("{:?}", store.positions()?));
    read_trails_and_checkpoints(store, size, &mut hash)?;
    scanned.hash(&mut hash);
    Ok(hash.finish())
}

fn read_trails_and_checkpoints(store: &RocksStore, size: u64, hash: &mut DefaultHasher) -> Result<(), StoreError> {
    let (mut subjects, mut sizes) = (Vec::new(), Vec::new());
    store.scan_trails(&mut |subject, n, index| {
        if index.get() < size {
            (subject, n, index.get()).hash(hash);
            subjects.push(subject.to_owned());
        }
        Continue(())
    })?;
    subjects.dedup();
    for subject in subjects {
        let steps = store.trail(&subject, 0, usize::MAX)?;
        steps.iter().filter(|index| index.get() < size).for_each(|index| index.get().hash(hash));
        store.trail_head(&subject)?.is_some().hash(hash);
    }
    store.scan_checkpoints(&mut |at, note| {
        if at.get() <= size {
            (at.get(), note).hash(hash);
            sizes.push(at.get());
        }
        Continue(())
    })?;
    for at in sizes {
        store.checkpoint(TreeSize::new(at))?.hash(hash);
    }
    Ok(())
}
