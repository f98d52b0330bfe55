//! One pass over `entries.jsonl`: lines are checked on all cores, and taken in by their order.
//!
//! Workers take chunks from the file by turns, check them at the same time, and hand them in by turns again. No more chunks are held than there are workers.

use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use modeltrail_tlog::hash::RootHash;

use super::entry::{Checker, Line};
use super::fold::Fold;
use super::inclusion::Inclusion;
use crate::bundle::manifest::{FileDigest, Manifest};
use crate::bundle::reader::{Chunk, Chunks};
use crate::keys::KeyBook;

/// Bytes that a worker takes at a time: tens of entries, so that turns are rare, and what is made of them stays in the cache until its turn.
const CHUNK_BYTES: usize = 128 << 10;
/// Reading and taking in are done by turns, so more workers than these only wait.
const MAX_WORKERS: usize = 8;

/// Told after each chunk how many bytes of the file are done.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

struct Source<R> {
    chunks: Option<Chunks<R>>,
    turn: u64,
    failed: Option<io::Error>,
}

struct Taking<'a, 'f> {
    fold: &'a mut Fold<'f>,
    turn: u64,
    bytes: u64,
    /// A worker died: the others must not wait for its turn.
    broken: bool,
}

struct Shared<'a, 'f, R> {
    source: Mutex<Source<R>>,
    taking: Mutex<Taking<'a, 'f>>,
    turns: Condvar,
    /// The producers' keys as the last chunk left them, and how often they changed.
    book: Mutex<(u64, Arc<KeyBook>)>,
    manifest: &'a Manifest,
    progress: Progress<'a>,
}

// What a panicking worker leaves behind is never used: the panic goes on when the workers are joined.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks all lines of `stream` and takes them into `fold`. Returns the digest of what was read.
pub(super) fn run<R: Read + Send>(
    stream: R,
    fold: &mut Fold<'_>,
    manifest: &Manifest,
    progress: Progress<'_>,
) -> io::Result<FileDigest> {
    let book = (fold.book_version, Arc::clone(&fold.book));
    let shared = Shared {
        source: Mutex::new(Source { chunks: Some(Chunks::new(stream)), turn: 0, failed: None }),
        taking: Mutex::new(Taking { fold, turn: 0, bytes: 0, broken: false }),
        turns: Condvar::new(),
        book: Mutex::new(book),
        manifest,
        progress,
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| shared.work());
        }
    });
    let source = shared.source.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (source.failed, source.chunks) {
        (Some(error), _) => Err(error),
        (None, Some(chunks)) => Ok(chunks.digest()),
        (None, None) => Err(io::Error::other("a worker stopped")),
    }
}

impl<R: Read> Shared<'_, '_, R> {
    fn work(&self) {
        let _bail = Bail(self);
        let root = RootHash::from_bytes(self.manifest.root.0);
        let inclusion = Inclusion::new(self.manifest.tree_size, root);
        let mut checker = Checker::new(&self.manifest.origin, self.manifest.tree_size, inclusion);
        let mut chunk = Chunk::default();
        while let Some(turn) = self.next_chunk(&mut chunk) {
            let (version, book) = lock(&self.book).clone();
            let lines: Vec<Line> =
                chunk.lines().map(|(number, bytes)| checker.check(number, bytes, &book, version)).collect();
            if !self.take_in(turn, chunk.bytes.len() as u64, lines) {
                return;
            }
        }
    }

    fn next_chunk(&self, chunk: &mut Chunk) -> Option<u64> {
        let mut source = lock(&self.source);
        if source.failed.is_some() {
            return None;
        }
        match source.chunks.as_mut()?.next(CHUNK_BYTES, chunk) {
            Ok(more) => {
                let turn = source.turn;
                source.turn += 1;
                more.then_some(turn)
            }
            Err(error) => {
                source.failed = Some(error);
                None
            }
        }
    }

    fn take_in(&self, turn: u64, bytes: u64, lines: Vec<Line>) -> bool {
        let waiting = |taking: &mut Taking<'_, '_>| taking.turn != turn && !taking.broken;
        let mut taking = self.turns.wait_while(lock(&self.taking), waiting).unwrap_or_else(PoisonError::into_inner);
        if taking.broken {
            return false;
        }
        lines.into_iter().for_each(|line| taking.fold.take(line));
        *lock(&self.book) = (taking.fold.book_version, Arc::clone(&taking.fold.book));
        taking.turn += 1;
        taking.bytes += bytes;
        (self.progress)(taking.bytes);
        self.turns.notify_all();
        true
    }
}

/// Frees the waiting workers when one dies.
struct Bail<'s, 'a, 'f, R>(&'s Shared<'a, 'f, R>);

impl<R> Drop for Bail<'_, '_, '_, R> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(&self.0.taking).broken = true;
            self.0.turns.notify_all();
        }
    }
}
