//! What is wrong: every broken expectation that a rule found in the log.

use modeltrail_compliance::words::visible;
use modeltrail_views::rows::{Finding, Severity};

use crate::portal::bits::{Bit, Cell, link, mark, sentence_cell, severity_bit, subject_bit, time_bit};
use crate::portal::blocks::{Block, Facts, Field, Form, Table};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{findings_by_subject, standing, subjects_cell, timeline};
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{cut, holds};

pub(super) const COLUMNS: &[Column<Finding>] = &[
    Column::sorted(
        "title",
        "Finding",
        |finding| Order::text(Some(&finding.title)),
        |finding, links| {
            Cell::from(Bit::Named {
                href: links.finding(&finding.id),
                name: cut(&finding.title),
                full: cut(&finding.id),
            })
        },
    ),
    Column::sorted(
        "severity",
        "Severity",
        |finding| Order::Number(finding.severity as u64),
        |finding, _| Cell::from(severity_bit(finding.severity)),
    ),
    Column::sorted(
        "rule",
        "Rule",
        |finding| Order::text(Some(&finding.rule)),
        |finding, _| Cell::from(Bit::Code(cut(&finding.rule))),
    ),
    Column::plain("About", |finding, links| subjects_cell(links, &finding.subjects, 3)),
    Column::sorted(
        "since",
        "Since",
        |finding| Order::text(Some(&finding.since)),
        |finding, links| {
            let cell = Cell::from(time_bit(&finding.since));
            finding.entries.first().map_or(cell.clone(), |entry| cell.entry(links, *entry))
        },
    ),
    Column::sorted(
        "state",
        "State",
        |finding| Order::Number(u64::from(finding.ended.is_some())),
        |finding, links| match finding.ended {
            Some(entry) => Cell::from(mark("good", "✓", "ended")).entry(links, entry),
            None => Cell::from(mark("medium", "■", "stands")),
        },
    ),
];

/// Columns where findings are only a part of a page.
const SHORT: &[Column<Finding>] = &[
    Column::plain("Finding", |finding, links| {
        Cell::from(Bit::Named { href: links.finding(&finding.id), name: cut(&finding.title), full: cut(&finding.id) })
    }),
    Column::plain("Severity", |finding, _| Cell::from(severity_bit(finding.severity))),
    Column::plain("About", |finding, links| {
        finding.subjects.first().map_or_else(Cell::none, |subject| Cell::from(subject_bit(links, subject)))
    }),
    Column::plain("Since", |finding, links| {
        let cell = Cell::from(time_bit(&finding.since));
        finding.entries.first().map_or(cell.clone(), |entry| cell.entry(links, *entry))
    }),
];

/// A short table of findings, the heaviest first.
pub(super) fn short(cx: &Cx<'_>, caption: &'static str, mut findings: Vec<Finding>, empty: Cell) -> Table {
    findings.sort_by(|one, other| (one.severity, &other.since).cmp(&(other.severity, &one.since)));
    Listing::part("findings", caption, SHORT, empty).table(cx, findings)
}

/// The findings about a subject or its versions that still stand, where there are any.
pub(super) fn short_table(cx: &Cx<'_>, subject: &str) -> Result<Option<Block>, Fault> {
    let all = standing(cx.rows::<Finding>(&[])?.0);
    let by = findings_by_subject(&all);
    let mine: Vec<Finding> = by.get(subject).into_iter().flatten().map(|finding| (*finding).clone()).collect();
    Ok((!mine.is_empty()).then(|| Block::Table(short(cx, "Findings", mine, Cell::new()))))
}

pub(super) fn list(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (all, truncated) = cx.rows::<Finding>(&[])?;
    let rules: std::collections::BTreeSet<&str> =
        modeltrail_views::findings::RULES.iter().map(|rule| rule.id).collect();
    let rows: Vec<Finding> = all.into_iter().filter(|finding| wanted(cx, finding)).collect();
    let mut page = Page::new("Findings", "What needs a look");
    page.lead = Cell::words(
        "Expectations that the log shows broken. A finding (a rule's answer to what an entry says) judges nobody: it names the entries, and a person decides.",
    );
    page.main.push(Form::filter(
        cx,
        "Filter findings",
        vec![
            Field::text("q", "Text contains", cx.param("q"), ""),
            Field::choice(
                "severity",
                "Severity",
                cx.param("severity"),
                ["critical", "high", "medium", "low"].map(|word| (word, word)),
            ),
            Field::choice("rule", "Rule", cx.param("rule"), rules.iter().map(|rule| (*rule, *rule))),
            Field::choice("state", "State", cx.param("state"), [("stands", "stands"), ("ended", "ended")]),
            Field::text("subject", "About", cx.param("subject"), "model/…"),
        ],
    ));
    let empty =
        Cell::words(format!("No finding matches. {} rules looked at every entry up to this point.", rules.len()));
    page.main
        .push(Listing::main("findings", "Findings", COLUMNS, "severity", empty).bounded(truncated).block(cx, rows));
    page.main.push(Block::Table(rules_table(cx)));
    Ok(page)
}

/// A rule with what it expects.
struct RuleRow(&'static modeltrail_views::findings::Rule);

const RULES: &[Column<RuleRow>] = &[
    Column::plain("Rule", |rule, links| Cell::from(link(links.to("/findings", &[("rule", rule.0.id)]), rule.0.id))),
    Column::plain("Severity", |rule, _| Cell::from(severity_bit(rule.0.severity))),
    Column::plain("What is expected", |rule, _| Cell::prose(rule.0.expected)),
];

fn rules_table(cx: &Cx<'_>) -> Table {
    let rows = modeltrail_views::findings::RULES.iter().map(RuleRow).collect();
    Listing::part("rules", "The rules", RULES, Cell::words("No rule is built in.")).table(cx, rows)
}

fn severity(word: &str) -> Option<Severity> {
    match word {
        "critical" => Some(Severity::Critical),
        "high" => Some(Severity::High),
        "medium" => Some(Severity::Medium),
        "low" => Some(Severity::Low),
        _ => None,
    }
}

fn wanted(cx: &Cx<'_>, finding: &Finding) -> bool {
    let text = |text: &str| holds([finding.title.as_str(), finding.seen.as_str(), finding.id.as_str()], text);
    let about = |asked: &str| {
        finding.subjects.iter().any(|subject| subject == asked || crate::portal::gather::whole_of(subject) == asked)
    };
    cx.param("q").is_none_or(text)
        && cx.param("severity").is_none_or(|word| severity(word) == Some(finding.severity))
        && cx.param("rule").is_none_or(|rule| finding.rule == rule)
        && cx.param("state").is_none_or(|state| (state == "ended") == finding.ended.is_some())
        && cx.param("subject").is_none_or(about)
}

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let id = cx.demanded("id")?;
    let Some(finding) = cx.view().get::<Finding>(&[&modeltrail_views::tables::part(id)])? else {
        return Err(Fault::Missing { kind: "finding", asked: id.to_owned(), near: Vec::new() });
    };
    let links = &cx.links;
    let mut page = Page::new(visible(&finding.title), "Finding").crumb("Findings", links.to("/findings", &[]));
    page.lead = Cell::from(severity_bit(finding.severity)).join(match finding.ended {
        Some(entry) => Cell::words("ended with").entry(links, entry),
        None => Cell::words("stands at this point"),
    });
    let state = match finding.ended {
        Some(entry) => Cell::from(mark("good", "✓", "ended")).entry(links, entry),
        None => Cell::from(mark("medium", "■", "stands")),
    };
    let facts = Facts::new("Facts", "facts")
        .row("What was expected", Cell::prose(&finding.expected))
        .row("What was seen", sentence_cell(links, &finding.seen))
        .row("About", subjects_cell(links, &finding.subjects, 20))
        .row("Seen in", finding.entries.iter().take(20).fold(Cell::new(), |cell, entry| cell.entry(links, *entry)))
        .row("Since", Cell::from(time_bit(&finding.since)))
        .row("State", state)
        .row("Rule", Cell::from(link(links.to("/findings", &[("rule", &finding.rule)]), cut(&finding.rule))))
        .row("Id", Cell::from(Bit::Whole(finding.id.clone())));
    page.main.push(Block::Facts(facts));
    let mut entries: Vec<u64> = finding.entries.iter().copied().filter(|entry| *entry < cx.size).collect();
    entries.sort_unstable();
    entries.dedup();
    page.main.push(Block::Timeline(timeline(
        cx,
        "The entries that show it",
        "entries",
        &entries,
        Cell::words("None is at hand."),
    )?));
    Ok(page)
}
