//! Parties and what they did.

use modeltrail_views::rows::{Party, PartyAct};
use modeltrail_views::tables::part;

use super::list::{List, Order, is};
use super::{Endpoint, Found, one, row_of, rows_of};
use crate::api::ask::Ask;
use crate::errors::WebError;
use crate::openapi::operation::{Operation, Parameter, Shape};

const GROUP: &str = "Parties";

pub(super) const ENDPOINTS: &[Endpoint] =
    &[rows_of::<Party>(PARTIES, parties), row_of::<Party>(PARTY, party), rows_of::<PartyAct>(ACTS, acts)];

const PARTIES: Operation = Operation {
    sorts: &["first"],
    ..Operation::get("/v1/parties", "parties", GROUP, "parties, by their pseudonyms").with(&[Parameter::new(
        "q",
        Shape::Text,
        "Only pseudonyms that begin so.",
    )])
};

fn parties(ask: &Ask<'_>) -> Result<Found, WebError> {
    const ORDERS: &[Order<Party>] = &[("first", |row| format!("{:020}", row.first))];
    List::all().begins(ask.given.text("q").map(part).unwrap_or_default()).orders(ORDERS).page(ask)
}

const PARTY: Operation = Operation::get("/v1/party", "party", GROUP, "one party").with(&[Parameter::new(
    "party",
    Shape::Text,
    "The pseudonym.",
)
.required()]);

fn party(ask: &Ask<'_>) -> Result<Found, WebError> {
    one::<Party>(ask, "party", &[&part(ask.given.need("party")?)])
}

const ACTS: Operation = Operation {
    sorts: &["received"],
    ..Operation::get("/v1/acts", "acts", GROUP, "what parties did").with(&[
        Parameter::new("party", Shape::Text, "Only what this party did."),
        Parameter::new("capacity", Shape::Text, "Only as this, such as `approver`."),
        Parameter::new("about", Shape::Subject, "Only what was done about this."),
    ])
};

fn acts(ask: &Ask<'_>) -> Result<Found, WebError> {
    const ORDERS: &[Order<PartyAct>] = &[("received", |row| row.act.received.clone())];
    let [capacity, about] = ["capacity", "about"].map(|name| ask.given.text(name));
    let party = ask.given.text("party").map(part);
    let keep = move |row: &PartyAct| is(capacity, Some(&row.capacity)) && is(about, row.about.as_deref());
    List::of(party.as_deref()).keep(keep).orders(ORDERS).page(ask)
}
