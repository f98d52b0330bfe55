//! What is kept aside, and why.

use super::Step;
use crate::fold::Overlay;
use crate::rows::Quarantined;
use crate::store::ViewError;
use crate::tables::Table;
use crate::text::{MAX_LIST, MAX_REASON, cut};

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let Some(kept_aside) = &step.entry.header.quarantine else { return Ok(()) };
    let header = &step.entry.header;
    let received = &header.received;
    let told = step
        .entry
        .reading
        .as_ref()
        .and_then(|reading| reading.quarantine.as_ref())
        .map(|(_, detail)| cut(detail, MAX_REASON));
    let of = kept_aside.of.map(|of| of.get());
    let detail = match (kept_aside.reason.as_str(), of) {
        ("oversize", _) => {
            format!("the record has {} bytes, more than the limit; its content was not kept", header.content.size)
        }
        ("conflict", Some(of)) => {
            let id = header.event.as_ref().map(|event| event.id.as_str()).unwrap_or_default();
            format!("the event id {id} was used before, by entry {of}, with other content")
        }
        (reason, _) => told.unwrap_or_else(|| format!("{reason}; the record is not at hand to say where")),
    };
    let row = Quarantined {
        entry: step.index,
        received: received.at.clone(),
        source: received.source.clone().unwrap_or_else(|| received.via.clone()),
        partition: received.partition,
        offset: received.offset,
        reason: kept_aside.reason.clone(),
        detail,
        of,
        subjects: step.trails.iter().take(MAX_LIST).map(|(_, subject)| (*subject).to_owned()).collect(),
    };
    rows.add(Table::Quarantine, &[&step.number()], step.index, &row);
    Ok(())
}
