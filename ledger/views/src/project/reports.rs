//! Reports and exports that left the ledger.

use super::{Step, subjects};
use crate::fold::Overlay;
use crate::rows::Report;
use crate::store::ViewError;
use crate::tables::{Table, part};
use crate::text::{MAX_LIST, MAX_NAME, bounded, cut};

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let (kind, pointer) = match step.verb {
        "export.created" => ("export", "/export_id"),
        "report.issued" => ("report", "/report_id"),
        _ => return Ok(()),
    };
    let (Some(about), Some(id)) = (step.about.filter(|_| step.entry.own()), step.raw(pointer)) else { return Ok(()) };
    let row = Report {
        id: cut(id, MAX_NAME),
        kind: kind.to_owned(),
        act: step.act().clone(),
        subjects: step.subjects("target").take(MAX_LIST).map(str::to_owned).collect(),
        data: bounded(step.data()).into_owned(),
    };
    rows.add(Table::Reports, &[&part(id)], step.index, &row);
    subjects::word(rows, step, id, about)
}
