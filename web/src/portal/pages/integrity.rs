//! Is the ledger what it says: the newest checkpoint, earlier ones, keys, and what all this proves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeltrail_core::keys::key_id;
use modeltrail_core::sequencer::LedgerKey;
use modeltrail_store::WriterStatus;
use modeltrail_views::rows::Key;

use crate::portal::bits::{Bit, Cell, act_lines, day_bit, digest_bit, link, mark, time_bit};
use crate::portal::blocks::{Block, Facts, Field, Form};
use crate::portal::checked;
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{counted, cut, grouped, holds};

/// Earlier checkpoints shown.
const CHECKPOINTS: usize = 20;

/// A kept checkpoint.
struct Checkpoint {
    size: u64,
    root: String,
    received: Option<String>,
}

/// The root in a checkpoint's third line, in hex as everywhere else on these pages.
fn root_of(note: &str) -> String {
    note.lines().nth(2).and_then(|root| STANDARD.decode(root).ok()).map(hex::encode).unwrap_or_default()
}

const KEPT: &[Column<Checkpoint>] = &[
    Column::plain("Size", |checkpoint, _| {
        Cell::from(link(format!("/v1/checkpoints/{}", checkpoint.size), grouped(checkpoint.size)))
    }),
    Column::plain("Last entry", |checkpoint, links| {
        let entry = checkpoint.size.saturating_sub(1);
        checkpoint
            .received
            .as_deref()
            .map_or_else(Cell::none, |received| Cell::from(time_bit(received)).entry(links, entry))
    }),
    Column::plain("Root", |checkpoint, _| Cell::from(digest_bit(&checkpoint.root))),
    Column::plain("As of then", |checkpoint, _| {
        Cell::from(link(format!("/?as_of={}", checkpoint.size), "the overview"))
    }),
];

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let ledger = cx.state.ledger();
    let head = ledger.published();
    let mut page = Page::new("Integrity", "The ledger");
    page.lead = Cell::words(
        "All entries form one chain and one tree. A checkpoint (the signed summary of all entries so far) makes every change of an earlier entry visible to whoever kept one.",
    );
    page.actions = vec![
        link("/checkpoint".to_owned(), "Newest checkpoint"),
        link(cx.links.to("/keys", &[]), "Keys"),
        link(cx.links.to("/about", &[]), "What this proves and what not"),
    ];
    page.main.push(Block::Raw {
        heading: "Newest checkpoint",
        id: "checkpoint",
        note: Cell::words("Origin, size, root and the ledger's signature, in the form of C2SP (an open format that other programs read). Keep a copy somewhere else: it pins everything up to here."),
        text: head.note.to_string(),
    });
    page.main.push(Block::Check { index: None, origin: ledger.origin().to_owned() });
    let mut kept = Vec::new();
    let mut below = head.size;
    while kept.len() < CHECKPOINTS && below > 0 {
        let Some((size, note)) = ledger.checkpoint_up_to(below)? else { break };
        kept.push(Checkpoint { received: cx.received(size.saturating_sub(1)), root: root_of(&note), size });
        below = size.saturating_sub(1);
    }
    page.main.push(Block::Table(
        Listing::part(
            "checkpoints",
            format!("The newest {} kept checkpoints", kept.len()),
            KEPT,
            Cell::words("None is kept yet."),
        )
        .table(cx, kept),
    ));
    page.main.push(Block::Text { heading: "What is checked when", id: "checked", lines: vec![
        Cell::words("At every start: the newest checkpoint, its signature, the last header and the tree's edge agree, and the head file outside the data is not newer. Else nothing is served."),
        Cell::words("By").and(Bit::Code("modeltraild fsck".to_owned())).then(": every header, every record, every trail, every checkpoint and every position, and which rule is broken where. With").and(Bit::Code("--record".to_owned())).then("an entry says that it was run, and what came of it."),
        Cell::words("In this browser: the button above, and the one on every entry's page."),
        Cell::words("By somebody else: tiles and checkpoints are open formats; monitors and witnesses of transparency logs can follow this ledger from outside."),
    ] });
    page.aside.push(Block::Facts(facts(cx, &head)?));
    page.aside.push(Block::Facts(ledger_keys(&head.keys)));
    Ok(page)
}

fn facts(cx: &Cx<'_>, head: &modeltrail_store::Head) -> Result<Facts, Fault> {
    let ledger = cx.state.ledger();
    let writer = match ledger.status() {
        WriterStatus::Running => Cell::from(mark("good", "✓", "writes")),
        WriterStatus::Paused { .. } => Cell::from(mark("high", "▲", "paused")),
        WriterStatus::Poisoned { cause } => Cell::from(mark("critical", "◆", "poisoned")).and(Bit::Name(cut(&cause))),
        WriterStatus::ReadOnly { why } => Cell::from(mark("neutral", "○", "read-only")).and(Bit::Name(cut(&why))),
        WriterStatus::Stopped => Cell::from(mark("high", "▲", "stopping")),
    };
    let views = cx.state.config.views.state();
    Ok(Facts::new("Facts", "facts")
        .row("Origin", Cell::prose(ledger.origin()))
        .row("Entries", Cell::number(head.size))
        .row("Root", Cell::from(Bit::Whole(head.root.to_string())))
        .row("Last whole check", checked::line(cx)?)
        .row("Writer", writer)
        .row("Clock", Cell::words(cut(ledger.clock_kind())))
        .row(
            "Views",
            Cell::words(views.word()).aside(if cx.behind == 0 {
                "up to the newest entry".to_owned()
            } else {
                format!("{} behind", counted(cx.behind, "entry", "entries"))
            }),
        ))
}

/// The keys that sign checkpoints, each from a size on.
fn ledger_keys(keys: &[LedgerKey]) -> Facts {
    let mut facts = Facts::new("The ledger's keys", "ledger-keys");
    for key in keys {
        let from =
            if key.from == 0 { "From the first entry".to_owned() } else { format!("From size {}", grouped(key.from)) };
        facts = facts
            .row(from, Cell::from(Bit::Whole(key.key.to_string())))
            .row("Its id", Cell::from(Bit::Whole(key_id(key.key.type_byte(), key.key.public_key()).to_string())));
    }
    facts
}

fn state_bit(key: &Key) -> Bit {
    if key.revoked.is_some() { mark("high", "✕", "revoked") } else { mark("good", "✓", "in force") }
}

/// Patterns of types or subjects, one behind the other: a key may have dozens.
fn patterns(patterns: &[String]) -> Cell {
    let cell = patterns.iter().fold(Cell::new(), |cell, pattern| cell.and(Bit::Code(cut(pattern))));
    if cell.is_empty() { Cell::none() } else { cell }
}

const KEYS: &[Column<Key>] = &[
    Column::sorted(
        "owner",
        "Whose",
        |key| Order::text(key.owner.as_deref()),
        |key, _| {
            let whose = Cell::words(cut(&key.whose));
            key.owner.as_deref().map_or(whose.clone(), |owner| whose.and(Bit::Name(cut(owner))))
        },
    ),
    Column::plain("Key", |key, links| {
        Cell::from(Bit::Named {
            href: links.subject(&format!("key/{}", key.id)),
            name: cut(&key.id.chars().take(10).collect::<String>()),
            full: cut(&key.id),
        })
    }),
    Column::sorted(
        "state",
        "State",
        |key| Order::Number(u64::from(key.revoked.is_some())),
        |key, links| {
            let cell = Cell::from(state_bit(key));
            key.revoked.as_ref().map_or(cell.clone(), |act| cell.and(Bit::Break).join(act_lines(links, act)))
        },
    ),
    Column::plain("May sign these types", |key, _| match key.whose.as_str() {
        "ledger" => Cell::words("checkpoints and bundles"),
        _ => patterns(&key.types),
    }),
    Column::plain("About these subjects", |key, _| match key.whose.as_str() {
        "ledger" => Cell::words("the ledger itself"),
        _ => patterns(&key.subjects),
    }),
    Column::plain("Valid", |key, _| {
        let mut cell = Cell::new();
        if let Some(from) = &key.not_before {
            cell = cell.then("from").and(day_bit(from));
        }
        if let Some(until) = &key.not_after {
            cell = cell.then("until").and(day_bit(until));
        }
        if cell.is_empty() { Cell::words("without end") } else { cell }
    }),
    Column::sorted(
        "registered",
        "Registered",
        |key| Order::Number(key.registered.as_ref().map_or(0, |act| act.entry)),
        |key, links| Cell::or_missing(key.registered.as_ref().map(|act| act_lines(links, act)), ""),
    ),
];

pub(super) fn keys(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (all, truncated) = cx.rows::<Key>(&[])?;
    let wanted = |key: &Key, text: &str| {
        let patterns = key.types.iter().chain(&key.subjects).map(String::as_str);
        holds([Some(key.id.as_str()), key.owner.as_deref()].into_iter().flatten().chain(patterns), text)
    };
    let rows = all.into_iter().filter(|key| cx.param("q").is_none_or(|text| wanted(key, text))).collect();
    let mut page = Page::new("Keys", "Who may sign what");
    page.lead = Cell::words(
        "A producer's signature counts when its key was registered before, was not revoked, and may speak for this type and subject. What is signed otherwise is recorded all the same, and shown as such.",
    );
    page.main.push(Form::filter(
        cx,
        "Filter keys",
        vec![Field::text("q", "Owner, key, type or subject", cx.param("q"), "")],
    ));
    let empty = Cell::words("No key matches. Keys are registered with")
        .and(Bit::Code("modeltraild producer register".to_owned()))
        .then(".");
    page.main.push(Listing::main("keys", "Keys", KEYS, "owner", empty).bounded(truncated).block(cx, rows));
    Ok(page)
}
