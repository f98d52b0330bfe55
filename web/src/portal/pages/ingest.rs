//! Where entries come from: sources, lag, gaps; and what was kept aside, with the reason for each.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use modeltrail_compliance::words::{quarantine_words, value_words};
use modeltrail_core::store::PositionRow;
use modeltrail_views::rows::{Quarantined, Source, SourceEvent};
use serde_json::Value;

use crate::portal::bits::{Bit, Cell, entry_bit, mark, time_bit};
use crate::portal::blocks::{Block, Callout, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::subjects_cell;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{counted, cut, grouped, holds, spaced};
use crate::tally::Counts;

/// A source from all sides: its entries, its reader, the counts.
struct Row {
    name: String,
    recorded: Option<Source>,
    live: Option<Value>,
    counts: Counts,
    positions: usize,
}

/// Records that a source has and the ledger has not; `None` where nobody knows.
pub(super) fn lag(live: &Value) -> Option<u64> {
    let partitions = live.get("partitions").and_then(Value::as_array)?;
    partitions.iter().map(|partition| partition.get("lag").and_then(Value::as_u64)).sum()
}

const SOURCES: &[Column<Row>] = &[
    Column::plain("Source", |row, links| {
        // Only what is read from Kafka has a trail of its own.
        if row.positions == 0 {
            return Cell::name(&row.name);
        }
        Cell::from(Bit::Named {
            href: links.subject(&format!("source/{}", modeltrail_schemas::subject::encode_part(&row.name))),
            name: cut(&row.name),
            full: cut(&row.name),
        })
    }),
    Column::plain("Now", |row, _| {
        let Some(live) = &row.live else { return Cell::from(Bit::Aside("not read by this process".to_owned())) };
        let state = live.get("state").and_then(Value::as_str).unwrap_or("unknown");
        let well = live.get("healthy").and_then(Value::as_bool);
        let cell = Cell::from(if well == Some(false) {
            mark("high", "▲", spaced(state))
        } else {
            mark("good", "●", spaced(state))
        });
        live.get("error").and_then(Value::as_str).map_or(cell.clone(), |error| cell.and(Bit::Name(cut(error))))
    }),
    Column::plain("Lag", |row, _| match row.live.as_ref().map(lag) {
        Some(Some(0)) => Cell::words("none"),
        Some(Some(lag)) => Cell::words(counted(lag, "record", "records")),
        _ => Cell::from(Bit::Aside("not known".to_owned())),
    }),
    Column::plain("As the log says", |row, links| {
        row.recorded.as_ref().map_or_else(Cell::none, |source| {
            let said = source.events.last().map_or(source.first, |event| event.entry);
            Cell::words(spaced(&source.state)).entry(links, said)
        })
    }),
    Column::figures("Partitions", |row, _| Cell::number(row.positions as u64)),
    Column::plain("Gaps", |row, _| match row.counts.gaps {
        0 => Cell::words("none"),
        gaps => Cell::from(mark(
            "high",
            "▲",
            format!("{}, {}", counted(gaps, "gap", "gaps"), counted(row.counts.gap_positions, "position", "positions")),
        )),
    }),
    Column::plain("Kept aside", |row, links| {
        let number: u64 = row.counts.quarantined.values().sum();
        if number == 0 {
            Cell::words("none")
        } else {
            Cell::from(crate::portal::bits::link(links.to("/quarantine", &[("q", &row.name)]), grouped(number)))
        }
    }),
];

const POSITIONS: &[Column<PositionRow>] = &[
    Column::plain("Source", |row, _| Cell::name(&row.source)),
    Column::figures("Partition", |row, _| Cell::number(u64::from(row.partition))),
    Column::figures("Next position", |row, _| Cell::number(row.next)),
    Column::figures("Generation", |row, _| Cell::number(row.generation)),
    Column::plain("Topic", |row, _| Cell::name(&row.topic)),
    Column::plain("Topic id", |row, _| Cell::from(Bit::Code(cut(&row.topic_id)))),
    Column::plain("Cluster", |row, _| Cell::from(Bit::Code(cut(&row.cluster)))),
    Column::plain("State", |row, _| match (&row.halted, row.closed) {
        (Some(why), _) => Cell::from(mark("critical", "◆", "halted")).and(Bit::Name(cut(why))),
        (None, true) => Cell::from(mark("neutral", "○", "closed")),
        (None, false) => Cell::from(mark("good", "●", "open")),
    }),
];

const EVENTS: &[Column<(String, SourceEvent)>] = &[
    Column::plain("When", |(_, event), links| Cell::from(time_bit(&event.received)).and(entry_bit(links, event.entry))),
    Column::plain("Source", |(source, _), _| Cell::name(source)),
    Column::plain("What", |(_, event), _| Cell::words(spaced(&event.verb))),
    Column::plain("With", |(_, event), _| Cell::name(&members_words(&event.data))),
];

/// An event's members in words; of lists with many members each, only how many there are: the entry has them.
fn members_words(data: &Value) -> String {
    let Some(members) = data.as_object() else { return value_words(data) };
    let word = |value: &Value| match value.as_array() {
        Some(list) if list.iter().any(Value::is_object) => list.len().to_string(),
        _ => value_words(value),
    };
    let members = members.iter().filter(|(name, _)| *name != "source");
    let words: Vec<String> = members.map(|(name, value)| format!("{}: {}", spaced(name), word(value))).collect();
    if words.is_empty() { "nothing more".to_owned() } else { words.join("; ") }
}

fn gathered(cx: &Cx<'_>) -> Result<(BTreeMap<String, Row>, Vec<PositionRow>, u64), Fault> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let empty =
        |name: &str| Row { name: name.to_owned(), recorded: None, live: None, counts: Counts::default(), positions: 0 };
    for source in cx.rows::<Source>(&[])?.0 {
        let name = source.source.clone();
        rows.entry(name.clone()).or_insert_with(|| empty(&name)).recorded = Some(source);
    }
    let positions = cx.state.ledger().positions()?;
    for position in &positions {
        rows.entry(position.source.clone()).or_insert_with(|| empty(&position.source)).positions += 1;
    }
    for live in cx.state.config.sources.sources() {
        if let Some(name) = live.get("source").and_then(Value::as_str).map(str::to_owned) {
            rows.entry(name.clone()).or_insert_with(|| empty(&name)).live = Some(live);
        }
    }
    // A panic inside leaves counts that are whole up to the last entry counted.
    let mut tally = cx.state.tally.lock().unwrap_or_else(PoisonError::into_inner);
    let counted_to = tally.advance(cx.state.ledger(), cx.head)?;
    for (name, counts) in tally.sources() {
        rows.entry(name.clone()).or_insert_with(|| empty(name)).counts = counts.clone();
    }
    Ok((rows, positions, counted_to))
}

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (rows, positions, counted_to) = gathered(cx)?;
    let mut page = Page::new("Ingest", "Where entries come from");
    page.lead = Cell::words(
        "Each source with what it has yet to deliver, what it lost and what was kept aside. Lag, positions and counts are those of this moment, whatever the page is as of.",
    );
    if counted_to < cx.head {
        let text = Cell::words(format!(
            "Gaps and what was kept aside are counted up to entry {} of {} so far; load the page again for the rest.",
            grouped(counted_to),
            grouped(cx.head)
        ));
        page.main.push(Block::Callout(Callout { tone: "note", word: "Counting", text }));
    }
    let mut events: Vec<(String, SourceEvent)> = rows
        .values()
        .flat_map(|row| {
            row.recorded
                .iter()
                .flat_map(|source| source.events.iter().map(|event| (source.source.clone(), event.clone())))
        })
        .collect();
    events.sort_by_key(|(_, event)| std::cmp::Reverse(event.entry));
    let empty = Cell::words("No source is configured, and nothing came over HTTP. Sources stand under")
        .and(Bit::Code("[[source]]".to_owned()))
        .then("in the configuration.");
    page.main.push(Listing::part("sources", "Sources", SOURCES, empty).block(cx, rows.into_values().collect()));
    let caption = "Positions: every one before “next” is covered by an entry, a skipped run or a gap";
    let empty = Cell::words("Nothing is read from Kafka.");
    page.main.push(Listing::part("positions", caption, POSITIONS, empty).block(cx, positions));
    page.main.push(
        Listing::part("events", "What happened to sources", EVENTS, Cell::words("Nothing is recorded."))
            .block(cx, events),
    );
    Ok(page)
}

fn reason_bit(reason: &str) -> Bit {
    mark(if reason == "conflict" || reason == "reserved" { "high" } else { "medium" }, "■", spaced(reason))
}

pub(super) const ASIDE: &[Column<Quarantined>] = &[
    Column::sorted(
        "entry",
        "Entry",
        |row| Order::Number(row.entry),
        |row, links| Cell::new().and(entry_bit(links, row.entry)),
    ),
    Column::sorted(
        "received",
        "Received",
        |row| Order::Number(row.entry),
        |row, _| Cell::from(time_bit(&row.received)),
    ),
    Column::sorted(
        "reason",
        "Reason",
        |row| Order::text(Some(&row.reason)),
        |row, _| Cell::from(reason_bit(&row.reason)),
    ),
    Column::plain("What is wrong", |row, _| {
        if row.detail.is_empty() { Cell::words(quarantine_words(&row.reason)) } else { Cell::name(&row.detail) }
    }),
    Column::plain("Collides with", |row, links| {
        row.of.map_or_else(Cell::none, |of| Cell::new().and(entry_bit(links, of)))
    }),
    Column::sorted(
        "source",
        "Source",
        |row| Order::text(Some(&row.source)),
        |row, _| {
            let cell = Cell::name(&row.source);
            match (row.partition, row.offset) {
                (Some(partition), Some(offset)) => {
                    cell.aside(format!("partition {partition}, offset {}", grouped(offset)))
                }
                _ => cell,
            }
        },
    ),
    Column::plain("About", |row, links| subjects_cell(links, &row.subjects, 3)),
];

pub(super) fn quarantine(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (all, truncated) = cx.rows::<Quarantined>(&[])?;
    let reasons: std::collections::BTreeSet<String> = all.iter().map(|row| row.reason.clone()).collect();
    let text = |row: &Quarantined, text: &str| {
        holds(
            [row.source.as_str(), row.detail.as_str()].into_iter().chain(row.subjects.iter().map(String::as_str)),
            text,
        )
    };
    let rows = all
        .into_iter()
        .filter(|row| {
            cx.param("q").is_none_or(|asked| text(row, asked))
                && cx.param("reason").is_none_or(|reason| row.reason == reason)
        })
        .collect();
    let mut page = Page::new("Quarantine", "What was kept aside");
    page.lead = Cell::words(
        "Records that could not be read, or must not speak. They are entries of the chain like any other; the views leave them out. Nothing is deleted, and each says why.",
    );
    page.main.push(Form::filter(
        cx,
        "Filter the quarantine",
        vec![
            Field::text("q", "Source, subject or text", cx.param("q"), ""),
            Field::choice(
                "reason",
                "Reason",
                cx.param("reason"),
                reasons.iter().map(|reason| (reason.as_str(), reason.as_str())),
            ),
        ],
    ));
    let empty = Cell::words("Nothing matches: no record that arrived is kept aside for such a reason.");
    page.main
        .push(Listing::main("quarantine", "Kept aside", ASIDE, "-entry", empty).bounded(truncated).block(cx, rows));
    Ok(page)
}
