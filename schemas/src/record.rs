//! Records: everything that arrived and that a reading may use, in one framing, so that one commitment covers all of it.
//!
//! ```text
//! record    = u8 1 ‖ u16 n ‖ n × attribute (transport) ‖ u16 m ‖ m × attribute (the producer's, in arrival order) ‖ body
//! attribute = u32 length ‖ name ‖ u32 length ‖ value        big-endian; length 0xFFFFFFFF: null, no bytes follow
//! ```
//!
//! Transport attributes are ours, exactly these in this order. Kafka: `key` (null when there is none), `timestamp` (decimal
//! milliseconds, `-1` for none), `timestamp-type` (`none`, `create`, `append`), and for a tombstone `body-null` (empty). HTTP:
//! none, or `batch` = `i/n`. The ledger's own records have no attributes at all.
//!
//! [`RecordView`] borrows, [`Record`] owns; both hold only what can be framed, so encoding never fails and
//! `decode(encode(record)) == record`.

mod frame;
mod view;

use std::borrow::Cow;
use std::fmt;

use crate::envelope::MAX_BATCH;

pub use view::{AttributeView, RecordView};

/// The version of the framing.
pub const VERSION: u8 = 1;

/// The most attributes that a list can count in its u16.
pub const MAX_ATTRIBUTES: usize = u16::MAX as usize;

/// The way that a record came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// From a Kafka topic.
    Kafka,
    /// In an HTTP request.
    Http,
    /// Written by the ledger itself.
    Ledger,
}

impl Via {
    /// The word for it in an entry header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Http => "http",
            Self::Ledger => "ledger",
        }
    }

    /// The way of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Kafka, Self::Http, Self::Ledger].into_iter().find(|via| via.as_str() == word)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Who set a Kafka record's timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// Nobody: there is none.
    None,
    /// The producer.
    Create,
    /// The broker.
    Append,
}

impl TimestampType {
    /// The word for it in a record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Create => "create",
            Self::Append => "append",
        }
    }
}

/// A name and a value that may be null; bytes, as Kafka's are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The name; UTF-8 by custom only.
    pub name: Vec<u8>,
    /// The value; `None` is null, which is not the same as empty.
    pub value: Option<Vec<u8>>,
}

impl Attribute {
    fn view(&self) -> AttributeView<'_> {
        AttributeView { name: Cow::Borrowed(&self.name), value: self.value.as_deref().map(Cow::Borrowed) }
    }
}

/// A record that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    transport: Vec<Attribute>,
    producer: Vec<Attribute>,
    body: Vec<u8>,
}

/// Why something is not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The framing is of a version that this program doesn't know.
    #[error("record has version {0}, this program knows {VERSION}")]
    Version(u8),
    /// The bytes end inside the part that is named.
    #[error("record ends at byte {offset}, inside its {part}")]
    Truncated {
        /// Where the bytes end.
        offset: usize,
        /// What they end in.
        part: &'static str,
    },
    /// A name that is null.
    #[error("record has an attribute without a name before byte {0}")]
    NullName(usize),
    /// Transport attributes other than those of Kafka, HTTP or the ledger.
    #[error("record has transport attributes that no way of arrival has: {0}")]
    Transport(&'static str),
    /// A record that can't have come the way that is claimed.
    #[error("record cannot have come by {via}: {why}")]
    Via {
        /// The way that is claimed.
        via: Via,
        /// What speaks against it.
        why: &'static str,
    },
    /// More attributes than the framing can count. Whoever receives such a thing frames its first [`MAX_ATTRIBUTES`] and treats
    /// it as over the size limit, so that it is an entry but not kept.
    #[error("record has {0} attributes, the framing holds {MAX_ATTRIBUTES}")]
    TooManyAttributes(usize),
    /// A name or value that a u32 can't count.
    #[error("record has an attribute of {0} bytes, the framing holds less than 4 GiB")]
    TooLong(usize),
    /// An element number that is not below the number of elements, or a batch of too many.
    #[error(
        "record is element {0} of a batch of {1}; numbers start at 0, and a batch has at most {MAX_BATCH} elements"
    )]
    Batch(usize, usize),
}

impl Record {
    /// What came from Kafka: `timestamp_ms` counts from 1970, `headers` in order with doubles and nulls, no body is a tombstone.
    ///
    /// # Errors
    /// [`RecordError::TooManyAttributes`], [`RecordError::TooLong`].
    pub fn kafka<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        key: Option<&[u8]>,
        timestamp_ms: Option<i64>,
        timestamp_type: TimestampType,
        headers: &[(N, Option<V>)],
        body: Option<&[u8]>,
    ) -> Result<Self, RecordError> {
        let headers = headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref().map(AsRef::as_ref)));
        RecordView::kafka(key, timestamp_ms, timestamp_type, headers, body).map(|view| view.to_record())
    }

    /// What came over HTTP: `batch` is (i, n) for element i of n, `headers` all of the request's. Only `content-type` and `ce-*`
    /// are kept, with names in lower case and no spaces around values: never credentials, never cookies.
    ///
    /// # Errors
    /// [`RecordError::Batch`], [`RecordError::TooManyAttributes`], [`RecordError::TooLong`].
    pub fn http<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        batch: Option<(usize, usize)>,
        headers: &[(N, V)],
        body: &[u8],
    ) -> Result<Self, RecordError> {
        let headers = headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        RecordView::http(batch, headers, body).map(|view| view.to_record())
    }

    /// What the ledger itself writes: canonical JSON of `{"data":…,"type":…}`.
    #[must_use]
    pub fn ledger(body: Vec<u8>) -> Self {
        Self { transport: Vec::new(), producer: Vec::new(), body }
    }

    /// Our attributes, about how it came.
    #[must_use]
    pub fn transport(&self) -> &[Attribute] {
        &self.transport
    }

    /// The producer's attributes, in the order of arrival.
    #[must_use]
    pub fn producer(&self) -> &[Attribute] {
        &self.producer
    }

    /// The payload as it arrived; empty for a tombstone.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether there was no body at all, which Kafka calls a tombstone.
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        self.view().is_tombstone()
    }

    /// The same record, borrowed.
    #[must_use]
    pub fn view(&self) -> RecordView<'_> {
        RecordView::from_parts(
            self.transport.iter().map(Attribute::view).collect(),
            self.producer.iter().map(Attribute::view).collect(),
            &self.body,
        )
    }

    /// The record's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.view().encode()
    }

    /// How many bytes [`Record::encode`] gives.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.view().encoded_len()
    }

    /// Reads a record's bytes, strictly.
    ///
    /// # Errors
    /// [`RecordError`]; what decodes, encodes to the same bytes again.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        RecordView::decode(bytes).map(|view| view.to_record())
    }
}

#[cfg(test)]
mod tests;
