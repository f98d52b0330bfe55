//! The OpenAPI 3.1 document of everything that is answered over HTTP, made from the operations that the handlers work with.
//!
//! `web/openapi.json` is the same document as a golden file: a change of the API is a change of that file, to be looked at.

pub(crate) mod ledger;
mod names;
pub(crate) mod operation;
pub(crate) mod page;
pub(crate) mod shapes;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use modeltrail_schemas::subject;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::api::ask::{MAX_CURSOR_BYTES, MAX_TEXT_BYTES};
use crate::api::{ENDPOINTS, JSON};
use crate::errors::WebError;
use crate::openapi::operation::{Answer, Body, Operation, Parameter, Place, Shape};
use crate::query::Query;
use crate::respond::{Cache, tag_of, tagged};

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&build()).expect("a document of text keys always serialises");
    text.push('\n');
    text
});

/// All operations: those of the views, and those of the log.
pub(crate) fn operations() -> impl Iterator<Item = &'static Operation> {
    let views = ENDPOINTS.iter().copied().flatten().map(|endpoint| &endpoint.operation);
    ledger::OPERATIONS.iter().copied().flatten().chain(views)
}

/// `GET /v1/openapi.json`.
pub(crate) async fn document(request: HttpRequest) -> Result<HttpResponse, WebError> {
    Query::of(&request, &[])?;
    Ok(tagged(&request, &tag_of(DOCUMENT.as_bytes()), Cache::Revalidate, JSON, || DOCUMENT.as_bytes().to_vec()))
}

fn build() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    let mut groups = BTreeSet::new();
    for operation in operations() {
        groups.insert(operation.group);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_lowercase(), described(operation, &mut generator));
        }
    }
    let problem = shapes::problem(&mut generator);
    let mut schemas = generator.take_definitions(true);
    schemas.values_mut().for_each(without_null);
    let tags: Vec<Value> = groups.into_iter().map(|group| json!({"name": group})).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Modeltrail",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INFO,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": {
                "description": "What was wrong, where, and what to do.",
                "content": {"application/problem+json": {"schema": problem}},
            }},
            "securitySchemes": {"admin": {
                "type": "http", "scheme": "bearer",
                "description": "The token in the data directory. Taken from this machine only.",
            }},
        },
    });
    names::give(&mut document);
    document
}

/// Takes null out of what members may be that can be left out: they are left out, and never null.
fn without_null(schema: &mut Value) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| required.as_array().is_some_and(|names| names.iter().any(|one| one == name));
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (_, member) in properties.iter_mut().filter(|(name, _)| !is_required(name)) {
        let Value::Object(member) = member else { continue };
        if let Some(Value::Array(kinds)) = member.get_mut("type") {
            kinds.retain(|kind| kind != "null");
            if let [one] = kinds.as_slice() {
                let one = one.clone();
                member.insert("type".to_owned(), one);
            }
        }
        if let Some(Value::Array(kinds)) = member.get_mut("anyOf") {
            kinds.retain(|kind| kind.get("type").is_none_or(|kind| kind != "null"));
            if let [Value::Object(one)] = kinds.as_slice() {
                let one = one.clone();
                member.remove("anyOf");
                member.extend(one);
            }
        }
    }
}

const INFO: &str = "What programs speak with a ledger. `HEAD` goes wherever `GET` goes, but for exports. Every answer that has an `ETag` is answered \
with 304 where `If-None-Match` names it. Lists of the views come in pages of one size of the ledger; `next` leads to the page behind, and `behind` says \
how many entries the views have still to read.";

fn described(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = operation.all_parameters().iter().map(parameter).collect();
    if !operation.sorts.is_empty() {
        let about = "The order; with a `-` before it backwards. Left out: that of the rows' keys.";
        parameters.push(json!({
            "name": "sort", "in": "query", "required": false, "description": about,
            "schema": {"type": "string", "enum": operation.orders()},
        }));
    }
    let mut members = json!({
        "operationId": operation.id,
        "tags": [operation.group],
        "summary": operation.gives,
        "parameters": parameters,
        "responses": responses(operation, generator),
    });
    if let Some(members) = members.as_object_mut() {
        if !operation.more.is_empty() {
            members.insert("description".to_owned(), operation.more.into());
        }
        if !operation.takes.is_empty() {
            let content = content(operation.takes, generator);
            members.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
        }
        if operation.group == ledger::ADMINISTRATION {
            members.insert("security".to_owned(), json!([{"admin": []}]));
        }
    }
    members
}

fn responses(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let tagged = operation.tagged || operation.dated;
    let mut responses = Map::new();
    for Answer { status, about, bodies } in operation.answers {
        let mut response = json!({"description": about, "content": content(bodies, generator)});
        if tagged && let Some(members) = response.as_object_mut() {
            members.insert("headers".to_owned(), json!({"ETag": {"schema": {"type": "string"}}}));
        }
        responses.insert(status.to_string(), response);
    }
    if tagged {
        responses.insert("304".to_owned(), json!({"description": "The caller has this answer."}));
    }
    for status in operation.all_problems() {
        responses.insert(status.to_string(), json!({"$ref": "#/components/responses/Problem"}));
    }
    Value::Object(responses)
}

fn content(bodies: &[Body], generator: &mut SchemaGenerator) -> Value {
    let one = |body: &Body| (body.media.to_owned(), json!({"schema": (body.schema)(generator)}));
    Value::Object(bodies.iter().map(one).collect())
}

fn parameter(parameter: &Parameter) -> Value {
    let one = schema(parameter.shape);
    let schema = match parameter.most {
        1 => one,
        most => json!({"type": "array", "items": one, "minItems": 1, "maxItems": most}),
    };
    let place = match parameter.place {
        Place::Query => "query",
        Place::Path => "path",
    };
    json!({
        "name": parameter.name, "in": place, "required": parameter.required, "description": parameter.about,
        "schema": schema,
    })
}

fn schema(shape: Shape) -> Value {
    const EXACT: u64 = (1 << 53) - 1;
    const TIME: &str = r"^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2}))?$";
    match shape {
        Shape::Subject => json!({"type": "string", "maxLength": subject::MAX_BYTES, "pattern": subjects()}),
        Shape::Text => json!({"type": "string", "minLength": 1, "maxLength": MAX_TEXT_BYTES}),
        Shape::Number => json!({"type": "integer", "minimum": 0, "maximum": EXACT}),
        Shape::Between(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Shape::Time | Shape::Until => json!({"type": "string", "pattern": TIME}),
        Shape::AsOf => {
            json!({"anyOf": [{"type": "integer", "minimum": 0, "maximum": EXACT}, {"type": "string", "pattern": TIME}]})
        }
        Shape::Cursor => {
            json!({"type": "string", "maxLength": MAX_CURSOR_BYTES, "pattern": "^(0|[1-9][0-9]{0,15})-[0-9a-f.]+$"})
        }
        Shape::Choice(words) => json!({"type": "string", "enum": words}),
        Shape::Flag => json!({"type": "integer", "enum": [0, 1]}),
        Shape::Key => json!({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
    }
}

/// The pattern of subjects.
fn subjects() -> String {
    const PART: &str = "([A-Za-z0-9._~:+-]|%[0-9A-F]{2})+";
    let kinds: Vec<&str> = subject::Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    format!("^({})/{PART}(/{PART})?(@{PART})?$", kinds.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set to anything, it writes the golden file instead of holding the document against it.
    const REWRITE: &str = "MODELTRAIL_REWRITE_GOLDEN";

    #[test]
    fn the_document_is_the_golden_file() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        if std::env::var_os(REWRITE).is_some() {
            std::fs::write(path, DOCUMENT.as_bytes()).unwrap();
        }
        let golden = std::fs::read_to_string(path).unwrap_or_default();
        let differs = golden.lines().zip(DOCUMENT.lines()).position(|(old, new)| old != new);
        assert!(
            golden == *DOCUMENT,
            "web/openapi.json differs from line {differs:?} on; look at what changed, and write it with {REWRITE}=1"
        );
    }

    #[test]
    fn every_reference_leads_somewhere_and_names_are_given_once() {
        fn references(value: &Value, into: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    into.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    members.values().for_each(|value| references(value, into));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, into)),
                _ => {}
            }
        }
        let document = build();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 100);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        let ids: Vec<&str> = operations().map(|operation| operation.id).collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{ids:?}");
    }

    #[test]
    fn every_route_is_documented() {
        let source = include_str!("routes.rs");
        let named = source.split_once("fn all()").unwrap().1.split_once("\nasync fn").unwrap().0;
        let paths: Vec<&str> = named.split('"').filter(|text| text.starts_with('/')).collect();
        assert!(paths.len() > 20, "{paths:?}");
        for path in paths {
            // Files of pages are for browsers; one route takes both kinds of tiles apart.
            let known = path == "/static/{name}" || path == "/tile/{path:.*}";
            assert!(known || operations().any(|operation| operation.path == path), "{path} is in no document");
        }
    }

    #[test]
    fn parameters_of_a_path_are_in_it() {
        for operation in operations() {
            for parameter in operation.parameters {
                let there = operation.path.contains(&format!("{{{}}}", parameter.name));
                assert_eq!(there, parameter.place == Place::Path, "{} {}", operation.path, parameter.name);
            }
            let placed = operation.parameters.iter().filter(|parameter| parameter.place == Place::Path).count();
            assert_eq!(operation.path.matches('{').count(), placed, "{}", operation.path);
            assert!(!operation.answers.is_empty() && !operation.gives.is_empty(), "{}", operation.path);
        }
    }
}
