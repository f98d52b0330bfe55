//! Every key of every column family, in one place. Integers are big-endian, so that byte order is number order.

use modeltrail_core::types::EntryIndex;

/// index → header.
pub const HEADERS: &str = "headers";
/// index → salt ‖ record.
pub const RECORDS: &str = "records";
/// SHA-256 of length-prefixed source and id → index.
pub const IDS: &str = "ids";
/// subject ‖ 0x00 ‖ ordinal → index.
pub const TRAILS: &str = "trails";
/// level ‖ tile index → 256 hashes.
pub const TILES: &str = "tiles";
/// tree size → signed note.
pub const CHECKPOINTS: &str = "checkpoints";
/// source ‖ 0x00 ‖ partition → position row (JSON).
pub const SOURCES: &str = "sources";
/// "dead-letter" ‖ 0x00 ‖ source → index up to which its entries were copied elsewhere.
pub const OUTBOX: &str = "outbox";
/// Facts about the database itself.
pub const META: &str = "meta";

/// All column families, in the order in which they are opened.
pub const ALL: [&str; 9] = [HEADERS, RECORDS, IDS, TRAILS, TILES, CHECKPOINTS, SOURCES, OUTBOX, META];

/// Bytes of an ordinal or index.
const NUMBER: usize = 8;

/// A key of `headers`, `records` or `checkpoints`, and a value of `ids` and `trails`.
#[must_use]
pub fn number(value: u64) -> [u8; NUMBER] {
    value.to_be_bytes()
}

/// The reverse of [`number`].
#[must_use]
pub fn parse_number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// The reverse of [`number`], as an index.
#[must_use]
pub fn parse_index(bytes: &[u8]) -> Option<EntryIndex> {
    parse_number(bytes).map(EntryIndex)
}

/// A key of `trails`. A subject has no 0x00, so no trail's keys stand between another's.
#[must_use]
pub fn trail(subject: &str, n: u64) -> Vec<u8> {
    let mut key = trail_prefix(subject);
    key.extend_from_slice(&number(n));
    key
}

/// What all keys of a trail begin with.
#[must_use]
pub fn trail_prefix(subject: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(subject.len() + 1 + NUMBER);
    key.extend_from_slice(subject.as_bytes());
    key.push(0);
    key
}

/// Subject and ordinal of a key of `trails`.
#[must_use]
pub fn parse_trail(key: &[u8]) -> Option<(&str, u64)> {
    let (prefix, n) = key.split_at_checked(key.len().checked_sub(NUMBER)?)?;
    let (end, subject) = prefix.split_last()?;
    Some((std::str::from_utf8(subject).ok().filter(|_| *end == 0)?, parse_number(n)?))
}

/// The part of a key of `trails` that its bloom filter is made of.
pub(crate) fn trail_bloom(key: &[u8]) -> &[u8] {
    key.get(..key.len().saturating_sub(NUMBER)).unwrap_or(key)
}

/// A key of `tiles`.
#[must_use]
pub fn tile(level: u8, index: u64) -> [u8; 9] {
    let mut key = [level; 9];
    key[1..].copy_from_slice(&number(index));
    key
}

/// Level and index of a key of `tiles`.
#[must_use]
pub fn parse_tile(key: &[u8]) -> Option<(u8, u64)> {
    let (level, index) = key.split_first()?;
    Some((*level, parse_number(index)?))
}

/// A key of `sources`.
#[must_use]
pub fn source(name: &str, partition: u32) -> Vec<u8> {
    let mut key = name.as_bytes().to_vec();
    key.push(0);
    key.extend_from_slice(&partition.to_be_bytes());
    key
}

/// A key of `outbox`.
#[must_use]
pub fn dead_letter(source: &str) -> Vec<u8> {
    [b"dead-letter\0", source.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_to_the_byte() {
        assert_eq!(number(258), [0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(trail("model/a", 1), b"model/a\0\0\0\0\0\0\0\0\x01");
        assert_eq!(tile(2, 3), [2, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(source("ml", 7), b"ml\0\0\0\0\x07");
        assert_eq!(dead_letter("ml"), b"dead-letter\0ml");
        assert_eq!(parse_trail(b"model/a\0\0\0\0\0\0\0\0\x01"), Some(("model/a", 1)));
        assert_eq!(parse_tile(&[2, 0, 0, 0, 0, 0, 0, 0, 3]), Some((2, 3)));
        assert_eq!(parse_trail(b"short"), None);
        assert_eq!(parse_number(b"123"), None);
    }

    #[test]
    fn trails_of_other_subjects_stay_apart() {
        assert!(trail("model/a", u64::MAX) < trail("model/a-b", 0));
        assert!(trail("model/a", 5) < trail("model/a", 6));
    }
}
