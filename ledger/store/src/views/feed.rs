//! Entries out of the log, read and folded.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use modeltrail_core::store::StoreError;
use modeltrail_views::fold::{BATCH_ENTRIES, Folder};
use modeltrail_views::read::ReadEntry;
use modeltrail_views::store::ViewStore;

use super::{ViewsError, priority};
use crate::ledger::Ledger;

/// Bytes that end a batch early: an entry that was read takes several times its bytes.
const BATCH_BYTES: usize = 2 << 20;
/// So many entries are fetched one by one; for more a scan is opened and a second thread reads ahead.
const FEW: u64 = 256;
/// Batches that wait between the thread that reads and the one that folds.
const AHEAD: usize = 1;

/// Folds entries from where `store` stands up to `to`, in batches, each written with its cursor and the log's root at that size. After each batch `go_on` is told
/// the size and may end it. Gives the size that was reached.
///
/// # Errors
/// The log or the views can't be read or written; what was written before stays, and is whole.
pub fn fold(
    ledger: &Ledger,
    store: &dyn ViewStore,
    to: u64,
    go_on: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<u64, ViewsError> {
    let mut folder = Folder::new(store)?;
    let from = folder.next();
    if to.saturating_sub(from) <= FEW {
        one_by_one(ledger, &mut folder, to, go_on)?;
        return Ok(folder.next());
    }
    std::thread::scope(|scope| {
        let (sender, batches) = sync_channel(AHEAD);
        let (done, used) = channel();
        let reader = scope.spawn(move || {
            priority::give_way();
            read(ledger, from, to, &sender, &used)
        });
        let folded = put_all(ledger, &mut folder, batches, &done, go_on);
        let read = reader.join().map_err(|_| ViewsError::Reader)?;
        // What the reader says comes first: without it too little would have been folded.
        read.and(folded).map(|()| folder.next())
    })
}

fn put_all(
    ledger: &Ledger,
    folder: &mut Folder<'_>,
    batches: Receiver<Vec<ReadEntry>>,
    done: &Sender<Vec<ReadEntry>>,
    go_on: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<(), ViewsError> {
    for batch in batches {
        put(ledger, folder, &batch)?;
        // Whoever is gone needs it no more.
        let _ = done.send(batch);
        if go_on(folder.next()).is_break() {
            break;
        }
    }
    Ok(())
}

fn put(ledger: &Ledger, folder: &mut Folder<'_>, batch: &[ReadEntry]) -> Result<(), ViewsError> {
    for entry in batch {
        folder.entry(entry)?;
    }
    write(ledger, folder)
}

/// A batch ends at a size whose root the log knows: any start can ask whether the views are this log's.
fn write(ledger: &Ledger, folder: &mut Folder<'_>) -> Result<(), ViewsError> {
    let size = folder.next();
    let root = ledger.root_at(size)?.to_string();
    Ok(folder.write(size, &root)?)
}

fn parse(index: u64, header: &[u8], opening: Option<&[u8]>) -> Result<ReadEntry, ViewsError> {
    let entry = ReadEntry::to_fold(header, opening).map_err(|source| ViewsError::Entry { index, source })?;
    if entry.index() == index {
        return Ok(entry);
    }
    let detail = format!("the header says {}", entry.index());
    Err(StoreError::Damaged { what: format!("header {index}"), detail }.into())
}

fn one_by_one(
    ledger: &Ledger,
    folder: &mut Folder<'_>,
    to: u64,
    go_on: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<(), ViewsError> {
    let mut bytes = 0;
    while folder.next() < to {
        let index = folder.next();
        let header = ledger.header(index)?.ok_or_else(|| missing(index))?;
        let opening = ledger.opening(index)?;
        bytes += header.len() + opening.as_ref().map_or(0, Vec::len);
        folder.entry(&parse(index, &header, opening.as_deref())?)?;
        if bytes >= BATCH_BYTES || folder.next() == to {
            bytes = 0;
            write(ledger, folder)?;
            if go_on(folder.next()).is_break() {
                break;
            }
        }
    }
    Ok(())
}

fn missing(index: u64) -> StoreError {
    StoreError::Damaged { what: format!("header {index}"), detail: "it is missing".to_owned() }
}

/// Reads batches until the other side hangs up. Those that were `used` come back: thousands of small pieces of memory are freed cheapest by the thread
/// that asked for them.
fn read(
    ledger: &Ledger,
    from: u64,
    to: u64,
    batches: &SyncSender<Vec<ReadEntry>>,
    used: &Receiver<Vec<ReadEntry>>,
) -> Result<(), ViewsError> {
    let (mut batch, mut bytes, mut failed) = (Vec::with_capacity(BATCH_ENTRIES), 0, None);
    ledger.store().scan_entries(from, to, &mut |index, header, opening| {
        match parse(index, header, opening) {
            Ok(entry) => batch.push(entry),
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        bytes += header.len() + opening.map_or(0, <[u8]>::len);
        if batch.len() < BATCH_ENTRIES && bytes < BATCH_BYTES {
            return ControlFlow::Continue(());
        }
        bytes = 0;
        used.try_iter().for_each(drop);
        match batches.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ENTRIES))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    if !batch.is_empty() {
        // Who ended early needs no more.
        let _ = batches.send(batch);
    }
    failed.map_or(Ok(()), Err)
}
