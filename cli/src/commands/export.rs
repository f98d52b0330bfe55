//! `modeltrail export`: a bundle of everything about some subjects, from a server.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use modeltrail_core::verify::Outcome;
use modeltrail_schemas::subject::Subject;
use serde::Serialize;

use super::verify;
use crate::args::ExportArgs;
use crate::exit::{Exit, refused};
use crate::http::Server;
use crate::output::{Output, say};
use crate::{bundle, keys};

#[derive(Serialize)]
struct Document {
    file: String,
    bytes: u64,
    /// What verification came to; left out when no key was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<bool>,
}

/// A file that goes away again unless it is kept.
struct Draft {
    path: PathBuf,
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It may have got its name already; then there is nothing to remove.
        let _ = fs::remove_file(&self.path);
    }
}

pub(crate) fn run(args: &ExportArgs, out: Output) -> anyhow::Result<Exit> {
    for subject in &args.subjects {
        Subject::parse(subject).map_err(|error| anyhow::anyhow!("{subject:?} is not a subject: {error}"))?;
    }
    let trust = keys::trust(&args.trust)?;
    let server = Server::new(&args.server)?;
    let draft = Draft { path: draft_path(&args.output) };
    let as_of = args.as_of.map(|size| size.to_string());
    let mut query: Vec<(&str, &str)> = args.subjects.iter().map(|subject| ("subject", subject.as_str())).collect();
    query.extend(as_of.as_deref().map(|as_of| ("as_of", as_of)));
    query.extend(args.dossier.then_some(("dossier", "1")));
    let bytes = fetch(&server, &query, &draft.path)?;
    let holds = if trust.pin.is_some() || trust.policy.is_some() {
        let report = bundle::verify(&draft.path, &trust, None)?;
        let outcome = report.outcome(false);
        say(&verify::text(&report, outcome));
        if outcome != Outcome::Holds {
            return Err(refused("what the server sent was not kept, because it does not hold"));
        }
        Some(true)
    } else {
        say("note: the bundle was not verified, because no key was given (--key or --policy)");
        None
    };
    // A link fails where a file is there already, which a rename would replace.
    fs::hard_link(&draft.path, &args.output).with_context(|| format!("could not write {}", args.output.display()))?;
    let document = Document { file: args.output.display().to_string(), bytes, holds };
    out.print(&document, || format!("{}\n", args.output.display()))?;
    Ok(Exit::Holds)
}

fn draft_path(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    PathBuf::from(name)
}

/// Fetches a bundle about some subjects; with the dossier, about the one version.
pub(crate) fn fetch_about(
    server: &Server,
    subjects: &BTreeSet<String>,
    dossier: bool,
    path: &Path,
) -> anyhow::Result<()> {
    let mut query: Vec<(&str, &str)> = subjects.iter().map(|subject| ("subject", subject.as_str())).collect();
    query.extend(dossier.then_some(("dossier", "1")));
    fetch(server, &query, path).map(drop)
}

fn fetch(server: &Server, query: &[(&str, &str)], path: &Path) -> anyhow::Result<u64> {
    let mut stream = server.stream("/v1/exports", query)?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .with_context(|| format!("could not create {}", path.display()))?;
    let bytes = io::copy(&mut stream, &mut file).context("the answer broke off")?;
    file.sync_all().with_context(|| format!("could not write {}", path.display()))?;
    Ok(bytes)
}
