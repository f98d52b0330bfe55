//! JSON Schemas (draft 2020-12) of the event types' data, generated from the table. Closed everywhere but in `map` and `json`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::catalogue;
use super::types::{Catalogue, EventType, Field, FieldType, Primitive};

/// An e-mail address as a whole: what a pseudonym must not look like. The entry's quarantine reason `personal-data` uses the same.
const EMAIL: &str = r"^[^@/\s]+@[^@/\s]+\.[A-Za-z]{2,}$";

const SHA256: &str = "^sha256:[0-9a-f]{64}$";
const DATE: &str = "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$";

/// The times that a reading takes: upper case, a year from 0001, no leap second, an offset below 24:00.
const TIME: &str = "^(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])\
                    T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$";

/// RFC 3339 appendix A, without look-ahead so that a linear-time engine takes it.
const DURATION: &str = "^P(?:[0-9]+W\
                        |(?:[0-9]+Y(?:[0-9]+M)?(?:[0-9]+D)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)\
                        (?:T(?:[0-9]+H(?:[0-9]+M)?(?:[0-9]+S)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S))?\
                        |T(?:[0-9]+H(?:[0-9]+M)?(?:[0-9]+S)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S))$";

/// Fifty digits on each side hold any amount there is, and bound what a reader must add up.
const DECIMAL: &str = r"^-?(?:0|[1-9][0-9]{0,49})(?:\.[0-9]{1,50})?$";

/// RFC 3986's characters; a scheme first; no `@` in the authority, so no user name or password.
const URI: &str = r"^[A-Za-z][A-Za-z0-9+.-]*:(?:(?://(?:[A-Za-z0-9._~!$&'()*+,;=:\[\]-]|%[0-9A-Fa-f]{2})*)(?:[/?#](?:[A-Za-z0-9._~!$&'()*+,;=:@/?#\[\]-]|%[0-9A-Fa-f]{2})*)?|/|/?(?:[A-Za-z0-9._~!$&'()*+,;=:@?#\[\]-]|%[0-9A-Fa-f]{2})(?:[A-Za-z0-9._~!$&'()*+,;=:@/?#\[\]-]|%[0-9A-Fa-f]{2})*)$";

/// 2^53-1: beyond it a JSON number is no longer exact everywhere.
const INT_MAX: u64 = 9_007_199_254_740_991;

/// The longest subject in bytes.
const SUBJECT_MAX: u64 = 512;

const COMMENT: &str = "Describes the event's `data`, closed. A null or an empty string counts as absent, as a member and as an \
                       element of a list: a validator sees the data without them, at every depth. Generated from the catalogue; \
                       edit schemas/catalogue/ instead.";

/// The JSON Schema of the event type's `data`: closed, `!` fields required, fields common to all events included.
///
/// Shapes and primitive types stand under `$defs`; each schema is complete in itself. Data are to be validated without what
/// counts as absent: members and list elements that are null or an empty string.
#[must_use]
pub fn json_schema(event: &EventType) -> Value {
    let catalogue = catalogue();
    let mut used = BTreeSet::new();
    let fields: Vec<&Field> = event.fields.iter().chain(&catalogue.common.fields).collect();
    let mut schema = object(&fields, &mut used);
    let mut defs = Map::new();
    while let Some(name) = used.pop_first() {
        if !defs.contains_key(&name) {
            let definition = definition(catalogue, &name, &mut used);
            defs.insert(name, definition);
        }
    }
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$id".to_owned(), json!(format!("urn:modeltrail:schema:{}", event.name)));
    schema.insert("$comment".to_owned(), json!(COMMENT));
    schema.insert("title".to_owned(), json!(event.name));
    schema.insert("description".to_owned(), json!(event.says));
    schema.insert("$defs".to_owned(), Value::Object(defs));
    Value::Object(schema)
}

fn definition(catalogue: &Catalogue, name: &str, used: &mut BTreeSet<String>) -> Value {
    if let Some(primitive) = Primitive::from_name(name) {
        let mut schema = primitive_schema(catalogue, primitive);
        schema.insert("description".to_owned(), json!(catalogue.primitive(primitive)));
        return Value::Object(schema);
    }
    let fields = catalogue.shape(name).map(|shape| shape.fields.iter().collect::<Vec<_>>()).unwrap_or_default();
    Value::Object(object(&fields, used))
}

fn object(fields: &[&Field], used: &mut BTreeSet<String>) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    let properties: Map<_, _> = fields.iter().map(|field| (field.name.clone(), property(field, used))).collect();
    schema.insert("properties".to_owned(), Value::Object(properties));
    let mut demanded: Vec<_> = fields.iter().filter(|field| field.demanded).map(|field| field.name.as_str()).collect();
    demanded.sort_unstable();
    if !demanded.is_empty() {
        schema.insert("required".to_owned(), json!(demanded));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

fn property(field: &Field, used: &mut BTreeSet<String>) -> Value {
    let mut schema = value(&field.kind, used);
    if let Some(note) = &field.note {
        schema.insert("description".to_owned(), json!(note));
    }
    Value::Object(schema)
}

fn value(kind: &FieldType, used: &mut BTreeSet<String>) -> Map<String, Value> {
    match kind {
        FieldType::Primitive(primitive) => named(primitive.name(), used),
        FieldType::Shape(name) => named(name, used),
        FieldType::OneOf(words) => entries(json!({ "enum": words })),
        FieldType::List(element) => entries(json!({ "type": "array", "items": value(element, used) })),
        FieldType::Object(fields) => object(&fields.iter().collect::<Vec<_>>(), used),
    }
}

fn named(name: &str, used: &mut BTreeSet<String>) -> Map<String, Value> {
    used.insert(name.to_owned());
    entries(json!({ "$ref": format!("#/$defs/{name}") }))
}

fn primitive_schema(catalogue: &Catalogue, primitive: Primitive) -> Map<String, Value> {
    entries(match primitive {
        Primitive::Text => json!({ "type": "string", "minLength": 1 }),
        Primitive::Party => {
            json!({ "type": "string", "minLength": 1, "not": { "pattern": EMAIL } })
        }
        Primitive::Subject => {
            json!({ "type": "string", "maxLength": SUBJECT_MAX, "pattern": subject_pattern(catalogue) })
        }
        Primitive::Sha256 => json!({ "type": "string", "pattern": SHA256 }),
        Primitive::Time => json!({ "type": "string", "format": "date-time", "pattern": TIME }),
        Primitive::Date => json!({ "type": "string", "format": "date", "pattern": DATE }),
        Primitive::Duration => json!({ "type": "string", "pattern": DURATION }),
        Primitive::Int => json!({ "type": "integer", "minimum": 0, "maximum": INT_MAX }),
        Primitive::Dec => json!({ "type": ["number", "string"], "pattern": DECIMAL }),
        Primitive::Bool => json!({ "type": "boolean" }),
        Primitive::Uri => json!({ "type": "string", "pattern": URI }),
        Primitive::Map => json!({
            "type": "object",
            "propertyNames": { "minLength": 1 },
            "additionalProperties": { "type": ["string", "number", "boolean"], "minLength": 1 },
        }),
        Primitive::Json => json!({}),
    })
}

/// One or two name parts and perhaps a version, each percent-encoded as a subject's parts are.
fn subject_pattern(catalogue: &Catalogue) -> String {
    let kinds: Vec<_> = catalogue.kinds.anyone.iter().chain(&catalogue.kinds.ledger_only).map(String::as_str).collect();
    let part = "(?:[A-Za-z0-9._~:+-]|%[0-9A-F]{2})+";
    format!("^(?:{})/{part}(?:/{part})?(?:@{part})?$", kinds.join("|"))
}

fn entries(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
