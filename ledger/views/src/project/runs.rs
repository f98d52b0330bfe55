//! Runs: training, scoring, data preparation.

use serde_json::Value;

use super::change::{Changing, keep, row};
use super::{Step, set};
use crate::fold::Overlay;
use crate::rows::{Act, Run};
use crate::store::ViewError;
use crate::text::bounded;

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    if !step.counts || !step.has_data() {
        return Ok(());
    }
    let Some(about) = step.about_kind("run") else { return Ok(()) };
    let Some((group, verb)) = step.verb.split_once('.') else { return Ok(()) };
    let mut row: Run = row(rows, step, about)?;
    if row.kind.is_none() {
        row.kind = Some(step.said(group.to_owned()));
    }
    let model = step.subjects("target").find(|subject| super::kind_of(subject) == "model");
    set(&mut row.model, model.map(|model| step.said(model.to_owned())));
    let outcome = match verb {
        "started" => {
            row.started = Some(step.act().clone());
            // A start that arrives after the end doesn't make it run again.
            row.outcome.is_none().then_some("running")
        }
        "completed" => Some("completed"),
        "failed" => Some("failed"),
        "aborted" => Some("aborted"),
        _ => None,
    };
    if outcome.is_some() && verb != "started" {
        row.ended = Some(step.act().clone());
    }
    set(&mut row.outcome, outcome.map(|outcome| step.said(outcome.to_owned())));
    if verb == "compute_recorded" {
        row.compute = Some(step.said(bounded(step.data()).into_owned()));
    } else if !(verb == "started" && row.ended.is_some()) {
        row.data = step.said(bounded(step.data()).into_owned());
    }
    keep(rows, step, about, row);
    Ok(())
}

impl Changing for Run {
    fn empty(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str) -> Result<Self, ViewError> {
        Ok(Self {
            subject: subject.to_owned(),
            first: step.first(rows, subject)?,
            kind: None,
            model: None,
            started: None,
            ended: None,
            outcome: None,
            data: step.said(Value::Null),
            compute: None,
            changed: step.slim_act().clone(),
        })
    }

    fn changed(&mut self) -> &mut Act {
        &mut self.changed
    }
}
