//! JSON, read strictly in one pass and written canonically.
//!
//! Every byte of evidence that is read as JSON goes through [`parse`], before anything else looks at it. What two parsers could
//! understand differently is refused: a name twice in one object at any depth, an integer that a double can't hold, a lone
//! surrogate, bytes after the value. What is accepted has exactly one meaning, the one that RFC 8259 gives it.
//!
//! Numbers, decided: an integer literal (without `.`, `e` and `E`) outside ±(2^53−1) is refused, since RFC 8785 would round it in
//! silence. A literal with a fraction or an exponent is a double and only has to be finite, so `3.2e25` and `9007199254740993.0`
//! are accepted and `1e400` is not. `-0` is the double −0, whose canonical form is `0`.
//!
//! One seam follows from RFC 8785: it prints whole doubles below 1e21 without an exponent, so the canonical form of `4e19` is an
//! integer literal that [`parse`] refuses. Digests over canonical forms don't mind, and our own formats have no such numbers.

mod error;
mod parser;

pub use error::{JsonError, JsonFault};
pub use serde_json::Value;

/// How deep arrays and objects may stand in each other; a lone `[]` has depth 1. Keeps recursion small.
pub const MAX_DEPTH: usize = 64;

/// 2^53 − 1, the largest integer that a double holds together with its neighbours.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The largest input that [`parse`] reads, in bytes: above the largest configurable record (16 MiB) and its framing.
pub const MAX_BYTES: usize = 17 * 1024 * 1024;

/// Reads one JSON value that fills `bytes` but for white space.
///
/// # Errors
/// [`JsonError`] with the fault and its place, for anything that the module's comment refuses.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    parser::Parser::new(bytes)?.whole()
}

/// The bytes of each element of the JSON array that fills `bytes`, exactly as they stand there.
///
/// The elements are read as strictly as by [`parse`], each with a depth of its own.
///
/// # Errors
/// [`JsonError`] when `bytes` isn't a strict JSON array of at most `most` elements; places count from the start of `bytes`.
pub fn elements(bytes: &[u8], most: usize) -> Result<Vec<&[u8]>, JsonError> {
    parser::Parser::new(bytes)?.array_spans(most)
}

/// The canonical form of RFC 8785: no white space, members by their names' UTF-16 units, numbers as ECMAScript prints them.
///
/// The value has to hold [`in_range`] integers only, as all values from [`parse`] do: RFC 8785 knows doubles alone.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    debug_assert!(in_range(value), "an integer outside ±(2^53−1) has no canonical form");
    serde_json_canonicalizer::to_vec(value).expect("a `Value` has text names, unique ones, and no infinite number")
}

/// Whether every integer of `value` lies within ±(2^53−1).
#[must_use]
pub fn in_range(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64() || integer_in_range(number),
        Value::Array(elements) => elements.iter().all(in_range),
        Value::Object(members) => members.values().all(in_range),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

fn integer_in_range(number: &serde_json::Number) -> bool {
    let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    magnitude.is_some_and(|magnitude| magnitude <= MAX_INTEGER)
}

/// Whether `bytes` are strict JSON in canonical form.
#[must_use]
pub fn is_canonical(bytes: &[u8]) -> bool {
    parse(bytes).is_ok_and(|value| canonical(&value) == bytes)
}

#[cfg(test)]
mod tests;
