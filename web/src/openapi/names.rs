//! Names of components that come of one generic type: what is in them, in place of a number that changes with their order.

use serde_json::Value;

/// Where references to components lead.
const SCHEMAS: &str = "#/components/schemas/";
/// The generic type: a value and the entry that says it.
const SAID: &str = "Said";

/// Gives each kind of [`SAID`] its name.
pub(super) fn give(document: &mut Value) {
    let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") else { return };
    let numbered =
        |name: &String| name.strip_prefix(SAID).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let old: Vec<String> = schemas.keys().filter(|name| numbered(name)).cloned().collect();
    let mut given = Vec::new();
    for name in old {
        let Some(schema) = schemas.remove(&name) else { continue };
        let new = format!("{SAID}{}", kind(schema.pointer("/properties/value")));
        schemas.insert(new.clone(), schema);
        given.push((format!("{SCHEMAS}{name}"), format!("{SCHEMAS}{new}")));
    }
    refer(document, &given);
}

fn kind(value: Option<&Value>) -> String {
    let Some(Value::Object(value)) = value else { return "Anything".to_owned() };
    if let Some(Value::String(reference)) = value.get("$ref") {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let word = match value.get("type").and_then(Value::as_str) {
        Some("string") => "Text",
        Some("array") => "Texts",
        Some("integer") => "Number",
        Some("boolean") => "Flag",
        _ => "Anything",
    };
    word.to_owned()
}

fn refer(value: &mut Value, given: &[(String, String)]) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match value {
            Value::String(text) if name == "$ref" => {
                if let Some((_, new)) = given.iter().find(|(old, _)| old == text) {
                    *text = new.clone();
                }
            }
            other => refer(other, given),
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| refer(item, given)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_gives_way_to_what_is_in_it() {
        let said = |value: Value| json!({"properties": {"entry": {"type": "integer"}, "value": value}});
        let mut document = json!({
            "a": {"$ref": "#/components/schemas/Said"}, "b": [{"$ref": "#/components/schemas/Said2"}],
            "components": {"schemas": {
                "Said": said(json!({"type": "string"})), "Said2": said(json!({"$ref": "#/components/schemas/Tier"})),
                "Said3": said(json!(true)), "Saidless": {},
            }},
        });
        give(&mut document);
        assert_eq!(document["a"]["$ref"], "#/components/schemas/SaidText");
        assert_eq!(document["b"][0]["$ref"], "#/components/schemas/SaidTier");
        let names: Vec<&String> = document["components"]["schemas"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["SaidAnything", "SaidText", "SaidTier", "Saidless"]);
    }
}
