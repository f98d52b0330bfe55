//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::config::{Config, Flags};
use crate::{Ended, acts, check, demo, rebuild, serve};

/// The Modeltrail daemon: a signed, hash-chained ledger of what happened to machine-learning models.
#[derive(Parser)]
#[command(
    name = "modeltraild",
    version,
    after_help = "Examples:
  modeltraild demo                                          a year of several models, in seconds
  modeltraild init --data-dir /var/lib/modeltrail --origin example.com/ml
  modeltraild serve --config /etc/modeltrail.toml
  modeltraild fsck --data-dir /var/lib/modeltrail

Configuration: docs/CONFIG.md. Logs go to stderr (MODELTRAIL_LOG=debug for more)."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// Where the ledger is.
#[derive(ClapArgs, Clone)]
pub(crate) struct Place {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "MODELTRAIL_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// The data directory (instead of `ledger.data_dir`)
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// The head file (instead of `ledger.head_file`; by default `DIR.head` beside it)
    #[arg(long, value_name = "FILE", global = true)]
    head_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new ledger: data directory, signing key, first entry
    #[command(after_help = "Example: modeltraild init --data-dir /var/lib/modeltrail --origin example.com/ml")]
    Init {
        #[command(flatten)]
        place: Place,
        /// The ledger's name for good: a URL prefix without scheme, that you control
        #[arg(long)]
        origin: String,
    },
    /// Serve a ledger; prints its URL
    #[command(after_help = "Example: modeltraild serve --config modeltrail.toml --listen 127.0.0.1:8080")]
    Serve {
        #[command(flatten)]
        place: Place,
        /// Address and port (instead of `http.listen`); loopback only
        #[arg(long)]
        listen: Option<SocketAddr>,
        /// Write nothing: needs no free disk, no key and no Kafka
        #[arg(long)]
        read_only: bool,
        /// Print the configuration as it is understood, without secrets, and exit
        #[arg(long)]
        check_config: bool,
    },
    /// Play a bank's year of models through an embedded Kafka-protocol broker
    #[command(after_help = "Examples:
  modeltraild demo
  modeltraild demo --once --dir /tmp/ledger --events 100000")]
    Demo(demo::DemoArgs),
    /// Check every invariant of a ledger, L-1 to L-12; exit 0 when all hold, 1 when one does not
    #[command(after_help = "\
Reads beside a running daemon, and writes nothing, but with --record one entry: that it was run, and what came of it. The portal shows the last.

Examples:
  modeltraild fsck --data-dir /var/lib/modeltrail
  modeltraild fsck --config modeltrail.toml --record
  modeltraild fsck --config modeltrail.toml --headers --json")]
    Fsck {
        #[command(flatten)]
        place: Place,
        /// Leave records alone: L-10 and L-12 are not judged
        #[arg(long)]
        headers: bool,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
        /// Write an entry that tells of this check: `ledger.verified` or `ledger.verification_failed`
        #[arg(long)]
        record: bool,
    },
    /// Fold the views anew while the old ones serve, compare both, go over; exit 0 when both are the same, 1 when not
    #[command(after_help = "Examples (through a running daemon, or on the data directory when none runs):
  modeltraild rebuild --config /etc/modeltrail.toml
  modeltraild rebuild --data-dir /var/lib/modeltrail --check")]
    Rebuild {
        #[command(flatten)]
        place: Place,
        /// Only compare: the views in use stay
        #[arg(long)]
        check: bool,
    },
    /// Commands about sources
    #[command(subcommand)]
    Source(SourceCommand),
    /// Commands about the ledger's own keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Commands about the head file
    #[command(subcommand)]
    Head(HeadCommand),
    /// Commands about producers' keys
    #[command(subcommand)]
    Producer(ProducerCommand),
}

#[derive(Subcommand)]
enum SourceCommand {
    /// Let reading of a partition go on at another position, as a new generation (an entry)
    #[command(after_help = "Example: modeltraild source rebase ml-events 3 --to earliest --config modeltrail.toml")]
    Rebase {
        #[command(flatten)]
        place: Place,
        /// The source
        source: String,
        /// The partition
        partition: u32,
        /// `earliest`, `latest` or a position
        #[arg(long, default_value = "earliest")]
        to: String,
    },
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Make a new signing key and rotate to it (an entry; both keys sign its checkpoint)
    Rotate {
        #[command(flatten)]
        place: Place,
        /// Why
        #[arg(long, value_enum, default_value = "scheduled")]
        why: Why,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Why {
    /// As planned
    Scheduled,
    /// Because those who operate it change
    OperatorChange,
}

#[derive(Subcommand)]
enum HeadCommand {
    /// Let a ledger go on without its head file, after a clean check (an entry)
    Adopt {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Subcommand)]
enum ProducerCommand {
    /// Register a producer's key, and what it may speak for (an entry)
    #[command(after_help = "Example (the key as `modeltrail keygen` prints it):
  modeltraild producer register --public-key AV3k… --type 'modeltrail.training.*' --subject 'run/*' --producer airflow")]
    Register {
        #[command(flatten)]
        place: Place,
        /// Base64 of 01 and the 32 bytes of the Ed25519 key
        #[arg(long)]
        public_key: String,
        /// A pattern of event types; `*` is any run of characters. Repeat for more
        #[arg(long = "type", required = true)]
        types: Vec<String>,
        /// A pattern of subjects. Repeat for more
        #[arg(long = "subject", required = true)]
        subjects: Vec<String>,
        /// The producer's name, for people
        #[arg(long)]
        producer: Option<String>,
        /// The pseudonym of the one who holds the key
        #[arg(long)]
        party: Option<String>,
        /// From when (RFC 3339)
        #[arg(long)]
        valid_from: Option<String>,
        /// Until when (RFC 3339)
        #[arg(long)]
        valid_until: Option<String>,
    },
    /// Revoke a producer's key from here on (an entry)
    Revoke {
        #[command(flatten)]
        place: Place,
        /// The key's id
        key: String,
        /// `compromised`, `superseded`, `left` or `other`
        #[arg(long, default_value = "other")]
        why: String,
    },
}

impl Place {
    pub(crate) fn config(self) -> Result<Config> {
        Config::read(Flags { config: self.config, data_dir: self.data_dir, head_file: self.head_file, listen: None })
    }
}

impl Args {
    /// What is logged unless `MODELTRAIL_LOG` says otherwise. The demo tells its own story.
    pub(crate) fn log_level(&self) -> &'static str {
        match self.command {
            Command::Demo(_) => "warn",
            _ => "info,actix_server=warn,modeltrail_ingest::client=warn",
        }
    }

    pub(crate) fn run(self) -> Result<Ended> {
        match self.command {
            Command::Init { place, origin } => acts::init(&place.config()?, &origin),
            Command::Serve { place, listen, read_only, check_config } => {
                let flags =
                    Flags { config: place.config, data_dir: place.data_dir, head_file: place.head_file, listen };
                let config = Config::read(flags)?;
                if check_config { serve::check_config(&config) } else { serve::serve(&config, read_only) }
            }
            Command::Demo(args) => demo::demo(&args),
            Command::Fsck { place, headers, json, record } => check::fsck(&place.config()?, headers, json, record),
            Command::Rebuild { place, check } => rebuild::rebuild(&place.config()?, check),
            Command::Source(SourceCommand::Rebase { place, source, partition, to }) => {
                acts::rebase(&place.config()?, &source, partition, &to)
            }
            Command::Keys(KeysCommand::Rotate { place, why }) => acts::rotate(&place.config()?, why),
            Command::Head(HeadCommand::Adopt { place }) => acts::adopt(&place.config()?),
            Command::Producer(ProducerCommand::Register {
                place,
                public_key,
                types,
                subjects,
                producer,
                party,
                valid_from,
                valid_until,
            }) => {
                let texts = [
                    ("producer", producer),
                    ("party", party),
                    ("valid_from", valid_from),
                    ("valid_until", valid_until),
                ];
                acts::register(&place.config()?, &public_key, &types, &subjects, texts)
            }
            Command::Producer(ProducerCommand::Revoke { place, key, why }) => {
                acts::revoke(&place.config()?, &key, &why)
            }
        }
    }
}
