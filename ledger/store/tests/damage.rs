//! Bytes changed, cut, zeroed and doubled in the database's files, and disks that fill up: nothing of it passes unseen.
//!
//! Each damage has one of three ends: the start is refused, the whole check names it, or it changes nothing that is read. A start that goes on
//! with less than what was published is refused by the head file.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod common;
#[path = "damage/flips.rs"]
mod flips;
#[path = "damage/full.rs"]
mod full;
#[path = "damage/logs.rs"]
mod logs;
#[path = "damage/probe.rs"]
mod probe;
#[path = "damage/world.rs"]
mod world;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use modeltrail_store::Data;
use probe::{Seen, ask, look};
use world::{World, copied};

/// Processes that look at damaged ledgers at the same time.
const AT_ONCE: usize = 2;

/// Does `one` with every case, on a few threads, each in a directory of its own; what it says of them, in order of the cases.
fn each<T: Sync, R: Send>(cases: &[T], one: impl Fn(&T, &Path) -> R + Sync) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((at, case)) = take(&next, cases) {
                    let dir = tempfile::tempdir().unwrap();
                    let result = one(case, dir.path());
                    done.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn take<'c, T>(next: &AtomicUsize, cases: &'c [T]) -> Option<(usize, &'c T)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    cases.get(at).map(|case| (at, case))
}

/// What a fresh process sees of a copy with one file's bytes changed.
fn with(world: &World, dir: &Path, file: &Path, bytes: &[u8], change: impl FnOnce(&Data)) -> Seen {
    let data = copied(&world.data, &dir.join("data"));
    std::fs::write(data.log().join(file.file_name().unwrap()), bytes).unwrap();
    change(&data);
    ask(&data, world.size)
}

/// What is seen of the undamaged ledger, or of its first `size` entries.
fn reference(world: &World, size: u64) -> Seen {
    let dir = tempfile::tempdir().unwrap();
    ask(&copied(&world.data, &dir.path().join("data")), size)
}

#[test]
fn a_probe_tells_what_it_sees() {
    if probe::answer() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let world = World::make(dir.path());
    let seen = reference(&world, world.size);
    assert!(matches!(seen, Seen::Sound { entries, .. } if entries == world.size), "{seen:?}");
    assert_eq!(look(&copied(&world.data, &dir.path().join("here")), world.size), seen, "two processes see the same");
    assert_ne!(reference(&world, world.size - 1), seen, "what is read counts");
}
