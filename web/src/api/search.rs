//! One box: finds by name, digest, party, id or entry.

use std::collections::BTreeMap;

use modeltrail_schemas::subject::Subject as Name;
use modeltrail_views::rows::Party;
use modeltrail_views::tables::{Table, part};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{list_members, value};
use super::{Endpoint, Found, JSON};
use crate::api::ask::Ask;
use crate::errors::WebError;
use crate::openapi::operation::{Answer, Body, Operation, Parameter, Shape};
use crate::openapi::shapes;
use crate::query::{MAX_LIMIT, parse_number};

/// Digits of a digest that are looked for: fewer find half the ledger.
const MIN_DIGITS: usize = 4;
/// The longest digest: that of SHA-512, in hex.
const MAX_DIGITS: usize = 128;

pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint { operation: SEARCH, newest: false, work: search }];

/// Something found.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Hit {
    /// What it is: `subject`, `party` or `entry`.
    pub(crate) is: String,
    /// The subject, the pseudonym or the entry's index.
    pub(crate) name: String,
    /// What the text fits: `subject`, `word`, `digest`, `party` or `index`.
    pub(crate) by: String,
}

const SEARCH: Operation = Operation {
    dated: true,
    answers: &[Answer::ok("What was found, the nearest first.", &[Body { media: JSON, schema: shapes::list::<Hit> }])],
    ..Operation::get("/v1/search", "search", "Ledger", "finds by name, digest, party, id or entry")
        .with(&[
            Parameter::new(
                "q",
                Shape::Text,
                "A subject, the beginning of a name or id, of a digest or of a party, or the index of an entry.",
            )
            .required(),
            Parameter::new("limit", Shape::Between(1, MAX_LIMIT as u64), "The most hits; 100 when left out."),
        ])
        .more("`truncated` says that there are more hits than were asked for: a longer text finds fewer.")
};

fn search(ask: &Ask<'_>) -> Result<Found, WebError> {
    let (text, limit) = (ask.given.need("q")?.trim(), ask.given.limit());
    // The best reason for each thing comes first and stays.
    let mut hits: Vec<Hit> = Vec::new();
    let mut places: BTreeMap<(String, String), ()> = BTreeMap::new();
    let mut found = |is: &str, name: String, by: &str| {
        if places.insert((is.to_owned(), name.clone()), ()).is_none() {
            hits.push(Hit { is: is.to_owned(), name, by: by.to_owned() });
        }
    };
    if Name::parse(text).is_ok() && ask.view.has(Table::Subjects, &[text])? {
        found("subject", text.to_owned(), "subject");
    }
    if let Some(index) = parse_number(text.trim_start_matches('#')).filter(|index| *index < ask.view.size()) {
        found("entry", index.to_string(), "index");
    }
    if ask.view.get::<Party>(&[&part(text)])?.is_some() {
        found("party", text.to_owned(), "party");
    }
    let digits = text.trim_start_matches("sha256:");
    if (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        ask.view.find_digest(text, limit + 1)?.into_iter().for_each(|subject| found("subject", subject, "digest"));
    }
    if !text.is_empty() {
        ask.view.find(text, limit + 1)?.into_iter().for_each(|subject| found("subject", subject, "word"));
    }
    let truncated = hits.len() > limit;
    let rows = hits.iter().take(limit).map(value).collect::<Result<_, _>>()?;
    Ok(Found::Members(list_members(rows, None, truncated)))
}
