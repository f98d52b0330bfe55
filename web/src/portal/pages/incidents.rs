//! Incidents: what happened, whom it touches, and each step until it was closed.

use modeltrail_schemas::subject::Kind;
use modeltrail_views::rows::{Incident, IncidentStep};

use super::findings::short_table;
use super::model::notes;
use crate::portal::bits::{Bit, Cell, entry_bit, link, mark, party_bit, time_bit, told_severity, when_cell};
use crate::portal::blocks::{Block, Facts, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{missing, newest, subject, subjects_cell, timeline};
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{cut, holds, name_of, spaced};

/// Lines of history.
const LAST_LINES: u64 = 50;

fn state_bit(state: &str) -> Bit {
    match state {
        "open" => mark("high", "▲", "open"),
        "resolved" => mark("medium", "■", "resolved"),
        "closed" => mark("good", "✓", "closed"),
        other => mark("neutral", "○", spaced(other)),
    }
}

pub(super) const COLUMNS: &[Column<Incident>] = &[
    Column::sorted(
        "id",
        "Incident",
        |incident| Order::text(Some(&incident.subject)),
        |incident, links| Cell::subject(links, &incident.subject),
    ),
    Column::plain("What", |incident, links| {
        incident.title.as_ref().map_or_else(
            || Cell::missing("incident.opened"),
            |title| Cell::name(&title.value).entry(links, title.entry),
        )
    }),
    Column::sorted(
        "severity",
        "Severity",
        |incident| Order::text(incident.severity.as_ref().map(|said| said.value.as_str())),
        |incident, links| {
            incident.severity.as_ref().map_or_else(
                || Cell::missing("incident.classified"),
                |said| Cell::from(told_severity(&said.value)).entry(links, said.entry),
            )
        },
    ),
    Column::sorted(
        "state",
        "State",
        |incident| Order::text(Some(&incident.state)),
        |incident, _| Cell::from(state_bit(&incident.state)),
    ),
    Column::sorted(
        "aware",
        "Known since",
        |incident| Order::text(incident.aware.as_ref().map(|said| said.value.as_str())),
        |incident, links| {
            incident.aware.as_ref().map_or_else(
                || Cell::missing("incident.opened"),
                |said| Cell::from(time_bit(&said.value)).entry(links, said.entry),
            )
        },
    ),
    Column::sorted(
        "resolved",
        "Resolved",
        |incident| Order::text(incident.resolved.as_ref().map(|said| said.value.as_str())),
        |incident, links| {
            incident
                .resolved
                .as_ref()
                .map_or_else(Cell::none, |said| Cell::from(time_bit(&said.value)).entry(links, said.entry))
        },
    ),
    Column::plain("Touches", |incident, links| subjects_cell(links, &incident.affected, 4)),
];

pub(super) fn list(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (all, truncated) = cx.rows::<Incident>(&[])?;
    let text = |incident: &Incident, text: &str| {
        let title = incident.title.as_ref().map(|title| title.value.as_str());
        let affected = incident.affected.iter().map(String::as_str);
        holds(affected.chain(title).chain([incident.subject.as_str()]), text)
    };
    let rows = all
        .into_iter()
        .filter(|incident| {
            cx.param("q").is_none_or(|asked| text(incident, asked))
                && cx.param("state").is_none_or(|state| incident.state == state)
        })
        .collect();
    let mut page = Page::new("Incidents", "What went wrong in use");
    page.main.push(Form::filter(
        cx,
        "Filter incidents",
        vec![
            Field::text("q", "Text or subject", cx.param("q"), ""),
            Field::choice(
                "state",
                "State",
                cx.param("state"),
                [("open", "open"), ("resolved", "resolved"), ("closed", "closed")],
            ),
        ],
    ));
    let empty =
        Cell::words("No incident matches. They come with").and(Bit::Code("incident.opened".to_owned())).then("events.");
    page.main
        .push(Listing::main("incidents", "Incidents", COLUMNS, "-aware", empty).bounded(truncated).block(cx, rows));
    Ok(page)
}

const STEPS: &[Column<IncidentStep>] = &[
    Column::plain("Step", |step, _| Cell::words(spaced(&step.verb))),
    Column::plain("When", |step, links| when_cell(links, &step.act)),
    Column::plain("Who", |step, links| {
        let actor = step.act.actor.as_ref();
        actor.map_or_else(Cell::none, |actor| Cell::from(party_bit(links, &actor.id)))
    }),
    Column::plain("Reason", |step, _| step.act.reason.as_deref().map_or_else(Cell::none, Cell::name)),
];

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let subject = subject(cx, "incident", &[Kind::Incident])?;
    let Some(incident) = cx.view().get::<Incident>(&[&subject])? else {
        return Err(missing(cx, "incident", &subject)?);
    };
    let links = &cx.links;
    let mut page = Page::new(name_of(&subject), "Incident").crumb("Incidents", links.to("/incidents", &[]));
    page.lead =
        incident.title.as_ref().map_or_else(Cell::new, |title| Cell::prose(&title.value).entry(links, title.entry));
    page.actions = vec![
        link(links.to("/trail", &[("subject", &subject)]), "All entries"),
        link(links.to("/make", &[("subject", &subject)]), "Take it away with proofs"),
    ];
    let said = |said: Option<&modeltrail_views::rows::Said<String>>, event| {
        said.map_or_else(|| Cell::missing(event), |said| Cell::from(time_bit(&said.value)).entry(links, said.entry))
    };
    page.aside.push(Block::Facts(
        Facts::new("Facts", "facts")
            .row("State", Cell::from(state_bit(&incident.state)))
            .row(
                "Severity",
                incident.severity.as_ref().map_or_else(
                    || Cell::missing("incident.classified"),
                    |said| Cell::from(told_severity(&said.value)).entry(links, said.entry),
                ),
            )
            .row("Known since", said(incident.aware.as_ref(), "incident.opened"))
            .row("Resolved", said(incident.resolved.as_ref(), "incident.resolved"))
            .row("Touches", subjects_cell(links, &incident.affected, 30))
            .row("First named", Cell::new().and(entry_bit(links, incident.first)))
            .row("Subject", Cell::from(Bit::Whole(cut(&subject)))),
    ));
    page.main.extend(short_table(cx, &subject)?);
    page.main.push(Block::Table(
        Listing::part("steps", "Steps", STEPS, Cell::words("No step is recorded.")).table(cx, incident.steps.clone()),
    ));
    page.main.extend(notes(cx, &subject)?);
    let last = newest(cx, &subject, LAST_LINES)?;
    page.main.push(Block::Timeline(timeline(cx, "In words", "latest", &last, Cell::words("Nothing yet."))?));
    Ok(page)
}
