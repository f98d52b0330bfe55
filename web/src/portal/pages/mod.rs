//! The pages, a file each, and the table of them.

mod about;
mod approvals;
mod changes;
mod compare;
mod dataset;
mod deployment;
mod entries;
mod entry;
mod evaluations;
mod findings;
mod incidents;
mod ingest;
mod integrity;
mod job;
mod lineage;
mod model;
mod models;
mod overview;
mod parties;
mod reports;
mod search;
mod trail;
mod validations;
mod version;

use super::context::{Cx, Route};
use super::fault::Fault;
use super::page::{Page, Section};

const fn route(
    path: &'static str,
    section: Section,
    takes: &'static [&'static str],
    make: fn(&Cx<'_>) -> Result<Page, Fault>,
) -> Route {
    Route { path, section, takes, make }
}

const SUBJECT: &[&str] = &["subject"];

/// All pages.
pub(super) static ROUTES: &[Route] = &[
    route("/", Section::Overview, &[], overview::page),
    route("/models", Section::Models, &["q", "tier", "kind", "runs"], models::page),
    route("/model", Section::Models, SUBJECT, model::page),
    route("/version", Section::Models, SUBJECT, version::page),
    route("/compare", Section::Models, &["a", "b"], compare::page),
    route("/changes", Section::Models, &["subject", "from", "to", "after"], changes::page),
    route("/lineage", Section::Models, &["subject", "up", "down", "open"], lineage::page),
    route("/datasets", Section::Data, &["q", "personal", "basis"], dataset::list),
    route("/dataset", Section::Data, SUBJECT, dataset::page),
    route("/deployments", Section::Deployments, &["q", "state"], deployment::list),
    route("/deployment", Section::Deployments, &["subject", "at"], deployment::page),
    route("/ran-at", Section::Deployments, &["at"], deployment::ran_at),
    route("/incidents", Section::Deployments, &["q", "state"], incidents::list),
    route("/incident", Section::Deployments, SUBJECT, incidents::page),
    route("/approvals", Section::Approvals, &["q", "state", "conditions"], approvals::list),
    route("/approval", Section::Approvals, &["about", "id"], approvals::page),
    route("/validations", Section::Approvals, &["q", "state"], validations::list),
    route("/evaluations", Section::Approvals, &["q", "verdict"], evaluations::list),
    route("/evaluation", Section::Approvals, &["version", "id", "entry"], evaluations::page),
    route("/parties", Section::Approvals, &["q"], parties::list),
    route("/party", Section::Approvals, &["id"], parties::page),
    route("/findings", Section::Findings, &["q", "subject", "severity", "rule", "state"], findings::list),
    route("/finding", Section::Findings, &["id"], findings::page),
    route("/reports", Section::Reports, &["q"], reports::list),
    route("/make", Section::Reports, SUBJECT, reports::make),
    route("/job", Section::Reports, &["id"], job::page),
    route("/integrity", Section::Ledger, &[], integrity::page),
    route("/entries", Section::Ledger, &["from"], entries::page),
    route("/entries/{index}", Section::Ledger, &[], entry::page),
    route("/ingest", Section::Ledger, &[], ingest::page),
    route("/quarantine", Section::Ledger, &["q", "reason"], ingest::quarantine),
    route("/keys", Section::Ledger, &["q"], integrity::keys),
    route("/trail", Section::Ledger, &["subject", "from"], trail::page),
    route("/search", Section::Elsewhere, &["q"], search::page),
    route("/about", Section::Ledger, &[], about::page),
];
