//! What a thing was made of and what was made of it: a picture, and the same as a nested list.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_compliance::picture::{Line, Options, known_word, picture, role_words, tree};
use modeltrail_views::lineage::{Direction, Lineage, MAX_NODES, walk};
use modeltrail_views::rows::{Deployment, Edge, Finding, Model, Version};
use modeltrail_views::tables::Table;

use crate::portal::bits::{Bit, Cell, known_bit, link, signature_bit, subject_bit};
use crate::portal::blocks::{Block, Branch, Callout, Choice};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{findings_by_subject, missing, running, standing, subjects_cell};
use crate::portal::links::Links;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{cut, name_of, spaced};

/// Levels shown at first, each way.
const FIRST_DEPTH: usize = 2;
/// What "all" means: as far as any lineage is walked.
const ALL: usize = modeltrail_views::lineage::MAX_DEPTH;
/// Folds that one address opens.
const MAX_OPEN: usize = 20;
/// Steps that "what feeds more than one model" looks back.
const SHARED_DEPTH: usize = 6;
/// Subjects of one such look.
const SHARED_NODES: usize = 500;
/// Lines of the nested list on each side.
const TREE_LINES: usize = 150;

fn depth(cx: &Cx<'_>, name: &str) -> usize {
    match cx.param(name) {
        Some("all") => ALL,
        Some(number) => number.parse().unwrap_or(FIRST_DEPTH).min(ALL),
        None => FIRST_DEPTH,
    }
}

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let Some(subject) = cx.param("subject").map(str::to_owned) else { return start(cx) };
    if !cx.view().has(Table::Subjects, &[&subject])? {
        return Err(missing(cx, "subject", &subject)?);
    }
    let links = &cx.links;
    let mut page = Page::new(name_of(&subject), "Lineage")
        .crumb("Lineage", links.to("/lineage", &[]))
        .crumb(name_of(&subject), links.subject(&subject));
    page.lead = Cell::words(
        "What went in stands on the left, what came of it on the right. Every line is an edge that an entry declared, observed or inferred.",
    );
    page.actions = vec![
        link(links.subject(&subject), "Its page"),
        link(links.to("/trail", &[("subject", &subject)]), "All entries"),
    ];
    let lineage = walked(cx, &subject)?;
    page.main.push(levels(cx));
    if lineage.edges.is_empty() {
        page.main.push(Block::Callout(Callout { tone: "note", word: "No edges", text: empty(cx, &subject)? }));
        return Ok(page);
    }
    page.main.push(drawn(cx, &lineage)?);
    page.main.extend(nested(cx, &lineage));
    let caption = "The edges, each with the entry that made it";
    page.main.push(Listing::part("edges", caption, EDGES, Cell::new()).block(cx, lineage.edges));
    Ok(page)
}

/// A whole model or dataset has no edges of its own: its versions have.
fn empty(cx: &Cx<'_>, subject: &str) -> Result<Cell, Fault> {
    let table = if subject.starts_with("model/") { Table::Versions } else { Table::Datasets };
    let versions = if subject.contains('@') {
        Vec::new()
    } else {
        crate::portal::gather::starting(cx, table, &format!("{subject}@"))?
    };
    let said = Cell::words("No entry joins this subject to another within these levels.");
    if versions.is_empty() {
        return Ok(said);
    }
    let lines = versions.iter().rev().take(MAX_OPEN).map(|version| {
        Cell::from(Bit::Named {
            href: cx.links.to("/lineage", &[("subject", version)]),
            name: name_of(version),
            full: name_of(version),
        })
    });
    Ok(Cell::words("Edges join versions. Its versions:").and(Bit::Break).join(Cell::lines(lines)))
}

/// Up and down, each as far as asked for.
fn walked(cx: &Cx<'_>, subject: &str) -> Result<Lineage, Fault> {
    let (up, down) = (depth(cx, "up"), depth(cx, "down"));
    let view = cx.view();
    if up == down {
        return Ok(walk(&view, subject, Direction::Both, up, MAX_NODES)?);
    }
    let mut above = walk(&view, subject, Direction::Up, up, MAX_NODES)?;
    let below = walk(&view, subject, Direction::Down, down, MAX_NODES)?;
    let known: BTreeSet<String> = above.nodes.iter().map(|node| node.subject.clone()).collect();
    above.nodes.extend(below.nodes.into_iter().filter(|node| !known.contains(&node.subject)));
    above.nodes.sort_by(|one, other| (one.level, &one.subject).cmp(&(other.level, &other.subject)));
    above.edges.extend(below.edges);
    above.edges.sort_by(|one, other| (&one.from, &one.to, &one.role).cmp(&(&other.from, &other.to, &other.role)));
    above.edges.dedup();
    above.direction = Direction::Both;
    above.truncated = above.truncated.or(below.truncated);
    Ok(above)
}

/// How far the picture goes, each way.
fn levels(cx: &Cx<'_>) -> Block {
    const CHOICES: [(&str, &str, usize); 5] =
        [("none", "0", 0), ("1", "1", 1), ("2", "2", 2), ("3", "3", 3), ("all", "all", ALL)];
    let row = |label: &'static str, name: &'static str| {
        let now = depth(cx, name);
        let choices = CHOICES
            .iter()
            .map(|(words, value, depth)| Choice { words, href: (*depth != now).then(|| cx.with(&[(name, value)])) });
        (label, choices.collect())
    };
    Block::Choices(vec![row("Levels back", "up"), row("Levels on", "down")])
}

/// Folds that are open, as the address has them: `subject|kind`, with commas between.
fn open(cx: &Cx<'_>) -> BTreeSet<(String, String)> {
    let text = cx.param("open").unwrap_or_default();
    let pairs = text.split(',').filter_map(|pair| pair.rsplit_once('|'));
    pairs.take(MAX_OPEN).map(|(subject, kind)| (subject.to_owned(), kind.to_owned())).collect()
}

fn drawn(cx: &Cx<'_>, lineage: &Lineage) -> Result<Block, Fault> {
    let findings = standing(cx.rows::<Finding>(&[])?.0);
    let by: BTreeMap<String, usize> =
        findings_by_subject(&findings).into_iter().map(|(subject, findings)| (subject, findings.len())).collect();
    let mut digests = BTreeMap::new();
    for node in lineage
        .nodes
        .iter()
        .filter(|node| super::evaluations::is_version(&node.subject))
        .take(modeltrail_compliance::picture::MAX_DRAWN)
    {
        let version = cx.view().get::<Version>(&[&node.subject])?;
        digests.extend(version.and_then(|version| Some((node.subject.clone(), version.manifest_digest()?.to_owned()))));
    }
    let open = open(cx);
    let was = cx.param("open").unwrap_or_default().to_owned();
    let fold = |subject: &str, kind: &str| {
        let more = format!("{subject}|{kind}");
        Some(cx.with(&[("open", &if was.is_empty() { more } else { format!("{was},{more}") })]))
    };
    let picture = picture(
        lineage,
        &Options {
            id: "lineage",
            href: &|subject| Some(cx.links.to("/lineage", &[("subject", subject)])),
            fold_href: &fold,
            findings: &by,
            digests: &digests,
            open: &open,
        },
    );
    let mut note = Cell::words(format!("{} nodes drawn.", picture.nodes));
    if let Some(bound) = &picture.bound {
        note = note.then(format!("{bound}.")).then("The list below goes further.");
    }
    if !open.is_empty() {
        note = note.and(link(cx.with(&[("open", "")]), "Fold all again"));
    }
    Ok(Block::Picture { heading: "Picture", id: "picture", svg: picture.svg, note })
}

fn nested(cx: &Cx<'_>, lineage: &Lineage) -> Vec<Block> {
    let tree = tree(lineage);
    let side = |heading, id, lines: Vec<Line>, up: bool| {
        let total = lines.len();
        let shown = lines.into_iter().take(TREE_LINES).map(|line| branch(&cx.links, &line, up)).collect();
        let note = if total > TREE_LINES {
            Cell::words(format!("The first {TREE_LINES} of {total} lines; the edges as CSV are whole."))
        } else {
            Cell::new()
        };
        Block::Tree { heading, id, lines: shown, note }
    };
    let mut blocks = Vec::new();
    if !tree.up.is_empty() {
        blocks.push(side("What it was made of", "up", tree.up, true));
    }
    if !tree.down.is_empty() {
        blocks.push(side("What came of it", "down", tree.down, false));
    }
    blocks
}

fn branch(links: &Links, line: &Line, up: bool) -> Branch {
    let kind = line.subject.split('/').next().unwrap_or_default();
    let mut what = Cell::words(spaced(kind)).and(subject_bit(links, &line.subject));
    what = what.aside(if up {
        format!("{} it, {}", role_words(&line.edge.role), known_word(line.edge.known))
    } else {
        format!("it {} this, {}", role_words(&line.edge.role), known_word(line.edge.known))
    });
    what = what.entry(links, line.edge.entry);
    if line.again {
        what = what.aside("· with its own lines elsewhere");
    }
    if line.more > 0 {
        what = what.aside(format!("· {} more not followed", line.more));
    }
    Branch { depth: line.depth.saturating_sub(1), what }
}

const EDGES: &[Column<Edge>] = &[
    Column::plain("What", |edge, links| Cell::from(subject_bit(links, &edge.from))),
    Column::plain("Role", |edge, _| Cell::words(role_words(&edge.role))),
    Column::plain("Of", |edge, links| Cell::from(subject_bit(links, &edge.to))),
    Column::plain("Known", |edge, _| Cell::from(known_bit(edge.known))),
    Column::plain("Signature", |edge, _| Cell::from(signature_bit(edge.signature))),
    Column::plain("Entry", |edge, links| Cell::new().entry(links, edge.entry)),
];

/// Something that went into more than one model.
struct Shared {
    subject: String,
    models: Vec<String>,
}

const SHARED: &[Column<Shared>] = &[
    Column::sorted(
        "what",
        "What",
        |row| Order::text(Some(&row.subject)),
        |row, links| {
            Cell::from(Bit::Named {
                href: links.to("/lineage", &[("subject", &row.subject)]),
                name: name_of(&row.subject),
                full: cut(&row.subject),
            })
        },
    ),
    Column::sorted(
        "kind",
        "Kind",
        |row| Order::text(row.subject.split('/').next()),
        |row, _| Cell::words(spaced(row.subject.split('/').next().unwrap_or_default())),
    ),
    Column::number(
        "models",
        "Models",
        |row| Order::Number(row.models.len() as u64),
        |row, _| Cell::number(row.models.len() as u64),
    ),
    Column::plain("Went into", |row, links| subjects_cell(links, &row.models, 6)),
];

/// A model with the versions that stand for it in this list.
struct Start {
    model: Model,
    runs: Vec<String>,
}

const STARTS: &[Column<Start>] = &[
    Column::plain("Model", |row, links| Cell::subject(links, &row.model.subject)),
    Column::plain("Lineage of what runs", |row, links| lineage_links(links, &row.runs)),
    Column::plain("Lineage of the latest version", |row, links| match &row.model.latest {
        Some(latest) => lineage_links(links, std::slice::from_ref(&latest.value)),
        None => Cell::missing("model.version_registered"),
    }),
];

fn lineage_links(links: &Links, subjects: &[String]) -> Cell {
    Cell::lines(subjects.iter().map(|subject| {
        Cell::from(Bit::Named {
            href: links.to("/lineage", &[("subject", subject)]),
            name: name_of(subject),
            full: cut(subject),
        })
    }))
}

/// Without a subject: where to begin, and what feeds more than one model.
fn start(cx: &Cx<'_>) -> Result<Page, Fault> {
    let mut page = Page::new("Lineage", "How models feed each other");
    page.lead = Cell::words("Begin at a model, or at what more than one of them was made of.");
    let (deployments, _) = cx.rows::<Deployment>(&[])?;
    let running = running(&deployments);
    let (models, truncated) = cx.rows::<Model>(&[])?;
    let mut shared: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut rows = Vec::new();
    for model in models.into_iter().take(SHARED_NODES) {
        let start = format!("{}@", model.subject);
        let runs: Vec<String> =
            running.iter().filter(|version| version.starts_with(&start)).map(|version| (*version).to_owned()).collect();
        let latest = model.latest.iter().map(|latest| latest.value.clone());
        for version in runs.iter().cloned().chain(latest).collect::<BTreeSet<_>>() {
            let up = walk(&cx.view(), &version, Direction::Up, SHARED_DEPTH, SHARED_NODES)?;
            for node in up.nodes.into_iter().filter(|node| node.level < 0 && !node.subject.starts_with(&start)) {
                shared.entry(node.subject).or_default().insert(model.subject.clone());
            }
        }
        rows.push(Start { model, runs });
    }
    // Another model counts with one; data, code and the rest when two share it.
    let shared = shared.into_iter().filter(|(subject, models)| models.len() > 1 || subject.starts_with("model/"));
    let shared = shared.map(|(subject, models)| Shared { subject, models: models.into_iter().collect() }).collect();
    let empty = Cell::words("No model shares a part with another, within the steps that this page looks back.");
    page.main.push(
        Listing::main(
            "shared",
            "What feeds more than one model, and models that feed another",
            SHARED,
            "-models",
            empty,
        )
        .bounded(truncated)
        .block(cx, shared),
    );
    page.main.push(
        Listing::part("models", "Begin at a model", STARTS, Cell::words("No model is known yet.")).block(cx, rows),
    );
    Ok(page)
}
