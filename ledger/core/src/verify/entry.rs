//! What can be checked of one line of `entries.jsonl` by itself, in any order and on any thread.

use modeltrail_schemas::json;
use modeltrail_schemas::reading::{self, OwnContext, READING, Reading, Role};
use modeltrail_schemas::record::{RecordView, Via};
use modeltrail_tlog::hash::{LeafHash, leaf_hash};
use serde_json::Value;

use super::inclusion::Inclusion;
use super::report::Aspect;
use crate::bundle::lines::{Absent, EntryLine, Opening};
use crate::derive;
use crate::header::{EntryHeader, HeaderError, Signer};
use crate::keys::KeyBook;
use crate::types::{Commitment, SALT_BYTES};

/// An entry whose header could be read.
pub(super) struct Entry {
    pub(super) line: u64,
    pub(super) header: EntryHeader,
    pub(super) leaf: LeafHash,
    pub(super) absent: Option<Absent>,
    /// What is needed of the record, where it is there and can be read.
    pub(super) said: Option<Said>,
    /// Subjects that found no room in the header.
    pub(super) further: Vec<(Role, String)>,
    /// `signers` as the producers' keys of `book_version` give them.
    pub(super) signers: Vec<Signer>,
    pub(super) book_version: u64,
    pub(super) faults: Vec<(Aspect, String)>,
    /// Where the header says something else than the record by the published table.
    pub(super) differences: Vec<String>,
    pub(super) open: Vec<String>,
}

/// What the rest of the work needs of a record. All else is dropped at once, while its memory is still at hand.
pub(super) struct Said {
    /// The fingerprint of its content.
    pub(super) content: [u8; 32],
    /// The data of the ledger's own event.
    pub(super) data: Option<Value>,
    /// The whole reading, where signatures may have to be judged again.
    pub(super) signed: Option<Box<Reading>>,
}

/// What became of a line.
pub(super) enum Line {
    Entry(Box<Entry>),
    /// No entry at all.
    Fault {
        line: u64,
        what: String,
    },
    /// Of a later format version.
    Later {
        line: u64,
        what: String,
    },
}

/// What one worker checks lines with.
pub(super) struct Checker<'a> {
    origin: &'a str,
    tree_size: u64,
    inclusion: Inclusion,
    /// The memory of the line before.
    line: EntryLine,
}

impl<'a> Checker<'a> {
    pub(super) fn new(origin: &'a str, tree_size: u64, inclusion: Inclusion) -> Self {
        Self { origin, tree_size, inclusion, line: EntryLine::empty() }
    }

    /// Checks a line, with the producers' keys as some entry before it left them.
    pub(super) fn check(&mut self, number: u64, bytes: &[u8], book: &KeyBook, book_version: u64) -> Line {
        let mut line = std::mem::replace(&mut self.line, EntryLine::empty());
        let checked = self.check_into(&mut line, number, bytes, book, book_version);
        self.line = line;
        checked
    }

    fn check_into(
        &mut self,
        line: &mut EntryLine,
        number: u64,
        bytes: &[u8],
        book: &KeyBook,
        book_version: u64,
    ) -> Line {
        let refuse = |what: String| Line::Fault { line: number, what };
        if let Err(fault) = line.read(bytes) {
            return refuse(fault.to_string());
        }
        let header = match EntryHeader::parse(&line.header) {
            Ok(header) => header,
            Err(error @ HeaderError::Version { .. }) => return Line::Later { line: number, what: error.to_string() },
            Err(error) => return refuse(error.to_string()),
        };
        let leaf = leaf_hash(&line.header);
        let mut entry = Entry {
            line: number,
            leaf,
            absent: None,
            said: None,
            further: Vec::new(),
            signers: Vec::new(),
            book_version,
            faults: Vec::new(),
            differences: Vec::new(),
            open: Vec::new(),
            header,
        };
        self.place(&mut entry, line);
        self.content(&mut entry, &line.opening, book);
        Line::Entry(Box::new(entry))
    }

    fn place(&mut self, entry: &mut Entry, line: &EntryLine) {
        let index = entry.header.index.get();
        if entry.header.origin != self.origin {
            entry.fault(format!(
                "header is of the ledger {:?}, the bundle is of {:?}",
                entry.header.origin, self.origin
            ));
        }
        if index >= self.tree_size {
            entry.fault(format!("index is not below the tree size {}", self.tree_size));
        } else if let Err(error) = self.inclusion.check(&entry.leaf, index, &line.proof) {
            // An entry that is not at its place breaks what is in the log as well as its order.
            let what = format!("header is not in the tree at its index: {error}");
            entry.faults.push((Aspect::Order, what.clone()));
            entry.fault(what);
        }
        if let Err(fault) = derive::check_alone(&entry.header) {
            entry.fault(format!("header {fault}"));
        }
    }

    fn content(&self, entry: &mut Entry, opening: &Opening, book: &KeyBook) {
        let not_kept = entry.header.content.kept == Some(false);
        match opening {
            Opening::Absent(absent) => {
                entry.absent = Some(*absent);
                if not_kept != (*absent == Absent::NotKept) {
                    entry.fault(format!("record is said to be {}, which does not fit content.kept", absent.as_str()));
                }
                if entry.header.received.via == Via::Ledger.as_str() {
                    entry.fault("record is absent, but the ledger's own records never are".to_owned());
                }
            }
            Opening::Kept(_) if not_kept => entry.fault("record is there, but content.kept is false".to_owned()),
            Opening::Kept(opening) => self.record(entry, opening, book),
        }
    }

    fn record(&self, entry: &mut Entry, opening: &[u8], book: &KeyBook) {
        let record = opening.get(SALT_BYTES..).unwrap_or_default();
        if Commitment::of(opening) != entry.header.content.commitment {
            return entry.fault("salt and record do not open the commitment: one of the three was changed".to_owned());
        }
        if record.len() as u64 != entry.header.content.size {
            return entry.fault(format!(
                "record has {} bytes, content.size says {}",
                record.len(),
                entry.header.content.size
            ));
        }
        if entry.header.content.reading != u64::from(READING) {
            return entry.open.push(format!("reading {} is not known to this program", entry.header.content.reading));
        }
        match self.read(entry, record) {
            Ok(reading) => self.derive(entry, reading, book),
            Err(what) => entry.fault(what),
        }
    }

    fn read(&self, entry: &Entry, record: &[u8]) -> Result<Reading, String> {
        let received = &entry.header.received;
        // A header that parsed has one of the three words and a time.
        let via = Via::parse(&received.via).ok_or("received.via is unknown")?;
        let received_at = derive::received_at(received).ok_or("received.at is no time")?;
        let view = RecordView::decode(record).map_err(|error| error.to_string())?;
        view.check_via(via).map_err(|error| error.to_string())?;
        if via == Via::Ledger && !json::is_canonical(view.body()) {
            return Err("the body of the ledger's own record is not canonical JSON".to_owned());
        }
        let own = OwnContext { origin: self.origin, received_at, index: Some(entry.header.index.get()) };
        Ok(reading::read_view(via, &view, &own))
    }

    fn derive(&self, entry: &mut Entry, mut reading: Reading, book: &KeyBook) {
        entry.signers = derive::signers(&reading, self.origin, &entry.header.received, book);
        if !derive::agrees(&reading, &entry.header) {
            // The signers are compared when all keys registered before are known; here they are taken as found.
            let expected = derive::expected(&reading, &entry.header.received, entry.header.signers.clone());
            entry.differences = expected.differences(&entry.header).iter().map(ToString::to_string).collect();
            entry.further = expected.further;
        }
        let own = entry.header.received.via == Via::Ledger.as_str();
        let (content, data) = (reading.fingerprint, reading.data.take().filter(|_| own));
        let signed = (!reading.signatures.is_empty()).then(|| Box::new(reading));
        entry.said = Some(Said { content, data, signed });
    }
}

impl Entry {
    fn fault(&mut self, what: String) {
        self.faults.push((Aspect::Integrity, what));
    }
}
