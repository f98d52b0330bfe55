//! L-7 and L-11: the rows found by key, against those that the headers ask for, as keyed multisets.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sha2::{Digest, Sha256};

use super::{CheckError, Damage, Report};
use crate::header::EntryHeader;
use crate::store::Store;
use crate::types::{EntryIndex, id_hash};

/// Quarantined event ids remembered; beyond, L-7 says that it could not be judged whole.
const MAX_ASIDE: usize = 1 << 20;

/// A sum over rows that does not depend on their order. The key is random, so rows can't be made to cancel out.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sum(u128, u64);

impl Sum {
    fn add(&mut self, row: u128) {
        self.0 = self.0.wrapping_add(row);
        self.1 += 1;
    }

    fn join(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
        self.1 += other.1;
    }

    fn remove(&mut self, row: u128) {
        self.0 = self.0.wrapping_sub(row);
        self.1 = self.1.wrapping_sub(1);
    }
}

/// What headers ask of the rows: sums, which may be added up in any order.
#[derive(Clone, Copy, Default)]
pub(super) struct Asked {
    trails: Sum,
    ids: Sum,
}

impl Asked {
    pub(super) fn add(&mut self, header: &EntryHeader, key: &[u8; 16]) {
        let index = header.index.get();
        for step in &header.trails {
            let numbers = [step.n, index, step.prev.map_or(NONE, EntryIndex::get)];
            self.trails.add(hash(key, step.subject.as_bytes(), &numbers));
        }
        if let Some(id) = id_of(header).filter(|_| header.quarantine.is_none()) {
            self.ids.add(hash(key, &id, &[index]));
        }
    }
}

/// The event id that a row may lead from: own entries have none.
fn id_of(header: &EntryHeader) -> Option<[u8; 32]> {
    let event = header.event.as_ref().filter(|_| header.received.via != "ledger")?;
    Some(id_hash(&event.source, &event.id))
}

pub(super) struct Rows {
    key: [u8; 16],
    asked: Asked,
    /// Event ids of entries kept aside: their rows may be there.
    aside: HashMap<[u8; 32], Vec<u64>>,
    aside_full: bool,
}

/// No trail step before.
const NONE: u64 = u64::MAX;

fn hash(key: &[u8; 16], what: &[u8], numbers: &[u64]) -> u128 {
    let mut hasher = Sha256::new();
    hasher.update(key);
    numbers.iter().for_each(|number| hasher.update(number.to_be_bytes()));
    hasher.update(what);
    let digest: [u8; 32] = hasher.finalize().into();
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(first)
}

impl Rows {
    pub(super) fn new(key: [u8; 16]) -> Self {
        Self { key, asked: Asked::default(), aside: HashMap::new(), aside_full: false }
    }

    /// Adds what the headers of a chunk ask.
    pub(super) fn asked(&mut self, more: Asked) {
        self.asked.trails.join(more.trails);
        self.asked.ids.join(more.ids);
    }

    /// Remembers the event id of an entry kept aside.
    pub(super) fn aside(&mut self, header: &EntryHeader) {
        let Some(id) = id_of(header).filter(|_| header.quarantine.is_some()) else { return };
        if self.aside.len() < MAX_ASIDE {
            self.aside.entry(id).or_default().push(header.index.get());
        } else {
            self.aside_full = true;
        }
    }

    pub(super) fn finish<S: Store>(&self, store: &S, report: &mut Report) -> Result<(), CheckError> {
        if self.sum_of_ids(store)? != self.asked.ids {
            if self.aside_full {
                report.not_judged.push("L-7".to_owned());
            } else {
                self.name_id(store, report)?;
            }
        }
        let (trails, fault) = self.sum_of_trails(store)?;
        if let Some((index, detail)) = fault {
            report.note("L-11", Some(index), Damage::Misplaced, detail);
        }
        if trails != self.asked.trails {
            self.name_trail(store, report)?;
        }
        Ok(())
    }

    fn sum_of_ids<S: Store>(&self, store: &S) -> Result<Sum, CheckError> {
        let mut sum = Sum::default();
        store.scan_ids(&mut |id, index| {
            let row = hash(&self.key, id, &[index.get()]);
            sum.add(row);
            let aside = <[u8; 32]>::try_from(id).ok().and_then(|id| self.aside.get(&id));
            if aside.is_some_and(|entries| entries.contains(&index.get())) {
                sum.remove(row);
            }
            ControlFlow::Continue(())
        })?;
        Ok(sum)
    }

    /// The sum over all trail rows, and the first trail whose ordinals have a hole or whose entries do not ascend.
    fn sum_of_trails<S: Store>(&self, store: &S) -> Result<(Sum, Option<(EntryIndex, String)>), CheckError> {
        let mut sum = Sum::default();
        let mut fault = None;
        let mut last: Option<(String, u64, u64)> = None;
        store.scan_trails(&mut |subject, n, index| {
            let before = last.as_ref().filter(|(known, ..)| known == subject).map(|(_, n, index)| (*n, *index));
            let sound = match before {
                None => n == 0,
                Some((m, earlier)) => n == m + 1 && index.get() > earlier,
            };
            if !sound && fault.is_none() {
                fault = Some((
                    index,
                    format!(
                        "the stored rows of trail {subject} do not go on from {before:?} with step {n} at entry {index}"
                    ),
                ));
            }
            sum.add(hash(
                &self.key,
                subject.as_bytes(),
                &[n, index.get(), before.map_or(NONE, |(_, earlier)| earlier)],
            ));
            match &mut last {
                Some((known, m, earlier)) if known == subject => (*m, *earlier) = (n, index.get()),
                _ => last = Some((subject.to_owned(), n, index.get())),
            }
            ControlFlow::Continue(())
        })?;
        Ok((sum, fault))
    }

    /// The first admitted entry whose event id does not lead back to it.
    fn name_id<S: Store>(&self, store: &S, report: &mut Report) -> Result<(), CheckError> {
        let found = each_header(store, |header| {
            let Some(event) =
                header.event.as_ref().filter(|_| header.received.via != "ledger" && header.quarantine.is_none())
            else {
                return Ok(None);
            };
            let row = store.id(&id_hash(&event.source, &event.id))?;
            Ok(match row {
                Some(index) if index == header.index => None,
                Some(index) => Some((
                    Damage::Misplaced,
                    format!("its event id (source {:?}, id {:?}) leads to entry {index}", event.source, event.id),
                )),
                None => Some((
                    Damage::Missing,
                    format!("its event id (source {:?}, id {:?}) is not stored", event.source, event.id),
                )),
            })
        })?;
        let (index, damage, detail) = found.map_or(
            (None, Damage::Extra, "event ids are stored that no entry has".to_owned()),
            |(index, damage, detail)| (Some(index), damage, detail),
        );
        report.note("L-7", index, damage, detail);
        Ok(())
    }

    /// The first entry that a trail's rows do not lead to, or that says another step before than they do.
    fn name_trail<S: Store>(&self, store: &S, report: &mut Report) -> Result<(), CheckError> {
        let found = each_header(store, |header| {
            for step in &header.trails {
                let rows = store.trail(&step.subject, step.n.saturating_sub(1), 2)?;
                let expected: Vec<EntryIndex> = if step.n == 0 {
                    vec![header.index]
                } else {
                    step.prev.into_iter().chain([header.index]).collect()
                };
                if rows.get(..expected.len()) != Some(expected.as_slice()) {
                    let detail = format!(
                        "step {} of trail {} does not stand in the trail's rows as the header says",
                        step.n, step.subject
                    );
                    return Ok(Some((Damage::Misplaced, detail)));
                }
            }
            Ok(None)
        })?;
        let (index, damage, detail) = found.map_or(
            (None, Damage::Extra, "trail rows are stored that no entry has".to_owned()),
            |(index, damage, detail)| (Some(index), damage, detail),
        );
        report.note("L-11", index, damage, detail);
        Ok(())
    }
}

type Named = Option<(EntryIndex, Damage, String)>;

/// The first header of which `fault` says something.
fn each_header<S: Store>(
    store: &S,
    fault: impl Fn(&EntryHeader) -> Result<Option<(Damage, String)>, CheckError>,
) -> Result<Named, CheckError> {
    let mut found: Result<Named, CheckError> = Ok(None);
    store.scan_headers(EntryIndex(0), &mut |index, bytes| {
        let Ok(header) = EntryHeader::parse(bytes) else { return ControlFlow::Continue(()) };
        match fault(&header) {
            Ok(None) => ControlFlow::Continue(()),
            Ok(Some((damage, detail))) => {
                found = Ok(Some((index, damage, detail)));
                ControlFlow::Break(())
            }
            Err(error) => {
                found = Err(error);
                ControlFlow::Break(())
            }
        }
    })?;
    found
}
