//! Walks over edges, breadth first, within bounds that the answer states.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rows::Edge;
use crate::store::ViewError;
use crate::tables::Table;
use crate::view::View;

/// Nodes of one answer: what a page, a picture and a person can take.
pub const MAX_NODES: usize = 10_000;
/// Edges of one answer.
pub const MAX_EDGES: usize = 40_000;
/// Steps away from the start.
pub const MAX_DEPTH: usize = 1_000;
/// Edges looked at on one side of one node.
pub const MAX_FAN: usize = 10_000;

/// Which way to walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// To what it was made of.
    Up,
    /// To what was made of it.
    Down,
    /// Both, each from the start only.
    Both,
}

/// A subject in a walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// The subject.
    pub subject: String,
    /// Steps from the start: negative up, positive down, 0 the start.
    pub level: i64,
    /// Edges that were not followed from here, because of a bound.
    pub more: u64,
}

/// What a walk found. Sorted: nodes by (level, subject), edges by (from, to, role).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lineage {
    /// Where it began.
    pub start: String,
    /// Which way.
    pub direction: Direction,
    /// The subjects.
    pub nodes: Vec<Node>,
    /// The edges among them that were walked.
    pub edges: Vec<Edge>,
    /// The bound that stopped it, in words; absent when nothing was left out within the depth asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
}

/// Walks from `start`, at most `depth` steps ([`MAX_DEPTH`] at most) and `max_nodes` subjects ([`MAX_NODES`] at most).
/// A cycle is walked once: each subject is there at its nearest level.
///
/// # Errors
/// The store fails, or holds what is no row.
pub fn walk(
    view: &View<'_>,
    start: &str,
    direction: Direction,
    depth: usize,
    max_nodes: usize,
) -> Result<Lineage, ViewError> {
    let mut walk = Walk {
        view,
        nodes: BTreeMap::from([(start.to_owned(), (0, 0))]),
        edges: BTreeMap::new(),
        bound: None,
        max_nodes: max_nodes.min(MAX_NODES),
    };
    if direction != Direction::Down {
        walk.side(start, -1, depth.min(MAX_DEPTH))?;
    }
    if direction != Direction::Up {
        walk.side(start, 1, depth.min(MAX_DEPTH))?;
    }
    let mut nodes: Vec<Node> =
        walk.nodes.into_iter().map(|(subject, (level, more))| Node { subject, level, more }).collect();
    nodes.sort_by(|a, b| (a.level, &a.subject).cmp(&(b.level, &b.subject)));
    Ok(Lineage {
        start: start.to_owned(),
        direction,
        nodes,
        edges: walk.edges.into_values().collect(),
        truncated: walk.bound,
    })
}

struct Walk<'v, 's> {
    view: &'v View<'s>,
    nodes: BTreeMap<String, (i64, u64)>,
    edges: BTreeMap<(String, String, String), Edge>,
    bound: Option<String>,
    max_nodes: usize,
}

impl Walk<'_, '_> {
    fn side(&mut self, start: &str, step: i64, depth: usize) -> Result<(), ViewError> {
        let mut ring: BTreeSet<String> = BTreeSet::from([start.to_owned()]);
        // Of this side: what lies on both is walked on both.
        let mut seen = ring.clone();
        for level in 1..=depth {
            let mut next = BTreeSet::new();
            for subject in &ring {
                self.around(subject, step, i64::try_from(level).unwrap_or(i64::MAX) * step, &mut next)?;
            }
            ring = next.into_iter().filter(|subject| seen.insert(subject.clone())).collect();
            if ring.is_empty() {
                return Ok(());
            }
        }
        if depth == MAX_DEPTH {
            self.bound.get_or_insert_with(|| format!("stopped {MAX_DEPTH} steps from the start"));
        }
        Ok(())
    }

    fn around(&mut self, subject: &str, step: i64, level: i64, next: &mut BTreeSet<String>) -> Result<(), ViewError> {
        let table = if step < 0 { Table::EdgesIn } else { Table::EdgesOut };
        let (mut edges, mut left): (Vec<Edge>, u64) = (Vec::new(), 0);
        self.view.each(table, &[subject], None, &mut |_, bytes| {
            match serde_json::from_slice::<Edge>(bytes) {
                Ok(edge) if edge.ended.is_some() => {}
                Ok(edge) if edges.len() < MAX_FAN => edges.push(edge),
                _ => left += 1,
            }
            true
        })?;
        if left > 0 {
            self.bound.get_or_insert_with(|| format!("{subject} has more than {MAX_FAN} edges; the rest is left out"));
        }
        for edge in edges {
            let far = if step < 0 { edge.from.clone() } else { edge.to.clone() };
            let known = self.nodes.contains_key(&far);
            if self.edges.len() >= MAX_EDGES || (!known && self.nodes.len() >= self.max_nodes) {
                left += 1;
                let (nodes, edges) = (self.max_nodes, MAX_EDGES);
                self.bound.get_or_insert_with(|| format!("stopped at {nodes} subjects or {edges} edges"));
                continue;
            }
            if !known {
                self.nodes.insert(far.clone(), (level, 0));
            }
            next.insert(far);
            self.edges.insert((edge.from.clone(), edge.to.clone(), edge.role.clone()), edge);
        }
        if let Some(node) = self.nodes.get_mut(subject) {
            node.1 += left;
        }
        Ok(())
    }
}
