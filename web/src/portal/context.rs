//! What a page is made from: the ledger, the views as of one size, and what was asked.

use std::sync::{Arc, LazyLock};

use modeltrail_schemas::time::Micros;
use modeltrail_views::read::ReadEntry;
use modeltrail_views::rows::Row;
use modeltrail_views::store::{MemoryViews, ViewStore};
use modeltrail_views::view::View;
use serde_json::Value;

use super::fault::Fault;
use super::links::Links;
use super::page::{Page, Section};
use crate::errors::WebError;
use crate::query::{Query, wrong};
use crate::state::AppState;
use crate::views::{AsOf, view_at};

/// Rows of a table that one page looks at: sorting and counting need all of them, and a page must not read millions.
pub(crate) const LIST_ROWS: usize = 20_000;

/// A page that can be asked for.
pub(crate) struct Route {
    /// Its path; `{…}` stands for one segment.
    pub(crate) path: &'static str,
    /// Where it belongs.
    pub(crate) section: Section,
    /// The parameters it takes, besides those of every page.
    pub(crate) takes: &'static [&'static str],
    /// Makes it.
    pub(crate) make: fn(&Cx<'_>) -> Result<Page, Fault>,
}

/// Parameters that every page takes.
pub(crate) const EVERYWHERE: [&str; 5] = ["as_of", "format", "table", "page", "sort"];

/// What is known when a page is made.
pub(crate) struct Cx<'s> {
    /// The server.
    pub(crate) state: &'s AppState,
    /// Which page.
    pub(crate) route: &'static Route,
    /// The path as it was asked for.
    pub(crate) address: String,
    /// Its last segment, where the route has one open.
    pub(crate) segment: String,
    /// Makes links.
    pub(crate) links: Links,
    /// Entries that the page knows.
    pub(crate) size: u64,
    /// Entries of the ledger.
    pub(crate) head: u64,
    /// Entries that the views have yet to see.
    pub(crate) behind: u64,
    /// The time of the page: the one asked for, else that of the last entry it knows.
    pub(crate) now: String,
    /// The day asked for, where it was a day.
    pub(crate) asked_day: Option<String>,
    /// Halted sources, and why.
    pub(crate) halted: Vec<(String, String)>,
    store: Option<Arc<dyn ViewStore>>,
    query: Query,
}

/// An "as of" as its reader writes it: a number of entries, a day (to its end, UTC), or a time.
struct Asked {
    as_of: AsOf,
    time: Option<Micros>,
    day: Option<String>,
}

fn asked(text: &str) -> Result<Asked, WebError> {
    let as_of = AsOf::parse("as_of", text)?;
    let time = match as_of {
        AsOf::Time(time) => Some(time),
        AsOf::Size(_) => None,
    };
    Ok(Asked { as_of, time, day: time.filter(|_| text.len() == 10).map(|_| text.to_owned()) })
}

impl<'s> Cx<'s> {
    /// What is known for a request.
    pub(crate) fn new(state: &'s AppState, route: &'static Route, path: &str, query: Query) -> Result<Self, WebError> {
        let text = query.one("as_of")?.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let asked = text.as_deref().map(asked).transpose()?;
        let head = state.ledger().head().size;
        let time = asked.as_ref().and_then(|asked| asked.time);
        let (_, folded) = state.config.views.snapshot();
        let (store, size) = view_at(state, asked.as_ref().map(|asked| asked.as_of))?;
        let mut cx = Self {
            state,
            route,
            address: path.to_owned(),
            segment: path.rsplit('/').next().unwrap_or_default().to_owned(),
            links: Links::new(text),
            size,
            head,
            behind: head.saturating_sub(folded),
            now: String::new(),
            asked_day: asked.and_then(|asked| asked.day),
            halted: halted(state),
            store: Some(store),
            query,
        };
        let last = cx.received(size.saturating_sub(1)).unwrap_or_default();
        // A time beyond the newest entry is that of nothing recorded: what is newest then is newest now.
        cx.now = time.map(|time| time.to_string()).filter(|_| size < head).unwrap_or(last);
        Ok(cx)
    }

    /// Without views, for a page that says why there are none.
    pub(crate) fn bare(state: &'s AppState, route: &'static Route, path: &str) -> Self {
        let head = state.ledger().head().size;
        let mut cx = Self {
            state,
            route,
            address: path.to_owned(),
            segment: String::new(),
            links: Links::default(),
            size: head,
            head,
            behind: 0,
            now: String::new(),
            asked_day: None,
            halted: halted(state),
            store: None,
            query: Query::empty(),
        };
        cx.now = cx.received(head.saturating_sub(1)).unwrap_or_default();
        cx
    }

    /// The views, as of the page's size.
    pub(crate) fn view(&self) -> View<'_> {
        self.at(self.size)
    }

    /// The views as of another size, at most the page's.
    pub(crate) fn at(&self, size: u64) -> View<'_> {
        static NONE: LazyLock<MemoryViews> = LazyLock::new(MemoryViews::new);
        match &self.store {
            Some(store) => View::new(store.as_ref(), size.min(self.size)),
            None => View::new(&*NONE, 0),
        }
    }

    /// Whether the page shows the past.
    pub(crate) fn past(&self) -> bool {
        self.links.as_of().is_some() && self.size < self.head.saturating_sub(self.behind)
    }

    /// A parameter that says something.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.all(name).next().map(str::trim).filter(|value| !value.is_empty())
    }

    /// A parameter that must say something.
    pub(crate) fn demanded(&self, name: &str) -> Result<&str, Fault> {
        self.param(name).ok_or_else(|| wrong(name, "is missing").into())
    }

    /// All parameters that say something.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.pairs().filter(|(_, value)| !value.trim().is_empty())
    }

    /// Whether rows are wanted as CSV.
    pub(crate) fn csv(&self) -> bool {
        self.param("format") == Some("csv")
    }

    /// This page with other parameters; an empty one is taken away.
    pub(crate) fn with(&self, changed: &[(&str, &str)]) -> String {
        let stays =
            |name: &str| !matches!(name, "format" | "table") && !changed.iter().any(|(other, _)| *other == name);
        let mut parameters: Vec<(&str, &str)> = self.given().filter(|(name, _)| stays(name)).collect();
        parameters.extend_from_slice(changed);
        self.links.to(&self.address, &parameters)
    }

    /// All rows whose first parts are these, at most [`LIST_ROWS`], and whether there are more.
    pub(crate) fn rows<R: Row>(&self, parts: &[&str]) -> Result<(Vec<R>, bool), Fault> {
        let page = self.view().page::<R>(parts, None, LIST_ROWS, |_| true)?;
        let more = page.truncated || page.next.is_some();
        Ok((page.rows, more))
    }

    /// An entry, read.
    pub(crate) fn entry(&self, index: u64) -> Result<ReadEntry, Fault> {
        let ledger = self.state.ledger();
        let header = ledger.header(index)?.ok_or(WebError::NoEntry { index, size: self.head })?;
        let opening = ledger.opening(index)?;
        Ok(ReadEntry::new(&header, opening.as_deref())?)
    }

    /// When an entry was received.
    pub(crate) fn received(&self, index: u64) -> Option<String> {
        let header = self.state.ledger().header(index).ok().flatten()?;
        modeltrail_core::header::EntryHeader::parse(&header).ok().map(|header| header.received.at)
    }
}

/// Sources with a halted partition, and what the reader says of it.
fn halted(state: &AppState) -> Vec<(String, String)> {
    let mut halted = Vec::new();
    for source in state.config.sources.sources() {
        let name = source.get("source").and_then(Value::as_str).unwrap_or_default();
        for partition in source.get("partitions").and_then(Value::as_array).into_iter().flatten() {
            if let Some(why) = partition.get("halted").and_then(Value::as_str) {
                halted.push((name.to_owned(), why.to_owned()));
            }
        }
    }
    halted
}
