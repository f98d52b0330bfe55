//! Fills the inventory from the views.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_views::rows::{
    Act, Approval, Deployment, Incident, Model, Monitoring, Note, Remark, Review, Validation, Version,
};
use modeltrail_views::tables::{RowKey, Table};
use modeltrail_views::view::View;
use serde_json::Value;

use super::fields::FIELDS;
use super::{Inventory, Line, MAX_MODELS, NAME, RENDERER};
use crate::dossier::{Cell, Checkpoint, Column, Facts, ReportError};

/// Versions of one model that are looked at: the newest registered and those that run are always among them.
const MAX_VERSIONS: usize = 200;

pub(super) fn inventory(
    view: &View<'_>,
    facts: &Facts,
    last_received: Option<String>,
) -> Result<Inventory, ReportError> {
    let page = view.page::<Model>(&[], None, MAX_MODELS, |_| true)?;
    let total = view.count(Table::Models, &[])?;
    let running = running(view)?;
    let mut tiers: BTreeMap<String, u64> = BTreeMap::new();
    let mut models = Vec::new();
    for model in page.rows {
        for (scheme, tier) in &model.tiers {
            *tiers.entry(format!("{scheme}: {}", tier.value.value)).or_default() += 1;
        }
        models.push(line(view, &model, &running)?);
    }
    Ok(Inventory {
        report: NAME,
        renderer: RENDERER,
        as_of: facts.as_of,
        checkpoint: Checkpoint { origin: facts.origin.clone(), size: facts.size, root: facts.root.clone() },
        last_received,
        columns: FIELDS.iter().map(|field| Column { id: field.id.to_owned(), label: field.label }).collect(),
        left_out: total.saturating_sub(models.len()) as u64,
        models,
        tiers: tiers.into_iter().collect(),
    })
}

/// Model → the services that run a version of it, with the version.
type Running = BTreeMap<String, Vec<(Deployment, String)>>;

fn running(view: &View<'_>) -> Result<Running, ReportError> {
    let mut running = Running::new();
    for deployment in view.all::<Deployment>(&[])? {
        let versions: BTreeSet<String> = deployment.running.iter().map(|member| member.subject.clone()).collect();
        for version in versions {
            let model = version.split_once('@').map_or(version.as_str(), |(model, _)| model).to_owned();
            running.entry(model).or_default().push((deployment.clone(), version));
        }
    }
    Ok(running)
}

/// The cells of one model, by field.
struct Cells(BTreeMap<&'static str, Vec<Cell>>);

impl Cells {
    fn put(&mut self, field: &'static str, entry: u64, value: impl Into<Value>) {
        let value = value.into();
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        let cells = self.0.entry(field).or_default();
        if !empty && !cells.iter().any(|cell| cell.value == value) {
            cells.push(Cell { entry, value });
        }
    }

    fn act(&mut self, field: &'static str, act: Option<&Act>) {
        if let Some(act) = act {
            self.put(field, act.entry, act.happened());
        }
    }

    /// Only the last by time stays.
    fn newest(&mut self, field: &'static str) {
        if let Some(cells) = self.0.get_mut(field) {
            cells.sort_by(|a, b| (a.value.as_str(), a.entry).cmp(&(b.value.as_str(), b.entry)));
            cells.drain(..cells.len().saturating_sub(1));
        }
    }
}

fn line(view: &View<'_>, model: &Model, running: &Running) -> Result<Line, ReportError> {
    let mut cells = Cells(BTreeMap::new());
    let runs = running.get(&model.subject).map(Vec::as_slice).unwrap_or_default();
    of_model(&mut cells, model);
    for (deployment, version) in runs {
        let entry = deployment.since.as_ref().map_or(deployment.first, |since| since.entry);
        cells.put("running", entry, format!("{version} at {}", deployment.subject));
        if let Some(since) = &deployment.since {
            cells.put("since", since.entry, since.value.as_str());
        }
    }
    let mut versions: BTreeSet<String> = runs.iter().map(|(_, version)| version.clone()).collect();
    versions.extend(model.latest.as_ref().map(|latest| latest.value.clone()));
    let live = versions.clone();
    versions.extend(versions_of(view, &model.subject)?);
    for version in &versions {
        of_version(view, &mut cells, version, live.contains(version))?;
    }
    of_subject(view, &mut cells, &model.subject)?;
    cells.newest("last_review");
    cells.newest("monitored");
    let cells = FIELDS.iter().map(|field| cells.0.remove(field.id).unwrap_or_default());
    Ok(Line { model: model.subject.clone(), cells: cells.collect() })
}

fn versions_of(view: &View<'_>, model: &str) -> Result<Vec<String>, ReportError> {
    let prefix = format!("{model}@");
    // Versions stand under their own subject, which begins with the model's: the walk starts there and ends where it ends.
    let mut start = RowKey::prefix(Table::Versions, &[&prefix]);
    start.pop();
    let start: String = start.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut versions = Vec::new();
    view.each(Table::Versions, &[], Some(&start), &mut |key, _| {
        let version = key.parts().into_iter().next().filter(|version| version.starts_with(&prefix));
        let more = version.is_some();
        versions.extend(version);
        more && versions.len() < MAX_VERSIONS
    })?;
    Ok(versions)
}

fn of_model(cells: &mut Cells, model: &Model) {
    cells.put("model", model.created.as_ref().map_or(model.first, |act| act.entry), model.subject.as_str());
    for (field, said) in [
        ("description", &model.description),
        ("kind", &model.kind),
        ("purpose", &model.purpose),
        ("latest", &model.latest),
    ] {
        if let Some(said) = said {
            cells.put(field, said.entry, said.value.as_str());
        }
    }
    if let Some(uses) = &model.approved_uses {
        cells.put("approved_uses", uses.entry, uses.value.clone());
    }
    if let Some(limits) = &model.limits {
        cells.put("limits", limits.entry, limits.value.clone());
    }
    for (duty, field) in [("owner", "owner"), ("developer", "developer"), ("validator", "validator")] {
        if let Some(party) = model.duties.get(duty) {
            cells.put(field, party.entry, party.value.as_str());
        }
    }
    for (scheme, tier) in &model.tiers {
        cells.put("tier", tier.entry, format!("{scheme}: {}", tier.value.value));
        if let Some(status) = &tier.value.status {
            cells.put("tier_status", tier.entry, format!("{scheme}: {status}"));
        }
    }
    cells.act("retired", model.retired.as_ref());
}

/// `live`: it runs, or is the newest; only of such the recipe and the approval matter.
fn of_version(view: &View<'_>, cells: &mut Cells, subject: &str, live: bool) -> Result<(), ReportError> {
    of_subject(view, cells, subject)?;
    for watched in view.all::<Monitoring>(&[subject])? {
        if watched.verb != "breach_answered" {
            cells.act("monitored", Some(&watched.act));
        }
    }
    if !live {
        return Ok(());
    }
    if let Some(version) = view.get::<Version>(&[subject])? {
        recipe(cells, &version);
    }
    for validation in view.all::<Validation>(&[subject])?.iter().filter(|validation| validation.act.counts()) {
        let entry = validation.act.entry;
        validation.validator.iter().for_each(|party| cells.put("validator", entry, party.as_str()));
        validation.valid_until.iter().for_each(|until| cells.put("validated_until", entry, until.as_str()));
    }
    for approval in view.approvals_of(subject)?.iter().filter(|approval| approval.state == "granted") {
        approved(cells, approval);
    }
    Ok(())
}

fn recipe(cells: &mut Cells, version: &Version) {
    let Some(manifest) = &version.manifest else { return };
    let entry = manifest.entry;
    if let Some(provenance) = manifest.value.get("provenance") {
        cells.put("origin", entry, provenance.clone());
    }
    if let Some(author) = &version.author {
        cells.put("developer", author.entry, author.value.as_str());
    }
    for (list, field) in [("components", "components"), ("parents", "components"), ("datasets", "data")] {
        for part in manifest.value.get(list).and_then(Value::as_array).into_iter().flatten() {
            cells.put(field, entry, named(part));
        }
    }
}

/// `namespace/name@version` of a part of a manifest, as far as it says so.
fn named(part: &Value) -> String {
    let text = |member: &str| part.get(member).and_then(Value::as_str);
    let name = text("name").or_else(|| text("model_id")).or_else(|| text("digest")).unwrap_or("unnamed");
    let before = text("namespace").or_else(|| text("provider")).map(|before| format!("{before}/")).unwrap_or_default();
    let version = text("version").map(|version| format!("@{version}")).unwrap_or_default();
    format!("{before}{name}{version}")
}

fn approved(cells: &mut Cells, approval: &Approval) {
    let Some(granted) = approval.granted.as_ref().filter(|act| act.counts()) else { return };
    granted.actor.iter().for_each(|actor| cells.put("approver", granted.entry, actor.id.as_str()));
    approval.approvers.iter().for_each(|party| cells.put("approver", granted.entry, party.as_str()));
    approval.expires.iter().for_each(|expires| cells.put("approved_until", expires.entry, expires.value.as_str()));
}

/// What may be said of a model and of a version alike.
fn of_subject(view: &View<'_>, cells: &mut Cells, subject: &str) -> Result<(), ReportError> {
    for review in view.all::<Review>(&[subject])? {
        cells.act("last_review", review.done.as_ref());
        match (&review.done, &review.next_due, &review.due) {
            (Some(done), Some(next), _) => cells.put("next_review", done.entry, next.as_str()),
            (None, _, Some(due)) => cells.put("next_review", due.entry, due.value.as_str()),
            _ => {}
        }
    }
    for remark in view.all::<Remark>(&[subject])?.iter().filter(|remark| remark.closed.is_none()) {
        let entry = remark.opened.as_ref().map_or(0, |act| act.entry);
        cells.put("remarks", entry, remark.id.as_str());
    }
    for note in
        view.all::<Note>(&[subject])?.iter().filter(|note| note.verb == "exception.granted" && note.act.counts())
    {
        if let Some(id) = note.data.get("exception_id") {
            cells.put("exceptions", note.act.entry, id.clone());
        }
    }
    let incidents: Vec<Incident> = view.incidents_of(subject)?;
    for incident in incidents.iter().filter(|incident| incident.state == "open") {
        cells.put("incidents", incident.first, incident.subject.as_str());
    }
    Ok(())
}
