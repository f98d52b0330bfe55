//! Rows as they stand, decoded, across batches: what is changed again soon is neither read nor parsed again.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use crate::rows::Row;
use crate::tables::RowKey;

/// Bytes of one generation, counted as below; there are two. In it fit some 10,000 rows of a kilobyte, or 40,000 edges.
const GENERATION_BYTES: usize = 24 << 20;
/// A decoded row takes about this many times its JSON.
const DECODED: usize = 2;
/// What a row takes beside itself and its key: the map's place, allocations.
const BESIDE: usize = 96;

/// A row of any table; `None` for one that is not there.
type Found = Option<Arc<dyn Any + Send + Sync>>;

struct Kept {
    row: Found,
    weight: usize,
}

/// Two generations: what is asked for moves to the young one; when that is full the old one goes, and it takes its place. Only ever asked by key.
#[derive(Default)]
pub(super) struct Cache {
    young: HashMap<RowKey, Kept>,
    old: HashMap<RowKey, Kept>,
    bytes: usize,
}

impl Cache {
    /// The row as it stands: `Some(None)` when it is known not to be there, `None` when nothing is known.
    pub(super) fn get<R: Row>(&mut self, key: &RowKey) -> Option<Option<Arc<R>>> {
        if !self.young.contains_key(key) {
            let (key, kept) = self.old.remove_entry(key)?;
            self.keep(key, kept);
        }
        typed(self.young.get(key)?.row.clone())
    }

    /// As [`Self::get`], and forgets it: whoever is the only one that holds it may change it without a copy.
    pub(super) fn take<R: Row>(&mut self, key: &RowKey) -> Option<Option<Arc<R>>> {
        let kept = match self.young.remove(key) {
            Some(kept) => {
                self.bytes = self.bytes.saturating_sub(kept.weight);
                kept
            }
            None => self.old.remove(key)?,
        };
        typed(kept.row)
    }

    /// Whether the row is there, where that is known.
    pub(super) fn there(&self, key: &RowKey) -> Option<bool> {
        self.young.get(key).or_else(|| self.old.get(key)).map(|kept| kept.row.is_some())
    }

    /// The row stands so from now on; `bytes` is what its JSON takes.
    pub(super) fn put<R: Row>(&mut self, key: RowKey, row: Option<Arc<R>>, bytes: usize) {
        let weight = key.as_bytes().len() + bytes * DECODED + BESIDE;
        self.old.remove(&key);
        self.keep(key, Kept { row: row.map(|row| row as Arc<dyn Any + Send + Sync>), weight });
    }

    fn keep(&mut self, key: RowKey, kept: Kept) {
        if self.bytes + kept.weight > GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += kept.weight;
        if let Some(before) = self.young.insert(key, kept) {
            self.bytes = self.bytes.saturating_sub(before.weight);
        }
    }
}

/// A key names its table and so its type; another one would be read from the store again.
fn typed<R: Row>(row: Found) -> Option<Option<Arc<R>>> {
    match row {
        None => Some(None),
        Some(row) => row.downcast().ok().map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Party;
    use crate::tables::Table;

    fn key(number: u64) -> RowKey {
        RowKey::new(Table::Parties, &[&number.to_string()])
    }

    fn party(number: u64) -> Arc<Party> {
        Arc::new(Party { party: number.to_string(), first: number })
    }

    #[test]
    fn what_is_asked_for_stays_and_what_is_not_goes() {
        let mut cache = Cache::default();
        let (big, count) = (GENERATION_BYTES / 64, 1_000);
        for number in 0..count {
            cache.put(key(number), Some(party(number)), big);
            assert_eq!(cache.get::<Party>(&key(0)), Some(Some(party(0))), "{number}");
            assert!(cache.bytes <= GENERATION_BYTES && cache.young.len() + cache.old.len() <= 64);
        }
        assert_eq!(cache.get::<Party>(&key(1)), None);
        assert_eq!(cache.get::<Party>(&key(count - 1)), Some(Some(party(count - 1))));
    }

    #[test]
    fn the_newest_is_the_one_that_is_given_and_what_was_taken_is_gone() {
        let mut cache = Cache::default();
        cache.put::<Party>(key(1), None, 0);
        assert_eq!((cache.get::<Party>(&key(1)), cache.there(&key(1))), (Some(None), Some(false)));
        cache.put(key(1), Some(party(7)), 10);
        assert_eq!(cache.there(&key(1)), Some(true));
        assert_eq!(cache.take::<Party>(&key(1)), Some(Some(party(7))));
        assert_eq!((cache.get::<Party>(&key(1)), cache.there(&key(1)), cache.bytes), (None, None, 0));
    }
}
