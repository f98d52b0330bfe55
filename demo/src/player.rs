//! Playing the story: every act in order of arrival, sealed before the next is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use modeltrail_core::types::EntryIndex;
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_schemas::time::Micros;
use modeltrail_store::{Act as LedgerAct, AppendError, Appender, Ledger, WriterStatus};

use crate::account::{Account, Sent};
use crate::background::Plan;
use crate::clock::{Patience, SimulatedClock, Stop};
use crate::error::DemoError;
use crate::http::{HttpAnswer, HttpDelivery};
use crate::lanes::{FRAMING_BYTES, LaneId, Lanes};
use crate::log::{Log, Place};
use crate::story::{Act, Channel, Story, Wire};

/// A record is durable within milliseconds; the first check of the sources by the broker takes a few seconds at most.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one wait for the ledger takes: well under a seal.
const STEP: Duration = Duration::from_micros(500);
/// How long the broker may take to acknowledge what is queued.
const FLUSH: Duration = Duration::from_secs(30);
/// Background events between two looks at the producer's acknowledgements and at progress.
const LOOK_EVERY: u64 = 2_048;
/// Simulated time after the last act, by which duplicates that wait for an entry are written down; the ledger waits a second.
const SETTLE_MICROS: i64 = 2_000_000;

/// Everything that a play needs.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// What is played.
    pub story: &'a Story,
    /// The ledger's clock.
    pub clock: &'a SimulatedClock,
    /// Registers the producers.
    pub appender: &'a Appender,
    /// The ledger: new, its sources reading the story's topics.
    pub ledger: &'a Ledger,
    /// Writes to the embedded broker, on which nobody else does.
    pub kafka: &'a Producer,
    /// For the acts that come over HTTP.
    pub http: &'a dyn HttpDelivery,
    /// Ends the play early.
    pub stop: &'a Stop,
}

/// How far the play is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Acts played.
    pub acts: u64,
    /// Acts in all.
    pub of_acts: u64,
    /// Background events sent.
    pub events: u64,
    /// Background events in all.
    pub of_events: u64,
    /// The simulated time.
    pub at: Micros,
}

/// A play that came to its end: everything sent is durable.
#[derive(Debug, Clone)]
pub struct Played {
    /// The first entry that the play can have made.
    pub from: EntryIndex,
    /// What was sent.
    pub sent: Sent,
    /// Where each act went, by its label. A duplicate over HTTP is at the entry that it repeats.
    pub places: BTreeMap<String, Place>,
}

impl Played {
    /// What the log says of it.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub fn log(&self, ledger: &Ledger) -> Result<Log, DemoError> {
        Log::read(ledger.store().as_ref(), self.from, self.places.values().cloned())
    }

    /// Counts what was sent against the log.
    ///
    /// # Errors
    /// [`DemoError::Account`] names what differs.
    pub fn account(&self, log: &Log) -> Result<Account, DemoError> {
        Account::of(&self.sent, log)
    }
}

/// Plays the whole story with `events` background events, and waits until all of it is durable. `tell` hears of progress now
/// and then.
///
/// # Errors
/// [`DemoError`]: the ledger or the broker refuses or stalls, the ledger is not new, or the play was stopped.
pub fn play(stage: Stage<'_>, events: u64, tell: &mut dyn FnMut(Progress)) -> Result<Played, DemoError> {
    let from = EntryIndex(stage.ledger.head().size);
    let story = stage.story;
    let topics = story.sources().iter();
    let lanes = topics.flat_map(|source| (0..source.partitions).map(|partition| (source.topic.clone(), partition)));
    let progress =
        Progress { acts: 0, of_acts: story.acts().len() as u64, events: 0, of_events: events, at: story.start() };
    let mut player = Player {
        stage,
        lanes: Lanes::new(lanes),
        seen: 0,
        plan: story.background().plan(events),
        quiet: story.background().quiet_from(),
        sent: Sent::default(),
        places: BTreeMap::new(),
        progress,
        tell,
    };
    player.play()?;
    player.sent.kafka = player.lanes.counts();
    Ok(Played { from, sent: player.sent, places: player.places })
}

struct Player<'a, 't> {
    stage: Stage<'a>,
    lanes: Lanes,
    /// The size of the ledger at the last look at its positions.
    seen: u64,
    plan: Plan<'a>,
    /// Beginnings of quiet times that are still ahead.
    quiet: &'a [Micros],
    sent: Sent,
    places: BTreeMap<String, Place>,
    progress: Progress,
    tell: &'t mut dyn FnMut(Progress),
}

impl Player<'_, '_> {
    fn play(&mut self) -> Result<(), DemoError> {
        let story = self.stage.story;
        self.stage.clock.advance_to(story.start());
        self.wait_for_sources()?;
        for registration in story.registrations() {
            self.stage.appender.act_blocking(LedgerAct::RegisterProducer(registration.clone()))?;
        }
        for act in story.acts() {
            self.background(act.arrives)?;
            self.perform(act)?;
            self.progress.acts += 1;
            self.tell(act.arrives);
        }
        self.background(story.end())?;
        let settled = story.end().checked_add(SETTLE_MICROS).unwrap_or(Micros::MAX);
        self.stage.kafka.flush(FLUSH)?;
        self.stage.clock.advance_to(settled);
        self.drain()?;
        self.tell(settled);
        Ok(())
    }

    fn tell(&mut self, at: Micros) {
        self.progress.at = at;
        (self.tell)(self.progress);
    }

    /// Every partition is being read, from its beginning.
    fn wait_for_sources(&mut self) -> Result<(), DemoError> {
        let ids: Vec<LaneId> = self.lanes.ids().cloned().collect();
        self.wait(
            |_| "the sources to be opened".to_owned(),
            |player| {
                let rows = player.stage.ledger.positions()?;
                let mut open = 0;
                for row in rows.iter().filter(|row| !row.closed) {
                    if row.next > 0 {
                        let fault = format!("the ledger has read it up to position {} already", row.next);
                        return Err(DemoError::NotAlone { topic: row.source.clone(), partition: row.partition, fault });
                    }
                    open += usize::from(ids.iter().any(|id| *id.0 == row.source && id.1 == row.partition));
                }
                Ok(open == ids.len())
            },
        )
    }

    fn perform(&mut self, act: &Act) -> Result<(), DemoError> {
        let stage = self.stage;
        stage.clock.advance_to(act.arrives);
        let wire = stage.story.wire(act, stage.ledger.origin());
        if act.via == Channel::Http {
            return self.post(act, &wire);
        }
        let id = (act.topic.clone(), stage.story.partition(&act.topic, &act.key));
        let offset = self.send(&id, &act.key, &wire, act.at)?;
        let place = Place::Kafka { source: id.0.clone(), partition: id.1, offset };
        self.places.insert(act.label.clone(), place);
        // What repeats an entry refers to nothing new; its position is written down with the partition's next entry, or at the end.
        if act.repeats.is_some() {
            return Ok(());
        }
        self.wait(|_| format!("act {}", act.label), |player| Ok(player.lanes.has(&id, offset)))
    }

    fn post(&mut self, act: &Act, wire: &Wire) -> Result<(), DemoError> {
        let body = wire.body.as_deref().unwrap_or_default();
        let answer = self.stage.http.post(&act.label, wire.content_type().unwrap_or_default(), body)?;
        self.sent.http += 1;
        let index = match answer {
            HttpAnswer::Entry(index) => index,
            HttpAnswer::Duplicate(index) => {
                self.sent.http_duplicates += 1;
                index
            }
        };
        self.places.insert(act.label.clone(), Place::Http(index));
        Ok(())
    }

    /// Sends a record once its partition has room. Gives its position.
    fn send(&mut self, id: &LaneId, key: &str, wire: &Wire, at: Micros) -> Result<u64, DemoError> {
        let bytes = size(key, wire);
        if !self.lanes.has_room(id, bytes) {
            let what = |_: &Self| format!("room in topic {} partition {}", id.0, id.1);
            self.wait(what, |player| Ok(player.lanes.has_room(id, bytes)))?;
        }
        let headers = wire.kafka_headers();
        self.stage.kafka.send(Outgoing {
            topic: &id.0,
            partition: Some(id.1),
            key: Some(key.as_bytes()),
            headers: &headers,
            payload: wire.body.as_deref(),
            timestamp_ms: Some(at.as_micros().div_euclid(1_000)),
            tag: 0,
        })?;
        Ok(self.lanes.sent(id, bytes))
    }

    /// Sends the background events that happen until then. Before a topic falls quiet, everything sent has arrived.
    fn background(&mut self, until: Micros) -> Result<(), DemoError> {
        while let Some((quiet, rest)) = self.quiet.split_first().filter(|(quiet, _)| **quiet <= until) {
            self.events(*quiet)?;
            self.drain()?;
            self.quiet = rest;
        }
        self.events(until)
    }

    fn events(&mut self, until: Micros) -> Result<(), DemoError> {
        let stage = self.stage;
        while let Some(item) = self.plan.next_until(until) {
            stage.clock.advance_to(item.at);
            let id = (item.topic.to_owned(), stage.story.partition(item.topic, item.key));
            self.send(&id, item.key, &item.wire, item.at)?;
            self.progress.events += 1;
            if self.progress.events.is_multiple_of(LOOK_EVERY) {
                self.acknowledge()?;
                self.tell(item.at);
            }
        }
        Ok(())
    }

    /// Waits until everything sent is durable.
    fn drain(&mut self) -> Result<(), DemoError> {
        self.stage.kafka.flush(FLUSH)?;
        self.acknowledge()?;
        self.wait(|player| player.lanes.behind().unwrap_or_default(), |player| Ok(player.lanes.behind().is_none()))
    }

    fn acknowledge(&mut self) -> Result<(), DemoError> {
        self.stage.kafka.take_delivered().into_iter().try_for_each(|delivered| self.lanes.acknowledged(delivered))
    }

    /// Waits until something is so, as long as the ledger moves.
    fn wait(
        &mut self,
        what: impl Fn(&Self) -> String,
        mut so: impl FnMut(&mut Self) -> Result<bool, DemoError>,
    ) -> Result<(), DemoError> {
        let mut patience = Patience::new(PATIENCE);
        loop {
            if self.look()? {
                patience.renew();
            }
            if so(self)? {
                return Ok(());
            }
            if self.stage.stop.wait(STEP) {
                return Err(DemoError::Stopped);
            }
            if patience.is_over() {
                return Err(DemoError::Stalled { what: what(self), seconds: PATIENCE.as_secs() });
            }
        }
    }

    /// Looks at the durable positions, if the ledger grew. Whether anything moved.
    fn look(&mut self) -> Result<bool, DemoError> {
        let size = self.stage.ledger.head().size;
        if size == self.seen {
            return match self.stage.ledger.status() {
                WriterStatus::Poisoned { cause } => Err(AppendError::Poisoned { cause }.into()),
                WriterStatus::Stopped => Err(AppendError::Stopped.into()),
                _ => Ok(false),
            };
        }
        self.seen = size;
        for row in self.stage.ledger.positions()? {
            self.lanes.durable(&(row.source, row.partition), row.next)?;
        }
        Ok(true)
    }
}

/// What a record takes in the broker.
fn size(key: &str, wire: &Wire) -> usize {
    let headers: usize = wire.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    key.len() + headers + wire.body.as_ref().map_or(0, Vec::len) + FRAMING_BYTES
}
