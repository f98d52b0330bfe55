//! A page as its maker gives it, and the frame around it.

use actix_web::http::StatusCode;
use askama::Template;
use modeltrail_store::{ViewsState, WriterStatus};

use super::assets;
use super::bits::{Bit, Cell, mark, time_bit};
use super::blocks::{Block, Callout};
use super::context::Cx;
use super::links::Links;
use super::text::{counted, cut, grouped};

/// What a page shows.
#[derive(Debug)]
pub(crate) struct Page {
    /// The thing: the first words of the title, and the heading.
    pub(crate) title: String,
    /// What kind of page or thing.
    pub(crate) kind: &'static str,
    /// The way here.
    pub(crate) crumbs: Vec<(String, String)>,
    /// One sentence about it.
    pub(crate) lead: Cell,
    /// What can be done from here.
    pub(crate) actions: Vec<Bit>,
    /// What needs the whole width: above both columns.
    pub(crate) above: Vec<Block>,
    /// The main column.
    pub(crate) main: Vec<Block>,
    /// The side column.
    pub(crate) aside: Vec<Block>,
    /// What needs the whole width: below both columns.
    pub(crate) below: Vec<Block>,
    /// The status.
    pub(crate) status: StatusCode,
    /// Seconds after which the page is asked for again: only where something is under way.
    pub(crate) refresh: Option<u32>,
}

impl Page {
    /// An empty page.
    pub(crate) fn new(title: impl Into<String>, kind: &'static str) -> Self {
        Self {
            title: title.into(),
            kind,
            crumbs: Vec::new(),
            lead: Cell::new(),
            actions: Vec::new(),
            above: Vec::new(),
            main: Vec::new(),
            aside: Vec::new(),
            below: Vec::new(),
            status: StatusCode::OK,
            refresh: None,
        }
    }

    /// All its parts, in order.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.above.iter().chain(&self.main).chain(&self.aside).chain(&self.below)
    }

    /// Whether something can be set going from it: then its forms say to this server, and to no other, where they come from.
    pub(crate) fn acts(&self) -> bool {
        self.blocks().any(|block| matches!(block, Block::Act(_)))
    }

    /// With one step of the way here.
    pub(crate) fn crumb(mut self, words: impl Into<String>, href: String) -> Self {
        self.crumbs.push((words.into(), href));
        self
    }
}

/// What people look for: the first row of links, and what stands below each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Models,
    Data,
    Deployments,
    Approvals,
    Findings,
    Reports,
    Ledger,
    Elsewhere,
}

/// (section, words, path) of the first row.
const MAIN: [(Section, &str, &str); 8] = [
    (Section::Overview, "Overview", "/"),
    (Section::Models, "Models", "/models"),
    (Section::Data, "Data", "/datasets"),
    (Section::Deployments, "Deployments", "/deployments"),
    (Section::Approvals, "Approvals", "/approvals"),
    (Section::Findings, "Findings", "/findings"),
    (Section::Reports, "Reports", "/reports"),
    (Section::Ledger, "Ledger", "/integrity"),
];

/// (section, words, path) of the second row.
const SUB: [(Section, &str, &str); 20] = [
    (Section::Models, "Models", "/models"),
    (Section::Models, "What changed", "/changes"),
    (Section::Models, "Lineage", "/lineage"),
    (Section::Data, "Datasets", "/datasets"),
    (Section::Data, "Lineage", "/lineage"),
    (Section::Deployments, "What runs", "/deployments"),
    (Section::Deployments, "What ran at", "/ran-at"),
    (Section::Deployments, "Incidents", "/incidents"),
    (Section::Approvals, "Approvals", "/approvals"),
    (Section::Approvals, "Validations", "/validations"),
    (Section::Approvals, "Evaluations", "/evaluations"),
    (Section::Approvals, "Parties", "/parties"),
    (Section::Reports, "Issued", "/reports"),
    (Section::Reports, "Make one", "/make"),
    (Section::Ledger, "Integrity", "/integrity"),
    (Section::Ledger, "Entries", "/entries"),
    (Section::Ledger, "Ingest", "/ingest"),
    (Section::Ledger, "Quarantine", "/quarantine"),
    (Section::Ledger, "Keys", "/keys"),
    (Section::Ledger, "What this proves", "/about"),
];

/// A link of a row.
pub(crate) struct Item {
    words: &'static str,
    href: String,
    here: bool,
    exact: bool,
}

impl Item {
    /// What `aria-current` says of it: the page itself, or only its section.
    pub(crate) fn current(&self) -> &'static str {
        if self.exact { "page" } else { "true" }
    }
}

/// What stands around every page.
pub(crate) struct Frame {
    origin: String,
    home: String,
    about: String,
    integrity: String,
    style: &'static str,
    script: &'static str,
    icon: &'static str,
    state: Cell,
    nav: Vec<Item>,
    sub: Vec<Item>,
    standing: Cell,
    past: bool,
    back: Option<String>,
    action: String,
    kept: Vec<(String, String)>,
    as_of: Option<String>,
    query: String,
    callouts: Vec<Block>,
}

impl Frame {
    /// The frame of a page that was asked for so.
    pub(crate) fn of(cx: &Cx<'_>) -> Self {
        let links = &cx.links;
        let here = |path: &str| path == cx.route.path;
        let item = |words: &'static str, path: &'static str, here: bool| Item {
            words,
            href: links.to(path, &[]),
            here,
            exact: path == cx.route.path,
        };
        let nav = MAIN.iter().map(|(section, words, path)| item(words, path, *section == cx.route.section)).collect();
        let sub = SUB.iter().filter(|(section, ..)| *section == cx.route.section);
        let sub = sub.map(|(_, words, path)| item(words, path, here(path))).collect();
        let others: Vec<(String, String)> = cx
            .given()
            .filter(|(name, _)| !matches!(*name, "as_of" | "page" | "format" | "table"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let plain: Vec<(&str, &str)> = others.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self {
            origin: cut(cx.state.ledger().origin()),
            home: links.to("/", &[]),
            about: links.to("/about", &[]),
            integrity: links.to("/integrity", &[]),
            style: assets::style(),
            script: assets::script(),
            icon: assets::ICON,
            state: state(cx),
            nav,
            sub,
            standing: standing(cx),
            past: cx.past(),
            back: links.as_of().map(|_| Links::default().to(&cx.address, &plain)),
            action: cx.address.clone(),
            as_of: links.as_of().map(str::to_owned),
            query: if cx.route.path == "/search" {
                cx.param("q").unwrap_or_default().to_owned()
            } else {
                String::new()
            },
            callouts: callouts(cx),
            kept: others,
        }
    }

    /// What stands in the field.
    pub(crate) fn as_of_text(&self) -> &str {
        self.as_of.as_deref().unwrap_or_default()
    }
}

fn state(cx: &Cx<'_>) -> Cell {
    let sealed = counted(cx.head, "entry", "entries");
    let bit = match cx.state.ledger().status() {
        WriterStatus::Running => mark("good", "✓", "sealed"),
        WriterStatus::Paused { .. } => mark("high", "▲", "paused"),
        WriterStatus::Poisoned { .. } => mark("critical", "◆", "poisoned"),
        WriterStatus::ReadOnly { .. } => mark("neutral", "○", "read-only"),
        WriterStatus::Stopped => mark("high", "▲", "stopping"),
    };
    Cell::from(bit).then(format!("· {sealed}"))
}

fn standing(cx: &Cx<'_>) -> Cell {
    let entries = counted(cx.size, "entry", "entries");
    let mut cell = Cell::words(format!("As of {entries} ·")).and(time_bit(&cx.now));
    cell = match (&cx.asked_day, cx.past()) {
        (Some(_), true) => cell.then("(the end of that day) · the past"),
        (_, true) => cell.then("· the past"),
        (_, false) => cell.then("· newest"),
    };
    if cx.behind > 0 && !cx.past() {
        cell = cell.then("·").and(mark("high", "▲", format!("{} behind", counted(cx.behind, "entry", "entries"))));
    }
    cell
}

fn callouts(cx: &Cx<'_>) -> Vec<Block> {
    let mut callouts = Vec::new();
    let mut add = |tone, word, text: Cell| callouts.push(Block::Callout(Callout { tone, word, text }));
    match cx.state.ledger().status() {
        WriterStatus::Poisoned { cause } => add(
            "danger",
            "Poisoned",
            Cell::words("A write failed, and nothing is written any more until a restart. What is shown here is what was durable before. The cause:").and(Bit::Name(cut(&cause))),
        ),
        WriterStatus::Paused { free_bytes, needed_bytes } => add(
            "warning",
            "Paused",
            Cell::words(format!("The disk is nearly full ({free_bytes} bytes free, {needed_bytes} needed): nothing is written until there is room.")),
        ),
        WriterStatus::ReadOnly { why } => add("note", "Read-only", Cell::words("Nothing is written:").and(Bit::Name(cut(&why)))),
        WriterStatus::Running | WriterStatus::Stopped => {}
    }
    match cx.state.config.views.state() {
        ViewsState::Failed { why } => add(
            "danger",
            "Views stopped",
            Cell::words("The views (what the pages are made from) follow the log no further; the log itself goes on.")
                .and(Bit::Name(cut(&why))),
        ),
        ViewsState::Paused => add(
            "warning",
            "Views paused",
            Cell::words("The disk is nearly full: the views stay where they are until there is room."),
        ),
        ViewsState::Following | ViewsState::ReadOnly { .. } | ViewsState::Stopped => {}
    }
    if let Some(rebuild) = cx.state.config.views.rebuild_status().filter(|rebuild| !rebuild.ended()) {
        let done = format!(
            "The views are being folded anew: {} of {}. What is shown comes from the old ones until then.",
            grouped(rebuild.folded),
            counted(rebuild.of, "entry", "entries")
        );
        add("note", "Rebuilding", Cell::words(done));
    }
    if cx.size == 0 && cx.head > 0 && cx.links.as_of().is_none() {
        add(
            "warning",
            "Not ready",
            Cell::words(
                "No entry is folded into the views yet. Load the page again in a moment; entries and integrity can be read meanwhile.",
            ),
        );
    }
    for (source, why) in &cx.halted {
        add(
            "danger",
            "Halted",
            Cell::words("The source")
                .and(Bit::Name(cut(source)))
                .then("is not read any further:")
                .and(Bit::Name(cut(why)))
                .and(super::bits::link(cx.links.to("/ingest", &[]), "Ingest")),
        );
    }
    if cx.state.ledger().clock_kind() != "system" {
        add(
            "note",
            "Simulated clock",
            Cell::words("This ledger's clock is simulated: its times are those of a story, not of this day."),
        );
    }
    callouts
}

#[derive(Template)]
#[template(path = "page.html")]
struct Whole<'p> {
    frame: &'p Frame,
    page: &'p Page,
}

/// The page as HTML.
pub(crate) fn render(frame: &Frame, page: &Page) -> Result<String, askama::Error> {
    Whole { frame, page }.render()
}
