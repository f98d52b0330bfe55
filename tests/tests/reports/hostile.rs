//! Names and graphs made to break a page.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_compliance::bundle::{Rerendered, rerender};
use modeltrail_compliance::picture::{MAX_DRAWN, Options, picture, tree};
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::verify::Outcome;
use modeltrail_views::lineage::{Direction, Lineage, Node};
use modeltrail_views::rows::{Assurance, Edge, Mark};
use serde_json::{Value, json};

use crate::dry::{self, Dry, verify};

const NAMES: &[&str] = &[
    "<script>alert(1)</script>",
    "\"onmouseover=\"alert(1)",
    "'; DROP TABLE models; --",
    "a\u{202e}b\u{2066}c",
    "line\nline\r\nline\u{2028}line\u{0}",
    "=HYPERLINK(\"x\")",
    "]]></style><img src=x onerror=alert(1)>",
    "{{7*7}}${7*7}",
    "&lt;already&amp;escaped",
];

fn long() -> String {
    "x".repeat(140)
}

fn hostile() -> Dry {
    let mut ledger = dry::empty();
    let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).chain([long()]).collect();
    let datasets: Vec<Value> = names.iter().map(|name| json!({"name": name, "version": name})).collect();
    for name in &names {
        ledger.event(
            "modeltrail.dataset.version_registered.v1",
            &json!({"name": name, "version": name, "origin": name, "licence": name}),
        );
    }
    let about = json!({"kind": "model", "name": "m", "version": "1"});
    ledger.event("modeltrail.model.version_registered.v1", &json!({"manifest": {"name": "m", "version": "1", "provenance": "built", "description": names.join(" "), "author": "p-1", "datasets": datasets}}));
    for name in &names {
        ledger.event("modeltrail.approval.granted.v1", &json!({"approval_id": name, "about": about, "rationale": name, "conditions": [{"id": name, "text": name}]}));
        ledger.event(
            "modeltrail.document.published.v1",
            &json!({"about": about, "doc_type": "other", "document": {"title": name}}),
        );
        ledger.event(
            "modeltrail.model.created.v1",
            &json!({"name": name, "description": name, "purpose": name, "owner": "p-1"}),
        );
    }
    ledger.event(
        "modeltrail.model.created.v1",
        &json!({"name": "m", "description": "=HYPERLINK(\"x\")", "purpose": "@SUM(1)", "owner": "p-1"}),
    );
    ledger.seal();
    ledger
}

/// Nothing of a sender's stands in the page as markup: every tag is one of ours, and no attribute is a handler.
fn clean(page: &str) {
    for bad in [
        "<script",
        "<img",
        "alert(1)</script",
        "onerror=alert(1)>",
        "onmouseover=\"alert",
        "\u{202e}",
        "\u{2066}",
        "\u{2028}",
        "\u{0}",
        "&amp;lt;script",
    ] {
        assert!(!page.contains(bad), "the page has {bad:?}");
    }
    assert!(page.contains("[U+202E]"), "what turns the line around is shown as a code");
    assert!(page.contains("&#60;script&#62;") || page.contains("&lt;script&gt;"), "markup is shown as text");
}

#[test]
fn hostile_names_are_text_in_the_dossier() {
    let mut reader = BundleReader::from_bytes(dry::bundle(&hostile(), "model/m@1", None)).unwrap();
    assert_eq!(verify(&mut reader).outcome(false), Outcome::Holds);
    assert!(matches!(rerender(&mut reader).unwrap(), Rerendered::Same { .. }));
    clean(&String::from_utf8(reader.read("report/dossier.html", u64::MAX).unwrap()).unwrap());
}

pub(crate) fn world() -> Dry {
    hostile()
}

#[test]
fn ten_thousand_inputs_stay_within_bounds_that_are_said() {
    let mut ledger = dry::empty();
    let datasets: Vec<Value> = (0..10_000).map(|at| json!({"name": format!("d{at}"), "version": "1"})).collect();
    ledger.event(
        "modeltrail.model.version_registered.v1",
        &json!({"manifest": {"name": "m", "version": "1", "provenance": "built", "datasets": datasets}}),
    );
    ledger.seal();
    let mut reader = BundleReader::from_bytes(dry::bundle(&ledger, "model/m@1", None)).unwrap();
    assert!(matches!(rerender(&mut reader).unwrap(), Rerendered::Same { .. }));
    let page = reader.read("report/dossier.html", u64::MAX).unwrap();
    assert!(page.len() < 4 << 20, "{} bytes", page.len());
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("datasets</text>"), "they are folded");
    assert!(page.contains("stopped at"), "the bound is said");
    let dossier: Value = serde_json::from_slice(&reader.read("report/dossier.json", u64::MAX).unwrap()).unwrap();
    assert!(dossier["lineage"]["truncated"].as_str().unwrap().contains("2000"));
    assert!(dossier["lineage"]["nodes"].as_array().unwrap().len() <= 2_000);
}

fn edge(from: &str, to: &str) -> Edge {
    let value = json!({"from": from, "to": to, "role": "input", "known": "asserted", "entry": 1, "received": "2026-01-01T00:00:00.000000Z", "signature": "none"});
    let edge: Edge = serde_json::from_value(value).unwrap();
    assert_eq!((edge.known, edge.signature), (Assurance::Asserted, Mark::None));
    edge
}

fn lineage(start: &str, nodes: &[(&str, i64)], edges: &[(&str, &str)]) -> Lineage {
    let mut nodes: Vec<Node> =
        nodes.iter().map(|(subject, level)| Node { subject: (*subject).to_owned(), level: *level, more: 0 }).collect();
    nodes.sort_by(|a, b| (a.level, &a.subject).cmp(&(b.level, &b.subject)));
    let edges = edges.iter().map(|(from, to)| edge(from, to)).collect();
    Lineage { start: start.to_owned(), direction: Direction::Both, nodes, edges, truncated: None }
}

fn draw(lineage: &Lineage) -> modeltrail_compliance::picture::Picture {
    let none = |_: &str, _: &str| None;
    picture(
        lineage,
        &Options {
            id: "p",
            href: &|subject| Some(format!("/s?x={subject}")),
            fold_href: &none,
            findings: &BTreeMap::from([(lineage.start.clone(), 2)]),
            digests: &BTreeMap::new(),
            open: &BTreeSet::new(),
        },
    )
}

#[test]
fn cycles_and_depth_end() {
    let cycle = lineage(
        "model/a@1",
        &[("model/a@1", 0), ("model/b@1", -1), ("model/c@1", -2)],
        &[
            ("model/b@1", "model/a@1"),
            ("model/c@1", "model/b@1"),
            ("model/a@1", "model/c@1"),
            ("model/b@1", "model/c@1"),
        ],
    );
    let drawn = draw(&cycle);
    assert_eq!(drawn.nodes, 3);
    assert!(drawn.svg.contains("▲ 2 findings"));
    assert_eq!(tree(&cycle).up.len(), 3, "b, below it c, and b again below that");

    let names: Vec<String> = (0..1_000).map(|at| format!("dataset/d{at}@1")).collect();
    let nodes: Vec<(&str, i64)> =
        names.iter().enumerate().map(|(at, name)| (name.as_str(), -i64::try_from(at).unwrap())).collect();
    let edges: Vec<(&str, &str)> = names.windows(2).map(|pair| (pair[1].as_str(), pair[0].as_str())).collect();
    let deep = lineage(&names[0], &nodes, &edges);
    let drawn = draw(&deep);
    assert_eq!((drawn.nodes, drawn.left_out), (MAX_DRAWN, 800));
    assert!(drawn.bound.unwrap().contains("800"));
    assert_eq!(tree(&deep).up.last().unwrap().depth, 999);
}

#[test]
fn two_hundred_nodes_are_drawn_apart_and_the_same_each_time() {
    let names: Vec<String> =
        (0..199).map(|at| format!("{}/n{at}@1", ["dataset", "run", "code", "image", "model"][at % 5])).collect();
    let mut nodes = vec![("model/start@1", 0)];
    let mut edges = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let level = -1 - i64::try_from(at / 25).unwrap();
        nodes.push((name.as_str(), level));
        let to = if at < 25 { "model/start@1" } else { names[at - 25].as_str() };
        edges.push((name.as_str(), to));
    }
    let wide = lineage("model/start@1", &nodes, &edges);
    let (one, two) = (draw(&wide), draw(&wide));
    assert_eq!(one, two);
    assert_eq!((one.nodes, one.left_out), (200, 0));
    let corners: Vec<&str> = one
        .svg
        .split("class=\"lp-shape\"")
        .skip(1)
        .map(|part| part.split(" d=\"").nth(1).unwrap().split('"').next().unwrap())
        .collect();
    let apart: BTreeSet<&str> = corners.iter().copied().collect();
    assert_eq!((corners.len(), apart.len()), (200, 200), "no two nodes lie on each other");
    assert!(!one.svg.contains(" style="), "nothing is styled inline");
}
