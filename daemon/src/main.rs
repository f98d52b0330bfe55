//! `modeltraild`: configuration, wiring, start and stop. What it wires lives in the crates below.

mod acts;
mod args;
mod check;
mod clock;
mod config;
mod demo;
mod rebuild;
mod serve;
mod witness;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

/// This program, as entries name it.
pub(crate) const SOFTWARE: &str = concat!("modeltraild ", env!("CARGO_PKG_VERSION"));

/// What a command says to the shell: 0 done or holds, 1 does not hold, 2 could not be done.
pub(crate) enum Ended {
    Done,
    DoesNotHold,
}

fn main() -> ExitCode {
    let args = args::Args::parse();
    let log = tracing_subscriber::EnvFilter::try_from_env("MODELTRAIL_LOG").unwrap_or_else(|_| args.log_level().into());
    let terminal = std::io::stderr().is_terminal();
    // A reader of the log that went away must not take a thread of the ledger with it.
    tracing_subscriber::fmt()
        .with_env_filter(log)
        .with_ansi(terminal)
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .init();
    if let Ok(failpoint) = std::env::var("MODELTRAIL_FAILPOINT")
        && let Err(fault) = modeltrail_store::failpoint::arm(&failpoint)
    {
        eprintln!("modeltraild: MODELTRAIL_FAILPOINT: {fault}");
        return ExitCode::from(2);
    }
    match args.run() {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::DoesNotHold) => ExitCode::from(1),
        Err(error) => {
            eprintln!("modeltraild: {error:#}");
            ExitCode::from(2)
        }
    }
}
