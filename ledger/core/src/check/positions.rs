//! L-8: every position from a source's first on is covered exactly once, in log order.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::header::EntryHeader;
use crate::store::PositionRow;

/// Per source and partition: generation and the next position to be covered.
#[derive(Default)]
pub(crate) struct Coverage {
    next: BTreeMap<(String, u64), (u64, u64)>,
}

impl Coverage {
    fn cover(&mut self, source: &str, partition: u64, generation: u64, first: u64, last: u64) -> Result<(), String> {
        let place = format!("{source} partition {partition} generation {generation}");
        let (open, next) = self
            .next
            .get_mut(&(source.to_owned(), partition))
            .ok_or_else(|| format!("{place}: positions {first} to {last} are covered before the source was opened"))?;
        if *open != generation {
            return Err(format!("{place}: generation {open} is the open one"));
        }
        let expected = *next;
        *next = last.saturating_add(1);
        match first {
            _ if last < first => Err(format!("{place}: a range ends at {last} before its start {first}")),
            _ if first < expected => Err(format!("{place}: position {first} is covered twice")),
            _ if first > expected => Err(format!("{place}: positions {expected} to {} are not covered", first - 1)),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, source: &str, partition: u64, generation: u64, first: u64) -> Result<(), String> {
        match self.next.insert((source.to_owned(), partition), (generation, first)) {
            Some((before, _)) if generation != before + 1 => {
                Err(format!("{source} partition {partition}: generation {generation} follows {before}"))
            }
            None if generation != 1 => {
                Err(format!("{source} partition {partition}: begins with generation {generation}"))
            }
            _ => Ok(()),
        }
    }

    /// A record that came from Kafka.
    pub(crate) fn entry(&mut self, header: &EntryHeader) -> Result<(), String> {
        let received = &header.received;
        let (Some(source), Some(partition), Some(generation), Some(offset)) =
            (&received.source, received.partition, received.generation, received.offset)
        else {
            return Ok(());
        };
        let first = offset.saturating_sub(received.skipped.unwrap_or(0));
        self.cover(source, partition, generation, first, offset)
    }

    /// An own entry that opens a source or covers positions.
    pub(crate) fn own(&mut self, event_type: &str, data: &Value) -> Result<(), String> {
        let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or(0);
        let source = data.get("source").and_then(Value::as_str).unwrap_or_default();
        let list = |name: &str| data.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        match event_type {
            "modeltrail.source.opened.v1" => list("partitions").iter().try_for_each(|part| {
                self.begin(source, number(part, "partition"), number(part, "generation"), number(part, "first"))
            }),
            "modeltrail.source.changed.v1" if data.get("key").and_then(Value::as_str) == Some("partitions") => {
                (number(data, "old")..number(data, "new")).try_for_each(|partition| self.begin(source, partition, 1, 0))
            }
            "modeltrail.source.rebased.v1" => {
                let new = data.get("new").unwrap_or(&Value::Null);
                self.begin(source, number(data, "partition"), number(new, "generation"), number(new, "position"))
            }
            "modeltrail.source.gap.v1" => self.cover(
                source,
                number(data, "partition"),
                number(data, "generation"),
                number(data, "first"),
                number(data, "last"),
            ),
            "modeltrail.ingest.positions.v1" => list("ranges").iter().try_for_each(|range| {
                self.cover(
                    source,
                    number(data, "partition"),
                    number(data, "generation"),
                    number(range, "first"),
                    number(range, "last"),
                )
            }),
            _ => Ok(()),
        }
    }

    /// The stored positions against those that the log gives.
    pub(crate) fn compare(&self, rows: &[PositionRow]) -> Result<(), String> {
        let stored: BTreeMap<(String, u64), (u64, u64)> = rows
            .iter()
            .map(|row| ((row.source.clone(), u64::from(row.partition)), (row.generation, row.next)))
            .collect();
        if stored == self.next {
            return Ok(());
        }
        let differs = |place: &&(String, u64)| stored.get(*place) != self.next.get(*place);
        let place = stored.keys().chain(self.next.keys()).find(differs);
        place.map_or(Ok(()), |place| {
            let shown = |found: Option<&(u64, u64)>| {
                found.map_or("none".to_owned(), |(generation, next)| format!("{next} in generation {generation}"))
            };
            Err(format!(
                "{} partition {}: the stored position is {}, the log's {}",
                place.0,
                place.1,
                shown(stored.get(place)),
                shown(self.next.get(place))
            ))
        })
    }
}
