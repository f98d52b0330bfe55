//! Models, their versions, runs, and any subject.

use modeltrail_views::rows::{Model, Run, Subject, Version};

use super::list::{List, Order, has, is};
use super::{Endpoint, Found, one, row_of, rows_of};
use crate::api::ask::Ask;
use crate::errors::WebError;
use crate::openapi::operation::{Operation, Parameter, Shape};

const GROUP: &str = "Models";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    rows_of::<Model>(MODELS, models),
    row_of::<Model>(MODEL, model),
    rows_of::<Version>(VERSIONS, versions),
    row_of::<Version>(VERSION, version),
    rows_of::<Run>(RUNS, runs),
    row_of::<Run>(RUN, run),
    row_of::<Subject>(SUBJECT, subject),
];

const MODEL_ORDERS: &[Order<Model>] = &[
    ("subject", |row| row.subject.clone()),
    ("changed", |row| row.changed.received.clone()),
    ("versions", |row| format!("{:020}", row.versions)),
];
const MODELS: Operation = Operation {
    sorts: &["subject", "changed", "versions"],
    ..Operation::get("/v1/models", "models", GROUP, "models").with(&[
        Parameter::new("q", Shape::Text, "Only subjects and purposes with this in them, letters of any case."),
        Parameter::new("tier", Shape::Text, "Only models with this risk tier, in any scheme."),
        Parameter::new("kind", Shape::Text, "Only this kind, such as `machine_learning`."),
        Parameter::new("party", Shape::Text, "Only models with a duty of this party."),
        Parameter::new("retired", Shape::Flag, "`1`: only retired models; `0`: only others."),
    ])
};

fn models(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [q, tier, kind, party] = ["q", "tier", "kind", "party"].map(|name| ask.given.text(name));
    let retired = ask.given.flag("retired");
    let keep = move |row: &Model| {
        let purpose = row.purpose.as_ref().map_or("", |purpose| purpose.value.as_str());
        q.is_none_or(|q| has(&row.subject, q) || has(purpose, q))
            && tier.is_none_or(|tier| row.tiers.values().any(|said| said.value.value == tier))
            && is(kind, row.kind.as_ref().map(|said| said.value.as_str()))
            && party.is_none_or(|party| row.duties.values().any(|said| said.value == party))
            && retired.is_none_or(|retired| row.retired.is_some() == retired)
    };
    List::all().keep(keep).orders(MODEL_ORDERS).page(ask)
}

const MODEL: Operation = Operation::get("/v1/model", "model", GROUP, "one model").with(&[Parameter::new(
    "subject",
    Shape::Subject,
    "The model, such as `model/risk/fraud`.",
)
.required()]);

fn model(ask: &Ask<'_>) -> Result<Found, WebError> {
    one::<Model>(ask, "model", &[ask.given.need("subject")?])
}

const VERSION_ORDERS: &[Order<Version>] = &[
    ("subject", |row| row.subject.clone()),
    ("changed", |row| row.changed.received.clone()),
    ("registered", |row| row.registrations.first().map(|first| first.act.received.clone()).unwrap_or_default()),
];
const VERSIONS: Operation = Operation {
    sorts: &["subject", "changed", "registered"],
    ..Operation::get("/v1/versions", "versions", GROUP, "versions of one model, or of all").with(&[
        Parameter::new("model", Shape::Subject, "Only versions of this model."),
        Parameter::new("q", Shape::Text, "Only subjects with this in them, letters of any case."),
        Parameter::new("status", Shape::Text, "Only versions whose newest status is this."),
        Parameter::new("digest", Shape::Text, "Only versions registered with this manifest digest, `sha256:…`."),
        Parameter::new("retired", Shape::Flag, "`1`: only retired versions; `0`: only others."),
    ])
};

fn versions(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [q, status, digest] = ["q", "status", "digest"].map(|name| ask.given.text(name));
    let retired = ask.given.flag("retired");
    let keep = move |row: &Version| {
        q.is_none_or(|q| has(&row.subject, q))
            && is(status, row.status.as_ref().map(|said| said.value.as_str()))
            && digest.is_none_or(|digest| row.registrations.iter().any(|one| one.manifest_digest == digest))
            && retired.is_none_or(|retired| row.retired.is_some() == retired)
    };
    let list = List::all().keep(keep).orders(VERSION_ORDERS);
    match ask.given.text("model") {
        Some(model) => list.begins(format!("{model}@")).page(ask),
        None => list.page(ask),
    }
}

const VERSION: Operation =
    Operation::get("/v1/version", "version", GROUP, "one version: its manifest, registrations, status").with(&[
        Parameter::new("subject", Shape::Subject, "The version, such as `model/risk/fraud@2.1.0`.").required(),
    ]);

fn version(ask: &Ask<'_>) -> Result<Found, WebError> {
    one::<Version>(ask, "version", &[ask.given.need("subject")?])
}

const RUN_ORDERS: &[Order<Run>] =
    &[("subject", |row| row.subject.clone()), ("changed", |row| row.changed.received.clone())];
const RUNS: Operation = Operation {
    sorts: &["subject", "changed"],
    ..Operation::get("/v1/runs", "runs", GROUP, "runs: training, scoring, data preparation").with(&[
        Parameter::new("model", Shape::Subject, "Only runs for this model."),
        Parameter::new("kind", Shape::Text, "Only `training`, `scoring` or `run`."),
        Parameter::new("outcome", Shape::Text, "Only `running`, `completed` or `failed`."),
    ])
};

fn runs(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [model, kind, outcome] = ["model", "kind", "outcome"].map(|name| ask.given.text(name));
    let keep = move |row: &Run| {
        is(model, row.model.as_ref().map(|said| said.value.as_str()))
            && is(kind, row.kind.as_ref().map(|said| said.value.as_str()))
            && is(outcome, row.outcome.as_ref().map(|said| said.value.as_str()))
    };
    List::all().keep(keep).orders(RUN_ORDERS).page(ask)
}

const RUN: Operation = Operation::get("/v1/run", "run", GROUP, "one run").with(&[Parameter::new(
    "subject",
    Shape::Subject,
    "The run, such as `run/1f0c…`.",
)
.required()]);

fn run(ask: &Ask<'_>) -> Result<Found, WebError> {
    one::<Run>(ask, "run", &[ask.given.need("subject")?])
}

const SUBJECT: Operation =
    Operation::get("/v1/subject", "subject", GROUP, "any subject: what kind it is, and its first entry")
        .with(&[Parameter::new("subject", Shape::Subject, "The subject.").required()]);

fn subject(ask: &Ask<'_>) -> Result<Found, WebError> {
    one::<Subject>(ask, "subject", &[ask.given.need("subject")?])
}
