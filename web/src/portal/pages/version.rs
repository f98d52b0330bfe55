//! One version of a model: what it was made of, who judged it, where it ran.

use modeltrail_compliance::words::value_words;
use modeltrail_schemas::subject::Kind;
use modeltrail_views::rows::{Document, Edge, Evaluation, Monitoring, Registration, Served, Validation, Version};
use modeltrail_views::tables::Table;

use super::findings::short_table;
use super::model::{edges, governance, limits_cell, notes, tags_cell};
use crate::portal::bits::{
    Bit, Cell, act_cell, act_lines, digest_bit, entry_bit, known_bit, link, mark, party_bit, signature_bit,
    subject_bit, time_bit, when_cell,
};
use crate::portal::blocks::{Block, Facts};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{missing, newest, subject, timeline, whole_of};
use crate::portal::links::{Links, joined};
use crate::portal::list::{Column, Listing};
use crate::portal::page::Page;
use crate::portal::text::{cut, name_of, spaced};

/// Lines of history.
const LAST_LINES: u64 = 12;
/// Parts of a version that its page looks at.
const MAX_PARTS: usize = 2_000;

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let subject = subject(cx, "model version", &[Kind::Model])?;
    let Some(version) = cx.view().get::<Version>(&[&subject])? else {
        return Err(missing(cx, "model version", &subject)?);
    };
    let links = &cx.links;
    let model = whole_of(&subject).to_owned();
    let mut page = Page::new(name_of(&subject), "Model version")
        .crumb("Models", links.to("/models", &[]))
        .crumb(name_of(&model), links.subject(&model));
    page.lead = lead(&version);
    page.actions = actions(cx, &subject);
    page.aside.push(Block::Facts(facts(links, &version)));
    page.aside.push(Block::Facts(recipe(&cx.links, &version)));
    page.main.extend(short_table(cx, &subject)?);
    page.main.push(served(cx, &subject)?);
    page.main.push(parts(cx, &subject)?);
    page.main.extend(monitoring(cx, &subject)?);
    page.below.extend(governance(cx, &subject)?);
    page.below.push(validations(cx, &subject)?);
    page.below.push(super::evaluations::part_of(cx, cx.rows::<Evaluation>(&[&subject])?.0));
    page.below.extend(documents_table(cx, cx.rows::<Document>(&[&subject])?.0));
    page.below.extend(notes(cx, &subject)?);
    if version.registrations.len() > 1 {
        let listing = Listing::part("registrations", "Registrations", REGISTRATIONS, Cell::new());
        page.below.push(listing.block(cx, version.registrations.clone()));
    }
    let last = newest(cx, &subject, LAST_LINES)?;
    let mut history = timeline(cx, "Latest", "latest", &last, Cell::words("Nothing yet."))?;
    history.note = Cell::from(link(links.to("/changes", &[("subject", &subject)]), "The whole history"));
    page.below.push(Block::Timeline(history));
    Ok(page)
}

fn lead(version: &Version) -> Cell {
    let text = version
        .manifest
        .as_ref()
        .and_then(|manifest| manifest.value.get("description"))
        .and_then(serde_json::Value::as_str);
    text.map_or_else(Cell::new, Cell::prose)
}

fn actions(cx: &Cx<'_>, subject: &str) -> Vec<Bit> {
    let size = cx.size.to_string();
    let dossier =
        joined("/v1/dossier", [("version", subject), ("as_of", size.as_str()), ("format", "html")].into_iter());
    vec![
        link(dossier, "Dossier"),
        link(cx.links.to("/lineage", &[("subject", subject)]), "Lineage"),
        link(cx.links.to("/changes", &[("subject", subject)]), "History"),
        link(cx.links.to("/compare", &[("a", subject)]), "Compare"),
        link(cx.links.to("/make", &[("subject", subject)]), "Take it away with proofs"),
    ]
}

fn facts(links: &Links, version: &Version) -> Facts {
    let first = version.counted().or(version.registrations.first());
    let mut facts = Facts::new("Facts", "facts").row(
        "Manifest digest",
        version.counted().map_or_else(
            || Cell::missing("model.version_registered"),
            |first| Cell::from(Bit::Whole(first.manifest_digest.clone())).entry(links, first.act.entry),
        ),
    );
    facts = match first {
        Some(first) => facts
            .row("Registered", act_cell(links, &first.act))
            .row("Signature", Cell::from(signature_bit(first.act.signature)).entry(links, first.act.entry))
            .maybe(
                "Registered by",
                first.registered_by.as_deref().map(|by| Cell::words(spaced(by)).entry(links, first.act.entry)),
            ),
        None => facts.row("Registered", Cell::missing("model.version_registered")),
    };
    facts = facts
        .row(
            "Author",
            version.author.as_ref().map_or_else(
                || Cell::missing("model.version_registered"),
                |author| Cell::from(party_bit(links, &author.value)).entry(links, author.entry),
            ),
        )
        .row(
            "Status",
            version.status.as_ref().map_or_else(
                || Cell::missing("model.status_changed"),
                |status| Cell::words(spaced(&status.value)).entry(links, status.entry),
            ),
        );
    if let Some(manifest) = &version.manifest {
        for (label, member) in [
            ("Provenance", "provenance"),
            ("Flavour", "flavour"),
            ("Licence", "licence"),
            ("Semantic version", "semver"),
        ] {
            facts = facts.maybe(
                label,
                manifest.value.get(member).map(|value| Cell::name(&value_words(value)).entry(links, manifest.entry)),
            );
        }
    }
    facts = facts
        .maybe("Limits of use", version.limits.as_ref().map(|limits| limits_cell(links, limits)))
        .maybe(
            "Reproduced",
            version.reproduced.as_ref().map(|said| Cell::words(spaced(&said.value)).entry(links, said.entry)),
        )
        .maybe(
            "Taken over",
            version
                .opening
                .as_ref()
                .map(|opening| Cell::prose(&value_words(&opening.value)).entry(links, opening.entry)),
        )
        .maybe("Retired", version.retired.as_ref().map(|act| act_cell(links, act)));
    if !version.tags.is_empty() {
        facts = facts.row("Tags", tags_cell(links, &version.tags));
    }
    facts
        .row("First named", Cell::new().and(entry_bit(links, version.first)))
        .row("Subject", Cell::from(Bit::Whole(version.subject.clone())))
}

/// Which parts of the recipe the manifest names, and why others are not there.
fn recipe(links: &Links, version: &Version) -> Facts {
    let mut facts = Facts::new("Recipe", "recipe");
    let by_manifest = |cell: Cell| match &version.manifest {
        Some(manifest) => cell.entry(links, manifest.entry),
        None => cell,
    };
    let Some(parts) = version.parts else {
        return facts.row("Manifest", Cell::missing("model.version_registered"));
    };
    let all = [
        ("code", parts.code),
        ("data", parts.data),
        ("configuration", parts.configuration),
        ("environment", parts.environment),
        ("artefacts", parts.artifacts),
    ];
    let those = |named: bool| {
        let words: Vec<&str> = all.iter().filter(|(_, there)| *there == named).map(|(word, _)| *word).collect();
        words.join(", ")
    };
    let (named, left_out) = (those(true), those(false));
    if !named.is_empty() {
        facts = facts.row("Named", by_manifest(Cell::words(named)));
    }
    if !left_out.is_empty() {
        facts = facts.row("Left out", by_manifest(Cell::from(mark("medium", "■", "not named")).then(left_out)));
    }
    let manifest = version.manifest.as_ref().map(|manifest| &manifest.value);
    let missing = manifest.and_then(|manifest| manifest.get("not_available")).and_then(serde_json::Value::as_array);
    for one in missing.into_iter().flatten().take(MAX_PARTS) {
        let text = |member: &str| one.get(member).map(value_words).unwrap_or_default();
        let why = Cell::name(&text("part")).aside("because").and(Bit::Name(cut(&text("why"))));
        facts = facts.row("Not available", by_manifest(why));
    }
    facts
}

pub(super) const VALIDATIONS: &[Column<Validation>] = &[
    Column::plain("Validation", |validation, _| Cell::name(&validation.id)),
    Column::plain("Outcome", |validation, _| {
        let bit = match validation.outcome.as_str() {
            _ if !validation.act.counts() => mark("critical", "✕", "counts for nothing"),
            "accepted" => mark("good", "✓", "accepted"),
            "accepted_with_conditions" => mark("medium", "■", "accepted with conditions"),
            "rejected" => mark("high", "✕", "rejected"),
            other => mark("neutral", "○", spaced(other)),
        };
        Cell::from(bit)
    }),
    Column::plain("Kind", |validation, _| {
        validation.kind.as_deref().map_or_else(|| Cell::missing(""), |kind| Cell::words(spaced(kind)))
    }),
    Column::plain("Independent", |validation, _| match validation.independent {
        Some(true) => Cell::words("said to be"),
        Some(false) => Cell::words("no"),
        None => Cell::missing(""),
    }),
    Column::plain("Validator", |validation, links| {
        validation.validator.as_deref().map_or_else(|| Cell::missing(""), |party| Cell::from(party_bit(links, party)))
    }),
    Column::plain("Holds until", |validation, _| {
        validation.valid_until.as_deref().map_or_else(|| Cell::missing(""), |until| Cell::from(time_bit(until)))
    }),
    Column::plain("Report", |validation, _| {
        validation.report.as_deref().map_or_else(|| Cell::missing(""), |digest| Cell::from(digest_bit(digest)))
    }),
    Column::plain("Recorded", |validation, links| when_cell(links, &validation.act)),
];

fn validations(cx: &Cx<'_>, subject: &str) -> Result<Block, Fault> {
    let rows = cx.rows::<Validation>(&[subject])?.0;
    let empty = Cell::words("Not validated: no")
        .and(Bit::Code("validation.recorded".to_owned()))
        .then("event names this version.");
    Ok(Listing::part("validations", "Validations", VALIDATIONS, empty).block(cx, rows))
}

const SERVED: &[Column<Served>] = &[
    Column::plain("Service", |served, links| Cell::subject(links, &served.deployment)),
    Column::plain("Role", |served, _| {
        let weight = served.weight.as_ref().map(|weight| format!(", {weight} %")).unwrap_or_default();
        Cell::words(format!("{}{}", spaced(&served.role), cut(&weight)))
    }),
    Column::plain("From", |served, links| Cell::from(time_bit(&served.from.value)).entry(links, served.from.entry)),
    Column::plain("Until", |served, links| match &served.until {
        Some(until) => Cell::from(time_bit(&until.value)).entry(links, until.entry),
        None => Cell::from(mark("good", "●", "runs")),
    }),
];

fn served(cx: &Cx<'_>, subject: &str) -> Result<Block, Fault> {
    let rows = cx.rows::<Served>(&[subject])?.0;
    let empty = Cell::words("Ran nowhere: no")
        .and(Bit::Code("deployment.changed".to_owned()))
        .then("event names this version.");
    Ok(Listing::part("served", "Where it ran", SERVED, empty).block(cx, rows))
}

/// What went into a thing, or came of it.
pub(super) const PARTS: &[Column<Edge>] = &[
    Column::plain("What", |edge, links| Cell::from(subject_bit(links, &edge.from))),
    Column::plain("Kind", |edge, _| Cell::words(spaced(edge.from.split('/').next().unwrap_or_default()))),
    Column::plain("As", |edge, _| Cell::words(spaced(&edge.role))),
    Column::plain("Known", |edge, _| Cell::from(known_bit(edge.known))),
    Column::plain("Signature", |edge, _| Cell::from(signature_bit(edge.signature))),
    Column::plain("Said", |edge, links| Cell::from(time_bit(&edge.received)).entry(links, edge.entry)),
];

fn parts(cx: &Cx<'_>, subject: &str) -> Result<Block, Fault> {
    let rows = edges(cx, Table::EdgesIn, subject, MAX_PARTS)?;
    let empty = Cell::words("No entry says what it was made of.");
    Ok(Listing::part("parts", "What it was made of", PARTS, empty).block(cx, rows))
}

const DOCUMENTS: &[Column<Document>] = &[
    Column::plain("Document", |document, _| {
        document.title.as_deref().map_or_else(|| Cell::words(spaced(&document.doc_type)), Cell::name)
    }),
    Column::plain("Kind", |document, _| Cell::words(spaced(&document.doc_type))),
    Column::plain("Version", |document, _| {
        document.doc_version.as_deref().map_or_else(|| Cell::missing(""), Cell::name)
    }),
    Column::plain("Digest", |document, _| {
        document.digest.as_deref().map_or_else(|| Cell::missing(""), |digest| Cell::from(digest_bit(digest)))
    }),
    Column::plain("Published", |document, links| act_lines(links, &document.act)),
];

/// Published documents, where there are any.
pub(super) fn documents_table(cx: &Cx<'_>, documents: Vec<Document>) -> Option<Block> {
    Listing::part("documents", "Documents", DOCUMENTS, Cell::new()).some(cx, documents)
}

const MONITORING: &[Column<Monitoring>] = &[
    Column::plain("What", |watched, _| Cell::words(spaced(&watched.verb))),
    Column::plain("Data", |watched, _| {
        let metrics = watched.data.get("metrics").or_else(|| watched.data.get("metric")).unwrap_or(&watched.data);
        Cell::name(&super::evaluations::metrics_words(metrics))
    }),
    Column::plain("When", |watched, links| when_cell(links, &watched.act)),
];

fn monitoring(cx: &Cx<'_>, subject: &str) -> Result<Option<Block>, Fault> {
    let mut rows = cx.rows::<Monitoring>(&[subject])?.0;
    rows.reverse();
    Ok(Listing::part("monitoring", "Watched in use", MONITORING, Cell::new()).some(cx, rows))
}

const REGISTRATIONS: &[Column<Registration>] = &[
    Column::plain("Registered", |registration, links| act_cell(links, &registration.act)),
    Column::plain("Manifest", |registration, _| Cell::from(digest_bit(&registration.manifest_digest))),
    Column::plain("Claimed digest", |registration, _| {
        registration
            .claimed_digest
            .as_deref()
            .map_or_else(|| Cell::words("the same"), |digest| Cell::from(digest_bit(digest)))
    }),
    Column::plain("By", |registration, _| {
        registration.registered_by.as_deref().map_or_else(|| Cell::missing(""), |by| Cell::words(spaced(by)))
    }),
    Column::plain("Signature", |registration, _| Cell::from(signature_bit(registration.act.signature))),
];
