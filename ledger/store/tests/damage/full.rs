//! Disks that fill up: writes pause, or the writer is poisoned, and says so; what was acknowledged is there afterwards.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use modeltrail_core::check::{CheckOptions, check};
use modeltrail_core::sequencer::Outcome;
use modeltrail_store::{AppendError, Data, Opened, init, open};

use super::common::{ORIGIN, Ticking};
use super::world::{http, options};

/// A disk as small as a ledger can be opened on.
const DISK_BYTES: u64 = 64 << 20;
/// What is left of it when the writer is to run into its end.
const LEFT_BYTES: u64 = 2 << 20;
/// One record's payload: some fill what is left.
const RECORD_BYTES: usize = 100 << 10;
/// More would fill what is left many times over.
const MAX_RECORDS: usize = 1_000;
/// No file of the child process grows beyond this many blocks of 512 bytes.
const FILE_BLOCKS: u64 = 4_096;
/// The reserve in the test of the pause.
const RESERVE_BYTES: u64 = 24 << 20;
/// How long a pause, or its end, may take to be noticed; the disk is looked at four times a second.
const NOTICED_WITHIN: usize = 200;

/// A small file system in memory, gone when dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this user may not mount one.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={DISK_BYTES}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|done| done.status.success()).then(|| Self(at.to_owned()))
    }

    /// Leaves this many bytes free. The file that takes the rest.
    fn fill(&self, left: u64) -> PathBuf {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(&self.0).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let free: u64 = text.lines().nth(1).unwrap().trim().parse().unwrap();
        let ballast = self.0.join("ballast");
        let mut file = std::fs::File::create(&ballast).unwrap();
        let chunk = vec![1; 1 << 16];
        for _ in 0..free.saturating_sub(left) / chunk.len() as u64 {
            file.write_all(&chunk).unwrap();
        }
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A directory that could not be unmounted is left to the system.
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

fn made(dir: &Path) -> Data {
    let data = Data::new(&dir.join("data"));
    init(&data, ORIGIN, std::sync::Arc::new(Ticking::default()), "test 1").unwrap();
    data
}

/// Appends until one is refused: how many were acknowledged, and the refusal.
fn append_until_refused(opened: &Opened, name: &str) -> (usize, AppendError) {
    let appender = opened.appender().unwrap();
    for count in 0..MAX_RECORDS {
        if let Err(refusal) = http(&appender, &format!("{name}-{count}"), RECORD_BYTES) {
            return (count, refusal);
        }
    }
    panic!("{MAX_RECORDS} records of {RECORD_BYTES} bytes fitted");
}

/// The ledger opens again, is sound, and knows every acknowledged event: sent once more, it is a duplicate.
fn nothing_is_missing(data: &Data, name: &str, acknowledged: usize) {
    let opened = open(data, options(0)).unwrap();
    let appender = opened.appender().unwrap();
    for count in 0..acknowledged {
        let again = http(&appender, &format!("{name}-{count}"), RECORD_BYTES).unwrap();
        assert!(
            matches!(again.outcome, Outcome::Duplicate { .. }),
            "{name}-{count} of {acknowledged} is gone: {again:?}"
        );
    }
    sound(&opened);
    drop(appender);
    opened.stop();
}

fn sound(opened: &Opened) {
    let options = CheckOptions { headers_only: false, key: [7; 16], outside: None, progress: &mut |_| {} };
    let report = check(opened.ledger.store().as_ref(), options).unwrap();
    assert!(report.holds(), "{report:#?}");
}

/// A write that fails poisons: reads go on, further writes are refused with what to do.
fn poisoned(opened: &Opened, refusal: &AppendError) {
    assert!(matches!(refusal, AppendError::Poisoned { .. }), "{refusal}");
    assert!(refusal.to_string().contains("restart modeltraild"), "{refusal}");
    let after = http(&opened.appender().unwrap(), "after", 1).unwrap_err();
    assert!(matches!(after, AppendError::Poisoned { .. }), "{after}");
    assert!(opened.ledger.header(0).unwrap().is_some(), "reads go on");
}

#[test]
fn a_full_disk_poisons_the_writer_and_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(&dir.path().join("disk")) else {
        return eprintln!("only root may mount a small disk; the limit of a file's size stands in for it");
    };
    let data = made(&disk.0);
    let opened = open(&data, options(0)).unwrap();
    let ballast = disk.fill(LEFT_BYTES);
    let (acknowledged, refusal) = append_until_refused(&opened, "full");
    assert!(acknowledged > 0);
    poisoned(&opened, &refusal);
    opened.stop();
    std::fs::remove_file(ballast).unwrap();
    nothing_is_missing(&data, "full", acknowledged);
}

#[test]
fn below_the_reserve_writes_pause_and_go_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::mount(&dir.path().join("disk"));
    let Some(disk) = disk else {
        let opened = open(&made(dir.path()), options(u64::MAX)).unwrap();
        return paused(&append_until_refused(&opened, "paused").1, u64::MAX);
    };
    let data = made(&disk.0);
    let opened = open(&data, options(RESERVE_BYTES)).unwrap();
    let appender = opened.appender().unwrap();
    http(&appender, "paused-0", RECORD_BYTES).unwrap();
    let ballast = disk.fill(RESERVE_BYTES / 2);
    let soon = |wanted: &dyn Fn() -> bool| {
        (0..NOTICED_WITHIN).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            wanted()
        })
    };
    let mut refusal = None;
    assert!(soon(&|| http(&appender, "paused-0", RECORD_BYTES).is_err()), "no pause below the reserve");
    refusal.replace(http(&appender, "paused-1", RECORD_BYTES).unwrap_err());
    paused(&refusal.unwrap(), RESERVE_BYTES);
    std::fs::remove_file(ballast).unwrap();
    assert!(soon(&|| http(&appender, "paused-1", RECORD_BYTES).is_ok()), "no end of the pause");
    sound(&opened);
    drop(appender);
    opened.stop();
    nothing_is_missing(&data, "paused", 2);
}

fn paused(refusal: &AppendError, reserve: u64) {
    assert!(
        matches!(refusal, AppendError::Paused { free_bytes, needed_bytes } if free_bytes < needed_bytes && *needed_bytes == reserve),
        "{refusal}"
    );
    assert!(refusal.to_string().contains("free some space, then send again"), "{refusal}");
}

/// Names the ledger that the child process is to write to.
const LIMITED: &str = "MODELTRAIL_TEST_LIMITED";

#[test]
fn a_file_that_may_not_grow_poisons_the_writer_and_loses_nothing_acknowledged() {
    if let Some(dir) = std::env::var_os(LIMITED) {
        let opened = open(&Data::new(dir.as_ref()), options(0)).unwrap();
        let (acknowledged, refusal) = append_until_refused(&opened, "limited");
        poisoned(&opened, &refusal);
        opened.stop();
        return println!("\nACKNOWLEDGED {acknowledged}");
    }
    let dir = tempfile::tempdir().unwrap();
    let data = made(dir.path());
    let output = Command::new("sh")
        // Without the trap the process would end at the limit instead of being told.
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {FILE_BLOCKS}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "full::a_file_that_may_not_grow_poisons_the_writer_and_loses_nothing_acknowledged",
            "--nocapture",
        ])
        .env(LIMITED, &data.dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let count = said.lines().find_map(|line| line.split_once("ACKNOWLEDGED ").map(|(_, count)| count.trim()));
    let acknowledged: usize = count.unwrap_or_else(|| panic!("{output:?}")).parse().unwrap();
    assert!(acknowledged > 0);
    nothing_is_missing(&data, "limited", acknowledged);
}
