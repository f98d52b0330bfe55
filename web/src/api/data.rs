//! Data sets, and documents about anything.

use modeltrail_views::rows::{Dataset, Document, Note};

use super::list::{List, Order, has, is};
use super::{Endpoint, Found, one, row_of, rows_of};
use crate::api::ask::Ask;
use crate::errors::WebError;
use crate::openapi::operation::{Operation, Parameter, Shape};

const GROUP: &str = "Data and documents";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    rows_of::<Dataset>(DATASETS, datasets),
    row_of::<Dataset>(DATASET, dataset),
    rows_of::<Document>(DOCUMENTS, documents),
    rows_of::<Note>(NOTES, notes),
];

const DATASET_ORDERS: &[Order<Dataset>] =
    &[("subject", |row| row.subject.clone()), ("changed", |row| row.changed.received.clone())];
const DATASETS: Operation = Operation {
    sorts: &["subject", "changed"],
    ..Operation::get("/v1/datasets", "datasets", GROUP, "data sets and their versions, with licence and legal basis")
        .with(&[
            Parameter::new("q", Shape::Text, "Only subjects and descriptions with this in them, letters of any case."),
            Parameter::new("licence", Shape::Text, "Only data under this licence."),
            Parameter::new("basis", Shape::Text, "Only data with this legal basis now."),
            Parameter::new(
                "withdrawn",
                Shape::Flag,
                "`1`: only data whose legal basis was withdrawn; `0`: only others.",
            ),
            Parameter::new("personal_data", Shape::Text, "Only `none`, `personal`, `special` or `unknown`."),
            Parameter::new("deleted", Shape::Flag, "`1`: only deleted data; `0`: only others."),
        ])
};

fn datasets(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [q, licence, basis, personal] = ["q", "licence", "basis", "personal_data"].map(|name| ask.given.text(name));
    let (withdrawn, deleted) = (ask.given.flag("withdrawn"), ask.given.flag("deleted"));
    let keep = move |row: &Dataset| {
        let description = row.description.as_ref().map_or("", |said| said.value.as_str());
        let gone = row.basis.as_ref().is_some_and(|said| said.value.is_empty());
        q.is_none_or(|q| has(&row.subject, q) || has(description, q))
            && is(licence, row.licence.as_ref().map(|said| said.value.as_str()))
            && is(basis, row.basis.as_ref().map(|said| said.value.as_str()))
            && is(personal, row.personal_data.as_ref().map(|said| said.value.as_str()))
            && withdrawn.is_none_or(|withdrawn| gone == withdrawn)
            && deleted.is_none_or(|deleted| row.deleted.is_some() == deleted)
    };
    List::all().keep(keep).orders(DATASET_ORDERS).page(ask)
}

const DATASET: Operation = Operation::get("/v1/dataset", "dataset", GROUP, "one data set, or one version of it").with(
    &[Parameter::new("subject", Shape::Subject, "The data set, such as `dataset/risk/loans@2026-01`.").required()],
);

fn dataset(ask: &Ask<'_>) -> Result<Found, WebError> {
    one::<Dataset>(ask, "data set", &[ask.given.need("subject")?])
}

const DOCUMENT_ORDERS: &[Order<Document>] = &[("published", |row| row.act.received.clone())];
const DOCUMENTS: Operation = Operation {
    sorts: &["published"],
    ..Operation::get("/v1/documents", "documents", GROUP, "published documents").with(&[
        Parameter::new("about", Shape::Subject, "Only documents about this."),
        Parameter::new("type", Shape::Text, "Only this type, such as `model_card`."),
    ])
};

fn documents(ask: &Ask<'_>) -> Result<Found, WebError> {
    let r#type = ask.given.text("type");
    let keep = move |row: &Document| is(r#type, Some(&row.doc_type));
    List::of(ask.given.text("about")).keep(keep).orders(DOCUMENT_ORDERS).page(ask)
}

const NOTE_ORDERS: &[Order<Note>] = &[("received", |row| row.act.received.clone())];
const NOTES: Operation = Operation {
    sorts: &["received"],
    ..Operation::get("/v1/notes", "notes", GROUP, "other statements: oversight, notices, suppliers, risk, exceptions")
        .with(&[
            Parameter::new("about", Shape::Subject, "Only statements about this."),
            Parameter::new("verb", Shape::Text, "Only this kind, such as `oversight.assigned`."),
        ])
};

fn notes(ask: &Ask<'_>) -> Result<Found, WebError> {
    let verb = ask.given.text("verb");
    let keep = move |row: &Note| is(verb, Some(&row.verb));
    List::of(ask.given.text("about")).keep(keep).orders(NOTE_ORDERS).page(ask)
}
