//! Every model, in one list.

use modeltrail_views::rows::{Deployment, Finding, Member, Model};

use crate::portal::bits::{Bit, Cell, link, party_bit, subject_bit, time_bit};
use crate::portal::blocks::{Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{Count, findings_by_subject, running_by_model, standing};
use crate::portal::links::joined;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{cut, holds, name_of, spaced};

/// A model with what other tables say of it.
pub(super) struct Row {
    model: Model,
    places: Vec<(String, Member)>,
    findings: Count,
}

/// A model's tiers in one text, for filters and order.
fn tiers(model: &Model) -> String {
    let tiers: Vec<&str> = model.tiers.values().map(|tier| tier.value.value.as_str()).collect();
    tiers.join(", ")
}

pub(super) const COLUMNS: &[Column<Row>] = &[
    Column::sorted(
        "name",
        "Model",
        |row| Order::text(Some(&row.model.subject)),
        |row, links| Cell::subject(links, &row.model.subject),
    ),
    Column::sorted(
        "tier",
        "Tier",
        |row| Order::text(Some(&tiers(&row.model))),
        |row, links| {
            if row.model.tiers.is_empty() {
                return Cell::missing("risk.tier_changed");
            }
            Cell::lines(row.model.tiers.iter().map(|(scheme, tier)| {
                Cell::name(&tier.value.value).aside(spaced(scheme)).and(Bit::Break).entry(links, tier.entry)
            }))
        },
    ),
    Column::sorted(
        "kind",
        "Kind",
        |row| Order::text(row.model.kind.as_ref().map(|kind| kind.value.as_str())),
        |row, links| {
            row.model.kind.as_ref().map_or_else(
                || Cell::missing("model.created"),
                |kind| Cell::words(spaced(&kind.value)).and(Bit::Break).entry(links, kind.entry),
            )
        },
    ),
    Column::sorted(
        "owner",
        "Owner",
        |row| Order::text(row.model.duties.get("owner").map(|owner| owner.value.as_str())),
        |row, links| {
            let owner = row.model.duties.get("owner");
            owner.map_or_else(
                || Cell::missing("model.created"),
                |owner| Cell::from(party_bit(links, &owner.value)).and(Bit::Break).entry(links, owner.entry),
            )
        },
    ),
    Column::sorted(
        "latest",
        "Latest",
        |row| Order::text(row.model.latest.as_ref().map(|latest| latest.value.as_str())),
        |row, links| match &row.model.latest {
            Some(latest) => Cell::from(Bit::Named {
                href: links.subject(&latest.value),
                name: latest.value.rsplit('@').next().unwrap_or_default().to_owned(),
                full: name_of(&latest.value),
            })
            .and(Bit::Break)
            .entry(links, latest.entry),
            None => Cell::missing("model.version_registered"),
        },
    ),
    Column::number(
        "versions",
        "Versions",
        |row| Order::Number(row.model.versions),
        |row, _| Cell::number(row.model.versions),
    ),
    Column::sorted(
        "runs",
        "Runs in",
        |row| Order::text(row.places.first().map(|(place, _)| place.as_str())),
        |row, links| {
            if row.places.is_empty() {
                let retired = row.model.retired.as_ref();
                return retired.map_or_else(
                    || Cell::from(Bit::Aside("nowhere".to_owned())),
                    |act| Cell::words("retired").entry(links, act.entry),
                );
            }
            Cell::lines(row.places.iter().map(|(place, member)| {
                let version = member.subject.rsplit('@').next().unwrap_or_default();
                Cell::from(subject_bit(links, place)).and(Bit::Break).aside(format!(
                    "{}, {}",
                    cut(version),
                    spaced(&member.role)
                ))
            }))
        },
    ),
    Column::number(
        "findings",
        "Findings",
        |row| Order::Number(row.findings.number),
        |row, links| row.findings.cell(links, &row.model.subject),
    ),
    Column::sorted(
        "changed",
        "Last changed",
        |row| Order::Number(row.model.changed.entry),
        |row, links| Cell::from(time_bit(&row.model.changed.received)).entry(links, row.model.changed.entry),
    ),
];

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (models, truncated) = cx.rows::<Model>(&[])?;
    let all = gathered(cx, models)?;
    let known: std::collections::BTreeSet<String> =
        all.iter().flat_map(|row| row.model.tiers.values().map(|tier| tier.value.value.clone())).collect();
    let kinds: std::collections::BTreeSet<String> =
        all.iter().filter_map(|row| row.model.kind.as_ref().map(|kind| kind.value.clone())).collect();
    let rows: Vec<Row> = all.into_iter().filter(|row| wanted(cx, row)).collect();
    let mut page = Page::new("Models", "Inventory");
    page.lead = Cell::words("Every model that an entry names, with what is known of it at this point.");
    page.actions = actions(cx);
    page.main.push(Form::filter(
        cx,
        "Filter models",
        vec![
            Field::text("q", "Name contains", cx.param("q"), ""),
            Field::choice("tier", "Tier", cx.param("tier"), known.iter().map(|tier| (tier.as_str(), tier.as_str()))),
            Field::choice("kind", "Kind", cx.param("kind"), kinds.iter().map(|kind| (kind.as_str(), kind.as_str()))),
            Field::choice("runs", "Runs", cx.param("runs"), [("yes", "somewhere"), ("no", "nowhere")]),
        ],
    ));
    let empty = Cell::words("No model matches. Models appear with")
        .and(Bit::Code("model.created".to_owned()))
        .then("and")
        .and(Bit::Code("model.version_registered".to_owned()))
        .then("events.");
    page.main.push(Listing::main("models", "Models", COLUMNS, "name", empty).bounded(truncated).block(cx, rows));
    Ok(page)
}

fn actions(cx: &Cx<'_>) -> Vec<Bit> {
    let size = cx.size.to_string();
    let report =
        |format: &'static str| joined("/v1/inventory", [("as_of", size.as_str()), ("format", format)].into_iter());
    vec![
        link(report("html"), "Inventory report as of this point"),
        link(report("csv"), "as CSV"),
        link(report("json"), "as JSON"),
        link(cx.links.to("/changes", &[]), "What changed between two dates"),
    ]
}

/// Models with where they run and what points at them.
pub(super) fn gathered(cx: &Cx<'_>, models: Vec<Model>) -> Result<Vec<Row>, Fault> {
    let (deployments, _) = cx.rows::<Deployment>(&[])?;
    let findings = standing(cx.rows::<Finding>(&[])?.0);
    let (mut places, findings) = (running_by_model(&deployments), findings_by_subject(&findings));
    let row = |model: Model| Row {
        places: places.remove(&model.subject).unwrap_or_default(),
        findings: Count::of(&findings, &model.subject),
        model,
    };
    Ok(models.into_iter().map(row).collect())
}

fn wanted(cx: &Cx<'_>, row: &Row) -> bool {
    let model = &row.model;
    cx.param("q").is_none_or(|text| holds([name_of(&model.subject).as_str()], text))
        && cx.param("tier").is_none_or(|tier| model.tiers.values().any(|known| known.value.value == tier))
        && cx.param("kind").is_none_or(|kind| model.kind.as_ref().is_some_and(|known| known.value == kind))
        && cx.param("runs").is_none_or(|runs| (runs == "yes") != row.places.is_empty())
}
