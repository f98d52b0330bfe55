//! The dossier as a page: one file, one style sheet, no script, no time but those of the entries.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use modeltrail_views::rows::Severity;
use serde_json::Value;

use super::{Cell, Column, Dossier, ReportError, Row, Table};
use crate::picture::{self, Line, Options, Tree, known_word, picture, role_words, tree};
use crate::words::{self, moment_words, shorten, time_words, visible};

/// Characters of a value on the page; the whole of it stands in the JSON and in its entry.
const MAX_SHOWN: usize = 2_000;

#[derive(Template)]
#[template(path = "dossier.html")]
struct Page<'d> {
    d: &'d Dossier,
    style: String,
    svg: String,
    bound: Option<String>,
    tree: Tree,
    anchors: BTreeMap<String, String>,
    /// Lines by their place in memory would differ from run to run, so anchors are kept by subject.
    cited: BTreeSet<u64>,
}

/// Renders the page.
pub(super) fn page(dossier: &Dossier) -> Result<Vec<u8>, ReportError> {
    let tree = tree(&dossier.lineage);
    let lines = tree.up.iter().chain(&tree.down).filter(|line| !line.again);
    let anchors: BTreeMap<String, String> =
        lines.enumerate().map(|(at, line)| (line.subject.clone(), format!("n{at}"))).collect();
    let mut findings: BTreeMap<String, usize> = BTreeMap::new();
    for subject in dossier.findings.iter().flat_map(|finding| &finding.subjects) {
        *findings.entry(subject.clone()).or_default() += 1;
    }
    let drawn = picture(
        &dossier.lineage,
        &Options {
            id: "lineage-picture",
            href: &|subject| anchors.get(subject).map(|id| format!("#{id}")),
            fold_href: &|_, _| Some("#lineage".to_owned()),
            findings: &findings,
            digests: &BTreeMap::new(),
            open: &BTreeSet::new(),
        },
    );
    let style = format!("{}{}", include_str!("../../templates/report.css"), picture::STYLE);
    let cited = dossier.cited.iter().map(|cited| cited.entry).collect();
    let page = Page { d: dossier, style, svg: drawn.svg, bound: drawn.bound, tree, anchors, cited };
    Ok(page.render()?.into_bytes())
}

impl Page<'_> {
    fn show(&self, text: &str) -> String {
        shorten(&visible(text), MAX_SHOWN)
    }

    fn time(&self, time: &str) -> String {
        time_words(time)
    }

    fn value(&self, value: &Value) -> String {
        shorten(&value_line(value), MAX_SHOWN)
    }

    /// A link to an entry in the list of cited ones.
    fn link(&self, entry: &u64) -> String {
        if self.cited.contains(entry) { format!("<a href=\"#e{entry}\">[{entry}]</a>") } else { format!("[{entry}]") }
    }

    fn severity(&self, severity: &Severity) -> &'static str {
        match severity {
            Severity::Critical => "● critical",
            Severity::High => "▲ high",
            Severity::Medium => "■ medium",
            Severity::Low => "○ low",
        }
    }

    fn pairs<'t>(&self, table: &'t Table, row: &'t Row) -> Vec<(&'t Column, &'t Option<Cell>)> {
        // A row is a card: what none of the rows has is said once, by its card as "not recorded".
        table.columns.iter().zip(&row.cells).collect()
    }

    fn sides(&self) -> [(&'static str, &[Line]); 2] {
        [("What went in", &self.tree.up), ("What came of it", &self.tree.down)]
    }

    fn anchor(&self, line: &Line) -> Option<&str> {
        self.anchors.get(&line.subject).filter(|_| !line.again).map(String::as_str)
    }

    fn edge(&self, line: &Line) -> String {
        let edge = &line.edge;
        let far = if edge.from == line.subject { &edge.to } else { &edge.from };
        let way = if edge.from == line.subject { "→" } else { "←" };
        format!(
            "{way} {} ({}, {}; {})",
            visible(far),
            role_words(&edge.role),
            known_word(edge.known),
            words::mark_words(edge.signature)
        )
    }
}

/// A value in words: a text that is a time as one, members of a serving set and the like by their names.
fn value_line(value: &Value) -> String {
    match value {
        Value::String(text) if modeltrail_schemas::time::parse_rfc3339(text).is_some() => moment_words(text),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => words::value_words(other),
    }
}
