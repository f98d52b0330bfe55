//! What runs where, what ran when, and how it came to run.

use modeltrail_views::rows::{Change, Deployment, Member, Served};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::list::{List, Order, is, list_members, value};
use super::{Endpoint, Found, JSON, one, row_of, rows_of, unknown};
use crate::api::ask::Ask;
use crate::errors::WebError;
use crate::openapi::operation::{Answer, Body, Operation, Parameter, Shape};
use crate::openapi::shapes;

const GROUP: &str = "Deployments";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    rows_of::<Deployment>(DEPLOYMENTS, deployments),
    row_of::<Deployment>(DEPLOYMENT, deployment),
    rows_of::<Change>(CHANGES, changes),
    rows_of::<Served>(SERVED, served),
    Endpoint { operation: RAN_AT, newest: false, work: ran_at },
];

const ORDERS: &[Order<Deployment>] =
    &[("subject", |row| row.subject.clone()), ("changed", |row| row.changed.received.clone())];
const DEPLOYMENTS: Operation = Operation {
    sorts: &["subject", "changed"],
    ..Operation::get("/v1/deployments", "deployments", GROUP, "services and what they run").with(&[
        Parameter::new("environment", Shape::Text, "Only services of this environment."),
        Parameter::new("state", Shape::Choice(&["running", "suspended", "removed"]), "Only services in this state."),
        Parameter::new("runs", Shape::Subject, "Only services that run this version, or a version of this model."),
    ])
};

fn deployments(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [environment, state, runs] = ["environment", "state", "runs"].map(|name| ask.given.text(name));
    let keep = move |row: &Deployment| {
        let is_it = |member: &Member| {
            let model = member.subject.split_once('@').map(|(model, _)| model);
            is(runs, Some(&member.subject)) || is(runs, model)
        };
        is(environment, Some(&row.environment))
            && is(state, Some(&row.state))
            && (runs.is_none() || row.running.iter().any(is_it))
    };
    List::all().keep(keep).orders(ORDERS).page(ask)
}

const DEPLOYMENT: Operation = Operation::get("/v1/deployment", "deployment", GROUP, "one service")
    .with(&[Parameter::new("subject", Shape::Subject, "The deployment, such as `deployment/production/scoring`.")
        .required()]);

fn deployment(ask: &Ask<'_>) -> Result<Found, WebError> {
    one::<Deployment>(ask, "deployment", &[ask.given.need("subject")?])
}

const CHANGE_ORDERS: &[Order<Change>] =
    &[("effective", |row| row.effective.clone()), ("received", |row| row.act.received.clone())];
const CHANGES: Operation = Operation {
    sorts: &["effective", "received"],
    ..Operation::get("/v1/changes", "changes", GROUP, "changes of what services run")
        .with(&[
            Parameter::new("deployment", Shape::Subject, "Only changes of this service."),
            Parameter::new(
                "verb",
                Shape::Text,
                "Only `changed`, `rolled_back`, `suspended`, `resumed`, `removed` or `failed`.",
            ),
            Parameter::new("from", Shape::Time, "Only changes that took effect then or later."),
            Parameter::new(
                "to",
                Shape::Until,
                "Only changes that took effect then or before; a date stands for its end.",
            ),
            Parameter::new(
                "emergency",
                Shape::Flag,
                "`1`: only changes that came before their approval; `0`: only others.",
            ),
        ])
        .more("Without another order: by deployment, then by when they took effect.")
};

fn changes(ask: &Ask<'_>) -> Result<Found, WebError> {
    let (verb, emergency) = (ask.given.text("verb"), ask.given.flag("emergency"));
    let (from, to) = (ask.given.time("from"), ask.given.until("to"));
    let keep = move |row: &Change| {
        is(verb, Some(&row.verb))
            && emergency.is_none_or(|emergency| row.emergency == emergency)
            && from.as_ref().is_none_or(|from| row.effective >= *from)
            && to.as_ref().is_none_or(|to| row.effective <= *to)
    };
    List::of(ask.given.text("deployment")).keep(keep).orders(CHANGE_ORDERS).page(ask)
}

const SERVED: Operation = Operation {
    sorts: &["from"],
    ..Operation::get("/v1/served", "served", GROUP, "where versions run or ran").with(&[
        Parameter::new("version", Shape::Subject, "Only this version."),
        Parameter::new("deployment", Shape::Subject, "Only on this service."),
        Parameter::new("now", Shape::Flag, "`1`: only what still runs; `0`: only what has left."),
    ])
};

fn served(ask: &Ask<'_>) -> Result<Found, WebError> {
    const ORDERS: &[Order<Served>] = &[("from", |row| row.from.value.clone())];
    let (deployment, now) = (ask.given.text("deployment"), ask.given.flag("now"));
    let keep =
        move |row: &Served| is(deployment, Some(&row.deployment)) && now.is_none_or(|now| row.until.is_none() == now);
    List::of(ask.given.text("version")).keep(keep).orders(ORDERS).page(ask)
}

/// What one service ran at a time.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Ran {
    /// The deployment.
    pub(crate) deployment: String,
    /// What ran; empty before the first change and after a removal.
    pub(crate) running: Vec<Member>,
    /// The change that put it there; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<Change>,
}

const RAN_AT: Operation = Operation {
    dated: true,
    paged: true,
    answers: &[Answer::ok("A page of services.", &[Body { media: JSON, schema: shapes::list::<Ran> }])],
    ..Operation::get("/v1/ran-at", "ranAt", GROUP, "what ran at a time")
        .with(&[
            Parameter::new("time", Shape::Until, "The time that is asked about; a date stands for its end.").required(),
            Parameter::new("deployment", Shape::Subject, "Only this service."),
        ])
        .more(
            "Both times: `time` is when it ran, `as_of` is when the ledger knew. Without `as_of`, what ran then as it is known now; \
             with `as_of` equal to `time`, what ran then as it was known then.",
        )
};

fn ran_at(ask: &Ask<'_>) -> Result<Found, WebError> {
    let time = ask.given.until("time").ok_or_else(|| crate::query::wrong("time", "is missing"))?;
    let look = |deployment: String| -> Result<Value, WebError> {
        let at = ask.view.ran_at(&deployment, &time)?;
        value(&Ran { deployment, running: at.running, change: at.change })
    };
    if let Some(deployment) = ask.given.text("deployment") {
        if ask.view.get::<Deployment>(&[deployment])?.is_none() {
            return Err(unknown(ask, "deployment", deployment));
        }
        return Ok(Found::Members(list_members(vec![look(deployment.to_owned())?], None, false)));
    }
    // The services of one page, each looked at; the bounds of the list are those of the answer.
    let Found::Members(mut page) = List::<Deployment>::all().page(ask)? else {
        return Err(WebError::Internal { what: "a list that is a document" });
    };
    let names: Vec<String> = match page.get("rows") {
        Some(Value::Array(rows)) => {
            rows.iter().filter_map(|row| Some(row.get("subject")?.as_str()?.to_owned())).collect()
        }
        _ => Vec::new(),
    };
    let rows = names.into_iter().map(look).collect::<Result<Vec<_>, _>>()?;
    page.extend(Map::from_iter([("rows".to_owned(), Value::Array(rows))]));
    Ok(Found::Members(page))
}
