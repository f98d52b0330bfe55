//! Which nodes are drawn: breadth first from the start, many of a kind folded into one, up to the bound.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use modeltrail_views::lineage::Lineage;
use modeltrail_views::rows::Assurance;

use super::{MAX_DRAWN, MAX_LINES_DRAWN, MAX_OF_A_KIND, Options, plural};
use crate::words::digest_short;

/// A node of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A subject.
    Subject { subject: String, more: u64 },
    /// Many of a kind.
    Fold { at: String, kind: String, count: usize, up: bool },
}

impl Node {
    pub(super) fn kind(&self) -> &str {
        match self {
            Self::Subject { subject, .. } => kind_of(subject),
            Self::Fold { kind, .. } => kind,
        }
    }

    /// What orders nodes that nothing else orders.
    pub(super) fn rank(&self) -> (&str, String) {
        match self {
            Self::Subject { subject, .. } => (self.kind(), subject.clone()),
            Self::Fold { at, kind, count, .. } => (self.kind(), format!("{} {count} {at}", plural(kind))),
        }
    }
}

/// An edge of the picture, between places in [`Graph::nodes`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) known: Assurance,
    /// What the edge says, for its title; of a fold, how many say so.
    pub(super) says: String,
}

/// What is drawn.
pub(super) struct Graph {
    /// The start first.
    pub(super) nodes: Vec<Node>,
    /// On which side of the start each is: negative left.
    pub(super) sides: Vec<i8>,
    pub(super) lines: Vec<Line>,
    pub(super) left_out: usize,
    pub(super) lines_left_out: usize,
}

/// The first part of a subject.
pub(super) fn kind_of(subject: &str) -> &str {
    subject.split_once('/').map_or(subject, |(kind, _)| kind)
}

/// A subject in a sentence, its digest or commit by the first digits: the nodes at both ends have it whole.
fn told(subject: &str) -> String {
    let at = subject.rfind(['/', '@']).map_or(0, |at| at + 1);
    let (start, last) = subject.split_at(at);
    let digits = last.strip_prefix("sha256:").unwrap_or(last);
    let long = digits.len() >= 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if long { format!("{start}{}", digest_short(digits)) } else { subject.to_owned() }
}

struct Builder<'a> {
    levels: BTreeMap<&'a str, (i64, u64)>,
    near: BTreeMap<&'a str, BTreeSet<&'a str>>,
    open: &'a BTreeSet<(String, String)>,
    /// Where each subject stands, in a fold or by itself.
    places: BTreeMap<&'a str, usize>,
    nodes: Vec<Node>,
    sides: Vec<i8>,
}

impl Graph {
    pub(super) fn new(lineage: &Lineage, options: &Options<'_>) -> Self {
        let levels = lineage.nodes.iter().map(|node| (node.subject.as_str(), (node.level, node.more))).collect();
        let mut near: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for edge in &lineage.edges {
            near.entry(&edge.from).or_default().insert(&edge.to);
            near.entry(&edge.to).or_default().insert(&edge.from);
        }
        let mut builder =
            Builder { levels, near, open: options.open, places: BTreeMap::new(), nodes: Vec::new(), sides: Vec::new() };
        builder.walk(&lineage.start);
        let left_out = lineage.nodes.iter().filter(|node| !builder.places.contains_key(node.subject.as_str())).count();
        let (lines, lines_left_out) = builder.lines(lineage);
        Self { nodes: builder.nodes, sides: builder.sides, lines, left_out, lines_left_out }
    }
}

impl<'a> Builder<'a> {
    fn place(&mut self, subject: &'a str, side: i8) {
        let more = self.levels.get(subject).map_or(0, |(_, more)| *more);
        self.places.insert(subject, self.nodes.len());
        self.nodes.push(Node::Subject { subject: subject.to_owned(), more });
        self.sides.push(side);
    }

    fn walk(&mut self, start: &'a str) {
        self.place(start, 0);
        let mut queue = VecDeque::from([start]);
        while let Some(subject) = queue.pop_front() {
            let mut kinds: BTreeMap<(i8, &str), Vec<&'a str>> = BTreeMap::new();
            for far in self.near.get(subject).into_iter().flatten().copied() {
                let side = self.levels.get(far).map_or(0, |(level, _)| level.signum());
                let side = i8::try_from(side).unwrap_or(0);
                if !self.places.contains_key(far) && self.further(subject, far) {
                    kinds.entry((side, kind_of(far))).or_default().push(far);
                }
            }
            for ((side, kind), members) in kinds {
                self.take(subject, side, kind, members, &mut queue);
            }
        }
    }

    /// Whether `far` lies further from the start than `subject`, on the same side of it.
    fn further(&self, subject: &str, far: &str) -> bool {
        let level = |subject: &str| self.levels.get(subject).map_or(0, |(level, _)| *level);
        let (here, there) = (level(subject), level(far));
        there.abs() > here.abs() && (here == 0 || here.signum() == there.signum())
    }

    fn take(&mut self, at: &'a str, side: i8, kind: &str, members: Vec<&'a str>, queue: &mut VecDeque<&'a str>) {
        let open = self.open.contains(&(at.to_owned(), kind.to_owned()));
        if members.len() > MAX_OF_A_KIND && !open {
            if self.nodes.len() >= MAX_DRAWN {
                return;
            }
            members.iter().for_each(|member| {
                self.places.insert(member, self.nodes.len());
            });
            let count = members.len();
            self.nodes.push(Node::Fold { at: at.to_owned(), kind: kind.to_owned(), count, up: side < 0 });
            self.sides.push(side);
            return;
        }
        for member in members {
            if self.nodes.len() >= MAX_DRAWN {
                return;
            }
            self.place(member, side);
            queue.push_back(member);
        }
    }

    /// The edges among what is drawn; many between the same two places are one.
    fn lines(&self, lineage: &Lineage) -> (Vec<Line>, usize) {
        let mut lines: BTreeMap<(usize, usize, Assurance), (usize, String)> = BTreeMap::new();
        for edge in &lineage.edges {
            let places = (self.places.get(edge.from.as_str()), self.places.get(edge.to.as_str()));
            let (Some(from), Some(to)) = places else { continue };
            if from == to && edge.from != edge.to {
                continue;
            }
            let line = lines.entry((*from, *to, edge.known)).or_default();
            line.0 += 1;
            if line.0 == 1 {
                let known = super::known_word(edge.known);
                line.1 = format!(
                    "{} {} {} ({known}, entry {})",
                    told(&edge.from),
                    super::role_words(&edge.role),
                    told(&edge.to),
                    edge.entry
                );
            }
        }
        let left_out = lines.len().saturating_sub(MAX_LINES_DRAWN);
        let drawn = lines.into_iter().take(MAX_LINES_DRAWN).map(|((from, to, known), (count, says))| Line {
            from,
            to,
            known,
            says: if count == 1 { says } else { format!("{says}, and {} more", count - 1) },
        });
        (drawn.collect(), left_out)
    }
}
