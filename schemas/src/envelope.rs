//! CloudEvents 1.0: what an event says about itself, in structured, batched and binary mode.
//!
//! An envelope is there when `id`, `source` and `type` are: strings of at most [`MAX_ATTRIBUTE`] bytes of UTF-8 without control
//! characters; and when `specversion` is `1.0`. Null and the empty string count as absent. A `time` that is absent or not RFC 3339
//! is left out. Data are what `data` holds: `data_base64` and `datacontenttype` are not looked at.

mod binary;

use serde_json::{Map, Value};

use crate::json::{self, JsonError};
use crate::template::is_absent;
use crate::time::{Micros, parse_rfc3339};

pub use binary::{BinaryAttributes, Prefix};

/// The most elements of a batch: one request never holds the writer longer than one seal.
pub const MAX_BATCH: usize = 1_000;

/// The longest `id`, `source` and `type`, in bytes. They stand in the entry header, which has to stay under 65,535 bytes.
pub const MAX_ATTRIBUTE: usize = 512;

/// The media type of one event in structured mode.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// The media type of a batch of such events.
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// The one version of CloudEvents that is read.
pub const SPEC_VERSION: &str = "1.0";

/// The extension in which a signed event names the ledger that it is meant for.
pub const ORIGIN_EXTENSION: &str = "modeltrailorigin";

/// What a reading takes from an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Envelope {
    /// The producer's number for it, unique with `source`.
    pub id: String,
    /// Who says so.
    pub source: String,
    /// What kind of event it is.
    pub r#type: String,
    /// When it happened, as the producer says.
    pub time: Option<Micros>,
    /// CloudEvents' own `subject`; as text, since any text is allowed there.
    pub subject: Option<String>,
    /// The extension `modeltrailorigin`.
    pub origin: Option<String>,
    /// The event's data, when it is JSON.
    pub data: Option<Value>,
}

/// Why something is not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes are not strict JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The JSON is not an object.
    #[error("event is not a JSON object")]
    NotObject,
    /// An attribute that has to be there is not.
    #[error("event has no `{0}`")]
    Missing(&'static str),
    /// An attribute is not a string.
    #[error("event has an attribute `{0}` that is not a string")]
    NotText(&'static str),
    /// An attribute is longer than [`MAX_ATTRIBUTE`].
    #[error("event has an attribute `{0}` of {1} bytes, more than {MAX_ATTRIBUTE}")]
    TooLong(&'static str, usize),
    /// An attribute has a control character.
    #[error("event has an attribute `{0}` with a control character")]
    Control(&'static str),
    /// Another version of CloudEvents, or none.
    #[error("event has a `specversion` other than `{SPEC_VERSION}`")]
    SpecVersion,
}

type Result<T> = std::result::Result<T, EnvelopeError>;

impl Envelope {
    /// Reads an event in structured mode.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::from_value(json::parse(bytes)?)
    }

    /// Reads an event in structured mode from JSON that is already parsed, moving its data out.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn from_value(value: Value) -> Result<Self> {
        let Value::Object(mut members) = value else {
            return Err(EnvelopeError::NotObject);
        };
        match taken(&mut members, "specversion") {
            Some(Value::String(version)) if version == SPEC_VERSION => {}
            Some(_) => return Err(EnvelopeError::SpecVersion),
            None => return Err(EnvelopeError::Missing("specversion")),
        }
        Ok(Self {
            id: demanded(&mut members, "id")?,
            source: demanded(&mut members, "source")?,
            r#type: demanded(&mut members, "type")?,
            time: text(&mut members, "time").and_then(|time| parse_rfc3339(&time)),
            subject: text(&mut members, "subject"),
            origin: text(&mut members, ORIGIN_EXTENSION),
            data: taken(&mut members, "data"),
        })
    }

    /// The event in structured mode, as compact JSON with data of media type `application/json` and names in order.
    #[must_use]
    pub fn to_structured(&self) -> Vec<u8> {
        let mut members = Map::new();
        for (name, value) in self.attributes() {
            members.insert(name.to_owned(), Value::String(value));
        }
        if let Some(data) = &self.data {
            members.insert("data".to_owned(), data.clone());
            members.insert("datacontenttype".to_owned(), Value::from("application/json"));
        }
        compact(&Value::Object(members))
    }

    /// The attributes that are there, `specversion` first.
    fn attributes(&self) -> impl Iterator<Item = (&'static str, String)> {
        let optional = [
            ("time", self.time.map(|time| time.to_string())),
            ("subject", self.subject.clone()),
            (ORIGIN_EXTENSION, self.origin.clone()),
        ];
        let demanded = [
            ("specversion", SPEC_VERSION.to_owned()),
            ("id", self.id.clone()),
            ("source", self.source.clone()),
            ("type", self.r#type.clone()),
        ];
        let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        demanded.into_iter().chain(optional)
    }
}

/// The elements of a batch, each exactly as it stands in `body`, so that a signature or digest over one of them holds.
///
/// # Errors
/// [`JsonError`] when `body` isn't a strict JSON array of at most [`MAX_BATCH`] elements.
pub fn split_batch(body: &[u8]) -> std::result::Result<Vec<&[u8]>, JsonError> {
    json::elements(body, MAX_BATCH)
}

/// The body of one of the ledger's own records: canonical JSON of `{"data":…,"type":…}`. Numbers in `data` are integers within
/// ±(2^53−1) only, as in all our own formats.
#[must_use]
pub fn own_body(event_type: &str, data: Value) -> Vec<u8> {
    let members = [("data".to_owned(), data), ("type".to_owned(), Value::from(event_type))];
    json::canonical(&Value::Object(Map::from_iter(members)))
}

fn taken(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    members.remove(name).filter(|value| !is_absent(value))
}

fn text(members: &mut Map<String, Value>, name: &str) -> Option<String> {
    match taken(members, name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn demanded(members: &mut Map<String, Value>, name: &'static str) -> Result<String> {
    match taken(members, name) {
        Some(Value::String(text)) => checked(name, text),
        Some(_) => Err(EnvelopeError::NotText(name)),
        None => Err(EnvelopeError::Missing(name)),
    }
}

/// JSON as short as it gets. Not the canonical form, which prints some doubles in a way that strict JSON refuses.
pub(crate) fn compact(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("a `Value` has text names and no infinite number")
}

/// Holds the limits of what stands in an entry header.
pub(crate) fn checked(name: &'static str, text: String) -> Result<String> {
    if text.len() > MAX_ATTRIBUTE {
        return Err(EnvelopeError::TooLong(name, text.len()));
    }
    if text.chars().any(char::is_control) { Err(EnvelopeError::Control(name)) } else { Ok(text) }
}

#[cfg(test)]
mod tests;
