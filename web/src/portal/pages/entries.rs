//! The log itself, entry by entry.

use crate::portal::bits::{Cell, link};
use crate::portal::blocks::{Block, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::timeline;
use crate::portal::list::PAGE_ROWS;
use crate::portal::page::Page;
use crate::portal::text::counted;

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let most = PAGE_ROWS as u64;
    // Newest first; the field names the first entry shown.
    let newest = cx.size.saturating_sub(1);
    let from = cx
        .param("from")
        .map(|from| from.parse::<u64>().map_err(|_| crate::query::wrong("from", "is not an entry's number")))
        .transpose()?;
    let first = from.unwrap_or(newest).min(newest);
    let low = (first + 1).saturating_sub(most);
    let entries: Vec<u64> = if cx.size == 0 { Vec::new() } else { (low..=first).rev().collect() };
    let mut page = Page::new("Entries", "The log");
    page.lead = Cell::words(format!(
        "{}, the newest first. An entry (a row of the ledger) holds one event as it arrived; nothing is ever changed or taken out.",
        counted(cx.size, "entry", "entries")
    ));
    page.actions =
        vec![link(cx.links.to("/quarantine", &[]), "Kept aside"), link(cx.links.to("/integrity", &[]), "Checkpoints")];
    page.main.push(Block::Form(Form::to(
        cx,
        "Go to an entry",
        "/entries",
        vec![Field::text("from", "From entry", cx.param("from"), "number")],
        "Go",
    )));
    let mut list = timeline(cx, "Newest first", "entries", &entries, Cell::words("There is none yet."))?;
    list.previous = (low > 0).then(|| cx.with(&[("from", &(low - 1).to_string())]));
    list.next = (first < newest).then(|| cx.with(&[("from", &(first + most).min(newest).to_string())]));
    page.main.push(Block::Timeline(list));
    Ok(page)
}
