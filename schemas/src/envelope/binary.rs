//! Binary mode: the attributes stand in headers, the body is the data.
//!
//! Names are compared with A–Z lowered. Over HTTP values are percent-decoded once, a `%` without two hex digits standing for
//! itself; over Kafka they are UTF-8 as they stand. A value that is null, empty or not UTF-8 is absent.

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
        if via == Via::Http { Self::Http } else { Self::Kafka }
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

    /// Whether an attribute of that name, in lower case, is there, whatever its value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.named().any(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The first name without its prefix, A–Z lowered, that more than one attribute has, whatever their values.
    #[must_use]
    pub fn twice(&self) -> Option<String> {
        let mut names: Vec<_> = self.named().map(|(name, _)| lowered(name)).collect();
        names.sort_unstable();
        let double = names.windows(2).find(|pair| pair[0] == pair[1])?;
        Some(String::from_utf8_lossy(&double[0]).into_owned())
    }

    /// Every attribute that is there: its name without the prefix, A–Z lowered, and its value decoded.
    pub fn all(&self) -> impl Iterator<Item = (Cow<'a, [u8]>, Cow<'a, str>)> {
        self.named().filter_map(|(name, value)| Some((lowered(name), self.decoded(value?)?)))
    }

    /// The value of one attribute, whose name is given in lower case; the first, if there are two.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.named()
            .filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .find_map(|(_, value)| self.decoded(value?))
            .map(Cow::into_owned)
    }

    /// Every attribute as it arrived, but for the prefix.
    fn named(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let prefix = self.prefix.as_str().as_bytes();
        self.headers.iter().filter_map(move |header| {
            let (start, name) = header.name.split_at_checked(prefix.len())?;
            start.eq_ignore_ascii_case(prefix).then_some((name, header.value.as_deref()))
        })
    }

    /// The text that a value stands for; `None` when it is absent.
    fn decoded(&self, value: &'a [u8]) -> Option<Cow<'a, str>> {
        let bytes = match self.prefix {
            Prefix::Kafka => Cow::Borrowed(value),
            Prefix::Http => percent_decoded(value),
        };
        let text = match bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(std::str::from_utf8(bytes).ok()?),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).ok()?),
        };
        Some(text).filter(|text| !text.is_empty())
    }

    fn demanded(&self, name: &'static str) -> Result<String> {
        checked(name, self.get(name).ok_or(EnvelopeError::Missing(name))?)
    }

    /// The event of these attributes and the body, which is strict JSON or empty.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn envelope(&self, body: &[u8]) -> Result<Envelope> {
        if self.demanded("specversion")? != SPEC_VERSION {
            return Err(EnvelopeError::SpecVersion);
        }
        let data = if body.is_empty() {
            None
        } else {
            Some(json::parse(body)?).filter(|data| !crate::template::is_absent(data))
        };
        Ok(Envelope {
            id: self.demanded("id")?,
            source: self.demanded("source")?,
            r#type: self.demanded("type")?,
            time: self.get("time").and_then(|time| parse_rfc3339(&time)),
            subject: self.get("subject"),
            origin: self.get(ORIGIN_EXTENSION),
            data,
        })
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
        headers.extend(self.attributes().map(|(name, value)| (format!("{}{name}", prefix.as_str()), encode(value))));
        (headers, self.data.as_ref().map(compact).unwrap_or_default())
    }
}

/// A–Z lowered, all else as it is.
fn lowered(name: &[u8]) -> Cow<'_, [u8]> {
    if name.iter().any(u8::is_ascii_uppercase) { Cow::Owned(name.to_ascii_lowercase()) } else { Cow::Borrowed(name) }
}

fn percent_decoded(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'%') {
        return Cow::Borrowed(value);
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *byte == b'%').and_then(hex_byte);
        decoded.push(code.unwrap_or(*byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    Cow::Owned(decoded)
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let value = |digit: &u8| char::from(*digit).to_digit(16);
    let code = digits.iter().try_fold(0, |code, digit| Some(code * 16 + value(digit)?))?;
    u8::try_from(code).ok()
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
