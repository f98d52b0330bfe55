//! A whole ledger under test: its data directory and configuration, the daemon on it, and clients.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::http::{ANSWER_LIMIT, Client};
use crate::log::Log;
use crate::paths::bin;
use crate::process::{Output, run, run_ok};

/// The name of every ledger made here.
pub const ORIGIN: &str = "example.com/system-test";
/// The name of the one Kafka source.
pub const SOURCE: &str = "ml";

/// Commands on a ledger of some hundred thousand entries, on a busy machine.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);
/// The longest of the Python scripts flips each byte of a bundle.
const PYTHON_LIMIT: Duration = Duration::from_secs(400);
/// How a wait status shows a process that ended itself by SIGABRT, without and with a core.
const ABORTED: [&str; 2] = ["unix_wait_status(6)", "unix_wait_status(134)"];

/// A ledger, and the daemon on it while one runs. Dropped, both are gone.
#[derive(Debug)]
pub struct System {
    daemon: Option<Daemon>,
    client: Client,
    vkey: String,
    config: PathBuf,
    dir: TempDir,
}

/// What became of a start with a failpoint armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The daemon serves.
    Serves,
    /// It died at the failpoint before it served.
    Died,
}

impl System {
    /// Makes a ledger, with a source that reads `topic` of the Kafka at `bootstrap` where both are given.
    ///
    /// # Errors
    /// When `modeltraild init` fails.
    pub fn new(kafka: Option<(&str, &str)>) -> Result<Self> {
        kafka.map_or_else(|| Self::with_ingest(""), |(bootstrap, topic)| Self::with_source(bootstrap, topic, ""))
    }

    /// Makes a ledger with a source that reads `topic`, and more lines about that source.
    ///
    /// # Errors
    /// When `modeltraild init` fails.
    pub fn with_source(bootstrap: &str, topic: &str, more: &str) -> Result<Self> {
        Self::with_ingest(&format!(
            "[ingest]\ncheck_seconds = 1\n[[ingest.sources]]\nname = \"{SOURCE}\"\ntopic = \"{topic}\"\nkafka = {{ \"bootstrap.servers\" = \"{bootstrap}\" }}\n{more}\n"
        ))
    }

    fn with_ingest(ingest: &str) -> Result<Self> {
        let dir = tempfile::tempdir().context("no scratch directory")?;
        let config = dir.path().join("config.toml");
        let text = format!("[ledger]\ndata_dir = \"data\"\n[http]\nlisten = \"127.0.0.1:0\"\n{ingest}");
        fs::write(&config, text)?;
        let mut init = Command::new(bin("modeltraild")?);
        let vkey = run_ok(init.args(["init", "--origin", ORIGIN, "--config"]).arg(&config), COMMAND_LIMIT)?;
        Ok(Self { daemon: None, client: Client::new(), vkey: vkey.trim().to_owned(), config, dir })
    }

    /// Starts the daemon; a running one is killed first.
    ///
    /// # Errors
    /// When it does not come to serve.
    pub fn start(&mut self) -> Result<()> {
        self.kill9()?;
        let daemon = self.spawn(None)?;
        self.serves(daemon);
        Ok(())
    }

    /// Starts the daemon with a failpoint armed, `NAME:COUNT`; a running one is killed first.
    ///
    /// # Errors
    /// When it ends before it serves in any other way than at the failpoint.
    pub fn start_armed(&mut self, failpoint: &str) -> Result<Start> {
        self.kill9()?;
        match self.spawn(Some(failpoint)) {
            Ok(daemon) => {
                self.serves(daemon);
                Ok(Start::Serves)
            }
            Err(error) if ABORTED.iter().any(|status| format!("{error:#}").contains(status)) => Ok(Start::Died),
            Err(error) => Err(error),
        }
    }

    fn spawn(&self, failpoint: Option<&str>) -> Result<Daemon> {
        let args: [&OsStr; 3] = ["serve".as_ref(), "--config".as_ref(), self.config.as_ref()];
        Daemon::start_with(args, |command| {
            command.env_remove("MODELTRAIL_FAILPOINT");
            if let Some(failpoint) = failpoint {
                command.env("MODELTRAIL_FAILPOINT", failpoint);
            }
        })
    }

    fn serves(&mut self, daemon: Daemon) {
        self.client.set_base(daemon.url());
        self.daemon = Some(daemon);
    }

    /// SIGKILL; nothing when none runs.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill9(&mut self) -> Result<()> {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill9()?;
        }
        Ok(())
    }

    /// SIGTERM, and waits for the clean end.
    ///
    /// # Errors
    /// When none runs, or it does not end cleanly.
    pub fn stop(&mut self) -> Result<()> {
        self.daemon.take().context("no daemon runs")?.stop()
    }

    /// Waits until the daemon has died by itself at its failpoint.
    ///
    /// # Errors
    /// When it lives on, or ended in another way.
    pub fn wait_for_abort(&mut self, limit: Duration) -> Result<()> {
        let mut daemon = self.daemon.take().context("no daemon runs")?;
        match daemon.wait(limit)? {
            Some(status) if ABORTED.iter().any(|known| format!("{status:?}").contains(known)) => Ok(()),
            other => {
                bail!("not ended by an abort within {} s but {other:?}; it said:\n{}", limit.as_secs(), daemon.stderr())
            }
        }
    }

    /// What the daemon wrote to standard error.
    pub fn stderr(&self) -> String {
        self.daemon.as_ref().map(Daemon::stderr).unwrap_or_default()
    }

    /// Reaches whichever daemon serves this ledger now.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The first verifier key.
    pub fn vkey(&self) -> &str {
        &self.vkey
    }

    /// A path in the scratch directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `modeltraild ARGS --config …`, beside a running daemon too.
    ///
    /// # Errors
    /// When it cannot be run, or does not end. How it ended is in the answer.
    pub fn modeltraild<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<Output> {
        run(Command::new(bin("modeltraild")?).args(args).arg("--config").arg(&self.config), COMMAND_LIMIT)
    }

    /// Runs `modeltrail ARGS`, the auditor's tool.
    ///
    /// # Errors
    /// As for [`System::modeltraild`].
    pub fn modeltrail(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Output> {
        modeltrail(args)
    }

    /// Runs `fsck` over everything, and wants every invariant judged and holding.
    ///
    /// # Errors
    /// When one does not hold or was not judged; the message is the report.
    pub fn fsck(&self) -> Result<Value> {
        let output = self.modeltraild(["fsck", "--json"])?;
        let report: Value = serde_json::from_str(&output.stdout).with_context(|| output.text())?;
        let none = |member: &str| report[member].as_array().is_some_and(Vec::is_empty);
        ensure!(
            output.status.success() && none("broken") && none("not_judged"),
            "fsck: {}\n{}",
            output.status,
            output.text()
        );
        Ok(report)
    }

    /// Reads the log from disk, by itself: no daemon is asked.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn log(&self) -> Result<Log> {
        Log::read(&self.path("data"))
    }

    /// The durable next position of each partition of the source, as `/v1/sources` says.
    ///
    /// # Errors
    /// When the daemon does not answer.
    pub fn durable(&self) -> Result<BTreeMap<u32, u64>> {
        let sources = self.client.get_json("/v1/sources")?;
        let items = sources["items"].as_array().context("no items")?;
        let Some(source) = items.iter().find(|item| item["source"] == SOURCE) else { return Ok(BTreeMap::new()) };
        let rows = source["partitions"].as_array().into_iter().flatten();
        rows.map(|row| {
            Ok((
                u32::try_from(row["partition"].as_u64().context("no partition")?)?,
                row["next"].as_u64().context("no position")?,
            ))
        })
        .collect()
    }

    /// Waits until every position below these is durable.
    ///
    /// # Errors
    /// When that is not so within `limit`.
    pub fn until_durable(&self, ends: &BTreeMap<u32, u64>, limit: Duration) -> Result<()> {
        let until = std::time::Instant::now() + limit;
        loop {
            let durable = self.durable()?;
            if durable == *ends {
                return Ok(());
            }
            if std::time::Instant::now() > until {
                let sources = self.client.get_json("/v1/sources")?;
                bail!(
                    "not durable within {} s: {durable:?}, wanted {ends:?}; {sources:#}\n{}",
                    limit.as_secs(),
                    self.stderr()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Runs `modeltrail ARGS`, the auditor's tool.
///
/// # Errors
/// When it cannot be run, or does not end. How it ended is in the answer.
pub fn modeltrail(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Output> {
    run(Command::new(bin("modeltrail")?).args(args), COMMAND_LIMIT)
}

/// Runs a Python script with arguments and wants the exit code `wanted`; gives what it printed.
///
/// # Errors
/// When it cannot be run, or ends otherwise.
pub fn python(script: &Path, args: &[&Path], wanted: i32) -> Result<String> {
    let python = crate::foreign::python().map_err(|missing| anyhow::anyhow!(missing.what))?;
    let output = run(Command::new(python).arg("-B").arg(script).args(args), PYTHON_LIMIT)?;
    ensure!(
        output.status.code() == Some(wanted),
        "{} ended with {}, not {wanted}:\n{}",
        script.display(),
        output.status,
        output.text()
    );
    Ok(output.text())
}

/// The end of each partition of a topic, asked of Kafka itself.
///
/// # Errors
/// When the broker does not answer.
pub fn kafka_ends(bootstrap: &str, topic: &str, partitions: u32) -> Result<BTreeMap<u32, u64>> {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    let end = |partition: u32| {
        let (_, end) = consumer.fetch_watermarks(topic, i32::try_from(partition)?, ANSWER_LIMIT)?;
        Ok((partition, u64::try_from(end)?))
    };
    (0..partitions).map(end).collect()
}
