//! How much of a sender's texts and values the rows keep, so that no event makes a row that a page or a batch can't hold.
//!
//! What is left out here is still whole in the entry's record. A manifest is kept whole: it is one indivisible thing.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::rows::JsonText;

/// Bytes of a text: more than a person reads in a table, and 50 of them fit a row.
pub const MAX_TEXT: usize = 4_096;
/// Bytes of a reason, which stands in every act of a row that lists many.
pub const MAX_REASON: usize = 1_024;
/// Bytes of a name, a role, an id: as long as an event's own id may be is too long for a list of hundreds.
pub const MAX_NAME: usize = 256;
/// Elements that a row keeps of a list of names, subjects or members.
pub const MAX_LIST: usize = 200;
/// Bytes of a value among many others in a row.
pub const SMALL_VALUE: usize = 16 * 1024;
/// Elements of a list, and members of an object, inside a value that is kept as the event has it.
pub const MAX_ELEMENTS: usize = 500;
/// Bytes of a value that is kept as the event has it, counted as texts and 16 a value; a row with two of them stays below 256 KiB.
pub const MAX_VALUE: usize = 64 * 1024;

/// The text, or its start and `…` where it takes more than `most` bytes in JSON: escapes count as what they take.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.len() <= most / 6 || weight(text) <= most {
        return text.to_owned();
    }
    let (mut end, mut taken) = (0, 0);
    for (at, letter) in text.char_indices() {
        let next = at + letter.len_utf8();
        taken += weight(text.get(at..next).unwrap_or_default());
        if taken > most {
            break;
        }
        end = next;
    }
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// The value within the bounds of this module: texts cut, long lists and objects ended by `…`.
#[must_use]
pub fn bounded(value: &Value) -> Cow<'_, Value> {
    let mut left = MAX_VALUE;
    if fits(value, &mut left) { Cow::Borrowed(value) } else { Cow::Owned(bounded_to(value, MAX_VALUE)) }
}

/// As [`bounded`], within fewer bytes: for values that stand among many others in a row.
#[must_use]
pub fn bounded_to(value: &Value, most: usize) -> Value {
    let mut left = most;
    take(value, &mut left)
}

/// As [`bounded_to`], as a row keeps it that changes often.
#[must_use]
pub fn bounded_text(value: &Value, most: usize) -> JsonText {
    let mut left = most;
    if fits(value, &mut left) { JsonText::new(value) } else { JsonText::new(&bounded_to(value, most)) }
}

/// Whether nothing of the value would be cut: what [`take`] would do, counted a little too high and nothing copied.
fn fits(value: &Value, left: &mut usize) -> bool {
    let pay = |bytes: usize, left: &mut usize| {
        *left = left.saturating_sub(bytes);
        *left > 0
    };
    pay(16, left)
        && match value {
            Value::String(text) => {
                let bytes = weight(text);
                bytes <= MAX_TEXT && pay(bytes, left)
            }
            Value::Array(elements) => {
                elements.len() <= MAX_ELEMENTS && elements.iter().all(|element| fits(element, left))
            }
            Value::Object(members) => {
                members.len() <= MAX_ELEMENTS
                    && members.iter().all(|(name, member)| {
                        let bytes = weight(name);
                        bytes <= MAX_NAME && pay(bytes, left) && fits(member, left)
                    })
            }
            _ => true,
        }
}

/// The bytes of a text in JSON.
fn weight(text: &str) -> usize {
    let count = |of: fn(u8) -> bool| text.bytes().filter(|byte| of(*byte)).count();
    // Counted apart: such loops look at many bytes at a time.
    text.len() + 5 * count(|byte| byte < 0x20) + count(|byte| byte == b'"' || byte == b'\\')
}

fn take(value: &Value, left: &mut usize) -> Value {
    *left = left.saturating_sub(16);
    match value {
        Value::String(text) => {
            let text = cut(text, MAX_TEXT.min(*left));
            *left = left.saturating_sub(weight(&text));
            Value::String(text)
        }
        Value::Array(elements) => {
            let mut kept = Vec::new();
            for element in elements {
                if kept.len() >= MAX_ELEMENTS || *left == 0 {
                    kept.push(Value::String("…".to_owned()));
                    break;
                }
                kept.push(take(element, left));
            }
            Value::Array(kept)
        }
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, member) in members {
                if kept.len() >= MAX_ELEMENTS || *left == 0 {
                    kept.insert("…".to_owned(), Value::String("…".to_owned()));
                    break;
                }
                let name = cut(name, MAX_NAME);
                *left = left.saturating_sub(weight(&name));
                kept.insert(name, take(member, left));
            }
            Value::Object(kept)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_ends_at_a_character() {
        assert_eq!(cut("kurz", 4), "kurz");
        assert_eq!(cut("abcü", 4), "abc…");
        assert_eq!(cut("ü", 0), "…");
    }

    #[test]
    fn a_value_of_any_size_comes_out_small_and_a_small_one_unchanged() {
        let small = serde_json::json!({"a": [1, 2.5, null, true], "b": {"c": "text"}});
        assert_eq!(bounded(&small), Cow::<Value>::Borrowed(&small));
        assert!(matches!(bounded(&small), Cow::Borrowed(_)));
        let wide = Value::Array(vec![Value::String("x".repeat(10_000)); 10_000]);
        let text = bounded(&serde_json::json!({"one": wide, "two": wide})).to_string();
        assert!(text.len() < 3 * MAX_VALUE && text.contains('…'), "{}", text.len());
        let deep = (0..60).fold(Value::Null, |inner, _| serde_json::json!([inner]));
        assert_eq!(*bounded(&deep), deep);
        let names: Map<String, Value> = (0..5_000).map(|n| (format!("{n}{}", "n".repeat(900)), Value::Null)).collect();
        assert!(bounded(&Value::Object(names)).to_string().len() < 2 * MAX_VALUE);
        let escaped = Value::Array(vec![Value::String("\u{1}".repeat(3_000)); 100]);
        assert!(bounded(&escaped).to_string().len() < 2 * MAX_VALUE);
    }
}
