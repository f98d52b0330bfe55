//! Evaluations, and the plans that set their thresholds or those of monitoring.

use serde_json::Value;

use super::{Step, at, subjects, whole_of};
use crate::fold::Overlay;
use crate::rows::{Evaluation, Plan, Said};
use crate::store::ViewError;
use crate::tables::{Table, number, part};
use crate::text::{MAX_LIST, MAX_NAME, bounded, cut};

/// Evaluations of one id, and then of one version, among which a corrected one is looked for.
const MAX_LOOKED: usize = 200;

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let Some(about) = step.about.filter(|_| step.has_data()) else { return Ok(()) };
    match step.verb {
        "evaluation.plan_declared" => plan(rows, step, about, "evaluation"),
        "monitoring.plan_declared" => plan(rows, step, about, "monitoring"),
        "evaluation.recorded" => recorded(rows, step, about),
        _ => Ok(()),
    }
}

fn plan(rows: &mut Overlay<'_>, step: &Step<'_>, about: &str, kind: &str) -> Result<(), ViewError> {
    let Some(id) = step.raw("/plan_id") else { return Ok(()) };
    let key = [about, &part(id)];
    if !step.counts && rows.get::<Plan>(&key)?.is_some() {
        return Ok(());
    }
    let row = Plan {
        id: cut(id, MAX_NAME),
        about: about.to_owned(),
        kind: kind.to_owned(),
        act: step.act().clone(),
        version: step.name("/plan_version"),
        thresholds: step.data().get("thresholds").map(bounded).unwrap_or_default().into_owned(),
        data: bounded(step.data()).into_owned(),
    };
    rows.put(&key, step.index, row);
    subjects::word(rows, step, id, about)
}

fn recorded(rows: &mut Overlay<'_>, step: &Step<'_>, about: &str) -> Result<(), ViewError> {
    let Some(id) = step.raw("/evaluation_id") else { return Ok(()) };
    let plan = step.raw("/plan_id");
    let thresholds_set = match (step.said_time("/threshold_set_at"), plan) {
        (Some(said), _) => Some(said),
        (None, Some(plan)) => declared(rows, about, plan)?,
        (None, None) => None,
    };
    let row = Evaluation {
        id: cut(id, MAX_NAME),
        event: step.entry.header.event.as_ref().map(|event| event.id.clone()),
        version: about.to_owned(),
        act: step.act().clone(),
        manifest_digest: step.name("/manifest_digest"),
        plan: plan.map(|plan| cut(plan, MAX_NAME)),
        kind: step.name("/kind"),
        verdict: step.name("/verdict"),
        thresholds_set,
        result_at: step.entry.time("/result_at"),
        evaluator: step.name("/evaluator"),
        datasets: step.subjects("input").take(MAX_LIST).map(str::to_owned).collect(),
        metrics: step.data().get("metrics").map(bounded).unwrap_or_default().into_owned(),
        thresholds: step.data().get("thresholds").map(bounded).unwrap_or_default().into_owned(),
        replaced_by: None,
    };
    rows.add(Table::Evaluations, &[about, &part(id), &step.number()], step.index, &row);
    subjects::word(rows, step, id, about)?;
    if step.counts { correct(rows, step, about) } else { Ok(()) }
}

/// When the plan was declared that counts, of the version or of the model.
fn declared(rows: &mut Overlay<'_>, about: &str, plan: &str) -> Result<Option<Said<String>>, ViewError> {
    for subject in [about, whole_of(about)] {
        if let Some(plan) = rows.get::<Plan>(&[subject, &part(plan)])?.filter(|plan| plan.act.counts()) {
            return Ok(Some(Said::new(plan.act.happened().to_owned(), plan.act.entry)));
        }
    }
    Ok(None)
}

/// An event that replaces or voids an earlier one of the same version says so by that one's source and id.
fn correct(rows: &mut Overlay<'_>, step: &Step<'_>, about: &str) -> Result<(), ViewError> {
    let text = |pointer: &str| at(step.data(), pointer).and_then(Value::as_str);
    let (Some(source), Some(id), Some("replaces" | "voids")) =
        (text("/corrects/source"), text("/corrects/id"), text("/corrects/how"))
    else {
        return Ok(());
    };
    let is_meant =
        |row: &Evaluation| row.act.entry != step.index && row.act.source == source && row.event.as_deref() == Some(id);
    let same_id = step.raw("/evaluation_id").map(part).unwrap_or_default();
    let mut found = rows.list::<Evaluation>(&[about, &same_id], MAX_LOOKED)?.into_iter().find(is_meant);
    if found.is_none() {
        found = rows.list::<Evaluation>(&[about], MAX_LOOKED)?.into_iter().find(is_meant);
    }
    if let Some(mut row) = found {
        row.replaced_by = Some(step.index);
        // The row's key has the id as it was sent; a cut id leads to no row, and is left as it is.
        let key = [about, &part(&row.id), &number(row.act.entry)];
        if rows.has(Table::Evaluations, &key)? {
            rows.add(Table::Evaluations, &key, step.index, &row);
        }
    }
    Ok(())
}
