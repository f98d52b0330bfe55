//! Sources of entries, as the ledger's own entries about them say.

use super::Step;
use crate::fold::Overlay;
use crate::rows::{Source, SourceEvent};
use crate::store::ViewError;
use crate::tables::{Table, part};
use crate::text::{MAX_NAME, bounded, cut};

/// Events that a row keeps, the newest.
const MAX_EVENTS: usize = 200;
/// Bytes of all events together.
const MAX_EVENT_BYTES: usize = 128 * 1024;

/// A source shows itself by its first entry, where no event of the ledger opens it: HTTP has none, a bundle may lack it.
pub(super) fn seen(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let received = &step.entry.header.received;
    let name = match received.via.as_str() {
        "http" => "http",
        _ => match &received.source {
            Some(source) => source.as_str(),
            None => return Ok(()),
        },
    };
    let key = part(name);
    if !rows.has(Table::Sources, &[&key])? {
        rows.put(&[&key], step.index, empty(step, name));
    }
    Ok(())
}

fn empty(step: &Step<'_>, name: &str) -> Source {
    Source { source: cut(name, MAX_NAME), first: step.index, state: "open".to_owned(), events: Vec::new(), gaps: 0 }
}

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let (Some(name), Some((_, verb))) = (step.raw("/source"), step.verb.split_once('.')) else { return Ok(()) };
    if !step.entry.own() {
        return Ok(());
    }
    let key = part(name);
    let mut row = rows.take::<Source>(&[&key])?.unwrap_or_else(|| empty(step, name));
    match verb {
        "opened" | "rebased" => row.state = "open".to_owned(),
        "halted" => row.state = "halted".to_owned(),
        "closed" => row.state = "closed".to_owned(),
        "gap" => row.gaps += 1,
        _ => {}
    }
    row.events.push(SourceEvent {
        verb: verb.to_owned(),
        entry: step.index,
        received: step.entry.header.received.at.clone(),
        data: bounded(step.data()).into_owned(),
    });
    trim(&mut row.events);
    rows.put(&[&key], step.index, row);
    Ok(())
}

fn trim(events: &mut Vec<SourceEvent>) {
    let mut bytes = 0;
    let kept = events.iter().rev().take(MAX_EVENTS).take_while(|event| {
        bytes += serde_json::to_string(event).map_or(MAX_EVENT_BYTES, |text| text.len());
        bytes <= MAX_EVENT_BYTES
    });
    let kept = kept.count().max(1);
    events.drain(..events.len().saturating_sub(kept));
}
