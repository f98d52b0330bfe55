//! What changed between two dates, of one model or of all, in plain words.

use modeltrail_views::rows::Model;

use crate::portal::bits::{Cell, link, time_bit};
use crate::portal::blocks::{Block, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{before_time, missing, time_param, timeline, trail, trail_len};
use crate::portal::list::PAGE_ROWS;
use crate::portal::page::Page;
use crate::portal::text::{grouped, name_of};
use modeltrail_views::tables::Table;

/// Entries that one look for events about models goes through.
const SCANNED: u64 = 5_000;

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let subject = cx.param("subject");
    if let Some(subject) = subject
        && !cx.view().has(Table::Subjects, &[subject])?
    {
        return Err(missing(cx, "subject", subject)?);
    }
    let (from, to) = (time_param(cx, "from", false)?, time_param(cx, "to", true)?);
    let first = from.as_deref().map_or(0, |from| before_time(cx, from));
    let last = to.as_deref().map_or(cx.size, |to| before_time(cx, &after(to)));
    let after = cx.param("after").and_then(|after| after.parse::<u64>().ok());
    let start = after.map_or(first, |after| first.max(after + 1));
    let found = match subject {
        Some(subject) => of_trail(cx, subject, start, last)?,
        None => of_models(cx, start, last)?,
    };
    let mut page = match subject {
        Some(subject) => Page::new(name_of(subject), "What changed")
            .crumb("Models", cx.links.to("/models", &[]))
            .crumb(name_of(subject), cx.links.subject(subject)),
        None => Page::new("What changed", "All models"),
    };
    page.lead = Cell::words(
        "Every entry received between two days, in order and in plain words. A day begins and ends at midnight UTC; where a source says that something happened on another day, the line says so.",
    );
    page.main.push(Block::Form(form(cx, subject)?));
    let empty = Cell::words("Nothing was received about it between these days.");
    let mut history = timeline(cx, "In order of arrival", "changes", &found.entries, empty)?;
    history.note = match found.stopped {
        Some(at) => Cell::words(format!("Looked up to entry {}; there may be more after it.", grouped(at))),
        None => Cell::words(format!("{} lines", grouped(found.entries.len() as u64))),
    };
    if let Some(from) = &from {
        history.note = history.note.then("· from").and(time_bit(from));
    }
    if let Some(to) = &to {
        history.note = history.note.then("to").and(time_bit(to));
    }
    history.previous = after.map(|_| cx.with(&[("after", "")]));
    history.next = found.next.map(|next| cx.with(&[("after", &next.to_string())]));
    page.main.push(Block::Timeline(history));
    if let Some(subject) = subject {
        page.actions.push(link(cx.links.to("/changes", &[]), "Of all models"));
        page.actions.push(link(cx.links.subject(subject), "Its page"));
    }
    Ok(page)
}

/// The first time after this one, in the ledger's spelling.
fn after(time: &str) -> String {
    let next = modeltrail_schemas::time::parse_rfc3339(time).and_then(|time| time.checked_add(1));
    next.map_or_else(|| time.to_owned(), |time| time.to_string())
}

/// Entries of one page of changes.
struct Found {
    entries: Vec<u64>,
    /// The last one shown, where more follow.
    next: Option<u64>,
    /// The last one looked at, where the bound was met.
    stopped: Option<u64>,
}

fn of_trail(cx: &Cx<'_>, subject: &str, start: u64, end: u64) -> Result<Found, Fault> {
    let len = trail_len(cx, subject)?;
    // The first step at or after the start, by halving.
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        let step = trail(cx, subject, middle, 1)?.first().copied().unwrap_or(u64::MAX);
        if step < start { low = middle + 1 } else { high = middle }
    }
    let mut entries: Vec<u64> =
        trail(cx, subject, low, PAGE_ROWS + 1)?.into_iter().filter(|index| *index < end).collect();
    let more = entries.len() > PAGE_ROWS;
    entries.truncate(PAGE_ROWS);
    Ok(Found { next: entries.last().copied().filter(|_| more), entries, stopped: None })
}

/// Entries that stand on a model's trail.
fn of_models(cx: &Cx<'_>, start: u64, end: u64) -> Result<Found, Fault> {
    let stop = end.min(start.saturating_add(SCANNED));
    let wanted = |header: &str| header.contains("\"subject\":\"model/");
    let (seen, headers) = cx.state.ledger().headers_where(start, stop, PAGE_ROWS, wanted)?;
    let entries: Vec<u64> = headers.iter().map(|header| header.index.get()).collect();
    let more = seen < end;
    let bound = more && entries.len() < PAGE_ROWS;
    Ok(Found { next: more.then(|| seen.saturating_sub(1)), stopped: bound.then(|| seen.saturating_sub(1)), entries })
}

fn form(cx: &Cx<'_>, subject: Option<&str>) -> Result<Form, Fault> {
    let models = cx.rows::<Model>(&[])?.0;
    let mut choices: Vec<(String, String)> =
        models.iter().map(|model| (model.subject.clone(), name_of(&model.subject))).collect();
    if let Some(subject) = subject.filter(|subject| !choices.iter().any(|(known, _)| known == subject)) {
        choices.push((subject.to_owned(), name_of(subject)));
    }
    let mut of = Field::choice(
        "subject",
        "Of",
        subject,
        choices.iter().map(|(subject, name)| (subject.as_str(), name.as_str())),
    );
    if let Some(any) = of.choices.first_mut() {
        any.1 = "all models".to_owned();
    }
    let fields = vec![
        of,
        Field::text("from", "From the day", cx.param("from"), "2026-03-01"),
        Field::text("to", "To the day", cx.param("to"), "2026-03-31"),
    ];
    let bounded = ["from", "to"].iter().any(|name| cx.param(name).is_some());
    let clear = bounded.then(|| cx.with(&[("from", ""), ("to", ""), ("after", "")]));
    Ok(Form { clear, ..Form::to(cx, "What changed between two dates", "/changes", fields, "Show") })
}
