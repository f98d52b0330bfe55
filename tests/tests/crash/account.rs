//! The account, from the log alone, held against what was sent and what was answered.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_tests::log::{Cover, Log};
use modeltrail_tests::system::SOURCE;

use crate::load::{Positions, Sent, Told};

/// Every position up to the end is covered once, by what was put there; gives the counts in words.
pub(crate) fn account_for_kafka(log: &Log, positions: &Positions, ends: &BTreeMap<u32, u64>) -> String {
    let coverage = log.coverage(SOURCE).unwrap();
    let lanes: Vec<(u32, u64, u64, u64)> = coverage
        .iter()
        .map(|((partition, generation), lane)| (*partition, *generation, lane.first, lane.next()))
        .collect();
    let wanted: Vec<(u32, u64, u64, u64)> = ends.iter().map(|(partition, end)| (*partition, 1, 0, *end)).collect();
    assert_eq!(lanes, wanted, "each partition is covered from its first position to its end");
    let (mut entries, mut duplicates, mut aborted, mut markers) = (0u64, 0u64, 0u64, 0u64);
    let id_of = |index: u64| log.headers[usize::try_from(index).unwrap()].event.as_ref().map(|event| event.id.as_str());
    for ((partition, _), lane) in &coverage {
        for (offset, cover) in (lane.first..).zip(&lane.covers) {
            let sent = positions.get(&(*partition, offset));
            let place = || {
                format!(
                    "partition {partition} offset {offset} is {cover:?}, and was {:?}",
                    sent.map(|sent| (&sent.id, sent.visible))
                )
            };
            match (cover, sent) {
                (Cover::Entry(index), Some(Sent { id, visible: true })) if id_of(*index) == Some(id) => entries += 1,
                (Cover::Duplicate(of), Some(Sent { id, visible: true })) if id_of(*of) == Some(id) => duplicates += 1,
                (Cover::Undelivered, Some(Sent { visible: false, .. })) => aborted += 1,
                (Cover::Undelivered, None) => markers += 1,
                _ => panic!("{}", place()),
            }
        }
    }
    assert_eq!(entries + duplicates + aborted, positions.len() as u64, "every produced position was looked at");
    assert!(duplicates > 0 && aborted > 0 && markers > 0, "the load had repeats, aborted transactions and markers");
    let all: u64 = ends.values().sum();
    format!(
        "Kafka: {all} positions = {entries} entries + {duplicates} duplicates + {aborted} aborted + {markers} markers"
    )
}

/// What was acknowledged is where the receipt said, to the byte.
pub(crate) fn account_for_http(log: &Log, told: &Told) {
    for (id, (index, header)) in &told.acknowledged {
        let at = usize::try_from(*index).unwrap();
        assert_eq!(
            log.lines.get(at).map(Vec::as_slice),
            Some(header.as_bytes()),
            "{id} was acknowledged as entry {index}"
        );
        assert_eq!(log.headers[at].event.as_ref().map(|event| &event.id), Some(id));
    }
}

/// Each id is there once, or, where nobody was told, at most once; nothing else came from outside.
pub(crate) fn account_for_ids(log: &Log, positions: &Positions, told: &Told) {
    let by_id = log.by_id();
    let visible: BTreeSet<&str> = positions.values().filter(|sent| sent.visible).map(|sent| sent.id.as_str()).collect();
    for id in visible.iter().copied().chain(told.acknowledged.keys().map(String::as_str)) {
        assert_eq!(by_id.get(id).map(Vec::len), Some(1), "{id}");
    }
    for (id, indices) in &by_id {
        assert!(
            visible.contains(id) || told.sent.contains(*id),
            "{id} is in the log, and was never sent or only in aborted transactions"
        );
        assert_eq!(indices.len(), 1, "{id} is there more than once: {indices:?}");
    }
    let outside = log.headers.iter().filter(|header| header.received.via != "ledger");
    assert_eq!(outside.filter(|header| header.quarantine.is_some()).count(), 0);
    assert!(log.own_of("source.halted").is_empty() && log.own_of("source.gap").is_empty());
    assert_eq!(log.own_of("source.opened").len(), 1);
}
