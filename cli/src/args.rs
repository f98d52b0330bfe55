//! The command line.

mod ask;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

pub(crate) use ask::{
    ApprovalsArgs, ChangesArgs, DossierFormat, FindingsArgs, FromArgs, HolderArgs, InventoryFormat, LineageArgs,
    ModelsArgs, RanAtArgs, ReportArgs, ReportCommand, SeverityArg, ValidationsArgs, VersionsArgs,
};

/// Verify, question and feed a Modeltrail ledger.
#[derive(Parser)]
#[command(
    name = "modeltrail",
    version,
    about,
    max_term_width = 100,
    after_help = "\
Exit codes: 0 holds or done, 1 does not hold or refused, 2 could not be judged (usage, input, network).
Data goes to stdout, everything else to stderr. docs/CLI.md has the JSON of every command.

Examples:
  modeltrail verify fraud.zip --key ledger.vkey
  modeltrail lineage model/fraud@2.1.0 --bundle fraud.zip --key ledger.vkey --verify
  modeltrail models --server http://127.0.0.1:8080
  modeltrail emit event.json --server http://127.0.0.1:8080 --receipts receipts/"
)]
pub(crate) struct Args {
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Verify a bundle, offline
    Verify(VerifyArgs),
    /// List the entries about a subject
    History(HistoryArgs),
    /// Show one entry
    Show(ShowArgs),
    /// Prove that an entry is in the ledger: writes a C2SP tlog-proof
    Prove(ProveArgs),
    /// Fetch a bundle of everything about some subjects
    Export(ExportArgs),
    /// Send events and keep their receipts
    Emit(EmitArgs),
    /// Sign an event with a producer's key (DSSE)
    Sign(SignArgs),
    /// Make a producer's key
    Keygen(KeygenArgs),
    /// Verify a checkpoint, or that one grew from another
    Checkpoint(CheckpointArgs),
    /// Verify a receipt
    Receipt(ReceiptArgs),
    /// Show what a thing was made of and what came of it, and check every edge
    Lineage(LineageArgs),
    /// List the models
    Models(ModelsArgs),
    /// List the versions of a model
    Versions(VersionsArgs),
    /// Tell what happened to a model between two times
    Changes(ChangesArgs),
    /// Tell what ran at a time
    RanAt(RanAtArgs),
    /// Tell who approved a subject, or a manifest digest
    Approvals(ApprovalsArgs),
    /// List validations, or the versions that lack one
    Validations(ValidationsArgs),
    /// List findings
    Findings(FindingsArgs),
    /// Write a report: the dossier of a version, or the inventory of models
    Report(ReportArgs),
}

/// Whom to trust.
#[derive(ClapArgs, Default)]
pub(crate) struct TrustArgs {
    /// The ledger's verifier key, or a file that holds it; from somewhere else than what is verified
    #[arg(long, value_name = "VKEY|FILE")]
    pub(crate) key: Option<String>,
    /// A C2SP tlog-policy: trusted logs, witnesses and a quorum
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// Where a ledger is served.
#[derive(ClapArgs)]
pub(crate) struct ServerArgs {
    /// The ledger's address, http only
    #[arg(long, value_name = "URL", env = "MODELTRAIL_SERVER")]
    pub(crate) server: Option<String>,
    /// A file that holds the API token
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The API token; a file is better
    #[arg(skip = std::env::var("MODELTRAIL_TOKEN").ok())]
    pub(crate) token: Option<String>,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Five verdicts, never mixed: integrity, order, completeness, authenticity, time. Each holds, does not hold, or could not be judged.
Opens no network connection. Without --key or --policy a bundle is self-attested: exit code 2.

Examples:
  modeltrail verify fraud.zip --key ledger.vkey
  modeltrail verify fraud.zip --key example.com/ml+83d1748e+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
  modeltrail verify unpacked/ --policy trust.policy --tiles mirror/ --strict")]
pub(crate) struct VerifyArgs {
    /// The bundle: a zip, or the directory it was unpacked to
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// A mirror of the ledger's /tile/entries/, to count trails over all headers instead of taking the ledger's word
    #[arg(long, value_name = "DIR")]
    pub(crate) tiles: Option<PathBuf>,
    /// Demand that all five verdicts hold
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  modeltrail history model/fraud@2.1.0 --bundle fraud.zip --key ledger.vkey
  modeltrail history model/fraud --server http://127.0.0.1:8080 --json")]
pub(crate) struct HistoryArgs {
    /// The subject, e.g. model/fraud@2.1.0
    pub(crate) subject: String,
    #[command(flatten)]
    pub(crate) holder: HolderArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  modeltrail show 42 --bundle fraud.zip
  modeltrail show 42 --server http://127.0.0.1:8080")]
pub(crate) struct ShowArgs {
    /// The entry's index
    pub(crate) index: u64,
    /// Read from a bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
With --key or --policy the proof is checked before it is written.

Examples:
  modeltrail prove 42 --server http://127.0.0.1:8080 --key ledger.vkey -o 42.tlog-proof
  modeltrail prove 42 --bundle fraud.zip --key ledger.vkey")]
pub(crate) struct ProveArgs {
    /// The entry's index
    pub(crate) index: u64,
    /// Take the proof from a bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// Where to write the tlog-proof; stdout when left out
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
With --key or --policy the bundle is verified before it gets its name.

Examples:
  modeltrail export model/fraud@2.1.0 --dossier -o fraud.zip --server http://127.0.0.1:8080
  modeltrail export model/fraud model/fraud@2.1.0 --as-of 1234 -o fraud.zip --key ledger.vkey")]
pub(crate) struct ExportArgs {
    /// The subjects
    #[arg(required = true)]
    pub(crate) subjects: Vec<String>,
    /// As of which tree size
    #[arg(long, value_name = "SIZE")]
    pub(crate) as_of: Option<u64>,
    /// Issue the dossier of the version, and take along the trails that it rests on
    #[arg(long)]
    pub(crate) dossier: bool,
    /// Where to write the bundle; never over a file that is there
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
An event is a CloudEvents object, a list of them (sent as one batch), or a signed envelope from `modeltrail sign`. What could not be
sent is sent again with the same id, so it is never doubled.

Examples:
  modeltrail emit event.json --server http://127.0.0.1:8080 --receipts receipts/
  modeltrail sign event.json --producer-key ci.key --origin example.com/ml | modeltrail emit -
  modeltrail emit --lines events.jsonl --server http://127.0.0.1:8080")]
pub(crate) struct EmitArgs {
    /// The file with the event; `-` for stdin
    pub(crate) file: PathBuf,
    /// The file has one event a line
    #[arg(long)]
    pub(crate) lines: bool,
    /// Write each receipt to this directory, named by its index, instead of stdout
    #[arg(long, value_name = "DIR")]
    pub(crate) receipts: Option<PathBuf>,
    /// How often an event is sent again when no answer comes or the server can't take it now
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) retries: u32,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Example:
  modeltrail sign event.json --producer-key ci.key --origin example.com/ml -o signed.json")]
pub(crate) struct SignArgs {
    /// The file with one CloudEvents object; `-` for stdin
    pub(crate) file: PathBuf,
    /// The key that `modeltrail keygen` made
    #[arg(long, value_name = "FILE")]
    pub(crate) producer_key: PathBuf,
    /// The ledger that the event is meant for; a signature counts nowhere else
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: String,
    /// Where to write the envelope; stdout when left out
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(ClapArgs)]
#[command(after_help = "\
The file is PKCS#8 PEM with mode 0400, never over one that is there. Register key id and public key with the ledger
(`modeltraild producer register`).

Example:
  modeltrail keygen -o ci.key")]
pub(crate) struct KeygenArgs {
    /// Where to write the private key
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(ClapArgs)]
pub(crate) struct CheckpointArgs {
    #[command(subcommand)]
    pub(crate) command: CheckpointCommand,
}

#[derive(Subcommand)]
pub(crate) enum CheckpointCommand {
    /// Verify a checkpoint's signatures
    #[command(after_help = "Example:\n  modeltrail checkpoint verify checkpoint --key ledger.vkey")]
    Verify {
        /// The signed note; `-` for stdin
        file: PathBuf,
        #[command(flatten)]
        trust: TrustArgs,
    },
    /// Verify that the newer tree grew from the older one
    #[command(after_help = "\
Examples:
  modeltrail checkpoint consistency old new --key ledger.vkey --server http://127.0.0.1:8080
  modeltrail checkpoint consistency old new --key ledger.vkey --tiles mirror/")]
    Consistency {
        /// The older checkpoint
        old: PathBuf,
        /// The newer checkpoint
        new: PathBuf,
        #[command(flatten)]
        trust: TrustArgs,
        /// Make the proof from a mirror of the ledger's /tile/
        #[arg(long, value_name = "DIR")]
        tiles: Option<PathBuf>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(ClapArgs)]
pub(crate) struct ReceiptArgs {
    #[command(subcommand)]
    pub(crate) command: ReceiptCommand,
}

#[derive(Subcommand)]
pub(crate) enum ReceiptCommand {
    /// Verify a receipt, and with the event that it is the receipt of exactly these bytes
    #[command(after_help = "\
Examples:
  modeltrail receipt verify 42.json --key ledger.vkey
  modeltrail receipt verify 42.json --event event.json --key ledger.vkey")]
    Verify {
        /// The receipt; `-` for stdin
        file: PathBuf,
        /// The bytes that were sent
        #[arg(long, value_name = "FILE")]
        event: Option<PathBuf>,
        /// The content type they were sent with; the usual ones are tried when left out
        #[arg(long, value_name = "TYPE", requires = "event")]
        content_type: Option<String>,
        /// The event was element I of a batch of N, I from 0
        #[arg(long, value_name = "I/N", requires = "event")]
        batch: Option<String>,
        #[command(flatten)]
        trust: TrustArgs,
    },
}
