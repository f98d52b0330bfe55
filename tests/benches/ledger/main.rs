//! `make bench`: what the ledger does in a second, beside what the same machine does with the same bytes and nothing else.
//!
//! Every figure of ours stands next to a ceiling that is measured in the same run: bare writes and syncs, bare hashing and
//! parsing. Nothing is asserted; times on another machine, or on a busy one, are other times. Each part runs in a process of
//! its own, so that the memory that is told is that of a ledger and of nothing beside it.
//!
//! `BENCH_ENTRIES` is the size of the ledger (1,000,000); the argument `quick` makes it 50,000.

mod check;
mod figures;
mod http;
mod kafka;
mod pages;
mod views;
mod world;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use figures::Figures;

/// Entries unless `BENCH_ENTRIES` says otherwise: the size at which memory and bytes per entry are promised.
const ENTRIES: u64 = 1_000_000;
/// Entries of a quick run: enough for a second of Kafka.
const QUICK: u64 = 50_000;

/// What a part is told: where it works, what it is fed from.
struct Job {
    dir: PathBuf,
    bootstrap: String,
    embedded: bool,
    entries: u64,
}

/// A part: its name, and what it measures.
type Part = (&'static str, fn(&Job, &mut Figures) -> Result<()>);

/// In this order: each reads what the ones before left in the directory. Sizes are told before anybody opens the ledger again.
const PARTS: [Part; 10] = [
    ("kafka", kafka::ingest),
    ("ceiling", kafka::ceiling),
    ("kafka with views", kafka::ingest_with_views),
    ("rebuild", views::rebuild),
    ("lineage", views::lineage),
    ("pages", pages::pages),
    ("fsck", check::fsck),
    ("proofs", check::proofs),
    ("bundle", check::bundle),
    ("http", http::appends),
];

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [flag, name, dir, bootstrap, embedded, entries] = args.as_slice()
        && flag == "--part"
    {
        let job = Job {
            dir: PathBuf::from(dir),
            bootstrap: bootstrap.clone(),
            embedded: embedded == "embedded",
            entries: entries.parse()?,
        };
        return part(name, &job);
    }
    // `cargo test --benches` starts benches too; they are for `cargo bench`, which says so.
    if !args.iter().any(|arg| arg == "--bench") {
        println!("nothing measured: this is for `make bench`");
        return Ok(());
    }
    let quick = args.iter().any(|arg| arg == "quick");
    let entries = match env::var("BENCH_ENTRIES") {
        Ok(text) => text.parse().context("BENCH_ENTRIES is a number of entries")?,
        Err(_) => {
            if quick {
                QUICK
            } else {
                ENTRIES
            }
        }
    };
    all(entries)
}

fn all(entries: u64) -> Result<()> {
    // Beside the build, and so on a disk: `/tmp` may be memory, whose syncs cost nothing.
    let scratch = tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut figures = Figures::default();
    figures.set("load.before", world::load_average());
    let broker = kafka::Broker::start(entries)?;
    figures.say("broker", broker.about());
    broker.fill(entries)?;
    figures.write(scratch.path())?;
    for (name, _) in PARTS {
        eprintln!("measuring: {name}");
        let embedded = if broker.is_embedded() { "embedded" } else { "real" };
        let status = Command::new(env::current_exe()?)
            .args(["--part", name])
            .arg(scratch.path())
            .args([broker.bootstrap(), embedded, &entries.to_string()])
            .status()?;
        if !status.success() {
            bail!("the part {name} failed");
        }
    }
    let mut figures = Figures::read(scratch.path())?;
    figures.set("load.after", world::load_average());
    print!("{}", figures.table(entries));
    Ok(())
}

fn part(name: &str, job: &Job) -> Result<()> {
    let (_, run) =
        PARTS.iter().find(|(known, _)| *known == name).with_context(|| format!("there is no part {name}"))?;
    let mut figures = Figures::read(&job.dir)?;
    run(job, &mut figures)?;
    figures.write(&job.dir)
}

impl Job {
    /// The ledger that is filled from Kafka.
    fn ledger(&self) -> PathBuf {
        self.dir.join("kafka")
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new(&self.dir).join(name)
    }
}
