//! Ledgers that somebody built to hurt.

use modeltrail_views::lineage::{Direction, MAX_DEPTH, MAX_FAN, walk};
use modeltrail_views::tables::Table;
use modeltrail_views::view::View;
use serde_json::{Value, json};

use crate::world::{Signed, World, views};

const NOON: &str = "2026-02-20T12:00:00Z";
/// What one row may weigh.
const ROW: usize = 256 * 1024;

fn register(world: &mut World, version: usize, extra: &Value) {
    let mut manifest = json!({"name": "m", "version": version.to_string(), "provenance": "built"});
    manifest.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    world
        .send(&format!("m{version}"), "model.version_registered", NOON, &json!({"manifest": manifest}), Signed::No)
        .unwrap();
}

#[test]
fn a_cycle_is_walked_once() {
    let mut world = World::new();
    for version in 0..3 {
        register(&mut world, version, &json!({"parents": [{"name": "m", "version": ((version + 1) % 3).to_string()}]}));
    }
    let (store, size) = views(&mut world);
    let view = View::new(&store, size);
    for direction in [Direction::Up, Direction::Down, Direction::Both] {
        let found = walk(&view, "model/m@0", direction, MAX_DEPTH, 1_000).unwrap();
        assert_eq!((found.nodes.len(), found.edges.len(), found.truncated), (3, 3, None), "{direction:?}");
    }
}

#[test]
fn ten_thousand_inputs_are_all_there_and_a_walk_says_what_it_leaves_out() {
    let mut world = World::new();
    let datasets: Vec<Value> = (0..10_000).map(|number| json!({"name": format!("d{number}")})).collect();
    register(&mut world, 1, &json!({"datasets": datasets}));
    let (store, size) = views(&mut world);
    let view = View::new(&store, size);
    assert_eq!(view.count(Table::EdgesIn, &["model/m@1"]).unwrap(), 10_000);
    let whole = walk(&view, "model/m@1", Direction::Up, 1, usize::MAX).unwrap();
    // The start itself is one of the nodes that an answer may have.
    assert_eq!((whole.nodes.len(), whole.nodes.iter().map(|node| node.more).sum::<u64>()), (MAX_FAN, 1));
    assert!(whole.truncated.is_some());
    let some = walk(&view, "model/m@1", Direction::Up, 1, 50).unwrap();
    assert_eq!((some.nodes.len(), some.truncated.is_some()), (50, true));
    let down = walk(&view, "dataset/d9999", Direction::Down, 5, 50).unwrap();
    assert_eq!((down.nodes.len(), down.truncated), (2, None));
}

#[test]
fn a_chain_is_walked_to_the_bound_and_no_further() {
    let mut world = World::new();
    for version in 0..MAX_DEPTH + 5 {
        register(&mut world, version, &json!({"parents": [{"name": "m", "version": (version + 1).to_string()}]}));
    }
    let (store, size) = views(&mut world);
    let view = View::new(&store, size);
    let found = walk(&view, "model/m@0", Direction::Up, usize::MAX, usize::MAX).unwrap();
    assert_eq!(found.nodes.len(), MAX_DEPTH + 1);
    assert!(found.truncated.is_some());
    assert_eq!(walk(&view, "model/m@0", Direction::Up, 10, usize::MAX).unwrap().truncated, None);
}

#[test]
fn no_row_but_a_manifest_outgrows_its_bound() {
    let mut world = World::new();
    let long = |times: usize| "\u{1}x\u{202e}\"<b>".repeat(times);
    let many: Vec<Value> = (0..20_000).map(|number| json!(format!("p-{number}"))).collect();
    let deep = (0..50).fold(json!("x"), |inner, _| json!({"more": inner, "text": long(300)}));
    let actor = json!({"id": long(200), "kind": "user", "role": long(500), "on_behalf_of": long(500)});
    for number in 0..250 {
        let common = json!({"actor": actor, "reason": {"text": long(2_000)}, "incident_id": "I", "title": long(900), "affected": deep});
        world.send(&format!("i{number}"), "incident.updated", NOON, &common, Signed::No);
    }
    let about = json!({"kind": "model", "name": "m", "version": "1"});
    let events: &[(&str, Value)] = &[
        (
            "approval.granted",
            json!({"approval_id": long(300), "about": about, "approvers": many, "actor": actor, "rationale": long(9_000), "signature": deep}),
        ),
        (
            "approval.granted",
            json!({"approval_id": "A", "about": about, "for": many, "conditions": vec![json!({"id": long(50), "text": long(250)}); 100]}),
        ),
        (
            "deployment.changed",
            json!({"environment": "e", "service": "s", "kind": long(999), "new": vec![json!({"name": "m", "version": "1", "role": long(99)}); 3_000]}),
        ),
        (
            "evaluation.recorded",
            json!({"name": "m", "version": "1", "evaluation_id": long(999), "metrics": vec![deep.clone(); 20], "thresholds": many}),
        ),
        ("monitoring.metric_recorded", json!({"name": "m", "version": "1", "metrics": vec![deep.clone(); 30]})),
        ("model.metadata_changed", json!({"name": "m", "key": long(999), "new": deep})),
        ("model.purpose_changed", json!({"name": "m", "new": long(9_000), "approved_uses": many})),
        ("oversight.assigned", json!({"about": about, "role": long(999), "new": long(999), "powers": many})),
        (
            "document.published",
            json!({"about": about, "document": {"title": long(9_000)}, "doc_type": long(999), "sections": many}),
        ),
    ];
    for (number, (event_type, data)) in events.iter().enumerate() {
        assert!(world.send(&format!("e{number}"), event_type, NOON, data, Signed::Bad).is_some());
        assert!(world.send(&format!("f{number}"), event_type, NOON, data, Signed::No).is_some());
    }
    let (store, size) = views(&mut world);
    let view = View::new(&store, size);
    for table in Table::ALL {
        view.each(table, &[], None, &mut |key, value| {
            assert!(value.len() < ROW, "{table:?} {} has {} bytes", key.parts().join(" "), value.len());
            assert!(key.as_bytes().len() < 3_000, "{table:?}");
            true
        })
        .unwrap();
    }
    assert!(view.count(Table::Approvals, &["model/m@1"]).unwrap() >= 2);
}

#[test]
fn data_of_the_wrong_shape_change_nothing_and_stop_nothing() {
    let shapes = [
        json!([]),
        json!("text"),
        json!(7),
        json!({"new": {}, "running": "x", "for": 3, "approval_id": 4, "manifest": [1], "about": []}),
    ];
    let catalogue = modeltrail_schemas::catalogue::catalogue();
    let mut world = World::new();
    for event in &catalogue.events {
        let Some(verb) = event.name.strip_prefix("modeltrail.").and_then(|name| name.strip_suffix(".v1")) else {
            continue;
        };
        for (number, shape) in shapes.iter().enumerate() {
            world.send(&format!("{verb}{number}"), verb, NOON, shape, Signed::No);
        }
        // Every field is there, with a value of another kind.
        let fields: serde_json::Map<String, Value> =
            event.fields.iter().map(|field| (field.name.clone(), json!([{"name": 1}, 2]))).collect();
        world.send(&format!("{verb}-odd"), verb, NOON, &Value::Object(fields), Signed::No);
        let texts: serde_json::Map<String, Value> =
            event.fields.iter().map(|field| (field.name.clone(), json!("a/b@c"))).collect();
        world.send(&format!("{verb}-text"), verb, NOON, &Value::Object(texts), Signed::No);
    }
    let (store, size) = views(&mut world);
    assert!(size > 500);
    let view = View::new(&store, size);
    assert_eq!(
        view.count(Table::Changes, &[]).unwrap(),
        3,
        "of the texts only suspended, removed and failed need no new set"
    );
}
