//! What left the ledger, and how to take something away.

use modeltrail_compliance::words::value_words;
use modeltrail_schemas::subject::Subject;
use modeltrail_views::rows::{Model, Report};
use serde_json::Value;

use super::evaluations::is_version;
use super::model::versions_of;
use crate::portal::bits::{Bit, Cell, digest_bit, link, subject_bit, time_bit};
use crate::portal::blocks::{Act, Block, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::subjects_cell;
use crate::portal::links::joined;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{cut, holds, name_of, spaced};

fn files(data: &Value) -> Cell {
    let files = data.get("files").and_then(Value::as_array);
    let digest = data.get("digest").and_then(Value::as_str);
    let lines = files.into_iter().flatten().map(|file| {
        let text = |member: &str| file.get(member).map(value_words).unwrap_or_default();
        Cell::words(cut(&text("format"))).and(digest_bit(&text("digest")))
    });
    Cell::lines(lines.chain(digest.map(|digest| Cell::from(digest_bit(digest)))))
}

const REPORTS: &[Column<Report>] = &[
    Column::sorted(
        "when",
        "Issued",
        |report| Order::Number(report.act.entry),
        |report, links| Cell::from(time_bit(&report.act.received)).entry(links, report.act.entry),
    ),
    Column::sorted(
        "kind",
        "What",
        |report| Order::text(Some(&report.kind)),
        |report, _| {
            let which =
                report.data.get("report").or_else(|| report.data.get("kind")).map(value_words).unwrap_or_default();
            Cell::words(spaced(&report.kind)).and(Bit::Name(cut(&which)))
        },
    ),
    Column::plain("About", |report, links| subjects_cell(links, &report.subjects, 4)),
    Column::plain("As of", |report, _| {
        let size = report.data.get("as_of_size").or_else(|| report.data.pointer("/checkpoint/size"));
        size.and_then(Value::as_u64).map_or_else(
            || Cell::missing(""),
            |size| Cell::from(link(format!("/?as_of={size}"), crate::portal::text::counted(size, "entry", "entries"))),
        )
    }),
    Column::plain("Digests", |report, _| files(&report.data)),
    Column::plain("Id", |report, links| {
        Cell::from(Bit::Named {
            href: links.subject(&format!("report/{}", modeltrail_schemas::subject::encode_part(&report.id))),
            name: cut(&report.id.chars().take(12).collect::<String>()),
            full: cut(&report.id),
        })
    }),
];

pub(super) fn list(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (all, truncated) = cx.rows::<Report>(&[])?;
    let text = |report: &Report, text: &str| {
        holds(report.subjects.iter().map(String::as_str).chain([report.id.as_str()]), text)
    };
    let rows = all.into_iter().filter(|report| cx.param("q").is_none_or(|asked| text(report, asked))).collect();
    let mut page = Page::new("Reports", "What left the ledger");
    page.lead = Cell::words(
        "Every report and bundle that was handed out is an entry: which, about what, as of which point, with the digest of the file.",
    );
    page.actions = vec![link(cx.links.to("/make", &[]), "Make a report")];
    page.main.push(Form::filter(cx, "Filter reports", vec![Field::text("q", "Subject or id", cx.param("q"), "")]));
    let empty = Cell::words("Nothing matches. Bundles and reports are made under")
        .and(link(cx.links.to("/make", &[]), "Make one"))
        .then(", or with")
        .and(Bit::Code("modeltrail export".to_owned()))
        .then(".");
    page.main.push(
        Listing::main("reports", "Reports and exports", REPORTS, "-when", empty).bounded(truncated).block(cx, rows),
    );
    Ok(page)
}

/// A page of links to what the API makes: each says what it does before it is followed.
pub(super) fn make(cx: &Cx<'_>) -> Result<Page, Fault> {
    let subject = cx.param("subject");
    let mut page = Page::new("Make a report", "Take it away").crumb("Reports", cx.links.to("/reports", &[]));
    page.lead = Cell::words("A report is a function of the entries: rendered again at the same point, it is the same bytes. A bundle holds the entries themselves with their proofs, and is checked offline by").and(Bit::Code("modeltrail verify".to_owned())).then(".");
    page.main.push(Block::Form(chooser(cx, subject)?));
    let size = cx.size.to_string();
    if let Some(subject) = subject {
        if Subject::parse(subject).is_err() {
            return Err(crate::portal::gather::missing(cx, "subject", subject)?);
        }
        page.main.push(Block::Links {
            heading: "About this subject",
            id: "subject",
            links: of_subject(cx, subject, &size),
        });
        page.main.extend(bundles(cx, subject));
    }
    let inventory = |format: &str| joined("/v1/inventory", [("as_of", size.as_str()), ("format", format)].into_iter());
    page.main.push(Block::Links {
        heading: "Inventory of models as of this point",
        id: "inventory",
        links: vec![
            (link(inventory("html"), "To read and print"), Cell::words("HTML, one file")),
            (link(inventory("csv"), "For a spreadsheet"), Cell::words("CSV")),
            (link(inventory("json"), "For programs"), Cell::words("JSON")),
        ],
    });
    page.main.push(Block::Text { heading: "What happens", id: "what", lines: vec![
        Cell::words("Reading a dossier or an inventory here leaves no entry. Taking a bundle away does: that it was made, of what, as of which point, and the digest of the file. It may take a while on a long history: a page of its own says how far it is, and keeps the bundle for an hour."),
        Cell::words("Everything is made as of the point that this page shows, in the bar above."),
    ] });
    Ok(page)
}

fn chooser(cx: &Cx<'_>, subject: Option<&str>) -> Result<Form, Fault> {
    /// Versions offered; any other subject can be given in the address.
    const OFFERED: usize = 500;
    let mut choices = Vec::new();
    for model in cx.rows::<Model>(&[])?.0 {
        choices.push((model.subject.clone(), name_of(&model.subject)));
        for version in versions_of(cx, &model.subject)? {
            choices.push((version.subject.clone(), name_of(&version.subject)));
        }
        if choices.len() > OFFERED {
            break;
        }
    }
    let mut field = Field::choice(
        "subject",
        "About",
        subject,
        choices.iter().map(|(subject, name)| (subject.as_str(), name.as_str())),
    );
    if let Some(any) = field.choices.first_mut() {
        any.1 = "choose".to_owned();
    }
    Ok(Form::to(cx, "About what", "/make", vec![field], "Go on"))
}

fn of_subject(cx: &Cx<'_>, subject: &str, size: &str) -> Vec<(Bit, Cell)> {
    let mut links = vec![(subject_bit(&cx.links, subject), Cell::words("its page"))];
    if is_version(subject) {
        let dossier = |format: &str| {
            joined("/v1/dossier", [("version", subject), ("as_of", size), ("format", format)].into_iter())
        };
        links.push((
            link(dossier("html"), "Dossier to read and print"),
            Cell::words(
                "all that the ledger says of this version, under the nine headings of Annex IV; HTML, one file",
            ),
        ));
        links.push((link(dossier("json"), "Dossier for programs"), Cell::words("JSON")));
    }
    links
}

/// Bundles of a subject, each with a page that says how far it is.
fn bundles(cx: &Cx<'_>, subject: &str) -> impl Iterator<Item = Block> {
    let act = |dossier: bool, button, note| {
        let mut hidden = vec![("subject", subject.to_owned()), ("as_of", cx.size.to_string())];
        if dossier {
            hidden.push(("dossier", "1".to_owned()));
        }
        Block::Act(Act { action: "/make/bundle".to_owned(), hidden, button, note })
    };
    let with = is_version(subject).then(|| {
        act(
            true,
            "Make a bundle with the dossier",
            "Entries, proofs and the report in one zip; that it was made is recorded.",
        )
    });
    let plain =
        act(false, "Make a bundle", "Every entry about it with its proof, in one zip; that it was made is recorded.");
    with.into_iter().chain([plain])
}
