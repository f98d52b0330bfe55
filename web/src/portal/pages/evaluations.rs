//! Measurements of versions: against which thresholds, and whether those were set before.

use modeltrail_compliance::words::value_words;
use modeltrail_schemas::subject::Kind;
use modeltrail_views::rows::{Evaluation, Plan};
use modeltrail_views::tables::{number, part};
use serde_json::Value;

use crate::portal::bits::{
    Bit, Cell, act_cell, digest_bit, entry_bit, link, mark, party_bit, signature_bit, signature_words, subject_bit,
    time_bit, when_cell,
};
use crate::portal::blocks::{Block, Callout, Facts, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{missing, subjects_cell};
use crate::portal::links::Links;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{cut, holds, name_of, spaced};

/// Metrics and thresholds of one evaluation that its page shows.
const MAX_METRICS: usize = 1_000;

fn verdict_bit(evaluation: &Evaluation) -> Bit {
    match evaluation.verdict.as_deref() {
        _ if !evaluation.act.counts() => mark("critical", "✕", "counts for nothing"),
        _ if evaluation.replaced_by.is_some() => mark("neutral", "○", "replaced"),
        Some("passed") => mark("good", "✓", "passed"),
        Some("failed") => mark("high", "✕", "failed"),
        Some(other) => mark("medium", "■", spaced(other)),
        None => mark("neutral", "○", "no verdict said"),
    }
}

/// When thresholds were set, against when the result was known.
fn thresholds_cell(links: &Links, evaluation: &Evaluation) -> Cell {
    let Some(set) = &evaluation.thresholds_set else { return Cell::missing("evaluation.plan_declared") };
    let cell = Cell::from(time_bit(&set.value)).entry(links, set.entry);
    match evaluation.result_at.as_deref() {
        Some(result) if set.value.as_str() > result => cell.and(mark("high", "▲", "after the result")),
        Some(_) => cell.and(mark("good", "✓", "before the result")),
        None => cell,
    }
}

fn page_of(links: &Links, evaluation: &Evaluation) -> String {
    links.to(
        "/evaluation",
        &[("version", &evaluation.version), ("id", &evaluation.id), ("entry", &evaluation.act.entry.to_string())],
    )
}

const COLUMNS: &[Column<Evaluation>] = &[
    Column::sorted(
        "version",
        "Version",
        |evaluation| Order::text(Some(&evaluation.version)),
        |evaluation, links| Cell::from(subject_bit(links, &evaluation.version)),
    ),
    Column::sorted(
        "id",
        "Evaluation",
        |evaluation| Order::text(Some(&evaluation.id)),
        |evaluation, links| {
            Cell::from(Bit::Named {
                href: page_of(links, evaluation),
                name: cut(&evaluation.id),
                full: cut(&evaluation.id),
            })
        },
    ),
    Column::sorted(
        "verdict",
        "Verdict",
        |evaluation| Order::text(evaluation.verdict.as_deref()),
        |evaluation, _| Cell::from(verdict_bit(evaluation)),
    ),
    Column::sorted(
        "kind",
        "Kind",
        |evaluation| Order::text(evaluation.kind.as_deref()),
        |evaluation, _| evaluation.kind.as_deref().map_or_else(|| Cell::missing(""), |kind| Cell::words(spaced(kind))),
    ),
    Column::plain("Metrics", |evaluation, _| match &evaluation.metrics {
        Value::Null => Cell::none(),
        metrics => Cell::name(&metrics_words(metrics)),
    }),
    Column::plain("Thresholds set", |evaluation, links| thresholds_cell(links, evaluation)),
    Column::sorted(
        "result",
        "Result known",
        |evaluation| Order::text(evaluation.result_at.as_deref()),
        |evaluation, _| {
            evaluation.result_at.as_deref().map_or_else(|| Cell::missing(""), |at| Cell::from(time_bit(at)))
        },
    ),
    Column::sorted(
        "recorded",
        "Recorded",
        |evaluation| Order::Number(evaluation.act.entry),
        |evaluation, links| when_cell(links, &evaluation.act),
    ),
];

/// Metrics by name and value, the first few; anything that is no list of metrics as it is.
pub(super) fn metrics_words(metrics: &Value) -> String {
    const SHOWN: usize = 3;
    let named =
        |metric: &Value| Some(format!("{} {}", value_words(metric.get("name")?), value_words(metric.get("value")?)));
    let Some(list) = metrics.as_array() else { return named(metrics).unwrap_or_else(|| value_words(metrics)) };
    let mut words: Vec<String> =
        list.iter().take(SHOWN).map(|metric| named(metric).unwrap_or_else(|| value_words(metric))).collect();
    if list.len() > SHOWN {
        words.push(format!("{} more", list.len() - SHOWN));
    }
    words.join(", ")
}

/// Evaluations as a part of a version's page.
pub(super) fn part_of(cx: &Cx<'_>, mut evaluations: Vec<Evaluation>) -> Block {
    evaluations.sort_by_key(|evaluation| std::cmp::Reverse(evaluation.act.entry));
    let empty = Cell::words("Not measured: no")
        .and(Bit::Code("evaluation.recorded".to_owned()))
        .then("event names this version.");
    Listing::part("evaluations", "Evaluations", &COLUMNS[1..], empty).block(cx, evaluations)
}

pub(super) fn list(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (all, truncated) = cx.rows::<Evaluation>(&[])?;
    let matches = |evaluation: &Evaluation, text: &str| {
        holds([evaluation.id.as_str(), name_of(&evaluation.version).as_str()], text)
    };
    let verdict = |evaluation: &Evaluation, asked: &str| match asked {
        "late" => evaluation
            .thresholds_set
            .as_ref()
            .zip(evaluation.result_at.as_ref())
            .is_some_and(|(set, result)| set.value > *result),
        asked => evaluation.verdict.as_deref() == Some(asked),
    };
    let rows = all
        .into_iter()
        .filter(|evaluation| {
            cx.param("q").is_none_or(|text| matches(evaluation, text))
                && cx.param("verdict").is_none_or(|asked| verdict(evaluation, asked))
        })
        .collect();
    let mut page = Page::new("Evaluations", "Measurements");
    page.lead = Cell::words(
        "What was measured of each version, and whether its thresholds (the bounds that a metric must keep) stood before the result was known.",
    );
    page.main.push(Form::filter(
        cx,
        "Filter evaluations",
        vec![
            Field::text("q", "Version or id", cx.param("q"), ""),
            Field::choice(
                "verdict",
                "Verdict",
                cx.param("verdict"),
                [
                    ("passed", "passed"),
                    ("failed", "failed"),
                    ("inconclusive", "inconclusive"),
                    ("late", "thresholds after the result"),
                ],
            ),
        ],
    ));
    let empty = Cell::words("No evaluation matches. They come with")
        .and(Bit::Code("evaluation.recorded".to_owned()))
        .then("events.");
    page.main.push(
        Listing::main("evaluations", "Evaluations", COLUMNS, "-recorded", empty).bounded(truncated).block(cx, rows),
    );
    Ok(page)
}

fn member(value: &Value, name: &str) -> Cell {
    value.get(name).map_or_else(Cell::none, |value| Cell::name(&value_words(value)))
}

/// An element of a list and the entry that has it.
const METRICS: &[Column<(Value, u64)>] = &[
    Column::plain("Metric", |(metric, entry), links| member(metric, "name").entry(links, *entry)),
    Column::figures("Value", |(metric, _), _| member(metric, "value")),
    Column::plain("Slice", |(metric, _), _| {
        metric.get("slice").map_or_else(|| Cell::words("all"), |slice| Cell::name(&value_words(slice)))
    }),
    Column::plain("Dataset", |(metric, _), _| member(metric, "dataset")),
    Column::plain("Interval", |(metric, _), _| match (metric.get("ci_low"), metric.get("ci_high")) {
        (Some(low), Some(high)) => Cell::name(&format!("{} to {}", value_words(low), value_words(high))),
        _ => Cell::none(),
    }),
    Column::figures("Sample", |(metric, _), _| member(metric, "sample_size")),
    Column::plain("Threshold", |(metric, _), _| match metric.get("met").and_then(Value::as_bool) {
        Some(true) => Cell::from(mark("good", "✓", "met")),
        Some(false) => Cell::from(mark("high", "✕", "not met")),
        None => Cell::missing(""),
    }),
];

const THRESHOLDS: &[Column<(Value, u64)>] = &[
    Column::plain("Metric", |(threshold, entry), links| member(threshold, "metric").entry(links, *entry)),
    Column::plain("Bound", |(threshold, _), _| {
        let op = match threshold.get("op").and_then(Value::as_str) {
            Some("lt") => "below",
            Some("le") => "at most",
            Some("eq") => "exactly",
            Some("ge") => "at least",
            Some("gt") => "above",
            _ => "against",
        };
        Cell::words(op).join(member(threshold, "value"))
    }),
    Column::plain("Slice", |(threshold, _), _| {
        threshold.get("slice").map_or_else(|| Cell::words("all"), |slice| Cell::name(&value_words(slice)))
    }),
    Column::plain("Level", |(threshold, _), _| member(threshold, "level")),
];

fn items(value: &Value, entry: u64) -> Vec<(Value, u64)> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().take(MAX_METRICS).map(|item| (item.clone(), entry)).collect()
}

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (version, id) = (cx.demanded("version")?, cx.demanded("id")?);
    let entry = cx.demanded("entry")?.parse::<u64>().map_err(|_| crate::query::wrong("entry", "is not a number"))?;
    let Some(evaluation) = cx.view().get::<Evaluation>(&[version, &part(id), &number(entry)])? else {
        return Err(missing(cx, "evaluation", version)?);
    };
    let links = &cx.links;
    let mut page = Page::new(cut(&evaluation.id), "Evaluation")
        .crumb("Evaluations", links.to("/evaluations", &[]))
        .crumb(name_of(version), links.subject(version));
    page.lead = Cell::from(verdict_bit(&evaluation)).join(Cell::subject(links, version));
    if let Some(by) = evaluation.replaced_by {
        page.main.push(Block::Callout(Callout {
            tone: "note",
            word: "Replaced",
            text: Cell::words("A later evaluation takes its place:").and(entry_bit(links, by)),
        }));
    }
    page.main.push(
        Listing::part("metrics", "Metrics", METRICS, Cell::words("The event names no metric."))
            .block(cx, items(&evaluation.metrics, evaluation.act.entry)),
    );
    let plan = match &evaluation.plan {
        Some(plan) => cx.view().get::<Plan>(&[version, &part(plan)])?,
        None => None,
    };
    let thresholds = match &plan {
        Some(plan) if !evaluation.thresholds.is_array() => items(&plan.thresholds, plan.act.entry),
        _ => items(&evaluation.thresholds, evaluation.act.entry),
    };
    let empty = Cell::words("Neither the event nor its plan names a threshold.");
    page.main.push(Listing::part("thresholds", "Thresholds", THRESHOLDS, empty).block(cx, thresholds));
    page.aside.push(Block::Facts(facts(links, &evaluation, plan.as_ref())));
    Ok(page)
}

fn facts(links: &Links, evaluation: &Evaluation, plan: Option<&Plan>) -> Facts {
    let plan_cell = match (plan, &evaluation.plan) {
        (Some(plan), _) => Cell::name(&plan.id).then("declared").join(act_cell(links, &plan.act)),
        (None, Some(named)) => Cell::name(named).aside("no entry declares it"),
        (None, None) => Cell::missing("evaluation.plan_declared"),
    };
    let own = |cell: Cell| cell.entry(links, evaluation.act.entry);
    Facts::new("Facts", "facts")
        .row("Version", Cell::subject(links, &evaluation.version))
        .row(
            "Manifest digest",
            evaluation
                .manifest_digest
                .as_deref()
                .map_or_else(|| Cell::missing("evaluation.recorded"), |digest| own(Cell::from(digest_bit(digest)))),
        )
        .row("Thresholds set", thresholds_cell(links, evaluation))
        .row(
            "Result known",
            evaluation
                .result_at
                .as_deref()
                .map_or_else(|| Cell::missing("evaluation.recorded"), |at| own(Cell::from(time_bit(at)))),
        )
        .row("Plan", plan_cell)
        .row(
            "Evaluator",
            evaluation
                .evaluator
                .as_deref()
                .map_or_else(|| Cell::missing("evaluation.recorded"), |party| own(Cell::from(party_bit(links, party)))),
        )
        .row("Datasets", own(subjects_cell(links, &evaluation.datasets, 20)))
        .row("Recorded", act_cell(links, &evaluation.act))
        .row(
            "Signature",
            Cell::from(signature_bit(evaluation.act.signature)).aside(signature_words(evaluation.act.signature)),
        )
        .row("History", Cell::from(link(links.to("/changes", &[("subject", &evaluation.version)]), "of the version")))
}

/// A version's name without asking whether it is known.
pub(super) fn is_version(subject: &str) -> bool {
    modeltrail_schemas::subject::Subject::parse(subject)
        .is_ok_and(|subject| subject.kind() == Kind::Model && subject.version().is_some())
}
