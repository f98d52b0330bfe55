//! The workspace as cargo sees it: packages, what each depends on, and the resolved graph.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::paths::workspace_root;
use crate::process::run_ok;

/// Reading manifests only; but another cargo may hold the lock of the package cache.
const LIMIT: Duration = Duration::from_secs(120);

/// One package of the resolved graph.
#[derive(Debug, Clone, Default)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The SPDX expression of its manifest, as written.
    pub license: Option<String>,
    /// Its manifest, relative to the workspace root where it lies inside.
    pub manifest: String,
    /// Whether it is a member of this workspace.
    pub member: bool,
    /// What its manifest names: (package, whether only for tests).
    pub names: Vec<(String, bool)>,
    /// Source files of its libraries and programs, relative to the workspace root.
    pub roots: Vec<String>,
    /// The features that are on for it anywhere in the workspace.
    pub features: BTreeSet<String>,
    /// Ids of what it needs to run and to build.
    pub needs: BTreeSet<String>,
    /// Ids of what its build script needs.
    pub builds_with: BTreeSet<String>,
}

/// All packages for this platform, by cargo's id.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    /// Every package of the resolved graph.
    pub packages: BTreeMap<String, Package>,
}

impl Workspace {
    /// Asks cargo, without the network.
    ///
    /// # Errors
    /// When cargo fails, or answers what is not its own format.
    pub fn read() -> Result<Self> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let version = run_ok(Command::new(&cargo).arg("-vV"), LIMIT)?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("cargo -vV names no host")?;
        let args = ["metadata", "--format-version", "1", "--offline", "--filter-platform", host];
        let text = run_ok(Command::new(&cargo).args(args).current_dir(workspace_root()), LIMIT)?;
        Self::parse(&serde_json::from_str(&text).context("cargo metadata is not JSON")?)
            .context("cargo metadata lacks a field")
    }

    fn parse(metadata: &Value) -> Option<Self> {
        let members: BTreeSet<&str> =
            metadata["workspace_members"].as_array()?.iter().filter_map(Value::as_str).collect();
        let mut packages = BTreeMap::new();
        for value in metadata["packages"].as_array()? {
            let id = value["id"].as_str()?;
            packages.insert(id.to_owned(), package(value, members.contains(id))?);
        }
        for node in metadata["resolve"]["nodes"].as_array()? {
            let package = packages.get_mut(node["id"].as_str()?)?;
            package.features = strings(&node["features"]);
            for dep in node["deps"].as_array()? {
                let id = dep["pkg"].as_str()?;
                let kinds: Vec<Option<&str>> =
                    dep["dep_kinds"].as_array()?.iter().map(|kind| kind["kind"].as_str()).collect();
                if kinds.iter().any(|kind| *kind != Some("dev")) {
                    package.needs.insert(id.to_owned());
                }
                if kinds.contains(&Some("build")) {
                    package.builds_with.insert(id.to_owned());
                }
            }
        }
        Some(Self { packages })
    }

    /// The members of the workspace.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.values().filter(|package| package.member)
    }

    /// Everything that the named member needs to run and to build, and how it comes in: (package, path of names).
    pub fn reach(&self, name: &str) -> Vec<(&Package, String)> {
        let Some(start) = self.packages.iter().find(|(_, package)| package.member && package.name == name) else {
            return Vec::new();
        };
        let mut seen = BTreeSet::from([start.0.as_str()]);
        let mut queue = vec![(start.1, name.to_owned())];
        let mut at = 0;
        while at < queue.len() {
            let (package, path) = queue[at].clone();
            for id in &package.needs {
                if let Some((id, next)) = self.packages.get_key_value(id)
                    && seen.insert(id)
                {
                    queue.push((next, format!("{path} > {}", next.name)));
                }
            }
            at += 1;
        }
        queue.split_off(1)
    }
}

fn package(value: &Value, member: bool) -> Option<Package> {
    let mut names: Vec<(String, bool)> = Vec::new();
    for dep in value["dependencies"].as_array()? {
        names.push((dep["name"].as_str()?.to_owned(), dep["kind"].as_str() == Some("dev")));
    }
    let mut roots = Vec::new();
    for target in value["targets"].as_array()? {
        let kinds = strings(&target["kind"]);
        if kinds.iter().any(|kind| matches!(kind.as_str(), "lib" | "bin" | "proc-macro")) {
            roots.push(relative(target["src_path"].as_str()?));
        }
    }
    Some(Package {
        name: value["name"].as_str()?.to_owned(),
        version: value["version"].as_str()?.to_owned(),
        license: value["license"].as_str().map(str::to_owned),
        manifest: relative(value["manifest_path"].as_str()?),
        member,
        names,
        roots,
        ..Package::default()
    })
}

fn strings(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn relative(path: &str) -> String {
    let path = Path::new(path);
    path.strip_prefix(workspace_root()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reach_follows_normal_and_build_edges_and_names_the_way() {
        let metadata = serde_json::json!({
            "workspace_members": ["a"],
            "packages": (["a", "b", "c", "d"].map(|id| serde_json::json!({
                "id": id, "name": id, "version": "1.0.0", "license": null, "manifest_path": "/elsewhere/Cargo.toml",
                "dependencies": [], "targets": [],
            }))),
            "resolve": {"nodes": [
                {"id": "a", "features": ["x"], "deps": [
                    {"pkg": "b", "dep_kinds": [{"kind": null}]}, {"pkg": "d", "dep_kinds": [{"kind": "dev"}]}]},
                {"id": "b", "features": [], "deps": [{"pkg": "c", "dep_kinds": [{"kind": "build"}]}]},
                {"id": "c", "features": [], "deps": []},
                {"id": "d", "features": [], "deps": []},
            ]},
        });
        let workspace = Workspace::parse(&metadata).unwrap();
        let ways: Vec<String> = workspace.reach("a").into_iter().map(|(_, way)| way).collect();
        assert_eq!(ways, ["a > b", "a > b > c"]);
        assert!(workspace.packages["b"].builds_with.contains("c"));
        assert!(workspace.packages["a"].features.contains("x"));
    }
}
