//! Reading headers and records side by side, and looking at chunks on several threads before they are chained on one.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::chain::Chain;
use super::entry::{Context, Looked, look_at};
use super::{CheckError, CheckOptions, Damage, Report};
use crate::store::{Store, StoreError, VisitRow};
use crate::types::EntryIndex;

/// Entries looked at together. With records of 1 MiB a chunk is bounded by its bytes instead.
const CHUNK_ENTRIES: usize = 1_024;
/// Bytes that end a chunk early.
const CHUNK_BYTES: usize = 8 << 20;
/// Chunks that wait between a reader and the checker.
const AHEAD: usize = 2;

/// Threads that look at entries; the thread that chains them is one more.
const MAX_WORKERS: usize = 8;

/// An entry as stored: its key, its header, its opening.
type Row = (u64, Vec<u8>, Option<Vec<u8>>);
/// Rows of one column family, by index.
type Rows = Vec<(u64, Vec<u8>)>;
/// Rows to look at, and where the answer is awaited.
type Job = (Vec<Row>, SyncSender<Looked>);
/// The answer to come, and records before its end that belong to no header.
type Awaited = (Receiver<Looked>, Vec<u64>);

/// Readers, workers and the chain, each on threads of their own: chunks are looked at in any order and chained in theirs.
pub(super) fn run<S: Store>(
    store: &S,
    chain: &mut Chain<'_, S>,
    report: &mut Report,
    options: &mut CheckOptions<'_>,
) -> Result<(), CheckError> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    let context = chain.context();
    std::thread::scope(|scope| {
        let (to_headers, headers) = sync_channel(AHEAD);
        let header_reader = scope.spawn(move || read(&to_headers, |visit| store.scan_headers(EntryIndex(0), visit)));
        let (to_openings, openings) = sync_channel(AHEAD);
        let wanted = !options.headers_only;
        let opening_reader = scope.spawn(move || {
            if wanted { read(&to_openings, |visit| store.scan_openings(EntryIndex(0), visit)) } else { Ok(()) }
        });
        let (to_workers, jobs) = sync_channel::<Job>(workers);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..workers {
            let (jobs, context) = (Arc::clone(&jobs), context.clone());
            scope.spawn(move || work(&jobs, &context));
        }
        // Gone with the last worker: a feeder whose workers are gone must not wait for them.
        drop(jobs);
        let (to_chain, awaited) = sync_channel::<Awaited>(workers + AHEAD);
        scope.spawn(move || {
            feed(
                headers,
                Openings { rows: openings, chunk: Vec::new().into_iter(), next: None },
                &to_workers,
                &to_chain,
            );
        });
        let done = link(&awaited, chain, report, options);
        // When linking ended early, this lets the feeder, and with it everybody else, end.
        drop(awaited);
        let ended = |reader: std::thread::ScopedJoinHandle<'_, Result<(), StoreError>>| {
            reader.join().map_err(|_| CheckError::Reader)
        };
        ended(header_reader)??;
        ended(opening_reader)??;
        done
    })
}

fn work(jobs: &Mutex<Receiver<Job>>, context: &Context) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((rows, answer)) = job else { return };
        let rows = rows.iter().map(|(key, header, opening)| (*key, header.as_slice(), opening.as_deref()));
        // Nobody waits when the check ended early.
        let _ = answer.send(look_at(rows, context));
    }
}

/// Brings headers and openings together and hands chunks to the workers, until one side hangs up.
fn feed(headers: Receiver<Rows>, mut openings: Openings, to_workers: &SyncSender<Job>, to_chain: &SyncSender<Awaited>) {
    let mut stray = Vec::new();
    for rows in headers {
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|(key, header)| {
                let opening = openings.take(key, &mut stray);
                (key, header, opening)
            })
            .collect();
        let (answer, awaited) = sync_channel(1);
        if to_chain.send((awaited, std::mem::take(&mut stray))).is_err() || to_workers.send((rows, answer)).is_err() {
            return;
        }
    }
    loop {
        while openings.peek().is_some() && stray.len() < CHUNK_ENTRIES {
            stray.extend(openings.next.take().map(|(index, _)| index));
        }
        let (answer, awaited) = sync_channel(1);
        let empty = stray.is_empty();
        // The channel holds one answer: this waits for nobody.
        let _ = answer.send(Looked::default());
        if empty || to_chain.send((awaited, std::mem::take(&mut stray))).is_err() {
            return;
        }
    }
}

/// Chains what was looked at, in order.
fn link<S: Store>(
    awaited: &Receiver<Awaited>,
    chain: &mut Chain<'_, S>,
    report: &mut Report,
    options: &mut CheckOptions<'_>,
) -> Result<(), CheckError> {
    for (answer, stray) in awaited {
        let looked = answer.recv().map_err(|_| CheckError::Reader)?;
        chain.add_all(looked, report)?;
        for index in stray {
            let detail = "a record is stored where there is no header".to_owned();
            report.note("L-10", Some(EntryIndex(index)), Damage::Extra, detail);
        }
        (options.progress)(report.entries);
    }
    Ok(())
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
