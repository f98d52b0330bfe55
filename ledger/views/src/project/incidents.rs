//! Incidents, step by step, and the subjects that they touch.

use super::{Step, kind_of, set, subjects};
use crate::fold::Overlay;
use crate::rows::{Incident, IncidentStep};
use crate::store::ViewError;
use crate::tables::Table;
use crate::text::MAX_LIST;

/// Steps that a row keeps, the newest.
const MAX_STEPS: usize = 200;
/// Bytes of all steps together: acts with the longest names that an event may have are dropped sooner.
const MAX_STEP_BYTES: usize = 128 * 1024;

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let Some(about) = step.about_kind("incident").filter(|_| step.has_data()) else { return Ok(()) };
    let mut row = match rows.take::<Incident>(&[about])? {
        Some(row) => row,
        None => empty(rows, step, about)?,
    };
    let verb = step.verb.split_once('.').map_or(step.verb, |(_, verb)| verb);
    row.steps.push(IncidentStep { verb: verb.to_owned(), act: step.slim_act().clone() });
    trim(&mut row.steps);
    if step.counts {
        change(&mut row, step, verb);
        for touched in step.subjects("target").filter(|subject| kind_of(subject) != "incident") {
            if let Err(at) = row.affected.binary_search_by(|known| known.as_str().cmp(touched))
                && row.affected.len() < MAX_LIST
            {
                row.affected.insert(at, touched.to_owned());
            }
            rows.mark(Table::IncidentsOf, &[touched, about], step.index)?;
        }
    }
    rows.put(&[about], step.index, row);
    match step.raw("/incident_id") {
        Some(id) => subjects::word(rows, step, id, about),
        None => Ok(()),
    }
}

fn empty(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str) -> Result<Incident, ViewError> {
    Ok(Incident {
        subject: subject.to_owned(),
        first: step.first(rows, subject)?,
        title: None,
        severity: None,
        state: "open".to_owned(),
        aware: None,
        resolved: None,
        affected: Vec::new(),
        steps: Vec::new(),
    })
}

fn change(row: &mut Incident, step: &Step<'_>, verb: &str) {
    match verb {
        "opened" => {
            set(&mut row.title, step.said_text("/title"));
            set(&mut row.severity, step.said_text("/severity"));
            if row.aware.is_none() {
                row.aware = step.said_time("/detected_at");
            }
        }
        "updated" => match step.raw("/key") {
            Some("title") => set(&mut row.title, step.said_text("/new")),
            Some("severity") => set(&mut row.severity, step.said_text("/new")),
            Some("state" | "status") if step.raw("/new") == Some("closed") => row.state = "closed".to_owned(),
            Some("state" | "status") if step.raw("/new") == Some("open") => row.state = "open".to_owned(),
            _ => {}
        },
        "awareness_recorded" => set(&mut row.aware, step.said_time("/aware_at")),
        "resolved" => {
            let at = step.entry.time("/resolved_at").unwrap_or_else(|| step.entry.happened());
            row.resolved = Some(step.said(at));
            row.state = "resolved".to_owned();
        }
        _ => {}
    }
}

fn trim(steps: &mut Vec<IncidentStep>) {
    let mut bytes = 0;
    let kept = steps.iter().rev().take(MAX_STEPS).take_while(|step| {
        bytes += serde_json::to_string(step).map_or(MAX_STEP_BYTES, |text| text.len());
        bytes <= MAX_STEP_BYTES
    });
    let kept = kept.count();
    steps.drain(..steps.len() - kept);
}
