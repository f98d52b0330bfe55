//! The inventory: every model as of one size, with what supervisors ask of an inventory, as far as entries say it.
//!
//! As in the dossier, each field is filled from the event fields that [`fields`] names and from nothing else, and stands with the entry that says it.

pub mod fields;
mod gather;

use askama::Template;
use modeltrail_schemas::json;
use modeltrail_views::view::View;
use serde::Serialize;

use crate::csv;
use crate::dossier::{Cell, Checkpoint, Column, Facts, ReportError};
use crate::words::{moment_words, shorten, time_words, value_words, visible};

/// The version of this renderer.
pub const RENDERER: u64 = 1;
/// The report's name in `report.issued` entries.
pub const NAME: &str = "model-inventory";
/// Models in one inventory; more are counted.
pub const MAX_MODELS: usize = 10_000;
/// Characters of a value on the page; the whole of it stands in the JSON.
const MAX_SHOWN: usize = 400;

/// The inventory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inventory {
    /// [`NAME`].
    pub report: &'static str,
    /// [`RENDERER`].
    pub renderer: u64,
    /// As of which size.
    pub as_of: u64,
    /// The signed summary it stands on.
    pub checkpoint: Checkpoint,
    /// When the last entry below the as-of size was received, where the caller knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_received: Option<String>,
    /// The fields, in order.
    pub columns: Vec<Column>,
    /// The models, by name.
    pub models: Vec<Line>,
    /// How many models stand in each tier of each scheme.
    pub tiers: Vec<(String, u64)>,
    /// Models left out, because of [`MAX_MODELS`].
    pub left_out: u64,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The subject.
    pub model: String,
    /// For each column its values; none when nothing was recorded.
    pub cells: Vec<Vec<Cell>>,
}

/// Makes the inventory from views as of their size.
///
/// # Errors
/// The views can't be asked.
pub fn inventory(view: &View<'_>, facts: &Facts, last_received: Option<String>) -> Result<Inventory, ReportError> {
    gather::inventory(view, facts, last_received)
}

#[derive(Template)]
#[template(path = "inventory.html")]
struct Page<'i> {
    i: &'i Inventory,
    style: &'static str,
}

impl Inventory {
    /// As canonical JSON, without line end.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let value = serde_json::to_value(self).expect("texts, numbers, lists and JSON values always serialise");
        json::canonical(&value)
    }

    /// As one HTML page that needs nothing else.
    ///
    /// # Errors
    /// The template can't be rendered.
    pub fn to_html(&self) -> Result<Vec<u8>, ReportError> {
        Ok(Page { i: self, style: include_str!("../templates/report.css") }.render()?.into_bytes())
    }

    /// As CSV: a head, then a line a model. Values of one field stand with `; ` between, and the entries that say them in the last column.
    #[must_use]
    pub fn to_csv(&self) -> Vec<u8> {
        let heads = self.columns.iter().map(|column| column.label).chain(["Entries"]);
        let mut csv = csv::line(heads);
        for model in &self.models {
            let cells = model
                .cells
                .iter()
                .map(|values| values.iter().map(|cell| plain(&cell.value)).collect::<Vec<_>>().join("; "));
            let mut entries: Vec<u64> = model.cells.iter().flatten().map(|cell| cell.entry).collect();
            entries.sort_unstable();
            entries.dedup();
            let entries = entries.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
            csv.push_str(&csv::line(cells.chain([entries])));
        }
        csv.into_bytes()
    }
}

/// A value for a spreadsheet: times stay as the ledger writes them, so that they sort.
fn plain(value: &serde_json::Value) -> String {
    value_words(value)
}

impl Page<'_> {
    fn show(&self, text: &str) -> String {
        shorten(&visible(text), MAX_SHOWN)
    }

    fn time(&self, time: &str) -> String {
        time_words(time)
    }

    fn value(&self, value: &serde_json::Value) -> String {
        let words = match value.as_str() {
            Some(text) if modeltrail_schemas::time::parse_rfc3339(text).is_some() => moment_words(text),
            _ => value_words(value),
        };
        shorten(&words, MAX_SHOWN)
    }

    fn pairs<'l>(&self, line: &'l Line) -> Vec<(&Column, &'l Vec<Cell>)> {
        self.i.columns.iter().zip(&line.cells).collect()
    }
}
