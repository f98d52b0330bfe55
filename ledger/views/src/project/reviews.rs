//! Reviews that are due or were done, and what was watched in use.

use super::{Step, subjects};
use crate::fold::Overlay;
use crate::rows::{Monitoring, Review};
use crate::store::ViewError;
use crate::tables::{Table, part};
use crate::text::{MAX_NAME, bounded, cut};

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let (Some(about), Some(id)) = (step.about, step.raw("/review_id")) else { return Ok(()) };
    if !step.counts {
        return Ok(());
    }
    let key = [about, &part(id)];
    let mut row = rows.take::<Review>(&key)?.unwrap_or_else(|| Review {
        id: cut(id, MAX_NAME),
        about: about.to_owned(),
        due: None,
        done: None,
        outcome: None,
        next_due: None,
    });
    match step.verb {
        "review.scheduled" => row.due = step.said_time("/new"),
        "review.recorded" => {
            row.done = Some(step.act().clone());
            row.outcome = step.name("/outcome");
            row.next_due = step.entry.time("/next_due");
        }
        _ => return Ok(()),
    }
    rows.put(&key, step.index, row);
    subjects::word(rows, step, id, about)
}

/// Each statement is a row; one whose signature fails is shown as such.
pub(super) fn monitoring(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let (Some(about), Some((_, verb))) = (step.about, step.verb.split_once('.')) else { return Ok(()) };
    if verb == "plan_declared" || !step.has_data() {
        return Ok(());
    }
    let (version, verb) = (about.to_owned(), verb.to_owned());
    let row = Monitoring { version, verb, act: step.act(), data: bounded(step.data()) };
    rows.add(Table::Monitoring, &[about, &step.number()], step.index, &row);
    match step.raw("/breach_id") {
        Some(id) => subjects::word(rows, step, id, about),
        None => Ok(()),
    }
}
