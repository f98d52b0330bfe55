//! Reading headers and records side by side, and looking at each chunk on two threads before it is chained on one.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::chain::Chain;
use super::entry::{Entry, look};
use super::{CheckError, CheckOptions, Damage, Report};
use crate::store::{Store, StoreError, VisitRow};
use crate::types::EntryIndex;

/// Entries looked at together. With records of 1 MiB a chunk is bounded by its bytes instead.
const CHUNK_ENTRIES: usize = 1_024;
/// Bytes that end a chunk early.
const CHUNK_BYTES: usize = 8 << 20;
/// Chunks that wait between a reader and the checker.
const AHEAD: usize = 2;

/// An entry as stored: its key, its header, its opening.
type Row = (u64, Vec<u8>, Option<Vec<u8>>);
/// Rows of one column family, by index.
type Rows = Vec<(u64, Vec<u8>)>;

pub(super) fn run<S: Store>(
    store: &S,
    chain: &mut Chain<'_, S>,
    report: &mut Report,
    options: &mut CheckOptions<'_>,
) -> Result<(), CheckError> {
    std::thread::scope(|scope| {
        let (to_headers, headers) = sync_channel(AHEAD);
        let header_reader = scope.spawn(move || read(&to_headers, |visit| store.scan_headers(EntryIndex(0), visit)));
        let (to_openings, openings) = sync_channel(AHEAD);
        let wanted = !options.headers_only;
        let opening_reader = scope.spawn(move || {
            if wanted { read(&to_openings, |visit| store.scan_openings(EntryIndex(0), visit)) } else { Ok(()) }
        });
        let done = fold(
            headers,
            Openings { rows: openings, chunk: Vec::new().into_iter(), next: None },
            chain,
            report,
            options,
        );
        let ended = |reader: std::thread::ScopedJoinHandle<'_, Result<(), StoreError>>| {
            reader.join().map_err(|_| CheckError::Reader)
        };
        ended(header_reader)??;
        ended(opening_reader)??;
        done
    })
}

/// Sends rows in chunks until the other side hangs up.
fn read(to: &SyncSender<Rows>, scan: impl FnOnce(VisitRow<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let (mut chunk, mut bytes) = (Rows::with_capacity(CHUNK_ENTRIES), 0);
    scan(&mut |index, row| {
        bytes += row.len();
        chunk.push((index.get(), row.to_vec()));
        if chunk.len() < CHUNK_ENTRIES && bytes < CHUNK_BYTES {
            return ControlFlow::Continue(());
        }
        bytes = 0;
        match to.send(std::mem::replace(&mut chunk, Rows::with_capacity(CHUNK_ENTRIES))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    // A checker that ended early needs no more rows.
    let _ = to.send(chunk);
    Ok(())
}

/// Openings by ascending index, one at a time.
struct Openings {
    rows: Receiver<Rows>,
    chunk: std::vec::IntoIter<(u64, Vec<u8>)>,
    next: Option<(u64, Vec<u8>)>,
}

impl Openings {
    fn peek(&mut self) -> Option<u64> {
        while self.next.is_none() {
            self.next = self.chunk.next();
            if self.next.is_none() {
                self.chunk = self.rows.recv().ok()?.into_iter();
            }
        }
        self.next.as_ref().map(|(index, _)| *index)
    }

    /// The opening of `index`; those before it belong to no entry and are counted.
    fn take(&mut self, index: u64, stray: &mut Vec<u64>) -> Option<Vec<u8>> {
        while self.peek()? < index {
            stray.extend(self.next.take().map(|(index, _)| index));
        }
        if self.peek()? == index { self.next.take().map(|(_, opening)| opening) } else { None }
    }
}

fn fold<S: Store>(
    headers: Receiver<Rows>,
    mut openings: Openings,
    chain: &mut Chain<'_, S>,
    report: &mut Report,
    options: &mut CheckOptions<'_>,
) -> Result<(), CheckError> {
    let mut stray = Vec::new();
    for rows in headers {
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|(key, header)| {
                let opening = openings.take(key, &mut stray);
                (key, header, opening)
            })
            .collect();
        for entry in look_on_two_threads(&rows, chain) {
            chain.add(entry, report)?;
        }
        for index in stray.drain(..) {
            report.note(
                "L-10",
                Some(EntryIndex(index)),
                Damage::Extra,
                "a record is stored where there is no header".to_owned(),
            );
        }
        (options.progress)(report.entries);
    }
    while openings.peek().is_some() {
        if let Some((index, _)) = openings.next.take() {
            report.note(
                "L-10",
                Some(EntryIndex(index)),
                Damage::Extra,
                "a record is stored where there is no header".to_owned(),
            );
        }
    }
    Ok(())
}

fn look_on_two_threads<'r, S: Store>(rows: &'r [Row], chain: &Chain<'_, S>) -> Vec<Entry<'r>> {
    let context = chain.context();
    let (first, second) = rows.split_at(rows.len() / 2);
    let all = |half: &'r [Row]| {
        half.iter().map(|(key, header, opening)| look(*key, header, opening.as_deref(), &context)).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| all(second));
        let mut entries = all(first);
        // A panic there is a fault of this program; it goes on as one.
        entries.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        entries
    })
}
