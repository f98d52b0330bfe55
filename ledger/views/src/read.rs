//! An entry with its record read: what the projectors see.

use std::borrow::Cow;

use modeltrail_core::header::{EntryHeader, HeaderError, MAX_TRAILS, SignerStatus};
use modeltrail_core::types::SALT_BYTES;
use modeltrail_schemas::json;
use modeltrail_schemas::reading::{OwnContext, Reading, absent_removed, data_bytes, read_bytes};
use modeltrail_schemas::record::{RecordError, Via};
use modeltrail_schemas::time::parse_rfc3339;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::rows::{Act, Actor, Assurance, Mark};
use crate::text::{MAX_NAME, MAX_REASON, MAX_TEXT, cut};

/// An entry and, where its record is at hand, what the reading makes of it.
#[derive(Debug, Clone)]
pub struct ReadEntry {
    /// The entry header.
    pub header: EntryHeader,
    /// What the record says; `None` when it was not kept, was erased or withheld, or was read [`ReadEntry::to_fold`].
    pub reading: Option<Reading>,
    /// The event's data, absent members taken out; null without any.
    pub data: Value,
    /// Of a registration: SHA-256 of the canonical manifest as it was sent, `sha256:…`.
    pub manifest_digest: Option<String>,
}

/// The type whose manifest is hashed as it is read.
const REGISTERED: &str = "modeltrail.model.version_registered.v1";

fn digest_of(manifest: &Value) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(json::canonical(manifest))))
}

/// What a pointer to a member of objects points at. `Value::pointer` does more: it undoes escapes, of which ours have none, and counts into lists.
pub(crate) fn at<'v>(data: &'v Value, pointer: &str) -> Option<&'v Value> {
    pointer.split('/').skip(1).try_fold(data, |value, name| value.as_object()?.get(name))
}

/// Why an entry can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The header is not one.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The record is not one.
    #[error("the record of entry {index} can't be read: {source}")]
    Record {
        /// The entry.
        index: u64,
        /// What is wrong.
        source: RecordError,
    },
}

impl ReadEntry {
    /// Reads an entry from its stored bytes: the header, and salt ‖ record.
    ///
    /// # Errors
    /// The bytes are no header, or the record is none; `fsck` and `verify` say more about both.
    pub fn new(header: &[u8], opening: Option<&[u8]>) -> Result<Self, ReadError> {
        Self::read(header, opening, |_| true)
    }

    /// As [`Self::new`], without what folding never asks for: subjects are those of the header where it names them all, and the reading is left out.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn to_fold(header: &[u8], opening: Option<&[u8]>) -> Result<Self, ReadError> {
        // The reason in words stands in the reading alone, and of a full header's subjects some may be missing.
        Self::read(header, opening, |header| header.quarantine.is_some() || header.trails.len() >= MAX_TRAILS)
    }

    fn read(
        header: &[u8],
        opening: Option<&[u8]>,
        whole: impl FnOnce(&EntryHeader) -> bool,
    ) -> Result<Self, ReadError> {
        let header = EntryHeader::parse(header)?;
        let Some(record) = opening.and_then(|opening| opening.get(SALT_BYTES..)) else {
            return Ok(Self { header, reading: None, data: Value::Null, manifest_digest: None });
        };
        let via = match header.received.via.as_str() {
            "kafka" => Via::Kafka,
            "http" => Via::Http,
            _ => Via::Ledger,
        };
        let own = OwnContext {
            origin: &header.origin,
            received_at: parse_rfc3339(&header.received.at).unwrap_or(modeltrail_schemas::time::Micros::EPOCH),
            index: Some(header.index.get()),
        };
        let unread = |source| ReadError::Record { index: header.index.get(), source };
        let (reading, sent) = if whole(&header) {
            let mut reading = read_bytes(via, record, &own).map_err(unread)?;
            let sent = reading.data.take();
            (Some(reading), sent)
        } else {
            (None, data_bytes(via, record, &own).map_err(unread)?)
        };
        let registered = header.event.as_ref().is_some_and(|event| event.r#type == REGISTERED);
        let manifest = sent.as_ref().filter(|_| registered).and_then(|data| data.get("manifest"));
        let manifest_digest = manifest.filter(|manifest| manifest.is_object()).map(digest_of);
        let data = match sent {
            Some(data) => match absent_removed(&data) {
                Cow::Borrowed(_) => data,
                Cow::Owned(cleaned) => cleaned,
            },
            None => Value::Null,
        };
        Ok(Self { header, reading, data, manifest_digest })
    }

    /// The entry's index.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.header.index.get()
    }

    /// The event's type; empty without an event.
    #[must_use]
    pub fn r#type(&self) -> &str {
        self.header.event.as_ref().map_or("", |event| event.r#type.as_str())
    }

    /// The type without `modeltrail.` and version, e.g. `approval.granted`; the whole type where it is none of ours.
    #[must_use]
    pub fn verb(&self) -> &str {
        let r#type = self.r#type();
        let inner = r#type.strip_prefix("modeltrail.").and_then(|rest| rest.rsplit_once(".v"));
        inner.map_or(r#type, |(verb, _)| verb)
    }

    /// Whether the entry is kept aside: views leave it out but for quarantine and findings.
    #[must_use]
    pub fn quarantined(&self) -> bool {
        self.header.quarantine.is_some()
    }

    /// Whether the ledger itself speaks.
    #[must_use]
    pub fn own(&self) -> bool {
        self.header.received.via == "ledger"
    }

    /// Subjects with their roles, (role, subject), sorted by subject: all that the record gives, else those of the header.
    #[must_use]
    pub fn trails(&self) -> Vec<(&str, &str)> {
        match &self.reading {
            Some(reading) if !reading.trails.is_empty() => {
                reading.trails.iter().map(|(role, subject)| (role.as_str(), subject.as_str())).collect()
            }
            _ => self.header.trails.iter().map(|step| (step.role.as_str(), step.subject.as_str())).collect(),
        }
    }

    /// The subject that it is about.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        self.trails().into_iter().find(|(role, _)| *role == "about").map(|(_, subject)| subject)
    }

    /// A text of the data, by JSON pointer, cut to what rows keep.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<String> {
        at(&self.data, pointer).and_then(Value::as_str).map(|text| cut(text, MAX_TEXT))
    }

    /// A time of the data, by JSON pointer, in the ledger's spelling; `None` when it is no time.
    #[must_use]
    pub fn time(&self, pointer: &str) -> Option<String> {
        at(&self.data, pointer).and_then(Value::as_str).and_then(parse_rfc3339).map(|time| time.to_string())
    }

    /// When it happened: as the source says, else when it was received.
    #[must_use]
    pub fn happened(&self) -> String {
        let claimed = self.header.event.as_ref().and_then(|event| event.time.clone());
        claimed.unwrap_or_else(|| self.header.received.at.clone())
    }

    /// Who did what when, and how far that is backed.
    #[must_use]
    pub fn act(&self) -> Act {
        let actor = at(&self.data, "/actor/id").and_then(Value::as_str).map(|id| Actor {
            id: cut(id, MAX_NAME),
            kind: self.name("/actor/kind"),
            role: self.name("/actor/role"),
            on_behalf_of: self.name("/actor/on_behalf_of"),
            verified: self.name("/actor/verified"),
        });
        Act {
            entry: self.index(),
            r#type: self.r#type().to_owned(),
            received: self.header.received.at.clone(),
            time: self.header.event.as_ref().and_then(|event| event.time.clone()),
            source: self.header.event.as_ref().map(|event| event.source.clone()).unwrap_or_default(),
            actor,
            signature: self.mark(),
            assurance: match at(&self.data, "/assurance").and_then(Value::as_str) {
                Some("observed") => Assurance::Observed,
                Some("inferred") => Assurance::Inferred,
                Some("attested") => Assurance::Attested,
                _ => Assurance::Asserted,
            },
            reason: at(&self.data, "/reason/text").and_then(Value::as_str).map(|text| cut(text, MAX_REASON)),
        }
    }

    fn name(&self, pointer: &str) -> Option<String> {
        at(&self.data, pointer).and_then(Value::as_str).map(|text| cut(text, MAX_NAME))
    }

    /// What became of its signatures, in one word: of several the one that counts least.
    #[must_use]
    pub fn mark(&self) -> Mark {
        // The ledger signs its own entries with every checkpoint.
        if self.own() {
            return Mark::Ledger;
        }
        let worst = self.header.signers.iter().map(|signer| signer.status).min_by_key(|status| *status as u8);
        match worst {
            None => Mark::None,
            Some(SignerStatus::Unknown) => Mark::Unknown,
            Some(SignerStatus::Bad) => Mark::Bad,
            Some(SignerStatus::Revoked) => Mark::Revoked,
            Some(SignerStatus::Unbound) => Mark::Unbound,
            Some(SignerStatus::NotEntitled) => Mark::NotEntitled,
            Some(SignerStatus::Valid) => Mark::Valid,
        }
    }

    /// Whether views believe it: nothing is kept aside, and no signature on it fails. An unsigned statement counts, and is shown as unsigned.
    #[must_use]
    pub fn counts(&self) -> bool {
        !self.quarantined() && self.mark().counts()
    }
}
