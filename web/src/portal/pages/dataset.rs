//! Data: licence, legal basis, who trained on it, and what of that runs now.

use modeltrail_schemas::subject::Kind;
use modeltrail_views::lineage::{Direction, walk};
use modeltrail_views::rows::{Dataset, Edge, Said, Served};
use modeltrail_views::tables::Table;

use super::findings::short_table;
use super::model::{edges, notes};
use crate::portal::bits::{Bit, Cell, act_cell, digest_bit, entry_bit, link, mark, party_bit, subject_bit, time_bit};
use crate::portal::blocks::{Block, Facts, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{newest, served_cell, starting, subject, timeline, whole_of};
use crate::portal::links::Links;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{grouped, holds, name_of, spaced};

/// How far down "who trained on it" looks, and how many subjects it may meet.
const USE_DEPTH: usize = 12;
const USE_NODES: usize = 2_000;
/// Edges of a dataset that its page looks at.
const MAX_EDGES: usize = 2_000;
/// Lines of history.
const LAST_LINES: u64 = 12;

fn basis_cell(links: &Links, basis: Option<&Said<String>>) -> Cell {
    match basis {
        Some(said) if said.value.is_empty() => Cell::from(mark("high", "▲", "withdrawn")).entry(links, said.entry),
        Some(said) => Cell::name(&said.value).entry(links, said.entry),
        None => Cell::missing("dataset.basis_changed"),
    }
}

fn said_cell(links: &Links, said: Option<&Said<String>>, event: &'static str) -> Cell {
    said.map_or_else(|| Cell::missing(event), |said| Cell::name(&said.value).entry(links, said.entry))
}

const COLUMNS: &[Column<Dataset>] = &[
    Column::sorted(
        "name",
        "Dataset",
        |dataset| Order::text(Some(&dataset.subject)),
        |dataset, links| Cell::from(subject_bit(links, &dataset.subject)),
    ),
    Column::sorted(
        "licence",
        "Licence",
        |dataset| Order::text(dataset.licence.as_ref().map(|said| said.value.as_str())),
        |dataset, links| said_cell(links, dataset.licence.as_ref(), "dataset.version_registered"),
    ),
    Column::sorted(
        "basis",
        "Legal basis",
        |dataset| Order::text(dataset.basis.as_ref().map(|said| said.value.as_str())),
        |dataset, links| basis_cell(links, dataset.basis.as_ref()),
    ),
    Column::sorted(
        "personal",
        "Personal data",
        |dataset| Order::text(dataset.personal_data.as_ref().map(|said| said.value.as_str())),
        |dataset, links| said_cell(links, dataset.personal_data.as_ref(), "dataset.version_registered"),
    ),
    Column::number(
        "rows",
        "Rows",
        |dataset| dataset.rows.as_ref().map_or(Order::Nothing, |rows| Order::Number(rows.value)),
        |dataset, _| dataset.rows.as_ref().map_or_else(|| Cell::missing(""), |rows| Cell::words(grouped(rows.value))),
    ),
    Column::plain("Digest", |dataset, _| {
        dataset.digest.as_ref().map_or_else(|| Cell::missing(""), |digest| Cell::from(digest_bit(&digest.value)))
    }),
    Column::sorted(
        "first",
        "First named",
        |dataset| Order::Number(dataset.first),
        |dataset, links| Cell::new().and(entry_bit(links, dataset.first)),
    ),
    Column::plain("State", |dataset, links| {
        dataset.deleted.as_ref().map_or_else(
            || Cell::words("kept"),
            |act| Cell::from(mark("neutral", "○", "deleted")).entry(links, act.entry),
        )
    }),
];

pub(super) fn list(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (all, truncated) = cx.rows::<Dataset>(&[])?;
    let matches = |dataset: &Dataset| {
        cx.param("q").is_none_or(|text| holds([name_of(&dataset.subject).as_str()], text))
            && cx.param("personal").is_none_or(|asked| {
                dataset.personal_data.as_ref().map_or(asked == "unsaid", |said| said.value == asked)
            })
            && cx.param("basis").is_none_or(|asked| match (asked, &dataset.basis) {
                ("withdrawn", Some(said)) => said.value.is_empty(),
                ("unsaid", basis) => basis.is_none(),
                ("said", Some(said)) => !said.value.is_empty(),
                _ => false,
            })
    };
    let rows = all.into_iter().filter(matches).collect();
    let mut page = Page::new("Datasets", "Data");
    page.lead = Cell::words(
        "Datasets and their versions, with what they may be used for. Each page says who trained on it and what of that runs now.",
    );
    page.main.push(Form::filter(
        cx,
        "Filter datasets",
        vec![
            Field::text("q", "Name contains", cx.param("q"), ""),
            Field::choice(
                "personal",
                "Personal data",
                cx.param("personal"),
                [
                    ("none", "none"),
                    ("personal", "personal"),
                    ("special", "special categories"),
                    ("unknown", "unknown"),
                    ("unsaid", "not recorded"),
                ],
            ),
            Field::choice(
                "basis",
                "Legal basis",
                cx.param("basis"),
                [("said", "recorded"), ("withdrawn", "withdrawn"), ("unsaid", "not recorded")],
            ),
        ],
    ));
    let empty = Cell::words("No dataset matches. They come with")
        .and(Bit::Code("dataset.version_registered".to_owned()))
        .then("events.");
    page.main.push(Listing::main("datasets", "Datasets", COLUMNS, "name", empty).bounded(truncated).block(cx, rows));
    Ok(page)
}

/// A version of a model that the data went into.
struct Use {
    version: String,
    steps: i64,
    served: Vec<Served>,
}

const USES: &[Column<Use>] = &[
    Column::plain("Model version", |one, links| Cell::from(subject_bit(links, &one.version))),
    Column::plain("Steps away", |one, _| Cell::number(one.steps.unsigned_abs())),
    Column::plain("Runs", |one, links| {
        let running: Vec<Cell> = one
            .served
            .iter()
            .filter(|served| served.until.is_none())
            .map(|served| served_cell(links, served))
            .collect();
        if running.is_empty() { Cell::from(Bit::Aside("not now".to_owned())) } else { Cell::lines(running) }
    }),
    Column::plain("Ran", |one, links| {
        let over: Vec<Cell> = one
            .served
            .iter()
            .filter(|served| served.until.is_some())
            .map(|served| served_cell(links, served))
            .collect();
        Cell::lines(over)
    }),
];

const OUT: &[Column<Edge>] = &[
    Column::plain("What", |edge, links| Cell::from(subject_bit(links, &edge.to))),
    Column::plain("As", |edge, _| Cell::words(spaced(&edge.role))),
    Column::plain("Known", |edge, _| Cell::from(crate::portal::bits::known_bit(edge.known))),
    Column::plain("Said", |edge, links| Cell::from(time_bit(&edge.received)).entry(links, edge.entry)),
];

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let subject = subject(cx, "dataset", &[Kind::Dataset])?;
    let links = &cx.links;
    let mut page = Page::new(name_of(&subject), "Dataset").crumb("Datasets", links.to("/datasets", &[]));
    let whole = whole_of(&subject).to_owned();
    if whole != subject {
        page = page.crumb(name_of(&whole), links.subject(&whole));
    }
    page.actions = vec![
        link(links.to("/lineage", &[("subject", &subject)]), "Lineage"),
        link(links.to("/trail", &[("subject", &subject)]), "All entries"),
        link(links.to("/make", &[("subject", &subject)]), "Take it away with proofs"),
    ];
    page.main.extend(short_table(cx, &subject)?);
    let dataset = cx.view().get::<Dataset>(&[&subject])?;
    let above = if whole == subject { None } else { cx.view().get::<Dataset>(&[&whole])? };
    page.aside.push(Block::Facts(facts(links, &subject, dataset.as_ref(), above.as_ref())));
    if whole == subject {
        page.below.push(Block::Table(versions(cx, &subject)?));
    }
    let (uses, bound) = uses(cx, &subject)?;
    let runs = uses.iter().filter(|one| one.served.iter().any(|served| served.until.is_none())).count();
    let caption =
        format!("Model versions that it went into, directly or through something else; {runs} of them run now");
    page.main.push(
        Listing::part("uses", caption, USES, Cell::words("No entry says that it went into a model."))
            .bounded(bound.is_some())
            .block(cx, uses),
    );
    let made = edges(cx, Table::EdgesIn, &subject, MAX_EDGES)?;
    page.main.push(Block::Table(
        Listing::part(
            "parts",
            "What it was made of",
            super::version::PARTS,
            Cell::words("No entry says what it was made of."),
        )
        .table(cx, made),
    ));
    let went = edges(cx, Table::EdgesOut, &subject, MAX_EDGES)?;
    page.main.push(Block::Table(
        Listing::part(
            "went",
            "What it went into directly",
            OUT,
            Cell::words("No entry says that it went into anything."),
        )
        .table(cx, went),
    ));
    page.main.extend(notes(cx, &subject)?);
    let last = newest(cx, &subject, LAST_LINES)?;
    page.main.push(Block::Timeline(timeline(cx, "Latest", "latest", &last, Cell::words("Nothing yet."))?));
    Ok(page)
}

fn versions(cx: &Cx<'_>, subject: &str) -> Result<crate::portal::blocks::Table, Fault> {
    let mut rows = Vec::new();
    for version in starting(cx, Table::Datasets, &format!("{subject}@"))? {
        rows.extend(cx.view().get::<Dataset>(&[&version])?);
    }
    Ok(Listing::part("versions", "Versions", COLUMNS, Cell::words("No version of it was registered.")).table(cx, rows))
}

/// The model versions below a dataset; of a whole dataset those below each version of it.
fn uses(cx: &Cx<'_>, subject: &str) -> Result<(Vec<Use>, Option<String>), Fault> {
    let mut starts = vec![subject.to_owned()];
    if !subject.contains('@') {
        starts.extend(starting(cx, Table::Datasets, &format!("{subject}@"))?);
    }
    let (mut found, mut bound) = (std::collections::BTreeMap::<String, i64>::new(), None);
    for start in starts {
        let down = walk(&cx.view(), &start, Direction::Down, USE_DEPTH, USE_NODES)?;
        bound = bound.or(down.truncated);
        for node in down.nodes.into_iter().filter(|node| super::evaluations::is_version(&node.subject)) {
            let steps = found.entry(node.subject).or_insert(node.level);
            *steps = (*steps).min(node.level);
        }
    }
    let mut uses = Vec::new();
    for (version, steps) in found {
        uses.push(Use { served: cx.rows::<Served>(&[&version])?.0, version, steps });
    }
    Ok((uses, bound))
}

fn facts(links: &Links, subject: &str, dataset: Option<&Dataset>, whole: Option<&Dataset>) -> Facts {
    let mut facts = Facts::new("Facts", "facts");
    let Some(dataset) = dataset else {
        return facts
            .row("Registered", Cell::missing("dataset.version_registered"))
            .row("Subject", Cell::from(Bit::Whole(subject.to_owned())));
    };
    // What is said of the whole holds for a version that says nothing else, and is told as such.
    let basis = match (&dataset.basis, whole.and_then(|whole| whole.basis.as_ref())) {
        (None, Some(above)) => basis_cell(links, Some(above)).aside("said of the whole dataset"),
        (own, _) => basis_cell(links, own.as_ref()),
    };
    facts = facts
        .row("Licence", said_cell(links, dataset.licence.as_ref(), "dataset.version_registered"))
        .row("Legal basis", basis)
        .maybe(
            "Purposes",
            dataset
                .purposes
                .as_ref()
                .map(|said| Cell::lines(said.value.iter().map(|text| Cell::prose(text))).entry(links, said.entry)),
        )
        .row("Personal data", said_cell(links, dataset.personal_data.as_ref(), "dataset.version_registered"))
        .row("Origin", said_cell(links, dataset.origin.as_ref(), "dataset.version_registered"))
        .row(
            "Digest",
            dataset.digest.as_ref().map_or_else(
                || Cell::missing("dataset.version_registered"),
                |digest| Cell::from(Bit::Whole(digest.value.clone())).entry(links, digest.entry),
            ),
        )
        .row(
            "Registered",
            dataset
                .registered
                .as_ref()
                .map_or_else(|| Cell::missing("dataset.version_registered"), |act| act_cell(links, act)),
        )
        .maybe(
            "Owner",
            dataset.owner.as_ref().map(|owner| Cell::from(party_bit(links, &owner.value)).entry(links, owner.entry)),
        )
        .maybe(
            "Description",
            dataset.description.as_ref().map(|text| Cell::prose(&text.value).entry(links, text.entry)),
        )
        .maybe("Place", dataset.uri.as_ref().map(|uri| Cell::prose(&uri.value).entry(links, uri.entry)))
        .maybe("Split", dataset.split.as_ref().map(|split| Cell::words(spaced(&split.value)).entry(links, split.entry)))
        .maybe("Rows", dataset.rows.as_ref().map(|rows| Cell::number(rows.value).entry(links, rows.entry)))
        .row("Quality", said_cell(links, dataset.quality.as_ref(), "dataset.quality_assessed"))
        .row("Bias", said_cell(links, dataset.bias.as_ref(), "dataset.bias_examined"))
        .maybe("Deleted", dataset.deleted.as_ref().map(|act| act_cell(links, act)));
    facts
        .row("First named", Cell::new().and(entry_bit(links, dataset.first)))
        .row("Subject", Cell::from(Bit::Whole(subject.to_owned())))
}
