//! A log as it lies on disk, read by itself, and what it says of every position of a Kafka source.
//!
//! Nothing here asks a daemon or a broker: what is counted comes from entry headers and from the records of the ledger's
//! own entries (`docs/FORMAT.md` section 4.1), as anybody could who holds the log.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use modeltrail_core::header::EntryHeader;
use modeltrail_core::own_event::own_event;
use modeltrail_core::store::Store as _;
use modeltrail_core::types::{EntryIndex, SALT_BYTES};
use modeltrail_schemas::record::Record;
use modeltrail_store::Data;
use modeltrail_store::rocks::{Access, RocksStore};
use serde_json::Value;

/// A partition and its generation.
pub type Lane = (u32, u64);

/// A whole log in memory.
pub struct Log {
    /// The headers' exact bytes, by index.
    pub lines: Vec<Vec<u8>>,
    /// The same, parsed.
    pub headers: Vec<EntryHeader>,
    /// Type and data of the ledger's own entries, by index.
    pub own: BTreeMap<u64, (String, Value)>,
    store: RocksStore,
}

/// What covers a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// This entry.
    Entry(u64),
    /// It repeats this entry.
    Duplicate(u64),
    /// The broker delivered nothing there.
    Undelivered,
    /// It was gone before it could be read.
    Gap,
}

/// What covers the positions of one partition in one generation, from `first` on, without a hole.
#[derive(Debug, Default)]
pub struct Coverage {
    /// The first position that is read.
    pub first: u64,
    /// What covers it and those behind it.
    pub covers: Vec<Cover>,
}

impl Coverage {
    /// The first position that nothing covers yet.
    pub fn next(&self) -> u64 {
        self.first + self.covers.len() as u64
    }

    /// What covers a position.
    pub fn at(&self, offset: u64) -> Option<Cover> {
        self.covers.get(usize::try_from(offset.checked_sub(self.first)?).ok()?).copied()
    }

    fn cover(&mut self, first: u64, last: u64, what: Cover) -> Result<()> {
        ensure!(first == self.next() && last >= first, "positions {first} to {last} do not follow {}", self.next());
        self.covers.extend((first..=last).map(|_| what));
        Ok(())
    }
}

impl Log {
    /// Reads the log of a data directory.
    ///
    /// # Errors
    /// When it cannot be opened for reading, or an entry is not what it should be.
    pub fn read(data: &Path) -> Result<Self> {
        let store = RocksStore::open(&Data::new(data).log(), Access::Read)?;
        let mut lines = Vec::new();
        store.scan_headers(EntryIndex(0), &mut |_, bytes| {
            lines.push(bytes.to_vec());
            ControlFlow::Continue(())
        })?;
        let (mut headers, mut own) = (Vec::with_capacity(lines.len()), BTreeMap::new());
        for (index, line) in (0..).zip(&lines) {
            let header = EntryHeader::parse(line).with_context(|| format!("entry {index}"))?;
            ensure!(header.index.get() == index, "entry {index} says it is {}", header.index);
            if header.received.via == "ledger" {
                own.insert(index, own_event(&store, EntryIndex(index))?.context("an own entry has no record")?);
            }
            headers.push(header);
        }
        Ok(Self { lines, headers, own, store })
    }

    /// The data of all own entries of `modeltrail.<name>.v1`, in order.
    pub fn own_of(&self, name: &str) -> Vec<&Value> {
        let wanted = format!("modeltrail.{name}.v1");
        self.own.values().filter(|(found, _)| *found == wanted).map(|(_, data)| data).collect()
    }

    /// The record of an entry, as it arrived; none when it was not kept.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn record(&self, index: u64) -> Result<Option<Record>> {
        let opening = self.store.opening(EntryIndex(index))?;
        let decode = |opening: Vec<u8>| Record::decode(opening.get(SALT_BYTES..).unwrap_or_default());
        opening.map(decode).transpose().with_context(|| format!("the record of entry {index}"))
    }

    /// Every entry from outside by its event's id, in order of index; quarantined ones without an event are left out.
    pub fn by_id(&self) -> BTreeMap<&str, Vec<u64>> {
        let mut found: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for header in self.headers.iter().filter(|header| header.received.via != "ledger") {
            if let Some(event) = &header.event {
                found.entry(&event.id).or_default().push(header.index.get());
            }
        }
        found
    }

    /// What covers each position of a source.
    ///
    /// # Errors
    /// When one is covered twice, out of order, or not at all.
    pub fn coverage(&self, source: &str) -> Result<BTreeMap<Lane, Coverage>> {
        let mut found = BTreeMap::new();
        for header in &self.headers {
            let index = header.index.get();
            let step = match self.own.get(&index) {
                Some((event_type, data)) if data["source"] == source => own_step(&mut found, event_type, data),
                None if header.received.source.as_deref() == Some(source) => entry_step(&mut found, header),
                _ => Ok(()),
            };
            step.with_context(|| format!("entry {index}"))?;
        }
        Ok(found)
    }
}

fn lane_of(found: &mut BTreeMap<Lane, Coverage>, lane: Lane) -> Result<&mut Coverage> {
    found.get_mut(&lane).with_context(|| format!("partition {} has no generation {}", lane.0, lane.1))
}

fn begin(found: &mut BTreeMap<Lane, Coverage>, lane: Lane, first: u64) -> Result<()> {
    let before = found.insert(lane, Coverage { first, covers: Vec::new() });
    ensure!(before.is_none(), "partition {} begins generation {} twice", lane.0, lane.1);
    Ok(())
}

fn entry_step(found: &mut BTreeMap<Lane, Coverage>, header: &EntryHeader) -> Result<()> {
    let received = &header.received;
    let offset = received.offset.context("no offset")?;
    let partition = u32::try_from(received.partition.context("no partition")?)?;
    let lane = lane_of(found, (partition, received.generation.context("no generation")?))?;
    if let Some(skipped) = received.skipped {
        let first = offset.checked_sub(skipped).context("skips more than there is")?;
        lane.cover(first, offset - 1, Cover::Undelivered)?;
    }
    lane.cover(offset, offset, Cover::Entry(header.index.get()))
}

fn own_step(found: &mut BTreeMap<Lane, Coverage>, event_type: &str, data: &Value) -> Result<()> {
    let number = |value: &Value, name: &str| value[name].as_u64().with_context(|| format!("no {name}"));
    let partition = |value: &Value| Ok::<_, anyhow::Error>(u32::try_from(number(value, "partition")?)?);
    match event_type {
        "modeltrail.source.opened.v1" => {
            for part in data["partitions"].as_array().context("no partitions")? {
                begin(found, (partition(part)?, number(part, "generation")?), number(part, "first")?)?;
            }
        }
        "modeltrail.source.changed.v1" if data["key"] == "partitions" => {
            for added in number(data, "old")?..number(data, "new")? {
                begin(found, (u32::try_from(added)?, 1), 0)?;
            }
        }
        "modeltrail.source.rebased.v1" => {
            let new = &data["new"];
            begin(found, (partition(data)?, number(new, "generation")?), number(new, "position")?)?;
        }
        "modeltrail.ingest.positions.v1" => {
            let lane = lane_of(found, (partition(data)?, number(data, "generation")?))?;
            for range in data["ranges"].as_array().context("no ranges")? {
                let what = match range["class"].as_str() {
                    Some("undelivered") => Cover::Undelivered,
                    Some("duplicate" | "erased") => Cover::Duplicate(number(range, "of")?),
                    other => anyhow::bail!("a range of class {other:?}"),
                };
                lane.cover(number(range, "first")?, number(range, "last")?, what)?;
            }
        }
        "modeltrail.source.gap.v1" => {
            let lane = lane_of(found, (partition(data)?, number(data, "generation")?))?;
            lane.cover(number(data, "first")?, number(data, "last")?, Cover::Gap)?;
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn opened() -> BTreeMap<Lane, Coverage> {
        let mut found = BTreeMap::new();
        let data = json!({"partitions": [{"partition": 0, "generation": 1, "first": 5}]});
        own_step(&mut found, "modeltrail.source.opened.v1", &data).unwrap();
        found
    }

    fn ranges(list: &Value) -> Value {
        json!({"partition": 0, "generation": 1, "ranges": list})
    }

    #[test]
    fn positions_are_covered_in_order() {
        let mut found = opened();
        let list = json!([{"class": "undelivered", "first": 5, "last": 6}, {"class": "duplicate", "first": 7, "last": 7, "of": 3}]);
        own_step(&mut found, "modeltrail.ingest.positions.v1", &ranges(&list)).unwrap();
        let lane = &found[&(0, 1)];
        assert_eq!(lane.next(), 8);
        assert_eq!(
            (lane.at(4), lane.at(6), lane.at(7), lane.at(8)),
            (None, Some(Cover::Undelivered), Some(Cover::Duplicate(3)), None)
        );
    }

    #[test]
    fn a_hole_an_overlap_and_a_second_beginning_are_errors() {
        for first in [4, 6] {
            let list = json!([{"class": "undelivered", "first": first, "last": 9}]);
            assert!(own_step(&mut opened(), "modeltrail.ingest.positions.v1", &ranges(&list)).is_err(), "{first}");
        }
        let again = json!({"partitions": [{"partition": 0, "generation": 1, "first": 5}]});
        assert!(own_step(&mut opened(), "modeltrail.source.opened.v1", &again).is_err());
    }
}
