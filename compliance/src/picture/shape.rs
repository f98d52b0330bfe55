//! The outline of each kind, as an SVG path: no two kinds of weight look alike, even without colour.

use std::fmt::Write as _;

/// The outline of a node, and a line of detail where the kind has one.
pub(super) fn outline(kind: &str, (x, y): (i64, i64), (w, h): (i64, i64)) -> (String, Option<String>) {
    let (r, b) = (x + w, y + h);
    match kind {
        // A drum.
        "dataset" | "feature" => (
            format!(
                "M{x} {} Q{x} {y} {} {y} Q{r} {y} {r} {} V{} Q{r} {b} {} {b} Q{x} {b} {x} {} Z",
                y + 5,
                x + w / 2,
                y + 5,
                b - 5,
                x + w / 2,
                b - 5
            ),
            Some(format!("M{x} {} Q{x} {} {} {} Q{r} {} {r} {}", y + 5, y + 10, x + w / 2, y + 10, y + 10, y + 5)),
        ),
        // A hexagon.
        "run" | "job" => (
            format!("M{} {y} H{} L{r} {} L{} {b} H{} L{x} {} Z", x + 12, r - 12, y + h / 2, r - 12, x + 12, y + h / 2),
            None,
        ),
        // A sheet with a folded corner.
        "code" | "prompt" | "config" | "policy" => (
            format!("M{x} {y} H{} L{r} {} V{b} H{x} Z", r - 14, y + 14),
            Some(format!("M{} {y} V{} H{r}", r - 14, y + 14)),
        ),
        // A box with a lid.
        "image" | "artifact" => (rectangle(x, y, w, h), Some(format!("M{x} {} H{r}", y + 7))),
        // A pennant: where things go to.
        "deployment" => (format!("M{x} {y} H{} L{r} {} L{} {b} H{x} Z", r - 14, y + h / 2, r - 14), None),
        // An octagon.
        "incident" => (
            format!(
                "M{} {y} H{} L{r} {} V{} L{} {b} H{} L{x} {} V{} Z",
                x + 14,
                r - 14,
                y + 14,
                b - 14,
                r - 14,
                x + 14,
                b - 14,
                y + 14
            ),
            None,
        ),
        // Round corners.
        "model" => (
            format!(
                "M{} {y} H{} Q{r} {y} {r} {} V{} Q{r} {b} {} {b} H{} Q{x} {b} {x} {} V{} Q{x} {y} {} {y} Z",
                x + 16,
                r - 16,
                y + 16,
                b - 16,
                r - 16,
                x + 16,
                b - 16,
                y + 16,
                x + 16
            ),
            None,
        ),
        _ => (rectangle(x, y, w, h), None),
    }
}

/// A pile: many of a kind.
pub(super) fn pile((x, y): (i64, i64), (w, h): (i64, i64)) -> (String, String) {
    let (r, b) = (x + w, y + h);
    let front = rectangle(x, y + 8, w - 8, h - 8);
    (
        front,
        format!(
            "M{} {} V{} H{} V{} M{} {} V{y} H{r} V{} H{}",
            x + 4,
            y + 8,
            y + 4,
            r - 4,
            b - 4,
            x + 8,
            y + 4,
            b - 8,
            r - 4
        ),
    )
}

fn rectangle(x: i64, y: i64, w: i64, h: i64) -> String {
    format!("M{x} {y} H{} V{} H{x} Z", x + w, y + h)
}

/// A line through these points, with soft turns. Drawn from left to right.
pub(super) fn line(points: &[(i64, i64)]) -> String {
    let mut path = String::new();
    let Some(((x, y), rest)) = points.split_first() else { return path };
    // Writing to a string never fails.
    let _ = write!(path, "M{x} {y}");
    let mut before = (*x, *y);
    for (x, y) in rest {
        let bend = ((x - before.0) / 2).max(24);
        if before.1 == *y && *x > before.0 {
            let _ = write!(path, " H{x}");
        } else {
            let _ = write!(path, " C{} {} {} {y} {x} {y}", before.0 + bend, before.1, x - bend);
        }
        before = (*x, *y);
    }
    path
}

/// The head of an arrow whose tip is here.
pub(super) fn head((x, y): (i64, i64)) -> String {
    format!("M{x} {y} L{} {} V{} Z", x - 8, y - 4, y + 4)
}
