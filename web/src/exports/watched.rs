//! A ledger and a file as a bundle's maker sees them, with somebody looking on: records are counted, and a wish to stop ends the writing.

use std::io::{self, Seek, SeekFrom, Write};

use modeltrail_core::bundle::source::LedgerRead;
use modeltrail_core::types::EntryIndex;
use modeltrail_tlog::tree::TreeSize;

use crate::jobs::Progress;

/// Counts the records that are read.
pub(super) struct Counted<'p, R> {
    pub(super) ledger: R,
    pub(super) progress: &'p Progress,
}

impl<R: LedgerRead> LedgerRead for Counted<'_, R> {
    type Error = R::Error;
    type Tiles = R::Tiles;

    fn origin(&self) -> &str {
        self.ledger.origin()
    }

    fn size(&self) -> TreeSize {
        self.ledger.size()
    }

    fn checkpoint(&self) -> &str {
        self.ledger.checkpoint()
    }

    fn tiles(&self) -> &R::Tiles {
        self.ledger.tiles()
    }

    fn header(&self, index: EntryIndex) -> Result<Vec<u8>, R::Error> {
        self.ledger.header(index)
    }

    fn opening(&self, index: EntryIndex) -> Result<Option<Vec<u8>>, R::Error> {
        self.progress.step();
        self.ledger.opening(index)
    }

    fn trail(&self, subject: &str, from: u64, limit: usize) -> Result<Vec<EntryIndex>, R::Error> {
        self.ledger.trail(subject, from, limit)
    }

    fn checkpoint_of(&self, size: TreeSize) -> Result<Option<String>, R::Error> {
        self.ledger.checkpoint_of(size)
    }
}

/// Refuses to write once it is asked to stop.
pub(super) struct Stoppable<'p, W> {
    pub(super) out: W,
    pub(super) progress: &'p Progress,
}

impl<W: Write> Write for Stoppable<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.progress.stopped() {
            return Err(io::Error::other("it was stopped"));
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Seek> Seek for Stoppable<'_, W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.out.seek(to)
    }
}
