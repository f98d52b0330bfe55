//! The ledger's own entries, and the clock that stamps all of them.

use modeltrail_schemas::reading::{self, OwnContext, Role};
use modeltrail_schemas::record::{Record, Via};
use modeltrail_schemas::subject::Subject;
use modeltrail_schemas::time::Micros;
use modeltrail_schemas::{catalogue, json};
use serde_json::{Map, Value, json};

use super::admit::received;
use super::{Sequencer, SequencerError};
use crate::clock::STEP_MICROS;
use crate::header::MAX_TRAILS;
use crate::keys::{self, KeyError};
use crate::prepared::Prepared;
use crate::store::Store;
use crate::types::{EntryIndex, Hex32};

/// Subjects of one `ledger.trails_added`: each may bring its whole along, and the entry stands on the ledger's own trail too.
const TRAILS_ADDED: usize = (MAX_TRAILS - 1) / 2;

/// How the run before this one ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// There was none: the ledger was just created.
    Init,
    /// It was told to stop and did.
    Stop,
    /// It left no word.
    Crash,
}

impl After {
    fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Stop => "stop",
            Self::Crash => "crash",
        }
    }
}

impl<S: Store> Sequencer<S> {
    /// `received.at` of the next entry. Never goes back, but by a `ledger.clock_stepped` entry that this makes when it must.
    pub(super) fn tick(&mut self) -> Result<Micros, SequencerError> {
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        let expected = self
            .last_seen
            .map(|(wall, since)| wall.checked_add(monotonic.saturating_sub(since)).unwrap_or(Micros::MAX));
        self.last_seen = Some((now, monotonic));
        let back = now.as_micros() < self.last_at.as_micros().saturating_sub(STEP_MICROS);
        let forward = expected.filter(|expected| now.as_micros() > expected.as_micros().saturating_add(STEP_MICROS));
        let from = if back { Some(self.last_at) } else { forward };
        let Some(from) = from else {
            self.last_at = self.last_at.max(now);
            return Ok(self.last_at);
        };
        self.last_at = now;
        self.own_at(
            now,
            "modeltrail.ledger.clock_stepped.v1",
            json!({"from": from.to_string(), "to": now.to_string()}),
        )?;
        Ok(now)
    }

    /// Enters an event of the ledger's own.
    ///
    /// # Errors
    /// The event breaks its own schema, or the store can't answer.
    pub fn own(&mut self, event_type: &str, data: Value) -> Result<EntryIndex, SequencerError> {
        let at = self.tick()?;
        self.own_at(at, event_type, data)
    }

    pub(super) fn own_at(&mut self, at: Micros, event_type: &str, data: Value) -> Result<EntryIndex, SequencerError> {
        catalogue::validate(event_type, &data).map_err(|violations| SequencerError::OwnEvent {
            event_type: event_type.to_owned(),
            detail: violations
                .first()
                .map_or_else(String::new, |first| format!("{}: {}", first.pointer, first.message)),
        })?;
        let record = Record::ledger(json::canonical(&json!({"data": data, "type": event_type})));
        let context = OwnContext { origin: &self.origin, received_at: at, index: Some(self.next) };
        let reading = reading::read(Via::Ledger, &record, &context);
        if let Some((reason, detail)) = &reading.quarantine {
            let detail = format!("{}: {detail}", reason.as_str());
            return Err(SequencerError::OwnEvent { event_type: event_type.to_owned(), detail });
        }
        let prepared = Prepared::with_reading(Via::Ledger, &record.view(), (self.salts)(), reading, true);
        let index = self.push(prepared, received(at, Via::Ledger, None), None)?;
        self.book.fold(event_type, &data);
        Ok(index)
    }

    /// The first entry after every start.
    ///
    /// # Errors
    /// As [`Sequencer::own`].
    pub fn opened(
        &mut self,
        epoch: u64,
        after: After,
        checkpoint: Option<Value>,
        software: &str,
    ) -> Result<EntryIndex, SequencerError> {
        let mut data = json!({
            "after": after.as_str(), "epoch": epoch, "reading": self.reading,
            "reading_digest": catalogue::reading_digest(), "software": software,
        });
        if let (Some(checkpoint), Some(members)) = (checkpoint, data.as_object_mut()) {
            members.insert("checkpoint".to_owned(), checkpoint);
        }
        self.own("modeltrail.ledger.opened.v1", data)
    }

    /// Registers a producer's key: `data` as `key.producer_registered` has it.
    ///
    /// # Errors
    /// The id isn't the key's, the key is weak, known already, or one of the ledger's own.
    pub fn register_producer(&mut self, data: Value) -> Result<EntryIndex, SequencerError> {
        let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let alg = text("alg");
        if alg != keys::ED25519 {
            return Err(KeyError::Algorithm { alg }.into());
        }
        let public = keys::parse_public(&text("public_key"))?;
        let expected = keys::key_id(keys::ED25519_TYPE, &public);
        let found = text("key_id");
        if found.parse::<Hex32>().ok() != Some(expected) {
            return Err(KeyError::WrongId { found, expected }.into());
        }
        if self.own_keys.contains(&expected) {
            return Err(KeyError::LedgerKey { key: expected }.into());
        }
        if self.book.get(&expected).is_some() {
            return Err(KeyError::Known { key: expected }.into());
        }
        self.own(keys::types::REGISTERED, data)
    }

    /// Revokes a producer's key.
    ///
    /// # Errors
    /// The key isn't registered.
    pub fn revoke_producer(&mut self, key: &str, why: &str) -> Result<EntryIndex, SequencerError> {
        let known = key.parse::<Hex32>().ok().and_then(|id| self.book.get(&id));
        if known.is_none() {
            return Err(KeyError::Unknown { key: key.to_owned() }.into());
        }
        self.own(keys::types::REVOKED, json!({"key_id": key, "why": why}))
    }

    /// Subjects that found no room in a header, as many in each own entry as its own header has room for.
    pub(super) fn push_overflow(
        &mut self,
        of: EntryIndex,
        overflow: Vec<(Role, Subject)>,
    ) -> Result<(), SequencerError> {
        let mut rest = overflow.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(TRAILS_ADDED));
            let data = trails_added(of, self.reading, now);
            let at = self.last_at;
            self.own_at(at, "modeltrail.ledger.trails_added.v1", data)?;
            rest = later;
        }
        Ok(())
    }
}

/// The data of a `ledger.trails_added` entry: lists of subjects by role.
fn trails_added(of: EntryIndex, reading: u64, subjects: &[(Role, Subject)]) -> Value {
    let mut data = Map::new();
    data.insert("of".to_owned(), of.get().into());
    data.insert("reading".to_owned(), reading.into());
    for (role, subject) in subjects {
        // `evidence` is a common field of every event, so the list of that role has another name.
        let name = if *role == Role::Evidence { "evidence_subjects" } else { role.as_str() };
        let list = data.entry(name).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(subject.as_str().into());
        }
    }
    Value::Object(data)
}
