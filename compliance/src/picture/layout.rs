//! Where everything stands: columns by the longest way to the start, lines over more than one column led through gaps in between, the order within a column
//! by barycentres. Whole numbers only, so that every machine draws the same.

use std::collections::BTreeMap;

use super::graph::Graph;

/// Width of a node.
pub(super) const NODE_WIDTH: i64 = 160;
/// Height of a node.
pub(super) const NODE_HEIGHT: i64 = 84;
/// Between columns: room for lines to turn.
const COLUMN_GAP: i64 = 40;
/// Between nodes of a column.
const ROW_GAP: i64 = 12;
/// Room that a line takes where it passes a column.
const PASS_HEIGHT: i64 = 8;
/// Around the picture.
pub(super) const MARGIN: i64 = 16;
/// Sweeps over the columns to take out crossings; more change nothing that is seen.
const SWEEPS: usize = 6;
/// Places where lines pass columns; beyond these, lines go straight.
const MAX_PASSES: usize = 4_000;

/// A place in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Node(usize),
    Pass(usize),
}

/// Where everything stands.
pub(super) struct Layout {
    /// The upper left corner of each node.
    pub(super) nodes: Vec<(i64, i64)>,
    /// The points each line runs through, in the order of [`Graph::lines`]: its ends and where it passes columns.
    pub(super) lines: Vec<Vec<(i64, i64)>>,
    pub(super) width: i64,
    pub(super) height: i64,
}

struct Columns {
    items: Vec<Item>,
    /// Column of each item, from 0.
    column: Vec<usize>,
    /// Neighbours in the column before and after.
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    /// Items of each column, top down.
    order: Vec<Vec<usize>>,
    /// The items that each line runs through.
    ways: Vec<Vec<usize>>,
}

impl Layout {
    pub(super) fn new(graph: &Graph) -> Self {
        let depths = depths(graph);
        let mut columns = Columns::new(graph, &depths);
        for _ in 0..SWEEPS {
            columns.sweep();
        }
        columns.place(graph)
    }
}

/// The column of each node: the longest way to the start, negative on the left.
fn depths(graph: &Graph) -> Vec<i64> {
    let count = graph.nodes.len();
    let (mut ups, mut downs) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    for line in &graph.lines {
        if graph.sides[line.from] < 0 && graph.sides[line.to] <= 0 {
            ups[line.from].push(line.to);
        }
        if graph.sides[line.to] > 0 && graph.sides[line.from] >= 0 {
            downs[line.to].push(line.from);
        }
    }
    let (mut left, mut right) = (vec![None; count], vec![None; count]);
    (0..count)
        .map(|node| match graph.sides[node].signum() {
            -1 => -depth(node, &ups, &mut left, &mut vec![false; count]),
            1 => depth(node, &downs, &mut right, &mut vec![false; count]),
            _ => 0,
        })
        .collect()
}

/// Steps of the longest way to the start. What leads back to where the way came from is left out, so that cycles end. No deeper than the nodes drawn.
fn depth(node: usize, next: &[Vec<usize>], known: &mut [Option<i64>], under_way: &mut [bool]) -> i64 {
    if let Some(depth) = known[node] {
        return depth;
    }
    if node == 0 {
        return 0;
    }
    under_way[node] = true;
    let mut longest = 0;
    for far in &next[node] {
        if !under_way[*far] {
            longest = longest.max(depth(*far, next, known, under_way));
        }
    }
    under_way[node] = false;
    known[node] = Some(longest + 1);
    longest + 1
}

impl Columns {
    fn new(graph: &Graph, depths: &[i64]) -> Self {
        let least = depths.iter().min().copied().unwrap_or(0);
        let column: Vec<usize> = depths.iter().map(|depth| usize::try_from(depth - least).unwrap_or(0)).collect();
        let items: Vec<Item> = (0..graph.nodes.len()).map(Item::Node).collect();
        let count = items.len();
        let mut columns = Self {
            items,
            column,
            before: vec![Vec::new(); count],
            after: vec![Vec::new(); count],
            order: Vec::new(),
            ways: Vec::new(),
        };
        for (at, line) in graph.lines.iter().enumerate() {
            let way = columns.way(at, line.from, line.to);
            for pair in way.windows(2) {
                if columns.column[pair[0]] < columns.column[pair[1]] {
                    columns.after[pair[0]].push(pair[1]);
                    columns.before[pair[1]].push(pair[0]);
                }
            }
            columns.ways.push(way);
        }
        let width = columns.column.iter().max().map_or(0, |last| last + 1);
        columns.order = vec![Vec::new(); width];
        let mut sorted: Vec<usize> = (0..columns.items.len()).collect();
        sorted.sort_by_key(|item| match columns.items[*item] {
            Item::Node(node) => (rank(graph, node), 0, *item),
            Item::Pass(line) => (rank(graph, graph.lines[line].from), 1, *item),
        });
        sorted.into_iter().for_each(|item| columns.order[columns.column[item]].push(item));
        columns
    }

    /// The items that a line runs through: its ends, and a pass in each column between.
    fn way(&mut self, line: usize, from: usize, to: usize) -> Vec<usize> {
        let mut way = vec![from];
        for column in self.column[from] + 1..self.column[to] {
            if self.items.len() >= MAX_PASSES {
                break;
            }
            way.push(self.items.len());
            self.items.push(Item::Pass(line));
            self.column.push(column);
            self.before.push(Vec::new());
            self.after.push(Vec::new());
        }
        way.push(to);
        way
    }

    /// Orders each column by the middle of its neighbours: once from the left, once from the right.
    fn sweep(&mut self) {
        for column in 0..self.order.len() {
            self.arrange(column, true);
        }
        for column in (0..self.order.len()).rev() {
            self.arrange(column, false);
        }
    }

    fn arrange(&mut self, column: usize, left: bool) {
        let mut position = BTreeMap::new();
        for order in &self.order {
            order.iter().enumerate().for_each(|(at, item)| {
                position.insert(*item, i64::try_from(at).unwrap_or(i64::MAX));
            });
        }
        let neighbours = if left { &self.before } else { &self.after };
        let middle = |item: usize| {
            let near = &neighbours[item];
            let sum: i64 = near.iter().filter_map(|near| position.get(near)).sum();
            match i64::try_from(near.len()) {
                Ok(count) if count > 0 => sum * 1_000 / count,
                _ => position.get(&item).map_or(0, |at| at * 1_000),
            }
        };
        let mut sorted: Vec<(i64, i64, usize)> =
            self.order[column].iter().map(|item| (middle(*item), position[item], *item)).collect();
        sorted.sort_unstable();
        self.order[column] = sorted.into_iter().map(|(_, _, item)| item).collect();
    }

    fn height(&self, item: usize) -> i64 {
        match self.items[item] {
            Item::Node(_) => NODE_HEIGHT,
            Item::Pass(_) => PASS_HEIGHT,
        }
    }

    /// Gives each item its height in the picture: near the middle of its neighbours, in the order found.
    fn place(self, graph: &Graph) -> Layout {
        let mut tops: Vec<i64> = vec![0; self.items.len()];
        for order in &self.order {
            let mut top = 0;
            for item in order {
                tops[*item] = top;
                top += self.height(*item) + ROW_GAP;
            }
        }
        for round in 0..SWEEPS {
            let columns: Vec<usize> =
                if round % 2 == 0 { (0..self.order.len()).collect() } else { (0..self.order.len()).rev().collect() };
            columns.into_iter().for_each(|column| self.align(column, &mut tops));
        }
        let least = tops.iter().min().copied().unwrap_or(0);
        tops.iter_mut().for_each(|top| *top += MARGIN - least);
        let left = |item: usize| MARGIN + i64::try_from(self.column[item]).unwrap_or(0) * (NODE_WIDTH + COLUMN_GAP);
        let points = |way: &Vec<usize>| {
            let mut points = Vec::new();
            for (at, item) in way.iter().enumerate() {
                let middle = tops[*item] + self.height(*item) / 2;
                let (first, last) = (at == 0, at + 1 == way.len());
                if !first {
                    points.push((left(*item), middle));
                }
                if !last {
                    points.push((left(*item) + NODE_WIDTH, middle));
                }
            }
            points
        };
        let bottom = (0..self.items.len()).map(|item| tops[item] + self.height(item)).max().unwrap_or(0);
        let columns = i64::try_from(self.order.len()).unwrap_or(0);
        Layout {
            nodes: (0..graph.nodes.len()).map(|node| (left(node), tops[node])).collect(),
            lines: self.ways.iter().map(points).collect(),
            width: 2 * MARGIN + columns * NODE_WIDTH + (columns - 1).max(0) * COLUMN_GAP,
            height: bottom + MARGIN,
        }
    }

    /// Moves a column's items towards the middle of their neighbours without changing their order.
    fn align(&self, column: usize, tops: &mut [i64]) {
        let order = &self.order[column];
        let wanted: Vec<i64> = order
            .iter()
            .map(|item| {
                let near: Vec<usize> = self.before[*item].iter().chain(&self.after[*item]).copied().collect();
                let middles: i64 = near.iter().map(|near| tops[*near] + self.height(*near) / 2).sum();
                match i64::try_from(near.len()) {
                    Ok(count) if count > 0 => middles / count - self.height(*item) / 2,
                    _ => tops[*item],
                }
            })
            .collect();
        let mut lowest = i64::MIN;
        let mut placed = Vec::with_capacity(order.len());
        for (item, wanted) in order.iter().zip(&wanted) {
            let top = (*wanted).max(lowest);
            placed.push(top);
            lowest = top + self.height(*item) + ROW_GAP;
        }
        let count = i64::try_from(order.len()).unwrap_or(1).max(1);
        let shift = wanted.iter().zip(&placed).map(|(wanted, placed)| wanted - placed).sum::<i64>() / count;
        order.iter().zip(placed).for_each(|(item, top)| tops[*item] = top + shift);
    }
}

fn rank(graph: &Graph, node: usize) -> (String, String) {
    let (kind, name) = graph.nodes[node].rank();
    (kind.to_owned(), name)
}
