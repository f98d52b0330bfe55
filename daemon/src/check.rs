//! `fsck`.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context as _, Result};
use modeltrail_core::check::{CheckOptions, INVARIANTS, Report, check};
use modeltrail_core::header::EntryHeader;
use modeltrail_core::store::Store as _;
use modeltrail_core::types::EntryIndex;
use modeltrail_store::files::read_small;
use modeltrail_store::rocks::{Access, RocksStore};
use modeltrail_store::{Appender, Data};

use crate::config::Config;
use crate::{Ended, acts};

pub(crate) fn fsck(config: &Config, headers_only: bool, json: bool, record: bool) -> Result<Ended> {
    let (report, origin) = run(&config.data(), headers_only)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", text(&report));
    }
    if record {
        acts::record_check(config, &report, &origin?)?;
    }
    Ok(if report.holds() { Ended::Done } else { Ended::DoesNotHold })
}

/// Checks a ledger in place, beside a running daemon too; and whose it is, as its first entry says if that can be read.
pub(crate) fn run(data: &Data, headers_only: bool) -> Result<(Report, Result<String>)> {
    let store = RocksStore::open(&data.log(), Access::Read)
        .with_context(|| format!("the ledger in {} can't be opened", data.dir.display()))?;
    let outside = read_small(&data.head_file).with_context(|| format!("can't read {}", data.head_file.display()))?;
    let terminal = std::io::stderr().is_terminal();
    let mut progress = |entries: u64| {
        if terminal {
            eprint!("\r{entries} entries checked");
            // Nothing depends on what a terminal shows.
            let _ = std::io::stderr().flush();
        }
    };
    let options = CheckOptions { headers_only, key: Appender::salt(), outside, progress: &mut progress };
    let report = check(&store, options);
    if terminal {
        eprintln!();
    }
    Ok((report?, origin(&store)))
}

fn origin(store: &RocksStore) -> Result<String> {
    let genesis = store.header(EntryIndex(0))?.context("the ledger has no first entry")?;
    Ok(EntryHeader::parse(&genesis).context("the first entry")?.origin)
}

fn text(report: &Report) -> String {
    let mut lines = Vec::new();
    for id in INVARIANTS {
        let line = match report.broken.iter().find(|broken| broken.invariant == id) {
            Some(broken) => {
                let entry = broken.entry.map_or(String::new(), |entry| format!(" at entry {entry}"));
                let more = if broken.count > 1 { format!(" (and {} more)", broken.count - 1) } else { String::new() };
                format!("{id:<5} does not hold{entry}: {}: {}{more}", broken.damage, broken.detail)
            }
            None if report.not_judged.iter().any(|known| known.as_str() == id) => {
                format!("{id:<5} could not be judged")
            }
            None => format!("{id:<5} holds"),
        };
        lines.push(line);
    }
    let known = |line: &&String| !INVARIANTS.contains(&line.as_str());
    lines.extend(report.not_judged.iter().filter(known).map(|line| format!("could not be judged: {line}")));
    lines.push(format!("{} entries, checkpoint size {}, root {}", report.entries, report.size, report.root));
    lines.push(String::new());
    lines.join("\n")
}
