//! The views themselves, and what they hold of sources, keys and what was kept aside.

use std::collections::BTreeMap;

use modeltrail_store::ViewsState;
use modeltrail_views::rows::{Approval, Deployment, Finding, Incident, Key, Quarantined, Row, Severity, Source};
use modeltrail_views::tables::Table;
use modeltrail_views::view::MAX_SCANNED;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::list::{List, is, value};
use super::{Endpoint, Found, JSON, rows_of};
use crate::api::ask::Ask;
use crate::errors::WebError;
use crate::openapi::operation::{Answer, Body, Operation, Parameter, Shape};
use crate::openapi::shapes;

const GROUP: &str = "Views";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint { operation: STATUS, newest: true, work: status },
    Endpoint { operation: OVERVIEW, newest: false, work: overview },
    rows_of::<Source>(SOURCES, sources),
    rows_of::<Quarantined>(QUARANTINE, quarantine),
    rows_of::<Key>(KEYS, keys),
];

/// How the views stand.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Status {
    /// Entries that are folded.
    pub(crate) size: u64,
    /// Entries of the newest checkpoint.
    pub(crate) ledger: u64,
    /// What the thread that folds does now: `following`, `paused`, `read-only`, `failed` or `stopped`.
    pub(crate) state: String,
    /// Why, where it does not follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// The version of the rows' shape.
    pub(crate) schema: u32,
}

const STATUS: Operation = Operation {
    dated: true,
    answers: &[Answer::ok("How they stand.", &[Body { media: JSON, schema: shapes::one::<Status> }])],
    ..Operation::get("/v1/views", "views", GROUP, "how far the views are, and whether they go on")
};

fn status(ask: &Ask<'_>) -> Result<Found, WebError> {
    let state = ask.state.config.views.state();
    let why = match &state {
        ViewsState::Failed { why } | ViewsState::ReadOnly { why } => Some(why.clone()),
        ViewsState::Following | ViewsState::Paused | ViewsState::Stopped => None,
    };
    let row = Status {
        size: ask.state.config.views.size(),
        ledger: ask.state.ledger().head().size,
        state: state.word().to_owned(),
        why,
        schema: modeltrail_views::SCHEMA,
    };
    Ok(Found::Members(Map::from_iter([("row".to_owned(), value(&row)?)])))
}

/// What there is, counted. Each count ends at 100,000 rows looked at.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Overview {
    /// Models.
    pub(crate) models: u64,
    /// Versions.
    pub(crate) versions: u64,
    /// Data sets and their versions.
    pub(crate) datasets: u64,
    /// Services that run something.
    pub(crate) running: u64,
    /// Findings that no entry ended, by severity.
    pub(crate) findings: BTreeMap<String, u64>,
    /// Approvals that are asked for and not decided.
    pub(crate) pending: u64,
    /// Incidents that are open.
    pub(crate) incidents: u64,
    /// Entries kept aside.
    pub(crate) quarantined: u64,
    /// A count ended at its bound: there are more.
    pub(crate) truncated: bool,
}

const OVERVIEW: Operation = Operation {
    dated: true,
    answers: &[Answer::ok("The counts.", &[Body { media: JSON, schema: shapes::one::<Overview> }])],
    ..Operation::get("/v1/overview", "overview", GROUP, "what there is, and what needs a look, counted")
};

fn overview(ask: &Ask<'_>) -> Result<Found, WebError> {
    let mut truncated = false;
    let mut count = |table| -> Result<u64, WebError> {
        let rows = ask.view.count(table, &[])?;
        truncated |= rows >= MAX_SCANNED;
        Ok(rows as u64)
    };
    let (models, versions) = (count(Table::Models)?, count(Table::Versions)?);
    let (datasets, quarantined) = (count(Table::Datasets)?, count(Table::Quarantine)?);
    let mut findings =
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low].map(|severity| (severity, 0));
    truncated |= each::<Finding>(ask, |row| {
        let mut counts = findings.iter_mut().filter(|(severity, _)| row.ended.is_none() && *severity == row.severity);
        counts.by_ref().for_each(|(_, count)| *count += 1);
    })?;
    let (mut running, mut pending, mut incidents) = (0, 0, 0);
    truncated |= each::<Deployment>(ask, |row| running += u64::from(row.state == "running"))?;
    truncated |= each::<Approval>(ask, |row| pending += u64::from(row.state == "requested"))?;
    truncated |= each::<Incident>(ask, |row| incidents += u64::from(row.state == "open"))?;
    let named = |(severity, count)| Ok((value(&severity)?.as_str().unwrap_or_default().to_owned(), count));
    let findings = findings.into_iter().map(named).collect::<Result<_, WebError>>()?;
    let row = Overview { models, versions, datasets, running, findings, pending, incidents, quarantined, truncated };
    Ok(Found::Members(Map::from_iter([("row".to_owned(), value(&row)?)])))
}

/// Shows every row of a table, and keeps none. Returns whether the bound on rows looked at ended it.
fn each<R: Row>(ask: &Ask<'_>, mut show: impl FnMut(&R)) -> Result<bool, WebError> {
    let page = ask.view.page::<R>(&[], None, 1, |row| {
        show(row);
        false
    })?;
    Ok(page.truncated)
}

const SOURCES: Operation = Operation::get(
    "/v1/views/sources",
    "sourcesRecorded",
    GROUP,
    "sources, as the ledger's own entries tell of them, as of any size",
);

fn sources(ask: &Ask<'_>) -> Result<Found, WebError> {
    List::<Source>::all().page(ask)
}

const QUARANTINE: Operation =
    Operation::get("/v1/views/quarantine", "quarantineRecorded", GROUP, "what was kept aside, as of any size").with(&[
        Parameter::new("reason", Shape::Text, "Only entries kept aside for this, such as `malformed`."),
        Parameter::new("source", Shape::Text, "Only entries of this source."),
    ]);

fn quarantine(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [reason, source] = ["reason", "source"].map(|name| ask.given.text(name));
    let keep = move |row: &Quarantined| is(reason, Some(&row.reason)) && is(source, Some(&row.source));
    List::all().keep(keep).page(ask)
}

const KEYS: Operation =
    Operation::get("/v1/views/keys", "keysRecorded", GROUP, "keys and who may sign what, as of any size").with(&[
        Parameter::new("whose", Shape::Choice(&["ledger", "producer"]), "Only the ledger's keys, or only producers'."),
    ]);

fn keys(ask: &Ask<'_>) -> Result<Found, WebError> {
    let whose = ask.given.text("whose");
    List::all().keep(move |row: &Key| is(whose, Some(&row.whose))).page(ask)
}
