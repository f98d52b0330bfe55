//! What runs where, and what ran at a time: in both times, when it took effect and when the ledger knew.

use modeltrail_schemas::subject::Kind;
use modeltrail_views::rows::{Change, Deployment, Member};
use modeltrail_views::view::RanAt;

use super::findings::short_table;
use super::model::{approval_link, capital, governance, notes};
use crate::portal::bits::{Bit, Cell, entry_bit, link, mark, party_bit, signature_bit, subject_bit, time_bit};
use crate::portal::blocks::{Block, Callout, Facts, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{before_time, members_cell, missing, newest, subject, time_param, timeline};
use crate::portal::links::Links;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{cut, grouped, holds, name_of, spaced};

/// Lines of history.
const LAST_LINES: u64 = 12;

fn state_bit(state: &str) -> Bit {
    match state {
        "running" => mark("good", "●", "running"),
        "suspended" => mark("medium", "■", "suspended"),
        "removed" => mark("neutral", "○", "removed"),
        other => mark("neutral", "○", spaced(other)),
    }
}

/// Whether what was last seen is what should run: the same versions with the same digests.
fn seen_cell(links: &Links, deployment: &Deployment) -> Cell {
    let Some(seen) = &deployment.observed else { return Cell::missing("deployment.observed") };
    let key = |member: &Member| (member.subject.clone(), member.manifest_digest.clone());
    let (mut is, mut should): (Vec<_>, Vec<_>) =
        (seen.running.iter().map(key).collect(), deployment.running.iter().map(key).collect());
    is.sort();
    should.sort();
    let before = deployment.since.as_ref().is_some_and(|since| seen.observed < since.value);
    let bit = match is == should {
        // An earlier look says nothing of what took effect after it.
        _ if before => mark("neutral", "○", "before the change"),
        true => mark("good", "✓", "as told"),
        false => mark("high", "▲", "otherwise"),
    };
    Cell::from(bit).and(time_bit(&seen.observed)).entry(links, seen.act.entry)
}

pub(super) const COLUMNS: &[Column<Deployment>] = &[
    Column::sorted(
        "service",
        "Service",
        |row| Order::text(Some(&row.service)),
        |row, links| {
            Cell::from(Bit::Named {
                href: links.subject(&row.subject),
                name: cut(&row.service),
                full: name_of(&row.subject),
            })
        },
    ),
    Column::sorted(
        "environment",
        "Environment",
        |row| Order::text(Some(&row.environment)),
        |row, _| Cell::name(&row.environment),
    ),
    Column::sorted("state", "State", |row| Order::text(Some(&row.state)), |row, _| Cell::from(state_bit(&row.state))),
    Column::plain("Runs", |row, links| members_cell(links, &row.running)),
    Column::sorted(
        "since",
        "Since",
        |row| Order::text(row.since.as_ref().map(|since| since.value.as_str())),
        |row, links| since_cell(links, row),
    ),
    Column::plain("Last seen", |row, links| seen_cell(links, row)),
    Column::number("changes", "Changes", |row| Order::Number(row.changes), |row, _| Cell::number(row.changes)),
];

/// Columns where deployments are only a part of a page.
const SHORT: &[Column<Deployment>] = &[
    Column::plain("Service", |row, links| Cell::from(subject_bit(links, &row.subject))),
    Column::plain("Runs", |row, links| members_cell(links, &row.running)),
    Column::plain("Since", |row, links| since_cell(links, row)),
    Column::plain("Last seen", |row, links| seen_cell(links, row)),
];

/// What runs, as a part of another page.
pub(super) fn short(cx: &Cx<'_>, caption: &'static str, deployments: Vec<Deployment>) -> Block {
    let empty = Cell::words("Nothing runs that an entry knows of. Deployments come with")
        .and(Bit::Code("deployment.changed".to_owned()))
        .then("events.");
    Listing::part("deployments", caption, SHORT, empty).block(cx, deployments)
}

fn since_cell(links: &Links, deployment: &Deployment) -> Cell {
    let since = deployment.since.as_ref();
    Cell::or_missing(
        since.map(|since| Cell::from(time_bit(&since.value)).entry(links, since.entry)),
        "deployment.changed",
    )
}

/// Asks for a time.
fn at_form(cx: &Cx<'_>, path: &str, subject: Option<&str>) -> Block {
    let field = Field::text("at", "What ran at", cx.param("at"), "2026-03-03T14:02:00Z");
    let mut form = Form::to(cx, "What ran at", path, vec![field], "Show");
    form.hidden.extend(subject.map(|subject| ("subject".to_owned(), subject.to_owned())));
    Block::Form(form)
}

pub(super) fn list(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (all, truncated) = cx.rows::<Deployment>(&[])?;
    let matches = |row: &Deployment| {
        cx.param("q").is_none_or(|text| {
            let runs = row.running.iter().map(|member| member.subject.as_str());
            let names: Vec<String> = runs.chain([row.subject.as_str()]).map(name_of).collect();
            holds(names.iter().map(String::as_str), text)
        }) && cx.param("state").is_none_or(|state| row.state == state)
    };
    let rows = all.into_iter().filter(matches).collect();
    let mut page = Page::new("Deployments", "What runs where");
    page.lead = Cell::words(
        "Each service with the set of versions that it runs, as the changes that took effect so far tell it.",
    );
    page.main.push(Form::filter(
        cx,
        "Filter deployments",
        vec![
            Field::text("q", "Service or version", cx.param("q"), ""),
            Field::choice(
                "state",
                "State",
                cx.param("state"),
                [("running", "running"), ("suspended", "suspended"), ("removed", "removed")],
            ),
        ],
    ));
    page.actions = vec![link(cx.links.to("/ran-at", &[]), "What ran at a time")];
    let empty = Cell::words("No deployment matches. They come with")
        .and(Bit::Code("deployment.changed".to_owned()))
        .then("events.");
    page.main.push(
        Listing::main("deployments", "Deployments", COLUMNS, "service", empty).bounded(truncated).block(cx, rows),
    );
    Ok(page)
}

const CHANGES: &[Column<Change>] = &[
    Column::plain("Took effect", |change, _| Cell::from(time_bit(&change.effective))),
    Column::plain("What", |change, _| {
        let tone = if change.verb == "rolled_back" || change.verb == "failed" { "high" } else { "neutral" };
        let mut cell = Cell::from(mark(tone, if tone == "high" { "▲" } else { "○" }, spaced(&change.verb)));
        if change.emergency {
            cell = cell.and(mark("medium", "■", "emergency"));
        }
        if !change.act.counts() {
            cell = cell.and(signature_bit(change.act.signature));
        }
        cell
    }),
    Column::plain("Before", |change, links| members_cell(links, &change.old)),
    Column::plain("After", |change, links| members_cell(links, &change.new)),
    Column::plain("Approvals named", |change, _| Cell::lines(change.approval_ids.iter().map(|id| Cell::name(id)))),
    Column::plain("Incident", |change, links| {
        change.incident.as_deref().map_or_else(Cell::none, |incident| Cell::from(subject_bit(links, incident)))
    }),
    Column::plain("Who", |change, links| {
        let actor = change.act.actor.as_ref();
        Cell::or_missing(actor.map(|actor| Cell::from(party_bit(links, &actor.id))), "")
    }),
    Column::plain("Known since", |change, links| {
        Cell::from(time_bit(&change.act.received)).and(entry_bit(links, change.act.entry))
    }),
];

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let subject = subject(cx, "deployment", &[Kind::Deployment])?;
    let Some(deployment) = cx.view().get::<Deployment>(&[&subject])? else {
        return Err(missing(cx, "deployment", &subject)?);
    };
    let links = &cx.links;
    let mut page = Page::new(name_of(&subject), "Deployment").crumb("Deployments", links.to("/deployments", &[]));
    page.lead = Cell::from(state_bit(&deployment.state)).join(members_cell(links, &deployment.running));
    page.actions = vec![
        link(links.to("/lineage", &[("subject", &subject)]), "Lineage"),
        link(links.to("/trail", &[("subject", &subject)]), "All entries"),
        link(links.to("/make", &[("subject", &subject)]), "Take it away with proofs"),
    ];
    page.main.push(at_form(cx, "/deployment", Some(&subject)));
    if let Some(time) = time_param(cx, "at", true)? {
        page.main.push(Block::Facts(at_facts(cx, &subject, &time)?));
    }
    page.main.extend(short_table(cx, &subject)?);
    let last = newest(cx, &subject, LAST_LINES)?;
    page.main.push(Block::Timeline(timeline(cx, "Latest", "latest", &last, Cell::words("Nothing yet."))?));
    let mut changes = cx.rows::<Change>(&[&subject])?.0;
    changes.reverse();
    let caption = "Changes, the last to take effect first";
    page.below
        .push(Listing::part("changes", caption, CHANGES, Cell::words("No change is recorded.")).block(cx, changes));
    page.below.extend(governance(cx, &subject)?);
    page.below.extend(notes(cx, &subject)?);
    page.aside.push(Block::Facts(facts(cx, &deployment)?));
    Ok(page)
}

fn facts(cx: &Cx<'_>, deployment: &Deployment) -> Result<Facts, Fault> {
    let links = &cx.links;
    let mut facts = Facts::new("Facts", "facts")
        .row("Environment", Cell::name(&deployment.environment))
        .row("Service", Cell::name(&deployment.service))
        .row(
            "Kind",
            deployment.kind.as_ref().map_or_else(
                || Cell::missing("deployment.changed"),
                |kind| Cell::words(spaced(&kind.value)).entry(links, kind.entry),
            ),
        )
        .row("Since", since_cell(links, deployment))
        .row("Last seen", seen_cell(links, deployment));
    if let Some(seen) = &deployment.observed {
        facts =
            facts.row("Seen running", members_cell(links, &seen.running).and(Bit::Break).entry(links, seen.act.entry));
    }
    for member in &deployment.running {
        let approvals = cx.view().approvals_of(&member.subject)?;
        let lines: Vec<Cell> = approvals
            .iter()
            .filter(|approval| approval.state == "granted")
            .map(|approval| {
                Cell::from(crate::portal::gather::approval_state(approval, &cx.now).1)
                    .and(approval_link(links, approval))
            })
            .collect();
        let value = if lines.is_empty() { Cell::missing("approval.granted") } else { Cell::lines(lines) };
        facts = facts.row(format!("Approvals of {}", name_of(&member.subject)), value);
    }
    Ok(facts
        .row("First named", Cell::new().and(entry_bit(links, deployment.first)))
        .row("Subject", Cell::from(Bit::Whole(deployment.subject.clone()))))
}

/// What ran, as the entries of the page know it, and as those received by then knew it.
fn both(cx: &Cx<'_>, subject: &str, time: &str) -> Result<(RanAt, RanAt), Fault> {
    let then = before_time(cx, time);
    Ok((cx.view().ran_at(subject, time)?, cx.at(then).ran_at(subject, time)?))
}

fn ran_cell(links: &Links, ran: &RanAt) -> Cell {
    let cell = members_cell(links, &ran.running);
    match &ran.change {
        Some(change) => cell.then("since").and(time_bit(&change.effective)).entry(links, change.act.entry),
        None => cell.aside("no change before"),
    }
}

fn at_facts(cx: &Cx<'_>, subject: &str, time: &str) -> Result<Facts, Fault> {
    let (now, then) = both(cx, subject, time)?;
    let links = &cx.links;
    Ok(Facts::new("What ran then", "ran")
        .row("At", Cell::from(time_bit(time)))
        .row("As this page knows it", ran_cell(links, &now))
        .row("As it was known then", if same(&now, &then) { Cell::words("the same") } else { ran_cell(links, &then) }))
}

fn same(one: &RanAt, other: &RanAt) -> bool {
    let entry = |ran: &RanAt| ran.change.as_ref().map(|change| change.act.entry);
    entry(one) == entry(other)
}

/// A service with what it ran.
struct Row {
    deployment: Deployment,
    now: RanAt,
    then: RanAt,
}

const RAN: &[Column<Row>] = &[
    Column::sorted(
        "service",
        "Service",
        |row| Order::text(Some(&row.deployment.service)),
        |row, links| Cell::from(subject_bit(links, &row.deployment.subject)),
    ),
    Column::plain("Ran", |row, links| ran_cell(links, &row.now)),
    Column::plain("How", |row, _| {
        row.now.change.as_ref().map_or_else(Cell::none, |change| Cell::words(capital(&spaced(&change.verb))))
    }),
    Column::plain("As it was known then", |row, links| {
        if same(&row.now, &row.then) {
            Cell::words("the same")
        } else {
            Cell::from(mark("medium", "■", "otherwise")).join(ran_cell(links, &row.then))
        }
    }),
];

pub(super) fn ran_at(cx: &Cx<'_>) -> Result<Page, Fault> {
    let asked = time_param(cx, "at", true)?;
    let time = asked.clone().unwrap_or_else(|| cx.now.clone());
    let mut page =
        Page::new("What ran at", "Deployments in both times").crumb("Deployments", cx.links.to("/deployments", &[]));
    page.lead = Cell::words(
        "What each service ran at a time: as this page knows it, and as the entries received by then knew it. A day counts to its end.",
    );
    page.main.push(at_form(cx, "/ran-at", None));
    let mut rows = Vec::new();
    let (deployments, truncated) = cx.rows::<Deployment>(&[])?;
    let then = before_time(cx, &time);
    for deployment in deployments {
        let (now, before) =
            (cx.view().ran_at(&deployment.subject, &time)?, cx.at(then).ran_at(&deployment.subject, &time)?);
        if !now.running.is_empty() || !before.running.is_empty() {
            rows.push(Row { deployment, now, then: before });
        }
    }
    let differ = rows.iter().filter(|row| !same(&row.now, &row.then)).count();
    if differ > 0 {
        let text = Cell::words(format!(
            "For {differ} of these the ledger knew otherwise then: entries about that time arrived later."
        ));
        page.main.push(Block::Callout(Callout { tone: "note", word: "Two times", text }));
    }
    let caption = format!(
        "Ran at {}; {} entries were known then",
        modeltrail_compliance::words::time_words(&time),
        grouped(then)
    );
    let empty = Cell::words("Nothing ran then that an entry knows of.");
    page.main.push(Listing::main("ran", caption, RAN, "service", empty).bounded(truncated).block(cx, rows));
    Ok(page)
}
