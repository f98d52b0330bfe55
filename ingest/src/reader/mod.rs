//! The thread that reads one cluster: it polls, accepts, prepares and hands over, and carries out what checks and operators decide.
//!
//! It never waits for a broker ([`crate::prober`] does). It waits for the writer only in short steps, and holds at most one batch that the writer has
//! no room for: then its partitions are paused, polling goes on, and what is delivered all the same is dropped and read again later. Positions move
//! only in [`crate::accept`].

mod checks;
mod deliver;
mod group;
mod lane;
mod rebase;
mod sources;
mod take;
mod verdicts;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex};

use modeltrail_store::Act;

use crate::client::KafkaClient;
use crate::config::{IngestConfig, Properties, SourceConfig};
use crate::error::IngestError;
use crate::prepare::Rules;
use crate::prober::{Job, Report};
use crate::sink::Sink;
use crate::status::SourceStatus;
use crate::timing::{Duration, Instant, now};

use deliver::Outbox;
use lane::{Source, State};
pub(crate) use rebase::Command;
pub use rebase::RebaseTo;

/// How long one poll waits when nothing is there: the longest that a note or a stop waits too.
const POLL_WAIT: Duration = Duration::from_millis(50);
/// Messages taken in one go before notes and timers are looked at.
const BURST: usize = 2_048;
const STATUS_EVERY: Duration = Duration::from_millis(250);
/// Watermarks between two checks, for the lag that is shown and for the watchdog.
const MARKS_EVERY: Duration = Duration::from_secs(5);
/// At most one commit a second, and one a day though nothing changed: brokers forget groups that are silent for a week.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
const COMMIT_AT_LEAST: Duration = Duration::from_secs(86_400);
/// After so long without progress although there are records, the client is made anew.
const WATCHDOG: Duration = Duration::from_secs(60);

/// What reaches the reader from outside its own polling.
pub(crate) enum Note {
    /// An answer of the brokers.
    Report(Report),
    /// An operator's command.
    Command(Command),
}

/// What the reader shows.
pub(crate) type Board = Arc<Mutex<Vec<SourceStatus>>>;

/// What a reader is made of.
pub(crate) struct Parts {
    pub(crate) properties: Properties,
    pub(crate) group: String,
    pub(crate) sources: Vec<SourceConfig>,
    pub(crate) config: IngestConfig,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) jobs: Sender<Job>,
    pub(crate) notes: Receiver<Note>,
    pub(crate) board: Board,
    pub(crate) stop: Arc<AtomicBool>,
}

/// Reads one cluster.
pub(crate) struct Reader {
    properties: Properties,
    group: String,
    client: Arc<KafkaClient>,
    sources: Vec<Source>,
    rules: Rules,
    check_every: Duration,
    sink: Arc<dyn Sink>,
    jobs: Sender<Job>,
    notes: Receiver<Note>,
    board: Board,
    stop: Arc<AtomicBool>,
    outbox: Outbox,
    rebase: Option<rebase::Pending>,
    /// Our place in the consumer group, where it says what is read.
    session: Option<group::Session>,
    /// Set while the writer has no room: the partitions whose sending was stopped.
    paused: Option<Vec<(String, u32)>>,
    /// Sizes and times of the last commit.
    committed: Option<(u64, Instant)>,
    commit_under_way: bool,
    commit_due: Instant,
    marks_due: Instant,
    shown_at: Instant,
    made_anew: Instant,
}

impl Reader {
    /// Reads the sources' rows; the brokers are asked once it runs.
    pub(crate) fn new(parts: Parts) -> Result<Self, IngestError> {
        let Parts { properties, group, sources: configured, config, sink, jobs, notes, board, stop } = parts;
        let client = Arc::new(KafkaClient::new(&properties, &group)?);
        let ledger = |detail| IngestError::Ledger { detail };
        let at = now();
        let rows = sink.positions().map_err(ledger)?;
        let sources = configured
            .iter()
            .cloned()
            .map(|source| {
                let own = rows.iter().filter(|row| row.source == source.name).cloned().collect();
                let policy = sink.cleanup_policy(&source.name).map_err(ledger)?;
                Ok(Source::new(source, own, policy, config.quarantine_bytes_per_day, at))
            })
            .collect::<Result<_, IngestError>>()?;
        let session = group::Session::of(&properties, &group, sink.origin(), &configured)?;
        let rules = Rules { origin: sink.origin().to_owned(), record_limit: config.record_limit };
        let check_every = config.check_every();
        let reader = Self {
            properties,
            group,
            client,
            sources,
            rules,
            check_every,
            sink,
            jobs,
            notes,
            board,
            stop,
            outbox: Outbox::default(),
            rebase: None,
            session,
            paused: None,
            committed: None,
            commit_under_way: false,
            commit_due: at,
            marks_due: at + MARKS_EVERY,
            shown_at: at,
            made_anew: at,
        };
        reader.show();
        Ok(reader)
    }

    /// Works until the stop.
    pub(crate) fn run(mut self) {
        while !self.stopping() {
            self.read_notes();
            self.tick(now());
            if self.deliver() {
                self.resume();
                self.read_some();
            } else {
                self.wait_for_room();
            }
        }
        // What the writer doesn't take now is read again after the next start.
        self.deliver();
        self.leave_group();
        self.show();
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn read_notes(&mut self) {
        loop {
            match self.notes.try_recv() {
                Ok(note) => self.read_note(note),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.stop.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
    }

    fn read_note(&mut self, note: Note) {
        match note {
            Note::Report(Report::Identity { source, check, seen }) => self.checked(source, check, seen),
            Note::Report(Report::Marks { source, marks }) => self.marked(source, marks),
            Note::Report(Report::Commit(done)) => self.committed(done),
            Note::Command(command) => self.command(command),
        }
    }

    /// Looks at everything that is due.
    fn tick(&mut self, at: Instant) {
        self.client.words().listen();
        self.attend_group(at);
        self.ask_checks(at);
        if at >= self.marks_due {
            self.marks_due = at + MARKS_EVERY;
            self.ask_marks();
            self.watch(at);
        }
        if at >= self.commit_due && !self.commit_under_way {
            self.commit_due = at + COMMIT_EVERY;
            self.ask_commit(at);
        }
        let since = at.duration_since(self.shown_at);
        if since >= STATUS_EVERY {
            self.shown_at = at;
            self.look_for_missing(at);
            self.sources.iter_mut().flat_map(|source| source.lanes.values_mut()).for_each(|lane| lane.measure(since));
            self.show();
        }
    }

    fn show(&self) {
        let statuses =
            self.sources.iter().map(|source| source.status(self.client.servers(), self.paused.is_some())).collect();
        if let Ok(mut board) = self.board.lock() {
            *board = statuses;
        }
    }

    /// Takes what is there, up to a burst, and gives a full batch to the writer on the way.
    fn read_some(&mut self) {
        let client = Arc::clone(&self.client);
        let mut wait = POLL_WAIT;
        let at = self.sink.now();
        for _ in 0..BURST {
            let Some(polled) = client.poll(wait) else { break };
            wait = Duration::ZERO;
            modeltrail_store::failpoint::hit("ingest.polled");
            self.polled(&polled, at);
            if self.outbox.full() && !self.deliver() {
                break;
            }
        }
    }

    /// The writer has no room: waits a moment, and after some time stops the brokers from sending more.
    fn wait_for_room(&mut self) {
        if self.paused.is_some() {
            return self.stay_alive(POLL_WAIT);
        }
        if self.outbox.stalled_for(now()) >= deliver::PATIENCE {
            self.pause();
            return;
        }
        match self.notes.recv_timeout(deliver::STEP) {
            Ok(note) => self.read_note(note),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.stop.store(true, Ordering::Relaxed),
        }
    }

    /// Polls while nothing can be taken, so that brokers and group know that we live.
    fn stay_alive(&mut self, wait: Duration) {
        let client = Arc::clone(&self.client);
        if let Some(polled) = client.poll(wait) {
            self.polled_while_paused(&polled);
        }
        self.attend_group(now());
    }

    fn reading(&self) -> Vec<(String, u32)> {
        let of = |source: &Source| -> Vec<(String, u32)> {
            let reading = source.lanes.values().filter(|lane| lane.state == State::Reading);
            reading.map(|lane| (source.config.topic.clone(), lane.id.partition)).collect()
        };
        self.sources.iter().flat_map(of).collect()
    }

    /// Hands an act over behind everything accepted so far and waits until it is durable. `Err`: it was refused, or a stop came first.
    fn act(&mut self, act: Act) -> Result<u64, String> {
        if !self.deliver() {
            return Err("the writer has no room".to_owned());
        }
        let answer = self.sink.act(act);
        let asked = now();
        loop {
            match answer.recv_timeout(POLL_WAIT) {
                Ok(done) => return done.map_err(|error| error.to_string()),
                Err(RecvTimeoutError::Timeout) if !self.stopping() => {
                    if now().duration_since(asked) >= deliver::PATIENCE {
                        self.pause();
                        self.stay_alive(Duration::ZERO);
                    }
                }
                Err(_) => return Err("ingest is stopping".to_owned()),
            }
        }
    }

    /// Throws the client away and begins again from the positions. The old one is dropped elsewhere: that can take a while when it is stuck.
    fn make_anew(&mut self, at: Instant, why: &str) {
        tracing::warn!(servers = self.client.servers(), why, "the Kafka client is made anew");
        self.made_anew = at;
        let fresh = match KafkaClient::new(&self.properties, &self.group) {
            Ok(fresh) => Arc::new(fresh),
            Err(error) => return tracing::error!("{error}"),
        };
        let old = std::mem::replace(&mut self.client, fresh);
        if let Some(paused) = &mut self.paused {
            paused.clear();
        }
        let dropping = std::thread::Builder::new().name("modeltrail-kafka-drop".to_owned()).spawn(move || drop(old));
        if let Err(error) = dropping {
            tracing::error!("no thread to drop a Kafka client: {error}");
        }
        for source in &mut self.sources {
            let reading: Vec<u32> = source
                .lanes
                .values()
                .filter(|lane| lane.state == State::Reading)
                .map(|lane| lane.id.partition)
                .collect();
            reading.into_iter().for_each(|partition| source.wait(partition, at));
        }
    }
}
