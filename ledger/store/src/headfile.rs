//! The head file: the newest signed checkpoint, beside the data directory and not in it, so that a restored directory can't bring its own.
//!
//! It is trusted for one thing: whoever can change it can at most make the ledger refuse to start, since it must carry the ledger's own signature.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use modeltrail_core::sequencer::{Found, open_checkpoint};
use modeltrail_tlog::tree::{self, TreeSize};

use crate::clock;
use crate::error::OpenError;
use crate::files;
use crate::ledger::{Ledger, Tiles};
use crate::writer::EndSignal;

/// At most this far behind.
const EVERY: Duration = Duration::from_secs(1);
/// Without success for this long the writer is poisoned: a ledger whose newest head nobody else keeps could be rolled back unseen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes the head file from a thread of its own.
pub struct HeadFile {
    path: PathBuf,
}

/// What a head file says against the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is there and agrees.
    Agrees,
    /// It is missing, and must not be for a ledger of this size.
    Missing,
}

impl HeadFile {
    /// The head file at `path`.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `note` now.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, note: &str) -> Result<(), OpenError> {
        files::replace(&self.path, note.as_bytes()).map_err(|cause| OpenError::File {
            doing: "write the head file",
            path: self.path.clone(),
            cause,
        })
    }

    /// Holds the head file against what was found: equal, or older with our root at that size, is good.
    ///
    /// # Errors
    /// It is newer, has another root, is another ledger's or can't be read.
    pub(crate) fn check(&self, found: &Found, tiles: &Tiles) -> Result<Verdict, OpenError> {
        let text = files::read_small(&self.path).map_err(|cause| OpenError::File {
            doing: "read the head file",
            path: self.path.clone(),
            cause,
        })?;
        let Some(text) = text else {
            // A new ledger has nothing that could have been rolled back.
            return Ok(if found.checkpoint.size.get() <= 1 { Verdict::Agrees } else { Verdict::Missing });
        };
        let refuse = |differs, meaning, remedy| OpenError::Head { path: self.path.clone(), differs, meaning, remedy };
        let (head, size) = open_checkpoint(&text, &found.keys).map_err(|error| {
            refuse(
                error.to_string(),
                "It may be another ledger's, damaged, or signed by a key that this ledger does not know (a restored older directory).",
                "Put the right head file back, or the newest data directory.",
            )
        })?;
        let ours = found.checkpoint.size.get();
        if head.origin != found.origin {
            return Err(refuse(
                format!("it is of {}, the ledger is {}", head.origin, found.origin),
                "It is another ledger's.",
                "Give the right --head-file.",
            ));
        }
        if size > ours {
            let differs = format!("it has seen {size} entries, the ledger has {ours}");
            return Err(refuse(
                differs,
                "The data directory is older than it was: restored from a backup, or acknowledged entries were lost by the disk.",
                "Put the newest data directory back; if there is none, the ledger can't go on under this name.",
            ));
        }
        let root = tree::root_at(tiles, TreeSize::new(size))
            .map_err(|error| refuse(error.to_string(), "Tiles are missing.", "Run `modeltraild fsck`."))?;
        if root != head.root {
            let differs = format!("at size {size} it has root {}, the ledger {root}", head.root);
            return Err(refuse(
                differs,
                "The ledger's past was changed, or another copy of it went on by itself.",
                "Keep both; run `modeltraild fsck`; do not start either.",
            ));
        }
        Ok(Verdict::Agrees)
    }

    /// Follows the ledger until the writer has ended, then writes once more.
    pub(crate) fn run(self, ledger: &Arc<Ledger>, end: &dyn EndSignal) {
        let mut written = 0;
        let mut good = clock::now();
        loop {
            let ended = end.wait(EVERY);
            let head = ledger.published();
            if head.size == written {
                good = clock::now();
            } else {
                match self.write(&head.note) {
                    Ok(()) => {
                        written = head.size;
                        good = clock::now();
                    }
                    Err(error) => tracing::warn!(%error, "the head file could not be written"),
                }
            }
            if ended {
                return;
            }
            if good.elapsed() > PATIENCE {
                ledger.poison(format!("the head file {} could not be written for a minute", self.path.display()));
                return;
            }
        }
    }
}
