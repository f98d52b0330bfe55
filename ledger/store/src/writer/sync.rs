//! The thread that makes batches durable, publishes them and answers.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use modeltrail_core::store::Store;

use super::Appended;
use super::queue::Queue;
use super::sequence::{Sealed, Waiting};
use crate::clock;
use crate::error::AppendError;
use crate::failpoint;
use crate::ledger::{Head, Ledger, WriterStatus};

pub(super) struct Syncer {
    ledger: Arc<Ledger>,
    queue: Arc<Queue>,
}

impl Syncer {
    pub(super) fn new(ledger: Arc<Ledger>, queue: Arc<Queue>) -> Self {
        Self { ledger, queue }
    }

    pub(super) fn run(self, batches: &Receiver<Sealed>) {
        for sealed in batches {
            let refusal = match self.ledger.status() {
                // An earlier batch may or may not be on disk: nothing may be written on top of it.
                WriterStatus::Poisoned { cause } => Some(AppendError::Poisoned { cause }),
                _ => None,
            };
            match refusal {
                Some(refusal) => refuse(sealed.replies, &refusal),
                None => self.seal(sealed),
            }
        }
        self.queue.set_ended();
    }

    fn seal(&self, sealed: Sealed) {
        let started = clock::now();
        let (size, entries) = (sealed.batch.size, sealed.batch.entries.len() as u64);
        failpoint::hit("seal.before_write");
        // Point of no return. A crash before this line forgets the batch whole, and nobody was told of it; a crash behind it leaves the batch whole, and producers
        // that were not answered send again and get duplicates. An error leaves it unknown which of both happened, so nothing is written after one.
        if let Err(error) = self.ledger.store().seal(&sealed.batch) {
            self.ledger.poison(error.to_string());
            refuse(sealed.replies, &AppendError::Poisoned { cause: error.to_string() });
            self.queue.sync_ended(0, 0, started.elapsed());
            return;
        }
        failpoint::hit("seal.after_write");
        let note: Arc<str> = sealed.batch.checkpoint.into();
        let root = sealed.edge.root();
        let head = Head {
            size,
            root,
            note: Arc::clone(&note),
            edge: sealed.edge,
            keys: sealed.keys,
            book: sealed.book,
            signer: Some(sealed.signer),
        };
        self.ledger.publish(head, sealed.keep);
        self.queue.sync_ended(size, entries, started.elapsed());
        failpoint::hit("seal.before_reply");
        for Waiting { outcome, reply, .. } in sealed.replies {
            reply(Ok(Appended { outcome, size, checkpoint: Arc::clone(&note) }));
        }
    }
}

fn refuse(replies: Vec<Waiting>, refusal: &AppendError) {
    replies.into_iter().for_each(|waiting| (waiting.reply)(Err(refusal.clone())));
}
