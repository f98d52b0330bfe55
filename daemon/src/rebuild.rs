//! `rebuild`: folds the views anew, in the running daemon or on the data directory, and says whether both are the same.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use modeltrail_core::clock::Clock;
use modeltrail_store::Data;
use modeltrail_store::views::{Comparison, Phase, RebuildError, RebuildStatus, rebuild_in_place};
use serde_json::json;

use crate::config::Config;
use crate::{Ended, acts, clock};

/// The daemon's path for it.
const PATH: &str = "views/rebuild";
/// How often a daemon is asked how far it is.
const EVERY: Duration = Duration::from_millis(200);
/// How often it is told where nobody watches a terminal, in microseconds.
const TELL_EVERY: i64 = 5_000_000;

pub(crate) fn rebuild(config: &Config, check: bool) -> Result<Ended> {
    let data = config.data();
    let mut progress = Progress::new();
    let done = rebuild_in_place(&data, check, &mut |status| progress.show(status));
    let status = match done {
        Err(RebuildError::Open(error)) if acts::elsewhere(&error) => remote(config, &data, check, &mut progress),
        done => done.map_err(anyhow::Error::from),
    };
    progress.end();
    let status = status?;
    if let Some(why) = status.error {
        bail!("{why}");
    }
    let comparison = status.comparison.context("the daemon says that it is done, but not what it found")?;
    Ok(said(&comparison, check))
}

fn remote(config: &Config, data: &Data, check: bool, progress: &mut Progress) -> Result<RebuildStatus> {
    let read = |text: String| serde_json::from_str(&text).context("the daemon's answer is not about a rebuild");
    let mut status: RebuildStatus = read(acts::post(config, data, PATH, &json!({"check": check}))?)?;
    while !status.ended() {
        progress.show(&status);
        std::thread::sleep(EVERY);
        status = read(acts::get(config, data, PATH)?)?;
    }
    Ok(status)
}

fn said(comparison: &Comparison, check: bool) -> Ended {
    let Comparison { size, incremental, unreadable, rebuilt } = comparison;
    if let Some(digest) = incremental {
        println!("incremental {digest} at {size}");
    }
    println!("rebuilt {rebuilt} at {size}");
    match (incremental, unreadable) {
        (_, Some(why)) => eprintln!("the views in use could not be read: {why}"),
        (None, None) => eprintln!("there were no views that agree with the log: nothing to compare with"),
        (Some(_), None) if !comparison.holds() => eprintln!("the views in use were not what the log says"),
        (Some(_), None) => eprintln!("the views in use are what the log says"),
    }
    eprintln!("{}", if check { "nothing was changed" } else { "those folded anew are in use now" });
    if comparison.holds() { Ended::Done } else { Ended::DoesNotHold }
}

/// How far it is, for whoever waits.
struct Progress {
    clock: Arc<dyn Clock>,
    terminal: bool,
    told: Option<(Phase, i64)>,
}

impl Progress {
    fn new() -> Self {
        Self { clock: clock::system(), terminal: std::io::stderr().is_terminal(), told: None }
    }

    fn show(&mut self, status: &RebuildStatus) {
        let RebuildStatus { phase, folded, of, .. } = status;
        let line = match phase {
            Phase::Folding => format!("{folded} of {of} entries folded"),
            Phase::Comparing => "reading both".to_owned(),
            Phase::CatchingUp => format!("catching up: {folded} of {of} entries folded"),
            Phase::Done | Phase::Failed => return,
        };
        if self.terminal {
            // To the start of the line, and what stood there away.
            eprint!("\r\x1b[K{line}");
            // Nothing depends on what a terminal shows.
            let _ = std::io::stderr().flush();
            self.told = Some((*phase, 0));
            return;
        }
        let now = self.clock.monotonic();
        if self.told.is_none_or(|(told, at)| told != *phase || now - at >= TELL_EVERY) {
            eprintln!("{line}");
            self.told = Some((*phase, now));
        }
    }

    fn end(&self) {
        if self.terminal && self.told.is_some() {
            eprintln!();
        }
    }
}
