//! Subjects: the plain ASCII names under which entries are found, such as `model/risk/fraud@2.1.0`.
//!
//! ```text
//! subject = kind "/" [ part "/" ] part [ "@" part ]          kind / namespace / name @ version
//! part    = 1*( ALPHA / DIGIT / "." / "_" / "~" / ":" / "+" / "-" / "%" HEXDIG HEXDIG )
//! ```
//!
//! A part is UTF-8 text whose other bytes are percent-encoded in upper-case hex, without any normalisation before, so each text
//! has one encoding and each subject one spelling. Subjects are compared byte for byte.

mod encoding;
mod kind;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use encoding::encode_part;
pub(crate) use encoding::push_encoded;
use encoding::{decode_part, fault_in};
pub use kind::Kind;

/// The longest subject, in bytes. With 64 trails of such subjects an entry header stays under 65,535 bytes.
pub const MAX_BYTES: usize = 512;

/// A well-formed subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

/// Why a text is not a subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// Longer than [`MAX_BYTES`].
    #[error("subject of {0} bytes is longer than {MAX_BYTES}")]
    TooLong(usize),
    /// What stands before the first `/` is no kind.
    #[error("subject has no known kind before its first `/`")]
    Kind,
    /// Not one or two parts after the kind.
    #[error("subject has {0} parts after its kind; kind/name or kind/namespace/name is right, other `/` are %2F")]
    Parts(usize),
    /// Nothing between two marks.
    #[error("subject has an empty part at byte {0}")]
    Empty(usize),
    /// A byte that has to be percent-encoded.
    #[error("subject has a byte at {0} that must be percent-encoded")]
    Raw(usize),
    /// A percent sign without two upper-case hex digits, or one that encodes a byte that stands for itself.
    #[error("subject has a wrong percent-encoding at byte {0}; two upper-case hex digits, and only where needed")]
    Escape(usize),
    /// A part whose bytes are not UTF-8.
    #[error("subject has a part at byte {0} that does not decode to UTF-8")]
    Encoding(usize),
}

impl Subject {
    /// Reads a subject, strictly: its one spelling and no other.
    ///
    /// # Errors
    /// [`SubjectError`], with the place as a byte offset.
    pub fn parse(text: &str) -> Result<Self, SubjectError> {
        if text.len() > MAX_BYTES {
            return Err(SubjectError::TooLong(text.len()));
        }
        let (kind, rest) = text.split_once('/').ok_or(SubjectError::Kind)?;
        Kind::parse(kind).ok_or(SubjectError::Kind)?;
        let (path, version) = match rest.split_once('@') {
            Some((path, version)) => (path, Some(version)),
            None => (rest, None),
        };
        let count = path.split('/').count();
        if count > 2 {
            return Err(SubjectError::Parts(count));
        }
        let mut at = kind.len() + 1;
        for part in path.split('/').chain(version) {
            fault_in(part, at)?;
            at += part.len() + 1;
        }
        Ok(Self(text.to_owned()))
    }

    /// Wraps text that was put together from a kind and encoded parts; only its length is still open.
    pub(crate) fn from_encoded(text: String) -> Result<Self, SubjectError> {
        debug_assert!(text.len() > MAX_BYTES || Self::parse(&text).is_ok(), "built a malformed subject: {text}");
        if text.len() > MAX_BYTES { Err(SubjectError::TooLong(text.len())) } else { Ok(Self(text)) }
    }

    /// The subject of these parts, each as its source names it.
    ///
    /// # Errors
    /// [`SubjectError::Empty`] for an empty part, [`SubjectError::TooLong`].
    pub fn of(kind: Kind, namespace: Option<&str>, name: &str, version: Option<&str>) -> Result<Self, SubjectError> {
        let mut text = kind.as_str().to_owned();
        let marked = [namespace.map(|part| ('/', part)), Some(('/', name)), version.map(|part| ('@', part))];
        for (mark, part) in marked.into_iter().flatten() {
            text.push(mark);
            if part.is_empty() {
                return Err(SubjectError::Empty(text.len()));
            }
            push_encoded(&mut text, part);
        }
        Self::from_encoded(text)
    }

    /// The subject as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What kind of thing it names.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let kind = self.0.split_once('/').and_then(|(kind, _)| Kind::parse(kind));
        kind.expect("a subject begins with a known kind, checked when it was made")
    }

    /// The namespace, decoded.
    #[must_use]
    pub fn namespace(&self) -> Option<Cow<'_, str>> {
        self.path().rsplit_once('/').map(|(namespace, _)| decode_part(namespace))
    }

    /// The name, decoded.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        let path = self.path();
        decode_part(path.rsplit_once('/').map_or(path, |(_, name)| name))
    }

    /// The version, decoded.
    #[must_use]
    pub fn version(&self) -> Option<Cow<'_, str>> {
        self.0.split_once('@').map(|(_, version)| decode_part(version))
    }

    /// The decoded parts after the kind, in order.
    pub fn parts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.after_kind().split(['/', '@']).map(decode_part)
    }

    /// The same subject without its version; `None` when it has none.
    #[must_use]
    pub fn whole(&self) -> Option<Self> {
        self.0.split_once('@').map(|(whole, _)| Self(whole.to_owned()))
    }

    fn after_kind(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, rest)| rest)
    }

    /// What stands between the kind and the version.
    fn path(&self) -> &str {
        let rest = self.after_kind();
        rest.split_once('@').map_or(rest, |(path, _)| path)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<str> for Subject {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.0
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        Self::parse(text)
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
