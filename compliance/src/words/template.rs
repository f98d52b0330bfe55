//! Sentences with holes.
//!
//! `{path}` is a member of the event's data, `{path|kind}` the same shown as that kind, `{@role}` the subjects of a role. What stands in `[…]` is left out
//! when a hole in it has nothing to show; a hole outside that has nothing to show spoils the sentence, and the caller falls back.

use modeltrail_schemas::subject::{Kind, Subject};
use modeltrail_views::read::ReadEntry;
use serde_json::Value;

use super::{MAX_INSERTED, MAX_LISTED, digest_short, moment_words, shorten, time_words, value_words, visible};

/// Fills a sentence's holes from an entry. `None` when one outside `[…]` stays empty.
pub(super) fn render(template: &str, entry: &ReadEntry) -> Option<String> {
    let mut line = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('[') {
        let length = rest[start..].find(']')?;
        line.push_str(&fill(&rest[..start], entry)?);
        if let Some(part) = fill(&rest[start + 1..start + length], entry) {
            line.push_str(&part);
        }
        rest = &rest[start + length + 1..];
    }
    line.push_str(&fill(rest, entry)?);
    Some(line)
}

fn fill(text: &str, entry: &ReadEntry) -> Option<String> {
    let mut line = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let length = rest[start..].find('}')?;
        line.push_str(&rest[..start]);
        line.push_str(&hole(&rest[start + 1..start + length], entry)?);
        rest = &rest[start + length + 1..];
    }
    line.push_str(rest);
    Some(line)
}

fn hole(hole: &str, entry: &ReadEntry) -> Option<String> {
    if let Some(role) = hole.strip_prefix('@') {
        let subjects = entry.trails().into_iter().filter(|(found, _)| *found == role);
        return listed(subjects.map(|(_, subject)| subject.to_owned()));
    }
    let (path, kind) = hole.split_once('|').unwrap_or((hole, "text"));
    let value = entry.data.pointer(&format!("/{path}"))?;
    shown(value, kind)
}

fn shown(value: &Value, kind: &str) -> Option<String> {
    let text = value.as_str();
    match kind {
        "time" => text.map(time_words),
        "when" => text.map(moment_words),
        "digest" => text.map(digest_short),
        "words" => text.map(|text| shorten(&visible(&text.replace('_', " ")), MAX_INSERTED)),
        "count" => value.as_array().map(|list| list.len().to_string()),
        "list" => listed(value.as_array()?.iter().map(|item| shorten(&value_words(item), MAX_INSERTED))),
        "place" => place(value),
        "places" => listed(value.as_array()?.iter().filter_map(place)),
        "version" => version(value),
        "versions" => listed(value.as_array()?.iter().filter_map(version)),
        "served" => listed(value.as_array()?.iter().filter_map(served)),
        "seen" => match value.as_array()?.as_slice() {
            [] => Some("nothing".to_owned()),
            seen => {
                listed(seen.iter().map(|item| served(item).unwrap_or_else(|| "files that name no version".to_owned())))
            }
        },
        "thing" => thing(value),
        "things" => listed(value.as_array()?.iter().filter_map(thing)),
        "metrics" => listed(value.as_array()?.iter().filter_map(metric)),
        "threshold" => threshold(value),
        "thresholds" => listed(value.as_array()?.iter().filter_map(threshold)),
        "limits" => listed(
            value.as_array()?.iter().filter_map(|item| item.get("text").or_else(|| item.get("id")).map(value_words)),
        ),
        "conditions" => listed(value.as_array()?.iter().filter_map(|item| item.get("text").map(value_words))),
        _ => Some(shorten(&value_words(value), MAX_INSERTED)).filter(|text| !text.is_empty()),
    }
}

/// The first elements with commas, and how many more there are; `None` for none.
fn listed(items: impl Iterator<Item = String>) -> Option<String> {
    let mut items = items.map(|item| shorten(&item, MAX_INSERTED));
    let first: Vec<String> = items.by_ref().take(MAX_LISTED).collect();
    let more = items.count();
    match (first.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(first.join(", ")),
        (false, more) => Some(format!("{} and {more} more", first.join(", "))),
    }
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

fn place(value: &Value) -> Option<String> {
    let subject = Subject::of(Kind::Deployment, member(value, "environment"), member(value, "service")?, None);
    subject.ok().map(|subject| subject.as_str().to_owned())
}

fn version(value: &Value) -> Option<String> {
    let subject =
        Subject::of(Kind::Model, member(value, "namespace"), member(value, "name")?, member(value, "version"));
    subject.ok().map(|subject| subject.as_str().to_owned())
}

fn thing(value: &Value) -> Option<String> {
    let kind = Kind::parse(member(value, "kind")?)?;
    let subject = Subject::of(kind, member(value, "namespace"), member(value, "name")?, member(value, "version"));
    subject.ok().map(|subject| subject.as_str().to_owned())
}

fn served(value: &Value) -> Option<String> {
    let version = version(value)?;
    let role = member(value, "role").map(visible);
    let weight = value.get("weight").map(|weight| format!("{} per cent", value_words(weight)));
    let how: Vec<String> = role.into_iter().chain(weight).collect();
    if how.is_empty() { Some(version) } else { Some(format!("{version} ({})", how.join(", "))) }
}

fn metric(value: &Value) -> Option<String> {
    let slice = value.get("slice").map(|slice| format!(" for {}", value_words(slice))).unwrap_or_default();
    Some(format!("{} {}{slice}", visible(member(value, "name")?), value_words(value.get("value")?)))
}

fn threshold(value: &Value) -> Option<String> {
    let op = match member(value, "op")? {
        "lt" => "below",
        "le" => "at most",
        "eq" => "exactly",
        "ge" => "at least",
        "gt" => "above",
        _ => "against",
    };
    let slice = value.get("slice").map(|slice| format!(" for {}", value_words(slice))).unwrap_or_default();
    Some(format!("{} {op} {}{slice}", visible(member(value, "metric")?), value_words(value.get("value")?)))
}

/// Kinds of hole, for the test of the table.
#[cfg(test)]
pub(super) const KINDS: &[&str] = &[
    "text",
    "time",
    "when",
    "digest",
    "words",
    "count",
    "list",
    "place",
    "places",
    "version",
    "versions",
    "served",
    "seen",
    "thing",
    "things",
    "metrics",
    "threshold",
    "thresholds",
    "limits",
    "conditions",
];
