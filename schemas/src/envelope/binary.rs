//! Binary mode: the attributes stand in headers, the body is the data.
//!
//! Names are compared as they are: Kafka's exactly, HTTP's in lower case, which is how a record holds them. Over HTTP values are
//! unquoted and percent-decoded once (CloudEvents HTTP binding 3.1.3.2), over Kafka they are UTF-8 as they stand.

use std::borrow::Cow;

use super::{Envelope, EnvelopeError, ORIGIN_EXTENSION, Result, SPEC_VERSION, checked, compact};
use crate::json;
use crate::record::{AttributeView, Via};
use crate::time::parse_rfc3339;

/// How the names of CloudEvents attributes begin among headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// `ce_`
    Kafka,
    /// `ce-`
    Http,
}

impl Prefix {
    /// The prefix of records that came that way; the ledger's own have no attributes and take Kafka's.
    #[must_use]
    pub fn of(via: Via) -> Self {
        if via == Via::Http {
            Self::Http
        } else {
            Self::Kafka
        }
    }

    /// The prefix itself.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kafka => "ce_",
            Self::Http => "ce-",
        }
    }
}

/// The CloudEvents attributes among a record's headers.
#[derive(Debug, Clone, Copy)]
pub struct BinaryAttributes<'a> {
    headers: &'a [AttributeView<'a>],
    prefix: Prefix,
}

impl<'a> BinaryAttributes<'a> {
    /// Looks among these headers for names with that prefix.
    #[must_use]
    pub fn new(headers: &'a [AttributeView<'a>], prefix: Prefix) -> Self {
        Self { headers, prefix }
    }

    /// Whether an attribute is there, be it twice or broken.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all().any(|(found, _)| found == name.as_bytes())
    }

    /// Every attribute that is neither null nor empty: its name without the prefix, its value as it arrived.
    pub fn all(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let prefix = self.prefix.as_str().as_bytes();
        self.headers.iter().filter_map(move |header| {
            let value = header.value.as_deref().filter(|value| !value.is_empty())?;
            Some((header.name.strip_prefix(prefix)?, value))
        })
    }

    /// The value of one attribute that a reading uses.
    ///
    /// # Errors
    /// [`EnvelopeError::Twice`], [`EnvelopeError::Encoding`].
    pub fn get(&self, name: &'static str) -> Result<Option<String>> {
        let mut values = self
            .all()
            .filter(|(found, _)| *found == name.as_bytes())
            .map(|(_, value)| value);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(EnvelopeError::Twice(name)),
            (None, None) => Ok(None),
            (Some(value), None) => {
                let text = self
                    .decoded(value)
                    .and_then(|value| String::from_utf8(value.into_owned()).ok());
                text.ok_or(EnvelopeError::Encoding(name))
                    .map(|text| Some(text).filter(|text| !text.is_empty()))
            }
        }
    }

    /// The value as the producer meant it; `None` when its percent-encoding is broken.
    #[must_use]
    pub fn decoded(&self, value: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        match self.prefix {
            Prefix::Kafka => Some(Cow::Borrowed(value)),
            Prefix::Http => percent_decoded(unquoted(value)),
        }
    }

    fn demanded(&self, name: &'static str) -> Result<String> {
        checked(name, self.get(name)?.ok_or(EnvelopeError::Missing(name))?)
    }

    /// What can't be decoded is absent here, as what isn't a string is in structured mode.
    fn optional(&self, name: &'static str) -> Result<Option<String>> {
        match self.get(name) {
            Err(EnvelopeError::Encoding(_)) => Ok(None),
            found => found,
        }
    }

    /// The event of these attributes and the body, which is JSON or empty. An event of a type that isn't known keeps its place
    /// when its body can't be read: nothing of it would be used.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn envelope(&self, body: &[u8], is_known: impl FnOnce(&str) -> bool) -> Result<Envelope> {
        if self
            .get("specversion")?
            .is_some_and(|version| version != SPEC_VERSION)
        {
            return Err(EnvelopeError::SpecVersion);
        }
        let mut envelope = Envelope {
            id: self.demanded("id")?,
            source: self.demanded("source")?,
            r#type: self.demanded("type")?,
            time: self.optional("time")?.and_then(|time| parse_rfc3339(&time)),
            subject: self.optional("subject")?,
            origin: self.optional(ORIGIN_EXTENSION)?,
            data: None,
        };
        if !body.is_empty() {
            envelope.data = match json::parse(body) {
                Ok(data) => Some(data).filter(|data| !crate::template::is_absent(data)),
                Err(error) if is_known(&envelope.r#type) => return Err(error.into()),
                Err(_) => None,
            };
        }
        Ok(envelope)
    }
}

impl Envelope {
    /// The event in binary mode: headers, their content type among them, and the body.
    #[must_use]
    pub fn to_binary(&self, prefix: Prefix) -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
        let encode = |value: String| match prefix {
            Prefix::Kafka => value.into_bytes(),
            Prefix::Http => percent_encoded(&value),
        };
        let mut headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
        headers.extend(
            self.attributes()
                .map(|(name, value)| (format!("{}{name}", prefix.as_str()), encode(value))),
        );
        (headers, self.data.as_ref().map(compact).unwrap_or_default())
    }
}

/// A quoted string of RFC 9110 without its quotes and backslashes; anything else as it is.
fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    let [b'"', inner @ .., b'"'] = value else {
        return Cow::Borrowed(value);
    };
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        let escaped = if *byte == b'\\' { bytes.next() } else { None };
        plain.push(*escaped.unwrap_or(byte));
    }
    Cow::Owned(plain)
}

fn percent_decoded(value: Cow<'_, [u8]>) -> Option<Cow<'_, [u8]>> {
    if !value.contains(&b'%') {
        return Some(value);
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_ref();
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'%' {
            let digits = after
                .get(..2)
                .and_then(|digits| std::str::from_utf8(digits).ok())?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            decoded.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            decoded.push(*byte);
            rest = after;
        }
    }
    Some(Cow::Owned(decoded))
}

/// What the binding demands to encode: all but printable ASCII, and of that space, quote and percent.
fn percent_encoded(value: &str) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            0x21..=0x7e if !matches!(byte, b'"' | b'%') => encoded.push(byte),
            _ => encoded.extend(format!("%{byte:02X}").into_bytes()),
        }
    }
    encoded
}
