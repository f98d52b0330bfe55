//! Before anything is written: does Kafka remember a ledger that this one is not?
//!
//! An older copy of a data directory looks sound by itself. Kafka's commit metadata and the head file are what remembers that there was more. While Kafka does not
//! answer, and no head file lies on another disk by configuration, nothing is written: the ledger is served for reading only.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use modeltrail_core::sequencer::PartitionId;
use modeltrail_core::store::PositionRow;
use modeltrail_core::types::Salt;
use modeltrail_ingest::sink::AsidePage;
use modeltrail_ingest::{Sink, WitnessVerdict, check_witness};
use modeltrail_schemas::time::Micros;
use modeltrail_store::{Act, AppendError, Appender, KafkaItem, Ledger, OpenOptions, Views, open};
use modeltrail_web::Running;
use signal_hook::iterator::Signals;

use crate::config::Config;
use crate::serve::{Sources, web};
use crate::{SOFTWARE, clock};

/// How often Kafka is asked again.
const EVERY: Duration = Duration::from_secs(2);

/// Asks Kafka, and waits for its answer where that is needed. `false`: a signal came while waiting.
///
/// # Errors
/// Kafka contradicts the ledger, or the ledger can't be read.
pub(crate) fn ask(config: &Config, listener: &TcpListener, signals: &mut Signals) -> Result<bool> {
    if config.ingest.sources.is_empty() {
        return Ok(true);
    }
    let data = config.data();
    let options = OpenOptions { read_only: true, ..OpenOptions::new(clock::system(), SOFTWARE) };
    let opened = open(&data, options)?;
    let memory = Memory(Arc::clone(&opened.ledger));
    let mut serving = None;
    loop {
        match check_witness(&config.ingest, &memory)? {
            WitnessVerdict::Absent | WitnessVerdict::Agrees { .. } => break,
            WitnessVerdict::Mismatch(mismatch) => bail!("{mismatch}"),
            WitnessVerdict::Unreachable { .. } if config.ledger.head_file.is_some() => break,
            WitnessVerdict::Unreachable { cluster, detail } if serving.is_none() => {
                tracing::warn!(
                    cluster,
                    detail,
                    "Kafka does not answer; reading only until it does (set `ledger.head_file` on another disk to write without)"
                );
                let listener = listener.try_clone().context("the listener can't be shared")?;
                let views = Views::start(&opened);
                let running = web(config, &data, &opened, &views, &Arc::new(Sources::default()), listener)?;
                println!(
                    "modeltraild serves {} for reading only at http://{}",
                    opened.ledger.origin(),
                    running.address()
                );
                serving = Some((running, views));
            }
            WitnessVerdict::Unreachable { .. } => {}
        }
        std::thread::sleep(EVERY);
        if signals.pending().next().is_some() {
            stop(serving)?;
            return Ok(false);
        }
    }
    stop(serving)?;
    Ok(true)
}

fn stop(serving: Option<(Running, Views)>) -> Result<()> {
    if let Some((running, views)) = serving {
        running.stop()?;
        views.stop();
    }
    Ok(())
}

/// A ledger that is only remembered with.
struct Memory(Arc<Ledger>);

impl Memory {
    fn refusal() -> AppendError {
        AppendError::ReadOnly { why: "Kafka has not answered yet".to_owned() }
    }
}

impl Sink for Memory {
    fn origin(&self) -> &str {
        self.0.origin()
    }

    fn now(&self) -> Micros {
        Micros::EPOCH
    }

    fn salt(&self) -> Salt {
        Appender::salt()
    }

    fn send(&self, items: Vec<KafkaItem>) -> Result<(), (Vec<KafkaItem>, AppendError)> {
        Err((items, Self::refusal()))
    }

    fn act(&self, _: Act) -> Receiver<Result<u64, AppendError>> {
        let (sender, receiver) = mpsc::channel();
        // The receiver is in this function's hands.
        let _ = sender.send(Err(Self::refusal()));
        receiver
    }

    fn positions(&self) -> Result<Vec<PositionRow>, String> {
        self.0.positions().map_err(|error| error.to_string())
    }

    fn size(&self) -> u64 {
        self.0.head().size
    }

    fn head(&self) -> (u64, String) {
        let head = self.0.head();
        (head.size, head.root.to_string())
    }

    fn root_at(&self, size: u64) -> Result<String, String> {
        self.0.root_at(size).map(|root| root.to_string()).map_err(|error| error.to_string())
    }

    fn cleanup_policy(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn took_record(&self, _: &PartitionId, _: u64, _: u64) -> Result<bool, String> {
        Err(Self::refusal().to_string())
    }

    fn set_aside(&self, _: &str, _: u64) -> Result<AsidePage, String> {
        Err(Self::refusal().to_string())
    }

    fn copied_to(&self, _: &str) -> Result<u64, String> {
        Err(Self::refusal().to_string())
    }

    fn note_copied(&self, _: &str, _: u64) -> Result<(), String> {
        Err(Self::refusal().to_string())
    }

    fn poison(&self, cause: String) {
        tracing::error!(cause, "a ledger that is read only can't be poisoned");
    }
}
