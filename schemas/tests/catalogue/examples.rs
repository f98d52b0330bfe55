//! Examples keep their schemas and exercise the whole table; golden readings have the form of a reading.

use std::collections::BTreeSet;

use modeltrail_schemas::catalogue::{EventType, Field, FieldType, SchemaViolation, catalogue, validate};
use serde_json::{Value, json};

use crate::{core, example_data, json_file};

#[test]
fn examples_are_events_of_their_type_and_keep_their_schema() {
    for event in core() {
        let example = json_file(&format!("{}.example.json", event.short_name()));
        assert_eq!(example["specversion"], "1.0", "{}", event.name);
        assert_eq!(example["type"], event.name.as_str());
        assert!(
            ["id", "source", "time"].iter().all(|name| example[name].as_str().is_some_and(|text| !text.is_empty()))
        );
        if let Err(violations) = validate(&event.name, &example_data(event)) {
            panic!("{}: {violations:#?}", event.name);
        }
        let own = catalogue().own_groups.iter().any(|group| group == event.group());
        if own {
            assert_eq!(example["source"], "example.com/ml", "{}", event.name);
            let index = example["id"].as_str().and_then(|id| id.parse::<u64>().ok());
            assert!(index.is_some(), "{}: an own event's id is its index", event.name);
        }
    }
}

/// The (role, subject) pairs of a core type's golden reading.
fn golden_trails(event: &EventType) -> Vec<(String, String)> {
    let golden = json_file(&format!("{}.reading.json", event.short_name()));
    let text = |trail: &Value, name: &str| trail[name].as_str().expect("a text").to_owned();
    let trails = golden["trails"].as_array().expect("a list of trails");
    trails.iter().map(|trail| (text(trail, "role"), text(trail, "subject"))).collect()
}

#[test]
fn golden_readings_are_well_formed() {
    for event in core() {
        let example = json_file(&format!("{}.example.json", event.short_name()));
        let golden = json_file(&format!("{}.reading.json", event.short_name()));
        for name in ["id", "source", "type"] {
            assert_eq!(golden["event"][name], example[name], "{}", event.name);
        }
        let trails = golden_trails(event);
        let subjects: Vec<_> = trails.iter().map(|(_, subject)| subject.as_str()).collect();
        let sorted = subjects.is_sorted_by(|one, next| one < next);
        assert!(sorted && !subjects.is_empty(), "{}: sorted, unique", event.name);
        for subject in &subjects {
            let whole = subject.split_once('@').map_or(*subject, |(whole, _)| whole);
            assert!(subjects.contains(&whole), "{}: `{subject}` without its whole", event.name);
        }
        // What a later reading finds may be the `about` of an earlier entry.
        let expected = if event.short_name() == "ledger.trails_added" { 2 } else { 1 };
        let about = trails.iter().filter(|(role, _)| role == "about").count();
        assert_eq!(about, expected, "{}", event.name);
    }
}

#[test]
fn golden_readings_exercise_every_kind_and_role() {
    let mut kinds = BTreeSet::new();
    let mut roles = BTreeSet::new();
    for (role, subject) in core().flat_map(golden_trails) {
        kinds.insert(subject.split('/').next().unwrap_or_default().to_owned());
        roles.insert(role);
    }
    let known = &catalogue().kinds;
    assert_eq!(kinds, known.anyone.iter().chain(&known.ledger_only).cloned().collect());
    assert_eq!(roles, catalogue().roles.iter().map(|role| role.name.clone()).collect());
}

#[test]
fn every_touch_of_a_core_type_finds_something_in_its_example() {
    for event in core() {
        let data = json!({ "data": example_data(event) });
        for touch in &event.touches {
            let mut found = vec![&data];
            for token in touch.from.split('/').skip(1) {
                found = match token {
                    "*" => found.iter().filter_map(|value| value.as_array()).flatten().collect(),
                    name => found.iter().filter_map(|value| value.get(name)).collect(),
                };
            }
            assert!(!found.is_empty(), "{}: {}", event.name, touch.from);
        }
    }
}

/// Every object in the value whose fields the catalogue fixes, with its pointer.
fn fixed_objects<'a>(fields: &[&'a Field], value: &Value, pointer: &str, out: &mut Vec<(String, Vec<&'a Field>)>) {
    out.push((pointer.to_owned(), fields.to_vec()));
    for field in fields {
        if let Some(member) = value.get(&field.name) {
            inside(&field.kind, member, &format!("{pointer}/{}", field.name), out);
        }
    }
}

fn inside<'a>(kind: &'a FieldType, value: &Value, pointer: &str, out: &mut Vec<(String, Vec<&'a Field>)>) {
    match kind {
        FieldType::Object(fields) => fixed_objects(&fields.iter().collect::<Vec<_>>(), value, pointer, out),
        FieldType::Shape(name) => {
            let shape: &'static _ = catalogue().shape(name).expect("a shape that is said");
            fixed_objects(&shape.fields.iter().collect::<Vec<_>>(), value, pointer, out);
        }
        FieldType::List(element) => {
            for (at, value) in value.as_array().into_iter().flatten().enumerate() {
                inside(element, value, &format!("{pointer}/{at}"), out);
            }
        }
        FieldType::Primitive(_) | FieldType::OneOf(_) => {}
    }
}

fn objects_of_example(event: &'static EventType) -> (Value, Vec<(String, Vec<&'static Field>)>) {
    let data = example_data(event);
    let fields: Vec<_> = event.fields.iter().chain(&catalogue().common.fields).collect();
    let mut objects = Vec::new();
    fixed_objects(&fields, &data, "", &mut objects);
    (data, objects)
}

#[test]
fn without_a_demanded_field_an_example_breaks_its_schema() {
    let mut tried = 0;
    for event in core() {
        let (data, objects) = objects_of_example(event);
        for (pointer, fields) in objects {
            for field in fields.iter().filter(|field| field.demanded) {
                let mut data = data.clone();
                let object =
                    data.pointer_mut(&pointer).and_then(Value::as_object_mut).expect("an object of the example");
                object.remove(&field.name).expect("a demanded field stands in the example");
                let expected =
                    SchemaViolation { pointer: pointer.clone(), message: format!("field `{}` is missing", field.name) };
                assert_eq!(validate(&event.name, &data), Err(vec![expected]), "{}", event.name);
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "only {tried} fields tried");
}

#[test]
fn with_an_unknown_field_an_example_breaks_its_schema() {
    for event in core() {
        let (data, objects) = objects_of_example(event);
        for (pointer, _) in objects {
            let mut data = data.clone();
            let object = data.pointer_mut(&pointer).and_then(Value::as_object_mut).expect("an object of the example");
            object.insert("a~b/c".to_owned(), json!("private"));
            let violations = validate(&event.name, &data).expect_err("an unknown field is refused");
            assert_eq!(violations.len(), 1, "{}: {violations:?}", event.name);
            assert_eq!(violations[0].pointer, format!("{pointer}/a~0b~1c"), "{}", event.name);
        }
    }
}
