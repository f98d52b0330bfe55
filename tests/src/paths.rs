//! Where things are: the workspace, the cache outside it, and the programs under test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

/// The folder of the workspace's `Cargo.toml`.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Where `.ci/setup test` keeps Kafka's jars and the foreign checkers: `MODELTRAIL_CACHE`, else `modeltrail` under
/// `XDG_CACHE_HOME` or `~/.cache`, as in `.ci/env`.
pub fn cache_dir() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("MODELTRAIL_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("modeltrail")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/modeltrail")))
        .unwrap_or_else(|| env::temp_dir().join("modeltrail"))
}

/// The built program `name`, `modeltraild` or `modeltrail`.
///
/// `MODELTRAIL_BIN_DIR` names a folder where they stand ready (`make test` sets it). Otherwise cargo builds them, once
/// per test program; it does nothing when they are up to date. The whole workspace is built, because cargo unifies
/// features over what it is asked for, and another choice could compile RocksDB a second time.
///
/// # Errors
/// When the build fails, or gives no program of that name.
pub fn bin(name: &str) -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let dir = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    let path = dir.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?.join(name);
    if !path.is_file() {
        bail!("no program {}: is it a binary of this workspace?", path.display());
    }
    Ok(path)
}

fn build() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("MODELTRAIL_BIN_DIR") {
        return Ok(PathBuf::from(dir));
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--workspace", "--bins"])
        .current_dir(workspace_root())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("cargo build --workspace --bins failed: {status}");
    }
    // A test program stands in <target>/<profile>/deps, the programs one folder up.
    let test = env::current_exe().context("this test program has no path")?;
    let profile = test.parent().and_then(Path::parent).context("this test program is not in a target directory")?;
    Ok(profile.to_path_buf())
}
