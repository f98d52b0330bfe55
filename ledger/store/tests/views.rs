//! Views in RocksDB: they follow the log, outlive stops and kills, and are what a fresh fold gives.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

#[path = "views/child.rs"]
mod child;
mod common;
#[path = "views/world.rs"]
mod world;

use std::ops::ControlFlow;
use std::sync::Arc;

use modeltrail_store::views::{Phase, RebuildError, RebuildRefused, RebuildStatus, fold, rebuild_in_place};
use modeltrail_store::{Data, OpenError, OpenOptions, Views, ViewsState, open};
use modeltrail_views::SCHEMA;
use modeltrail_views::fold::state_digest;
use modeltrail_views::store::{MemoryViews, Rows, ViewStore};
use modeltrail_views::tables::Table;

use world::World;

/// The digest of a fold that nothing interrupted, in memory.
fn fresh_digest(world: &World) -> String {
    let views = MemoryViews::new();
    let ledger = &world.opened().ledger;
    let size = ledger.head().size;
    assert_eq!(fold(ledger, &views, size, &mut |_| ControlFlow::Continue(())).unwrap(), size);
    state_digest(&views).unwrap()
}

fn rows(store: &dyn ViewStore) -> usize {
    let mut count = 0;
    for table in Table::ALL {
        let visit = &mut |_: &[u8], _: &[u8]| {
            count += 1;
            modeltrail_views::store::Then::Next
        };
        store.scan(&[table as u8], &[table as u8], visit).unwrap();
    }
    count
}

/// Folders of views, by name.
fn folders(data: &Data) -> Vec<String> {
    let entries = std::fs::read_dir(data.views()).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The name of the folder of views with this number.
fn folder(number: u64) -> String {
    format!("{SCHEMA}.{number}")
}

fn ended(views: &Views) -> RebuildStatus {
    loop {
        let status = views.handle().rebuild_status().unwrap();
        if status.ended() {
            return status;
        }
        std::thread::yield_now();
    }
}

#[test]
fn views_follow_the_log_and_outlive_a_stop() {
    let mut world = World::new();
    let views = Views::start(world.opened());
    world.append(600);
    world.wait_for(&views);
    let handle = views.handle();
    assert_eq!(handle.state(), ViewsState::Following);
    assert_eq!((handle.behind(), handle.behind_seconds()), (0, 0.0));
    assert!(handle.memory_bytes() > 0);
    let digest = state_digest(handle.store().as_ref()).unwrap();
    assert!(rows(handle.store().as_ref()) > 600, "the events make rows");
    assert_eq!(digest, fresh_digest(&world));
    views.stop();
    assert_eq!(handle.state(), ViewsState::Stopped);
    drop(handle);

    world.reopen();
    let views = Views::start(world.opened());
    let (store, size) = views.handle().snapshot();
    assert!(size >= 600, "nothing is folded a second time: {size}");
    assert_eq!(folders(world.data()), [folder(1)]);
    world.wait_for(&views);
    assert_eq!(state_digest(store.as_ref()).unwrap(), fresh_digest(&world));
    views.stop();
}

#[test]
fn a_scan_of_a_database_gives_what_one_of_memory_gives() {
    let mut world = World::new();
    world.append(300);
    let memory = MemoryViews::new();
    let ledger = Arc::clone(&world.opened().ledger);
    fold(&ledger, &memory, ledger.head().size, &mut |_| ControlFlow::Continue(())).unwrap();
    let views = Views::start(world.opened());
    world.wait_for(&views);
    let rocks = views.handle().store();
    let all = keys(&memory, &[], &[]);
    assert_eq!(all, keys(rocks.as_ref(), &[], &[]));
    // Every key cut anywhere is a prefix somebody may ask for, and where somebody may begin.
    for key in all.iter().step_by(7) {
        for cut in [1, 2, key.len() / 2, key.len() - 8, key.len()] {
            let prefix = &key[..cut];
            for from in [prefix, key.as_slice(), &[0u8][..], &[0xff; 3][..]] {
                assert_eq!(keys(&memory, prefix, from), keys(rocks.as_ref(), prefix, from), "{key:?} {cut} {from:?}");
            }
        }
    }
    views.stop();
}

/// Keys that a visitor sees who steps, and then leaps over two at a time.
fn keys(store: &dyn ViewStore, prefix: &[u8], from: &[u8]) -> Vec<Vec<u8>> {
    use modeltrail_views::store::Then;
    let mut found = Vec::new();
    store
        .scan(prefix, from, &mut |key, _| {
            found.push(key.to_vec());
            match found.len() % 5 {
                0 => Then::Seek([key, b"\0"].concat()),
                // Behind this row and all its versions.
                3 => Then::Seek([&key[..key.len().saturating_sub(8)], &[0xff; 9]].concat()),
                _ => Then::Next,
            }
        })
        .unwrap();
    found
}

#[test]
fn views_of_another_past_are_folded_anew() {
    let mut world = World::new();
    world.append(40);
    let views = Views::start(world.opened());
    world.wait_for(&views);
    views.stop();
    // Another ledger that is as long, and whose views are put in the place of ours.
    let mut other = World::new();
    other.append(41);
    let views = Views::start(other.opened());
    other.wait_for(&views);
    views.stop();
    for longer in [false, true] {
        world.close();
        std::fs::remove_dir_all(world.data().views()).unwrap();
        if longer {
            other.append(400);
            let views = Views::start(other.opened());
            other.wait_for(&views);
            views.stop();
        }
        common::copy(&other.data().views(), &world.data().views());
        let before = folders(world.data());
        world.reopen();
        let views = Views::start(world.opened());
        world.wait_for(&views);
        assert_eq!(state_digest(views.handle().store().as_ref()).unwrap(), fresh_digest(&world));
        assert_ne!(folders(world.data()), before, "the others are gone");
        assert_eq!(folders(world.data()).len(), 1);
        views.stop();
    }
}

#[test]
fn damaged_views_and_leftovers_are_thrown_away() {
    let mut world = World::new();
    world.append(40);
    let views = Views::start(world.opened());
    world.wait_for(&views);
    views.stop();
    world.close();
    let home = world.data().views();
    std::fs::remove_file(home.join(folder(1)).join("CURRENT")).unwrap();
    // What a crashed rebuild left, an older schema's, and something that is nobody's business of ours.
    for leftover in [&folder(7), "0.3", "notes"] {
        std::fs::create_dir(home.join(leftover)).unwrap();
    }
    world.reopen();
    let views = Views::start(world.opened());
    world.wait_for(&views);
    assert_eq!(folders(world.data()), [folder(8), "notes".to_owned()]);
    assert_eq!(state_digest(views.handle().store().as_ref()).unwrap(), fresh_digest(&world));
    views.stop();
    world.close();
    // A line that names nothing of ours leads nowhere else.
    for line in ["../log", "1.99", "0.3", ""] {
        std::fs::write(home.join("CURRENT"), line).unwrap();
        world.reopen();
        let views = Views::start(world.opened());
        world.wait_for(&views);
        assert_eq!(views.handle().state(), ViewsState::Following, "{line:?}");
        views.stop();
        world.close();
        assert!(world.data().log().join("CURRENT").exists());
    }
}

#[test]
fn a_rebuild_serves_the_old_views_until_the_new_ones_are_equal() {
    let mut world = World::new();
    world.append(1_500);
    let views = Views::start(world.opened());
    world.wait_for(&views);
    let handle = views.handle();
    let (old, old_size) = handle.snapshot();
    let digest = state_digest(old.as_ref()).unwrap();
    handle.rebuild(false).unwrap();
    assert!(matches!(handle.rebuild(false), Err(RebuildRefused::Busy)) || handle.rebuild_status().unwrap().ended());
    world.append(300);
    let status = ended(&views);
    assert_eq!((status.phase, &status.error), (Phase::Done, &None), "{status:?}");
    let comparison = status.comparison.unwrap();
    assert!(comparison.holds());
    assert_eq!(comparison.incremental.as_ref(), Some(&comparison.rebuilt));
    assert_eq!(folders(world.data()), [folder(1), folder(2)], "somebody reads the old ones still");
    if comparison.size == old_size {
        assert_eq!(comparison.rebuilt, digest);
    }
    world.wait_for(&views);
    assert!(rows(old.as_ref()) > 0, "the old ones are readable as long as they are held");
    drop(old);
    assert_eq!(folders(world.data()), [folder(2)]);
    assert_eq!(state_digest(handle.store().as_ref()).unwrap(), fresh_digest(&world));

    handle.rebuild(true).unwrap();
    let status = ended(&views);
    assert!(status.check && status.comparison.unwrap().holds());
    assert_eq!(folders(world.data()), [folder(2)], "a check changes nothing");
    views.stop();
}

#[test]
fn views_that_are_not_what_the_log_says_are_found_and_replaced() {
    let mut world = World::new();
    world.append(100);
    let views = Views::start(world.opened());
    world.wait_for(&views);
    // A row that no entry made, at the cursor as it stands.
    let store = views.handle().store();
    let cursor = store.cursor().unwrap().unwrap();
    let row = [b"\x02model/never\0".as_slice(), &(!0u64).to_be_bytes()].concat();
    let mut rows = Rows::default();
    rows.insert(row, |value| value.extend_from_slice(b"{}"));
    store.write(&rows, &cursor).unwrap();
    drop(store);
    views.handle().rebuild(false).unwrap();
    let comparison = ended(&views).comparison.unwrap();
    assert!(!comparison.holds(), "{comparison:?}");
    assert_eq!(state_digest(views.handle().store().as_ref()).unwrap(), fresh_digest(&world));
    views.stop();
}

#[test]
fn a_rebuild_in_place_wants_the_ledger_for_itself() {
    let mut world = World::new();
    world.append(700);
    let views = Views::start(world.opened());
    world.wait_for(&views);
    let refused = rebuild_in_place(world.data(), false, &mut |_| {});
    assert!(matches!(refused, Err(RebuildError::Open(OpenError::Store(_)))), "{refused:?}");
    views.stop();
    let size = world.opened().ledger.head().size;
    let expected = fresh_digest(&world);
    world.close();
    for (check, number) in [(true, 1), (false, 2)] {
        let mut phases = Vec::new();
        let status = rebuild_in_place(world.data(), check, &mut |status| phases.push(status.phase)).unwrap();
        let comparison = status.comparison.unwrap();
        assert!(comparison.holds());
        assert_eq!((comparison.size, &comparison.rebuilt), (size, &expected));
        assert!(phases.starts_with(&[Phase::Folding]) && phases.contains(&Phase::Comparing), "{phases:?}");
        assert_eq!(folders(world.data()), [folder(number)], "check: {check}");
    }
    world.reopen();
    assert_eq!(world.opened().ledger.head().size, size + 1, "only this start is an entry");
}

#[test]
fn what_may_not_be_written_is_shown_from_disk_or_from_memory() {
    let mut world = World::new();
    world.append(200);
    let read_only = |world: &World| {
        let options = OpenOptions { read_only: true, ..OpenOptions::new(world.clock(), "test 1") };
        open(world.data(), options).unwrap()
    };
    world.close();
    let opened = read_only(&world);
    let views = Views::start(&opened);
    let handle = views.handle();
    while handle.behind() > 0 {
        std::thread::yield_now();
    }
    assert!(matches!(handle.state(), ViewsState::ReadOnly { why } if why.contains("memory")));
    assert!(!world.data().views().exists(), "nothing was written");
    let digest = state_digest(handle.store().as_ref()).unwrap();
    assert!(matches!(handle.rebuild(false), Err(RebuildRefused::Unavailable { .. })));
    views.stop();
    opened.stop();

    world.reopen();
    assert_ne!(digest, fresh_digest(&world), "the start is an entry more");
    let views = Views::start(world.opened());
    world.wait_for(&views);
    views.stop();
    let expected = fresh_digest(&world);
    world.close();
    let opened = read_only(&world);
    let views = Views::start(&opened);
    assert!(matches!(views.handle().state(), ViewsState::ReadOnly { why } if why.contains("on disk")));
    assert_eq!(views.handle().behind(), 0);
    assert_eq!(state_digest(views.handle().store().as_ref()).unwrap(), expected);
    views.stop();
    opened.stop();
}

/// Random events, unless `VIEWS_EVENTS` says otherwise.
const EVENTS: u64 = 20_000;

#[test]
fn many_random_events_fold_the_same_twice() {
    let events = std::env::var("VIEWS_EVENTS").map_or(EVENTS, |text| text.parse().unwrap());
    let mut world = World::new();
    let views = Views::start(world.opened());
    // The projector follows while they are appended: its batches end wherever the log happened to be.
    world.append(events);
    world.wait_for(&views);
    let handle = views.handle();
    handle.rebuild(false).unwrap();
    let comparison = ended(&views).comparison.unwrap();
    assert_eq!(comparison.incremental.as_ref(), Some(&comparison.rebuilt), "{comparison:?}");
    assert!(comparison.size > events);
    views.stop();
}
