//! Judgements: approvals, plans, evaluations, validations, reviews, incidents, monitoring.

use modeltrail_views::rows::{Approval, Evaluation, Incident, Monitoring, Plan, Remark, Review, Validation};

use super::list::{List, Order, has, is};
use super::{Endpoint, Found, one, row_of, rows_of};
use crate::api::ask::Ask;
use crate::errors::WebError;
use crate::openapi::operation::{Operation, Parameter, Shape};

const GROUP: &str = "Judgements";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    rows_of::<Approval>(APPROVALS, approvals),
    row_of::<Approval>(APPROVAL, approval),
    rows_of::<Plan>(PLANS, plans),
    rows_of::<Evaluation>(EVALUATIONS, evaluations),
    rows_of::<Validation>(VALIDATIONS, validations),
    rows_of::<Remark>(REMARKS, remarks),
    rows_of::<Review>(REVIEWS, reviews),
    rows_of::<Monitoring>(MONITORING, monitoring),
    rows_of::<Incident>(INCIDENTS, incidents),
    row_of::<Incident>(INCIDENT, incident),
];

const APPROVAL_ORDERS: &[Order<Approval>] = &[
    ("about", |row| row.about.clone()),
    ("requested", |row| row.requested.as_ref().map(|act| act.received.clone()).unwrap_or_default()),
    ("granted", |row| row.granted.as_ref().map(|act| act.received.clone()).unwrap_or_default()),
    ("expires", |row| row.expires.as_ref().map(|said| said.value.clone()).unwrap_or_default()),
];
const APPROVALS: Operation = Operation {
    sorts: &["about", "requested", "granted", "expires"],
    ..Operation::get("/v1/approvals", "approvals", GROUP, "approvals, from request to end")
        .with(&[
            Parameter::new("about", Shape::Subject, "Only approvals of this."),
            Parameter::new(
                "state",
                Shape::Choice(&["requested", "granted", "rejected", "withdrawn", "revoked", "expired"]),
                "Only approvals in this state, as the entries say.",
            ),
            Parameter::new("party", Shape::Text, "Only approvals that this party granted or asked for."),
            Parameter::new("digest", Shape::Text, "Only approvals bound to this manifest digest, `sha256:…`."),
            Parameter::new("place", Shape::Subject, "Only approvals that hold for this service, or for all."),
            Parameter::new("expires_before", Shape::Time, "Only approvals that end before then."),
            Parameter::new(
                "conditions",
                Shape::Choice(&["open", "none"]),
                "Only approvals with a condition not met, or with none.",
            ),
            Parameter::new(
                "emergency",
                Shape::Flag,
                "`1`: only approvals of acts that came before them; `0`: only others.",
            ),
        ])
        .more("Time alone changes no row: compare `expires` with the time that you ask about.")
};

fn approvals(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [state, party, digest, place, conditions] =
        ["state", "party", "digest", "place", "conditions"].map(|name| ask.given.text(name));
    let (before, emergency) = (ask.given.time("expires_before"), ask.given.flag("emergency"));
    let keep = move |row: &Approval| {
        let open = row.conditions.iter().any(|condition| condition.met.is_none());
        let asked = row.requested.as_ref().and_then(|act| act.actor.as_ref()).map(|actor| actor.id.as_str());
        let expires = row.expires.as_ref().map(|said| said.value.as_str());
        is(state, Some(&row.state))
            && party.is_none_or(|party| asked == Some(party) || row.approvers.iter().any(|one| one == party))
            && is(digest, row.digest.as_ref().map(|said| said.value.as_str()))
            && place.is_none_or(|place| row.places().is_empty() || row.places().iter().any(|one| one == place))
            && before.as_deref().is_none_or(|before| expires.is_some_and(|expires| expires < before))
            && conditions.is_none_or(|wanted| if wanted == "open" { open } else { row.conditions.is_empty() })
            && emergency.is_none_or(|emergency| row.emergency == emergency)
    };
    List::of(ask.given.text("about")).keep(keep).orders(APPROVAL_ORDERS).page(ask)
}

const APPROVAL: Operation = Operation::get("/v1/approval", "approval", GROUP, "one approval").with(&[
    Parameter::new("about", Shape::Subject, "What it approves.").required(),
    Parameter::new("id", Shape::Text, "Its id.").required(),
]);

fn approval(ask: &Ask<'_>) -> Result<Found, WebError> {
    let id = modeltrail_views::tables::part(ask.given.need("id")?);
    one::<Approval>(ask, "approval", &[ask.given.need("about")?, &id])
}

const PLANS: Operation =
    Operation::get("/v1/plans", "plans", GROUP, "plans: thresholds laid down before they are used").with(&[
        Parameter::new("about", Shape::Subject, "Only plans for this."),
        Parameter::new("kind", Shape::Choice(&["evaluation", "monitoring"]), "Only plans of this kind."),
    ]);

fn plans(ask: &Ask<'_>) -> Result<Found, WebError> {
    let kind = ask.given.text("kind");
    List::of(ask.given.text("about")).keep(move |row: &Plan| is(kind, Some(&row.kind))).page(ask)
}

const EVALUATION_ORDERS: &[Order<Evaluation>] = &[
    ("version", |row| row.version.clone()),
    ("recorded", |row| row.act.received.clone()),
    ("result_at", |row| row.result_at.clone().unwrap_or_default()),
];
const EVALUATIONS: Operation = Operation {
    sorts: &["version", "recorded", "result_at"],
    ..Operation::get(
        "/v1/evaluations",
        "evaluations",
        GROUP,
        "measurements, with their thresholds and when those were set",
    )
    .with(&[
        Parameter::new("version", Shape::Subject, "Only measurements of this version."),
        Parameter::new("verdict", Shape::Text, "Only `passed`, `failed` or `inconclusive`."),
        Parameter::new("kind", Shape::Text, "Only this kind, such as `fairness`."),
        Parameter::new("plan", Shape::Text, "Only measurements under this plan."),
        Parameter::new("replaced", Shape::Flag, "`1`: only those that a later one replaces; `0`: only others."),
    ])
};

fn evaluations(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [verdict, kind, plan] = ["verdict", "kind", "plan"].map(|name| ask.given.text(name));
    let replaced = ask.given.flag("replaced");
    let keep = move |row: &Evaluation| {
        is(verdict, row.verdict.as_deref())
            && is(kind, row.kind.as_deref())
            && is(plan, row.plan.as_deref())
            && replaced.is_none_or(|replaced| row.replaced_by.is_some() == replaced)
    };
    List::of(ask.given.text("version")).keep(keep).orders(EVALUATION_ORDERS).page(ask)
}

const VALIDATION_ORDERS: &[Order<Validation>] =
    &[("version", |row| row.version.clone()), ("recorded", |row| row.act.received.clone())];
const VALIDATIONS: Operation = Operation {
    sorts: &["version", "recorded"],
    ..Operation::get("/v1/validations", "validations", GROUP, "independent judgements of versions").with(&[
        Parameter::new("version", Shape::Subject, "Only judgements of this version."),
        Parameter::new("outcome", Shape::Text, "Only `accepted`, `accepted_with_conditions` or `rejected`."),
        Parameter::new("validator", Shape::Text, "Only judgements by this party."),
    ])
};

fn validations(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [outcome, validator] = ["outcome", "validator"].map(|name| ask.given.text(name));
    let keep = move |row: &Validation| is(outcome, Some(&row.outcome)) && is(validator, row.validator.as_deref());
    List::of(ask.given.text("version")).keep(keep).orders(VALIDATION_ORDERS).page(ask)
}

const REMARKS: Operation =
    Operation::get("/v1/remarks", "remarks", GROUP, "what validations found, from opening to closing").with(&[
        Parameter::new("about", Shape::Subject, "Only remarks about this model or version."),
        Parameter::new("open", Shape::Flag, "`1`: only open ones; `0`: only closed ones."),
    ]);

fn remarks(ask: &Ask<'_>) -> Result<Found, WebError> {
    let open = ask.given.flag("open");
    let keep = move |row: &Remark| open.is_none_or(|open| row.closed.is_none() == open);
    List::of(ask.given.text("about")).keep(keep).page(ask)
}

const REVIEW_ORDERS: &[Order<Review>] =
    &[("due", |row| row.due.as_ref().map(|said| said.value.clone()).unwrap_or_default())];
const REVIEWS: Operation = Operation {
    sorts: &["due"],
    ..Operation::get("/v1/reviews", "reviews", GROUP, "reviews, due and done").with(&[
        Parameter::new("about", Shape::Subject, "Only reviews of this."),
        Parameter::new("open", Shape::Flag, "`1`: only reviews not done; `0`: only others."),
        Parameter::new("due_before", Shape::Time, "Only reviews due before then."),
    ])
};

fn reviews(ask: &Ask<'_>) -> Result<Found, WebError> {
    let (open, before) = (ask.given.flag("open"), ask.given.time("due_before"));
    let keep = move |row: &Review| {
        let due = row.due.as_ref().map(|said| said.value.as_str());
        open.is_none_or(|open| row.done.is_none() == open)
            && before.as_deref().is_none_or(|before| due.is_some_and(|due| due < before))
    };
    List::of(ask.given.text("about")).keep(keep).orders(REVIEW_ORDERS).page(ask)
}

const MONITORING: Operation = Operation {
    sorts: &["received"],
    ..Operation::get(
        "/v1/monitoring",
        "monitoring",
        GROUP,
        "what was watched in use: metrics, drifts, breaches and answers",
    )
    .with(&[
        Parameter::new("version", Shape::Subject, "Only this version."),
        Parameter::new("verb", Shape::Text, "Only this kind, such as `threshold_breached`."),
    ])
};

fn monitoring(ask: &Ask<'_>) -> Result<Found, WebError> {
    const ORDERS: &[Order<Monitoring>] = &[("received", |row| row.act.received.clone())];
    let verb = ask.given.text("verb");
    List::of(ask.given.text("version")).keep(move |row: &Monitoring| is(verb, Some(&row.verb))).orders(ORDERS).page(ask)
}

const INCIDENT_ORDERS: &[Order<Incident>] = &[
    ("subject", |row| row.subject.clone()),
    ("opened", |row| row.steps.first().map(|step| step.act.received.clone()).unwrap_or_default()),
];
const INCIDENTS: Operation = Operation {
    sorts: &["subject", "opened"],
    ..Operation::get("/v1/incidents", "incidents", GROUP, "incidents").with(&[
        Parameter::new("affects", Shape::Subject, "Only incidents that touch this model, version or service."),
        Parameter::new("state", Shape::Choice(&["open", "resolved", "closed"]), "Only incidents in this state."),
        Parameter::new("severity", Shape::Text, "Only incidents of this severity."),
        Parameter::new("q", Shape::Text, "Only titles and subjects with this in them, letters of any case."),
    ])
};

fn incidents(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [affects, state, severity, q] = ["affects", "state", "severity", "q"].map(|name| ask.given.text(name));
    let keep = move |row: &Incident| {
        let title = row.title.as_ref().map_or("", |said| said.value.as_str());
        let of_it = |touched: &String| Some(touched.as_str()) == affects || touched.split('@').next() == affects;
        (affects.is_none() || row.affected.iter().any(of_it))
            && is(state, Some(&row.state))
            && is(severity, row.severity.as_ref().map(|said| said.value.as_str()))
            && q.is_none_or(|q| has(&row.subject, q) || has(title, q))
    };
    List::all().keep(keep).orders(INCIDENT_ORDERS).page(ask)
}

const INCIDENT: Operation = Operation::get("/v1/incident", "incident", GROUP, "one incident with its steps")
    .with(&[Parameter::new("subject", Shape::Subject, "The incident, such as `incident/inc-7`.").required()]);

fn incident(ask: &Ask<'_>) -> Result<Found, WebError> {
    one::<Incident>(ask, "incident", &[ask.given.need("subject")?])
}
