//! `serve`: opens the ledger, starts the sources and the API, waits for a signal, stops in the reverse order.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use modeltrail_core::sequencer::Rotation;
use modeltrail_ingest::{Ingest, IngestConfig, IngestError, LedgerSink, RebaseTo, Sink};
use modeltrail_store::files::{read_small, replace};
use modeltrail_store::{Appended, Appender, Data, OpenOptions, Opened, Views, open};
use modeltrail_web::{Admin, AdminError, AppState, Hosts, Limits, Position, Running, SourceStatus, TokenHash};
use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::config::Config;
use crate::{Ended, SOFTWARE, acts, clock, witness};

pub(crate) fn check_config(config: &Config) -> Result<Ended> {
    println!("{config:#?}");
    Ok(Ended::Done)
}

pub(crate) fn serve(config: &Config, read_only: bool) -> Result<Ended> {
    let data = config.data();
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("signals can't be caught")?;
    let listener =
        TcpListener::bind(config.http.listen).with_context(|| format!("can't listen on {}", config.http.listen))?;
    if !read_only && !witness::ask(config, &listener, &mut signals)? {
        return Ok(Ended::Done);
    }
    let clock = Box::new(clock::for_ledger);
    let options =
        OpenOptions { clock, read_only, software: SOFTWARE.to_owned(), reserve_bytes: config.ledger.reserve_bytes };
    let opened = open(&data, options)?;
    let views = Views::start(&opened);
    let sources = Arc::new(Sources::default());
    if let Some(appender) = opened.appender() {
        sources.start(&config.ingest, appender, &opened)?;
    }
    let running = web(config, &data, &opened, &views, &sources, listener)?;
    if !read_only {
        announce(&data, running.address());
    }
    println!("modeltraild serves {} at http://{}", opened.ledger.origin(), running.address());
    signals.forever().next();
    tracing::info!("stopping");
    sources.stop();
    running.stop()?;
    drop(sources);
    views.stop();
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
pub(crate) fn web(
    config: &Config,
    data: &Data,
    opened: &Opened,
    views: &Views,
    sources: &Arc<Sources>,
    listener: TcpListener,
) -> Result<Running> {
    let token =
        read_small(&data.admin_token()).with_context(|| format!("can't read {}", data.admin_token().display()))?;
    let state = AppState::new(modeltrail_web::Config {
        ledger: Arc::clone(&opened.ledger),
        appender: opened.appender(),
        views: views.handle(),
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

/// The running sources.
#[derive(Default)]
pub(crate) struct Sources {
    ingest: Mutex<Option<Ingest>>,
}

impl Sources {
    fn ingest(&self) -> MutexGuard<'_, Option<Ingest>> {
        self.ingest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn start(&self, config: &IngestConfig, appender: Appender, opened: &Opened) -> Result<()> {
        let sink: Arc<dyn Sink> =
            Arc::new(LedgerSink::new(appender, Arc::clone(&opened.ledger), Arc::clone(&opened.clock)));
        *self.ingest() = Some(Ingest::start(config, &sink)?);
        Ok(())
    }

    pub(crate) fn stop(&self) {
        if let Some(ingest) = self.ingest().take() {
            ingest.shutdown();
        }
    }

    fn rebase(&self, source: &str, partition: u32, to: RebaseTo) -> Result<u64, AdminError> {
        let guard = self.ingest();
        let ingest = guard.as_ref().ok_or_else(|| AdminError::Unavailable {
            why: "no source is being read yet: Kafka does not answer".to_owned(),
        })?;
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
        let appender = self
            .appender
            .as_ref()
            .ok_or_else(|| AdminError::Unavailable { why: "the ledger is open for reading only".to_owned() })?;
        acts::rotate_here(appender, &self.data, why)
            .map_err(|error| AdminError::Unavailable { why: format!("{error:#}") })
    }

    fn rebase(&self, source: &str, partition: u32, to: Position) -> Result<Appended, AdminError> {
        let to = match to {
            Position::At(position) => RebaseTo::Position(position),
            Position::Earliest => RebaseTo::Earliest,
            Position::Latest => RebaseTo::Latest,
        };
        let index = self.sources.rebase(source, partition, to)?;
        let appender = self
            .appender
            .as_ref()
            .ok_or_else(|| AdminError::Unavailable { why: "the ledger is open for reading only".to_owned() })?;
        let head = appender.ledger().published();
        let outcome = modeltrail_core::sequencer::Outcome::Entry {
            index: modeltrail_core::types::EntryIndex(index),
            quarantine: None,
            conflict_of: None,
        };
        Ok(Appended { outcome, size: head.size, checkpoint: Arc::clone(&head.note) })
    }
}
