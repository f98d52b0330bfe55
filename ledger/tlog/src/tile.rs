//! Tiles and entry bundles of C2SP tlog-tiles: names, paths, which ones a tree has, and the bytes of
//! a bundle.
//!
//! Tile `n` of level `l` holds up to 256 hashes of 32 bytes. Hash `i` covers the 256^l entries from
//! `(256 n + i) · 256^l`.

use std::fmt;

use crate::encoding;
use crate::hash::{HASH_BYTES, NodeHash};
use crate::tree::TreeSize;

/// Hashes in a full tile, and entries in a full bundle.
pub const FULL_WIDTH: u16 = 256;
/// Bytes of a full tile.
pub const FULL_TILE_BYTES: usize = FULL_WIDTH as usize * HASH_BYTES;
/// Highest level a path may name (C2SP tlog-tiles).
pub const MAX_LEVEL: u8 = 63;
/// Highest level that holds a hash in a tree of up to 2^64 - 1 entries: one hash of level 7 covers 256^7.
pub const MAX_USED_LEVEL: u8 = 7;
/// Longest entry in a bundle: its length is a `u16`.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Longest path read: a 20-digit index needs 7 groups, 28 characters; the rest is under 24.
const MAX_PATH_BYTES: usize = 64;

/// Why a tile path or a bundle can't be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The path is not the one spelling of any tile.
    #[error("`{path}` is not a tile path (expected like tile/0/x001/234 or tile/0/x001/234.p/112)")]
    Path {
        /// The path, cut to a printable excerpt.
        path: String,
    },
    /// The path is not the one spelling of any entry bundle.
    #[error("`{path}` is not an entry bundle path (expected like tile/entries/x001/234.p/112)")]
    EntriesPath {
        /// The path, cut to a printable excerpt.
        path: String,
    },
    /// No tile or bundle has this width.
    #[error("width {width} is outside 1 to 256")]
    Width {
        /// The width asked for, in hashes or entries.
        width: u16,
    },
    /// The level is above [`MAX_LEVEL`].
    #[error("tile level {level} is above 63")]
    Level {
        /// The level asked for.
        level: u8,
    },
    /// A bundle without entries is never written nor served.
    #[error("an entry bundle holds at least one entry")]
    EmptyBundle,
    /// More than 256 entries.
    #[error("an entry bundle holds at most 256 entries, there are more")]
    TooManyEntries,
    /// An entry is longer than its length prefix can say.
    #[error("entry {position} of the bundle has {bytes} bytes, more than 65535")]
    EntryTooLong {
        /// Place of the entry in the bundle, from 0.
        position: usize,
        /// Its length.
        bytes: usize,
    },
    /// The bundle ends inside an entry.
    #[error("the bundle ends inside entry {position}: {wanted} bytes are wanted, {left} are left")]
    TruncatedBundle {
        /// Place of the entry in the bundle, from 0.
        position: usize,
        /// Bytes that the length prefix, or the entry behind it, needs.
        wanted: usize,
        /// Bytes that are there.
        left: usize,
    },
}

/// The name of one tile: level, index in that level, and how many hashes of it are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// 0 for leaf hashes; a hash of level l covers 256^l entries.
    pub level: u8,
    /// Place in the level, from 0.
    pub index: u64,
    /// Hashes in it, 1 to 256; 256 is a full tile.
    pub width: u16,
}

impl TileId {
    /// Names a tile.
    ///
    /// # Errors
    /// [`TileError::Level`] above 63, [`TileError::Width`] outside 1 to 256.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, TileError> {
        if level > MAX_LEVEL {
            return Err(TileError::Level { level });
        }
        check_width(width)?;
        Ok(Self { level, index, width })
    }

    /// The full tile at this place.
    pub const fn full(level: u8, index: u64) -> Self {
        Self { level, index, width: FULL_WIDTH }
    }

    /// Whether all 256 hashes are meant.
    pub const fn is_full(&self) -> bool {
        self.width == FULL_WIDTH
    }

    /// Bytes that this tile has: 32 for each hash.
    pub const fn byte_len(&self) -> usize {
        self.width as usize * HASH_BYTES
    }

    /// `tile/<level>/<index>`, and `.p/<width>` unless full, as C2SP tlog-tiles writes it.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, index_and_width(self.index, self.width))
    }

    /// Reads what [`TileId::path`] writes and nothing else.
    ///
    /// # Errors
    /// [`TileError::Path`] for any other text.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        Self::read_path(path).ok_or_else(|| TileError::Path { path: encoding::excerpt(path) })
    }

    fn read_path(path: &str) -> Option<Self> {
        let (level, rest) = checked_length(path)?.strip_prefix("tile/")?.split_once('/')?;
        let level = u8::try_from(encoding::from_decimal(level)?).ok()?;
        let (index, width) = read_index_and_width(rest)?;
        Self::new(level, index, width).ok()
    }
}

impl fmt::Display for TileId {
    /// The path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.path())
    }
}

/// `tile/entries/<index>`, and `.p/<width>` unless `width` is 256.
pub fn entries_path(index: u64, width: u16) -> String {
    format!("tile/entries/{}", index_and_width(index, width))
}

/// Reads what [`entries_path`] writes and nothing else: (index, width).
///
/// # Errors
/// [`TileError::EntriesPath`] for any other text.
pub fn parse_entries_path(path: &str) -> Result<(u64, u16), TileError> {
    checked_length(path)
        .and_then(|path| path.strip_prefix("tile/entries/"))
        .and_then(read_index_and_width)
        .ok_or_else(|| TileError::EntriesPath { path: encoding::excerpt(path) })
}

fn checked_length(path: &str) -> Option<&str> {
    (path.len() <= MAX_PATH_BYTES).then_some(path)
}

fn check_width(width: u16) -> Result<(), TileError> {
    if (1..=FULL_WIDTH).contains(&width) { Ok(()) } else { Err(TileError::Width { width }) }
}

fn index_and_width(index: u64, width: u16) -> String {
    let mut text = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    if width != FULL_WIDTH {
        text.push_str(&format!(".p/{width}"));
    }
    text
}

fn read_index_and_width(text: &str) -> Option<(u64, u16)> {
    let (index, width) = match text.split_once(".p/") {
        None => (text, FULL_WIDTH),
        Some((index, width)) => {
            let width = u16::try_from(encoding::from_decimal(width)?).ok()?;
            (index, Some(width).filter(|width| (1..FULL_WIDTH).contains(width))?)
        }
    };
    let mut value = 0_u64;
    let mut groups = index.split('/').peekable();
    while let Some(group) = groups.next() {
        let digits = if groups.peek().is_some() { group.strip_prefix('x')? } else { group };
        if digits.len() != 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        value = value.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    // Leading groups of zeros read as the same number, but are not how it is written.
    (index_and_width(value, FULL_WIDTH) == index).then_some((value, width))
}

/// How many hashes the tile at (`level`, `index`) has in a tree of `size`: 0 to 256.
pub fn width_at(level: u8, index: u64, size: TreeSize) -> u16 {
    let hashes = hashes_at(level, size);
    let before = index.checked_mul(u64::from(FULL_WIDTH));
    let left = before.map_or(0, |before| hashes.saturating_sub(before));
    u16::try_from(left).map_or(FULL_WIDTH, |left| left.min(FULL_WIDTH))
}

/// How many hashes a level of a tree of `size` has: `floor(size / 256^level)`.
pub fn hashes_at(level: u8, size: TreeSize) -> u64 {
    size.get().checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// Every tile of a tree of `size`, level 0 first, each level from the left; the last one of a level
/// may be partial. The bundles of that size have the index and width of the tiles of level 0.
pub fn tiles_for(size: TreeSize) -> impl Iterator<Item = TileId> {
    new_tiles(TreeSize::new(0), size)
}

/// The tiles to publish when a tree grows from `old` to `new`: all whose width is another than
/// before. In the order of [`tiles_for`]; none if `new` is not above `old`.
pub fn new_tiles(old: TreeSize, new: TreeSize) -> impl Iterator<Item = TileId> {
    (0..=MAX_USED_LEVEL).flat_map(move |level| {
        let (before, now) = (hashes_at(level, old), hashes_at(level, new));
        let width = u64::from(FULL_WIDTH);
        let end = if now > before { now.div_ceil(width) } else { 0 };
        (before / width..end).map(move |index| TileId { level, index, width: width_at(level, index, new) })
    })
}

/// The hashes of a tile's bytes, or `None` unless they are a whole number of hashes, 1 to 256.
pub fn tile_hashes(tile: &[u8]) -> Option<impl ExactSizeIterator<Item = NodeHash>> {
    let (hashes, rest) = tile.as_chunks::<HASH_BYTES>();
    if !rest.is_empty() || hashes.is_empty() || tile.len() > FULL_TILE_BYTES {
        return None;
    }
    Some(hashes.iter().map(|hash| NodeHash::from_bytes(*hash)))
}

/// The bytes of an entry bundle: each entry behind its length as a big-endian `u16`.
///
/// # Errors
/// [`TileError::EmptyBundle`], [`TileError::TooManyEntries`] over 256, [`TileError::EntryTooLong`].
pub fn encode_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, TileError> {
    let mut bundle = Vec::new();
    let mut count = 0;
    for (position, entry) in entries.into_iter().enumerate() {
        if position >= usize::from(FULL_WIDTH) {
            return Err(TileError::TooManyEntries);
        }
        let length =
            u16::try_from(entry.len()).map_err(|_| TileError::EntryTooLong { position, bytes: entry.len() })?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
        count += 1;
    }
    if count == 0 { Err(TileError::EmptyBundle) } else { Ok(bundle) }
}

/// The entries of a bundle, 1 to 256. Whether they are as many as the path said is the caller's to
/// compare.
///
/// # Errors
/// [`TileError::EmptyBundle`], [`TileError::TooManyEntries`], [`TileError::TruncatedBundle`].
pub fn decode_bundle(bundle: &[u8]) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        let position = entries.len();
        if position == usize::from(FULL_WIDTH) {
            return Err(TileError::TooManyEntries);
        }
        let prefix = take(&mut rest, 2, position)?;
        let length = usize::from(u16::from_be_bytes([prefix[0], prefix[1]]));
        entries.push(take(&mut rest, length, position)?);
    }
    if entries.is_empty() { Err(TileError::EmptyBundle) } else { Ok(entries) }
}

fn take<'a>(rest: &mut &'a [u8], wanted: usize, position: usize) -> Result<&'a [u8], TileError> {
    let (head, tail) =
        rest.split_at_checked(wanted).ok_or(TileError::TruncatedBundle { position, wanted, left: rest.len() })?;
    *rest = tail;
    Ok(head)
}
