//! `demo`: the story, played into a ledger.

use std::path::PathBuf;

use anyhow::Result;

use crate::Ended;

#[derive(clap::Args)]
pub(crate) struct DemoArgs {
    /// Play, export, verify, print a summary, and exit
    #[arg(long)]
    once: bool,
    /// Where to put the ledger (by default a new temporary folder)
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Background events besides the story
    #[arg(long, default_value_t = 0, value_name = "N")]
    events: u64,
}

pub(crate) fn demo(_args: &DemoArgs) -> Result<Ended> {
    Ok(Ended::Done)
}
