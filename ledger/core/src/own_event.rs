//! The event of one of the ledger's own entries, as the writer, `fsck` and exports need it.

use modeltrail_schemas::json;
use modeltrail_schemas::record::{Record, Via};
use serde_json::Value;

use crate::header::EntryHeader;
use crate::sequencer::SequencerError;
use crate::store::Store;
use crate::types::{EntryIndex, SALT_BYTES};

/// Type and data of an own record's body.
#[must_use]
pub fn parse_own(record: &[u8]) -> Option<(String, Value)> {
    let record = Record::decode(record).ok()?;
    let mut body = json::parse(record.body()).ok()?;
    let event_type = body.get("type")?.as_str()?.to_owned();
    let data = body.get_mut("data").map(Value::take)?;
    Some((event_type, data))
}

/// Type and data of an own entry; `None` when the entry came from outside.
///
/// # Errors
/// The store can't answer, or the entry is damaged.
pub fn own_event<S: Store>(store: &S, index: EntryIndex) -> Result<Option<(String, Value)>, SequencerError> {
    let missing = |what: String| SequencerError::Contradiction { what };
    let bytes = store.header(index)?.ok_or_else(|| missing(format!("entry {index} is missing")))?;
    let header = EntryHeader::parse(&bytes).map_err(|error| missing(format!("entry {index}: {error}")))?;
    if header.received.via != Via::Ledger.as_str() {
        return Ok(None);
    }
    let opening = store.opening(index)?.ok_or_else(|| missing(format!("own entry {index} has no record")))?;
    let found = parse_own(opening.get(SALT_BYTES..).unwrap_or_default());
    found.map(Some).ok_or_else(|| missing(format!("the record of own entry {index} can't be read")))
}
