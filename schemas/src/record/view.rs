//! Records that borrow what they are made of: the way of every record through the daemon.

use std::borrow::Cow;

use super::{Attribute, MAX_ATTRIBUTES, Record, RecordError, TimestampType, Via};
use crate::envelope::MAX_BATCH;

/// An attribute whose bytes stand elsewhere, or were made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeView<'a> {
    /// The name.
    pub name: Cow<'a, [u8]>,
    /// The value; `None` is null.
    pub value: Option<Cow<'a, [u8]>>,
}

/// A record that borrows its bytes. Only what can be framed becomes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordView<'a> {
    transport: Vec<AttributeView<'a>>,
    producer: Vec<AttributeView<'a>>,
    body: &'a [u8],
}

const KAFKA: [&[u8]; 3] = [b"key", b"timestamp", b"timestamp-type"];
const BODY_NULL: &[u8] = b"body-null";
const BATCH: &[u8] = b"batch";

impl<'a> RecordView<'a> {
    /// See [`Record::kafka`].
    ///
    /// # Errors
    /// [`RecordError::TooManyAttributes`], [`RecordError::TooLong`].
    pub fn kafka(
        key: Option<&'a [u8]>,
        timestamp_ms: Option<i64>,
        timestamp_type: TimestampType,
        headers: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
        body: Option<&'a [u8]>,
    ) -> Result<Self, RecordError> {
        let timestamp = timestamp_ms.filter(|_| timestamp_type != TimestampType::None).unwrap_or(-1);
        let mut transport = Vec::with_capacity(4);
        transport.push(attribute(KAFKA[0], key.map(Cow::Borrowed)));
        transport.push(attribute(KAFKA[1], Some(Cow::Owned(timestamp.to_string().into_bytes()))));
        transport.push(attribute(KAFKA[2], Some(Cow::Borrowed(timestamp_type.as_str().as_bytes()))));
        if body.is_none() {
            transport.push(attribute(BODY_NULL, Some(Cow::Borrowed(b""))));
        }
        let producer = headers.into_iter().map(|(name, value)| attribute(name, value.map(Cow::Borrowed))).collect();
        Self { transport, producer, body: body.unwrap_or_default() }.checked()
    }

    /// See [`Record::http`].
    ///
    /// # Errors
    /// [`RecordError::Batch`], [`RecordError::TooManyAttributes`], [`RecordError::TooLong`].
    pub fn http(
        batch: Option<(usize, usize)>,
        headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
        body: &'a [u8],
    ) -> Result<Self, RecordError> {
        let transport = match batch {
            Some((index, count)) if index >= count || count > MAX_BATCH => {
                return Err(RecordError::Batch(index, count));
            }
            Some((index, count)) => {
                vec![attribute(BATCH, Some(Cow::Owned(format!("{index}/{count}").into_bytes())))]
            }
            None => Vec::new(),
        };
        let producer = headers.into_iter().filter_map(|(name, value)| {
            let name = in_lower_case(name);
            is_read_over_http(&name).then_some(AttributeView { name, value: Some(Cow::Borrowed(trimmed(value))) })
        });
        Self { transport, producer: producer.collect(), body }.checked()
    }

    /// See [`Record::ledger`].
    #[must_use]
    pub fn ledger(body: &'a [u8]) -> Self {
        Self { transport: Vec::new(), producer: Vec::new(), body }
    }

    /// Wraps the parts of a [`Record`] or of decoded bytes, which can be framed since they were.
    pub(super) fn from_parts(
        transport: Vec<AttributeView<'a>>,
        producer: Vec<AttributeView<'a>>,
        body: &'a [u8],
    ) -> Self {
        Self { transport, producer, body }
    }

    fn checked(self) -> Result<Self, RecordError> {
        const NULL: usize = u32::MAX as usize;
        if self.producer.len() > MAX_ATTRIBUTES {
            return Err(RecordError::TooManyAttributes(self.producer.len()));
        }
        let attributes = self.transport.iter().chain(&self.producer);
        let lengths = attributes.flat_map(|one| [one.name.len(), one.value.as_ref().map_or(0, |value| value.len())]);
        match lengths.max() {
            Some(longest) if longest >= NULL => Err(RecordError::TooLong(longest)),
            _ => Ok(self),
        }
    }

    /// Our attributes, about how it came.
    #[must_use]
    pub fn transport(&self) -> &[AttributeView<'a>] {
        &self.transport
    }

    /// The producer's attributes, in the order of arrival.
    #[must_use]
    pub fn producer(&self) -> &[AttributeView<'a>] {
        &self.producer
    }

    /// The payload as it arrived; empty for a tombstone.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Whether there was no body at all.
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        self.transport.last().is_some_and(|last| *last.name == *BODY_NULL)
    }

    /// The same record with bytes of its own.
    #[must_use]
    pub fn to_record(&self) -> Record {
        let own = |view: &AttributeView<'_>| Attribute {
            name: view.name.to_vec(),
            value: view.value.as_ref().map(|value| value.to_vec()),
        };
        Record {
            transport: self.transport.iter().map(own).collect(),
            producer: self.producer.iter().map(own).collect(),
            body: self.body.to_vec(),
        }
    }

    /// Refuses a record that can't have come that way.
    ///
    /// # Errors
    /// [`RecordError::Via`].
    pub fn check_via(&self, via: Via) -> Result<(), RecordError> {
        let refuse = |why| Err(RecordError::Via { via, why });
        match via {
            Via::Kafka if self.transport.len() < KAFKA.len() => refuse("it has no key, timestamp and timestamp-type"),
            Via::Http if self.transport.len() > 1 => refuse("it has transport attributes of kafka"),
            Via::Http if !self.producer.iter().all(AttributeView::is_read_over_http) => refuse(
                "it has a header other than content-type and ce-*, or one that is null or has spaces around its value",
            ),
            Via::Ledger if !(self.transport.is_empty() && self.producer.is_empty()) => refuse("it has attributes"),
            Via::Kafka | Via::Http | Via::Ledger => Ok(()),
        }
    }

    /// Refuses transport attributes that no way of arrival has.
    pub(super) fn check_transport(&self) -> Result<(), RecordError> {
        match self.transport.as_slice() {
            [] => Ok(()),
            [batch] if *batch.name == *BATCH => batch_is_right(batch.text()),
            [first, rest @ ..] if *first.name == *KAFKA[0] => self.check_kafka(rest),
            _ => Err(RecordError::Transport(
                "names other than key, timestamp, timestamp-type, body-null, batch, or in another order",
            )),
        }
    }

    fn check_kafka(&self, rest: &[AttributeView<'a>]) -> Result<(), RecordError> {
        let ([timestamp, kind] | [timestamp, kind, _]) = rest else {
            return Err(RecordError::Transport("a kafka record has three, or four for a tombstone"));
        };
        if *timestamp.name != *KAFKA[1] || *kind.name != *KAFKA[2] {
            return Err(RecordError::Transport("after key come timestamp and timestamp-type"));
        }
        let time = timestamp.text().filter(|text| text.parse::<i64>().is_ok_and(|time| time.to_string() == *text));
        match (time, kind.text()) {
            (Some("-1"), Some("none")) | (Some(_), Some("create" | "append")) => {}
            _ => {
                return Err(RecordError::Transport("timestamp or timestamp-type has a value that kafka doesn't give"));
            }
        }
        match rest.get(2) {
            Some(null) if *null.name != *BODY_NULL || null.text() != Some("") || !self.body.is_empty() => {
                Err(RecordError::Transport("the fourth is body-null, empty, and so is the body then"))
            }
            _ => Ok(()),
        }
    }
}

impl AttributeView<'_> {
    /// The value as text; `None` when it is null or not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.value.as_deref().and_then(|value| std::str::from_utf8(value).ok())
    }

    fn is_read_over_http(&self) -> bool {
        let value = self.value.as_deref();
        value.is_some_and(|value| trimmed(value) == value) && is_read_over_http(&self.name)
    }
}

fn attribute<'a>(name: &'a [u8], value: Option<Cow<'a, [u8]>>) -> AttributeView<'a> {
    AttributeView { name: Cow::Borrowed(name), value }
}

fn in_lower_case(name: &[u8]) -> Cow<'_, [u8]> {
    if name.iter().any(u8::is_ascii_uppercase) { Cow::Owned(name.to_ascii_lowercase()) } else { Cow::Borrowed(name) }
}

fn is_read_over_http(name: &[u8]) -> bool {
    let read = name == b"content-type" || name.starts_with(b"ce-");
    read && !name.iter().any(u8::is_ascii_uppercase)
}

/// Without the spaces and tabs around it, which are no part of a header's value (RFC 9110 section 5.5).
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn batch_is_right(text: Option<&str>) -> Result<(), RecordError> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|number| number.to_string() == text);
    let parts = text.and_then(|text| text.split_once('/'));
    match parts.and_then(|(index, count)| Some((number(index)?, number(count)?))) {
        Some((index, count)) if index < count && count <= MAX_BATCH => Ok(()),
        Some((index, count)) => Err(RecordError::Batch(index, count)),
        None => Err(RecordError::Transport("batch is not i/n")),
    }
}
