//! The writer over a real database: what is acknowledged is there after a stop, in order, once; and `fsck` agrees after every step.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod common;

use std::path::Path;
use std::sync::Arc;

use modeltrail_core::check::{CheckOptions, Report, check};
use modeltrail_core::clock::Clock;
use modeltrail_core::header::EntryHeader;
use modeltrail_core::sequencer::Outcome;
use modeltrail_core::store::Store;
use modeltrail_store::{Act, Appended, Data, KafkaItem, OpenError, OpenOptions, Opened, init, open};
use serde_json::json;

use common::{ORIGIN, Ticking, http, kafka, open_source, partition};

fn event(id: &str, value: u64) -> Vec<u8> {
    let data = json!({"name": "fraud", "key": "note", "new": value});
    let event = json!({"specversion": "1.0", "id": id, "source": "urn:test", "type": "modeltrail.model.metadata_changed.v1", "time": "2026-01-01T00:00:00Z", "data": data});
    serde_json::to_vec(&event).unwrap()
}

fn options(clock: &Arc<Ticking>) -> OpenOptions {
    common::options(Arc::clone(clock) as Arc<dyn Clock>)
}

fn fsck(opened: &Opened) -> Report {
    let options = CheckOptions { headers_only: false, key: [7; 16], outside: None, progress: &mut |_| {} };
    check(opened.ledger.store().as_ref(), options).unwrap()
}

fn sound(opened: &Opened) -> Report {
    let report = fsck(opened);
    assert!(report.holds(), "{report:#?}");
    report
}

fn begun(dir: &Path, clock: &Arc<Ticking>) -> (Data, Opened) {
    let data = Data::new(&dir.join("data"));
    init(&data, ORIGIN, Arc::clone(clock) as Arc<dyn Clock>, "test 1").unwrap();
    let opened = open(&data, options(clock)).unwrap();
    (data, opened)
}

fn index_of(appended: &Appended) -> u64 {
    match &appended.outcome {
        Outcome::Entry { index, .. } => index.get(),
        other => panic!("no entry: {other:?}"),
    }
}

#[test]
fn acknowledged_entries_outlive_a_stop() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ticking::default());
    let (data, opened) = begun(dir.path(), &clock);
    let appender = opened.appender().unwrap();
    let first = http(&appender, &event("e-1", 1)).unwrap();
    assert_eq!(index_of(&first), 2, "after genesis and opened");
    let again = http(&appender, &event("e-1", 1)).unwrap();
    assert_eq!(again.outcome, Outcome::Duplicate { of: 2.into_index(), erased: false });
    let conflict = http(&appender, &event("e-1", 2)).unwrap();
    assert!(matches!(conflict.outcome, Outcome::Entry { conflict_of: Some(of), .. } if of.get() == 2), "{conflict:?}");
    sound(&opened);
    drop(appender);
    opened.stop();

    let opened = open(&data, options(&clock)).unwrap();
    let again = http(&opened.appender().unwrap(), &event("e-1", 1)).unwrap();
    assert_eq!(again.outcome, Outcome::Duplicate { of: 2.into_index(), erased: false });
    let header = EntryHeader::parse(&opened.ledger.header(4).unwrap().unwrap()).unwrap();
    assert_eq!(header.event.unwrap().r#type, "modeltrail.ledger.opened.v1");
    assert_eq!(sound(&opened).entries, 5);
    opened.stop();
}

trait IntoIndex {
    fn into_index(self) -> modeltrail_core::types::EntryIndex;
}

impl IntoIndex for u64 {
    fn into_index(self) -> modeltrail_core::types::EntryIndex {
        modeltrail_core::types::EntryIndex(self)
    }
}

#[test]
fn positions_are_covered_once_whatever_comes() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ticking::default());
    let (data, opened) = begun(dir.path(), &clock);
    let appender = opened.appender().unwrap();
    open_source(&appender, 3);
    // 3 and 4 come, 5 and 6 are markers, 7 repeats 3, 8 comes, then 4 is read again after a restart of the reader.
    appender
        .kafka(vec![
            kafka(3, &event("k-1", 1)),
            kafka(4, &event("k-2", 1)),
            kafka(7, &event("k-1", 1)),
            kafka(8, &event("k-3", 1)),
        ])
        .unwrap();
    appender.kafka(vec![kafka(4, &event("k-2", 1)), kafka(12, &event("k-4", 1))]).unwrap();
    appender.kafka(vec![KafkaItem::End { partition: partition(), end: 15 }]).unwrap();
    drop(appender);
    opened.stop();

    let opened = open(&data, options(&clock)).unwrap();
    let rows = opened.ledger.positions().unwrap();
    assert_eq!(rows[0].next, 15);
    sound(&opened);
    let headers: Vec<EntryHeader> = (0..opened.ledger.head().size)
        .map(|i| EntryHeader::parse(&opened.ledger.header(i).unwrap().unwrap()).unwrap())
        .collect();
    let offsets: Vec<_> = headers
        .iter()
        .filter_map(|header| Some((header.received.offset?, header.received.skipped.unwrap_or(0))))
        .collect();
    assert_eq!(offsets, [(3, 0), (4, 0), (8, 0), (12, 3)]);
    opened.stop();
}

#[test]
fn thousands_of_entries_fill_tiles_and_stay_sound() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ticking::default());
    let (data, opened) = begun(dir.path(), &clock);
    let appender = opened.appender().unwrap();
    open_source(&appender, 0);
    for chunk in 0..20_u64 {
        let items = (0..200).map(|i| kafka(chunk * 200 + i, &event(&format!("k-{chunk}-{i}"), i))).collect();
        appender.kafka(items).unwrap();
    }
    drop(appender);
    opened.stop();
    let opened = open(&data, options(&clock)).unwrap();
    let report = sound(&opened);
    assert_eq!(report.entries, 4_000 + 4);
    let head = opened.ledger.head();
    for index in [0, 255, 256, 3_999] {
        let proof = opened.ledger.inclusion(index, head.size).unwrap();
        let leaf = modeltrail_tlog::hash::leaf_hash(&opened.ledger.header(index).unwrap().unwrap());
        modeltrail_tlog::proof::verify_inclusion(
            &leaf,
            index,
            modeltrail_tlog::tree::TreeSize::new(head.size),
            &proof,
            &head.root,
        )
        .unwrap();
    }
    opened.stop();
}

#[test]
fn rotation_is_the_last_entry_of_its_seal_and_both_keys_sign() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ticking::default());
    let (data, opened) = begun(dir.path(), &clock);
    let appender = opened.appender().unwrap();
    let new = Arc::new(modeltrail_tlog::note::SignerKey::from_seed(ORIGIN, &[9; 32]).unwrap());
    data.write_key(&new).unwrap();
    let rotated =
        appender.act_blocking(Act::Rotate(Arc::clone(&new), modeltrail_core::sequencer::Rotation::Scheduled)).unwrap();
    assert_eq!(rotated.size, index_of(&rotated) + 1);
    assert_eq!(rotated.checkpoint.matches("\u{2014} ").count(), 2);
    http(&appender, &event("after", 1)).unwrap();
    sound(&opened);
    drop(appender);
    opened.stop();
    let opened = open(&data, options(&clock)).unwrap();
    assert_eq!(opened.ledger.keys().len(), 2);
    sound(&opened);
    opened.stop();
}

#[test]
fn a_head_file_that_is_ahead_or_missing_refuses_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ticking::default());
    let (data, opened) = begun(dir.path(), &clock);
    http(&opened.appender().unwrap(), &event("e-1", 1)).unwrap();
    opened.stop();
    let old = dir.path().join("old");
    copy(&data.dir, &old);
    let opened = open(&data, options(&clock)).unwrap();
    http(&opened.appender().unwrap(), &event("e-2", 1)).unwrap();
    opened.stop();

    let restored = Data { dir: old, head_file: data.head_file.clone() };
    let refused = open(&restored, options(&clock)).err().unwrap();
    assert!(matches!(&refused, OpenError::Head { differs, .. } if differs.contains("the ledger has 3")), "{refused}");

    std::fs::remove_file(&data.head_file).unwrap();
    let refused = open(&data, options(&clock)).err().unwrap();
    assert!(refused.to_string().contains("head adopt"), "{refused}");
    modeltrail_store::adopt_head(&data, options(&clock), &format!("sha256:{}", "0".repeat(64))).unwrap();
    let opened = open(&data, options(&clock)).unwrap();
    sound(&opened);
    opened.stop();
}

#[test]
fn a_second_writer_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ticking::default());
    let (data, opened) = begun(dir.path(), &clock);
    let refused = open(&data, options(&clock)).err().unwrap();
    assert!(refused.to_string().to_lowercase().contains("lock"), "{refused}");
    opened.stop();
}

#[test]
fn init_makes_nothing_where_something_is() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ticking::default());
    let (data, opened) = begun(dir.path(), &clock);
    opened.stop();
    assert!(init(&data, ORIGIN, Arc::clone(&clock) as Arc<dyn Clock>, "test 1").is_err());
    assert_eq!(std::fs::read_dir(data.keys()).unwrap().count(), 1, "no second key");
    assert!(open(&Data::new(&dir.path().join("nothing")), options(&clock)).is_err());
}

#[test]
fn every_changed_row_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ticking::default());
    let (_data, opened) = begun(dir.path(), &clock);
    let appender = opened.appender().unwrap();
    for i in 0..20 {
        http(&appender, &event(&format!("e-{i}"), i)).unwrap();
    }
    // The same rows, in memory, where they can be changed.
    let memory = modeltrail_core::memory::MemoryStore::new();
    copy_rows(opened.ledger.store().as_ref(), &memory);
    let look = |store: &modeltrail_core::memory::MemoryStore| {
        let options = CheckOptions { headers_only: false, key: [3; 16], outside: None, progress: &mut |_| {} };
        check(store, options).unwrap()
    };
    assert!(look(&memory).holds(), "{:#?}", look(&memory));
    let header = opened.ledger.header(7).unwrap().unwrap();
    for position in 0..header.len() {
        let mut changed = header.clone();
        changed[position] ^= 1;
        memory.tamper_header(7, changed);
        assert!(!look(&memory).holds(), "a flip at byte {position} of a header passes");
    }
    memory.tamper_header(7, header);
    let opening = opened.ledger.opening(7).unwrap().unwrap();
    for position in 0..opening.len() {
        let mut changed = opening.clone();
        changed[position] ^= 1;
        memory.tamper_opening(7, Some(changed));
        let report = look(&memory);
        assert_eq!(report.broken[0].invariant, "L-10");
        assert_eq!(report.broken[0].entry.map(|entry| entry.get()), Some(7));
    }
    opened.stop();
}

fn copy_rows(from: &impl Store, to: &impl Store) {
    use std::ops::ControlFlow::Continue;
    let (newest, note) = from.checkpoint_up_to(modeltrail_tlog::tree::TreeSize::new(u64::MAX)).unwrap().unwrap();
    let mut batch = modeltrail_core::store::SealBatch { size: newest.get(), checkpoint: note, ..Default::default() };
    from.scan_headers(0.into_index(), &mut |index, bytes| {
        batch.entries.push(modeltrail_core::store::SealedEntry {
            header: bytes.to_vec(),
            opening: from.opening(index).unwrap(),
        });
        Continue(())
    })
    .unwrap();
    from.scan_ids(&mut |hash, index| {
        batch.ids.push((hash.try_into().unwrap(), index));
        Continue(())
    })
    .unwrap();
    from.scan_trails(&mut |subject, n, index| {
        batch.trails.push((subject.to_owned(), n, index));
        Continue(())
    })
    .unwrap();
    to.seal(&batch).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
