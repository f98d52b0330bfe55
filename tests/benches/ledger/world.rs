//! A ledger in a directory, the events that it is filled with, and what the system tells of this process.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use modeltrail_core::clock::Clock;
use modeltrail_schemas::time::Micros;
use modeltrail_store::{Data, OpenOptions, Opened};
use serde_json::json;

use crate::figures::Figures;

/// Models that the events are about, by turns.
pub(crate) const MODELS: u64 = 1_000;
/// Versions of each.
const VERSIONS: u64 = 10;
/// What an event is to weigh.
const EVENT_BYTES: usize = 1_024;

/// The system's clock.
pub(crate) struct WallClock(Instant);

impl WallClock {
    /// A clock that starts now.
    pub(crate) fn shared() -> Arc<dyn Clock> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for WallClock {
    fn now(&self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        i64::try_from(since).ok().and_then(Micros::new).unwrap_or(Micros::EPOCH)
    }

    fn monotonic(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    fn kind(&self) -> &'static str {
        "system"
    }
}

/// Makes a ledger in `dir` and opens it.
pub(crate) fn begin(dir: &Path) -> Result<Opened> {
    let key = modeltrail_store::init(&Data::new(dir), "example.com/bench", WallClock::shared(), "bench")?;
    std::fs::write(dir.with_extension("vkey"), key)?;
    reopen(dir)
}

/// Opens the ledger in `dir`.
pub(crate) fn reopen(dir: &Path) -> Result<Opened> {
    Ok(modeltrail_store::open(&Data::new(dir), OpenOptions::new(WallClock::shared(), "bench"))?)
}

/// A structured event of 1 KiB about one model and one version of it, valid by its type's schema.
pub(crate) fn event(number: u64) -> Vec<u8> {
    let (model, version) = (number % MODELS, number / MODELS % VERSIONS);
    let metric = |at: u64| json!({"name": format!("slice-{at}"), "value": number.wrapping_mul(at + 7) % 10_000, "better": "higher"});
    let mut event = json!({
        "specversion": "1.0",
        "id": format!("bench-{number:012}"),
        "source": "https://mlflow.bank.example",
        "type": "modeltrail.model.metadata_changed.v1",
        "time": "2026-10-02T04:30:00.125Z",
        "datacontenttype": "application/json",
        "data": {
            "namespace": "risk",
            "name": format!("model-{model:04}"),
            "version": format!("{version}.0.0"),
            "key": "card",
            "new": {"metrics": (0..6).map(metric).collect::<Vec<_>>(), "text": ""},
            "actor": {"id": "svc-gitlab-ci", "kind": "service_account", "verified": "token"},
        },
    });
    let bare = event.to_string().len();
    // Words that differ from event to event, as texts do; a filler of one letter would vanish in compression.
    let words = (0..).flat_map(|at: u64| {
        format!("{:08x} ", number.wrapping_add(at).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).into_bytes()
    });
    let text: Vec<u8> = words.take(EVENT_BYTES.saturating_sub(bare)).collect();
    event["data"]["new"]["text"] = String::from_utf8_lossy(&text).into();
    event.to_string().into_bytes()
}

/// The first number of `/proc/loadavg`: how busy the machine was in the last minute, with us and with others.
pub(crate) fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

/// Resident memory of this process now and at its highest, in MiB.
pub(crate) fn memory() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|number| number.parse::<f64>().ok());
        kib.map_or(f64::NAN, |kib| kib / 1_024.0)
    };
    (mib("VmRSS"), mib("VmHWM"))
}

/// Linux tells times in hundredths of a second, whatever its own tick.
const TICKS: f64 = 100.0;

/// The name in a `stat` line of /proc, and the seconds that it tells of time in the program and in the system.
fn stat(line: &str) -> Result<(&str, f64)> {
    // The name stands in parentheses and may hold some itself; the two times are the 12th and 13th word behind it.
    let (head, tail) = line.rsplit_once(')').context("a line of /proc has no name")?;
    let name = head.split_once('(').map_or("", |(_, name)| name);
    let ticks: f64 = tail.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
    Ok((name, ticks / TICKS))
}

/// Seconds of processor time by threads of the same name, those that still run. The main thread only looks on and is left out.
pub(crate) fn threads() -> Result<BTreeMap<String, f64>> {
    let (main, mut times) = (std::process::id().to_string(), BTreeMap::new());
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?;
        if task.file_name().to_str() == Some(main.as_str()) {
            continue;
        }
        let line = std::fs::read_to_string(task.path().join("stat"))?;
        let (name, seconds) = stat(&line)?;
        *times.entry(name.to_owned()).or_insert(0.0) += seconds;
    }
    Ok(times)
}

/// Seconds of processor time of this process, threads that ended included. What others take from the machine is not in it.
pub(crate) fn processor_time() -> Result<f64> {
    Ok(stat(&std::fs::read_to_string("/proc/self/stat")?)?.1)
}

/// Wall and processor time from here on.
pub(crate) struct Stopwatch {
    begun: Instant,
    processor: f64,
}

impl Stopwatch {
    /// Starts.
    pub(crate) fn start() -> Result<Self> {
        Ok(Self { begun: Instant::now(), processor: processor_time()? })
    }

    /// What it shows now.
    pub(crate) fn stop(&self) -> Result<Lap> {
        Ok(Lap { seconds: self.begun.elapsed().as_secs_f64(), processor: processor_time()? - self.processor })
    }
}

/// What a stopwatch showed.
pub(crate) struct Lap {
    /// Seconds on the wall.
    pub(crate) seconds: f64,
    /// Seconds of processor time.
    pub(crate) processor: f64,
}

impl Lap {
    /// Notes under `name` how many a second that was, and under `<name>.cpu` the microseconds of processor time that one took.
    pub(crate) fn note(&self, figures: &mut Figures, name: &str, count: f64) {
        figures.set(name, count / self.seconds);
        figures.set(&format!("{name}.cpu"), self.processor * 1e6 / count);
    }
}

/// The value below which this part of the sorted `values` lies; 0 of none.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * part).round() as usize).copied().unwrap_or_default()
}
