//! Tables for people: columns in line, one row a line.

use crate::output::{Tone, paint, printable};

/// A table that is filled row by row.
pub(crate) struct Table {
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(head: &'static [&'static str]) -> Self {
        Self { head, rows: Vec::new() }
    }

    /// Adds a row: as many cells as the head has. What a ledger says may hold line ends; a cell has none.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.head.len(), "{cells:?}");
        self.rows.push(cells.into_iter().map(|cell| printable(&cell.replace(['\n', '\r'], " "))).collect());
    }

    /// The table as text; without rows this sentence instead.
    pub(crate) fn text(&self, empty: &str) -> String {
        if self.rows.is_empty() {
            return format!("{empty}\n");
        }
        let width = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
            cells.chain(self.head.get(at).map(|name| name.len())).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            padded.join("  ").trim_end().to_owned()
        };
        let mut text = paint(Tone::Strong, &line(&mut self.head.iter().copied())) + "\n";
        for row in &self.rows {
            text += &line(&mut row.iter().map(String::as_str));
            text.push('\n');
        }
        text
    }
}

/// A text, or a dash where there is none.
pub(crate) fn or_dash(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

/// A time to the second; the ledger's own spelling has microseconds.
pub(crate) fn short_time(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, rest)) if rest.ends_with('Z') => format!("{whole}Z"),
        _ => time.to_owned(),
    }
}

/// The first digits of a digest, as many as people compare.
pub(crate) fn short_digest(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_line_and_no_cell_breaks_a_row() {
        let mut table = Table::new(&["MODEL", "TIER"]);
        table.row(vec!["model/a".to_owned(), "1".to_owned()]);
        table.row(vec!["model/longer\u{1b}[2J\nx".to_owned(), String::new()]);
        let text = table.text("none");
        assert_eq!(text.lines().count(), 3, "{text:?}");
        let second = "model/longer[U+001B][2J x";
        let first = format!("{:1$}  1", "model/a", second.len());
        assert!(text.ends_with(&format!("{first}\n{second}\n")), "{text:?}");
        assert_eq!(Table::new(&["MODEL"]).text("No models."), "No models.\n");
    }

    #[test]
    fn times_and_digests_are_cut_to_what_people_read() {
        assert_eq!(short_time("2026-03-03T14:02:00.123456Z"), "2026-03-03T14:02:00Z");
        assert_eq!(short_time("soon"), "soon");
        assert_eq!(short_digest("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!(or_dash(Some("")), "-");
    }
}
