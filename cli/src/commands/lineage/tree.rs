//! A walk as text: what each thing was made of, and what came of it, each subject's own branches once.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_views::lineage::{Direction, Lineage};
use modeltrail_views::rows::{Assurance, Edge};

use crate::output::{Tone, paint, printable};

/// What stands behind an edge and behind a subject.
pub(super) trait Notes {
    /// What became of the signatures of the entry that made the edge.
    fn edge(&self, edge: &Edge) -> (Tone, String);
    /// What is to be known about a subject, if anything.
    fn subject(&self, subject: &str) -> Option<String>;
}

/// How an edge is known, in a word.
pub(super) fn known(edge: &Edge) -> &'static str {
    match edge.known {
        Assurance::Asserted => "declared",
        Assurance::Observed => "observed",
        Assurance::Inferred => "inferred",
        Assurance::Attested => "attested",
    }
}

/// Draws a walk. Its roots are the subjects at level 0 but for a model that stands for its versions.
pub(super) fn draw(lineage: &Lineage, notes: &dyn Notes) -> String {
    let mut text = String::new();
    for root in roots(lineage) {
        text += &paint(Tone::Strong, &printable(root));
        text += &remark(notes.subject(root));
        text.push('\n');
        if lineage.direction != Direction::Down {
            text += "made of\n";
            text += &Side::new(lineage, notes, Direction::Up).draw(root);
        }
        if lineage.direction != Direction::Up {
            text += "what came of it\n";
            text += &Side::new(lineage, notes, Direction::Down).draw(root);
        }
    }
    if let Some(bound) = &lineage.truncated {
        text += &paint(Tone::Unsure, &printable(&format!("not all: {bound}")));
        text.push('\n');
    }
    text
}

/// The subjects that the walk began at.
pub(super) fn roots(lineage: &Lineage) -> Vec<&str> {
    let all: Vec<&str> =
        lineage.nodes.iter().filter(|node| node.level == 0).map(|node| node.subject.as_str()).collect();
    if all.len() > 1 { all.into_iter().filter(|subject| *subject != lineage.start).collect() } else { all }
}

fn remark(remark: Option<String>) -> String {
    remark.map(|remark| format!("  [{}]", paint(Tone::Unsure, &printable(&remark)))).unwrap_or_default()
}

/// One direction of a walk.
struct Side<'a> {
    up: bool,
    edges: BTreeMap<&'a str, Vec<&'a Edge>>,
    more: BTreeMap<&'a str, u64>,
    notes: &'a dyn Notes,
    drawn: BTreeSet<&'a str>,
}

/// A subject whose branches are being drawn.
struct Branch<'a> {
    edges: std::vec::IntoIter<&'a Edge>,
    indent: String,
}

impl<'a> Side<'a> {
    fn new(lineage: &'a Lineage, notes: &'a dyn Notes, direction: Direction) -> Self {
        let up = direction == Direction::Up;
        let mut edges: BTreeMap<&str, Vec<&Edge>> = BTreeMap::new();
        for edge in &lineage.edges {
            edges.entry(if up { &edge.to } else { &edge.from }).or_default().push(edge);
        }
        let more = lineage.nodes.iter().filter(|node| node.more > 0).map(|node| (node.subject.as_str(), node.more));
        Self { up, edges, more: more.collect(), notes, drawn: BTreeSet::new() }
    }

    /// A stack of its own and no recursion: a lineage may be a thousand steps deep.
    fn draw(mut self, root: &'a str) -> String {
        let mut text = String::new();
        let mut stack = vec![self.branch(root, String::new())];
        while let Some(branch) = stack.last_mut() {
            let Some(edge) = branch.edges.next() else {
                stack.pop();
                continue;
            };
            let (mark, below) = if branch.edges.len() > 0 { ("├─ ", "│  ") } else { ("└─ ", "   ") };
            let (indent, deeper) = (branch.indent.clone(), format!("{}{below}", branch.indent));
            let far = if self.up { edge.from.as_str() } else { edge.to.as_str() };
            let again = self.drawn.contains(far) && self.edges.contains_key(far);
            text += &format!("{indent}{mark}{}{}\n", self.line(edge, far), if again { "  (shown above)" } else { "" });
            if let Some(more) = self.more.get(far).filter(|_| !again) {
                text += &format!("{deeper}… {more} more\n");
            }
            if self.drawn.insert(far) {
                let next = self.branch(far, deeper);
                stack.push(next);
            }
        }
        if text.is_empty() { "└─ nothing that an entry names\n".to_owned() } else { text }
    }

    fn branch(&mut self, subject: &'a str, indent: String) -> Branch<'a> {
        self.drawn.insert(subject);
        Branch { edges: self.edges.get(subject).cloned().unwrap_or_default().into_iter(), indent }
    }

    fn line(&self, edge: &Edge, far: &str) -> String {
        let (tone, signature) = self.notes.edge(edge);
        let what = printable(&format!("{far}  {}, {}, entry {}", edge.role, known(edge), edge.entry));
        format!("{what}: {}{}", paint(tone, &printable(&signature)), remark(self.notes.subject(far)))
    }
}
