//! Checkers that nobody here wrote: Go's checksum-database code, Tessera's fsck, pymerkle.
//!
//! `.ci/setup test` brings them; each wrapper gives what the program printed, and an error holds that too. Look first
//! with [`go`], [`fsck`] and [`python`], and skip the suite where one is missing.

use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::paths::{cache_dir, workspace_root};
use crate::process::{run, run_ok};
use crate::skip::Missing;

/// The Go that `.ci/setup` fetches where the system's is older than `GO_MIN`; as in `.ci/env`.
pub const GO_VERSION: &str = "1.26.11";
/// The oldest Go that builds the checkers: (major, minor), as in their `go.mod`.
pub const GO_MIN: (u32, u32) = (1, 24);
/// The release of Tessera whose fsck `.ci/setup` builds; as in `.ci/env`.
pub const TESSERA_VERSION: &str = "1.0.4";

/// All that the Go programs are built from.
const GO_SOURCES: [&str; 5] = ["go.mod", "go.sum", "check-tiles/main.go", "check-tiles/log.go", "make-log/main.go"];

/// Long enough for a first build with a cold cache on a busy machine.
const BUILD_LIMIT: Duration = Duration::from_secs(300);
/// Long enough for a log of a million entries; a checker that hangs (fsck can) ends here.
const CHECK_LIMIT: Duration = Duration::from_secs(180);
/// fsck 1.0.4 hangs for ever once as many resources differ as it has workers: so, many.
const FSCK_WORKERS: &str = "256";

/// A Go that is new enough: the fetched one, else the one on the PATH.
///
/// # Errors
/// When there is none.
pub fn go() -> Result<PathBuf, Missing> {
    let fetched = cache_dir().join(format!("go-{GO_VERSION}/bin/go"));
    [fetched, PathBuf::from("go")].into_iter().find(|go| is_new_enough(go)).ok_or_else(|| {
        Missing::new(format!("no Go {}.{} or newer, on the PATH or in {}", GO_MIN.0, GO_MIN.1, cache_dir().display()))
    })
}

fn is_new_enough(go: &Path) -> bool {
    let Ok(output) = Command::new(go).args(["env", "GOVERSION"]).output() else {
        return false;
    };
    parse_go_version(&String::from_utf8_lossy(&output.stdout)).is_some_and(|version| version >= GO_MIN)
}

fn parse_go_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix("go")?.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?;
    let digits = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
    Some((major, minor[..digits].parse().ok()?))
}

/// Tessera's fsck.
///
/// # Errors
/// When `.ci/setup test` has not built it.
pub fn fsck() -> Result<PathBuf, Missing> {
    let path = cache_dir().join(format!("tessera-{TESSERA_VERSION}/fsck"));
    if path.is_file() { Ok(path) } else { Err(Missing::new(format!("Tessera's fsck is not at {}", path.display()))) }
}

/// The Python with pymerkle and cryptography.
///
/// # Errors
/// When `.ci/setup test` has not made the environment, or made it for other requirements.
pub fn python() -> Result<PathBuf, Missing> {
    let venv = cache_dir().join("venv");
    let wanted = fs::read(workspace_root().join("tests/foreign/py/requirements.txt")).ok();
    if wanted.is_none() || wanted != fs::read(venv.join(".complete")).ok() {
        return Err(Missing::new(format!("the Python environment {} is missing or out of date", venv.display())));
    }
    Ok(venv.join("bin/python"))
}

/// One of the programs of `tests/foreign/go`, built when its source has changed.
fn go_program(name: &str) -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build_go().map_err(|error| format!("{error:#}")));
    match built {
        Ok(dir) => Ok(dir.join(name)),
        Err(error) => bail!("{error}"),
    }
}

/// The folder is named after the sources, and appears whole: two test programs at once do no harm.
fn build_go() -> Result<PathBuf> {
    let source = workspace_root().join("tests/foreign/go");
    let cache = cache_dir().join("checkers");
    let done = cache.join(fingerprint(&source)?);
    if done.is_dir() {
        return Ok(done);
    }
    let go = go().map_err(|missing| anyhow::anyhow!(missing.what))?;
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let fresh = tempfile::tempdir_in(&cache).context("no scratch directory")?;
    let mut command = Command::new(go);
    command.args(["build", "-o"]).arg(fresh.path()).arg("./...");
    command.env("GOTOOLCHAIN", "local").env("GOFLAGS", "-mod=readonly -buildvcs=false");
    run_ok(command.current_dir(source), BUILD_LIMIT)?;
    // Refused when another test program was quicker, whose folder is then as good.
    if fs::rename(fresh.path(), &done).is_err() && !done.is_dir() {
        bail!("cannot move the built checkers to {}", done.display());
    }
    Ok(done)
}

/// A name that changes with the sources; a wrong match would need a collision of 64 bits within one cache.
fn fingerprint(source: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    GO_VERSION.hash(&mut hasher);
    for name in GO_SOURCES {
        fs::read(source.join(name)).with_context(|| format!("cannot read {name}"))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// What `check-tiles` is asked to check.
#[derive(Debug, Clone, Copy)]
pub struct GoCheck<'a> {
    /// Base of the served log, `http://…` or `file://…`.
    pub base_url: &'a str,
    /// File of C2SP verifier keys, one a line.
    pub vkey_file: &'a Path,
    /// The entry to prove; none for those at the edges of tiles.
    pub index: Option<u64>,
    /// File of an earlier checkpoint, to prove consistency with.
    pub older: Option<&'a Path>,
}

/// Verifies the checkpoint, inclusions and consistency with Go's `sumdb/note` and `sumdb/tlog` over the served tiles.
///
/// # Errors
/// When one does not hold, or the program cannot be built or does not end.
pub fn go_checker(check: GoCheck<'_>) -> Result<String> {
    let mut command = Command::new(go_program("check-tiles")?);
    if let Some(older) = check.older {
        command.arg("-older").arg(older);
    }
    command.arg(check.base_url).arg(check.vkey_file);
    command.args(check.index.map(|index| index.to_string()));
    let text = run_ok(&mut command, CHECK_LIMIT)?;
    if text.lines().last() != Some("ok") {
        bail!("check-tiles did not end with `ok`:\n{text}");
    }
    Ok(text)
}

/// Writes a log of `size` entries, made with Go's code alone, and a checkpoint of `older`, into `dir`.
///
/// # Errors
/// When the program cannot be built, or fails.
pub fn go_make_log(dir: &Path, size: u64, older: u64) -> Result<()> {
    let numbers = [size, older].map(|number| number.to_string());
    run_ok(Command::new(go_program("make-log")?).arg(dir).args(numbers), CHECK_LIMIT).map(drop)
}

/// Checks the whole log at `url` with Tessera's fsck, under the verifier key `vkey` (the key itself, not a file).
///
/// # Errors
/// When it does not say that all is well. Its exit status says nothing: 1.0.4 ends with 0 after reporting corruption.
pub fn tessera_fsck(url: &str, vkey: &str) -> Result<String> {
    let program = fsck().map_err(|missing| anyhow::anyhow!(missing.what))?;
    let scratch = tempfile::tempdir().context("no scratch directory")?;
    let key = scratch.path().join("vkey");
    // fsck takes the file's bytes as the key, a line feed included.
    fs::write(&key, vkey.trim())?;
    // Without the slash fsck resolves its paths beside the last element.
    let url = format!("{}/", url.trim_end_matches('/'));
    let args = ["--ui=false", "-N", FSCK_WORKERS, "--storage_url", &url, "--public_key"];
    let output = run(Command::new(program).args(args).arg(&key), CHECK_LIMIT)?;
    let text = output.text();
    if !output.status.success() || !text.contains("Successfully fsck'd log") || text.contains("fsck failed") {
        bail!("Tessera's fsck does not accept {url} ({}):\n{text}", output.status);
    }
    Ok(text)
}

/// The root hash, in hex, that pymerkle computes over a file with one entry header a line.
///
/// # Errors
/// When the file is empty or cut short, or Python fails.
pub fn pymerkle_root(headers: &Path) -> Result<String> {
    let text = run_python("merkle_root.py", [headers])?;
    Ok(text.trim().to_owned())
}

/// Runs a script of `tests/foreign/py` in the environment with pymerkle and cryptography.
///
/// # Errors
/// When the environment is missing, or the script fails or does not end.
pub fn run_python(script: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<String> {
    let python = python().map_err(|missing| anyhow::anyhow!(missing.what))?;
    let script = workspace_root().join("tests/foreign/py").join(script);
    run_ok(Command::new(python).arg("-B").arg(script).args(args), CHECK_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_versions_are_read() {
        for (text, version) in
            [("go1.26.8\n", Some((1, 26))), ("go1.27rc1", Some((1, 27))), ("go1.19.8", Some((1, 19)))]
        {
            assert_eq!(parse_go_version(text), version);
        }
        assert_eq!(parse_go_version("devel +abc"), None);
        assert!((1, 19) < GO_MIN && (2, 0) > GO_MIN);
    }

    #[test]
    fn the_pins_are_those_of_the_scripts() {
        let read = |path: &str| fs::read_to_string(workspace_root().join(path)).unwrap();
        let (env, setup) = (read(".ci/env"), read(".ci/setup"));
        for line in [
            format!("GO_VERSION={GO_VERSION}\n"),
            format!("TESSERA_VERSION={TESSERA_VERSION}\n"),
            format!("AXE_VERSION={}\n", crate::browser::AXE_VERSION),
            format!("KAFKA_VERSION={}\n", crate::kafka::KAFKA_VERSION),
        ] {
            assert!(env.contains(&line), ".ci/env does not say {line}");
        }
        assert!(setup.contains(&format!("GO_MIN={}.{} ", GO_MIN.0, GO_MIN.1)));
        assert!(read("tests/foreign/go/go.mod").contains(&format!("go {}.{}", GO_MIN.0, GO_MIN.1)));
        let jars = format!("<version>{}</version>", crate::kafka::KAFKA_VERSION);
        assert_eq!(read("tests/kafka/pom.xml").matches(&jars).count(), 2);
    }
}
