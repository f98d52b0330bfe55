//! What the parts found, handed on in a file, and the table at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value};

const FILE: &str = "figures.json";

/// Numbers and words by name.
#[derive(Default)]
pub(crate) struct Figures(Map<String, Value>);

/// A row of the table: ours against a ceiling, and the ratio that is to be reached.
struct Row {
    what: &'static str,
    ours: &'static str,
    ceiling: &'static str,
    unit: &'static str,
    goal: &'static str,
}

const fn row(
    what: &'static str,
    ours: &'static str,
    ceiling: &'static str,
    unit: &'static str,
    goal: &'static str,
) -> Row {
    Row { what, ours, ceiling, unit, goal }
}

/// Rates: the ratio is ours over the ceiling, and 1 is the best there could be.
const RATES: [Row; 6] = [
    row(
        "Kafka to durable entries | consume, synced write of the same rows",
        "kafka.rate",
        "kafka.ceiling",
        "entries/s",
        ">= 50,000; >= 0.7",
    ),
    row(
        "HTTP, 64 producers | fdatasync of 64 entries' bytes at a time",
        "http.64.rate",
        "http.64.ceiling",
        "entries/s",
        ">= 10,000",
    ),
    row(
        "fsck, whole | SHA-256 and serde_json::Value, 2 threads, from memory",
        "fsck.whole",
        "fsck.ceiling",
        "entries/s",
        ">= 150,000; >= 0.7",
    ),
    row(
        "fsck --headers | the same of the headers alone",
        "fsck.headers",
        "fsck.headers.ceiling",
        "entries/s",
        ">= 1,000,000",
    ),
    row(
        "verify of a bundle | the same of its entries.jsonl",
        "verify.rate",
        "verify.ceiling",
        "entries/s",
        ">= 100,000",
    ),
    row("export of a bundle | (as verify)", "export.rate", "verify.ceiling", "entries/s", ""),
];

/// Times: the ratio is how many times as long as the floor it takes.
const TIMES: [Row; 4] = [
    row(
        "HTTP, 1 producer, p50 | write and fdatasync of the same bytes",
        "http.1.p50",
        "sync.1.p50",
        "ms",
        "floor + <= 1 ms",
    ),
    row("HTTP, 1 producer, p99", "http.1.p99", "sync.1.p99", "ms", ""),
    row("HTTP, 64 producers, p50 | fdatasync of 64 entries' bytes", "http.64.p50", "sync.64.p50", "ms", ""),
    row("HTTP, 64 producers, p99", "http.64.p99", "sync.64.p99", "ms", "< 50"),
];

/// What stands alone.
const ALONE: [(&str, &str, &str, &str); 13] = [
    ("inclusion proof, p50", "proof.p50", "us", ""),
    ("inclusion proof, p99", "proof.p99", "us", "< 1,000"),
    ("resident before the first record", "memory.before", "MiB", ""),
    ("resident after the last, under load", "memory.after", "MiB", ""),
    ("resident at its highest", "memory.peak", "MiB", "< 512"),
    ("a header", "bytes.header", "bytes", ""),
    ("a record with its salt", "bytes.opening", "bytes", ""),
    ("on disk, all families", "bytes.disk", "bytes/entry", ""),
    ("on disk beyond record and header", "bytes.beyond", "bytes/entry", "< 120"),
    ("HTTP, 1 producer", "http.1.rate", "entries/s", ""),
    ("entries in a seal (Kafka)", "kafka.per_seal", "", ""),
    ("a synced write (Kafka)", "kafka.sync_ms", "ms", ""),
    ("of the time, in synced writes (Kafka)", "kafka.sync_share", "%", ""),
];

impl Figures {
    /// Those that earlier parts left in `dir`.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        Ok(Self(serde_json::from_slice(&fs::read(dir.join(FILE))?)?))
    }

    /// Leaves them for the next part.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        Ok(fs::write(dir.join(FILE), serde_json::to_vec(&self.0)?)?)
    }

    /// Notes a number.
    pub(crate) fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Notes words.
    pub(crate) fn say(&mut self, name: &str, words: impl Into<String>) {
        self.0.insert(name.to_owned(), Value::String(words.into()));
    }

    fn number(&self, name: &str) -> f64 {
        self.0.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    fn under(&self, prefix: &str) -> BTreeMap<&str, f64> {
        let of = |(name, value): (&'_ String, &Value)| Some((name.strip_prefix(prefix)?.to_owned(), value.as_f64()?));
        let owned: BTreeMap<String, f64> = self.0.iter().filter_map(of).collect();
        self.0
            .keys()
            .filter_map(|name| name.strip_prefix(prefix))
            .filter_map(|name| Some((name, *owned.get(name)?)))
            .collect()
    }

    /// The table.
    pub(crate) fn table(&self, entries: u64) -> String {
        let mut text = String::new();
        let mut line = |words: String| {
            // Writing into a string does not fail.
            let _ = writeln!(text, "{words}");
        };
        let broker = self.0.get("broker").and_then(Value::as_str).unwrap_or_default();
        line(format!("\nmodeltrail bench: {entries} entries; {broker}"));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (before, after) = (self.number("load.before"), self.number("load.after"));
        line(format!(
            "{cores} cores, load average {before:.2} before and {after:.2} after: what others took is missing from these figures\n"
        ));
        line(format!(
            "{:<68} {:>12} {:>12} {:>7}  {:<10} {}",
            "rate: ours | ceiling", "ours", "ceiling", "ratio", "", "goal"
        ));
        for row in RATES.iter().chain(&TIMES) {
            let (ours, ceiling) = (self.number(row.ours), self.number(row.ceiling));
            if row.ours == TIMES[0].ours {
                line(format!("\n{:<68} {:>12} {:>12} {:>7}", "time: ours | floor", "ours", "floor", "ratio"));
            }
            line(format!(
                "{:<68} {:>12} {:>12} {:>7.2}  {:<10} {}",
                row.what,
                shown(ours),
                shown(ceiling),
                ours / ceiling,
                row.unit,
                row.goal
            ));
        }
        line(String::new());
        for (what, name, unit, goal) in ALONE {
            line(format!("{what:<68} {:>12} {:>12} {:>7}  {unit:<10} {goal}", shown(self.number(name)), "", ""));
        }
        let list = |title: &str, prefix: &str, unit: &str| {
            let mut parts: Vec<(&str, f64)> =
                self.under(prefix).into_iter().filter(|(_, value)| *value >= 0.05).collect();
            parts.sort_by(|a, b| b.1.total_cmp(&a.1));
            let parts: Vec<String> = parts.iter().map(|(name, value)| format!("{name} {value:.1}")).collect();
            format!("{title} ({unit}): {}", parts.join(", "))
        };
        line(format!("\nwhere the time goes, Kafka to durable entries: {:.1} s in all", self.number("kafka.seconds")));
        line(list("  processor time by thread", "cpu.kafka.", "s"));
        line(list("  the ceiling's", "cpu.ceiling.", "s"));
        line(list("  bytes on disk by family", "disk.", "per entry"));
        text
    }
}

/// A number with as many digits as tell something.
fn shown(value: f64) -> String {
    match value {
        value if value.is_nan() => "-".to_owned(),
        value if value >= 1_000.0 => grouped(value),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.3}"),
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let tail: Vec<&str> = tail.as_bytes().chunks(3).filter_map(|three| std::str::from_utf8(three).ok()).collect();
    [head].into_iter().filter(|head| !head.is_empty()).chain(tail).collect::<Vec<_>>().join(",")
}
