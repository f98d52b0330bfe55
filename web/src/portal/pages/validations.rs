//! Which versions somebody else judged, and which nobody did.

use modeltrail_views::rows::{Deployment, Validation, Version};

use crate::portal::bits::{Bit, Cell, act_cell, mark, party_bit, subject_bit, time_bit};
use crate::portal::blocks::{Block, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{name_of, spaced};

/// A version and the newest validation of it that counts.
struct Row {
    version: Version,
    newest: Option<Validation>,
    discounted: usize,
    runs: bool,
    now: String,
}

impl Row {
    /// One word, for the filter and the order.
    fn state(&self) -> &'static str {
        match &self.newest {
            None => "none",
            Some(validation) if validation.outcome == "rejected" => "rejected",
            Some(validation) if validation.valid_until.as_ref().is_some_and(|until| *until <= self.now) => "over",
            Some(_) => "accepted",
        }
    }
}

const COLUMNS: &[Column<Row>] = &[
    Column::sorted(
        "version",
        "Version",
        |row| Order::text(Some(&row.version.subject)),
        |row, links| Cell::from(subject_bit(links, &row.version.subject)),
    ),
    Column::sorted(
        "state",
        "Validation",
        |row| Order::text(Some(row.state())),
        |row, _| {
            let bit = match row.state() {
                "none" => mark("medium", "■", "not validated"),
                "rejected" => mark("high", "✕", "rejected"),
                "over" => mark("high", "▲", "no longer holds"),
                _ => {
                    mark("good", "✓", spaced(row.newest.as_ref().map_or("", |validation| validation.outcome.as_str())))
                }
            };
            let cell = Cell::from(bit);
            if row.discounted == 0 {
                cell
            } else {
                cell.aside(format!("{} more without a signature that counts", row.discounted))
            }
        },
    ),
    Column::sorted(
        "validator",
        "Validator",
        |row| Order::text(row.newest.as_ref().and_then(|validation| validation.validator.as_deref())),
        |row, links| {
            let validator = row.newest.as_ref().and_then(|validation| validation.validator.as_deref());
            validator.map_or_else(|| Cell::missing("validation.recorded"), |party| Cell::from(party_bit(links, party)))
        },
    ),
    Column::plain("Independent", |row, _| match row.newest.as_ref().and_then(|validation| validation.independent) {
        Some(true) => Cell::words("said to be"),
        Some(false) => Cell::words("no"),
        None => Cell::missing(""),
    }),
    Column::sorted(
        "until",
        "Holds until",
        |row| Order::text(row.newest.as_ref().and_then(|validation| validation.valid_until.as_deref())),
        |row, _| {
            let until = row.newest.as_ref().and_then(|validation| validation.valid_until.as_deref());
            until.map_or_else(|| Cell::missing(""), |until| Cell::from(time_bit(until)))
        },
    ),
    Column::sorted(
        "recorded",
        "Recorded",
        |row| row.newest.as_ref().map_or(Order::Nothing, |validation| Order::Number(validation.act.entry)),
        |row, links| row.newest.as_ref().map_or_else(Cell::none, |validation| act_cell(links, &validation.act)),
    ),
    Column::sorted(
        "runs",
        "Runs",
        |row| Order::Number(u64::from(row.runs)),
        |row, _| {
            if row.runs {
                Cell::from(mark("good", "●", "runs"))
            } else {
                Cell::from(Bit::Aside("nowhere".to_owned()))
            }
        },
    ),
];

pub(super) fn list(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (versions, truncated) = cx.rows::<Version>(&[])?;
    let (deployments, _) = cx.rows::<Deployment>(&[])?;
    let running: std::collections::BTreeSet<&str> = deployments
        .iter()
        .filter(|deployment| deployment.state == "running")
        .flat_map(|deployment| &deployment.running)
        .map(|member| member.subject.as_str())
        .collect();
    let mut rows = Vec::new();
    for version in versions {
        let all = cx.rows::<Validation>(&[&version.subject])?.0;
        let discounted = all.iter().filter(|validation| !validation.act.counts()).count();
        let newest =
            all.into_iter().filter(|validation| validation.act.counts()).max_by_key(|validation| validation.act.entry);
        let row =
            Row { runs: running.contains(version.subject.as_str()), newest, discounted, now: cx.now.clone(), version };
        let named = cx
            .param("q")
            .is_none_or(|text| name_of(&row.version.subject).to_lowercase().contains(&text.to_lowercase()));
        let state = cx.param("state").is_none_or(|state| match state {
            "runs-without" => row.runs && row.state() != "accepted",
            state => row.state() == state,
        });
        if named && state {
            rows.push(row);
        }
    }
    let mut page = Page::new("Validations", "Independent judgements");
    page.lead = Cell::words(
        "Every version, with the newest validation (a judgement by somebody other than its developers) that counts, or the word that there is none.",
    );
    page.main.push(Block::Form(Form {
        label: "Filter validations",
        action: "/validations".to_owned(),
        hidden: super::models::kept(cx),
        fields: vec![
            Field::text("q", "Version contains", cx.param("q"), ""),
            Field::choice(
                "state",
                "Validation",
                cx.param("state"),
                [
                    ("none", "not validated"),
                    ("accepted", "accepted"),
                    ("rejected", "rejected"),
                    ("over", "no longer holds"),
                    ("runs-without", "runs without one that holds"),
                ],
            ),
        ],
        button: "Filter",
        clear: ["q", "state"].iter().any(|name| cx.param(name).is_some()).then(|| cx.links.to("/validations", &[])),
    }));
    let empty = Cell::words("No version matches. Validations come with")
        .and(Bit::Code("validation.recorded".to_owned()))
        .then("events.");
    let mut listing = Listing::main("validations", "Versions and their validations", COLUMNS, "version", empty);
    listing.truncated = truncated;
    page.main.push(Block::Table(listing.table(cx, rows)));
    Ok(page)
}
