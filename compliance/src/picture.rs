//! The lineage of a subject as a picture and as a tree. The same graph gives the same bytes, on a page and in a report.
//!
//! What went in stands on the left. Kinds are told by shape and word, how an edge is known by its line (declared solid, observed double, inferred dashed,
//! attested thick). More than [`MAX_OF_A_KIND`] of a kind at one node are folded into one, and at most [`MAX_DRAWN`] nodes are drawn; both are said in the picture.
//! Nothing in it is styled inline: classes only, and [`STYLE`] is the style sheet for them.

mod draw;
mod graph;
mod layout;
mod shape;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_views::lineage::Lineage;
use modeltrail_views::rows::Assurance;

pub use tree::{Line, MAX_LINES, Tree, tree};

/// Nodes in one picture: what a person can still take in, and a browser draw at once.
pub const MAX_DRAWN: usize = 200;
/// Nodes of one kind at one node before they are folded into one.
pub const MAX_OF_A_KIND: usize = 8;
/// Edges in one picture; beyond these nobody sees where a line goes.
pub const MAX_LINES_DRAWN: usize = 1_000;

/// The style sheet of the pictures, for the one of the page: colours come from custom properties with fallbacks.
pub const STYLE: &str = include_str!("picture/style.css");

/// Where a node leads.
pub type Href<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a picture needs beyond the graph.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Begins the ids of this picture, which are unique in a page: ASCII letters, digits and `-`.
    pub id: &'a str,
    /// Where the node of a subject leads; `None` for nowhere.
    pub href: Href<'a>,
    /// Where a fold leads that opens it, by the subject at which it stands and the kind.
    pub fold_href: &'a dyn Fn(&str, &str) -> Option<String>,
    /// Findings that point at a subject.
    pub findings: &'a BTreeMap<String, usize>,
    /// Digests of subjects whose name doesn't hold them.
    pub digests: &'a BTreeMap<String, String>,
    /// Folds that are open: (subject, kind).
    pub open: &'a BTreeSet<(String, String)>,
}

/// A drawn picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The SVG, to be put into HTML as it is.
    pub svg: String,
    /// Nodes drawn, folds among them.
    pub nodes: usize,
    /// Subjects of the lineage that are not drawn, not even in a fold.
    pub left_out: usize,
    /// What was left out and why, in words.
    pub bound: Option<String>,
}

/// Draws a lineage.
#[must_use]
pub fn picture(lineage: &Lineage, options: &Options<'_>) -> Picture {
    let graph = graph::Graph::new(lineage, options);
    let layout = layout::Layout::new(&graph);
    let bound = bound(&graph, lineage);
    let svg = draw::svg(&graph, &layout, lineage, options, bound.as_deref());
    Picture { svg, nodes: graph.nodes.len(), left_out: graph.left_out, bound }
}

fn bound(graph: &graph::Graph, lineage: &Lineage) -> Option<String> {
    let mut said = Vec::new();
    if graph.left_out > 0 {
        said.push(format!("{} further subjects are not drawn: a picture holds {MAX_DRAWN} nodes", graph.left_out));
    }
    if graph.lines_left_out > 0 {
        said.push(format!("{} edges are not drawn: a picture holds {MAX_LINES_DRAWN}", graph.lines_left_out));
    }
    said.extend(lineage.truncated.as_deref().map(crate::words::visible));
    if said.is_empty() { None } else { Some(said.join("; ")) }
}

/// The word for how an edge is known.
#[must_use]
pub fn known_word(known: Assurance) -> &'static str {
    match known {
        Assurance::Asserted => "declared",
        Assurance::Observed => "observed",
        Assurance::Inferred => "inferred",
        Assurance::Attested => "attested",
    }
}

/// What one subject is to the other, in words to be read between them: from, words, to.
#[must_use]
pub fn role_words(role: &str) -> &'static str {
    match role {
        "input" => "was read for",
        "base" => "is the base of",
        "component" => "is a part of",
        "code" => "is the code of",
        "environment" => "is the environment of",
        "run" => "made",
        "output" => "wrote",
        "serves" => "runs at",
        "same" => "is the same as",
        _ => "leads to",
    }
}

/// The word for many of a kind.
#[must_use]
pub fn plural(kind: &str) -> String {
    match kind {
        "code" => "revisions of code".to_owned(),
        "policy" => "policies".to_owned(),
        "party" => "parties".to_owned(),
        kind => format!("{kind}s"),
    }
}

/// Escapes text for HTML and SVG, in attributes too.
#[must_use]
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
