//! Approvals, from the request to their end. A statement whose signature fails is listed and changes nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Step, elements, place, set, subjects};
use crate::fold::Overlay;
use crate::rows::{Act, Approval, Condition};
use crate::store::ViewError;
use crate::tables::part;
use crate::text::{MAX_NAME, MAX_REASON, MAX_TEXT, bounded_to, cut};

/// Conditions of one approval that its row lists.
const MAX_CONDITIONS: usize = 50;
/// Discounted statements of one approval that its row lists: who forges a hundred must not fill the row.
const MAX_DISCOUNTED: usize = 30;
/// Places and parties of one approval.
const MAX_PLACES: usize = 100;
const MAX_APPROVERS: usize = 50;
/// Where a place of an approval can't be read: it stays one, so that the approval doesn't hold everywhere.
const UNREADABLE: &str = "deployment/unreadable";

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let (Some(about), Some(id)) = (step.about, step.raw("/approval_id")) else { return Ok(()) };
    let change: fn(&mut Approval, &Step<'_>) = match step.verb {
        "approval.requested" => requested,
        "approval.granted" => granted,
        "approval.rejected" => |row, step| end(row, step, "rejected", None),
        "approval.withdrawn" => |row, step| end(row, step, "withdrawn", None),
        "approval.revoked" => |row, step| end(row, step, "revoked", Some("/effective_at")),
        "approval.expired" => |row, step| end(row, step, "expired", Some("/expired_at")),
        "approval.condition_met" => condition_met,
        _ => return Ok(()),
    };
    let key = [about, &part(id)];
    let mut row = rows.take::<Approval>(&key)?.unwrap_or_else(|| empty(id, about));
    if step.counts {
        change(&mut row, step);
    } else if row.discounted.len() < MAX_DISCOUNTED {
        row.discounted.push(step.slim_act().clone());
    }
    rows.put(&key, step.index, row);
    subjects::word(rows, step, id, about)
}

fn empty(id: &str, about: &str) -> Approval {
    Approval {
        id: cut(id, MAX_NAME),
        about: about.to_owned(),
        digest: None,
        places: None,
        kind: None,
        policy: None,
        state: "discounted".to_owned(),
        emergency: false,
        requested: None,
        granted: None,
        approvers: Vec::new(),
        ended: None,
        ended_at: None,
        expires: None,
        due: None,
        conditions: Vec::new(),
        rationale: None,
        signature: None,
        discounted: Vec::new(),
    }
}

/// What requests and grants both say. A grant without places holds where it was asked for.
fn common(row: &mut Approval, step: &Step<'_>) {
    set(&mut row.digest, step.name("/about/digest").map(|digest| step.said(digest)));
    set(&mut row.kind, step.name("/kind").map(|kind| step.said(kind)));
    let version = step.name("/policy_version").map(|version| format!("@{version}")).unwrap_or_default();
    set(&mut row.policy, step.name("/policy").map(|policy| step.said(format!("{policy}{version}"))));
    row.emergency |= step.data().get("emergency").and_then(Value::as_bool).unwrap_or_default();
    let places: BTreeSet<String> = match step.data().get("for") {
        None => return,
        Some(Value::Array(places)) => {
            places.iter().take(MAX_PLACES).map(|at| place(at).unwrap_or_else(|| UNREADABLE.to_owned())).collect()
        }
        Some(_) => BTreeSet::from([UNREADABLE.to_owned()]),
    };
    if !places.is_empty() {
        row.places = Some(step.said(places.into_iter().collect()));
    }
}

fn requested(row: &mut Approval, step: &Step<'_>) {
    row.requested = Some(step.act().clone());
    set(&mut row.due, step.said_time("/due_at"));
    if row.granted.is_none() && row.ended.is_none() {
        common(row, step);
        row.state = "requested".to_owned();
    }
}

fn granted(row: &mut Approval, step: &Step<'_>) {
    common(row, step);
    let act = step.act().clone();
    row.approvers = approvers(step);
    row.expires = step.said_time("/expires_at");
    row.rationale = step.raw("/rationale").map(|text| cut(text, MAX_REASON));
    set(&mut row.signature, step.data().get("signature").map(|signature| step.said(bounded_to(signature, MAX_TEXT))));
    let met: Vec<Condition> = row.conditions.drain(..).filter(|condition| condition.met.is_some()).collect();
    for condition in elements(step.data(), "/conditions").iter().take(MAX_CONDITIONS) {
        let text = |name: &str, most| condition.get(name).and_then(Value::as_str).map(|text| cut(text, most));
        let due = text("due_at", MAX_NAME)
            .and_then(|due| modeltrail_schemas::time::parse_rfc3339(&due))
            .map(|due| due.to_string());
        let id = text("id", MAX_NAME).unwrap_or_default();
        let met = met.iter().find(|known| known.id == id).and_then(|known| known.met.clone());
        row.conditions.push(Condition { id, text: text("text", MAX_REASON).unwrap_or_default(), due, met });
    }
    // What ended it afterwards may have arrived before.
    let ended_later = row.ended.as_ref().is_some_and(|ended| ended.happened() > act.happened());
    row.granted = Some(act);
    if !ended_later {
        row.state = "granted".to_owned();
        row.ended = None;
        row.ended_at = None;
    }
}

/// Parties that decided, the actor among them; sorted.
fn approvers(step: &Step<'_>) -> Vec<String> {
    let mut parties: BTreeSet<String> = step.names("/approvers").into_iter().take(MAX_APPROVERS).collect();
    parties.extend(step.name("/actor/id"));
    parties.into_iter().collect()
}

fn end(row: &mut Approval, step: &Step<'_>, state: &str, at: Option<&str>) {
    let act: &Act = step.act();
    // A refusal of before it was granted, that arrives late.
    let granted_later = row.granted.as_ref().is_some_and(|granted| granted.happened() > act.happened());
    // The request ran out, and was granted all the same.
    let only_request = step.raw("/what") == Some("request") && row.granted.is_some();
    if granted_later || only_request {
        return;
    }
    let told = at.and_then(|at| step.entry.time(at));
    row.ended_at = Some(told.unwrap_or_else(|| act.happened().to_owned()));
    row.ended = Some(act.clone());
    row.state = state.to_owned();
}

fn condition_met(row: &mut Approval, step: &Step<'_>) {
    let Some(id) = step.name("/condition_id") else { return };
    let met = Some(step.said(step.entry.time("/met_at").unwrap_or_else(|| step.act().happened().to_owned())));
    let room = row.conditions.len() < MAX_CONDITIONS;
    match row.conditions.iter_mut().find(|condition| condition.id == id) {
        Some(condition) => condition.met = met,
        None if room => {
            row.conditions.push(Condition { id, text: String::new(), due: None, met });
        }
        None => {}
    }
}
