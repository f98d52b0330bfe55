//! An event's data held against the schema of its type.
//!
//! A violation names the place and what is expected there, never the value found: it is shown and kept in findings, where a
//! value copied from a record would outlive the record's erasure.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::catalogue;
use super::schema::json_schema;
use super::types::Primitive;

/// The most violations that [`validate`] names; one more row says how many are left out. A record of megabytes can be wrong in
/// each of its list elements, and nobody reads more than a screenful.
pub const MAX_VIOLATIONS: usize = 32;

/// The longest pointer and field name shown, in bytes: both come from the event, whose keys may be as long as a record.
const MAX_SHOWN_BYTES: usize = 512;

/// One place where data break their schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaViolation {
    /// JSON pointer into the data (RFC 6901); empty for the data as a whole. Ends in `…` when cut at 512 bytes.
    pub pointer: String,
    /// What is expected there.
    pub message: String,
}

/// Holds the data of an event of that type against the type's schema.
///
/// Members and list elements that are null or an empty string count as absent and must be removed before. A type that the
/// catalogue doesn't know has no schema and passes.
///
/// # Errors
/// The violations, sorted by place: at most [`MAX_VIOLATIONS`], then one that counts the rest.
pub fn validate(event_type: &str, data: &Value) -> Result<(), Vec<SchemaViolation>> {
    let Some(validator) = validator(event_type) else {
        return Ok(());
    };
    if validator.is_valid(data) {
        return Ok(());
    }
    let mut violations: Vec<_> = validator.iter_errors(data).flat_map(|error| describe(&error)).collect();
    violations.sort_unstable();
    violations.dedup();
    if violations.len() > MAX_VIOLATIONS {
        let rest = violations.len() - MAX_VIOLATIONS;
        violations.truncate(MAX_VIOLATIONS);
        violations
            .push(SchemaViolation { pointer: String::new(), message: format!("{rest} more violations are left out") });
    }
    Err(violations)
}

/// The compiled validator of a type: compiled when first asked for, then shared by all threads.
fn validator(event_type: &str) -> Option<&'static Validator> {
    static VALIDATORS: LazyLock<HashMap<&'static str, OnceLock<Validator>>> =
        LazyLock::new(|| catalogue().events.iter().map(|event| (event.name.as_str(), OnceLock::new())).collect());
    let event = catalogue().event(event_type)?;
    Some(VALIDATORS.get(event_type)?.get_or_init(|| {
        jsonschema::draft202012::options()
            .with_pattern_options(PatternOptions::regex())
            .should_validate_formats(true)
            .build(&json_schema(event))
            .expect("a generated schema compiles: a test compiles that of every type in the catalogue")
    }))
}

fn describe(error: &ValidationError<'_>) -> Vec<SchemaViolation> {
    let pointer = error.instance_path().as_str();
    let at = |message: String| vec![SchemaViolation { pointer: shown(pointer), message }];
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|name| unknown_field(pointer, name)).collect()
        }
        ValidationErrorKind::Required { property } => {
            at(format!("field `{}` is missing", property.as_str().unwrap_or_default()))
        }
        ValidationErrorKind::Enum { options } => at(format!("expected one of {}", words(options))),
        kind => at(match (defined_as(error), kind) {
            (Some(expected), _) => format!("expected {expected}"),
            (None, ValidationErrorKind::Type { kind: TypeKind::Single(expected) }) => format!("expected {expected}"),
            (None, _) => error.masked().to_string(),
        }),
    }
}

fn unknown_field(parent: &str, name: &str) -> SchemaViolation {
    let escaped = name.replace('~', "~0").replace('/', "~1");
    SchemaViolation {
        pointer: shown(&format!("{parent}/{escaped}")),
        message: "unknown field; own data goes into `labels`".to_owned(),
    }
}

/// The catalogue's words for the primitive type under whose definition the error arose.
fn defined_as(error: &ValidationError<'_>) -> Option<String> {
    let name = error.schema_path().as_str().strip_prefix("/$defs/")?.split('/').next()?;
    let primitive = Primitive::from_name(name)?;
    Some(format!("{name} ({})", catalogue().primitive(primitive)))
}

fn words(options: &Value) -> String {
    let words = options.as_array().into_iter().flatten().filter_map(Value::as_str);
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn shown(text: &str) -> String {
    if text.len() <= MAX_SHOWN_BYTES {
        return text.to_owned();
    }
    let end = (0..=MAX_SHOWN_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &text[..end])
}
