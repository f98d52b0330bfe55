//! What a thing was made of, and what was made of it.

use modeltrail_views::lineage::{Direction, Lineage, MAX_DEPTH, MAX_NODES, walk};
use modeltrail_views::rows::Edge;
use modeltrail_views::tables::Table;
use serde_json::Map;

use super::list::value;
use super::{Endpoint, Found, JSON, rows_of, unknown};
use crate::api::ask::Ask;
use crate::api::list::{List, is};
use crate::errors::WebError;
use crate::openapi::operation::{Answer, Body, Operation, Parameter, Shape};
use crate::openapi::shapes;

const GROUP: &str = "Lineage";
/// Steps from the start, unless asked otherwise: what a person reads at once. All of it is asked for by the most.
const DEFAULT_DEPTH: u64 = 10;
/// Subjects of one answer, unless asked otherwise.
const DEFAULT_NODES: u64 = 1_000;

pub(super) const ENDPOINTS: &[Endpoint] =
    &[Endpoint { operation: LINEAGE, newest: false, work: lineage }, rows_of::<Edge>(EDGES, edges)];

const LINEAGE: Operation = Operation {
    dated: true,
    answers: &[Answer::ok("What the walk found.", &[Body { media: JSON, schema: shapes::one::<Lineage> }])],
    ..Operation::get("/v1/lineage", "lineage", GROUP, "a walk over what was made of what")
        .with(&[
            Parameter::new("subject", Shape::Subject, "Where it begins.").required(),
            Parameter::new(
                "direction",
                Shape::Choice(&["up", "down", "both"]),
                "`up`: to what it was made of; `down`: to what was made of it; `both` when left out.",
            ),
            Parameter::new("depth", Shape::Between(1, MAX_DEPTH as u64), "The most steps from the start; 10 when left out."),
            Parameter::new("nodes", Shape::Between(1, MAX_NODES as u64), "The most subjects of the answer; 1,000 when left out."),
        ])
        .more("Breadth first; a cycle is walked once. `truncated` says which bound ended it, and a node's `more` how many edges were not followed from there.")
};

fn lineage(ask: &Ask<'_>) -> Result<Found, WebError> {
    let subject = ask.given.need("subject")?;
    let direction = match ask.given.text("direction") {
        Some("up") => Direction::Up,
        Some("down") => Direction::Down,
        _ => Direction::Both,
    };
    let bound = |name, default| usize::try_from(ask.given.number(name).unwrap_or(default)).unwrap_or(usize::MAX);
    if !ask.view.has(Table::Subjects, &[subject])? {
        return Err(unknown(ask, "subject", subject));
    }
    let found = walk(&ask.view, subject, direction, bound("depth", DEFAULT_DEPTH), bound("nodes", DEFAULT_NODES))?;
    Ok(Found::Members(Map::from_iter([("row".to_owned(), value(&found)?)])))
}

const EDGES: Operation = Operation::get("/v1/edges", "edges", GROUP, "single edges, with the entry that made each")
    .with(&[
        Parameter::new("from", Shape::Subject, "Only edges from this."),
        Parameter::new("to", Shape::Subject, "Only edges to this."),
        Parameter::new("role", Shape::Text, "Only this role, such as `input`, `base` or `serves`."),
    ]);

fn edges(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [from, to, role] = ["from", "to", "role"].map(|name| ask.given.text(name));
    let list = match (from, to) {
        (None, Some(to)) => List::of(Some(to)).table(Table::EdgesIn),
        _ => List::of(from),
    };
    list.keep(move |row: &Edge| is(to, Some(&row.to)) && is(role, Some(&row.role))).page(ask)
}
