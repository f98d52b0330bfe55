//! Giving a record its place: duplicate, conflict or entry.

use modeltrail_schemas::reading::{self, OwnContext, Quarantine, Reading, Role};
use modeltrail_schemas::record::Via;
use modeltrail_schemas::subject::Subject;
use modeltrail_schemas::time::Micros;

use super::overlay::IdRow;
use super::positions::PartitionId;
use super::{Sequencer, SequencerError};
use crate::derive;
use crate::header::{Content, EntryHeader, EventHead, Quarantined, Received, TrailStep, VERSION};
use crate::prepared::Prepared;
use crate::store::{SealedEntry, Store};
use crate::types::{EntryIndex, Hex32, SALT_BYTES};

/// From where a record comes.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// Over HTTP, from the bearer of this token.
    Http {
        /// The token's public id.
        producer: String,
    },
    /// From this position of a partition. Positions of a partition come in ascending order; those between are not delivered by the broker.
    Kafka {
        /// Source and partition.
        partition: PartitionId,
        /// The position.
        offset: u64,
        /// The leader epoch, −1 when unknown.
        leader_epoch: i32,
    },
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is this entry.
    Entry {
        /// Its index.
        index: EntryIndex,
        /// Why it is kept aside, if it is.
        quarantine: Option<(Quarantine, String)>,
        /// The admitted entry that a conflict collides with.
        conflict_of: Option<EntryIndex>,
    },
    /// It says what this entry already says.
    Duplicate {
        /// The first.
        of: EntryIndex,
        /// The first's record was erased, so that the contents could not be compared; this one's bytes are dropped.
        erased: bool,
    },
    /// Its position was covered before.
    Covered,
}

/// The steps of a header, and the subjects that found no room in it.
type Steps = (Vec<TrailStep>, Vec<(Role, Subject)>);

/// What the ids say of a record.
enum Standing {
    New,
    Duplicate { of: EntryIndex, erased: bool },
    Conflict { of: EntryIndex },
}

impl<S: Store> Sequencer<S> {
    /// Gives a record its place in the batch that is being built. It is durable only when that batch is.
    ///
    /// # Errors
    /// The store can't answer, or the partition is not open.
    pub fn admit(&mut self, record: Prepared, arrival: &Arrival) -> Result<Outcome, SequencerError> {
        if let Arrival::Kafka { partition, offset, .. } = arrival
            && *offset < self.partition(partition)?.cursor()
        {
            return Ok(Outcome::Covered);
        }
        match self.standing(&record)? {
            Standing::Duplicate { of, erased } => {
                if let Arrival::Kafka { partition, offset, leader_epoch } = arrival {
                    self.cover_duplicate(partition, *offset, *leader_epoch, of, erased)?;
                }
                Ok(Outcome::Duplicate { of, erased })
            }
            Standing::New => self.enter(record, arrival, None),
            Standing::Conflict { of } => self.enter(record, arrival, Some(of)),
        }
    }

    fn enter(
        &mut self,
        mut record: Prepared,
        arrival: &Arrival,
        conflict_of: Option<EntryIndex>,
    ) -> Result<Outcome, SequencerError> {
        if let Some(of) = conflict_of
            && record.reading.quarantine.is_none()
        {
            let detail = format!("entry {of} has this source and id with other content");
            record.reading.quarantine = Some((Quarantine::Conflict, detail));
        }
        let conflict_of = conflict_of.filter(|_| matches!(record.reading.quarantine, Some((Quarantine::Conflict, _))));
        let received = match arrival {
            Arrival::Http { producer } => {
                let at = self.tick()?;
                received(at, Via::Http, Some(producer.clone()))
            }
            Arrival::Kafka { partition, offset, leader_epoch } => {
                let (generation, skipped) = self.cover_entry(partition, *offset, *leader_epoch)?;
                let at = self.tick()?;
                Received {
                    generation: Some(generation),
                    offset: Some(*offset),
                    partition: Some(u64::from(partition.partition)),
                    skipped: (skipped > 0).then_some(skipped),
                    source: Some(partition.source.clone()),
                    ..received(at, Via::Kafka, None)
                }
            }
        };
        let quarantine = record.reading.quarantine.clone();
        let index = self.push(record, received, conflict_of)?;
        Ok(Outcome::Entry { index, quarantine, conflict_of })
    }

    fn standing(&self, record: &Prepared) -> Result<Standing, SequencerError> {
        let Some(hash) = &record.id else { return Ok(Standing::New) };
        let admissible = record.reading.quarantine.is_none();
        let (index, admitted, fingerprint) = match self.overlay.id(hash) {
            Some(row) => (row.index, row.admitted, Some(row.fingerprint)),
            None => match self.store.id(hash)? {
                Some(index) => self.stored_content(index)?,
                None => return Ok(Standing::New),
            },
        };
        Ok(match fingerprint {
            None => Standing::Duplicate { of: index, erased: true },
            Some(first) if first == record.reading.fingerprint => Standing::Duplicate { of: index, erased: false },
            // Whoever sends a corrected record under the id of one that was kept aside is heard.
            Some(_) if admitted && admissible => Standing::Conflict { of: index },
            Some(_) => Standing::New,
        })
    }

    /// Whether a stored entry was admitted, and what its event's content is; no content when it was erased.
    fn stored_content(&self, index: EntryIndex) -> Result<(EntryIndex, bool, Option<[u8; 32]>), SequencerError> {
        let contradiction = |what: String| SequencerError::Contradiction { what };
        let bytes = self
            .store
            .header(index)?
            .ok_or_else(|| contradiction(format!("an event id names entry {index}, which is missing")))?;
        let header = EntryHeader::parse(&bytes).map_err(|error| contradiction(format!("entry {index}: {error}")))?;
        let admitted = header.quarantine.is_none();
        let Some(opening) = self.store.opening(index)? else { return Ok((index, admitted, None)) };
        let via = Via::parse(&header.received.via)
            .ok_or_else(|| contradiction(format!("entry {index}: via {}", header.received.via)))?;
        let context = OwnContext { origin: &self.origin, received_at: Micros::EPOCH, index: Some(index.get()) };
        let record = opening.get(SALT_BYTES..).unwrap_or_default();
        let reading = reading::read_bytes(via, record, &context)
            .map_err(|error| contradiction(format!("record of entry {index}: {error}")))?;
        Ok((index, admitted, Some(reading.fingerprint)))
    }

    /// Numbers, links and hashes an entry into the batch. Subjects beyond a header's room follow at once, in the same batch.
    pub(super) fn push(
        &mut self,
        record: Prepared,
        received: Received,
        conflict_of: Option<EntryIndex>,
    ) -> Result<EntryIndex, SequencerError> {
        let index = EntryIndex(self.next);
        let Prepared { opening, mut reading, commitment, kept, id, .. } = record;
        let signers = derive::signers(&reading, &self.origin, &received, &self.book);
        let (trails, overflow) = self.steps(index, &mut reading, &received)?;
        let header = EntryHeader {
            content: Content {
                commitment,
                format: reading.format.as_str().to_owned(),
                kept: (!kept).then_some(false),
                reading: self.reading,
                size: (opening.len() - SALT_BYTES) as u64,
            },
            event: reading.event.as_ref().map(|event| EventHead {
                id: event.id.clone(),
                source: event.source.clone(),
                time: event.time.map(|time| time.to_string()),
                r#type: event.r#type.clone(),
            }),
            index,
            origin: self.origin.clone(),
            prev: self.prev,
            quarantine: reading
                .quarantine
                .as_ref()
                .map(|(reason, _)| Quarantined { of: conflict_of, reason: reason.as_str().to_owned() }),
            received,
            signers,
            trails,
            v: VERSION,
        };
        if let Some(hash) = id {
            self.remember(hash, index, &reading, conflict_of.is_some());
        }
        self.append(&header, kept.then_some(opening));
        self.push_overflow(index, overflow)?;
        Ok(index)
    }

    /// The id row of an entry. A conflict leaves the row to the entry it collides with; a quarantined entry does not take an admitted one's place.
    fn remember(&mut self, hash: [u8; 32], index: EntryIndex, reading: &Reading, conflict: bool) {
        let admitted = reading.quarantine.is_none();
        let known = self.overlay.id(&hash).map(|row| row.admitted);
        if conflict || (!admitted && (known == Some(true) || self.store.id(&hash).ok().flatten().is_some())) {
            return;
        }
        self.overlay.put_id(hash, IdRow { index, admitted, fingerprint: reading.fingerprint });
        self.batch.ids.push((hash, index));
    }

    fn append(&mut self, header: &EntryHeader, opening: Option<Vec<u8>>) {
        let bytes = header.to_bytes();
        let leaf = modeltrail_tlog::hash::leaf_hash(&bytes);
        self.edge.append(leaf, &mut self.batch.tiles);
        self.prev = Hex32(*leaf.as_bytes());
        self.batch_bytes += bytes.len() + opening.as_ref().map_or(0, Vec::len);
        self.batch.entries.push(SealedEntry { header: bytes, opening });
        self.next += 1;
    }

    /// The trail steps of an entry, and the subjects that find no room in its header.
    fn steps(
        &mut self,
        index: EntryIndex,
        reading: &mut Reading,
        received: &Received,
    ) -> Result<Steps, SequencerError> {
        let trails = std::mem::take(&mut reading.trails);
        let (first, further) = derive::split(&trails);
        let overflow = further.into_iter().cloned().collect();
        if first.is_empty() {
            let step = self.step(index, Role::About, received.source_trail())?;
            return Ok((vec![step], overflow));
        }
        let steps = first
            .into_iter()
            .map(|(role, subject)| self.step(index, *role, subject.as_str().to_owned()))
            .collect::<Result<_, _>>()?;
        Ok((steps, overflow))
    }

    fn step(&mut self, index: EntryIndex, role: Role, subject: String) -> Result<TrailStep, SequencerError> {
        let head = self.overlay.head(self.store.as_ref(), &subject)?;
        let (n, prev) = head.map_or((0, None), |(n, prev)| (n + 1, Some(prev)));
        self.overlay.put_head(subject.clone(), (n, index));
        self.batch.trails.push((subject.clone(), n, index));
        Ok(TrailStep { n, prev, role: role.as_str().to_owned(), subject })
    }
}

pub(super) fn received(at: Micros, via: Via, producer: Option<String>) -> Received {
    Received {
        at: at.to_string(),
        generation: None,
        offset: None,
        partition: None,
        producer,
        skipped: None,
        source: None,
        via: via.as_str().to_owned(),
    }
}
