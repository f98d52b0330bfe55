//! Every field of both reports names the event field that fills it, and every named event field exists.

use std::collections::BTreeSet;

use modeltrail_compliance::dossier::fields::{Source, all};
use modeltrail_compliance::inventory::fields::FIELDS;
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_schemas::catalogue::{Field, FieldType, Primitive, catalogue};
use serde_json::Value;

use crate::dry;
use crate::story::array;

/// Whether a pointer leads somewhere in the data of a type; what stands below a map or free JSON can't be known.
fn reaches(fields: &[Field], path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    fields.iter().find(|field| field.name == *first).is_some_and(|field| within(&field.kind, rest))
}

fn within(kind: &FieldType, rest: &[&str]) -> bool {
    match (kind, rest) {
        (_, []) | (FieldType::Primitive(Primitive::Map | Primitive::Json), _) => true,
        (FieldType::Shape(shape), rest) => reaches(&catalogue().shape(shape).unwrap().fields, rest),
        (FieldType::Object(fields), rest) => reaches(fields, rest),
        (FieldType::List(element), ["*", rest @ ..]) => within(element, rest),
        _ => false,
    }
}

fn check(id: &str, sources: &[Source]) {
    assert!(!sources.is_empty(), "{id} is filled by nothing");
    for (verb, pointer) in sources {
        let name = format!("modeltrail.{verb}.v1");
        let event = catalogue().event(&name).unwrap_or_else(|| panic!("{id}: {name} is no type"));
        let Some(path) = pointer.strip_prefix("/data/") else {
            assert!(["/time", "/about", "/signers"].contains(pointer), "{id}: {pointer}");
            continue;
        };
        let path: Vec<&str> = path.split('/').collect();
        let found = reaches(&event.fields, &path) || reaches(&catalogue().common.fields, &path);
        assert!(found, "{id}: {name} has no {pointer}");
    }
}

#[test]
fn what_fills_the_fields_exists() {
    all().for_each(|(id, sources)| check(&id, sources));
    FIELDS.iter().for_each(|field| check(field.id, field.sources));
    assert!(all().count() > 200 && FIELDS.len() > 20);
}

#[test]
fn the_dossier_has_exactly_the_fields_of_the_table() {
    let named: Vec<String> = all().map(|(id, _)| id).collect();
    let once: BTreeSet<&String> = named.iter().collect();
    assert_eq!(once.len(), named.len(), "each once");
    let mut ledger = dry::empty();
    ledger.event("modeltrail.model.created.v1", &serde_json::json!({"name": "m"}));
    ledger.seal();
    let mut reader = BundleReader::from_bytes(dry::bundle(&ledger, "model/m@1", None)).unwrap();
    let json = reader.read("report/dossier.json", u64::MAX).unwrap();
    let dossier: Value = serde_json::from_slice(&json).unwrap();
    let mut shown = Vec::new();
    for block in array(&dossier["sections"]).iter().flat_map(|section| array(&section["blocks"])) {
        for fact in array(&block["facts"]) {
            shown.push(fact["id"].as_str().unwrap().to_owned());
            assert!(!array(&fact["filled_by"]).is_empty(), "{fact}");
        }
        shown.extend(array(&block["table"]["columns"]).iter().map(|column| column["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(shown, named);
    let numbers: Vec<u64> =
        array(&dossier["sections"]).iter().map(|section| section["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}
