//! `modeltrail validations`: which versions were validated, by whom, and which were not.

use std::collections::BTreeSet;

use modeltrail_schemas::subject::Subject;
use modeltrail_views::rows::{Validation, Version};

use super::approvals::mark;
use crate::args::ValidationsArgs;
use crate::ask::{Source, subject};
use crate::exit::Exit;
use crate::output::{Output, say};
use crate::table::{Table, or_dash, short_time};

pub(crate) fn run(args: &ValidationsArgs, out: Output) -> anyhow::Result<Exit> {
    let about = args.about.as_deref().map(subject).transpose()?;
    let source = Source::new(&args.from)?;
    let mut query = Vec::new();
    if let Some(version) = about.as_ref().filter(|about| about.version().is_some()) {
        query.push(("version", version.as_str()));
    }
    let wanted = |version: &str| about.as_ref().is_none_or(|about| is_or_of(version, about));
    let validations = source.list::<Validation>(&args.from, "/v1/validations", &query, |row| wanted(&row.version))?;
    if !args.missing {
        out.print(&validations, || {
            let mut table =
                Table::new(&["VERSION", "OUTCOME", "KIND", "INDEPENDENT", "BY", "WHEN", "UNTIL", "SIGNATURE", "ENTRY"]);
            validations.rows.iter().for_each(|row| table.row(cells(row)));
            table.text("No validations.")
        })?;
        return Ok(Exit::Holds);
    }
    let accepted: BTreeSet<&str> =
        validations.rows.iter().filter(|row| accepts(row)).map(|row| row.version.as_str()).collect();
    let keep = |row: &Version| wanted(&row.subject) && !accepted.contains(row.subject.as_str());
    let mut missing = source.list::<Version>(&args.from, "/v1/versions", &[], keep)?;
    if let Source::Bundle(folded) = &source {
        let all = missing.rows.len();
        missing.rows.retain(|row| folded.manifest.claim(&row.subject).is_some());
        let unsure = all - missing.rows.len();
        if unsure > 0 {
            say(&format!("note: versions not shown, since their trails are not in the bundle: {unsure}"));
        }
    }
    out.print(&missing, || {
        let mut table = Table::new(&["VERSION", "REGISTERED", "STATUS", "ENTRY"]);
        missing.rows.iter().for_each(|row| table.row(missing_cells(row)));
        table.text("Every version was accepted by a validation.")
    })?;
    Ok(Exit::Holds)
}

/// Whether a version is this subject, or one of this model's.
fn is_or_of(version: &str, about: &Subject) -> bool {
    let rest = version.strip_prefix(about.as_str());
    rest.is_some_and(|rest| rest.is_empty() || (about.version().is_none() && rest.starts_with('@')))
}

/// Whether a validation accepts its version by a statement that counts.
fn accepts(row: &Validation) -> bool {
    row.act.counts() && matches!(row.outcome.as_str(), "accepted" | "accepted_with_conditions")
}

fn cells(row: &Validation) -> Vec<String> {
    let counts = if row.act.counts() { "" } else { " (counts for nothing)" };
    let by = row.validator.as_deref().or(row.act.actor.as_ref().map(|actor| actor.id.as_str()));
    vec![
        row.version.clone(),
        format!("{}{counts}", row.outcome.replace('_', " ")),
        or_dash(row.kind.as_deref()),
        row.independent.map_or("-", |independent| if independent { "yes" } else { "no" }).to_owned(),
        or_dash(by),
        short_time(row.act.happened()),
        or_dash(row.valid_until.as_deref().map(short_time).as_deref()),
        mark(row.act.signature).to_owned(),
        row.act.entry.to_string(),
    ]
}

fn missing_cells(row: &Version) -> Vec<String> {
    let first = row.registrations.first();
    vec![
        row.subject.clone(),
        or_dash(first.map(|one| short_time(&one.act.received)).as_deref()),
        or_dash(row.status.as_ref().map(|said| said.value.as_str())),
        row.first.to_string(),
    ]
}
