//! Child processes that cannot outlive the test.
//!
//! A test program may end by a panic, by `exit`, by Ctrl-C or by SIGKILL, and a `static` is never dropped. So each child
//! gets a watchdog: a shell that reads from a pipe whose other end only the test program holds. When that closes, for
//! whatever reason, the shell kills the child and removes its scratch directory.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(20);

/// The watchdog: `$0` is the child's id, `$1` what to remove, empty for nothing.
const WATCHDOG: &str = r#"cat >/dev/null; kill -9 "$0"; [ -z "$1" ] || { sleep 0.3; rm -rf -- "$1"; }"#;

/// A child process that dies with the test program.
#[derive(Debug)]
pub struct Tethered {
    child: Child,
    watchdog: Child,
}

impl Tethered {
    /// Starts the command; `scratch` is removed too when the test program dies without dropping this.
    ///
    /// # Errors
    /// When the program or the watchdog cannot be started.
    pub fn spawn(command: &mut Command, scratch: Option<&Path>) -> Result<Self> {
        let program = command.get_program().to_owned();
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, &child.id().to_string()])
            .arg(scratch.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self { child, watchdog }),
            Err(error) => {
                kill_and_reap(&mut child);
                Err(error).context("cannot start sh as a watchdog")
            }
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The child itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// SIGKILL, and waits for the end.
    ///
    /// # Errors
    /// When the child cannot be waited for.
    pub fn kill9(&mut self) -> Result<ExitStatus> {
        self.child.kill().context("cannot kill the child")?;
        self.child.wait().context("cannot wait for the child")
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Errors
    /// When it has not ended after `limit`; it is then killed.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal("TERM")?;
        if let Some(status) = self.wait(limit)? {
            return Ok(status);
        }
        self.kill9()?;
        bail!("process {} did not end within {} ms of SIGTERM and was killed", self.id(), limit.as_millis());
    }

    /// Sends the named signal (`TERM`, `STOP`, `CONT`, …).
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn signal(&self, name: &str) -> Result<()> {
        // The shell's own kill: a minimal system has no /bin/kill.
        let status = Command::new("sh")
            .args(["-c", r#"kill -s "$0" "$1""#, name, &self.id().to_string()])
            .status()
            .context("cannot start sh")?;
        if !status.success() {
            bail!("cannot send SIG{name} to process {}", self.id());
        }
        Ok(())
    }

    /// The exit status once the child has ended, none after `limit`.
    ///
    /// # Errors
    /// When the child cannot be waited for.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().context("cannot wait for the child")? {
                return Ok(Some(status));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Tethered {
    fn drop(&mut self) {
        kill_and_reap(&mut self.child);
        // Last, and killed rather than let go: from here on the child's id may belong to another process.
        kill_and_reap(&mut self.watchdog);
    }
}

/// Errors mean that the process has ended already, which is what is wanted.
fn kill_and_reap(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

/// What became of one command.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Output {
    /// Both streams, standard output first.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Runs a command to its end, tethered, within `limit`.
///
/// # Errors
/// When it cannot be started, or runs into the limit; the message then holds what it had printed.
pub fn run(command: &mut Command, limit: Duration) -> Result<Output> {
    let scratch = tempfile::tempdir().context("no scratch directory")?;
    let files = ["out", "err"].map(|name| scratch.path().join(name));
    // Files, not pipes: a program that prints more than a pipe holds would wait for ever.
    command.stdin(Stdio::null()).stdout(File::create(&files[0])?).stderr(File::create(&files[1])?);
    let mut child = Tethered::spawn(command, None)?;
    let status = child.wait(limit)?;
    let [stdout, stderr] =
        files.map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned());
    let Some(status) = status else {
        let (program, seconds) = (command.get_program().display(), limit.as_secs());
        bail!("{program} ran longer than {seconds} s and was killed; it printed:\n{stdout}{stderr}");
    };
    Ok(Output { status, stdout, stderr })
}

/// Like [`run`], and the command must succeed; gives its standard output.
///
/// # Errors
/// As for [`run`], and when the exit status is not 0.
pub fn run_ok(command: &mut Command, limit: Duration) -> Result<String> {
    let output = run(command, limit)?;
    if !output.status.success() {
        bail!("{} failed with {}:\n{}", command.get_program().display(), output.status, output.text());
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn alive(id: u32) -> bool {
        // A zombie answers to signal 0 too: read its state.
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    }

    #[test]
    fn a_run_gives_both_streams_and_the_status() {
        let output = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]), LIMIT).unwrap();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str(), output.status.code()), ("out\n", "err\n", Some(3)));
        assert!(run_ok(Command::new("sh").args(["-c", "exit 3"]), LIMIT).is_err());
    }

    #[test]
    fn a_run_over_its_limit_is_killed_and_says_what_it_printed() {
        let error = run(Command::new("sh").args(["-c", "echo before; exec sleep 60"]), Duration::from_millis(300));
        assert!(error.unwrap_err().to_string().contains("before"));
    }

    #[test]
    fn terminate_gives_the_exit_status_and_kills_what_will_not_end() {
        let mut sleeper = Tethered::spawn(Command::new("sleep").arg("60"), None).unwrap();
        assert_eq!(sleeper.terminate(LIMIT).unwrap().code(), None);
        let mut deaf = Command::new("sh");
        deaf.args(["-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]).stdout(Stdio::piped());
        let mut deaf = Tethered::spawn(&mut deaf, None).unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(deaf.child().stdout.as_mut().unwrap(), &mut ready).unwrap();
        assert!(deaf.terminate(Duration::from_millis(200)).is_err());
        assert!(!alive(deaf.id()));
    }

    #[test]
    fn the_watchdog_kills_the_child_and_removes_its_scratch_when_the_pipe_closes() {
        let scratch = tempfile::tempdir().unwrap();
        let mut sleeper = Tethered::spawn(Command::new("sleep").arg("60"), Some(scratch.path())).unwrap();
        drop(sleeper.watchdog.stdin.take());
        assert!(sleeper.wait(LIMIT).unwrap().is_some(), "the watchdog did not kill the child");
        assert!(sleeper.watchdog.wait().is_ok());
        assert!(!scratch.path().exists());
    }

    #[test]
    fn dropping_kills() {
        let sleeper = Tethered::spawn(Command::new("sleep").arg("60"), None).unwrap();
        let id = sleeper.id();
        assert!(alive(id));
        drop(sleeper);
        assert!(!alive(id));
    }
}
