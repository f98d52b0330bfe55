//! DSSE envelopes: signed payloads, per secure-systems-lab/dsse, protocol and envelope version 1.
//!
//! Nothing is verified here. [`pae`] gives the bytes that a signature covers; whoever holds keys checks them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Map, Value, json};

use crate::json::{self, JsonError};
use crate::template::is_absent;

/// The most signatures that an envelope may carry; each becomes a signer in an entry header.
pub const MAX_SIGNATURES: usize = 16;

/// How much is kept of a `sig` that isn't base64: less than any signature has, so that it never verifies as one.
const MAX_BROKEN_SIG: usize = 63;

/// The media type of an envelope.
pub const MEDIA_TYPE: &str = "application/vnd.dsse.envelope.v1+json";

/// An envelope, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What the payload is, exactly as it stands in the envelope, since signatures cover it.
    pub payload_type: String,
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// The signatures, in the envelope's order.
    pub signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Which key made it, as the envelope says; empty when it doesn't. A hint: only the key itself proves anything.
    pub keyid: String,
    /// The signature's bytes; of a `sig` that is not base64 the start of its text, which is too short to be one.
    pub sig: Vec<u8>,
}

/// Why something is not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DsseError {
    /// The bytes are not strict JSON.
    #[error("dsse envelope: {0}")]
    Json(#[from] JsonError),
    /// A part of it is not the kind of JSON value that it has to be.
    #[error("dsse envelope: `{place}` is not {expected}")]
    Shape {
        /// Which part.
        place: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// A field that has to be there is not.
    #[error("dsse envelope: `{0}` is missing")]
    Missing(String),
    /// A field is not base64.
    #[error("dsse envelope: `{0}` is neither standard nor url-safe base64 with padding")]
    Base64(String),
    /// None at all: then it's no signed event.
    #[error("dsse envelope: `signatures` is empty")]
    NoSignatures,
    /// More than [`MAX_SIGNATURES`].
    #[error("dsse envelope: {0} signatures are more than {MAX_SIGNATURES}")]
    TooManySignatures(usize),
}

impl Envelope {
    /// Reads an envelope from strict JSON. Members that DSSE doesn't know are passed over, as it demands.
    ///
    /// # Errors
    /// [`DsseError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, DsseError> {
        Self::from_value(&json::parse(bytes)?)
    }

    /// Reads an envelope from JSON that is already parsed.
    ///
    /// # Errors
    /// [`DsseError`].
    pub fn from_value(value: &Value) -> Result<Self, DsseError> {
        let Value::Object(members) = value else {
            return Err(shape("envelope", "an object"));
        };
        let signatures = match present(members, "signatures") {
            Some(Value::Array(signatures)) => signatures,
            Some(_) => return Err(shape("signatures", "an array")),
            None => return Err(DsseError::Missing("signatures".to_owned())),
        };
        if signatures.is_empty() {
            return Err(DsseError::NoSignatures);
        }
        if signatures.len() > MAX_SIGNATURES {
            return Err(DsseError::TooManySignatures(signatures.len()));
        }
        let signatures = signatures.iter().enumerate().map(|(index, one)| signature(index, one));
        Ok(Self {
            signatures: signatures.collect::<Result<_, _>>()?,
            payload_type: text(members, "payloadType", "payloadType")?.to_owned(),
            payload: decode(text(members, "payload", "payload")?)
                .ok_or_else(|| DsseError::Base64("payload".to_owned()))?,
        })
    }

    /// The envelope as canonical JSON, base64 in the standard alphabet.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let signature = |one: &Signature| {
            let mut members = Map::from_iter([("sig".to_owned(), json!(STANDARD.encode(&one.sig)))]);
            if !one.keyid.is_empty() {
                members.insert("keyid".to_owned(), json!(one.keyid));
            }
            Value::Object(members)
        };
        json::canonical(&json!({
            "payload": STANDARD.encode(&self.payload),
            "payloadType": self.payload_type,
            "signatures": self.signatures.iter().map(signature).collect::<Vec<_>>(),
        }))
    }

    /// The bytes that its signatures cover.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload)
    }
}

/// DSSE's pre-authentication encoding: `DSSEv1 <bytes of type> <type> <bytes of payload> <payload>`.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}

fn signature(index: usize, value: &Value) -> Result<Signature, DsseError> {
    let Value::Object(members) = value else {
        return Err(shape(&format!("signatures/{index}"), "an object"));
    };
    let keyid = match present(members, "keyid") {
        Some(Value::String(keyid)) => keyid.clone(),
        Some(_) => return Err(shape(&format!("signatures/{index}/keyid"), "a string")),
        None => String::new(),
    };
    let sig = text(members, "sig", &format!("signatures/{index}/sig"))?;
    let kept = || sig.as_bytes()[..sig.len().min(MAX_BROKEN_SIG)].to_vec();
    Ok(Signature { keyid, sig: decode(sig).unwrap_or_else(kept) })
}

/// The (`keyid`, `sig`) of each signature as text, as they stand in a value that [`Envelope::from_value`] has read.
pub(crate) fn signature_texts(envelope: &Value) -> impl Iterator<Item = (&str, &str)> {
    let list = envelope.get("signatures").and_then(Value::as_array);
    list.into_iter().flatten().map(|one| {
        let text = |name| one.get(name).and_then(Value::as_str).unwrap_or_default();
        (text("keyid"), text("sig"))
    })
}

fn present<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|value| !is_absent(value))
}

fn text<'a>(members: &'a Map<String, Value>, name: &str, place: &str) -> Result<&'a str, DsseError> {
    match present(members, name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(shape(place, "a string")),
        None => Err(DsseError::Missing(place.to_owned())),
    }
}

/// DSSE lets a producer choose between the two alphabets. Padding and trailing bits are as RFC 4648 has them, so that there is
/// one text for the same bytes in each.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

fn shape(place: &str, expected: &'static str) -> DsseError {
    DsseError::Shape { place: place.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_as_the_specification_does() {
        let encoded = pae("http://example.com/HelloWorld", b"hello world");
        assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
        assert_eq!(pae("é", b"\xff"), b"DSSEv1 2 \xc3\xa9 1 \xff");
    }

    #[test]
    fn reads_both_alphabets() {
        for payload in ["+/+/", "-_-_"] {
            let text = format!(
                r#"{{"payloadType":"t","payload":"{payload}","signatures":[{{"sig":"/w=="}},{{"keyid":"k","sig":"_w=="}}]}}"#
            );
            let envelope = Envelope::parse(text.as_bytes()).unwrap();
            assert_eq!(envelope.payload, [0xfb, 0xff, 0xbf]);
            let keys: Vec<_> = envelope.signatures.iter().map(|one| (one.keyid.as_str(), one.sig.as_slice())).collect();
            assert_eq!(keys, [("", b"\xff".as_slice()), ("k", b"\xff")]);
        }
    }

    #[test]
    fn a_sig_that_is_no_base64_is_kept_but_never_as_long_as_one() {
        for (sig, kept) in [("A", b"A".as_slice()), ("/w", b"/w"), ("+_+_", b"+_+_"), (&"!".repeat(64), &[b'!'; 63])] {
            let text = format!(r#"{{"payloadType":"t","payload":"AA==","signatures":[{{"sig":"{sig}"}}]}}"#);
            let envelope = Envelope::parse(text.as_bytes()).unwrap();
            assert_eq!(envelope.signatures[0].sig, kept, "{sig}");
            assert_eq!(Envelope::parse(&envelope.to_json()), Ok(envelope));
        }
    }

    #[test]
    fn what_is_built_is_read_back() {
        let signature = Signature { keyid: "k".to_owned(), sig: vec![0xff; 64] };
        let envelope = Envelope {
            payload_type: "application/cloudevents+json".to_owned(),
            payload: b"{}".to_vec(),
            signatures: vec![signature, Signature { keyid: String::new(), sig: vec![1] }],
        };
        assert_eq!(Envelope::parse(&envelope.to_json()), Ok(envelope.clone()));
        assert!(json::is_canonical(&envelope.to_json()));
        assert_eq!(envelope.signed_bytes(), b"DSSEv1 28 application/cloudevents+json 2 {}");
    }

    #[test]
    fn names_what_is_wrong() {
        let many =
            format!(r#"{{"payloadType":"t","payload":"AA==","signatures":[{}]}}"#, [r#"{"sig":"AA"}"#; 17].join(","));
        let cases = [
            ("[]", "`envelope` is not an object"),
            (r#"{"payloadType":"t","payload":"AA"}"#, "`signatures` is missing"),
            (r#"{"payloadType":"t","payload":"AA","signatures":{}}"#, "`signatures` is not an array"),
            (r#"{"payloadType":"t","payload":"AA==","signatures":[]}"#, "`signatures` is empty"),
            (r#"{"payloadType":"","payload":"AA==","signatures":[{"sig":"AA"}]}"#, "`payloadType` is missing"),
            (r#"{"payloadType":1,"payload":"AA==","signatures":[{"sig":"AA"}]}"#, "`payloadType` is not a string"),
            (r#"{"payloadType":"t","payload":"AA","signatures":[{"sig":"AA"}]}"#, "`payload` is neither"),
            (r#"{"payloadType":"t","payload":"AB==","signatures":[{"sig":"AA"}]}"#, "`payload` is neither"),
            (r#"{"payloadType":"t","payload":"A A=","signatures":[{"sig":"AA"}]}"#, "`payload` is neither"),
            (r#"{"payloadType":"t","payload":"+_+_","signatures":[{"sig":"AA"}]}"#, "`payload` is neither"),
            (r#"{"payloadType":"t","payload":"AA","signatures":[1]}"#, "`signatures/0` is not an object"),
            (r#"{"payloadType":"t","payload":"AA","signatures":[{"sig":null}]}"#, "`signatures/0/sig` is missing"),
            (r#"{"payloadType":"t","payload":"AA","signatures":[{"sig":"AA","keyid":1}]}"#, "keyid` is not a string"),
            (many.as_str(), "17 signatures are more than 16"),
        ];
        for (text, message) in cases {
            let error = Envelope::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
