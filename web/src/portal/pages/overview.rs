//! What runs where, what needs a look, is the chain whole, is ingest behind; and the questions that examiners ask.

use modeltrail_store::WriterStatus;
use modeltrail_views::rows::{Approval, Deployment, Finding, Incident, Model, Quarantined, Severity, Version};

use super::approvals::{open_condition, runs_out};
use super::deployment;
use super::findings::short;
use super::ingest::lag;
use super::validations::Judged;
use crate::portal::bits::{Bit, Cell, link, mark, time_bit};
use crate::portal::blocks::{Block, Facts, Figure};
use crate::portal::checked;
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{running, standing, timeline};
use crate::portal::page::Page;
use crate::portal::text::{counted, grouped};

/// Entries shown of the end of the log.
const LAST_LINES: u64 = 8;
/// Findings shown; the rest has a page.
const SHOWN_FINDINGS: usize = 12;

/// What the overview counts.
struct Known {
    models: Vec<Model>,
    deployments: Vec<Deployment>,
    approvals: Vec<Approval>,
    findings: Vec<Finding>,
    incidents: Vec<Incident>,
    quarantined: usize,
    unvalidated: usize,
}

fn known(cx: &Cx<'_>) -> Result<Known, Fault> {
    let deployments = cx.rows::<Deployment>(&[])?.0;
    let mut unvalidated = 0;
    for version in running(&deployments) {
        let known = cx.view().has(<Version as modeltrail_views::rows::Row>::TABLE, &[version])?;
        unvalidated += usize::from(known && Judged::of(cx, version)?.state(&cx.now) != "accepted");
    }
    Ok(Known {
        models: cx.rows::<Model>(&[])?.0,
        approvals: cx.rows::<Approval>(&[])?.0,
        findings: standing(cx.rows::<Finding>(&[])?.0),
        incidents: cx.rows::<Incident>(&[])?.0.into_iter().filter(|incident| incident.state == "open").collect(),
        quarantined: cx.rows::<Quarantined>(&[])?.0.len(),
        unvalidated,
        deployments,
    })
}

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let known = known(cx)?;
    let mut page = Page::new("Overview", "Modeltrail");
    page.lead =
        Cell::words("What the ledger says at").and(time_bit(&cx.now)).then(". Every number leads to what it counts.");
    page.above.push(Block::Figures(figures(cx, &known)));
    let total = known.findings.len();
    let mut findings = known.findings.clone();
    findings.sort_by(|one, other| (one.severity, &other.since).cmp(&(other.severity, &one.since)));
    findings.truncate(if cx.csv() { usize::MAX } else { SHOWN_FINDINGS });
    let empty = Cell::words("No finding stands at this point.");
    let mut table = short(cx, "What needs a look", findings, empty);
    if total > SHOWN_FINDINGS {
        table.count = format!("the {SHOWN_FINDINGS} heaviest of {total}");
    }
    page.main.push(Block::Table(table));
    let running = known.deployments.iter().filter(|deployment| deployment.state == "running").cloned().collect();
    page.main.push(deployment::short(cx, "What runs where", running));
    let last: Vec<u64> = (cx.size.saturating_sub(LAST_LINES)..cx.size).rev().collect();
    let mut latest = timeline(cx, "Latest entries", "latest", &last, nothing_yet(cx))?;
    latest.note = Cell::from(link(cx.links.to("/entries", &[]), "All entries"));
    page.main.push(Block::Timeline(latest));
    page.aside.push(questions(cx));
    page.aside.push(Block::Facts(standing_facts(cx)?));
    Ok(page)
}

fn figure(number: usize, label: &str, href: String, tone: &'static str, note: String) -> Figure {
    Figure { number: grouped(number as u64), label: label.to_owned(), href, tone, note }
}

/// Approvals with a condition that is not met, and how many of them are overdue.
fn conditions(known: &Known, now: &str) -> (usize, usize) {
    let granted = known.approvals.iter().filter(|approval| approval.state == "granted");
    let overdue: Vec<bool> = granted.filter_map(|approval| open_condition(approval, now)).collect();
    (overdue.len(), overdue.iter().filter(|overdue| **overdue).count())
}

fn figures(cx: &Cx<'_>, known: &Known) -> Vec<Figure> {
    let links = &cx.links;
    let alarm = |number: usize, tone: &'static str| if number == 0 { "calm" } else { tone };
    let weight = |severity: Severity| known.findings.iter().filter(|finding| finding.severity == severity).count();
    let (critical, high) = (weight(Severity::Critical), weight(Severity::High));
    let running = known.deployments.iter().filter(|deployment| deployment.state == "running").count();
    let tier_1 = known.models.iter().filter(|model| model.tiers.values().any(|tier| tier.value.value == "1")).count();
    let pending = known.approvals.iter().filter(|approval| approval.state == "requested").count();
    let soon = known.approvals.iter().filter(|approval| runs_out(approval, &cx.now)).count();
    let (open, late) = conditions(known, &cx.now);
    vec![
        figure(known.models.len(), "models", links.to("/models", &[]), "calm", format!("{tier_1} of tier 1")),
        figure(
            running,
            "services run",
            links.to("/deployments", &[("state", "running")]),
            "calm",
            format!("of {}", known.deployments.len()),
        ),
        figure(
            known.findings.len(),
            "findings",
            links.to("/findings", &[("state", "stands")]),
            alarm(critical, "critical"),
            format!("{critical} critical, {high} high"),
        ),
        figure(
            pending,
            "approvals pending",
            links.to("/approvals", &[("state", "pending")]),
            alarm(pending, "medium"),
            format!("{soon} run out within 60 days"),
        ),
        figure(
            open,
            "with open conditions",
            links.to("/approvals", &[("conditions", "open")]),
            alarm(late, "high"),
            format!("{late} overdue"),
        ),
        figure(
            known.unvalidated,
            "run without validation",
            links.to("/validations", &[("state", "runs-without")]),
            alarm(known.unvalidated, "high"),
            "none, or one that no longer holds".to_owned(),
        ),
        figure(
            known.incidents.len(),
            "open incidents",
            links.to("/incidents", &[("state", "open")]),
            alarm(known.incidents.len(), "high"),
            String::new(),
        ),
        figure(
            known.quarantined,
            "kept aside",
            links.to("/quarantine", &[]),
            "calm",
            "unreadable, or not allowed to speak".to_owned(),
        ),
    ]
}

/// The seven questions, each answered behind its link.
fn questions(cx: &Cx<'_>) -> Block {
    let links = &cx.links;
    let size = cx.size.to_string();
    let report =
        crate::portal::links::joined("/v1/inventory", [("as_of", size.as_str()), ("format", "html")].into_iter());
    let ask = |href: String, words: &str, more: &str| (link(href, words), Cell::words(more));
    Block::Links {
        heading: "Questions",
        id: "questions",
        links: vec![
            ask(links.to("/models", &[]), "Which models are there?", ""),
            ask(links.to("/models", &[("tier", "1")]), "Which of them are tier 1?", ""),
            ask(links.to("/changes", &[]), "What changed between two dates, and by whom?", ""),
            ask(links.to("/lineage", &[]), "How do they feed each other?", ""),
            ask(links.to("/validations", &[]), "What was validated, and what was not?", ""),
            (
                link(report, "What was the inventory on a day?"),
                Cell::words("the report at this point; choose the day in the bar above"),
            ),
            ask(
                links.to("/approvals", &[]),
                "Who approved this digest?",
                "filter by the digest, or put it into the search",
            ),
        ],
    }
}

fn standing_facts(cx: &Cx<'_>) -> Result<Facts, Fault> {
    let links = &cx.links;
    let chain = match cx.state.ledger().status() {
        WriterStatus::Running => mark("good", "✓", "sealed"),
        WriterStatus::ReadOnly { .. } => mark("neutral", "○", "read-only"),
        WriterStatus::Paused { .. } | WriterStatus::Stopped => mark("high", "▲", "not writing"),
        WriterStatus::Poisoned { .. } => mark("critical", "◆", "poisoned"),
    };
    let mut behind = Some(0);
    let sources = cx.state.config.sources.sources();
    for source in &sources {
        behind = behind.zip(lag(source)).map(|(all, one)| all + one);
    }
    let ingest = match behind {
        _ if !cx.halted.is_empty() => Cell::from(mark(
            "critical",
            "◆",
            format!("{} halted", counted(cx.halted.len() as u64, "partition", "partitions")),
        )),
        _ if sources.is_empty() => Cell::words("no source is read now"),
        Some(0) => Cell::from(mark("good", "✓", "up to date")),
        Some(lag) => Cell::from(mark("medium", "■", format!("{} behind", counted(lag, "record", "records")))),
        None => Cell::from(mark("medium", "■", "lag not known")),
    };
    Ok(Facts::new("The ledger", "ledger")
        .row(
            "Chain",
            Cell::from(chain)
                .then(counted(cx.head, "entry", "entries"))
                .and(link(links.to("/integrity", &[]), "check it")),
        )
        .row("Last whole check", checked::line(cx)?)
        .row("Ingest", ingest.and(link(links.to("/ingest", &[]), "sources")))
        .row(
            "Views",
            if cx.behind == 0 {
                Cell::from(mark("good", "✓", "up to date"))
            } else {
                Cell::from(mark("medium", "■", format!("{} behind", counted(cx.behind, "entry", "entries"))))
            },
        )
        .row("Newest entry", newest(cx)))
}

/// Why there is no entry to show.
fn nothing_yet(cx: &Cx<'_>) -> Cell {
    if cx.head > 0 {
        return Cell::words("The ledger had no entry at this point.");
    }
    Cell::words("The ledger has no entry yet. Send one with").and(Bit::Code("modeltrail emit".to_owned())).then(".")
}

/// When the newest entry of all came, whatever the page is as of.
fn newest(cx: &Cx<'_>) -> Cell {
    let Some(index) = cx.head.checked_sub(1) else { return Cell::none() };
    cx.received(index).map_or_else(Cell::none, |time| Cell::from(time_bit(&time))).entry(&cx.links, index)
}
