//! Tables of rows: the same columns as HTML and as CSV, sorted, and cut into pages.

use super::bits::Cell;
use super::blocks::{Block, Head, Table};
use super::context::Cx;
use super::links::Links;
use super::text::grouped;

/// Rows of one page.
pub(crate) const PAGE_ROWS: usize = 50;
/// Rows of a table that is only a part of its page: the rest is in its CSV.
const PART_ROWS: usize = 50;

/// What rows are put in order by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// Nothing there: first.
    Nothing,
    /// By number.
    Number(u64),
    /// By text, letters of any case alike.
    Text(String),
}

impl Order {
    /// By a text, if there is one.
    pub(crate) fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.to_lowercase()))
    }
}

/// A column of rows of one type.
pub(crate) struct Column<R> {
    key: &'static str,
    head: &'static str,
    numeric: bool,
    order: Option<fn(&R) -> Order>,
    cell: fn(&R, &Links) -> Cell,
}

impl<R> Column<R> {
    /// A column that nobody sorts by.
    pub(crate) const fn plain(head: &'static str, cell: fn(&R, &Links) -> Cell) -> Self {
        Self { key: "", head, numeric: false, order: None, cell }
    }

    /// A column to sort by.
    pub(crate) const fn sorted(
        key: &'static str,
        head: &'static str,
        order: fn(&R) -> Order,
        cell: fn(&R, &Links) -> Cell,
    ) -> Self {
        Self { key, head, numeric: false, order: Some(order), cell }
    }

    /// A column of numbers that nobody sorts by.
    pub(crate) const fn figures(head: &'static str, cell: fn(&R, &Links) -> Cell) -> Self {
        Self { key: "", head, numeric: true, order: None, cell }
    }

    /// A column of numbers to sort by.
    pub(crate) const fn number(
        key: &'static str,
        head: &'static str,
        order: fn(&R) -> Order,
        cell: fn(&R, &Links) -> Cell,
    ) -> Self {
        Self { key, head, numeric: true, order: Some(order), cell }
    }
}

/// How rows become a table.
pub(crate) struct Listing<R: 'static> {
    /// The table's name on its page.
    pub(crate) id: &'static str,
    /// What it shows.
    pub(crate) caption: String,
    /// Its columns.
    pub(crate) columns: &'static [Column<R>],
    /// By which column it is sorted unless asked otherwise; `-` in front for the other way. Empty: as the rows come.
    pub(crate) sort: &'static str,
    /// Whether it is what its page is for: sorted and paged by the page's parameters.
    pub(crate) main: bool,
    /// More rows than are looked at.
    pub(crate) truncated: bool,
    /// Why it is empty, and what fills it.
    pub(crate) empty: Cell,
}

impl<R> Listing<R> {
    /// The page's own list.
    pub(crate) fn main(
        id: &'static str,
        caption: impl Into<String>,
        columns: &'static [Column<R>],
        sort: &'static str,
        empty: Cell,
    ) -> Self {
        Self { id, caption: caption.into(), columns, sort, main: true, truncated: false, empty }
    }

    /// A list that is a part of its page.
    pub(crate) fn part(
        id: &'static str,
        caption: impl Into<String>,
        columns: &'static [Column<R>],
        empty: Cell,
    ) -> Self {
        Self { id, caption: caption.into(), columns, sort: "", main: false, truncated: false, empty }
    }

    /// There are more rows than are looked at.
    pub(crate) fn bounded(mut self, truncated: bool) -> Self {
        self.truncated = truncated;
        self
    }

    /// The table of these rows, as a part of a page.
    pub(crate) fn block(self, cx: &Cx<'_>, rows: Vec<R>) -> Block {
        Block::Table(self.table(cx, rows))
    }

    /// The same, where there are any rows.
    pub(crate) fn some(self, cx: &Cx<'_>, rows: Vec<R>) -> Option<Block> {
        (!rows.is_empty()).then(|| self.block(cx, rows))
    }

    /// The table of these rows.
    pub(crate) fn table(self, cx: &Cx<'_>, mut rows: Vec<R>) -> Table {
        let asked = cx.param("sort").filter(|_| self.main);
        let known = |asked: &&str| {
            self.columns.iter().any(|column| column.order.is_some() && column.key == asked.trim_start_matches('-'))
        };
        let sort = asked.filter(known).unwrap_or(self.sort);
        let (key, down) = (sort.trim_start_matches('-'), sort.starts_with('-'));
        if let Some(order) =
            self.columns.iter().find(|column| column.key == key && !key.is_empty()).and_then(|column| column.order)
        {
            rows.sort_by_cached_key(order);
            if down {
                rows.reverse();
            }
        }
        let total = rows.len();
        let (first, most) = self.window(cx, total);
        let shown: Vec<Vec<Cell>> = rows
            .iter()
            .skip(first)
            .take(most)
            .map(|row| self.columns.iter().map(|column| (column.cell)(row, &cx.links)).collect())
            .collect();
        let (heads, shown) = self.without_empty(cx, key, down, shown);
        let page = first / PAGE_ROWS + 1;
        let turn = |page: usize| cx.with(&[("page", &page.to_string())]);
        let last = first + shown.len();
        Table {
            id: self.id,
            heads,
            count: self.count(first, last, total),
            previous: (self.main && first > 0).then(|| turn(page - 1)),
            next: (self.main && last < total).then(|| turn(page + 1)),
            csv: cx.with(&[("format", "csv"), ("table", self.id), ("page", "")]),
            rows: shown,
            caption: self.caption,
            empty: self.empty,
        }
    }

    /// Heads and rows without the columns of a part that say nothing in any row: a wide table hides what it has. CSV keeps them all, and so does
    /// every column that says "not recorded".
    fn without_empty(
        &self,
        cx: &Cx<'_>,
        key: &str,
        down: bool,
        mut rows: Vec<Vec<Cell>>,
    ) -> (Vec<Head>, Vec<Vec<Cell>>) {
        let keep: Vec<bool> = (0..self.columns.len())
            .map(|at| self.main || cx.csv() || at == 0 || rows.is_empty() || rows.iter().any(|row| !row[at].is_none()))
            .collect();
        for row in &mut rows {
            let mut kept = keep.iter();
            row.retain(|_| *kept.next().unwrap_or(&true));
        }
        let columns = self.columns.iter().zip(&keep).filter(|(_, keep)| **keep);
        (columns.map(|(column, _)| self.head(cx, column, key, down)).collect(), rows)
    }

    /// The first row shown and how many.
    fn window(&self, cx: &Cx<'_>, total: usize) -> (usize, usize) {
        if cx.csv() {
            return (0, usize::MAX);
        }
        if !self.main {
            return (0, PART_ROWS);
        }
        let page = cx.param("page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(1).max(1);
        let last = total.saturating_sub(1) / PAGE_ROWS;
        ((page - 1).min(last) * PAGE_ROWS, PAGE_ROWS)
    }

    fn head(&self, cx: &Cx<'_>, column: &Column<R>, key: &str, down: bool) -> Head {
        let now = !key.is_empty() && column.key == key;
        let turned = if now && !down { format!("-{}", column.key) } else { column.key.to_owned() };
        let sort = column.order.filter(|_| self.main).map(|_| cx.with(&[("sort", &turned), ("page", "")]));
        let sorted = now.then_some(if down { "descending" } else { "ascending" });
        Head { words: column.head, numeric: column.numeric, sort, sorted }
    }

    fn count(&self, first: usize, last: usize, total: usize) -> String {
        let number = |number: usize| grouped(number as u64);
        let bound = if self.truncated { ", and more that this page doesn't look at: narrow the question" } else { "" };
        if total == 0 {
            String::new()
        } else if self.main || last == total {
            format!("{}–{} of {}{bound}", number(first + 1), number(last), number(total))
        } else {
            format!("the first {} of {}{bound}", number(last), number(total))
        }
    }
}

/// A table as CSV (RFC 4180).
pub(crate) fn csv(table: &Table) -> String {
    let heads: Vec<String> = table.heads.iter().map(|head| field(head.words)).collect();
    let mut text = heads.join(",");
    text.push_str("\r\n");
    for row in &table.rows {
        let fields: Vec<String> = row.iter().map(|cell| field(&cell.plain())).collect();
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}

/// One field. What a spreadsheet would take for a formula gets an apostrophe in front.
fn field(text: &str) -> String {
    let formula =
        text.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']) || text.starts_with(['\t', '\r', '\n']);
    let number = text.parse::<f64>().is_ok_and(f64::is_finite);
    let guarded = if formula && !number { format!("'{text}") } else { text.to_owned() };
    if guarded.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreadsheets_find_no_formula() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("@cmd", "'@cmd"),
            ("+x", "'+x"),
            ("-x", "'-x"),
            ("-1.5", "-1.5"),
            (" =1", "' =1"),
            ("\t=1", "'\t=1"),
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=a,b", "\"'=a,b\""),
        ] {
            assert_eq!(field(text), expected, "{text:?}");
        }
    }
}
