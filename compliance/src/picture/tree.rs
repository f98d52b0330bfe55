//! The same content as a list with depths: for a nested list beside the picture, and for a terminal.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_views::lineage::Lineage;
use modeltrail_views::rows::Edge;
use serde::Serialize;

/// Lines of one side of a tree; what is more is counted.
pub const MAX_LINES: usize = 2_000;

/// A subject in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Steps from the start, from 1.
    pub depth: usize,
    /// The subject.
    pub subject: String,
    /// The edge that leads to it, from the line above it of one step less.
    pub edge: Edge,
    /// It stands with its own lines elsewhere: a subject is followed once.
    pub again: bool,
    /// Edges that the walk did not follow from here.
    pub more: u64,
    /// Nested lists that end behind this line, each with the item that it stands in; the outermost list is not among them.
    pub closes: usize,
    /// Whether a nested list begins below this line.
    pub opens: bool,
}

/// Both sides of a lineage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tree {
    /// The subject in the middle.
    pub start: String,
    /// What it was made of.
    pub up: Vec<Line>,
    /// What was made of it.
    pub down: Vec<Line>,
    /// Lines left out on both sides, because of [`MAX_LINES`].
    pub left_out: usize,
}

/// The lineage as a tree. Each subject is followed where it first stands, depth first, in the order of subjects.
#[must_use]
pub fn tree(lineage: &Lineage) -> Tree {
    let more: BTreeMap<&str, u64> = lineage.nodes.iter().map(|node| (node.subject.as_str(), node.more)).collect();
    let side = |up: bool| side(lineage, &more, up);
    let ((up, up_left), (down, down_left)) = (side(true), side(false));
    Tree { start: lineage.start.clone(), up, down, left_out: up_left + down_left }
}

fn side(lineage: &Lineage, more: &BTreeMap<&str, u64>, up: bool) -> (Vec<Line>, usize) {
    let levels: BTreeMap<&str, i64> = lineage.nodes.iter().map(|node| (node.subject.as_str(), node.level)).collect();
    let mut near: BTreeMap<&str, Vec<&Edge>> = BTreeMap::new();
    for edge in &lineage.edges {
        let (here, far) = if up { (&edge.to, &edge.from) } else { (&edge.from, &edge.to) };
        let level = |subject: &String| levels.get(subject.as_str()).copied().unwrap_or(0);
        let ours = |level: i64| if up { level <= 0 } else { level >= 0 };
        if ours(level(here)) && ours(level(far)) && level(far) != 0 {
            near.entry(here).or_default().push(edge);
        }
    }
    let far = |edge: &Edge| if up { edge.from.clone() } else { edge.to.clone() };
    for edges in near.values_mut() {
        edges.sort_by_key(|edge| (far(edge), edge.role.clone()));
    }
    let (mut lines, mut left_out) = (Vec::new(), 0);
    let mut followed = BTreeSet::from([lineage.start.clone()]);
    // A stack in place of recursion: a lineage may be a thousand steps deep.
    let mut stack: Vec<(usize, &Edge)> = Vec::new();
    let below = |subject: &str, depth: usize| {
        near.get(subject).into_iter().flatten().rev().map(move |edge| (depth, *edge)).collect::<Vec<_>>()
    };
    stack.extend(below(&lineage.start, 1));
    while let Some((depth, edge)) = stack.pop() {
        if lines.len() >= MAX_LINES {
            left_out += 1;
            continue;
        }
        let subject = far(edge);
        let again = !followed.insert(subject.clone());
        let more = more.get(subject.as_str()).copied().unwrap_or(0);
        if !again {
            stack.extend(below(&subject, depth + 1));
        }
        lines.push(Line { depth, subject, edge: edge.clone(), again, more, closes: 0, opens: false });
    }
    nest(&mut lines);
    (lines, left_out)
}

/// Says of each line which lists begin and end behind it.
fn nest(lines: &mut [Line]) {
    for at in 0..lines.len() {
        let next = lines.get(at + 1).map_or(1, |line| line.depth);
        let line = &mut lines[at];
        line.opens = next > line.depth;
        line.closes = line.depth.saturating_sub(next);
    }
}
