//! One model: what its versions have in common, and each of them.

use modeltrail_compliance::words::{shorten, value_words};
use modeltrail_schemas::subject::Kind;
use modeltrail_views::rows::{
    Approval, Document, Edge, JsonText, Model, Note, Remark, Review, Said, Served, Tier, Validation, Version,
};
use modeltrail_views::tables::Table;
use serde_json::Value;

use super::findings::short_table;
use super::version::documents_table;
use crate::portal::bits::{
    Bit, Cell, act_cell, act_lines, day_bit, digest_bit, entry_bit, link, mark, party_bit, sentence_cell, time_bit,
    told_severity,
};
use crate::portal::blocks::{Block, Facts};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{approval_state, missing, newest, served_cell, starting, subject, timeline};
use crate::portal::links::Links;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{cut, name_of, spaced};

/// Lines of history on a page that has more to show.
const LAST_LINES: u64 = 12;

/// A version with what other tables say of it.
struct Row {
    version: Version,
    validations: Vec<Validation>,
    approvals: Vec<Approval>,
    served: Vec<Served>,
    now: String,
}

const COLUMNS: &[Column<Row>] = &[
    Column::sorted(
        "version",
        "Version",
        |row| Order::Number(row.version.first),
        |row, links| {
            let name = cut(row.version.subject.rsplit('@').next().unwrap_or_default());
            Cell::from(Bit::Named {
                href: links.subject(&row.version.subject),
                name,
                full: name_of(&row.version.subject),
            })
        },
    ),
    Column::plain("Registered", |row, links| match row.version.registrations.first() {
        Some(first) => Cell::from(day_bit(&first.act.received)).and(Bit::Break).entry(links, first.act.entry),
        None => Cell::missing("model.version_registered"),
    }),
    Column::plain("Manifest", |row, _| {
        row.version.manifest_digest().map_or_else(|| Cell::missing(""), |digest| Cell::from(digest_bit(digest)))
    }),
    Column::plain("Status", |row, links| match (&row.version.retired, &row.version.status) {
        (Some(act), _) => Cell::words("retired").entry(links, act.entry),
        (None, Some(status)) => Cell::words(spaced(&status.value)).entry(links, status.entry),
        (None, None) => Cell::missing("model.status_changed"),
    }),
    Column::plain("Validated", |row, links| {
        match row
            .validations
            .iter()
            .filter(|validation| validation.act.counts())
            .max_by_key(|validation| validation.act.entry)
        {
            Some(validation) => {
                Cell::words(spaced(&validation.outcome)).and(Bit::Break).entry(links, validation.act.entry)
            }
            None => Cell::missing("validation.recorded"),
        }
    }),
    Column::plain("Approved", |row, links| {
        if row.approvals.is_empty() {
            return Cell::missing("approval.granted");
        }
        Cell::lines(row.approvals.iter().map(|approval| {
            let entry = approval.granted.as_ref().or(approval.requested.as_ref()).map(|act| act.entry);
            let link = Cell::from(approval_link(links, approval));
            let link = entry.map_or(link.clone(), |entry| link.entry(links, entry));
            link.and(Bit::Break).and(approval_state(approval, &row.now).1)
        }))
    }),
    Column::plain("Ran", |row, links| {
        if row.served.is_empty() {
            return Cell::from(Bit::Aside("nowhere".to_owned()));
        }
        Cell::lines(row.served.iter().map(|served| served_cell(links, served)))
    }),
];

/// An approval's id as a link.
pub(super) fn approval_link(links: &Links, approval: &Approval) -> Bit {
    Bit::Named {
        href: links.to("/approval", &[("about", &approval.about), ("id", &approval.id)]),
        name: cut(&approval.id),
        full: cut(&approval.id),
    }
}

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let subject = subject(cx, "model", &[Kind::Model])?;
    let Some(model) = cx.view().get::<Model>(&[&subject])? else {
        return Err(missing(cx, "model", &subject)?);
    };
    let links = &cx.links;
    let mut page = Page::new(name_of(&subject), "Model").crumb("Models", links.to("/models", &[]));
    page.lead = model
        .purpose
        .as_ref()
        .or(model.description.as_ref())
        .map_or_else(Cell::new, |purpose| Cell::prose(&purpose.value).entry(links, purpose.entry));
    page.actions = vec![
        link(links.to("/changes", &[("subject", &subject)]), "What changed between two dates"),
        link(links.to("/lineage", &[("subject", &subject)]), "Lineage"),
        link(links.to("/trail", &[("subject", &subject)]), "All entries"),
        link(links.to("/make", &[("subject", &subject)]), "Make a report"),
    ];
    page.aside.push(Block::Facts(facts(links, &model)));
    page.main.extend(short_table(cx, &subject)?);
    page.main.push(Block::Table(versions(cx, &subject)?));
    page.below.extend(governance(cx, &subject)?);
    page.below.extend(documents_table(cx, cx.rows::<Document>(&[&subject])?.0));
    page.below.extend(notes(cx, &subject)?);
    let last = newest(cx, &subject, LAST_LINES)?;
    let mut history = timeline(cx, "Latest", "latest", &last, Cell::words("Nothing yet."))?;
    history.note = Cell::from(link(links.to("/changes", &[("subject", &subject)]), "The whole history"));
    page.main.push(Block::Timeline(history));
    Ok(page)
}

fn said_text(links: &Links, said: Option<&Said<String>>, event: &'static str) -> Cell {
    said.map_or_else(|| Cell::missing(event), |said| Cell::prose(&said.value).entry(links, said.entry))
}

fn said_list(links: &Links, said: Option<&Said<Vec<String>>>, event: &'static str) -> Cell {
    said.map_or_else(
        || Cell::missing(event),
        |said| Cell::lines(said.value.iter().map(|text| Cell::prose(text))).entry(links, said.entry),
    )
}

/// A risk tier with its scheme, status and who decided.
fn tier_cell(links: &Links, scheme: &str, tier: &Said<Tier>) -> Cell {
    let mut cell = Cell::name(&tier.value.value).aside(spaced(scheme));
    if let Some(status) = &tier.value.status {
        cell = cell.aside(spaced(status));
    }
    if let Some(party) = &tier.value.decided_by {
        cell = cell.then("by").and(party_bit(links, party));
    }
    cell.entry(links, tier.entry)
}

fn facts(links: &Links, model: &Model) -> Facts {
    let tiers = if model.tiers.is_empty() {
        Cell::missing("risk.tier_changed")
    } else {
        Cell::lines(model.tiers.iter().map(|(scheme, tier)| tier_cell(links, scheme, tier)))
    };
    let mut facts = Facts::new("Facts", "facts").row("Tier", tiers).row(
        "Kind",
        model.kind.as_ref().map_or_else(
            || Cell::missing("model.created"),
            |kind| Cell::words(spaced(&kind.value)).entry(links, kind.entry),
        ),
    );
    for duty in ["owner", "developer", "validator", "executive", "user"] {
        if let Some(said) = model.duties.get(duty) {
            facts = facts.row(capital(duty), Cell::from(party_bit(links, &said.value)).entry(links, said.entry));
        } else if duty == "owner" {
            facts = facts.row("Owner", Cell::missing("model.owner_changed"));
        }
    }
    facts = facts
        .row("Approved uses", said_list(links, model.approved_uses.as_ref(), "model.purpose_changed"))
        .row("Not to be used for", said_list(links, model.excluded_uses.as_ref(), "model.purpose_changed"))
        .maybe("Description", model.description.as_ref().map(|text| said_text(links, Some(text), "")))
        .maybe("Limits of use", model.limits.as_ref().map(|limits| limits_cell(links, limits)))
        .maybe(
            "Taken over",
            model.opening.as_ref().map(|opening| Cell::prose(&value_words(&opening.value)).entry(links, opening.entry)),
        );
    if !model.aliases.is_empty() {
        let aliases = model.aliases.iter().map(|(alias, said)| {
            Cell::name(alias).then("→").join(Cell::subject(links, &said.value)).entry(links, said.entry)
        });
        facts = facts.row("Aliases", Cell::lines(aliases));
    }
    if !model.tags.is_empty() {
        facts = facts.row("Tags", tags_cell(links, &model.tags));
    }
    facts
        .maybe("Retired", model.retired.as_ref().map(|act| act_cell(links, act)))
        .row("First named", Cell::new().and(entry_bit(links, model.first)))
        .row("Subject", Cell::from(Bit::Whole(model.subject.clone())))
}

/// Tags with who set them.
pub(super) fn tags_cell(links: &Links, tags: &std::collections::BTreeMap<String, Said<JsonText>>) -> Cell {
    Cell::lines(tags.iter().map(|(tag, said)| {
        Cell::name(tag).then("=").join(Cell::name(&value_words(&said.value.value()))).entry(links, said.entry)
    }))
}

/// Limits of use, a line each.
pub(super) fn limits_cell(links: &Links, limits: &Said<Value>) -> Cell {
    let lines: Vec<Cell> = match limits.value.as_array() {
        Some(list) => list
            .iter()
            .map(|limit| Cell::prose(&limit.get("text").map_or_else(|| value_words(limit), value_words)))
            .collect(),
        None => vec![Cell::prose(&value_words(&limits.value))],
    };
    Cell::lines(lines).entry(links, limits.entry)
}

/// With its first letter a capital.
pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The versions of a model: their keys begin with its subject.
pub(super) fn versions_of(cx: &Cx<'_>, model: &str) -> Result<Vec<Version>, Fault> {
    let subjects = starting(cx, Table::Versions, &format!("{model}@"))?;
    let mut versions = Vec::new();
    for subject in subjects {
        versions.extend(cx.view().get::<Version>(&[&subject])?);
    }
    versions.sort_by_key(|version| std::cmp::Reverse(version.first));
    Ok(versions)
}

fn versions(cx: &Cx<'_>, model: &str) -> Result<crate::portal::blocks::Table, Fault> {
    let mut rows = Vec::new();
    for version in versions_of(cx, model)? {
        let subject = version.subject.clone();
        rows.push(Row {
            validations: cx.rows::<Validation>(&[&subject])?.0,
            approvals: cx.rows::<Approval>(&[&subject])?.0,
            served: cx.rows::<Served>(&[&subject])?.0,
            now: cx.now.clone(),
            version,
        });
    }
    let empty = Cell::words("No version was registered. Versions come with")
        .and(Bit::Code("model.version_registered".to_owned()))
        .then("events.");
    Ok(Listing::part("versions", "Versions", COLUMNS, empty).table(cx, rows))
}

const REVIEWS: &[Column<Review>] = &[
    Column::plain("Review", |review, _| Cell::name(&review.id)),
    Column::plain("Due", |review, links| {
        review.due.as_ref().map_or_else(
            || Cell::missing("review.scheduled"),
            |due| Cell::from(time_bit(&due.value)).entry(links, due.entry),
        )
    }),
    Column::plain("Held", |review, links| {
        Cell::or_missing(review.done.as_ref().map(|act| act_lines(links, act)), "review.completed")
    }),
    Column::plain("Outcome", |review, _| {
        review
            .outcome
            .as_deref()
            .map_or_else(|| Cell::missing("review.completed"), |outcome| Cell::words(spaced(outcome)))
    }),
];

const REMARKS: &[Column<Remark>] = &[
    Column::plain("Id", |remark, _| Cell::name(&remark.id)),
    Column::plain("Severity", |remark, _| {
        remark.severity.as_deref().map_or_else(Cell::none, |severity| Cell::from(told_severity(severity)))
    }),
    Column::plain("What", |remark, _| {
        remark.text.as_deref().map_or_else(|| Cell::missing("validation.finding_opened"), Cell::name)
    }),
    Column::plain("Due", |remark, _| remark.due.as_deref().map_or_else(Cell::none, |due| Cell::from(time_bit(due)))),
    Column::plain("Opened", |remark, links| {
        remark.opened.as_ref().map_or_else(Cell::none, |act| act_lines(links, act))
    }),
    Column::plain("Closed", |remark, links| match (&remark.closed, &remark.how) {
        (Some(act), how) => {
            Cell::words(spaced(how.as_deref().unwrap_or("closed"))).and(Bit::Break).join(act_lines(links, act))
        }
        (None, _) => Cell::from(mark("medium", "■", "open")),
    }),
];

/// Approvals, reviews and remarks about a subject.
pub(super) fn governance(cx: &Cx<'_>, subject: &str) -> Result<impl Iterator<Item = Block>, Fault> {
    let approvals = super::approvals::part_of(cx, cx.rows::<Approval>(&[subject])?.0, true);
    let reviews = Listing::part("reviews", "Reviews", REVIEWS, Cell::new()).some(cx, cx.rows::<Review>(&[subject])?.0);
    let remarks = Listing::part("remarks", "What validation found", REMARKS, Cell::new())
        .some(cx, cx.rows::<Remark>(&[subject])?.0);
    Ok([approvals, reviews, remarks].into_iter().flatten())
}

/// Letters of a statement that a table shows; its entry has the rest.
const NOTE_LETTERS: usize = 400;

const NOTES: &[Column<Note>] = &[
    Column::plain("Statement", |note, _| Cell::words(spaced(&note.verb))),
    Column::plain("What", |note, links| sentence_cell(links, &shorten(&note_words(&note.data), NOTE_LETTERS))),
    Column::plain("Who and when", |note, links| act_lines(links, &note.act)),
];

/// The members of an event's data that are not common to all events.
fn note_words(data: &Value) -> String {
    const COMMON: [&str; 8] =
        ["actor", "about", "reason", "assurance", "observed_by", "correlation", "namespace", "name"];
    let Some(members) = data.as_object() else { return value_words(data) };
    let shown = members.iter().filter(|(name, _)| !COMMON.contains(&name.as_str()));
    let words: Vec<String> =
        shown.map(|(name, value)| format!("{}: {}", name.replace('_', " "), value_words(value))).collect();
    words.join("; ")
}

/// Any other statement about a subject.
pub(super) fn notes(cx: &Cx<'_>, subject: &str) -> Result<Option<Block>, Fault> {
    let notes = cx.rows::<Note>(&[subject])?.0;
    Ok(Listing::part("statements", "Other statements", NOTES, Cell::new()).some(cx, notes))
}

/// Edges at one end of a subject.
pub(super) fn edges(cx: &Cx<'_>, table: Table, subject: &str, most: usize) -> Result<Vec<Edge>, Fault> {
    let mut edges = Vec::new();
    cx.view().each(table, &[subject], None, &mut |_, bytes| {
        edges.extend(serde_json::from_slice::<Edge>(bytes).ok());
        edges.len() < most
    })?;
    Ok(edges)
}
