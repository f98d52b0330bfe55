//! Rooms and floors: a crate imports only from floors below it, and some things may not be reached at all.

use std::fs;

use modeltrail_tests::cargo::{Package, Workspace};
use modeltrail_tests::workspace_root;

use crate::{Broken, none};

/// Every crate of the workspace and its floor.
const FLOORS: &[(&str, u8)] = &[
    ("modeltrail-tlog", 0),
    ("modeltrail-schemas", 1),
    ("modeltrail-core", 2),
    ("modeltrail-views", 3),
    ("modeltrail-compliance", 4),
    ("modeltrail-store", 4),
    ("modeltrail-web", 5),
    ("modeltrail-ingest", 5),
    ("modeltrail", 5),
    ("modeltrail-demo", 6),
    ("modeltraild", 7),
    (BESIDE, u8::MAX),
];

/// Stands beside the house: imports anything, and nobody imports it.
const BESIDE: &str = "modeltrail-tests";

/// Who may name a heavy dependency in its manifest; all others get at it through these, if at all.
const DOORS: &[(&str, &[&str])] = &[
    ("rocksdb", &["modeltrail-store"]),
    ("rdkafka", &["modeltrail-ingest", BESIDE]),
    ("actix-web", &["modeltrail-web", "modeltraild"]),
];

/// What a crate may not reach, by whatever way.
const UNREACHABLE: &[(&str, &[&str])] = &[
    ("modeltrail-tlog", PURE),
    ("modeltrail-schemas", PURE),
    ("modeltrail-core", PURE),
    ("modeltrail-views", &["rocksdb", "rdkafka", "actix-web", "ureq"]),
    ("modeltrail-compliance", &["rocksdb", "rdkafka", "actix-web", "ureq"]),
    // The views it reaches by way of the store, which keeps them beside the log; what is made of them is no concern of a source.
    ("modeltrail-ingest", &["actix-web", "modeltrail-compliance"]),
    ("modeltrail-web", &["rdkafka"]),
    ("modeltrail", &["rocksdb", "rdkafka", "actix-web", "ring", "openssl-sys", "aws-lc-sys"]),
];

/// No storage, network or async run time below floor 3.
const PURE: &[&str] = &["rocksdb", "rdkafka", "actix-web", "tokio", "ureq", "rustls"];

/// The auditor's tool builds with Rust and a linker alone: nothing that it reaches may be built with these.
const COMPILERS: &[&str] = &["cc", "cmake", "bindgen", "autotools"];
const AUDITORS_TOOL: &str = "modeltrail";

/// Features of serde_json that would change what is hashed, if any crate turned them on for all.
const FATAL_FEATURES: &[&str] = &["arbitrary_precision", "preserve_order"];

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, floor)| *floor)
}

/// A broken rule at the line of the manifest that names the dependency.
fn at_name(package: &Package, name: &str, what: String, rule: &'static str) -> Broken {
    let text = fs::read_to_string(workspace_root().join(&package.manifest)).unwrap_or_default();
    let line = text.lines().position(|line| line.starts_with(name)).map_or(1, |line| line + 1);
    Broken::new(&package.manifest, line, what, rule)
}

fn check_floors(workspace: &Workspace) -> Vec<Broken> {
    let mut broken = Vec::new();
    for package in workspace.members() {
        let Some(own) = floor(&package.name) else {
            broken.push(Broken::new(
                &package.manifest,
                1,
                format!("crate {} has no floor", package.name),
                "every crate has a floor",
            ));
            continue;
        };
        for (name, _) in &package.names {
            if name == BESIDE {
                let what = format!("{} imports {BESIDE}", package.name);
                broken.push(at_name(package, name, what, "nobody imports the tests"));
            } else if let Some(other) = floor(name).filter(|other| *other >= own && package.name != BESIDE) {
                let what = format!("{} on floor {own} imports {name} on floor {other}", package.name);
                broken.push(at_name(package, name, what, "a crate imports only from floors below it"));
            }
        }
    }
    broken
}

fn check_doors(workspace: &Workspace) -> Vec<Broken> {
    let mut broken = Vec::new();
    for package in workspace.members() {
        for (name, _) in &package.names {
            if let Some((_, owners)) =
                DOORS.iter().find(|(door, owners)| door == name && !owners.contains(&package.name.as_str()))
            {
                let what = format!("{} names {name} itself", package.name);
                broken.push(at_name(
                    package,
                    name,
                    format!("{what}; only {} may", owners.join(", ")),
                    "one door to each heavy dependency",
                ));
            }
        }
    }
    broken
}

fn check_reach(workspace: &Workspace) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (name, banned) in UNREACHABLE {
        for (package, way) in workspace.reach(name) {
            if banned.contains(&package.name.as_str()) {
                broken.push(Broken::new(&manifest_of(workspace, name), 1, way, "what a crate may never reach"));
            }
        }
    }
    broken
}

fn check_auditors_tool(workspace: &Workspace) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (package, way) in workspace.reach(AUDITORS_TOOL) {
        let compiler = package.builds_with.iter().filter_map(|id| workspace.packages.get(id));
        for compiler in compiler.filter(|compiler| COMPILERS.contains(&compiler.name.as_str())) {
            let what = format!("{way} is built with {}", compiler.name);
            broken.push(Broken::new(
                &manifest_of(workspace, AUDITORS_TOOL),
                1,
                what,
                "the auditor's tool needs no C compiler",
            ));
        }
    }
    broken
}

fn check_features(workspace: &Workspace) -> Vec<Broken> {
    let mut broken = Vec::new();
    for package in workspace.packages.values().filter(|package| package.name == "serde_json") {
        for feature in FATAL_FEATURES.iter().filter(|feature| package.features.contains(**feature)) {
            let what = format!("serde_json has `{feature}` on: see `cargo tree -e features -i serde_json`");
            broken.push(Broken::new("Cargo.toml", 1, what, "no feature changes what is hashed"));
        }
    }
    broken
}

fn manifest_of(workspace: &Workspace, name: &str) -> String {
    workspace
        .members()
        .find(|package| package.name == name)
        .map_or_else(|| "Cargo.toml".to_owned(), |package| package.manifest.clone())
}

#[test]
fn a_crate_imports_only_from_floors_below_it() {
    let workspace = Workspace::read().unwrap();
    assert!(workspace.members().count() > 1, "cargo metadata lists no members");
    none(check_floors(&workspace));
}

#[test]
fn each_heavy_dependency_has_one_door() {
    none(check_doors(&Workspace::read().unwrap()));
}

#[test]
fn what_may_not_be_reached_is_not_reached() {
    none(check_reach(&Workspace::read().unwrap()));
}

#[test]
fn the_auditors_tool_needs_no_c_compiler() {
    let workspace = Workspace::read().unwrap();
    assert!(!workspace.reach(AUDITORS_TOOL).is_empty(), "no crate {AUDITORS_TOOL} with dependencies");
    none(check_auditors_tool(&workspace));
}

#[test]
fn no_feature_changes_what_is_hashed() {
    let workspace = Workspace::read().unwrap();
    assert!(workspace.packages.values().any(|package| package.name == "serde_json"));
    none(check_features(&workspace));
}

/// The rules on a workspace that breaks each of them.
mod broken_house {
    use std::collections::BTreeSet;

    use super::*;

    fn house(packages: &[(&str, &[&str], &[&str])]) -> Workspace {
        let package = |(name, names, builds_with): &(&str, &[&str], &[&str])| {
            let needs: BTreeSet<String> = names.iter().chain(*builds_with).map(|name| (*name).to_owned()).collect();
            let package = Package {
                name: (*name).to_owned(),
                member: name.starts_with("modeltrail"),
                names: names.iter().map(|name| ((*name).to_owned(), false)).collect(),
                needs,
                builds_with: builds_with.iter().map(|name| (*name).to_owned()).collect(),
                features: BTreeSet::from(["preserve_order".to_owned()]),
                ..Package::default()
            };
            ((*name).to_owned(), package)
        };
        Workspace { packages: packages.iter().map(package).collect() }
    }

    fn whats(broken: Vec<Broken>) -> Vec<String> {
        broken.into_iter().map(|broken| broken.what).collect()
    }

    #[test]
    fn floors() {
        let house = house(&[
            ("modeltrail-core", &["modeltrail-web", "modeltrail-tlog"], &[]),
            ("modeltrail-web", &["modeltrail-ingest"], &[]),
            ("modeltrail-attic", &[], &[]),
            ("modeltraild", &["modeltrail-tests"], &[]),
        ]);
        let expected = [
            "crate modeltrail-attic has no floor",
            "modeltrail-core on floor 2 imports modeltrail-web on floor 5",
            "modeltrail-web on floor 5 imports modeltrail-ingest on floor 5",
            "modeltraild imports modeltrail-tests",
        ];
        assert_eq!(whats(check_floors(&house)), expected);
    }

    #[test]
    fn doors_and_reach() {
        let house = house(&[
            ("modeltrail", &["between", "modeltrail-core"], &[]),
            ("modeltrail-core", &["rocksdb"], &[]),
            ("between", &[], &["cc"]),
            ("cc", &[], &[]),
            ("rocksdb", &[], &[]),
            ("serde_json", &[], &[]),
        ]);
        assert_eq!(whats(check_doors(&house)), ["modeltrail-core names rocksdb itself; only modeltrail-store may"]);
        assert_eq!(whats(check_reach(&house)), ["modeltrail-core > rocksdb", "modeltrail > modeltrail-core > rocksdb"]);
        assert_eq!(whats(check_auditors_tool(&house)), ["modeltrail > between is built with cc"]);
        assert_eq!(check_features(&house).len(), 1);
    }
}
