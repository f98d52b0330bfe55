//! What the parts found, handed on in a file, and the table at the end.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value};

const FILE: &str = "figures.json";
/// The width of a row's name.
const WIDE: usize = 68;
/// Shares below this are left out.
const SMALL: f64 = 0.05;

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
const RATES: [Row; 9] = [
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
    row("rebuild of all views | scan of the same entries", "views.rebuild", "views.scan", "entries/s", ">= 200,000"),
    row(
        "entries read as views want them, one thread | scan of the same entries",
        "views.read",
        "views.scan",
        "entries/s",
        "",
    ),
    row("Kafka to durable entries, views following | without", "kafka.views.rate", "kafka.rate", "entries/s", ""),
];

/// Times: the ratio is how many times as long as the floor it takes.
const TIMES: [Row; 8] = [
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
    row("page of a version, p50 | an answer without content", "page.version.p50", "page.none.p50", "ms", ""),
    row("page of a version, p99", "page.version.p99", "page.none.p99", "ms", ""),
    row("dossier of a version, p50 | an answer without content", "page.dossier.p50", "page.none.p50", "ms", "< 100"),
    row("dossier of a version, p99", "page.dossier.p99", "page.none.p99", "ms", ""),
];

/// What stands alone.
const ALONE: [(&str, &str, &str, &str); 26] = [
    ("inclusion proof, p50", "proof.p50", "us", ""),
    ("inclusion proof, p99", "proof.p99", "us", "< 1,000"),
    ("lineage, 1 step up, of a million nodes, p50", "walk.1.p50", "ms", ""),
    ("lineage, 1 step up, p99", "walk.1.p99", "ms", "< 2"),
    ("lineage, 10 steps up, p50", "walk.10.p50", "ms", ""),
    ("lineage, 10 steps up, p99", "walk.10.p99", "ms", "< 50"),
    ("nodes met in 10 steps", "walk.10.nodes", "", ""),
    ("page of all models, p50", "page.models.p50", "ms", ""),
    ("entries of the ledger that pages are of", "page.entries", "", ""),
    ("a dossier", "page.dossier.kib", "KiB", ""),
    ("resident at its highest, serving pages", "page.memory", "MiB", "< 512"),
    ("entries that the views are behind, right after the last", "views.behind", "", ""),
    ("the same in seconds", "views.behind_seconds", "s", ""),
    ("resident at its highest, views following", "memory.views.peak", "MiB", "< 512"),
    ("resident at its highest, rebuilding", "views.memory", "MiB", "< 512"),
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

    /// The table.
    pub(crate) fn table(&self, entries: u64) -> String {
        let broker = self.0.get("broker").and_then(Value::as_str).unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (before, after) = (self.number("load.before"), self.number("load.after"));
        let mut lines = vec![
            String::new(),
            format!("modeltrail bench: {entries} entries of 1 KiB; {broker}"),
            format!("{cores} cores, load average {before:.2} before and {after:.2} after"),
            "ratio: of the clock's times, where what other processes take counts too; cpu: the same of processor time"
                .to_owned(),
            String::new(),
            head("rate: ours | ceiling", "ceiling"),
        ];
        lines.extend(RATES.iter().map(|row| self.line(row, true)));
        lines.extend([String::new(), head("time: ours | floor", "floor")]);
        lines.extend(TIMES.iter().map(|row| self.line(row, false)));
        lines.push(String::new());
        let alone = |(what, name, unit, goal): &(&str, &str, &str, &str)| {
            format!("{what:<WIDE$} {:>10} {unit:<11} {:>10} {:>6} {:>6}  {goal}", shown(self.number(name)), "", "", "")
        };
        lines.extend(ALONE.iter().map(alone));
        let seconds = self.number("kafka.seconds");
        lines.extend([
            format!("\nwhere the time goes, Kafka to durable entries: {seconds:.1} s in all"),
            self.list("  processor time by thread (s)", "cpu.kafka."),
            self.list("  the ceiling's (s)", "cpu.ceiling."),
            self.list("  bytes on disk per entry, by family", "disk."),
            String::new(),
        ]);
        lines.join("\n")
    }

    fn line(&self, row: &Row, rate: bool) -> String {
        let Row { what, ours, ceiling, unit, goal } = row;
        let ratio = |above: String, below: String| {
            let ratio = self.number(&above) / self.number(&below);
            if ratio.is_nan() { String::new() } else { format!("{ratio:.2}") }
        };
        let clock = ratio((*ours).to_owned(), (*ceiling).to_owned());
        let processor = if rate { ratio(format!("{ceiling}.cpu"), format!("{ours}.cpu")) } else { String::new() };
        let (ours, ceiling) = (shown(self.number(ours)), shown(self.number(ceiling)));
        format!("{what:<WIDE$} {ours:>10} {unit:<11} {ceiling:>10} {clock:>6} {processor:>6}  {goal}")
    }

    /// What stands under a prefix and amounts to something, the largest first.
    fn list(&self, title: &str, prefix: &str) -> String {
        let of = |(name, value): (&String, &Value)| Some((value.as_f64()?, name.strip_prefix(prefix)?.to_owned()));
        let mut parts: Vec<(f64, String)> = self.0.iter().filter_map(of).filter(|(value, _)| *value >= SMALL).collect();
        parts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let parts: Vec<String> = parts.iter().map(|(value, name)| format!("{name} {value:.1}")).collect();
        format!("{title}: {}", parts.join(", "))
    }
}

fn head(what: &str, other: &str) -> String {
    format!("{what:<WIDE$} {:>10} {:<11} {:>10} {:>6} {:>6}  goal", "ours", "", other, "ratio", "cpu")
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
