//! `modeltrail`, the auditor's tool: verifies bundles, receipts and checkpoints offline, reads a ledger's API, and signs and sends events.
//!
//! Data goes to stdout, talk to stderr. Exit codes: 0 holds, 1 does not hold, 2 could not be judged (see `exit`).

mod args;
mod ask;
mod bundle;
mod commands;
mod exit;
mod folded;
mod http;
mod keys;
mod output;
mod table;
mod when;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    let context = output::Output { json: args.json };
    match run(args, context) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::error(&error);
            exit::of_error(&error).into()
        }
    }
}

fn run(args: Args, out: output::Output) -> anyhow::Result<exit::Exit> {
    match args.command {
        Command::Verify(args) => commands::verify::run(&args, out),
        Command::History(args) => commands::history::run(&args, out),
        Command::Show(args) => commands::show::run(&args, out),
        Command::Prove(args) => commands::prove::run(&args, out),
        Command::Export(args) => commands::export::run(&args, out),
        Command::Emit(args) => commands::emit::run(&args, out),
        Command::Sign(args) => commands::sign::run(&args, out),
        Command::Keygen(args) => commands::keygen::run(&args, out),
        Command::Checkpoint(args) => commands::checkpoint::run(&args, out),
        Command::Receipt(args) => commands::receipt::run(&args, out),
        Command::Lineage(args) => commands::lineage::run(&args, out),
        Command::Models(args) => commands::models::run(&args, out),
        Command::Versions(args) => commands::models::run_versions(&args, out),
        Command::Changes(args) => commands::changes::run(&args, out),
        Command::RanAt(args) => commands::ran_at::run(&args, out),
        Command::Approvals(args) => commands::approvals::run(&args, out),
        Command::Validations(args) => commands::validations::run(&args, out),
        Command::Findings(args) => commands::findings::run(&args, out),
        Command::Report(args) => commands::report::run(&args, out),
    }
}
