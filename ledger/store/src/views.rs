//! The views beside the log: where they lie, the thread that folds the log into them, folding them anew.
//!
//! Everything here may be thrown away. Nothing here ever makes the log wait or fail: when the views can't go on they say why, and stop.

mod feed;
mod handle;
mod home;
mod memory;
mod options;
mod priority;
mod projector;
mod rebuild;
mod rocks;

use std::path::PathBuf;

use modeltrail_core::store::StoreError;
use modeltrail_views::read::ReadError;
use modeltrail_views::store::ViewError;

pub use feed::fold;
pub use handle::{ViewsHandle, ViewsState};
pub use projector::Views;
pub use rebuild::{Comparison, Phase, RebuildError, RebuildRefused, RebuildStatus, rebuild_in_place};
pub use rocks::{Frozen, RocksViews};

/// Why views can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ViewsError {
    /// Their own database.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] StoreError),
    /// An entry of the log can't be read.
    #[error("entry {index} can't be read: {source}; run `modeltraild fsck`")]
    Entry {
        /// Which.
        index: u64,
        /// What is wrong with it.
        source: ReadError,
    },
    /// A file or folder of theirs.
    #[error("could not {doing} {}: {cause}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The thread that reads ahead ended without a word.
    #[error("the thread that reads entries for the views panicked")]
    Reader,
    /// The disk is nearly full.
    #[error("the data disk is nearly full; free some space, then try again")]
    DiskFull,
    /// The daemon stops.
    #[error("it was stopped")]
    Stopped,
}
