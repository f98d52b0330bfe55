//! The arguments of commands that ask what the log means.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use modeltrail_schemas::time::Micros;

use super::{ServerArgs, TrustArgs};
use crate::when::{AsOf, end_moment, first_moment, last_moment};

/// Where an answer comes from.
#[derive(ClapArgs)]
pub(crate) struct HolderArgs {
    /// Answer from a bundle, which is verified first, without a network
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Where an answer comes from, and as of when.
#[derive(ClapArgs)]
pub(crate) struct FromArgs {
    /// As of an entry count, a time, or a day (its last moment, UTC)
    #[arg(long, value_name = "T")]
    pub(crate) as_of: Option<AsOf>,
    #[command(flatten)]
    pub(crate) holder: HolderArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
With --verify every edge is checked: the entry that made it is in the ledger, its record says so, and its producer's signature stood
when it was received; every subject's trail is whole, so that no edge was left out; and no finding about it and what it was made of is grave.
Exit 1 when a signature does not count or a grave finding is there, with --require-signed also when an edge is unsigned.
Against a server, --verify fetches a bundle and judges that, so give the ledger's key.

Examples:
  modeltrail lineage model/fraud@2.1.0 --bundle fraud.zip --key ledger.vkey --verify
  modeltrail lineage model/fraud@2.1.0 --up --server http://127.0.0.1:8080
  modeltrail lineage model/fraud@2.1.0 --verify --require-signed --server http://127.0.0.1:8080 --key ledger.vkey
  modeltrail lineage dataset/claims@7 --down --as-of 2026-03-03 --bundle fraud.zip")]
pub(crate) struct LineageArgs {
    /// The subject, e.g. model/fraud@2.1.0; of a model without a version all its versions
    pub(crate) subject: String,
    /// Only what it was made of
    #[arg(long, conflicts_with = "down")]
    pub(crate) up: bool,
    /// Only what came of it
    #[arg(long)]
    pub(crate) down: bool,
    /// Steps to walk; all when left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) depth: Option<u16>,
    /// Check every edge against its entry, and every trail for one left out
    #[arg(long)]
    pub(crate) verify: bool,
    /// Demand that every edge is signed by its producer
    #[arg(long, requires = "verify")]
    pub(crate) require_signed: bool,
    #[command(flatten)]
    pub(crate) from: FromArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  modeltrail models --server http://127.0.0.1:8080
  modeltrail models --tier 1 --as-of 2025-12-31 --server http://127.0.0.1:8080
  modeltrail models --bundle fraud.zip --key ledger.vkey --json")]
pub(crate) struct ModelsArgs {
    /// Only those of this risk tier, under any scheme
    #[arg(long)]
    pub(crate) tier: Option<String>,
    #[command(flatten)]
    pub(crate) from: FromArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  modeltrail versions model/fraud --server http://127.0.0.1:8080
  modeltrail versions model/fraud --bundle fraud.zip --key ledger.vkey")]
pub(crate) struct VersionsArgs {
    /// The model, e.g. model/fraud
    pub(crate) model: String,
    #[command(flatten)]
    pub(crate) from: FromArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  modeltrail findings --severity critical --server http://127.0.0.1:8080
  modeltrail findings --subject model/fraud@2.1.0 --bundle fraud.zip --key ledger.vkey
  modeltrail findings --rule signature-bad --as-of 2026-03-03 --server http://127.0.0.1:8080")]
pub(crate) struct FindingsArgs {
    /// Only those of this weight
    #[arg(long, value_enum)]
    pub(crate) severity: Option<SeverityArg>,
    /// Only those of this rule
    #[arg(long)]
    pub(crate) rule: Option<String>,
    /// Only those that point at this subject, or at a version of it
    #[arg(long)]
    pub(crate) subject: Option<String>,
    #[command(flatten)]
    pub(crate) from: FromArgs,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeverityArg {
    Critical,
    High,
    Medium,
    Low,
}

#[derive(ClapArgs)]
#[command(after_help = "\
--as-of asks another question than the time: what the ledger knew by then of what ran at that time.

Examples:
  modeltrail ran-at 2026-03-03T14:02:00Z --server http://127.0.0.1:8080
  modeltrail ran-at 2026-03-03T14:02:00Z --deployment deployment/production-eu/score --bundle fraud.zip --key ledger.vkey")]
pub(crate) struct RanAtArgs {
    /// The time; a day stands for its last moment, UTC
    #[arg(value_parser = last_moment)]
    pub(crate) time: Micros,
    /// Only this one, e.g. deployment/production-eu/score
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) deployment: Option<String>,
    #[command(flatten)]
    pub(crate) from: FromArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Statements whose signature fails count for nothing and are shown as that.

Examples:
  modeltrail approvals model/fraud@2.1.0 --bundle fraud.zip --key ledger.vkey
  modeltrail approvals sha256:0f3a… --server http://127.0.0.1:8080")]
pub(crate) struct ApprovalsArgs {
    /// What was approved: a subject, or a manifest digest in hex
    #[arg(value_name = "SUBJECT|DIGEST")]
    pub(crate) about: String,
    #[command(flatten)]
    pub(crate) from: FromArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  modeltrail validations model/fraud --server http://127.0.0.1:8080
  modeltrail validations --missing --server http://127.0.0.1:8080")]
pub(crate) struct ValidationsArgs {
    /// A model or a version of one; all when left out
    pub(crate) about: Option<String>,
    /// List the versions that no validation accepted
    #[arg(long)]
    pub(crate) missing: bool,
    #[command(flatten)]
    pub(crate) from: FromArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  modeltrail changes model/fraud --from 2026-01-01 --to 2026-03-31 --server http://127.0.0.1:8080
  modeltrail changes model/fraud@2.1.0 --bundle fraud.zip --key ledger.vkey")]
pub(crate) struct ChangesArgs {
    /// The model, or any subject
    pub(crate) subject: String,
    /// Only what happened then or later; a day stands for its first moment, UTC
    #[arg(long, value_name = "T", value_parser = first_moment)]
    pub(crate) from: Option<Micros>,
    /// Only what happened before; a day is taken whole, UTC
    #[arg(long, value_name = "T", value_parser = end_moment)]
    pub(crate) to: Option<Micros>,
    #[command(flatten)]
    pub(crate) source: FromArgs,
}

#[derive(ClapArgs)]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    pub(crate) command: ReportCommand,
}

#[derive(Subcommand)]
pub(crate) enum ReportCommand {
    /// Everything the ledger says about one version of a model
    #[command(after_help = "\
From a bundle the report is rendered from the bundle's own entries. Rendering leaves no entry in the ledger; a report that is to stand
up before somebody else is issued with `modeltrail export --dossier`, and proves itself with `modeltrail verify`.

Examples:
  modeltrail report dossier model/fraud@2.1.0 --server http://127.0.0.1:8080 -o dossier.html
  modeltrail report dossier model/fraud@2.1.0 --format json --bundle fraud.zip --key ledger.vkey")]
    Dossier {
        /// The version, e.g. model/fraud@2.1.0
        version: String,
        /// How to write it
        #[arg(long, value_enum, default_value_t = DossierFormat::Html)]
        format: DossierFormat,
        /// Where to write it, never over a file that is there; stdout when left out
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        from: FromArgs,
    },
    /// The models as of a date
    #[command(after_help = "\
Examples:
  modeltrail report inventory --as-of 2025-12-31 --server http://127.0.0.1:8080
  modeltrail report inventory --as-of 2025-12-31 --format html -o inventory.html --server http://127.0.0.1:8080")]
    Inventory {
        /// How to write it
        #[arg(long, value_enum, default_value_t = InventoryFormat::Csv)]
        format: InventoryFormat,
        /// Where to write it, never over a file that is there; stdout when left out
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        from: FromArgs,
    },
}

/// How a dossier is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DossierFormat {
    Html,
    Json,
}

/// How an inventory is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InventoryFormat {
    Csv,
    Html,
    Json,
}
