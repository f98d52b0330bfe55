//! What can go wrong in opening and writing a log.

use std::path::PathBuf;

use modeltrail_core::sequencer::SequencerError;
use modeltrail_core::store::StoreError;

/// Why an append or an act was not done. Nothing of it is recorded, unless the text says so.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// A write failed before; what is on disk is in doubt. This record may or may not be there: send it again, with the same id, after the restart.
    #[error(
        "the writer is poisoned since a write failed ({cause}); restart modeltraild, then send again with the same id"
    )]
    Poisoned {
        /// The first failure.
        cause: String,
    },
    /// The disk is nearly full.
    #[error(
        "writes pause: {free_bytes} bytes are free on the data disk and {needed_bytes} are kept in reserve; free some space, then send again"
    )]
    Paused {
        /// Free bytes.
        free_bytes: u64,
        /// The reserve.
        needed_bytes: u64,
    },
    /// The ledger is open for reading only.
    #[error("the ledger is read-only: {why}")]
    ReadOnly {
        /// Why.
        why: String,
    },
    /// The writer has stopped.
    #[error("the writer has stopped")]
    Stopped,
    /// Too much waits already.
    #[error("the queue is full; send again in a moment")]
    QueueFull,
    /// The record or act can't be taken.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it holds contradicts itself.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
    /// A file beside the database.
    #[error("could not {doing} {}: {cause}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// There is no ledger.
    #[error("there is no ledger in {}; `modeltraild init` makes one", path.display())]
    Empty {
        /// The data directory.
        path: PathBuf,
    },
    /// The signing key is missing or is another's.
    #[error("{what}; the keys of this ledger lie in {}", path.display())]
    Key {
        /// What is wrong.
        what: String,
        /// Where keys lie.
        path: PathBuf,
    },
    /// The head file and the ledger disagree.
    #[error("the head file {} and the ledger disagree: {differs}. {meaning} {remedy}", path.display())]
    Head {
        /// The head file.
        path: PathBuf,
        /// What differs.
        differs: String,
        /// What that may mean.
        meaning: &'static str,
        /// What to do.
        remedy: &'static str,
    },
}
