//! Approvals: pending, in force, running out; who asked, who granted, on which digest, with which conditions.

use modeltrail_compliance::words::value_words;
use modeltrail_schemas::time::parse_rfc3339;
use modeltrail_views::rows::{Approval, Condition};
use modeltrail_views::tables::part;

use super::model::approval_link;
use crate::portal::bits::{
    Bit, Cell, act_cell, act_lines, day_bit, digest_bit, link, mark, party_bit, signature_bit, signature_words,
    subject_bit, time_bit,
};
use crate::portal::blocks::{Block, Callout, Facts, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{approval_state, missing, subjects_cell};
use crate::portal::links::Links;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{cut, holds, name_of, spaced};

/// An approval that ends within so many days is shown as running out.
pub(super) const SOON_DAYS: i64 = 60;
const DAY_MICROS: i64 = 86_400_000_000;

/// An approval at the page's time.
pub(super) struct Row {
    approval: Approval,
    now: String,
}

impl Row {
    fn state(&self) -> (&'static str, Bit) {
        approval_state(&self.approval, &self.now)
    }
}

/// Where a condition stands.
fn condition_bit(condition: &Condition, now: &str) -> Bit {
    let late = |met: &str| condition.due.as_deref().is_some_and(|due| met > due);
    match &condition.met {
        Some(met) if late(&met.value) => mark("medium", "■", "met late"),
        Some(_) => mark("good", "✓", "met"),
        None if late(now) => mark("high", "▲", "overdue"),
        None => mark("medium", "■", "open"),
    }
}

fn conditions_cell(links: &Links, approval: &Approval, now: &str) -> Cell {
    Cell::lines(approval.conditions.iter().map(|condition| {
        let cell = Cell::name(&condition.id).and(condition_bit(condition, now));
        condition.met.as_ref().map_or(cell.clone(), |met| cell.entry(links, met.entry))
    }))
}

pub(super) const COLUMNS: &[Column<Row>] = &[
    Column::sorted(
        "about",
        "Of",
        |row| Order::text(Some(&row.approval.about)),
        |row, links| Cell::from(subject_bit(links, &row.approval.about)),
    ),
    Column::sorted(
        "id",
        "Approval",
        |row| Order::text(Some(&row.approval.id)),
        |row, links| Cell::from(approval_link(links, &row.approval)),
    ),
    Column::sorted("state", "State", |row| Order::text(Some(row.state().0)), |row, _| Cell::from(row.state().1)),
    Column::plain("Digest", |row, links| {
        let digest = row.approval.digest.as_ref();
        let cell =
            digest.map(|digest| Cell::from(digest_bit(&digest.value)).and(Bit::Break).entry(links, digest.entry));
        Cell::or_missing(cell, "approval.granted")
    }),
    Column::plain("For", |row, links| {
        if row.approval.places().is_empty() {
            Cell::words("everywhere")
        } else {
            subjects_cell(links, row.approval.places(), 3)
        }
    }),
    Column::sorted(
        "requested",
        "Asked by",
        |row| Order::text(row.approval.requested.as_ref().map(|act| act.received.as_str())),
        |row, links| {
            row.approval
                .requested
                .as_ref()
                .map_or_else(|| Cell::missing("approval.requested"), |act| act_lines(links, act))
        },
    ),
    Column::sorted(
        "granted",
        "Granted by",
        |row| Order::text(row.approval.granted.as_ref().map(|act| act.received.as_str())),
        |row, links| row.approval.granted.as_ref().map_or_else(Cell::none, |act| act_lines(links, act)),
    ),
    Column::sorted(
        "expires",
        "Until",
        |row| Order::text(row.approval.expires.as_ref().map(|expires| expires.value.as_str())),
        |row, links| {
            row.approval.expires.as_ref().map_or_else(
                || Cell::words("no end said"),
                |expires| Cell::from(day_bit(&expires.value)).and(Bit::Break).entry(links, expires.entry),
            )
        },
    ),
    Column::plain("Conditions", |row, links| conditions_cell(links, &row.approval, &row.now)),
];

fn rows(cx: &Cx<'_>, approvals: Vec<Approval>) -> Vec<Row> {
    approvals.into_iter().map(|approval| Row { approval, now: cx.now.clone() }).collect()
}

/// Approvals as a part of another page; of what they are stands in the first column, which the thing's own page leaves out.
pub(super) fn part_of(cx: &Cx<'_>, approvals: Vec<Approval>, own: bool) -> Option<Block> {
    let columns = if own { &COLUMNS[1..] } else { COLUMNS };
    Listing::part("approvals", "Approvals", columns, Cell::new()).some(cx, rows(cx, approvals))
}

/// Whether a grant runs out within [`SOON_DAYS`].
pub(super) fn runs_out(approval: &Approval, now: &str) -> bool {
    let (Some(expires), Some(now)) = (&approval.expires, parse_rfc3339(now)) else { return false };
    let soon = now.checked_add(SOON_DAYS * DAY_MICROS);
    let soon = soon.is_some_and(|soon| expires.value <= soon.to_string());
    approval.state == "granted" && soon && expires.value > now.to_string()
}

/// Whether a condition is open, and whether it is late.
pub(super) fn open_condition(approval: &Approval, now: &str) -> Option<bool> {
    let open = approval.conditions.iter().filter(|condition| condition.met.is_none());
    open.map(|condition| condition.due.as_deref().is_some_and(|due| due < now)).max()
}

fn wanted(cx: &Cx<'_>, row: &Row) -> bool {
    let approval = &row.approval;
    let text = |text: &str| {
        let digest = approval.digest.as_ref().map(|digest| digest.value.as_str());
        let acts = [&approval.requested, &approval.granted].into_iter().flatten();
        let actors = acts.filter_map(|act| act.actor.as_ref()).map(|actor| actor.id.as_str());
        let name = name_of(&approval.about);
        let own = [approval.id.as_str(), approval.about.as_str(), name.as_str()];
        holds(own.into_iter().chain(digest).chain(approval.approvers.iter().map(String::as_str)).chain(actors), text)
    };
    let state = |state: &str| match state {
        "running-out" => runs_out(approval, &row.now),
        state => row.state().0 == state,
    };
    cx.param("q").is_none_or(text)
        && cx.param("state").is_none_or(state)
        && cx.param("conditions").is_none_or(|wanted| match wanted {
            "overdue" => open_condition(approval, &row.now) == Some(true),
            _ => open_condition(approval, &row.now).is_some(),
        })
}

pub(super) fn list(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (all, truncated) = cx.rows::<Approval>(&[])?;
    let rows: Vec<Row> = rows(cx, all).into_iter().filter(|row| wanted(cx, row)).collect();
    let mut page = Page::new("Approvals", "Who approved what");
    page.lead = Cell::words(
        "Requests and grants, each bound to a manifest digest. “In force”, “expired” and “overdue” are told for",
    )
    .and(time_bit(&cx.now))
    .then(", the time of this page.");
    page.main.push(Form::filter(
        cx,
        "Filter approvals",
        vec![
            Field::text("q", "Model, digest, party or id", cx.param("q"), ""),
            Field::choice(
                "state",
                "State",
                cx.param("state"),
                [
                    ("pending", "pending"),
                    ("in force", "in force"),
                    ("running-out", "runs out within 60 days"),
                    ("expired", "expired"),
                    ("revoked", "revoked"),
                    ("rejected", "rejected"),
                    ("withdrawn", "withdrawn"),
                    ("discounted", "counts for nothing"),
                ],
            ),
            Field::choice(
                "conditions",
                "Conditions",
                cx.param("conditions"),
                [("open", "open"), ("overdue", "overdue")],
            ),
        ],
    ));
    let empty = Cell::words("No approval matches. They come with")
        .and(Bit::Code("approval.requested".to_owned()))
        .then("and")
        .and(Bit::Code("approval.granted".to_owned()))
        .then("events.");
    page.main
        .push(Listing::main("approvals", "Approvals", COLUMNS, "-granted", empty).bounded(truncated).block(cx, rows));
    Ok(page)
}

/// A condition, the time it is judged at, and the entry that lays it down.
const CONDITIONS: &[Column<(Condition, String, Option<u64>)>] = &[
    Column::plain("Condition", |(condition, ..), _| Cell::name(&condition.id)),
    Column::plain("What is demanded", |(condition, _, entry), links| {
        entry.iter().fold(Cell::prose(&condition.text), |cell, entry| cell.entry(links, *entry))
    }),
    Column::plain("Due", |(condition, ..), _| {
        condition.due.as_deref().map_or_else(|| Cell::words("no date said"), |due| Cell::from(time_bit(due)))
    }),
    Column::plain("State", |(condition, now, _), _| Cell::from(condition_bit(condition, now))),
    Column::plain("Met", |(condition, ..), links| {
        condition.met.as_ref().map_or_else(
            || Cell::missing("approval.condition_met"),
            |met| Cell::from(time_bit(&met.value)).entry(links, met.entry),
        )
    }),
];

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (about, id) = (cx.demanded("about")?, cx.demanded("id")?);
    let Some(approval) = cx.view().get::<Approval>(&[about, &part(id)])? else {
        let near = missing(cx, "approval", about)?;
        return Err(match near {
            Fault::Missing { kind, near, .. } => Fault::Missing { kind, asked: id.to_owned(), near },
            other => other,
        });
    };
    let links = &cx.links;
    let mut page = Page::new(cut(&approval.id), "Approval")
        .crumb("Approvals", links.to("/approvals", &[]))
        .crumb(name_of(about), links.subject(about));
    page.lead = Cell::from(approval_state(&approval, &cx.now).1).join(Cell::subject(links, about));
    if approval.emergency {
        let text = Cell::words("The act came before its approval: the event says that it was an emergency.");
        page.main.push(Block::Callout(Callout { tone: "note", word: "Emergency", text }));
    }
    page.main.push(Block::Facts(facts(cx, &approval)));
    let laid = approval.granted.as_ref().map(|act| act.entry);
    let conditions = approval.conditions.iter().map(|condition| (condition.clone(), cx.now.clone(), laid)).collect();
    page.main
        .push(Listing::part("conditions", "Conditions", CONDITIONS, Cell::words("It has none.")).block(cx, conditions));
    let discounted = approval.discounted.iter().map(|act| {
        (signature_bit(act.signature), Cell::words(signature_words(act.signature)).then("·").join(act_cell(links, act)))
    });
    let discounted: Vec<(Bit, Cell)> = discounted.collect();
    if !discounted.is_empty() {
        page.main.push(Block::Links {
            heading: "Statements that count for nothing",
            id: "discounted",
            links: discounted,
        });
    }
    Ok(page)
}

/// What the grant says, with its entry.
fn by_grant(cx: &Cx<'_>, approval: &Approval, said: Cell) -> Cell {
    match &approval.granted {
        Some(act) => said.entry(&cx.links, act.entry),
        None => said,
    }
}

fn facts(cx: &Cx<'_>, approval: &Approval) -> Facts {
    let links = &cx.links;
    let facts = Facts::new("Facts", "facts")
        .row(
            "Manifest digest",
            approval.digest.as_ref().map_or_else(
                || Cell::missing("approval.granted"),
                |digest| Cell::from(Bit::Whole(digest.value.clone())).entry(links, digest.entry),
            ),
        )
        .row(
            "Valid for",
            approval.places.as_ref().map_or_else(
                || Cell::words("everywhere"),
                |places| subjects_cell(links, &places.value, 20).entry(links, places.entry),
            ),
        )
        .maybe("Kind", approval.kind.as_ref().map(|kind| Cell::words(spaced(&kind.value)).entry(links, kind.entry)))
        .maybe("Policy", approval.policy.as_ref().map(|policy| Cell::name(&policy.value).entry(links, policy.entry)))
        .row(
            "Asked by",
            approval.requested.as_ref().map_or_else(|| Cell::missing("approval.requested"), |act| act_cell(links, act)),
        )
        .row(
            "Granted by",
            approval.granted.as_ref().map_or_else(|| Cell::missing("approval.granted"), |act| act_cell(links, act)),
        );
    let facts = ending(cx, approval, decided(cx, approval, facts));
    facts.row(
        "All entries",
        Cell::from(link(links.to("/trail", &[("subject", &approval.about)]), "the trail of what it is about")),
    )
}

/// With what the grant says of itself.
fn decided(cx: &Cx<'_>, approval: &Approval, mut facts: Facts) -> Facts {
    let links = &cx.links;
    if let Some(act) = &approval.granted {
        facts = facts
            .row(
                "Signature of the grant",
                Cell::from(signature_bit(act.signature)).aside(signature_words(act.signature)).entry(links, act.entry),
            )
            .maybe("Reason", act.reason.as_deref().map(|text| Cell::prose(text).entry(links, act.entry)));
    }
    let approvers = Cell::lines(approval.approvers.iter().map(|party| Cell::from(party_bit(links, party))));
    // The three items of a signature manifestation stand together wherever it is shown.
    let manifestation = approval
        .signature
        .as_ref()
        .map(|signature| Cell::prose(&value_words(&signature.value)).entry(links, signature.entry));
    facts
        .row("Approvers", by_grant(cx, approval, approvers))
        .maybe("Rationale", approval.rationale.as_deref().map(|text| by_grant(cx, approval, Cell::prose(text))))
        .row("Signature manifestation", manifestation.unwrap_or_else(|| Cell::missing("approval.granted")))
}

/// With how long it holds, and how it ended.
fn ending(cx: &Cx<'_>, approval: &Approval, facts: Facts) -> Facts {
    let links = &cx.links;
    facts
        .row(
            "Holds until",
            approval.expires.as_ref().map_or_else(
                || Cell::words("no end said"),
                |expires| Cell::from(time_bit(&expires.value)).entry(links, expires.entry),
            ),
        )
        .maybe(
            "To be decided by",
            approval.due.as_ref().map(|due| Cell::from(time_bit(&due.value)).entry(links, due.entry)),
        )
        .maybe(
            "Ended",
            approval
                .ended
                .as_ref()
                .map(|act| Cell::words(spaced(&approval.state)).then("·").join(act_cell(links, act))),
        )
        .maybe(
            "Ended at",
            approval
                .ended_at
                .as_deref()
                .zip(approval.ended.as_ref())
                .map(|(at, act)| Cell::from(time_bit(at)).entry(links, act.entry)),
        )
}
