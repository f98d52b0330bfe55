//! The bundle: what leaves the ledger and proves itself offline (`docs/FORMAT.md` section 8).
//!
//! - [`manifest`], [`lines`]: the closed schemas, each with a strict parser and the one way to write it;
//! - [`writer`]: puts a bundle into a zip, entry by entry, without ever holding all of them;
//! - [`reader`]: takes one apart, from a zip or an unpacked directory, trusting nothing in it;
//! - [`source`]: what an export needs to ask a ledger, and the answer of any [`crate::store::Store`];
//! - [`export`]: collects what a bundle about some subjects must hold.
//!
//! A bundle is not trusted: whoever can change it can at most make its verification fail.

pub mod export;
pub mod lines;
pub mod manifest;
pub mod reader;
pub mod source;
pub mod writer;

use std::io;

/// The manifest: what is in the bundle, and what it claims.
pub const MANIFEST: &str = "MANIFEST.json";
/// The ledger's signature over the manifest.
pub const MANIFEST_NOTE: &str = "MANIFEST.note";
/// The checkpoint that every proof leads to.
pub const CHECKPOINT: &str = "checkpoint";
/// The entries, one a line.
pub const ENTRIES: &str = "entries.jsonl";
/// Earlier checkpoints and the way from each to the bundle's.
pub const CONSISTENCY: &str = "consistency.jsonl";
/// The ledger's keys.
pub const KEYS: &str = "keys.json";
/// How to check all this by hand.
pub const VERIFY_MD: &str = "VERIFY.md";
/// The tables of the readings that headers name.
pub const READINGS_DIR: &str = "readings/";
/// What proves itself or is ignored.
pub const LATER_DIR: &str = "later/";
/// Rendered reports.
pub const REPORT_DIR: &str = "report/";

/// Most files in a bundle: their names are held in memory.
pub const MAX_FILES: usize = 10_000;
/// Most bytes of all files together: a small zip may not unpack without end.
pub const MAX_UNPACKED_BYTES: u64 = 16 << 30;
/// Longest file name: what every file system and zip program takes.
pub const MAX_NAME_BYTES: usize = 255;
/// Most bytes of a file that is read whole (manifest, keys, a reading's table); a manifest of 10,000 files and 100,000 trails fits.
pub const MAX_DOCUMENT_BYTES: u64 = 64 << 20;
/// Most bytes of a note: a text of three lines and 64 signatures of today's kinds.
pub const MAX_NOTE_BYTES: usize = 64 << 10;
/// Longest line: a record of 16 MiB in base64, an escaped header of 64 KiB and a proof of 63 hashes.
pub const MAX_LINE_BYTES: usize = 24 << 20;

/// Why a bundle can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file or directory could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// Which file, and what was being done.
        what: String,
        /// What the system says.
        source: io::Error,
    },
    /// Not a zip, or a damaged one.
    #[error("{what} is not a zip that can be read: {detail}")]
    Zip {
        /// Which file.
        what: String,
        /// What the reader says.
        detail: String,
    },
    /// A limit of the format is exceeded.
    #[error("{what} is over the limit of {limit}")]
    Limit {
        /// What is too large or too many.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// A file that a bundle must have is not there.
    #[error("{name} is missing: this is not a bundle, or it was cut")]
    Missing {
        /// The file.
        name: String,
    },
    /// A document or line is not what the format says.
    #[error("{place} {fault}")]
    Malformed {
        /// The file, and the line if there is one.
        place: String,
        /// What is wrong.
        fault: String,
    },
    /// A document of a later format version: could not be judged, never a pass.
    #[error("{name} has format version {found}; this program knows 1")]
    Version {
        /// The file.
        name: &'static str,
        /// The version found.
        found: u64,
    },
}

impl BundleError {
    pub(crate) fn malformed(place: impl Into<String>, fault: impl Into<String>) -> Self {
        Self::Malformed { place: place.into(), fault: fault.into() }
    }

    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }
}

/// Whether a bundle may hold a file of this name: plain ASCII, at most one directory deep and only in the three that the format has.
#[must_use]
pub fn is_allowed_name(name: &str) -> bool {
    let base = [READINGS_DIR, LATER_DIR, REPORT_DIR].iter().find_map(|dir| name.strip_prefix(dir)).unwrap_or(name);
    name.len() <= MAX_NAME_BYTES
        && !base.is_empty()
        && !base.starts_with('.')
        && base.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Whether the manifest must leave out a file of this name.
#[must_use]
pub fn is_unlisted_name(name: &str) -> bool {
    matches!(name, MANIFEST | MANIFEST_NOTE | CHECKPOINT) || name.starts_with(LATER_DIR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_bundle_are_refused() {
        for good in [MANIFEST, "readings/1.json", "report/dossier.html", "later/x"] {
            assert!(is_allowed_name(good), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "readings/../x",
            "report/",
            "a/b",
            "report/a/b",
            "..",
            ".x",
            "a\\b",
            "C:x",
            "a\0",
            "ä",
            "report/.x",
            "a b",
        ] {
            assert!(!is_allowed_name(bad), "{bad}");
        }
    }
}
