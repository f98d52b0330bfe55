//! `modeltraild` as a process: started, reached over its printed URL, killed or stopped.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::paths::bin;
use crate::process::Tethered;

/// How long a start may take before it counts as hung: a debug build that replays a long log on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a clean stop may take; the bound that is promised (5 s) is for its own test to assert.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A running daemon. Dropped, it is killed.
#[derive(Debug)]
pub struct Daemon {
    process: Tethered,
    url: String,
    printed: Vec<String>,
    lines: Receiver<String>,
    scratch: TempDir,
}

impl Daemon {
    /// Starts `modeltraild` with these arguments, and waits until it prints a line with its `http://` address.
    ///
    /// # Errors
    /// When it cannot be built or started, ends before, or prints none within a minute; the message holds all that it printed.
    pub fn start(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Self> {
        Self::start_with(args, |_| {})
    }

    /// Like [`Daemon::start`], after a last touch to the command (environment, working directory).
    ///
    /// # Errors
    /// As for [`Daemon::start`].
    pub fn start_with(
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        touch: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        let mut command = Command::new(bin("modeltraild")?);
        command.args(args);
        touch(&mut command);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Result<Self> {
        let scratch = tempfile::tempdir().context("no scratch directory")?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(stderr_file(scratch.path()))?);
        let mut process = Tethered::spawn(&mut command, None)?;
        let stdout = process.child().stdout.take().context("standard output is not piped")?;
        let (sender, lines) = mpsc::channel();
        // Reads to the end even when nobody listens any more, or the daemon would stop at a full pipe.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                drop(sender.send(line));
            }
        });
        let mut daemon = Self { process, url: String::new(), printed: Vec::new(), lines, scratch };
        let line = daemon.wait_for_line(START_LIMIT, |line| url_in(line).is_some())?;
        daemon.url = url_in(&line).unwrap_or_default().to_owned();
        Ok(daemon)
    }

    /// Its address, like `http://127.0.0.1:8080`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(stderr_file(self.scratch.path())).unwrap_or_default()).into_owned()
    }

    /// The lines of standard output so far.
    pub fn stdout(&mut self) -> &[String] {
        self.printed.extend(self.lines.try_iter());
        &self.printed
    }

    /// Waits for a line of standard output that fits, and gives it.
    ///
    /// # Errors
    /// When the daemon ends or the limit passes without one.
    pub fn wait_for_line(&mut self, limit: Duration, fits: impl Fn(&str) -> bool) -> Result<String> {
        let until = Instant::now() + limit;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.printed.push(line.clone());
                    if fits(&line) {
                        return Ok(line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => bail!("no such line within {} s; {}", limit.as_secs(), self.words()),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.process.wait(STOP_LIMIT)?;
                    bail!("modeltraild ended ({status:?}) before such a line; {}", self.words());
                }
            }
        }
    }

    fn words(&self) -> String {
        format!("it printed:\n{}\nand to standard error:\n{}", self.printed.join("\n"), self.stderr())
    }

    /// SIGKILL, as by a power cut of this one process.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill9(&mut self) -> Result<ExitStatus> {
        self.process.kill9()
    }

    /// SIGTERM, and waits for the clean end.
    ///
    /// # Errors
    /// When it does not end, or not with status 0; the message holds all that it printed.
    pub fn stop(mut self) -> Result<()> {
        let status = self.process.terminate(STOP_LIMIT).with_context(|| self.words())?;
        if !status.success() {
            bail!("modeltraild ended with {status} after SIGTERM; {}", self.words());
        }
        Ok(())
    }

    /// Waits for it to end by itself (a failpoint, a poisoned start); none after `limit`.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        self.process.wait(limit)
    }

    /// Sends a signal by name (`STOP`, `CONT`, …).
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.process.signal(name)
    }
}

fn stderr_file(scratch: &Path) -> PathBuf {
    scratch.join("stderr")
}

/// The first `http://host:port` in a line.
fn url_in(line: &str) -> Option<&str> {
    let rest = &line[line.find("http://")?..];
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ')' | '"' | '`')).unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches(['/', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(script: &str) -> Result<Daemon> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Daemon::spawn(command)
    }

    #[test]
    fn the_url_is_read_from_the_line() {
        for line in
            ["http://127.0.0.1:8080", "listening on http://127.0.0.1:8080/ (loopback)", "open http://127.0.0.1:8080."]
        {
            assert_eq!(url_in(line), Some("http://127.0.0.1:8080"));
        }
        assert_eq!(url_in("no address here"), None);
    }

    #[test]
    fn a_start_is_a_printed_url_and_a_stop_is_status_0() {
        let mut daemon =
            play("echo hello; echo serving http://127.0.0.1:1/; trap 'exit 0' TERM; while :; do sleep 0.05; done")
                .unwrap();
        assert_eq!(daemon.url(), "http://127.0.0.1:1");
        assert_eq!(daemon.stdout()[0], "hello");
        daemon.stop().unwrap();
    }

    #[test]
    fn an_early_end_says_what_was_printed() {
        let error = play("echo refused because >&2; exit 1").unwrap_err().to_string();
        assert!(error.contains("refused because") && error.contains("ended"), "{error}");
    }

    #[test]
    fn a_stop_with_another_status_is_an_error() {
        let daemon = play("echo http://127.0.0.1:1; trap 'exit 7' TERM; while :; do sleep 0.05; done").unwrap();
        assert!(daemon.stop().unwrap_err().to_string().contains('7'));
    }
}
