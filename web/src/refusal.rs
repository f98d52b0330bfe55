//! What is refused over HTTP instead of being recorded: whoever sends it is there to be told.

use modeltrail_core::prepared::Prepared;
use modeltrail_schemas::catalogue;
use modeltrail_schemas::reading::{Quarantine, absent_removed};
use serde_json::{Value, json};

use crate::errors::WebError;

/// Refuses a record that would be quarantined, or whose data break the schema of their type.
pub(crate) fn check(record: &Prepared, limit: usize) -> Result<(), WebError> {
    if let Some((reason, detail)) = &record.reading.quarantine {
        let detail = detail.clone();
        return Err(match reason {
            Quarantine::Oversize => WebError::TooLarge {
                what: "a record (headers and body)",
                limit,
                found: Some(record.record_len() as u64),
            },
            Quarantine::Malformed => WebError::Malformed { detail },
            Quarantine::Reserved => WebError::Reserved { detail },
            Quarantine::PersonalData => WebError::PersonalData { detail },
            Quarantine::Subject => WebError::Subject { detail },
            // Found by the writer alone, and recorded.
            Quarantine::Conflict => return Ok(()),
        });
    }
    let Some(event) = record.reading.event.as_ref().filter(|_| record.reading.known) else {
        return Ok(());
    };
    // An event without data is held against its schema like one with empty data: what is missing is named.
    let none: Value = json!({});
    let data = record.reading.data.as_ref().unwrap_or(&none);
    catalogue::validate(&event.r#type, &absent_removed(data))
        .map_err(|violations| WebError::Schema { event_type: event.r#type.clone(), violations })
}
