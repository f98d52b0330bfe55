//! Schemas of answers: those of the views around their rows' own, and the others, each as its handler writes it.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::operation::of;

/// A member of an object: its name, and its schema. A `?` at the end of the name says that it may be absent.
type Member = (&'static str, Value);

/// An object of these members and no others.
pub(super) fn object(members: impl IntoIterator<Item = Member>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, schema) in members {
        let plain = name.trim_end_matches('?');
        if plain == name {
            required.push(Value::from(name));
        }
        properties.insert(plain.to_owned(), schema);
    }
    json!({"type": "object", "properties": properties, "required": required})
}

fn named(generator: &mut SchemaGenerator, name: &str, schema: impl FnOnce(&mut SchemaGenerator) -> Value) -> Value {
    if !generator.definitions().contains_key(name) {
        let schema = schema(generator);
        generator.definitions_mut().insert(name.to_owned(), schema);
    }
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn text() -> Value {
    json!({"type": "string"})
}
fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}
fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}
fn flag() -> Value {
    json!({"type": "boolean"})
}
fn array(items: Value) -> Value {
    json!({"type": "array", "items": items})
}
fn or_null(kind: &str) -> Value {
    json!({"type": [kind, "null"]})
}
fn hex(digits: usize) -> Value {
    json!({"type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$")})
}
fn one_of(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn as_of(generator: &mut SchemaGenerator) -> Value {
    named(generator, "AsOf", |_| {
        let mut schema = object([("size", count()), ("time?", time())]);
        describe(
            &mut schema,
            "As of when the answer speaks: a number of entries, and when the last of them was received.",
        );
        schema
    })
}

fn describe(schema: &mut Value, text: &str) {
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".to_owned(), text.into());
    }
}

/// A page of rows of a type.
pub(crate) fn list<R: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    let (as_of, rows) = (as_of(generator), of::<R>(generator));
    object([
        ("as_of", as_of),
        ("behind", count()),
        ("next", or_null("string")),
        ("rows", array(rows)),
        ("truncated", flag()),
    ])
}

/// One row of a type.
pub(crate) fn one<R: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    let (as_of, row) = (as_of(generator), of::<R>(generator));
    object([("as_of", as_of), ("behind", count()), ("row", row)])
}

/// Anything: a document that is described elsewhere.
pub(crate) fn anything(_: &mut SchemaGenerator) -> Value {
    json!({"type": "object"})
}

/// Text.
pub(crate) fn plain(_: &mut SchemaGenerator) -> Value {
    text()
}

/// Bytes.
pub(crate) fn bytes(_: &mut SchemaGenerator) -> Value {
    json!({"type": "string", "format": "binary"})
}

/// A problem of RFC 9457.
pub(crate) fn problem(generator: &mut SchemaGenerator) -> Value {
    let receipt = receipt(generator);
    named(generator, "Problem", |_| {
        let status = json!({"type": "integer", "minimum": 400, "maximum": 599});
        let place = object([("message", text()), ("pointer", text())]);
        let mut schema = object([
            ("type", json!({"type": "string", "pattern": "^urn:modeltrail:problem:[a-z-]+$"})),
            ("title", text()),
            ("status", status),
            ("detail", text()),
            ("instance", text()),
            ("index?", count()),
            ("limit?", count()),
            ("near?", array(text())),
            ("of?", count()),
            ("receipt?", receipt),
            ("size?", count()),
            ("violations?", array(place)),
        ]);
        describe(
            &mut schema,
            "What was wrong, where, and what to do, as RFC 9457 has it. The end of `type` never changes its meaning.",
        );
        schema
    })
}

/// A receipt.
pub(crate) fn receipt(generator: &mut SchemaGenerator) -> Value {
    named(generator, "Receipt", |_| {
        let mut schema = object([
            ("duplicate?", flag()),
            ("header", text()),
            ("index", count()),
            ("proof", text()),
            ("salt", hex(32)),
            ("v", json!({"const": 1})),
        ]);
        describe(&mut schema, "What a producer keeps to show later what was committed; docs/FORMAT.md section 7.");
        schema
    })
}

/// A receipt, or the answers to a batch.
pub(crate) fn receipt_or_batch(generator: &mut SchemaGenerator) -> Value {
    let (receipt, problem) = (receipt(generator), problem(generator));
    let one = object([("receipt?", receipt.clone()), ("problem?", problem), ("status", count())]);
    json!({"anyOf": [receipt, array(one)]})
}

/// An event of CloudEvents.
pub(crate) fn event(_: &mut SchemaGenerator) -> Value {
    object_of_event()
}

/// A batch of them.
pub(crate) fn batch(_: &mut SchemaGenerator) -> Value {
    json!({"type": "array", "maxItems": 1000, "items": object_of_event()})
}

fn object_of_event() -> Value {
    let named = json!({"type": "string", "minLength": 1});
    let mut event = object([
        ("specversion", json!({"const": "1.0"})),
        ("id", named.clone()),
        ("source", named.clone()),
        ("type", named),
        ("time?", time()),
        ("data?", json!({})),
    ]);
    if let Some(members) = event.as_object_mut() {
        // Extensions of the envelope.
        members.insert("additionalProperties".to_owned(), true.into());
    }
    event
}

fn listed() -> [Member; 4] {
    [("header", text()), ("index", count()), ("received_at", time()), ("type?", text())]
}

/// A page of entries.
pub(crate) fn entries(_: &mut SchemaGenerator) -> Value {
    object([("items", array(object(listed()))), ("next", or_null("integer")), ("size", count())])
}

/// One entry.
pub(crate) fn entry(_: &mut SchemaGenerator) -> Value {
    let absent = one_of(&["erased", "not-kept"]);
    object([("event?", json!({})), ("header", text()), ("record?", text()), ("salt?", hex(32)), ("absent?", absent)])
}

/// A page of a trail.
pub(crate) fn trail(_: &mut SchemaGenerator) -> Value {
    let item = object(listed().into_iter().chain([("n", count()), ("role", text())]));
    object([("count", count()), ("items", array(item)), ("next", or_null("integer")), ("subject", text())])
}

/// A page of subjects.
pub(crate) fn subjects(_: &mut SchemaGenerator) -> Value {
    object([("items", array(text())), ("next", or_null("string"))])
}

/// A proof of inclusion.
pub(crate) fn inclusion(_: &mut SchemaGenerator) -> Value {
    object([
        ("checkpoint", text()),
        ("index", count()),
        ("proof", array(hex(64))),
        ("size", count()),
        ("tlog_proof", text()),
    ])
}

/// A proof of consistency.
pub(crate) fn consistency(_: &mut SchemaGenerator) -> Value {
    object([("new", count()), ("old", count()), ("proof", array(hex(64)))])
}

/// A page of checkpoints.
pub(crate) fn checkpoints(_: &mut SchemaGenerator) -> Value {
    let item = object([("checkpoint", text()), ("size", count())]);
    object([("items", array(item)), ("next", or_null("integer"))])
}

/// How sources stand.
pub(crate) fn sources(_: &mut SchemaGenerator) -> Value {
    let partition = object([
        ("cluster", text()),
        ("generation", count()),
        ("next", count()),
        ("partition", count()),
        ("topic", text()),
        ("topic_id", text()),
        ("halted?", text()),
        ("closed?", flag()),
    ]);
    let counts = json!({"type": "object", "additionalProperties": count()});
    let recorded = object([("gap_positions", count()), ("gaps", count()), ("quarantined", counts)]);
    let source = object([
        ("source", text()),
        ("partitions?", array(partition)),
        ("recorded?", recorded),
        ("live?", json!({"type": "object"})),
    ]);
    object([("counted_to", count()), ("items", array(source)), ("size", count())])
}

/// A page of what was kept aside.
pub(crate) fn quarantine(_: &mut SchemaGenerator) -> Value {
    let item = object([
        ("detail", text()),
        ("event?", json!({"type": "object"})),
        ("index", count()),
        ("of?", count()),
        ("reason?", text()),
        ("received", json!({"type": "object"})),
    ]);
    object([("items", array(item)), ("next", or_null("integer")), ("size", count())])
}

/// The keys that are in force now.
pub(crate) fn keys(_: &mut SchemaGenerator) -> Value {
    let ledger = object([("from", count()), ("id", text()), ("key", text())]);
    let entitlement = object([("subjects", array(text())), ("types", array(text()))]);
    let producer = object([
        ("alg", text()),
        ("entitlement", entitlement),
        ("id", hex(64)),
        ("party?", text()),
        ("producer?", text()),
        ("public_key", text()),
        ("revoked", flag()),
        ("valid_from?", time()),
        ("valid_until?", time()),
    ]);
    object([("ledger", array(ledger)), ("next", or_null("string")), ("origin", text()), ("producers", array(producer))])
}

/// What an administrative act answers.
pub(crate) fn act(_: &mut SchemaGenerator) -> Value {
    object([("checkpoint", text()), ("index", count()), ("size", count())])
}

/// The body of a key's registration.
pub(crate) fn register(_: &mut SchemaGenerator) -> Value {
    let entitlement = object([("types", array(text())), ("subjects", array(text()))]);
    object([
        ("alg", one_of(&["ed25519"])),
        ("entitlement", entitlement),
        ("key_id", hex(64)),
        ("public_key", text()),
        ("party?", text()),
        ("producer?", text()),
        ("valid_from?", time()),
        ("valid_until?", time()),
    ])
}

/// The body of a revocation.
pub(crate) fn revoke(_: &mut SchemaGenerator) -> Value {
    object([("why?", one_of(&["compromised", "superseded", "left", "other"]))])
}

/// The body of a rotation.
pub(crate) fn rotate(_: &mut SchemaGenerator) -> Value {
    object([("why?", one_of(&["scheduled", "operator_change"]))])
}

/// The body of a re-basing.
pub(crate) fn rebase(_: &mut SchemaGenerator) -> Value {
    let position = json!({"anyOf": [count(), one_of(&["earliest", "latest"])]});
    object([("partition", json!({"type": "integer", "minimum": 0, "maximum": u32::MAX})), ("position", position)])
}

/// The body that tells of a check.
pub(crate) fn checked(_: &mut SchemaGenerator) -> Value {
    object([("data", json!({"type": "object"})), ("holds", flag())])
}

/// The body that has the views folded anew.
pub(crate) fn rebuild_body(_: &mut SchemaGenerator) -> Value {
    object([("check?", flag())])
}

/// How that stands.
pub(crate) fn rebuild(_: &mut SchemaGenerator) -> Value {
    let comparison =
        object([("size", count()), ("incremental?", hex(64)), ("unreadable?", text()), ("rebuilt", hex(64))]);
    object([
        ("phase", one_of(&["folding", "comparing", "catching_up", "done", "failed"])),
        ("check", flag()),
        ("folded", count()),
        ("of", count()),
        ("comparison?", comparison),
        ("error?", text()),
    ])
}

fn report(more: impl IntoIterator<Item = Member>) -> Value {
    let checkpoint = object([("origin", text()), ("size", count()), ("root", hex(64))]);
    let head = [("report", text()), ("renderer", count()), ("as_of", count()), ("checkpoint", checkpoint)];
    let mut report = object(head.into_iter().chain(more));
    if let Some(members) = report.as_object_mut() {
        // The report describes its own parts, and its renderer's number says which they are.
        members.insert("additionalProperties".to_owned(), true.into());
    }
    report
}

/// An inventory.
pub(crate) fn inventory(_: &mut SchemaGenerator) -> Value {
    let list = || array(json!({"type": "object"}));
    report([("columns", list()), ("models", list()), ("left_out", count())])
}

/// A dossier.
pub(crate) fn dossier(_: &mut SchemaGenerator) -> Value {
    let list = || array(json!({"type": "object"}));
    report([
        ("subject", text()),
        ("known", flag()),
        ("findings", list()),
        ("sections", list()),
        ("lineage", json!({"type": "object"})),
        ("changes", list()),
        ("ingest", list()),
        ("cited", list()),
        ("proven", array(text())),
        ("not_proven", array(text())),
    ])
}

/// The process answers.
pub(crate) fn healthy(_: &mut SchemaGenerator) -> Value {
    object([("status", one_of(&["ok"]))])
}

/// Events are taken.
pub(crate) fn ready(_: &mut SchemaGenerator) -> Value {
    object([("size", count()), ("status", one_of(&["ready"])), ("writer", one_of(&["running", "read-only"]))])
}
