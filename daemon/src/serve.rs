//! `serve`: opens the ledger, starts the sources and the API, waits for a signal, stops in the reverse order.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use modeltrail_core::sequencer::Rotation;
use modeltrail_ingest::{Ingest, IngestConfig, IngestError, LedgerSink, RebaseTo, Sink, WitnessVerdict, check_witness};
use modeltrail_store::files::{read_small, replace};
use modeltrail_store::{Appended, Appender, Data, OpenOptions, Opened, open};
use modeltrail_web::{Admin, AdminError, AppState, Hosts, Limits, Position, Running, SourceStatus, TokenHash};
use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::config::Config;
use crate::{Ended, SOFTWARE, acts, clock};

/// How often Kafka is asked again for its witness while it can't be reached.
const WITNESS_EVERY: Duration = Duration::from_secs(2);

pub(crate) fn check_config(config: &Config) -> Result<Ended> {
    println!("{config:#?}");
    Ok(Ended::Done)
}

pub(crate) fn serve(config: &Config, read_only: bool) -> Result<Ended> {
    let data = config.data();
    let options = OpenOptions { read_only, reserve_bytes: config.ledger.reserve_bytes, ..OpenOptions::new(clock::system(), SOFTWARE) };
    let opened = open(&data, OpenOptions { clock: Box::new(clock::for_ledger), ..options })?;
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("signals can't be caught")?;
    let sources = Arc::new(Sources::default());
    if let Some(appender) = opened.appender() {
        sources.start(&config.ingest, appender, &opened)?;
    }
    let listener = TcpListener::bind(config.http.listen).with_context(|| format!("can't listen on {}", config.http.listen))?;
    let running = web(config, &data, &opened, &sources, listener)?;
    announce(&data, running.address());
    println!("modeltraild serves {} at http://{}", opened.ledger.origin(), running.address());
    signals.forever().next();
    tracing::info!("stopping");
    sources.stop();
    running.stop()?;
    drop(sources);
    opened.stop();
    Ok(Ended::Done)
}

/// Leaves word of where this daemon answers. Without it commands fall back on the configured address.
pub(crate) fn announce(data: &Data, address: SocketAddr) {
    if let Err(error) = replace(&data.url_file(), format!("http://{address}\n").as_bytes()) {
        tracing::warn!(%error, "could not note where this daemon answers");
    }
}

/// Starts the API.
pub(crate) fn web(config: &Config, data: &Data, opened: &Opened, sources: &Arc<Sources>, listener: TcpListener) -> Result<Running> {
    let token = read_small(&data.admin_token()).with_context(|| format!("can't read {}", data.admin_token().display()))?;
    let state = AppState::new(modeltrail_web::Config {
        ledger: Arc::clone(&opened.ledger),
        appender: opened.appender(),
        sources: Arc::clone(sources) as Arc<dyn SourceStatus>,
        admin: Arc::new(Acts { data: data.clone(), appender: opened.appender(), sources: Arc::clone(sources) }),
        admin_token: token.map(|token| TokenHash::of(token.trim())),
        limits: Limits { record_bytes: config.ingest.record_limit, ..Limits::default() },
        hosts: Hosts::new(config.http.hosts.clone()),
        scratch: std::env::temp_dir(),
    });
    modeltrail_web::start(listener, state, config.http.workers).context("the API can't be started")
}

/// A free port from `address` on: the demo moves on from a taken one.
pub(crate) fn bind_from(address: SocketAddr) -> Result<TcpListener> {
    let ports = (address.port()..=u16::MAX).take(100);
    let bound = ports.map(|port| TcpListener::bind(SocketAddr::new(address.ip(), port))).find_map(Result::ok);
    bound.with_context(|| format!("no port from {} on is free", address.port()))
}

/// The running sources, once the witness has been asked.
#[derive(Default)]
pub(crate) struct Sources {
    ingest: Mutex<Option<Ingest>>,
}

impl Sources {
    fn ingest(&self) -> std::sync::MutexGuard<'_, Option<Ingest>> {
        self.ingest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks Kafka what it knows of this ledger, then reads. A mismatch refuses the start; a cluster that does not answer is waited for.
    pub(crate) fn start(self: &Arc<Self>, config: &IngestConfig, appender: Appender, opened: &Opened) -> Result<()> {
        let sink: Arc<dyn Sink> = Arc::new(LedgerSink::new(appender, Arc::clone(&opened.ledger), Arc::clone(&opened.clock)));
        match check_witness(config, sink.as_ref())? {
            WitnessVerdict::Absent | WitnessVerdict::Agrees { .. } => *self.ingest() = Some(Ingest::start(config, &sink)?),
            WitnessVerdict::Mismatch(mismatch) => bail!("{mismatch}"),
            WitnessVerdict::Unreachable { cluster, detail } => {
                tracing::warn!(cluster, detail, "Kafka does not answer; its witness is asked again until it does, and nothing is read before");
                let (sources, config, ledger) = (Arc::downgrade(self), config.clone(), Arc::clone(&opened.ledger));
                std::thread::Builder::new().name("mt-witness".to_owned()).spawn(move || {
                    while let Some(sources) = sources.upgrade() {
                        if sources.try_again(&config, &sink, &ledger) {
                            return;
                        }
                        drop(sources);
                        std::thread::sleep(WITNESS_EVERY);
                    }
                })?;
            }
        }
        Ok(())
    }

    /// Whether there is nothing left to try.
    fn try_again(&self, config: &IngestConfig, sink: &Arc<dyn Sink>, ledger: &modeltrail_store::Ledger) -> bool {
        let verdict = check_witness(config, sink.as_ref());
        match verdict {
            Ok(WitnessVerdict::Unreachable { .. }) => return false,
            Ok(WitnessVerdict::Mismatch(mismatch)) => ledger.poison(mismatch.to_string()),
            Ok(WitnessVerdict::Absent | WitnessVerdict::Agrees { .. }) => match Ingest::start(config, sink) {
                Ok(ingest) => *self.ingest() = Some(ingest),
                Err(error) => tracing::error!(%error, "sources can't be started"),
            },
            Err(error) => tracing::error!(%error, "Kafka's witness can't be read"),
        }
        true
    }

    pub(crate) fn stop(&self) {
        if let Some(ingest) = self.ingest().take() {
            ingest.shutdown();
        }
    }

    fn rebase(&self, source: &str, partition: u32, to: RebaseTo) -> Result<u64, AdminError> {
        let guard = self.ingest();
        let ingest = guard.as_ref().ok_or_else(|| AdminError::Unavailable { why: "no source is being read yet: Kafka does not answer".to_owned() })?;
        ingest.rebase(source, partition, to).map_err(|error| match error {
            IngestError::Partition { .. } => AdminError::Refused { why: error.to_string() },
            other => AdminError::Unavailable { why: other.to_string() },
        })
    }
}

impl SourceStatus for Sources {
    fn sources(&self) -> Vec<Value> {
        let guard = self.ingest();
        let status = guard.as_ref().map(Ingest::status).unwrap_or_default();
        status.into_iter().filter_map(|source| serde_json::to_value(source).ok()).collect()
    }
}

/// Acts that need the data directory or the sources.
struct Acts {
    data: Data,
    appender: Option<Appender>,
    sources: Arc<Sources>,
}

impl Admin for Acts {
    fn rotate_keys(&self, why: Rotation) -> Result<Appended, AdminError> {
        let appender = self.appender.as_ref().ok_or_else(|| AdminError::Unavailable { why: "the ledger is open for reading only".to_owned() })?;
        acts::rotate_here(appender, &self.data, why).map_err(|error| AdminError::Unavailable { why: format!("{error:#}") })
    }

    fn rebase(&self, source: &str, partition: u32, to: Position) -> Result<Appended, AdminError> {
        let to = match to {
            Position::At(position) => RebaseTo::Position(position),
            Position::Earliest => RebaseTo::Earliest,
            Position::Latest => RebaseTo::Latest,
        };
        let index = self.sources.rebase(source, partition, to)?;
        let appender = self.appender.as_ref().ok_or_else(|| AdminError::Unavailable { why: "the ledger is open for reading only".to_owned() })?;
        let head = appender.ledger().published();
        let outcome = modeltrail_core::sequencer::Outcome::Entry { index: modeltrail_core::types::EntryIndex(index), quarantine: None, conflict_of: None };
        Ok(Appended { outcome, size: head.size, checkpoint: Arc::clone(&head.note) })
    }
}

