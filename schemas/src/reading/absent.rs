//! Data without what counts as not sent.

use std::borrow::Cow;

use serde_json::Value;

use crate::template::is_absent;

/// `data` without the members and the elements of lists that are null or an empty string, at any depth: what a JSON Schema is
/// to see. Borrows when there is nothing to leave out.
#[must_use]
pub fn absent_removed(data: &Value) -> Cow<'_, Value> {
    if has_absent(data) { Cow::Owned(without_absent(data)) } else { Cow::Borrowed(data) }
}

fn has_absent(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().any(|member| is_absent(member) || has_absent(member)),
        Value::Array(elements) => elements.iter().any(|element| is_absent(element) || has_absent(element)),
        _ => false,
    }
}

fn without_absent(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let there = members.iter().filter(|(_, member)| !is_absent(member));
            there.map(|(name, member)| (name.clone(), without_absent(member))).collect()
        }
        Value::Array(elements) => {
            let there = elements.iter().filter(|element| !is_absent(element));
            there.map(without_absent).collect()
        }
        other => other.clone(),
    }
}
