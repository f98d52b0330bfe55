//! One entry: what it says, its header, its record, its proof, and how to check it by hand.

use modeltrail_compliance::words::{quarantine_words, sentence, visible};
use modeltrail_core::header::EntryHeader;
use modeltrail_tlog::hash::leaf_hash;
use modeltrail_views::read::ReadEntry;
use modeltrail_views::rows::Finding;

use crate::errors::WebError;
use crate::portal::bits::{
    Bit, Cell, digest_bit, entry_bit, link, mark, sentence_cell, signature_bit, signature_words, subject_bit, time_bit,
};
use crate::portal::blocks::{Block, Callout, Facts};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::list::{Column, Listing};
use crate::portal::page::Page;
use crate::portal::text::{cut, grouped, spaced};

/// Bytes of a record that its page shows; the API has all of it.
const SHOWN_BYTES: usize = 32 << 10;

/// A step of a trail.
struct Step {
    role: String,
    subject: String,
    n: u64,
}

const STEPS: &[Column<Step>] = &[
    Column::plain("Subject", |step, links| Cell::from(subject_bit(links, &step.subject))),
    Column::plain("Kind", |step, _| Cell::words(spaced(step.subject.split('/').next().unwrap_or_default()))),
    Column::plain("Role", |step, _| Cell::words(spaced(&step.role))),
    Column::plain("Step of its trail", |step, links| {
        Cell::from(link(
            links.to("/trail", &[("subject", &step.subject), ("from", &step.n.to_string())]),
            grouped(step.n),
        ))
    }),
];

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let index = crate::entries::index_of(&cx.segment)?;
    if index >= cx.size {
        // A page as of the past doesn't know what came later.
        return Err(WebError::NoEntry { index, size: cx.size }.into());
    }
    let ledger = cx.state.ledger();
    let bytes = ledger.header(index)?.ok_or(WebError::NoEntry { index, size: cx.head })?;
    let opening = ledger.opening(index)?;
    let entry = ReadEntry::new(&bytes, opening.as_deref())?;
    let links = &cx.links;
    let mut page = Page::new(format!("Entry {}", grouped(index)), "Entry").crumb("Entries", links.to("/entries", &[]));
    page.lead = sentence_cell(links, &sentence(&entry));
    page.actions = vec![
        link(format!("/v1/entries/{index}"), "As JSON"),
        link(format!("/v1/proofs/inclusion?index={index}"), "Proof as JSON"),
    ];
    if index > 0 {
        page.actions.push(link(links.entry(index - 1), format!("← {}", grouped(index - 1))));
    }
    if index + 1 < cx.size {
        page.actions.push(link(links.entry(index + 1), format!("{} →", grouped(index + 1))));
    }
    page.main.extend(aside(cx, &entry));
    page.main.extend(findings(cx, index)?);
    let steps = entry
        .header
        .trails
        .iter()
        .map(|step| Step { role: step.role.clone(), subject: step.subject.clone(), n: step.n })
        .collect();
    page.main.push(Block::Table(
        Listing::part("trails", "What it is about", STEPS, Cell::words("It names no subject that could be read."))
            .table(cx, steps),
    ));
    page.main.push(record(&entry, opening.as_deref()));
    page.main.push(Block::Raw {
        heading: "Header",
        id: "header",
        note: Cell::words("The exact bytes whose hash stands in the tree:"),
        text: visible(&String::from_utf8_lossy(&bytes)),
    });
    page.main.push(Block::Check { index: Some(index), origin: ledger.origin().to_owned() });
    page.main.extend(proof(cx, index, &bytes)?);
    page.aside.push(Block::Facts(facts(cx, &entry.header, &entry, &bytes)));
    Ok(page)
}

fn aside(cx: &Cx<'_>, entry: &ReadEntry) -> Option<Block> {
    let quarantine = entry.header.quarantine.as_ref()?;
    let mut text = Cell::words(format!(
        "{}. The entry is in the chain like any other; the views leave it out.",
        capitalised(quarantine_words(&quarantine.reason))
    ));
    if let Some((_, detail)) = entry.reading.as_ref().and_then(|reading| reading.quarantine.as_ref()) {
        text = text.and(Bit::Name(visible(detail)));
    }
    if let Some(of) = quarantine.of {
        text = text.then("The first one is entry").and(entry_bit(&cx.links, of.get()));
    }
    Some(Block::Callout(Callout { tone: "warning", word: "Kept aside", text }))
}

fn capitalised(words: &str) -> String {
    super::model::capital(words)
}

fn findings(cx: &Cx<'_>, index: u64) -> Result<Option<Block>, Fault> {
    let all = cx.rows::<Finding>(&[])?.0;
    let mine: Vec<Finding> = all.into_iter().filter(|finding| finding.entries.contains(&index)).collect();
    Ok((!mine.is_empty())
        .then(|| Block::Table(super::findings::short(cx, "Findings that name this entry", mine, Cell::new()))))
}

fn record(entry: &ReadEntry, opening: Option<&[u8]>) -> Block {
    let Some(reading) = entry.reading.as_ref().filter(|_| opening.is_some()) else {
        let why = if entry.header.content.kept == Some(false) {
            "The record was larger than the limit and was never stored."
        } else {
            "The record was erased. Its commitment stays, and every proof still verifies."
        };
        return Block::Text { heading: "Record", id: "record", lines: vec![Cell::words(why)] };
    };
    let text = if entry.data.is_null() {
        "No event data could be read from it; the API gives its bytes.".to_owned()
    } else {
        serde_json::to_string_pretty(&entry.data).unwrap_or_default()
    };
    let whole = text.len() <= SHOWN_BYTES;
    let end = (0..=SHOWN_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let shown: Vec<String> = text[..end].lines().map(visible).collect();
    let format = Cell::words("What the event says, as reading")
        .then(entry.header.content.reading.to_string())
        .then("reads it from a record of format")
        .and(Bit::Code(cut(&reading.format.to_string())));
    let note = if whole {
        format
    } else {
        format.then(format!("· the first {} of {} bytes", grouped(end as u64), grouped(text.len() as u64)))
    };
    Block::Raw { heading: "Record", id: "record", note, text: shown.join("\n") }
}

fn facts(cx: &Cx<'_>, header: &EntryHeader, entry: &ReadEntry, bytes: &[u8]) -> Facts {
    let links = &cx.links;
    let mut facts = Facts::new("Facts", "facts")
        .row("Received", Cell::from(time_bit(&header.received.at)).aside("by the ledger's clock"));
    if let Some(event) = &header.event {
        facts = facts
            .row(
                "Happened",
                event.time.as_deref().map_or_else(
                    || Cell::from(Bit::Missing("")),
                    |time| Cell::from(time_bit(time)).aside("as its source says"),
                ),
            )
            .row("Type", Cell::from(Bit::Code(cut(&event.r#type))))
            .row("Source", Cell::name(&event.source))
            .row("Event id", Cell::name(&event.id));
    }
    facts = facts.row("Came by", came_by(cx, header));
    let mark = entry.mark();
    facts = facts.row("Signature", Cell::from(signature_bit(mark)).aside(signature_words(mark)));
    for signer in &header.signers {
        let key = signer.key.to_string();
        facts = facts.row(
            "Signer",
            Cell::from(Bit::Named {
                href: links.subject(&format!("key/{key}")),
                name: cut(&key[..16.min(key.len())]),
                full: key.clone(),
            })
            .aside(signer.status.as_str()),
        );
    }
    facts
        .row("Leaf hash", Cell::from(Bit::Whole(leaf_hash(bytes).to_string())))
        .row("Leaf hash before", Cell::from(digest_bit(&header.prev.to_string())))
        .row("Commitment", Cell::from(digest_bit(&header.content.commitment.0.to_string())))
        .row("Record", Cell::words(format!("{} bytes", grouped(header.content.size))))
}

fn came_by(cx: &Cx<'_>, header: &EntryHeader) -> Cell {
    let received = &header.received;
    match (&received.source, received.partition, received.offset) {
        (Some(source), Some(partition), Some(offset)) => Cell::words("Kafka:")
            .and(Bit::Named { href: cx.links.to("/ingest", &[]), name: cut(source), full: cut(source) })
            .then(format!("partition {partition}, offset {}", grouped(offset))),
        _ if received.via == "ledger" => Cell::from(mark("good", "✓", "the ledger itself")),
        _ => Cell::words(received.via.to_uppercase()),
    }
}

/// The proof at the page's newest kept size, and how to check it without this server.
fn proof(cx: &Cx<'_>, index: u64, bytes: &[u8]) -> Result<Vec<Block>, Fault> {
    let ledger = cx.state.ledger();
    let head = ledger.published();
    let hashes = ledger.inclusion(index, head.size)?;
    let steps: Vec<String> = hashes.iter().enumerate().map(|(at, hash)| format!("{at:>2}  {hash}")).collect();
    let text = format!("leaf  {}\n{}\nroot  {}\nsize  {}", leaf_hash(bytes), steps.join("\n"), head.root, head.size);
    let note = Cell::words(format!(
        "The neighbours on the way from this entry's hash to the root (the hash over all entries) of {} entries. Whoever has the signed checkpoint (the signed summary of all entries so far) needs nothing else to see that the entry is in it.",
        grouped(head.size)
    ));
    let hand = vec![
        Cell::words("1. The leaf hash is SHA-256 of a zero byte and the header:"),
        Cell::from(Bit::Code(format!(
            "curl -s $LEDGER/v1/entries/{index} | jq -j .header | (printf '\\0'; cat) | sha256sum"
        ))),
        Cell::words("2. The commitment in the header is SHA-256 of the salt and the record:"),
        Cell::from(Bit::Code(format!(
            "curl -s $LEDGER/v1/entries/{index} | jq -r '.salt, .record' | (read s; read r; (printf %s \"$s\" | xxd -r -p; printf %s \"$r\" | base64 -d) | sha256sum)"
        ))),
        Cell::words("3. Proof and signature, with the ledger's key that you were given elsewhere:"),
        Cell::from(Bit::Code(format!("modeltrail prove {index} --server $LEDGER"))),
        Cell::words("4. All of it offline: take the subject away as a bundle, and run")
            .and(Bit::Code("modeltrail verify".to_owned()))
            .then("on it.")
            .and(entry_bit(&cx.links, index)),
    ];
    Ok(vec![
        Block::Raw { heading: "Proof", id: "proof", note, text },
        Block::Text { heading: "Check it by hand", id: "hand", lines: hand },
    ])
}
