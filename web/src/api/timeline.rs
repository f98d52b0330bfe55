//! What happened to a subject between two times, in plain words, a line an entry.

use modeltrail_compliance::words::sentence;
use modeltrail_store::Ledger;
use modeltrail_views::read::ReadEntry;
use modeltrail_views::rows::{Actor, Mark};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::list::{list_members, value};
use super::{Endpoint, Found, JSON};
use crate::api::ask::Ask;
use crate::entries::read;
use crate::errors::WebError;
use crate::openapi::operation::{Answer, Body, Operation, Parameter, Shape};
use crate::openapi::shapes;
use crate::query::{parse_number, wrong};
use crate::respond::PAGE_BYTES;

/// Entries of a trail that one page looks at: each is read with its record.
const MAX_LOOKED_AT: usize = 2_000;
/// Steps of a trail read at a time.
const STEPS: usize = 256;

pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint { operation: TIMELINE, newest: false, work: timeline }];

/// One thing that happened.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Line {
    /// The entry.
    pub(crate) entry: u64,
    /// The event's type; absent where it can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) r#type: Option<String>,
    /// When it happened, as the source says, else when it was received.
    pub(crate) happened: String,
    /// When the ledger received it.
    pub(crate) received: String,
    /// In plain words.
    pub(crate) says: String,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<Actor>,
    /// What became of its signatures.
    pub(crate) signature: Mark,
    /// Whether views believe it: it is not kept aside and no signature on it fails.
    pub(crate) counts: bool,
    /// The place of the entry on the trail, from 0.
    pub(crate) n: u64,
}

const TIMELINE: Operation = Operation {
    dated: true,
    paged: true,
    answers: &[Answer::ok("A page of what happened.", &[Body { media: JSON, schema: shapes::list::<Line> }])],
    ..Operation::get("/v1/timeline", "timeline", "Ledger", "what happened to a subject, in plain words")
        .with(&[
            Parameter::new("subject", Shape::Subject, "Whose trail; a model's holds what is about its versions, too.").required(),
            Parameter::new("from", Shape::Time, "Only what happened then or later."),
            Parameter::new("to", Shape::Until, "Only what happened then or before; a date stands for its end."),
        ])
        .more(
            "In the order of the log. `from` and `to` are held against the time that the source claims, and where it claims none against the \
             time of receipt. A page looks at 2,000 entries at most: it may be empty and still have a `next`.",
        )
};

fn timeline(ask: &Ask<'_>) -> Result<Found, WebError> {
    let (subject, limit) = (ask.given.need("subject")?, ask.given.limit());
    let (from, to) = (ask.given.time("from"), ask.given.until("to"));
    let first = match &ask.place {
        None => 0,
        Some(place) => parse_number(place).ok_or_else(|| wrong("cursor", "belongs to another list"))?,
    };
    let ledger = ask.state.ledger();
    let (mut rows, mut bytes, mut n) = (Vec::new(), 0, first);
    let looked_at = |n: u64| usize::try_from(n - first).unwrap_or(usize::MAX);
    loop {
        let steps = ledger.trail(subject, n, STEPS)?;
        let whole = steps.len() == STEPS;
        for index in steps {
            if index.get() >= ask.view.size() {
                return Ok(Found::Members(list_members(rows, None, false)));
            }
            if rows.len() == limit || bytes >= PAGE_BYTES || looked_at(n) == MAX_LOOKED_AT {
                let next = ask.next(&n.to_string());
                return Ok(Found::Members(list_members(rows, Some(next), false)));
            }
            let line = line(ledger, index.get(), n)?;
            let after = from.as_ref().is_none_or(|from| line.happened >= *from);
            if after && to.as_ref().is_none_or(|to| line.happened <= *to) {
                let row: Value = value(&line)?;
                bytes += row.to_string().len();
                rows.push(row);
            }
            n += 1;
        }
        if !whole {
            return Ok(Found::Members(list_members(rows, None, false)));
        }
    }
}

/// One entry of a trail, in words.
fn line(ledger: &Ledger, index: u64, n: u64) -> Result<Line, WebError> {
    let bytes = read(ledger, index)?.bytes;
    let opening = ledger.opening(index)?;
    let entry = ReadEntry::new(&bytes, opening.as_deref())
        .map_err(|error| WebError::Contradiction { what: format!("entry {index}: {error}") })?;
    let act = entry.act();
    Ok(Line {
        entry: index,
        r#type: Some(act.r#type.clone()).filter(|text| !text.is_empty()),
        happened: act.happened().to_owned(),
        received: act.received.clone(),
        says: sentence(&entry),
        actor: act.actor,
        signature: act.signature,
        counts: entry.counts(),
        n,
    })
}
