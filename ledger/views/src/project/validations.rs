//! Independent judgements of versions, and what they found.

use super::{Step, subjects};
use crate::fold::Overlay;
use crate::rows::{Remark, Validation};
use crate::store::ViewError;
use crate::tables::part;
use crate::text::{MAX_NAME, bounded, cut};

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let Some(about) = step.about.filter(|_| step.has_data()) else { return Ok(()) };
    match step.verb {
        "validation.recorded" => recorded(rows, step, about),
        "validation.finding_opened" | "validation.finding_closed" if step.counts => remark(rows, step, about),
        _ => Ok(()),
    }
}

fn recorded(rows: &mut Overlay<'_>, step: &Step<'_>, about: &str) -> Result<(), ViewError> {
    let Some(id) = step.raw("/validation_id") else { return Ok(()) };
    let key = [about, &part(id)];
    if !step.counts && rows.get::<Validation>(&key)?.is_some() {
        return Ok(());
    }
    let row = Validation {
        id: cut(id, MAX_NAME),
        version: about.to_owned(),
        act: step.act().clone(),
        kind: step.name("/kind"),
        independent: step.data().get("independent").and_then(serde_json::Value::as_bool),
        validator: step.name("/validator"),
        outcome: step.name("/outcome").unwrap_or_default(),
        valid_until: step.entry.time("/valid_until"),
        report: step.name("/report/digest"),
        data: bounded(step.data()).into_owned(),
    };
    rows.put(&key, step.index, row);
    subjects::word(rows, step, id, about)
}

fn remark(rows: &mut Overlay<'_>, step: &Step<'_>, about: &str) -> Result<(), ViewError> {
    let Some(id) = step.raw("/finding_id") else { return Ok(()) };
    let key = [about, &part(id)];
    let mut row = rows.take::<Remark>(&key)?.unwrap_or_else(|| Remark {
        id: cut(id, MAX_NAME),
        about: about.to_owned(),
        severity: None,
        text: None,
        due: None,
        opened: None,
        closed: None,
        how: None,
    });
    if step.verb == "validation.finding_opened" {
        row.opened = Some(step.act().clone());
        row.severity = step.name("/severity");
        row.text = step.text("/text");
        row.due = step.entry.time("/due_at");
    } else {
        row.closed = Some(step.act().clone());
        row.how = step.name("/how");
    }
    rows.put(&key, step.index, row);
    subjects::word(rows, step, id, about)
}
