//! The bytes of an act, as a producer would send them.

use modeltrail_schemas::dsse::{self, Envelope, Signature};
use modeltrail_schemas::envelope::{MEDIA_TYPE, ORIGIN_EXTENSION, SPEC_VERSION};
use modeltrail_schemas::json;
use serde_json::{Value, json};

use super::acts::{Act, Content, Event, Wrapping};
use super::{DemoKey, Story};

/// A record on its way: what goes into a Kafka message or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// Names and values, in order.
    pub headers: Vec<(&'static str, String)>,
    /// The body; `None` is a tombstone.
    pub body: Option<Vec<u8>>,
}

impl Wire {
    /// The content type, if it has one.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.headers.iter().find(|(name, _)| *name == CONTENT_TYPE).map(|(_, value)| value.as_str())
    }

    /// The headers as a Kafka producer takes them.
    #[must_use]
    pub fn kafka_headers(&self) -> Vec<(&str, Option<&[u8]>)> {
        self.headers.iter().map(|(name, value)| (*name, Some(value.as_bytes()))).collect()
    }
}

const CONTENT_TYPE: &str = "content-type";
const JSON: &str = "application/json";

pub(super) fn of(story: &Story, act: &Act, origin: &str) -> Wire {
    match &act.content {
        Content::Raw(body) => Wire { headers: Vec::new(), body: body.clone() },
        Content::Event { event, wrapping: Wrapping::Structured } => {
            typed(MEDIA_TYPE, json::canonical(&structured(event)))
        }
        Content::Event { event, wrapping: Wrapping::Binary } => binary(event),
        Content::Event { event, wrapping: Wrapping::Signed { producer, forged } } => {
            let key = story.key(producer).expect("reading the story makes sure that every signer has a key");
            typed(dsse::MEDIA_TYPE, signed(event, key, *forged, origin))
        }
    }
}

fn typed(content_type: &str, body: Vec<u8>) -> Wire {
    Wire { headers: vec![(CONTENT_TYPE, content_type.to_owned())], body: Some(body) }
}

fn structured(event: &Event) -> Value {
    json!({
        "data": event.data,
        "datacontenttype": JSON,
        "id": event.id,
        "source": event.source,
        "specversion": SPEC_VERSION,
        "time": event.time,
        "type": event.r#type,
    })
}

fn binary(event: &Event) -> Wire {
    let head =
        BinaryHead { id: &event.id, source: &event.source, r#type: &event.r#type, time: &event.time.to_string() };
    Wire { headers: head.headers(), body: Some(json::canonical(&event.data)) }
}

/// What a binary event says about itself.
pub(crate) struct BinaryHead<'a> {
    pub(crate) id: &'a str,
    pub(crate) source: &'a str,
    pub(crate) r#type: &'a str,
    pub(crate) time: &'a str,
}

impl BinaryHead<'_> {
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            (CONTENT_TYPE, JSON.to_owned()),
            ("ce_specversion", SPEC_VERSION.to_owned()),
            ("ce_id", self.id.to_owned()),
            ("ce_source", self.source.to_owned()),
            ("ce_type", self.r#type.to_owned()),
            ("ce_time", self.time.to_owned()),
        ]
    }
}

/// A signed envelope around the structured event, bound to this ledger.
fn signed(event: &Event, key: &DemoKey, forged: bool, origin: &str) -> Vec<u8> {
    let mut event = structured(event);
    event[ORIGIN_EXTENSION] = origin.into();
    let payload = json::canonical(&event);
    let mut sig = key.sign(&dsse::pae(MEDIA_TYPE, &payload)).to_vec();
    if forged {
        // The first byte belongs to R: what is left has the shape of a signature and is none.
        sig[0] ^= 1;
    }
    Envelope { payload_type: MEDIA_TYPE.to_owned(), payload, signatures: vec![Signature { keyid: key.id(), sig }] }
        .to_json()
}
