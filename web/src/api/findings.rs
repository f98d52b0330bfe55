//! Broken expectations, and the rules that look for them.

use modeltrail_views::findings::RULES;
use modeltrail_views::rows::{Finding, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{List, Order, is, list_members, value};
use super::{Endpoint, Found, JSON, one, row_of, rows_of};
use crate::api::ask::Ask;
use crate::errors::WebError;
use crate::openapi::operation::{Answer, Body, Operation, Parameter, Shape};
use crate::openapi::shapes;

const GROUP: &str = "Findings";
const SEVERITIES: &[&str] = &["critical", "high", "medium", "low"];

pub(super) const ENDPOINTS: &[Endpoint] = &[
    rows_of::<Finding>(FINDINGS, findings),
    row_of::<Finding>(FINDING, finding),
    Endpoint { operation: RULES_OPERATION, newest: false, work: rules },
];

/// The word of a severity, as it is in JSON.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

const ORDERS: &[Order<Finding>] = &[
    ("id", |row| row.id.clone()),
    ("since", |row| row.since.clone()),
    ("severity", |row| format!("{} {}", row.severity as u8, row.since)),
];
const FINDINGS: Operation = Operation {
    sorts: &["id", "since", "severity"],
    ..Operation::get("/v1/findings", "findings", GROUP, "broken expectations that the log shows").with(&[
        Parameter::new("rule", Shape::Text, "Only findings of this rule, such as `deployment-without-approval`."),
        Parameter::new("severity", Shape::Choice(SEVERITIES), "Only findings that weigh this much."),
        Parameter::new("subject", Shape::Subject, "Only findings that point at this, or at a version of it."),
        Parameter::new("since", Shape::Time, "Only findings whose entry was received then or later."),
        Parameter::new("open", Shape::Flag, "`1`: only findings that no entry ended; `0`: only ended ones."),
    ])
};

fn findings(ask: &Ask<'_>) -> Result<Found, WebError> {
    let [rule, severity, subject] = ["rule", "severity", "subject"].map(|name| ask.given.text(name));
    let (since, open) = (ask.given.time("since"), ask.given.flag("open"));
    let keep = move |row: &Finding| {
        let points = |at: &String| Some(at.as_str()) == subject || at.split('@').next() == subject;
        is(rule, Some(&row.rule))
            && is(severity, Some(word(row.severity)))
            && (subject.is_none() || row.subjects.iter().any(points))
            && since.as_ref().is_none_or(|since| row.since >= *since)
            && open.is_none_or(|open| row.ended.is_none() == open)
    };
    List::all().keep(keep).orders(ORDERS).page(ask)
}

const FINDING: Operation = Operation::get("/v1/finding", "finding", GROUP, "one finding").with(&[Parameter::new(
    "id",
    Shape::Text,
    "Its id: the rule, and the entry that shows it, such as `signature-bad-426`.",
)
.required()]);

fn finding(ask: &Ask<'_>) -> Result<Found, WebError> {
    let id = ask.given.need("id")?;
    one::<Finding>(ask, "finding", &[&modeltrail_views::tables::part(id)])
}

/// A rule.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Rule {
    /// Its id, for good.
    pub(crate) id: String,
    /// How much its findings weigh.
    pub(crate) severity: Severity,
    /// What is expected.
    pub(crate) expected: String,
}

const RULES_OPERATION: Operation = Operation {
    dated: true,
    answers: &[Answer::ok("All rules.", &[Body { media: JSON, schema: shapes::list::<Rule> }])],
    ..Operation::get("/v1/rules", "rules", GROUP, "the rules that findings come from")
};

fn rules(_: &Ask<'_>) -> Result<Found, WebError> {
    let rows = RULES.iter().map(|rule| {
        value(&Rule { id: rule.id.to_owned(), severity: rule.severity, expected: rule.expected.to_owned() })
    });
    Ok(Found::Members(list_members(rows.collect::<Result<_, _>>()?, None, false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_have_the_words_of_the_rows() {
        for (severity, name) in
            [Severity::Critical, Severity::High, Severity::Medium, Severity::Low].into_iter().zip(SEVERITIES)
        {
            assert_eq!(serde_json::to_value(severity).unwrap(), *name);
            assert_eq!(word(severity), *name);
        }
    }
}
