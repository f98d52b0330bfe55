//! The catalogue's table, and what is derived from it: every name is there, the written schemas and the documentation page are
//! those of the table, examples keep their schemas, and reading 1's table never changes.
//!
//! With `MODELTRAIL_UPDATE=1` in the environment the schemas and the page are written anew instead of compared.

#[path = "catalogue/examples.rs"]
mod examples;
#[path = "catalogue/templates.rs"]
mod templates;
#[path = "catalogue/values.rs"]
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use modeltrail_schemas::catalogue::{
    EventType, FieldType, SchemaViolation, catalogue, json_schema, page, parse, reading_digest, reading_table, validate,
};
use serde_json::{Value, json};

const NAMES: &str = include_str!("names.txt");
const PACK_NAMES: &str = include_str!("pack-names.txt");
const SHAPES: &str = include_str!("../catalogue/shapes.toml");
const EVENTS: &str = include_str!("../catalogue/events.toml");

/// The digest that ledgers name as reading 1's. It is never recorded anew: another table is another reading.
const READING_1: &str = "sha256:36c6b6467565f649bed0ee547ee4edd1f78d592837ec49c309df783906c07155";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json_file(name: &str) -> Value {
    let path = root().join("events").join(name);
    serde_json::from_str(&read(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn core() -> impl Iterator<Item = &'static EventType> {
    catalogue().events.iter().filter(|event| event.core)
}

/// The data of a core type's example, without what counts as absent.
fn example_data(event: &EventType) -> Value {
    without_absent(&json_file(&format!("{}.example.json", event.short_name()))["data"])
}

fn is_absent(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn without_absent(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let present = members.iter().filter(|(_, value)| !is_absent(value));
            Value::Object(present.map(|(name, value)| (name.clone(), without_absent(value))).collect())
        }
        Value::Array(elements) => elements.iter().filter(|value| !is_absent(value)).map(without_absent).collect(),
        other => other.clone(),
    }
}

/// Compares a generated file with what is there, or writes it when asked to.
fn check_written(path: &Path, expected: &str) -> Option<String> {
    if std::env::var_os("MODELTRAIL_UPDATE").is_some_and(|value| value == "1") {
        fs::write(path, expected).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    (found != expected).then(|| path.display().to_string())
}

#[test]
fn every_name_is_in_the_table_once() {
    let listed: Vec<_> = NAMES.lines().collect();
    let table: Vec<_> = catalogue().events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(listed.len(), 184);
    assert_eq!(listed, table);
    assert_eq!(core().count(), 95);
    assert!(listed.iter().all(|name| { catalogue().event(name).is_some_and(|event| event.name == *name) }));
    assert!(catalogue().event("modeltrail.model.created.v2").is_none());
}

#[test]
fn every_name_of_the_framework_packs_is_in_the_table() {
    let lines: Vec<_> = PACK_NAMES.lines().filter(|line| !line.starts_with('#')).collect();
    let (older, current): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.contains(" = "));
    assert_eq!((current.len(), older.len()), (120, 126));
    for name in current {
        assert!(catalogue().event(&format!("modeltrail.{name}.v1")).is_some(), "{name}");
    }
    let listed: BTreeMap<_, _> = older.iter().filter_map(|line| line.split_once(" = ")).collect();
    let rows =
        catalogue().events.iter().flat_map(|event| event.packs.iter().map(|pack| (pack.as_str(), event.short_name())));
    assert_eq!(listed, rows.collect());
}

#[test]
fn reading_1_is_fixed() {
    assert_eq!(reading_digest(), READING_1);
    let published = read(&root().join("../tests/golden/reading-1.sha256"));
    assert_eq!(published, format!("{READING_1}\n"), "what strangers compare a bundle's table with");
    let table = reading_table();
    assert_eq!(table["types"].as_object().map(serde_json::Map::len), Some(184));
    let registered = &table["types"]["modeltrail.model.version_registered.v1"];
    assert_eq!(registered["subject"], "model/{manifest.namespace?}/{manifest.name}@{manifest.version}");
    assert_eq!(table["roles"][0], "about");
    assert_eq!(table["roles"][10], "whole");
    for name in ["modeltrail.ledger.opened.v1", "modeltrail.ledger.reading_changed.v1"] {
        let event = catalogue().event(name).expect("a type of the ledger");
        let data = example_data(event);
        let named = data.get("reading_digest").or(data.get("old_digest"));
        assert_eq!(named.and_then(Value::as_str), Some(READING_1), "the example of {name} names the digest");
    }
}

#[test]
fn schemas_are_up_to_date_and_nothing_else_lies_beside_them() {
    let written = |event: &EventType| {
        let text = serde_json::to_string_pretty(&json_schema(event)).expect("a schema is JSON") + "\n";
        check_written(&root().join("events").join(format!("{}.schema.json", event.short_name())), &text)
    };
    let stale: Vec<_> = catalogue().events.iter().filter_map(written).collect();
    assert!(stale.is_empty(), "run with MODELTRAIL_UPDATE=1 and look at the difference: {stale:?}");
    let mut expected: BTreeSet<_> =
        catalogue().events.iter().map(|event| format!("{}.schema.json", event.short_name())).collect();
    for event in core() {
        expected.insert(format!("{}.example.json", event.short_name()));
        expected.insert(format!("{}.reading.json", event.short_name()));
    }
    let files = fs::read_dir(root().join("events")).expect("the folder of schemas and examples");
    let found: BTreeSet<_> =
        files.map(|file| file.expect("an entry of the folder").file_name().to_string_lossy().into_owned()).collect();
    let differ: Vec<_> = found.symmetric_difference(&expected).collect();
    assert!(differ.is_empty(), "missing, or there for nothing: {differ:?}");
}

#[test]
fn documentation_is_up_to_date() {
    let stale = check_written(&root().join("../docs/EVENTS.md"), &page());
    assert_eq!(stale, None, "run with MODELTRAIL_UPDATE=1 and look at the difference");
}

#[test]
fn every_schema_compiles_and_is_closed() {
    for event in &catalogue().events {
        let violations = validate(&event.name, &json!({ "no_such_field": 1 })).expect_err(&event.name);
        let unknown = SchemaViolation {
            pointer: "/no_such_field".to_owned(),
            message: "unknown field; own data goes into `labels`".to_owned(),
        };
        assert!(violations.contains(&unknown), "{}: {violations:?}", event.name);
        assert!(validate(&event.name, &Value::Null).is_err(), "{}: data must be an object", event.name);
    }
}

/// File, what stands there, what a slip makes of it, and what the refusal says.
const SLIPS: [(&str, &str, &str, &str); 15] = [
    (
        "events",
        "type = \"modeltrail.model.created.v1\"",
        "type = \"modeltrail.model.created\"",
        "expected `modeltrail.<group>.<verb>.v<N>`",
    ),
    (
        "events",
        "type = \"modeltrail.model.created.v1\"",
        "type = \"modeltrail.model.retired.v1\"",
        "stands in the table twice",
    ),
    ("events", "core = true", "sore = true", "unknown field `sore`"),
    ("events", "role = \"base\"", "role = \"basis\"", "`basis` is not a role"),
    ("events", "from = \"/data/run\"", "from = \"data/run\"", "`data/run` does not point into /data"),
    ("events", "owner = \"party\"", "owner = \"person\"", "`person` is neither a primitive type nor a shape"),
    ("events", "owner = \"party\"", "team = \"party\"", "`team` is a field common to all events"),
    ("events", "owner = \"party\"", "\"name\" = \"party\"", "the field is said twice"),
    ("events", "= \"none | personal", "= \"none | none | personal", "the words of an enumeration differ"),
    (
        "events",
        "type = \"modeltrail.market.placed.v1\"",
        "type = \"modeltrail.shop.placed.v1\"",
        "the groups listed are not those of the events",
    ),
    ("shapes", "[shapes.run]", "[shapes.text]", "the name is taken"),
    ("shapes", "text = \"string, not empty\"", "prose = \"string\"", "expected exactly the primitive types"),
    ("shapes", "groups = [\"risk\"]", "groups = [\"risk\", \"model\"]", "group `model` stands in two"),
    ("shapes", "own_groups = [\"ledger\"", "own_groups = [\"chain\"", "a group has no event"),
    ("shapes", "catalogue = 1", "catalogue = one", "shapes.toml"),
];

#[test]
fn a_table_that_breaks_its_form_is_refused_by_name() {
    for (file, from, to, fault) in SLIPS {
        let text = if file == "events" { EVENTS } else { SHAPES };
        assert!(text.contains(from), "the case has grown old: {from}");
        let broken = text.replacen(from, to, 1);
        let result = if file == "events" { parse(SHAPES, &broken) } else { parse(&broken, EVENTS) };
        let error = result.expect_err(to).to_string();
        assert!(error.contains(fault), "{to}: {error}");
    }
}

#[test]
fn the_form_keeps_order_notes_and_nesting() {
    let opened = catalogue().event("modeltrail.source.opened.v1").expect("a type of the catalogue");
    let names: Vec<_> = opened.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["source", "cluster", "topic", "topic_id", "partitions", "cleanup_policy", "retention_ms"]);
    assert_eq!(opened.fields[3].note.as_deref(), Some("or unknown"));
    let FieldType::List(element) = &opened.fields[4].kind else { panic!("partitions is a list") };
    let FieldType::Object(members) = element.as_ref() else { panic!("of objects") };
    assert_eq!((members.len(), members[3].name.as_str(), members[3].demanded), (4, "leader_epoch", false));
    let deployment = catalogue().event("modeltrail.deployment.observed.v1").expect("a type of the catalogue");
    let running = deployment.fields.iter().find(|field| field.name == "running").expect("a field of it");
    assert_eq!(running.kind, FieldType::List(Box::new(FieldType::Shape("seen".to_owned()))));
    assert_eq!(running.note.as_deref(), Some("an empty list means nothing runs"));
}
