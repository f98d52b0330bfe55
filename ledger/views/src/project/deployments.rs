//! What services run. Changes are kept in order of effect, whenever they arrive; what runs now is the set of the change that took effect last,
//! so that a backlog doesn't bring back the past.

use serde_json::Value;

use super::change::{Changing, change, keep, row};
use super::{Step, at, elements, served, version_of};
use crate::fold::Overlay;
use crate::rows::{Act, Change, Deployment, Member, Observation};
use crate::store::ViewError;
use crate::text::{MAX_NAME, cut};
use modeltrail_schemas::subject::{Kind, Subject as Name};

/// Bytes of one serving set: some 400 members of usual names. A row holds two sets.
const MAX_SET_BYTES: usize = 96 * 1024;

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let Some(about) = step.about_kind("deployment").filter(|_| step.has_data()) else { return Ok(()) };
    match step.verb {
        "deployment.changed" | "deployment.rolled_back" | "deployment.resumed"
            if step.data().get("new").is_some_and(Value::is_array) =>
        {
            changed(rows, step, about)
        }
        "deployment.suspended" | "deployment.removed" | "deployment.failed" => changed(rows, step, about),
        "deployment.observed" if step.counts && step.data().get("running").is_some_and(Value::is_array) => {
            observed(rows, step, about)
        }
        "deployment.requested" | "deployment.started" if step.counts => {
            change(rows, step, about, |_: &mut Deployment, _| {})
        }
        _ => Ok(()),
    }
}

impl Changing for Deployment {
    fn empty(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str) -> Result<Self, ViewError> {
        let name = Name::parse(subject).ok();
        let environment = name.as_ref().and_then(|name| name.namespace().map(|environment| environment.into_owned()));
        Ok(Self {
            subject: subject.to_owned(),
            environment: environment.unwrap_or_default(),
            service: name.map(|name| name.name().into_owned()).unwrap_or_default(),
            first: step.first(rows, subject)?,
            kind: None,
            running: Vec::new(),
            since: None,
            state: "planned".to_owned(),
            observed: None,
            changes: 0,
            changed: step.slim_act().clone(),
        })
    }

    fn changed(&mut self) -> &mut Act {
        &mut self.changed
    }
}

fn changed(rows: &mut Overlay<'_>, step: &Step<'_>, about: &str) -> Result<(), ViewError> {
    let change = read(step, about);
    rows.put(&[about, &change.effective, &step.number()], step.index, change.clone());
    if !step.counts {
        return Ok(());
    }
    let mut row: Deployment = row(rows, step, about)?;
    row.changes += 1;
    if change.verb != "failed" {
        let late = row.since.as_ref().is_some_and(|since| since.value > change.effective);
        if late {
            served::recount(rows, step, about, &change)?;
        } else {
            let _ = step.ran_before.set(row.running.clone());
            served::advance(rows, step, &row.running, &change)?;
            row.state = state_after(&change).to_owned();
            row.since = Some(step.said(change.effective.clone()));
            row.running = change.new;
            super::set(&mut row.kind, change.kind.map(|kind| step.said(kind)));
        }
    }
    keep(rows, step, about, row);
    Ok(())
}

fn state_after(change: &Change) -> &'static str {
    match change.verb.as_str() {
        "removed" => "removed",
        "suspended" if change.new.is_empty() => "suspended",
        _ => "running",
    }
}

fn read(step: &Step<'_>, about: &str) -> Change {
    let verb = step.verb.split_once('.').map_or(step.verb, |(_, verb)| verb);
    let own_time = if verb == "failed" { "/failed_at" } else { "/effective_at" };
    Change {
        deployment: about.to_owned(),
        verb: verb.to_owned(),
        act: step.slim_act().clone(),
        effective: step.entry.time(own_time).unwrap_or_else(|| step.entry.happened()),
        kind: step.name("/kind"),
        old: members(elements(step.data(), "/old")),
        new: members(elements(step.data(), "/new")),
        emergency: step.data().get("emergency").and_then(Value::as_bool).unwrap_or_default(),
        approval_ids: step.names("/approval_ids"),
        strategy: step.name("/strategy"),
        incident: step
            .raw("/incident_id")
            .and_then(|id| Name::of(Kind::Incident, None, id, None).ok())
            .map(String::from),
        detected: step.entry.time("/detected_at"),
    }
}

fn members(list: &[Value]) -> Vec<Member> {
    let mut left = MAX_SET_BYTES;
    let mut set = Vec::new();
    for member in list.iter().filter_map(member) {
        let bytes = serde_json::to_string(&member).map_or(MAX_SET_BYTES, |text| text.len());
        if bytes > left {
            break;
        }
        left -= bytes;
        set.push(member);
    }
    set
}

/// `None` for a member that names nothing at all.
fn member(value: &Value) -> Option<Member> {
    let text = |pointer: &str| at(value, pointer).and_then(Value::as_str).map(|text| cut(text, MAX_NAME));
    let artifact = || Name::of(Kind::Artifact, None, &text("/root_digest")?, None).ok().map(String::from);
    let image = || {
        Name::of(Kind::Image, None, &text("/image/repository")?, text("/image/digest").as_deref())
            .ok()
            .map(String::from)
    };
    Some(Member {
        subject: version_of(value).or_else(artifact).or_else(image)?,
        manifest_digest: text("/manifest_digest"),
        role: text("/role").unwrap_or_else(|| "serving".to_owned()),
        weight: match value.get("weight") {
            Some(Value::String(weight)) => Some(cut(weight, MAX_NAME)),
            Some(Value::Number(weight)) => Some(weight.to_string()),
            _ => None,
        },
    })
}

fn observed(rows: &mut Overlay<'_>, step: &Step<'_>, about: &str) -> Result<(), ViewError> {
    let mut row: Deployment = row(rows, step, about)?;
    let seen = Observation {
        act: step.slim_act().clone(),
        observed: step.entry.time("/observed_at").unwrap_or_else(|| step.entry.happened()),
        running: members(elements(step.data(), "/running")),
    };
    if row.observed.as_ref().is_none_or(|last| last.observed <= seen.observed) {
        row.observed = Some(seen);
        keep(rows, step, about, row);
    }
    Ok(())
}
