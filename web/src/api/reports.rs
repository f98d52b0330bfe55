//! Reports and exports that left the ledger, and reports rendered to be looked at, which leaves no entry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeltrail_compliance::bundle::preview;
use modeltrail_compliance::dossier::Facts;
use modeltrail_compliance::inventory::inventory as render_inventory;
use modeltrail_core::bundle::export::ExportError;
use modeltrail_core::bundle::source::StoreView;
use modeltrail_tlog::tree::TreeSize;
use modeltrail_views::rows::Report;
use modeltrail_views::tables::{Table, part};
use sha2::{Digest, Sha256};

use super::list::{List, Order, is};
use super::{Document, Endpoint, Found, JSON, one, row_of, rows_of, unknown};
use crate::api::ask::Ask;
use crate::entries::read;
use crate::errors::WebError;
use crate::openapi::operation::{Answer, Body, Operation, Parameter, Shape};
use crate::openapi::shapes;

const GROUP: &str = "Reports";
const HTML: &str = "text/html; charset=utf-8";
const CSV: &str = "text/csv; charset=utf-8";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    rows_of::<Report>(REPORTS, reports),
    row_of::<Report>(REPORT, report),
    Endpoint { operation: INVENTORY, newest: true, work: inventory },
    Endpoint { operation: DOSSIER, newest: true, work: dossier },
];

const REPORTS: Operation = Operation {
    sorts: &["issued"],
    ..Operation::get("/v1/reports", "reports", GROUP, "reports and exports that left the ledger").with(&[
        Parameter::new("kind", Shape::Choice(&["report", "export"]), "Only reports, or only exports."),
        Parameter::new("subject", Shape::Subject, "Only those about this."),
    ])
};

fn reports(ask: &Ask<'_>) -> Result<Found, WebError> {
    const ORDERS: &[Order<Report>] = &[("issued", |row| row.act.received.clone())];
    let [kind, subject] = ["kind", "subject"].map(|name| ask.given.text(name));
    let keep = move |row: &Report| {
        is(kind, Some(&row.kind)) && (subject.is_none() || row.subjects.iter().any(|one| Some(one.as_str()) == subject))
    };
    List::all().keep(keep).orders(ORDERS).page(ask)
}

const REPORT: Operation = Operation::get("/v1/report", "report", GROUP, "one report or export that left the ledger")
    .with(&[Parameter::new("id", Shape::Text, "Its id.").required()]);

fn report(ask: &Ask<'_>) -> Result<Found, WebError> {
    one::<Report>(ask, "report", &[&part(ask.given.need("id")?)])
}

const INVENTORY: Operation = Operation {
    dated: true,
    answers: &[Answer::ok(
        "The inventory.",
        &[
            Body { media: JSON, schema: shapes::inventory },
            Body { media: HTML, schema: shapes::plain },
            Body { media: CSV, schema: shapes::plain },
        ],
    )],
    ..Operation::get("/v1/inventory", "inventory", GROUP, "every model as of a size, as supervisors ask for it")
        .with(&[Parameter::new("format", Shape::Choice(&["json", "html", "csv"]), "`json` when left out.")])
};

fn inventory(ask: &Ask<'_>) -> Result<Found, WebError> {
    let size = ask.view.size();
    let head = ask.state.ledger().published();
    let facts = Facts {
        origin: ask.state.ledger().origin().to_owned(),
        size: head.size,
        root: head.root.to_string(),
        as_of: size,
        complete: Vec::new(),
    };
    let last = size.checked_sub(1).map(|last| read(ask.state.ledger(), last)).transpose()?;
    let made = render_inventory(&ask.view, &facts, last.map(|last| last.header.received.at))?;
    Ok(Found::Document(match ask.given.text("format") {
        Some("html") => page(made.to_html()?),
        Some("csv") => Document { media: CSV, bytes: made.to_csv(), policy: None },
        _ => Document { media: JSON, bytes: made.to_json(), policy: None },
    }))
}

const DOSSIER: Operation = Operation {
    dated: true,
    answers: &[Answer::ok(
        "The dossier.",
        &[Body { media: JSON, schema: shapes::dossier }, Body { media: HTML, schema: shapes::plain }],
    )],
    ..Operation::get("/v1/dossier", "dossier", GROUP, "everything that the ledger says about one version, under the headings of Annex IV")
        .with(&[
            Parameter::new("version", Shape::Subject, "The version, such as `model/risk/fraud@2.1.0`.").required(),
            Parameter::new("format", Shape::Choice(&["json", "html"]), "`json` when left out."),
        ])
        .more("Rendered to be looked at: it leaves no entry. To issue it, with all that proves it, see `/v1/exports` with `dossier=1`.")
};

fn dossier(ask: &Ask<'_>) -> Result<Found, WebError> {
    let version = ask.given.need("version")?;
    if !ask.view.has(Table::Subjects, &[version])? {
        return Err(unknown(ask, "version", version));
    }
    // As an export does, it reads the whole past of its subjects.
    let full = |_| WebError::ExportsFull { limit: ask.state.config.limits.exports };
    let _permit = ask.state.exports.try_acquire().map_err(full)?;
    let ledger = ask.state.ledger();
    let view = StoreView::new(ledger.store().as_ref(), TreeSize::new(ledger.published().size))
        .map_err(|source| ExportError::Read { what: "the newest checkpoint".to_owned(), source: Box::new(source) })?;
    let made = preview(&view, version, Some(TreeSize::new(ask.view.size())))?;
    Ok(Found::Document(match ask.given.text("format") {
        Some("html") => page(made.to_html()?),
        _ => Document { media: JSON, bytes: made.to_json(), policy: None },
    }))
}

/// A report as a page: it brings its own style, which the policy names by its digest.
fn page(bytes: Vec<u8>) -> Document {
    let text = String::from_utf8_lossy(&bytes);
    let style =
        text.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).map_or("", |(style, _)| style);
    let digest = STANDARD.encode(Sha256::digest(style.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    Document { media: HTML, policy: Some(policy), bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_style_that_stands_in_the_page() {
        let document = page(b"<html><style>p { color: red }</style><p>\xc3\xa9".to_vec());
        let digest = STANDARD.encode(Sha256::digest(b"p { color: red }"));
        assert!(document.policy.unwrap().contains(&format!("style-src 'sha256-{digest}';")));
    }
}
