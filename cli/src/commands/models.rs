//! `modeltrail models` and `modeltrail versions`: the registry as the log tells it.

use modeltrail_schemas::subject::Kind;
use modeltrail_views::rows::{Model, Version};

use crate::args::{ModelsArgs, VersionsArgs};
use crate::ask::{Source, subject};
use crate::exit::Exit;
use crate::output::Output;
use crate::table::{Table, or_dash, short_digest, short_time};

pub(crate) fn run(args: &ModelsArgs, out: Output) -> anyhow::Result<Exit> {
    let tier = args.tier.as_deref();
    let query: Vec<(&str, &str)> = tier.map(|tier| ("tier", tier)).into_iter().collect();
    let keep = |row: &Model| tier.is_none_or(|tier| row.tiers.values().any(|said| said.value.value == tier));
    let answer = Source::new(&args.from)?.list::<Model>(&args.from, "/v1/models", &query, keep)?;
    out.print(&answer, || {
        let mut table = Table::new(&["MODEL", "TIER", "OWNER", "VERSIONS", "LATEST", "LAST CHANGE", "ENTRY"]);
        answer.rows.iter().for_each(|row| table.row(model_cells(row)));
        table.text("No models.")
    })?;
    Ok(Exit::Holds)
}

fn model_cells(row: &Model) -> Vec<String> {
    let tiers: Vec<String> = row.tiers.iter().map(|(scheme, tier)| tier_words(scheme, &tier.value.value)).collect();
    let owner = row.duties.get("owner").map(|said| said.value.as_str());
    let latest = row.latest.as_ref().and_then(|said| said.value.split_once('@')).map(|(_, version)| version);
    let gone = if row.retired.is_some() { " (retired)" } else { "" };
    vec![
        format!("{}{gone}", row.subject),
        or_dash(Some(&tiers.join(", "))),
        or_dash(owner),
        row.versions.to_string(),
        or_dash(latest),
        short_time(&row.changed.received),
        row.changed.entry.to_string(),
    ]
}

/// A tier; its scheme where that is not the bank's own.
fn tier_words(scheme: &str, tier: &str) -> String {
    if matches!(scheme, "" | "materiality" | "tier" | "internal") {
        tier.to_owned()
    } else {
        format!("{tier} ({scheme})")
    }
}

pub(crate) fn run_versions(args: &VersionsArgs, out: Output) -> anyhow::Result<Exit> {
    let model = subject(&args.model)?;
    if model.kind() != Kind::Model || model.version().is_some() {
        anyhow::bail!("{} is not a model without a version, such as model/fraud", args.model);
    }
    let query = [("model", model.as_str())];
    let keep = |row: &Version| row.model == model.as_str();
    let answer = Source::new(&args.from)?.list::<Version>(&args.from, "/v1/versions", &query, keep)?;
    out.print(&answer, || {
        let head = &["VERSION", "REGISTERED", "BY", "AUTHOR", "MANIFEST", "STATUS", "ENTRY"];
        let mut table = Table::new(head);
        answer.rows.iter().for_each(|row| table.row(version_cells(row)));
        table.text("No versions of this model.")
    })?;
    Ok(Exit::Holds)
}

fn version_cells(row: &Version) -> Vec<String> {
    let first = row.registrations.iter().find(|one| one.act.counts());
    let by = first.and_then(|one| one.act.actor.as_ref()).map(|actor| actor.id.as_str());
    let digests: std::collections::BTreeSet<&str> =
        row.registrations.iter().map(|one| one.manifest_digest.as_str()).collect();
    let digest = row.manifest_digest().map(short_digest).unwrap_or_default();
    let digest = if digests.len() > 1 { format!("{digest} and {} other", digests.len() - 1) } else { digest };
    let status = row.status.as_ref().map(|said| said.value.as_str());
    let status = if row.retired.is_some() { Some("retired") } else { status };
    vec![
        row.subject.clone(),
        or_dash(first.map(|one| short_time(&one.act.received)).as_deref()),
        or_dash(by),
        or_dash(row.author.as_ref().map(|said| said.value.as_str())),
        or_dash(Some(&digest)),
        or_dash(status),
        first.map_or(row.first, |one| one.act.entry).to_string(),
    ]
}
