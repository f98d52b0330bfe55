//! A ledger of a few hundred entries, of each kind and size, and what its data directory holds at the end of each run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use modeltrail_core::clock::Clock;
use modeltrail_core::sequencer::Rotation;
use modeltrail_store::{Act, Appender, Data, OpenOptions, Opened, init, open};
use modeltrail_tlog::note::SignerKey;
use serde_json::json;

use crate::common::{self, ORIGIN, Ticking, copy, kafka, open_source};

/// Larger than what RocksDB keeps beside its rows: such a record lies in a blob file.
const LARGE_BYTES: usize = 40 << 10;

pub(crate) fn options(reserve_bytes: u64) -> OpenOptions {
    let clock: Arc<dyn Clock> = Arc::new(Ticking::default());
    OpenOptions { reserve_bytes, ..common::options(clock) }
}

fn event(id: &str, size: usize) -> Vec<u8> {
    let data = json!({"name": format!("fraud-{}", id.len() % 5), "key": "note", "new": "x".repeat(size)});
    let event = json!({"specversion": "1.0", "id": id, "source": "urn:test", "type": "modeltrail.model.metadata_changed.v1", "time": "2026-01-01T00:00:00Z", "data": data});
    serde_json::to_vec(&event).unwrap()
}

/// Appends one event and waits for its answer.
pub(crate) fn http(appender: &Appender, id: &str, size: usize) -> common::Answer {
    common::http(appender, &event(id, size))
}

/// A data directory that nobody writes to any more, and what its head file said before the last run.
pub(crate) struct World {
    pub(crate) data: Data,
    pub(crate) size: u64,
    /// What was published before the last run.
    pub(crate) earlier_head: String,
    pub(crate) earlier_size: u64,
}

impl World {
    /// Three runs: a restart writes what the log file holds into tables, so that the last run alone is in the log file.
    pub(crate) fn make(dir: &Path) -> Self {
        let data = Data::new(&dir.join("data"));
        init(&data, ORIGIN, Arc::new(Ticking::default()), "test 1").unwrap();
        run(&data, |appender| {
            open_source(appender, 0);
            let bodies: Vec<_> =
                (0..150).map(|i| event(&format!("k-{i}"), if i % 50 == 7 { LARGE_BYTES } else { i })).collect();
            appender.kafka((0..).zip(&bodies).map(|(offset, body)| kafka(offset, body)).collect()).unwrap();
            each(appender, "a", 60);
        });
        run(&data, |appender| {
            let new = Arc::new(SignerKey::from_seed(ORIGIN, &[9; 32]).unwrap());
            data.write_key(&new).unwrap();
            appender.act_blocking(Act::Rotate(new, Rotation::Scheduled)).unwrap();
            each(appender, "b", 40);
        });
        let (earlier_head, earlier_size) = head(&data);
        run(&data, |appender| {
            each(appender, "c", 40);
            http(appender, "c-large", LARGE_BYTES).unwrap();
        });
        let size = head(&data).1;
        Self { data, size, earlier_head, earlier_size }
    }

    /// Files of the database, in order of their names; the lock is empty.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.data.log()).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.file_name().is_some_and(|name| name != "LOCK"));
        files.sort();
        files
    }

    /// The newest log file: what the last run wrote.
    pub(crate) fn log_file(&self) -> PathBuf {
        let mut logs = self.files();
        logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap()
    }
}

fn run(data: &Data, work: impl FnOnce(&Appender)) {
    let opened = opened(data);
    let appender = opened.appender().unwrap();
    work(&appender);
    drop(appender);
    opened.stop();
}

fn opened(data: &Data) -> Opened {
    open(data, options(0)).unwrap()
}

/// One seal an entry, since each answer is waited for.
fn each(appender: &Appender, name: &str, count: usize) {
    for i in 0..count {
        http(appender, &format!("{name}-{i}"), 10 * i).unwrap();
    }
}

/// The head file and its size.
pub(crate) fn head(data: &Data) -> (String, u64) {
    let text = std::fs::read_to_string(&data.head_file).unwrap();
    let size = text.lines().nth(1).unwrap().parse().unwrap();
    (text, size)
}

/// Copies a data directory and its head file to `to`.
pub(crate) fn copied(from: &Data, to: &Path) -> Data {
    let data = Data::new(to);
    copy(&from.dir, &data.dir);
    std::fs::copy(&from.head_file, &data.head_file).unwrap();
    data
}
