//! `modeltrail lineage`: what a thing was made of and what came of it, from a bundle or a server, and whether that holds.

mod check;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use modeltrail_core::verify::{Outcome, Trust};
use modeltrail_schemas::subject::{Kind, Subject};
use modeltrail_views::lineage::{Direction, Lineage, MAX_DEPTH, MAX_NODES, Node, walk};
use modeltrail_views::rows::Subject as SubjectRow;
use modeltrail_views::rows::{Edge, Finding, Mark, Version};
use modeltrail_views::view::View;
use serde::{Deserialize, Serialize};

use self::check::{CheckNotes, Checked, Demand};
use self::tree::Notes;
use crate::args::LineageArgs;
use crate::ask::{At, Source, at, of_server, say_behind, subject};
use crate::commands::{export, findings, verify};
use crate::exit::{Exit, refused};
use crate::folded::Folded;
use crate::http::Server;
use crate::keys;
use crate::output::{Output, Tone, paint, printable};

/// A walk, as the API gives it, and with `--verify` what holds of it.
#[derive(Serialize, Deserialize)]
struct Document<C> {
    as_of: At,
    #[serde(default)]
    behind: u64,
    row: Lineage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checked: Option<C>,
}

pub(crate) fn run(args: &LineageArgs, out: Output) -> anyhow::Result<Exit> {
    let subject = subject(&args.subject)?;
    if !args.verify {
        return match Source::new(&args.from)? {
            Source::Bundle(folded) => show(args, &subject, &folded, out),
            Source::Server(server) => show_server(args, &subject, &server, out),
        };
    }
    let trust = keys::trust(&args.from.holder.trust)?;
    let folded = match &args.from.holder.bundle {
        Some(path) => Folded::open(path, &trust)?,
        None => fetch(args, &subject, &trust)?,
    };
    judge(args, &subject, &folded, out)
}

/// Bundles that are fetched for one lineage at most: each one is an entry in the ledger.
const MAX_FETCHES: usize = 6;
/// Subjects that a server takes for one bundle.
const MAX_SUBJECTS: usize = 31;

/// Fetches a bundle that holds the trails of the whole walk, as far as a server gives one: of a version first that of its dossier, then
/// those of the subjects that turned out to be walked.
fn fetch(args: &LineageArgs, subject: &Subject, trust: &Trust) -> anyhow::Result<Folded> {
    let server = Server::new(&args.from.holder.server)?;
    let directory = tempfile::tempdir().context("could not make a temporary directory")?;
    let mut wanted = BTreeSet::from([subject.as_str().to_owned()]);
    let mut dossier = subject.kind() == Kind::Model && subject.version().is_some();
    let mut fetches = 1;
    loop {
        let path = directory.path().join(format!("{fetches}.zip"));
        export::fetch_about(&server, &wanted, dossier, &path)?;
        let folded = Folded::open(&path, trust)?;
        let view = folded.view(folded.size(args.from.as_of)?);
        let lineage = walk_from(args, subject, &folded, &view)?;
        let lacking = check::lacking(&folded, &lineage, depth(args));
        let all: BTreeSet<String> =
            wanted.iter().cloned().chain(lineage.nodes.into_iter().map(|node| node.subject)).collect();
        if lacking == 0 || fetches == MAX_FETCHES || all.len() > MAX_SUBJECTS {
            return Ok(folded);
        }
        (wanted, dossier, fetches) = (all, false, fetches + 1);
    }
}

fn direction(args: &LineageArgs) -> Direction {
    match (args.up, args.down) {
        (true, _) => Direction::Up,
        (_, true) => Direction::Down,
        _ => Direction::Both,
    }
}

fn depth(args: &LineageArgs) -> usize {
    args.depth.map_or(MAX_DEPTH, usize::from)
}

/// Walks from a subject; from a model without a version, from each of its versions.
fn walk_from(args: &LineageArgs, subject: &Subject, folded: &Folded, view: &View<'_>) -> anyhow::Result<Lineage> {
    if view.get::<SubjectRow>(&[subject.as_str()])?.is_none() {
        let about = folded.manifest.scope.subjects.join(", ");
        return Err(refused(format!("no entry of the bundle names {} by then; it is about {about}", args.subject)));
    }
    let step = |start: &str| walk(view, start, direction(args), depth(args), MAX_NODES);
    let lineage = step(subject.as_str())?;
    if !is_whole_model(subject) {
        return Ok(lineage);
    }
    let mut merged = lineage;
    for version in view.page::<Version>(&[], None, usize::MAX, |row| row.model == subject.as_str())?.rows {
        merge(&mut merged, step(&version.subject)?);
    }
    Ok(merged)
}

fn is_whole_model(subject: &Subject) -> bool {
    subject.kind() == Kind::Model && subject.version().is_none()
}

/// Adds a walk from a further start; a subject keeps its nearest level.
fn merge(all: &mut Lineage, more: Lineage) {
    let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
    for node in std::mem::take(&mut all.nodes).into_iter().chain(more.nodes) {
        let found = nodes.entry(node.subject.clone()).or_insert_with(|| node.clone());
        if node.level.unsigned_abs() < found.level.unsigned_abs() {
            *found = node;
        }
    }
    let key = |edge: &Edge| (edge.from.clone(), edge.to.clone(), edge.role.clone());
    let edges = std::mem::take(&mut all.edges).into_iter().chain(more.edges);
    let edges: BTreeMap<_, Edge> = edges.map(|edge| (key(&edge), edge)).collect();
    all.nodes = nodes.into_values().collect();
    all.nodes.sort_by(|a, b| (a.level, &a.subject).cmp(&(b.level, &b.subject)));
    all.edges = edges.into_values().collect();
    all.truncated = all.truncated.take().or(more.truncated);
}

/// The walk of a bundle, without checks.
fn show(args: &LineageArgs, subject: &Subject, folded: &Folded, out: Output) -> anyhow::Result<Exit> {
    let size = folded.size(args.from.as_of)?;
    let lineage = walk_from(args, subject, folded, &folded.view(size))?;
    print(Document { as_of: at(folded, size), behind: 0, row: lineage, checked: None }, out)
}

/// The walk as a server tells it.
fn show_server(args: &LineageArgs, subject: &Subject, server: &Server, out: Output) -> anyhow::Result<Exit> {
    let mut document = ask_server(args, subject.as_str(), server)?;
    if is_whole_model(subject) {
        let versions = of_server::<Version>(server, &args.from, "/v1/versions", &[("model", subject.as_str())])?;
        for version in versions.rows {
            merge(&mut document.row, ask_server(args, &version.subject, server)?.row);
        }
    }
    say_behind(document.behind);
    print(document, out)
}

fn ask_server(args: &LineageArgs, subject: &str, server: &Server) -> anyhow::Result<Document<()>> {
    let direction = match direction(args) {
        Direction::Up => "up",
        Direction::Down => "down",
        Direction::Both => "both",
    };
    let (depth, as_of) = (depth(args).to_string(), args.from.as_of.map(|as_of| as_of.to_string()));
    let nodes = MAX_NODES.to_string();
    let mut query = vec![("subject", subject), ("direction", direction), ("depth", &depth), ("nodes", &nodes)];
    query.extend(as_of.as_deref().map(|as_of| ("as_of", as_of)));
    server.get("/v1/lineage", &query)
}

fn print(document: Document<()>, out: Output) -> anyhow::Result<Exit> {
    out.print(&document, || tree::draw(&document.row, &Told))?;
    Ok(Exit::Holds)
}

/// What the rows say of an edge's signatures, for who takes their word.
struct Told;

impl Notes for Told {
    fn edge(&self, edge: &Edge) -> (Tone, String) {
        let (tone, word) = match edge.signature {
            Mark::Valid => (Tone::Good, "signed"),
            Mark::Ledger => (Tone::Good, "the ledger's own"),
            Mark::None => (Tone::Unsure, "unsigned"),
            Mark::NotEntitled => (Tone::Bad, "signed by a key that is not entitled"),
            Mark::Unbound => (Tone::Bad, "signed for no or another ledger"),
            Mark::Revoked => (Tone::Bad, "signed by a revoked key"),
            Mark::Bad => (Tone::Bad, "bad signature"),
            Mark::Unknown => (Tone::Bad, "signed by an unknown key"),
        };
        (tone, word.to_owned())
    }

    fn subject(&self, _: &str) -> Option<String> {
        None
    }
}

/// The walk of a bundle, and whether it holds.
fn judge(args: &LineageArgs, subject: &Subject, folded: &Folded, out: Output) -> anyhow::Result<Exit> {
    let size = folded.size(args.from.as_of)?;
    let view = folded.view(size);
    let lineage = walk_from(args, subject, folded, &view)?;
    let demand = Demand { depth: depth(args), signed: args.require_signed };
    let checked = check::check(folded, &view, &lineage, demand)?;
    let outcome = checked.verdict;
    let document = Document { as_of: at(folded, size), behind: 0, row: lineage, checked: Some(checked) };
    out.print(&document, || text(&document))?;
    Ok(outcome.into())
}

fn text(document: &Document<Checked>) -> String {
    let Some(checked) = &document.checked else { return String::new() };
    let mut text = tree::draw(&document.row, &CheckNotes::new(checked));
    let whole = checked.whole();
    text += &format!(
        "\nas of {} entries: {} subjects, {whole} of them with their whole trail; {} edges, {} of them signed and valid, {} unsigned\n",
        document.as_of.size,
        document.row.nodes.len(),
        document.row.edges.len(),
        checked.valid(),
        checked.unsigned()
    );
    if checked.findings.is_empty() {
        text += "no finding is about them\n";
    } else {
        text += "findings about them\n";
        checked.findings.iter().for_each(|finding| text += &finding_line(finding));
    }
    for (tone, word, whys) in [(Tone::Bad, "against it", &checked.faults), (Tone::Unsure, "not judged", &checked.open)]
    {
        for why in whys {
            text += &format!("{}: {}\n", paint(tone, word), printable(why));
        }
    }
    let tone = match checked.verdict {
        Outcome::Holds => Tone::Good,
        Outcome::DoesNotHold => Tone::Bad,
        Outcome::CouldNotBeJudged => Tone::Unsure,
    };
    text + &paint(tone, verify::word(checked.verdict)) + "\n"
}

fn finding_line(finding: &Finding) -> String {
    let severity = findings::word(finding.severity);
    let title = findings::one_line(&finding.title);
    let entries: Vec<String> = finding.entries.iter().map(u64::to_string).collect();
    let ended = finding.ended.map(|entry| format!(", ended by entry {entry}")).unwrap_or_default();
    printable(&format!("  {severity:<8}  {}: {} (entry {}{ended})", finding.id, title, entries.join(", "))) + "\n"
}
