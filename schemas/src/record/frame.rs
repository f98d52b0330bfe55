//! The framing, to the byte.

use std::borrow::Cow;

use super::view::{AttributeView, RecordView};
use super::{RecordError, VERSION};

/// The length that stands for null.
const NULL: u32 = u32::MAX;

/// The least bytes that an attribute takes: two lengths.
const LEAST_ATTRIBUTE: usize = 8;

impl<'a> RecordView<'a> {
    /// How many bytes [`RecordView::encode`] gives.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let attributes = self.transport().iter().chain(self.producer());
        let framed =
            attributes.map(|one| LEAST_ATTRIBUTE + one.name.len() + one.value.as_ref().map_or(0, |value| value.len()));
        5 + framed.sum::<usize>() + self.body().len()
    }

    /// The record's bytes, in one allocation.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::with_capacity(self.encoded_len());
        self.encode_to(&mut to);
        to
    }

    /// Appends the record's bytes.
    pub fn encode_to(&self, to: &mut Vec<u8>) {
        to.reserve(self.encoded_len());
        to.push(VERSION);
        for list in [self.transport(), self.producer()] {
            let count = u16::try_from(list.len()).expect("lists of more than MAX_ATTRIBUTES never become a record");
            to.extend(count.to_be_bytes());
            for attribute in list {
                push_bytes(to, Some(&attribute.name));
                push_bytes(to, attribute.value.as_deref());
            }
        }
        to.extend_from_slice(self.body());
    }

    /// See [`super::Record::decode`].
    ///
    /// # Errors
    /// [`RecordError`]; what decodes, encodes to the same bytes again.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let mut reader = Reader { bytes, at: 0 };
        let version = reader.take(1, "version")?[0];
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        let transport = reader.attributes("transport attributes")?;
        let producer = reader.attributes("producer's attributes")?;
        let view = Self::from_parts(transport, producer, &bytes[reader.at..]);
        view.check_transport()?;
        Ok(view)
    }
}

fn push_bytes(to: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let Some(bytes) = bytes else {
        to.extend(NULL.to_be_bytes());
        return;
    };
    let length = u32::try_from(bytes.len()).expect("names and values of 4 GiB never become a record");
    to.extend(length.to_be_bytes());
    to.extend_from_slice(bytes);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, part: &'static str) -> Result<&'a [u8], RecordError> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..count).ok_or(RecordError::Truncated { offset: self.bytes.len(), part })?;
        self.at += count;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], RecordError> {
        let mut number = [0; N];
        number.copy_from_slice(self.take(N, part)?);
        Ok(number)
    }

    fn attributes(&mut self, part: &'static str) -> Result<Vec<AttributeView<'a>>, RecordError> {
        let count = usize::from(u16::from_be_bytes(self.number(part)?));
        let possible = (self.bytes.len() - self.at) / LEAST_ATTRIBUTE;
        let mut attributes = Vec::with_capacity(count.min(possible));
        for _ in 0..count {
            let name = self.value(part)?.ok_or(RecordError::NullName(self.at))?;
            let value = self.value(part)?.map(Cow::Borrowed);
            attributes.push(AttributeView { name: Cow::Borrowed(name), value });
        }
        Ok(attributes)
    }

    fn value(&mut self, part: &'static str) -> Result<Option<&'a [u8]>, RecordError> {
        let length = u32::from_be_bytes(self.number(part)?);
        if length == NULL {
            return Ok(None);
        }
        // A usize holds a u32 on every platform with RocksDB; elsewhere the length is longer than any input and is refused so.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.take(length, part).map(Some)
    }
}
