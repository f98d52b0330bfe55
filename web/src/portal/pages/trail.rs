//! Any subject: when it was first named, what it is joined to, and every entry about it.

use modeltrail_schemas::subject::Subject as Name;
use modeltrail_views::rows::{Edge, Incident, Run, Subject};
use modeltrail_views::tables::Table;

use super::findings::short_table;
use super::model::{capital, edges, governance, notes};
use crate::portal::bits::{Bit, Cell, act_cell, entry_bit, known_bit, link, subject_bit, time_bit};
use crate::portal::blocks::{Block, Facts};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{missing, timeline, trail, trail_len, whole_of};
use crate::portal::list::{Column, Listing, PAGE_ROWS};
use crate::portal::page::Page;
use crate::portal::text::{grouped, name_of, spaced};

/// Edges that the page looks at on each side.
const MAX_EDGES: usize = 2_000;

const OUT: &[Column<Edge>] = &[
    Column::plain("What", |edge, links| Cell::from(subject_bit(links, &edge.to))),
    Column::plain("As", |edge, _| Cell::words(spaced(&edge.role))),
    Column::plain("Known", |edge, _| Cell::from(known_bit(edge.known))),
    Column::plain("Said", |edge, links| Cell::from(time_bit(&edge.received)).entry(links, edge.entry)),
];

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let subject = cx.demanded("subject")?.to_owned();
    let len = if Name::parse(&subject).is_ok() { trail_len(cx, &subject)? } else { 0 };
    if len == 0 {
        return Err(missing(cx, "subject", &subject)?);
    }
    let links = &cx.links;
    let kind = subject.split('/').next().unwrap_or_default();
    let mut page = Page::new(name_of(&subject), kind_words(kind));
    let whole = whole_of(&subject);
    if whole != subject {
        page = page.crumb(name_of(whole), links.subject(whole));
    }
    let own = links.subject(&subject);
    if !own.starts_with("/trail") {
        page.actions.push(link(own, "Its page"));
    }
    page.actions.extend([
        link(links.to("/lineage", &[("subject", &subject)]), "Lineage"),
        link(links.to("/changes", &[("subject", &subject)]), "Between two dates"),
        link(links.to("/make", &[("subject", &subject)]), "Take it away with proofs"),
    ]);
    page.aside.push(Block::Facts(facts(cx, &subject, len)?));
    page.main.extend(short_table(cx, &subject)?);
    joined(cx, &subject, &mut page)?;
    page.main.extend(governance(cx, &subject)?);
    page.main.extend(notes(cx, &subject)?);
    page.main.push(Block::Timeline(steps(cx, &subject, len)?));
    Ok(page)
}

fn kind_words(kind: &str) -> &'static str {
    match kind {
        "model" => "Trail of a model",
        "dataset" => "Trail of a dataset",
        "run" => "Run",
        "code" => "Code",
        "image" => "Container image",
        "artifact" => "Artefact",
        "deployment" => "Trail of a deployment",
        "system" => "System",
        "usecase" => "Use case",
        "prompt" => "Prompt",
        "config" => "Configuration",
        "feature" => "Feature",
        "job" => "Job",
        "supplier" => "Supplier",
        "policy" => "Policy",
        "incident" => "Trail of an incident",
        "report" => "Report",
        "party" => "Party",
        "source" => "Source",
        "key" => "Key",
        "ledger" => "Ledger",
        _ => "Subject",
    }
}

fn facts(cx: &Cx<'_>, subject: &str, len: u64) -> Result<Facts, Fault> {
    let links = &cx.links;
    let mut facts = Facts::new("Facts", "facts").row("Entries", Cell::number(len));
    let first = cx.view().get::<Subject>(&[subject])?;
    facts = facts.row(
        "First named",
        match &first {
            Some(first) => Cell::from(time_bit(&first.received)).and(entry_bit(links, first.first)),
            None => trail(cx, subject, 0, 1)?
                .first()
                .map_or_else(Cell::none, |index| Cell::new().and(entry_bit(links, *index))),
        },
    );
    if let Some(run) = cx.view().get::<Run>(&[subject])? {
        facts = facts
            .maybe(
                "Kind",
                run.kind.as_ref().map(|kind| Cell::words(capital(&spaced(&kind.value))).entry(links, kind.entry)),
            )
            .maybe("For", run.model.as_ref().map(|model| Cell::subject(links, &model.value).entry(links, model.entry)))
            .maybe("Started", run.started.as_ref().map(|act| act_cell(links, act)))
            .maybe("Ended", run.ended.as_ref().map(|act| act_cell(links, act)))
            .row(
                "Outcome",
                run.outcome.as_ref().map_or_else(
                    || Cell::missing("training.completed"),
                    |outcome| Cell::words(spaced(&outcome.value)).entry(links, outcome.entry),
                ),
            );
    }
    let incidents: Vec<Incident> = cx.view().incidents_of(subject)?;
    if !incidents.is_empty() {
        facts = facts
            .row("Incidents", Cell::lines(incidents.iter().map(|incident| Cell::subject(links, &incident.subject))));
    }
    Ok(facts.row("Subject", Cell::from(Bit::Whole(subject.to_owned()))))
}

fn joined(cx: &Cx<'_>, subject: &str, page: &mut Page) -> Result<(), Fault> {
    let made = edges(cx, Table::EdgesIn, subject, MAX_EDGES)?;
    if !made.is_empty() {
        page.main.push(Block::Table(
            Listing::part("parts", "What went into it", super::version::PARTS, Cell::new()).table(cx, made),
        ));
    }
    let went = edges(cx, Table::EdgesOut, subject, MAX_EDGES)?;
    if !went.is_empty() {
        page.main.push(Block::Table(Listing::part("went", "What came of it", OUT, Cell::new()).table(cx, went)));
    }
    Ok(())
}

fn steps(cx: &Cx<'_>, subject: &str, len: u64) -> Result<crate::portal::blocks::Timeline, Fault> {
    let most = PAGE_ROWS as u64;
    let from =
        cx.param("from").and_then(|from| from.parse::<u64>().ok()).unwrap_or(len.saturating_sub(most)).min(len - 1);
    let entries = trail(cx, subject, from, PAGE_ROWS)?;
    let mut list = timeline(cx, "Its trail", "trail", &entries, Cell::words("Nothing yet."))?;
    let last = from + entries.len() as u64;
    list.note = Cell::words(format!(
        "{}–{} of {}: all entries about it, numbered without a gap.",
        grouped(from + 1),
        grouped(last),
        grouped(len)
    ));
    list.previous = (from > 0).then(|| cx.with(&[("from", &from.saturating_sub(most).to_string())]));
    list.next = (last < len).then(|| cx.with(&[("from", &last.to_string())]));
    Ok(list)
}
