//! The SVG.

use std::fmt::Write as _;

use modeltrail_schemas::subject::Subject;
use modeltrail_views::lineage::Lineage;
use modeltrail_views::rows::Assurance;

use super::graph::{Graph, Line, Node};
use super::layout::{Layout, MARGIN, NODE_HEIGHT, NODE_WIDTH};
use super::{Options, escape, known_word, plural, shape};
use crate::words::{digest_short, shorten, visible};

/// Width of a line of a label, in half characters: a wide one counts twice.
const LABEL_WIDTH: usize = 17;
/// Lines that a name may take; the whole name stands in the node's title.
const NAME_LINES: usize = 3;
/// Letters of a kind that leave room for a mark with its word.
const SHORT_KIND: usize = 7;
/// Room for the legend below the picture.
const LEGEND_HEIGHT: i64 = 40;
/// From one line of the legend to the next.
const LEGEND_STEP: usize = 148;
/// Begins a group of lines. Attributes say again what the style sheet says, for readers without one; once for all of them, for there are many.
const LINES: &str = "<g class=\"lp-lines\" fill=\"none\" stroke=\"#4a5560\" stroke-width=\"1.25\">";
/// Where the texts of a node begin.
const INDENT: i64 = 13;
/// Wider than this a picture is not made to fit a desk's window: its texts would get too small to read. It is shown at four fifths, and moved.
const WIDEST_FITTED: i64 = 1_450;

pub(super) fn svg(
    graph: &Graph,
    layout: &Layout,
    lineage: &Lineage,
    options: &Options<'_>,
    bound: Option<&str>,
) -> String {
    let (width, height) = (layout.width.max(620), layout.height + LEGEND_HEIGHT);
    let id = escape(options.id);
    let (class, shown) =
        if width > WIDEST_FITTED { ("lp lp-wide", (width * 4 / 5, height * 4 / 5)) } else { ("lp", (width, height)) };
    let nodes = nodes(graph, layout, options);
    // What is in an image is hidden from who hears the page; where nodes are links, they are a group.
    let role = if nodes.contains("<a href") { "group" } else { "img" };
    let mut svg = String::new();
    // Writing to a string never fails.
    let _ = write!(
        svg,
        "<svg class=\"{class}\" role=\"{role}\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{}\" height=\"{}\" \
         aria-labelledby=\"{id}-title\" aria-describedby=\"{id}-desc\"><title id=\"{id}-title\">Lineage of {}</title><desc id=\"{id}-desc\">{}</desc>",
        shown.0,
        shown.1,
        escape(&visible(&lineage.start)),
        escape(&description(graph, lineage, bound)),
    );
    svg.push_str(LINES);
    for (line, points) in graph.lines.iter().zip(&layout.lines) {
        draw_line(&mut svg, line, points);
    }
    svg.push_str("</g>");
    svg.push_str(&nodes);
    legend(&mut svg, height - LEGEND_HEIGHT + 12);
    svg.push_str("</svg>");
    svg
}

fn nodes(graph: &Graph, layout: &Layout, options: &Options<'_>) -> String {
    let mut svg = "<g class=\"lp-nodes\">".to_owned();
    // From left to right and top down, so that the keyboard goes that way too.
    let mut order: Vec<usize> = (0..graph.nodes.len()).collect();
    order.sort_by_key(|node| (layout.nodes[*node], *node));
    for node in order {
        draw_node(&mut svg, &graph.nodes[node], layout.nodes[node], node == 0, options);
    }
    svg.push_str("</g>");
    svg
}

fn description(graph: &Graph, lineage: &Lineage, bound: Option<&str>) -> String {
    let folds = graph.nodes.iter().filter(|node| matches!(node, Node::Fold { .. })).count();
    let folded = if folds > 0 { format!(", {folds} of them standing for many of a kind") } else { String::new() };
    let bound = bound.map(|bound| format!(" {bound}.")).unwrap_or_default();
    format!(
        "What went into {} stands on the left, what came of it on the right. {} nodes{folded} and {} lines.{bound} The same stands in the list beside the picture.",
        visible(&lineage.start),
        graph.nodes.len(),
        graph.lines.len(),
    )
}

fn class(known: Assurance) -> &'static str {
    match known {
        Assurance::Asserted => "lp-edge",
        Assurance::Observed => "lp-edge lp-observed",
        Assurance::Inferred => "lp-edge lp-inferred",
        Assurance::Attested => "lp-edge lp-attested",
    }
}

fn draw_line(svg: &mut String, line: &Line, points: &[(i64, i64)]) {
    let path = shape::line(points);
    let _ = write!(svg, "<g><title>{}</title>", escape(&visible(&line.says)));
    stroke(svg, line.known, &path);
    if let Some(tip) = points.last() {
        let _ = write!(svg, "<path class=\"lp-head\" d=\"{}\"/>", shape::head(*tip));
    }
    svg.push_str("</g>");
}

/// A line; what its group says already is left out.
fn stroke(svg: &mut String, known: Assurance, path: &str) {
    let extra = match known {
        Assurance::Asserted => "",
        Assurance::Observed => " stroke-width=\"4\"",
        Assurance::Inferred => " stroke-dasharray=\"5 4\"",
        Assurance::Attested => " stroke-width=\"2.75\"",
    };
    let _ = write!(svg, "<path class=\"{}\"{extra} d=\"{path}\"/>", class(known));
    if known == Assurance::Observed {
        let _ = write!(svg, "<path class=\"lp-gap\" stroke=\"#fff\" stroke-width=\"1.5\" d=\"{path}\"/>");
    }
}

fn draw_node(svg: &mut String, node: &Node, place: (i64, i64), start: bool, options: &Options<'_>) {
    let (href, title, found) = match node {
        Node::Subject { subject, .. } => {
            ((options.href)(subject), visible(subject), options.findings.get(subject).copied().unwrap_or(0))
        }
        Node::Fold { at, kind, count, .. } => {
            ((options.fold_href)(at, kind), format!("{count} {} at {}", plural(kind), visible(at)), 0)
        }
    };
    let class = match (start, found > 0) {
        (true, true) => "lp-node lp-start lp-found",
        (true, false) => "lp-node lp-start",
        (false, true) => "lp-node lp-found",
        (false, false) => "lp-node",
    };
    let _ = write!(svg, "<g class=\"{class}\">");
    if let Some(href) = &href {
        let _ = write!(svg, "<a href=\"{}\">", escape(href));
    }
    let found_words = match found {
        0 => String::new(),
        1 => ": 1 finding".to_owned(),
        many => format!(": {many} findings"),
    };
    let _ = write!(svg, "<title>{}{found_words}</title>", escape(&title));
    let (outline, detail) = match node {
        Node::Subject { .. } => shape::outline(node.kind(), place, (NODE_WIDTH, NODE_HEIGHT)),
        Node::Fold { .. } => {
            let (front, behind) = shape::pile(place, (NODE_WIDTH, NODE_HEIGHT));
            (front, Some(behind))
        }
    };
    let _ = write!(svg, "<path class=\"lp-shape\" fill=\"#fff\" stroke=\"#4a5560\" d=\"{outline}\"/>");
    if let Some(detail) = detail {
        let _ = write!(svg, "<path class=\"lp-detail\" fill=\"none\" stroke=\"#4a5560\" d=\"{detail}\"/>");
    }
    labels(svg, node, place, found, options);
    svg.push_str(if href.is_some() { "</a></g>" } else { "</g>" });
}

fn labels(svg: &mut String, node: &Node, (x, y): (i64, i64), found: usize, options: &Options<'_>) {
    let mut write = |line: i64, class: &str, text: &str| {
        let _ = write!(
            svg,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
            x + INDENT,
            y + 20 + line * 14,
            escape(text)
        );
    };
    match node {
        Node::Subject { subject, more } => {
            let parsed = Subject::parse(subject).ok();
            let more = if *more > 0 { format!(" +{more}") } else { String::new() };
            write(0, "lp-kind", &format!("{}{more}", node.kind()));
            let name = parsed.as_ref().map_or_else(|| visible(subject), |subject| visible(&full_name(subject)));
            let lines = wrap(&name, LABEL_WIDTH, NAME_LINES);
            for (at, line) in lines.iter().enumerate() {
                write(1 + i64::try_from(at).unwrap_or(0), "lp-text lp-name", line);
            }
            let version =
                parsed.as_ref().and_then(Subject::version).map(|version| match version.strip_prefix("sha256:") {
                    Some(digest) => digest_short(digest),
                    None => shorten(&visible(&version), LABEL_WIDTH - 4),
                });
            let digest = options.digests.get(subject).map(|digest| digest_short(digest));
            let below: Vec<String> = version.into_iter().chain(digest).collect();
            write(1 + i64::try_from(lines.len()).unwrap_or(0), "lp-text lp-digest", &below.join(" · "));
            if found > 0 {
                // Beside a long kind there is room for the number alone; the title has the word.
                let word = match (node.kind().len() > SHORT_KIND, found) {
                    (true, _) => "",
                    (false, 1) => " finding",
                    (false, _) => " findings",
                };
                let _ = write!(
                    svg,
                    "<text class=\"lp-mark\" text-anchor=\"end\" x=\"{}\" y=\"{}\">▲ {found}{word}</text>",
                    x + NODE_WIDTH - INDENT,
                    y + 20
                );
            }
        }
        Node::Fold { kind, count, up, .. } => {
            write(1, "lp-kind", kind);
            write(2, "lp-text lp-name", &format!("{count} {}", plural(kind)));
            write(3, "lp-text", if *up { "went in" } else { "came of it" });
        }
    }
}

fn full_name(subject: &Subject) -> String {
    if let Some(digest) = subject.name().strip_prefix("sha256:") {
        return digest_short(digest);
    }
    match subject.namespace() {
        Some(namespace) => format!("{namespace}/{}", subject.name()),
        None => subject.name().into_owned(),
    }
}

/// Lines of at most `width`, broken at marks where there is one in the second half of a line; what is left over ends in `…`.
fn wrap(text: &str, width: usize, lines: usize) -> Vec<String> {
    let mut wrapped = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = fitting(rest, width);
        if end == rest.len() {
            wrapped.push(rest.to_owned());
            return wrapped;
        }
        if wrapped.len() + 1 == lines {
            wrapped.push(format!("{}…", &rest[..fitting(rest, width - 1)]));
            return wrapped;
        }
        let mark = rest[..end].rfind(['/', '-', '_', '.', ' ', ':']).filter(|at| *at >= end / 2);
        let cut = mark.map_or(end, |at| at + 1);
        wrapped.push(rest[..cut].to_owned());
        rest = &rest[cut..];
    }
    wrapped
}

/// How many bytes of a text fit into a width.
fn fitting(text: &str, width: usize) -> usize {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += if character < '\u{1100}' { 1 } else { 2 };
        if used > width {
            return at;
        }
    }
    text.len()
}

/// What the lines mean, each drawn as it is meant.
fn legend(svg: &mut String, top: i64) {
    const KNOWN: [Assurance; 4] = [Assurance::Asserted, Assurance::Observed, Assurance::Inferred, Assurance::Attested];
    let places = || KNOWN.into_iter().zip((MARGIN..).step_by(LEGEND_STEP));
    svg.push_str(LINES);
    for (known, x) in places() {
        stroke(svg, known, &format!("M{x} {} H{}", top + 8, x + 44));
    }
    svg.push_str("</g><g class=\"lp-legend\">");
    for (known, x) in places() {
        let _ = write!(svg, "<text class=\"lp-kind\" x=\"{}\" y=\"{}\">{}</text>", x + 54, top + 12, known_word(known));
    }
    svg.push_str("</g>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_wrap_at_marks_and_end() {
        assert_eq!(wrap("risk/pd-mortgage", 27, 2), ["risk/pd-mortgage"]);
        assert_eq!(wrap("forge.bank.example/mortgage-models", 27, 2), ["forge.bank.example/", "mortgage-models"]);
        assert_eq!(wrap(&"x".repeat(100), 10, 2), ["xxxxxxxxxx", "xxxxxxxxx…"]);
        assert_eq!(wrap("模型模型模型", 6, 1), ["模型…"]);
    }
}
