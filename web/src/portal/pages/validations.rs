//! Which versions somebody else judged, and which nobody did.

use modeltrail_views::rows::{Deployment, Validation, Version};

use crate::portal::bits::{Bit, Cell, mark, party_bit, subject_bit, time_bit, when_cell};
use crate::portal::blocks::{Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::running;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{holds, name_of, spaced};

/// What the validations of a version come to.
pub(super) struct Judged {
    /// The newest one that counts.
    newest: Option<Validation>,
    /// Those that count for nothing.
    discounted: usize,
}

impl Judged {
    /// Of this version.
    pub(super) fn of(cx: &Cx<'_>, version: &str) -> Result<Self, Fault> {
        let (counting, discounted): (Vec<Validation>, Vec<Validation>) =
            cx.rows::<Validation>(&[version])?.0.into_iter().partition(|validation| validation.act.counts());
        let newest = counting.into_iter().max_by_key(|validation| validation.act.entry);
        Ok(Self { newest, discounted: discounted.len() })
    }

    /// One word, for the filter and the order.
    pub(super) fn state(&self, now: &str) -> &'static str {
        match &self.newest {
            None => "none",
            Some(validation) if !validation.outcome.starts_with("accepted") => "rejected",
            Some(validation) if validation.valid_until.as_deref().is_some_and(|until| until <= now) => "over",
            Some(_) => "accepted",
        }
    }
}

/// A version with what its validations come to.
struct Row {
    version: Version,
    judged: Judged,
    state: &'static str,
    runs: bool,
}

impl Row {
    fn newest(&self) -> Option<&Validation> {
        self.judged.newest.as_ref()
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
        |row| Order::text(Some(row.state)),
        |row, _| {
            let bit = match row.state {
                "none" => mark("medium", "■", "not validated"),
                "rejected" => mark("high", "✕", "rejected"),
                "over" => mark("high", "▲", "no longer holds"),
                _ => mark("good", "✓", spaced(row.newest().map_or("", |validation| validation.outcome.as_str()))),
            };
            let cell = Cell::from(bit);
            if row.judged.discounted == 0 {
                cell
            } else {
                cell.aside(format!("{} more without a signature that counts", row.judged.discounted))
            }
        },
    ),
    Column::sorted(
        "validator",
        "Validator",
        |row| Order::text(row.newest().and_then(|validation| validation.validator.as_deref())),
        |row, links| {
            let validator = row.newest().and_then(|validation| validation.validator.as_deref());
            validator.map_or_else(|| Cell::missing("validation.recorded"), |party| Cell::from(party_bit(links, party)))
        },
    ),
    Column::plain("Independent", |row, _| match row.newest().and_then(|validation| validation.independent) {
        Some(true) => Cell::words("said to be"),
        Some(false) => Cell::words("no"),
        None => Cell::missing(""),
    }),
    Column::sorted(
        "until",
        "Holds until",
        |row| Order::text(row.newest().and_then(|validation| validation.valid_until.as_deref())),
        |row, _| {
            let until = row.newest().and_then(|validation| validation.valid_until.as_deref());
            until.map_or_else(|| Cell::missing(""), |until| Cell::from(time_bit(until)))
        },
    ),
    Column::sorted(
        "recorded",
        "Recorded",
        |row| row.newest().map_or(Order::Nothing, |validation| Order::Number(validation.act.entry)),
        |row, links| row.newest().map_or_else(Cell::none, |validation| when_cell(links, &validation.act)),
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
    let running = running(&deployments);
    let mut rows = Vec::new();
    for version in versions {
        let judged = Judged::of(cx, &version.subject)?;
        let state = judged.state(&cx.now);
        let row = Row { runs: running.contains(version.subject.as_str()), state, judged, version };
        let named = cx.param("q").is_none_or(|text| holds([name_of(&row.version.subject).as_str()], text));
        let wanted = cx.param("state").is_none_or(|state| match state {
            "runs-without" => row.runs && row.state != "accepted",
            state => row.state == state,
        });
        if named && wanted {
            rows.push(row);
        }
    }
    let mut page = Page::new("Validations", "Independent judgements");
    page.lead = Cell::words(
        "Every version, with the newest validation (a judgement by somebody other than its developers) that counts, or the word that there is none.",
    );
    page.main.push(Form::filter(
        cx,
        "Filter validations",
        vec![
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
    ));
    let empty = Cell::words("No version matches. Validations come with")
        .and(Bit::Code("validation.recorded".to_owned()))
        .then("events.");
    page.main.push(
        Listing::main("validations", "Versions and their validations", COLUMNS, "version", empty)
            .bounded(truncated)
            .block(cx, rows),
    );
    Ok(page)
}
