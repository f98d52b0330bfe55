//! Rows that need the views: states that several entries make together.

use std::collections::BTreeSet;

use modeltrail_views::rows::{
    Act, Approval, Change, Dataset, Deployment, Evaluation, Incident, Model, Plan, Remark, Review, Run, Said, Served,
    Validation, Version,
};
use serde_json::{Value, json};

use super::gather::Gathered;
use super::{Cell, ReportError};
use crate::words::mark_words;

/// A row before its cells are put in order.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) entry: u64,
    pub(crate) cells: Vec<(&'static str, Cell)>,
}

impl Made {
    fn new(entry: u64) -> Self {
        Self { entry, cells: Vec::new() }
    }

    fn cell(mut self, id: &'static str, value: impl Into<Value>) -> Self {
        let entry = self.entry;
        self.cells.push((id, Cell { entry, value: value.into() }));
        self
    }

    /// Left out when there is nothing.
    fn maybe(self, id: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value.map(Into::into) {
            Some(Value::Null) | None => self,
            Some(Value::Array(items)) if items.is_empty() => self,
            Some(value) => self.cell(id, value),
        }
    }

    /// A value with the entry that says it.
    fn said<T: Clone + Into<Value>>(mut self, id: &'static str, said: Option<&Said<T>>) -> Self {
        if let Some(said) = said {
            self.cells.push((id, Cell { entry: said.entry, value: said.value.clone().into() }));
        }
        self
    }

    fn act(mut self, id: &'static str, act: Option<&Act>, value: Option<String>) -> Self {
        if let (Some(act), Some(value)) = (act, value) {
            self.cells.push((id, Cell { entry: act.entry, value: value.into() }));
        }
        self
    }
}

type Rows = Result<Vec<Made>, ReportError>;

fn happened(act: &Act) -> Option<String> {
    Some(act.happened().to_owned())
}

fn actor(act: &Act) -> Option<String> {
    act.actor.as_ref().map(|actor| actor.id.clone())
}

fn member<'v>(data: &'v Value, pointer: &str) -> Option<Value> {
    let found: Option<&'v Value> = data.pointer(pointer);
    found.cloned()
}

pub(crate) fn registrations(gathered: &Gathered<'_>) -> Rows {
    let version: Option<Version> = gathered.view().get(&[&gathered.version])?;
    let rows = version.into_iter().flat_map(|version| version.registrations).map(|registration| {
        Made::new(registration.act.entry)
            .cell("digest", registration.manifest_digest)
            .maybe("claimed", registration.claimed_digest)
            .maybe("by", registration.registered_by)
            .cell("time", registration.act.happened())
            .cell("signature", mark_words(registration.act.signature))
    });
    Ok(rows.collect())
}

pub(crate) fn duties(gathered: &Gathered<'_>) -> Rows {
    let model: Option<Model> = gathered.view().get(&[&gathered.model])?;
    let rows = model
        .into_iter()
        .flat_map(|model| model.duties)
        .map(|(duty, party)| Made::new(party.entry).cell("duty", duty).cell("party", party.value));
    Ok(rows.collect())
}

pub(crate) fn data(gathered: &Gathered<'_>) -> Rows {
    let view = gathered.view();
    let mut rows = Vec::new();
    let upstream = gathered.lineage.nodes.iter().filter(|node| node.level < 0 && node.subject.starts_with("dataset/"));
    for node in upstream {
        let found: Option<Dataset> = view.get(&[&node.subject])?;
        let whole = node.subject.split_once('@').map(|(whole, _)| whole);
        let whole: Option<Dataset> = whole.map(|whole| view.get(&[whole])).transpose()?.flatten();
        let edge = gathered.lineage.edges.iter().find(|edge| edge.from == node.subject || edge.to == node.subject);
        let (own, whole) = (found.as_ref(), whole.as_ref());
        let entry =
            own.map(|own| own.registered.as_ref().map_or(own.first, |act| act.entry)).or(edge.map(|edge| edge.entry));
        // What is said of the whole holds for its versions, unless more is said of one.
        let text = |field: fn(&Dataset) -> Option<&Said<String>>| own.and_then(field).or_else(|| whole.and_then(field));
        let lists =
            |field: fn(&Dataset) -> Option<&Said<Vec<String>>>| own.and_then(field).or_else(|| whole.and_then(field));
        let deleted =
            own.and_then(|own| own.deleted.as_ref()).or_else(|| whole.and_then(|whole| whole.deleted.as_ref()));
        rows.push(
            Made::new(entry.unwrap_or(0))
                .cell("dataset", node.subject.as_str())
                .said("digest", text(|row| row.digest.as_ref()))
                .said("split", text(|row| row.split.as_ref()))
                .said("rows", own.and_then(|own| own.rows.as_ref()))
                .said("origin", text(|row| row.origin.as_ref()))
                .said("licence", text(|row| row.licence.as_ref()))
                .said("basis", text(|row| row.basis.as_ref()))
                .said("purposes", lists(|row| row.purposes.as_ref()))
                .said("personal_data", text(|row| row.personal_data.as_ref()))
                .said("quality", text(|row| row.quality.as_ref()))
                .said("bias", text(|row| row.bias.as_ref()))
                .act("deleted", deleted, deleted.and_then(happened)),
        );
    }
    Ok(rows)
}

pub(crate) fn training(gathered: &Gathered<'_>) -> Rows {
    let view = gathered.view();
    let mut rows = Vec::new();
    for node in gathered.lineage.nodes.iter().filter(|node| node.level < 0 && node.subject.starts_with("run/")) {
        let Some(run) = view.get::<Run>(&[&node.subject])? else { continue };
        let compute = |name: &str| {
            let said = run.compute.as_ref()?;
            Some(Said::new(member(&said.value, name)?, said.entry))
        };
        let data = |name: &str| Some(Said::new(member(&run.data.value, name)?, run.data.entry));
        rows.push(
            Made::new(run.first)
                .cell("run", run.subject.as_str())
                .said("outcome", run.outcome.as_ref())
                .act("started", run.started.as_ref(), run.started.as_ref().and_then(happened))
                .act("ended", run.ended.as_ref(), run.ended.as_ref().and_then(happened))
                .said("parameters", data("/parameters").as_ref())
                .said("metrics", data("/metrics").as_ref())
                .said("flop", compute("/flop").as_ref())
                .said("energy", compute("/energy_kwh").as_ref()),
        );
    }
    Ok(rows)
}

pub(crate) fn evaluations(gathered: &Gathered<'_>) -> Rows {
    let found: Vec<Evaluation> = gathered.view().all(&[&gathered.version])?;
    let rows = found.into_iter().filter(|row| row.act.counts()).map(|row| {
        Made::new(row.act.entry)
            .cell("id", row.id)
            .maybe("kind", row.kind)
            .maybe("verdict", row.verdict)
            .maybe("metrics", Some(row.metrics))
            .maybe("thresholds", Some(row.thresholds))
            .said("set", row.thresholds_set.as_ref())
            .maybe("result_at", row.result_at)
            .maybe("datasets", Some(row.datasets))
            .maybe("evaluator", row.evaluator)
            .maybe("replaced", row.replaced_by)
    });
    Ok(by_entry(rows.collect()))
}

pub(crate) fn validation(gathered: &Gathered<'_>) -> Rows {
    let found: Vec<Validation> = gathered.view().all(&[&gathered.version])?;
    let rows = found.into_iter().filter(|row| row.act.counts()).map(|row| {
        let (scope, conditions) = (member(&row.data, "/scope"), member(&row.data, "/conditions"));
        Made::new(row.act.entry)
            .cell("id", row.id)
            .maybe("kind", row.kind)
            .maybe("independent", row.independent)
            .maybe("validator", row.validator)
            .maybe("scope", scope)
            .cell("outcome", row.outcome)
            .maybe("conditions", conditions)
            .maybe("valid_until", row.valid_until)
            .maybe("report", row.report)
            .cell("signature", mark_words(row.act.signature))
    });
    Ok(by_entry(rows.collect()))
}

pub(crate) fn remarks(gathered: &Gathered<'_>) -> Rows {
    let mut rows = Vec::new();
    for about in [&gathered.version, &gathered.model] {
        for row in gathered.view().all::<Remark>(&[about])? {
            let entry = row.opened.as_ref().or(row.closed.as_ref()).map_or(0, |act| act.entry);
            rows.push(
                Made::new(entry)
                    .cell("id", row.id)
                    .maybe("severity", row.severity)
                    .maybe("text", row.text)
                    .maybe("due", row.due)
                    .act("closed", row.closed.as_ref(), row.closed.as_ref().and_then(happened))
                    .act("how", row.closed.as_ref(), row.how),
            );
        }
    }
    Ok(by_entry(rows))
}

fn plans(gathered: &Gathered<'_>, kind: &str) -> Result<Vec<Plan>, ReportError> {
    // A plan of watching is often laid down once, for the version before, and goes on; its own subject stands beside it.
    let of_model = format!("{}@", gathered.model);
    let before = gathered.lineage.nodes.iter().map(|node| &node.subject);
    let before = before.filter(|subject| kind == "monitoring" && subject.starts_with(&of_model));
    let abouts: BTreeSet<&String> = before.chain([&gathered.version, &gathered.model]).collect();
    let mut plans = Vec::new();
    for about in abouts {
        let found = gathered.view().all::<Plan>(&[about])?;
        plans.extend(found.into_iter().filter(|plan| plan.kind == kind && plan.act.counts()));
    }
    Ok(plans)
}

pub(crate) fn evaluation_plans(gathered: &Gathered<'_>) -> Rows {
    let rows = plans(gathered, "evaluation")?.into_iter().map(|row| {
        let said = |name: &str| member(&row.data, name);
        Made::new(row.act.entry)
            .cell("id", row.id.as_str())
            .cell("about", row.about.as_str())
            .maybe("version", row.version.clone())
            .maybe("thresholds", Some(row.thresholds.clone()))
            .maybe("method", said("/method"))
            .maybe("approved_by", said("/approved_by"))
            .maybe("approved_at", said("/approved_at"))
            .cell("declared", row.act.happened())
    });
    Ok(by_entry(rows.collect()))
}

pub(crate) fn monitoring_plans(gathered: &Gathered<'_>) -> Rows {
    let rows = plans(gathered, "monitoring")?.into_iter().map(|row| {
        let said = |name: &str| member(&row.data, name);
        Made::new(row.act.entry)
            .cell("id", row.id.as_str())
            .cell("about", row.about.as_str())
            .maybe("thresholds", Some(row.thresholds.clone()))
            .maybe("interval", said("/interval"))
            .maybe("approved_by", said("/approved_by"))
            .cell("declared", row.act.happened())
    });
    Ok(by_entry(rows.collect()))
}

pub(crate) fn serving(gathered: &Gathered<'_>) -> Rows {
    let found: Vec<Served> = gathered.view().all(&[&gathered.version])?;
    let rows = found.into_iter().map(|row| {
        Made::new(row.from.entry)
            .cell("deployment", row.deployment)
            .cell("role", row.role)
            .maybe("weight", row.weight)
            .cell("from", row.from.value)
            .said("until", row.until.as_ref())
    });
    Ok(rows.collect())
}

fn places(gathered: &Gathered<'_>) -> Result<BTreeSet<String>, ReportError> {
    let served: Vec<Served> = gathered.view().all(&[&gathered.version])?;
    Ok(served.into_iter().map(|row| row.deployment).collect())
}

pub(crate) fn observed(gathered: &Gathered<'_>) -> Rows {
    let mut rows = Vec::new();
    for place in places(gathered)? {
        let deployment: Option<Deployment> = gathered.view().get(&[&place])?;
        if let Some(seen) = deployment.and_then(|deployment| deployment.observed) {
            let running: Vec<Value> = seen.running.iter().map(|member| json!(member)).collect();
            rows.push(
                Made::new(seen.act.entry)
                    .cell("deployment", place)
                    .cell("running", running)
                    .cell("time", seen.observed),
            );
        }
    }
    Ok(rows)
}

pub(crate) fn deployments(gathered: &Gathered<'_>) -> Rows {
    let mut rows = Vec::new();
    for place in places(gathered)? {
        for change in gathered.view().all::<Change>(&[&place])? {
            let ours = |member: &modeltrail_views::rows::Member| member.subject == gathered.version;
            if !change.old.iter().chain(&change.new).any(ours) {
                continue;
            }
            let set = |members: &[modeltrail_views::rows::Member]| {
                members.iter().map(|member| json!(member)).collect::<Vec<_>>()
            };
            rows.push(
                Made::new(change.act.entry)
                    .cell("deployment", place.as_str())
                    .cell("verb", change.verb.as_str())
                    .cell("effective", change.effective.as_str())
                    .maybe("old", Some(set(&change.old)))
                    .maybe("new", Some(set(&change.new)))
                    .maybe("approvals", Some(change.approval_ids.clone()))
                    .maybe("by", actor(&change.act))
                    .maybe("incident", change.incident)
                    .cell("signature", mark_words(change.act.signature)),
            );
        }
    }
    Ok(by_entry(rows))
}

fn all_approvals(gathered: &Gathered<'_>) -> Result<Vec<Approval>, ReportError> {
    let mut approvals = gathered.view().approvals_of(&gathered.version)?;
    approvals.extend(gathered.view().approvals_of(&gathered.model)?);
    Ok(approvals)
}

pub(crate) fn approvals(gathered: &Gathered<'_>) -> Rows {
    let rows = all_approvals(gathered)?.into_iter().map(|row| {
        let (requested, granted, ended) = (row.requested.as_ref(), row.granted.as_ref(), row.ended.as_ref());
        let first = granted.or(requested).or(ended).or(row.discounted.first());
        let role = granted.and_then(|act| act.actor.as_ref()).and_then(|actor| actor.role.clone());
        let mark = granted.or(row.discounted.first()).map(|act| mark_words(act.signature).to_owned());
        let state = if first.is_some_and(|act| !act.counts()) { "counts for nothing" } else { row.state.as_str() };
        Made::new(first.map_or(0, |act| act.entry))
            .cell("id", row.id.as_str())
            .cell("about", row.about.as_str())
            .cell("state", state)
            .said("digest", row.digest.as_ref())
            .said("places", row.places.as_ref())
            .act("requested_by", requested, requested.and_then(actor))
            .act("requested_at", requested, requested.and_then(happened))
            .act("granted_by", granted, granted.and_then(actor))
            .act("as", granted, role)
            .maybe("approvers", Some(row.approvers.clone()))
            .act("granted_at", granted, granted.and_then(happened))
            .said("expires", row.expires.as_ref())
            .act("ended", ended, row.ended_at.clone().or_else(|| ended.and_then(happened)))
            .said("policy", row.policy.as_ref())
            .maybe("rationale", row.rationale.clone())
            .cell("emergency", row.emergency)
            .maybe("signature", mark)
    });
    Ok(by_entry(rows.collect()))
}

pub(crate) fn conditions(gathered: &Gathered<'_>) -> Rows {
    let mut rows = Vec::new();
    for approval in all_approvals(gathered)? {
        let entry = approval.granted.as_ref().map_or(0, |act| act.entry);
        for condition in approval.conditions {
            rows.push(
                Made::new(entry)
                    .cell("approval", approval.id.as_str())
                    .cell("id", condition.id)
                    .cell("text", condition.text)
                    .maybe("due", condition.due)
                    .said("met", condition.met.as_ref()),
            );
        }
    }
    Ok(by_entry(rows))
}

pub(crate) fn incidents(gathered: &Gathered<'_>) -> Rows {
    let mut found: std::collections::BTreeMap<String, Incident> = std::collections::BTreeMap::new();
    let places = places(gathered)?;
    let subjects = [&gathered.version, &gathered.model].into_iter().chain(&places);
    for subject in subjects {
        found.extend(gathered.view().incidents_of(subject)?.into_iter().map(|row| (row.subject.clone(), row)));
    }
    let rows = found.into_values().map(|row| {
        Made::new(row.first)
            .cell("incident", row.subject)
            .said("title", row.title.as_ref())
            .said("severity", row.severity.as_ref())
            .cell("state", row.state)
            .said("aware", row.aware.as_ref())
            .said("resolved", row.resolved.as_ref())
            .maybe("affected", Some(row.affected))
    });
    Ok(by_entry(rows.collect()))
}

pub(crate) fn reviews(gathered: &Gathered<'_>) -> Rows {
    let mut rows = Vec::new();
    for about in [&gathered.version, &gathered.model] {
        for row in gathered.view().all::<Review>(&[about])? {
            let done = row.done.as_ref();
            let entry = done.map(|act| act.entry).or(row.due.as_ref().map(|due| due.entry)).unwrap_or(0);
            rows.push(
                Made::new(entry)
                    .cell("id", row.id.as_str())
                    .cell("about", row.about.as_str())
                    .said("due", row.due.as_ref())
                    .act("done", done, done.and_then(happened))
                    .act("outcome", done, row.outcome.clone())
                    .act("next", done, row.next_due.clone()),
            );
        }
    }
    Ok(by_entry(rows))
}

fn by_entry(mut rows: Vec<Made>) -> Vec<Made> {
    rows.sort_by_key(|row| row.entry);
    rows
}
