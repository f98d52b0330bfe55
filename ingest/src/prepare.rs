//! From a Kafka message to a record that is ready for its place.

use modeltrail_core::prepared::Prepared;
use modeltrail_core::types::Salt;
use modeltrail_schemas::reading::{Quarantine, Reading};
use modeltrail_schemas::record::{MAX_ATTRIBUTES, RecordView, TimestampType, Via};
use modeltrail_schemas::time::Micros;

use crate::ffi::{Header, Polled};

const DAY_MICROS: i64 = 86_400_000_000;

/// Bytes of quarantined records that may still be kept today.
#[derive(Debug, Clone)]
pub(crate) struct Quota {
    per_day: u64,
    day: i64,
    used: u64,
}

impl Quota {
    pub(crate) fn new(per_day: u64) -> Self {
        Self { per_day, day: 0, used: 0 }
    }

    /// Whether `bytes` more may be kept; if so they are counted.
    fn take(&mut self, now: Micros, bytes: u64) -> bool {
        let day = now.as_micros().div_euclid(DAY_MICROS);
        if day != self.day {
            (self.day, self.used) = (day, 0);
        }
        let fits = self.used.saturating_add(bytes) <= self.per_day;
        if fits {
            self.used += bytes;
        }
        fits
    }
}

/// What every record of a ledger is prepared with.
pub(crate) struct Rules {
    pub(crate) origin: String,
    pub(crate) record_limit: usize,
}

/// Reads and commits to a message. What is malformed counts against the quota; over it, it is committed to and not kept.
pub(crate) fn prepare(message: &Polled<'_>, rules: &Rules, salt: Salt, now: Micros, quota: &mut Quota) -> Prepared {
    let timestamp = message.timestamp();
    let (headers, unreadable) = match message.headers() {
        Ok(headers) => (headers, None),
        Err(_) => (Vec::new(), Some((Quarantine::Malformed, "the record's headers can't be read".to_owned()))),
    };
    let (record, fault) = frame(message.key(), timestamp, &headers, message.payload());
    if let Some((reason, detail)) = fault.or(unreadable) {
        // What is framed is not all that came, so a reading of it would say something else.
        return Prepared::with_reading(Via::Kafka, &record, salt, Reading::unread(reason, detail), false);
    }
    let mut prepared = Prepared::new(Via::Kafka, &record, salt, rules.record_limit, &rules.origin);
    // The parsed data are freed where they were made: the writer needs none of them, and freeing them there would slow it.
    prepared.reading.data = None;
    // Only what has neither event nor trails may go without its record: of anything else the record is the evidence.
    let malformed = matches!(prepared.reading.quarantine, Some((Quarantine::Malformed, _)));
    let over = prepared.kept && malformed && !quota.take(now, prepared.record_len() as u64);
    if over {
        return Prepared::with_reading(Via::Kafka, &record, salt, prepared.reading, false);
    }
    prepared
}

type Timestamp = (Option<i64>, TimestampType);

/// Frames a message; when its headers are more than the framing counts, the first of them, and the fault.
fn frame<'m>(
    key: Option<&'m [u8]>,
    timestamp: Timestamp,
    headers: &[Header<'m>],
    body: Option<&'m [u8]>,
) -> (RecordView<'m>, Option<(Quarantine, String)>) {
    let framed =
        |headers: &[Header<'m>]| RecordView::kafka(key, timestamp.0, timestamp.1, headers.iter().copied(), body);
    match framed(headers) {
        Ok(record) => (record, None),
        Err(error) => {
            let fault = Some((Quarantine::Oversize, error.to_string()));
            let first = headers.get(..MAX_ATTRIBUTES).unwrap_or(headers);
            // Lengths beyond a u32 can't come out of a Kafka record, whose own lengths are 32-bit; then the body alone is committed to.
            (framed(first).unwrap_or_else(|_| RecordView::ledger(body.unwrap_or_default())), fault)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_headers_than_the_framing_counts_are_a_fault_and_no_loss() {
        let headers: Vec<Header<'_>> = (0..=MAX_ATTRIBUTES).map(|_| (&b"h"[..], None)).collect();
        let (record, fault) = frame(None, (None, TimestampType::None), &headers, Some(b"x"));
        assert_eq!(record.producer().len(), MAX_ATTRIBUTES);
        assert_eq!(fault.unwrap().0, Quarantine::Oversize);
        let (record, fault) = frame(Some(b""), (Some(5), TimestampType::Append), &headers[..2], None);
        assert!(fault.is_none() && record.is_tombstone());
    }

    #[test]
    fn the_quota_is_by_the_ledgers_day() {
        let mut quota = Quota::new(100);
        let noon = Micros::new(DAY_MICROS / 2).unwrap();
        assert!(quota.take(noon, 60));
        assert!(!quota.take(noon, 60));
        assert!(quota.take(noon, 40));
        assert!(quota.take(Micros::new(DAY_MICROS).unwrap(), 100));
    }
}
