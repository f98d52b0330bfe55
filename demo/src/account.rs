//! The account: everything that was sent is an entry, a duplicate or quarantined, by the log's own word.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::DemoError;
use crate::lanes::LaneId;
use crate::log::{LaneCount, Log};

/// What was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Records over Kafka, by source and partition.
    pub kafka: BTreeMap<LaneId, u64>,
    /// Requests over HTTP.
    pub http: u64,
    /// Of these, answered as duplicates. They leave no trace in the log, so the answers are counted.
    pub http_duplicates: u64,
}

/// How much became what. Shown as the line `accounted: E emitted = N entries + D duplicates + Q quarantined`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Everything sent, over Kafka and HTTP.
    pub emitted: u64,
    /// Entries from outside that are not quarantined.
    pub entries: u64,
    /// Records that gave no entry, since the same was there before.
    pub duplicates: u64,
    /// Entries that are kept aside.
    pub quarantined: u64,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { emitted, entries, duplicates, quarantined } = self;
        write!(
            f,
            "accounted: {emitted} emitted = {entries} entries + {duplicates} duplicates + {quarantined} quarantined"
        )
    }
}

impl Account {
    /// Holds what was sent against the log, partition by partition.
    ///
    /// # Errors
    /// [`DemoError::Account`] names every partition that differs, and how.
    pub fn of(sent: &Sent, log: &Log) -> Result<Self, DemoError> {
        let mut differences = Vec::new();
        let mut sum = LaneCount { duplicates: sent.http_duplicates, ..log.http };
        hold("over HTTP".to_owned(), sent.http, sum, &mut differences);
        let mut emitted = sent.http;
        let lanes: BTreeMap<&LaneId, ()> = sent.kafka.keys().chain(log.lanes.keys()).map(|id| (id, ())).collect();
        for id in lanes.into_keys() {
            let sent = sent.kafka.get(id).copied().unwrap_or_default();
            let found = log.lanes.get(id).copied().unwrap_or_default();
            hold(format!("to topic {} partition {}", id.0, id.1), sent, found, &mut differences);
            emitted += sent;
            sum.entries += found.entries;
            sum.duplicates += found.duplicates;
            sum.quarantined += found.quarantined;
        }
        if differences.is_empty() {
            Ok(Self { emitted, entries: sum.entries, duplicates: sum.duplicates, quarantined: sum.quarantined })
        } else {
            Err(DemoError::Account { differences: differences.join("; ") })
        }
    }
}

fn hold(where_to: String, sent: u64, found: LaneCount, differences: &mut Vec<String>) {
    if sent != found.total() {
        let LaneCount { entries, quarantined, duplicates } = found;
        let says = format!("{entries} entries + {duplicates} duplicates + {quarantined} quarantined");
        differences.push(format!("{sent} were sent {where_to}, but the log says {says}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(entries: u64, duplicates: u64, quarantined: u64) -> LaneCount {
        LaneCount { entries, quarantined, duplicates }
    }

    #[test]
    fn what_differs_is_named() {
        let lane = |partition| ("ml".to_owned(), partition);
        let sent = Sent { kafka: BTreeMap::from([(lane(0), 5), (lane(1), 0)]), http: 3, http_duplicates: 1 };
        let mut log =
            Log { lanes: BTreeMap::from([(lane(0), count(3, 1, 1))]), http: count(2, 0, 0), ..Log::default() };
        let account = Account::of(&sent, &log).unwrap();
        assert_eq!(account.to_string(), "accounted: 8 emitted = 5 entries + 2 duplicates + 1 quarantined");
        log.lanes.insert(lane(0), count(2, 1, 1));
        log.lanes.insert(lane(7), count(1, 0, 0));
        log.http.entries = 3;
        let text = Account::of(&sent, &log).unwrap_err().to_string();
        for part in [
            "3 were sent over HTTP, but the log says 3 entries + 1 duplicates",
            "5 were sent to topic ml partition 0, but the log says 2 entries",
            "0 were sent to topic ml partition 7, but the log says 1 entries",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
