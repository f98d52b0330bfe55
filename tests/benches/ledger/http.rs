//! Events over HTTP, each answered when it is durable, with its proof. Beside it: a write and a sync of the same bytes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use modeltrail_store::Ledger;
use modeltrail_web::{AppState, Config, Hosts, Limits, NoAdmin, NoSources, start};

use crate::Job;
use crate::figures::Figures;
use crate::world::{begin, event, quantile};

/// Appends of the one producer.
const ALONE: u64 = 2_000;
/// Producers together, and what each of them sends.
const PRODUCERS: u64 = 64;
const EACH: u64 = 600;
/// Threads that serve, as the daemon has by default on two cores.
const WORKERS: usize = 2;
/// Appends before those that count: connections, caches, the first log file.
const WARM: u64 = 200;
/// Syncs that are measured.
const SYNCS: u64 = 2_000;

/// A producer: one connection, one event at a time.
struct Producer {
    out: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Producer {
    fn connect(address: SocketAddr) -> Result<Self> {
        let out = TcpStream::connect(address)?;
        out.set_nodelay(true)?;
        Ok(Self { answers: BufReader::new(out.try_clone()?), out })
    }

    /// Sends one event and reads the answer, whose receipt must be there.
    fn append(&mut self, number: u64) -> Result<()> {
        let body = event(number);
        let mut request = format!(
            "POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/cloudevents+json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(&body);
        self.out.write_all(&request)?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let status = line.trim_end().to_owned();
        let mut length = 0;
        loop {
            line.clear();
            self.answers.read_line(&mut line)?;
            match line.trim_end().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse()?,
                Some(_) => {}
                None => break,
            }
        }
        let mut answer = vec![0; length];
        self.answers.read_exact(&mut answer)?;
        if !status.contains(" 201 ") {
            bail!("{status}: {}", String::from_utf8_lossy(&answer));
        }
        ensure!(answer.windows(7).any(|seven| seven == b"\"proof\""), "an answer without a proof");
        Ok(())
    }

    /// Appends these; milliseconds of each.
    fn run(&mut self, numbers: std::ops::Range<u64>) -> Result<Vec<f64>> {
        let timed = |number| {
            let begun = Instant::now();
            self.append(number)?;
            Ok(begun.elapsed().as_secs_f64() * 1e3)
        };
        numbers.map(timed).collect()
    }
}

/// One producer, then 64, against a server with a ledger of its own.
pub(crate) fn appends(job: &Job, figures: &mut Figures) -> Result<()> {
    let opened = begin(&job.file("http"))?;
    let config = Config {
        ledger: Arc::clone(&opened.ledger),
        appender: opened.appender(),
        sources: Arc::new(NoSources),
        admin: Arc::new(NoAdmin),
        admin_token: None,
        limits: Limits::default(),
        hosts: Hosts::default(),
        scratch: job.dir.clone(),
    };
    let running = start(TcpListener::bind("127.0.0.1:0")?, AppState::new(config), WORKERS)?;
    let mut alone = Producer::connect(running.address())?;
    alone.run(0..WARM)?;
    let begun = Instant::now();
    let times = alone.run(WARM..WARM + ALONE)?;
    note(figures, "http.1", times, begun.elapsed().as_secs_f64());
    drop(alone);
    let begun = Instant::now();
    let times = together(running.address(), WARM + ALONE)?;
    note(figures, "http.64", times, begun.elapsed().as_secs_f64());
    let bytes = entry_bytes(&opened.ledger)?;
    running.stop()?;
    opened.stop();
    for (name, entries) in [("sync.1", 1), ("sync.64", PRODUCERS)] {
        let begun = Instant::now();
        let times = syncs(&job.file(name), bytes * usize::try_from(entries)?)?;
        let rate = (SYNCS * entries) as f64 / begun.elapsed().as_secs_f64();
        figures.set(&format!("http.{entries}.ceiling"), rate);
        quantiles(figures, name, times);
    }
    Ok(())
}

fn together(address: SocketAddr, from: u64) -> Result<Vec<f64>> {
    let run = |producer: u64| {
        let first = from + producer * EACH;
        Producer::connect(address)?.run(first..first + EACH)
    };
    let all = std::thread::scope(|scope| {
        let running: Vec<_> = (0..PRODUCERS).map(|producer| scope.spawn(move || run(producer))).collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut times = Vec::new();
    for one in all {
        times.extend(one.map_err(|_| anyhow::anyhow!("a producer panicked"))??);
    }
    Ok(times)
}

fn note(figures: &mut Figures, name: &str, times: Vec<f64>, seconds: f64) {
    figures.set(&format!("{name}.rate"), times.len() as f64 / seconds);
    quantiles(figures, name, times);
}

fn quantiles(figures: &mut Figures, name: &str, mut times: Vec<f64>) {
    figures.set(&format!("{name}.p50"), quantile(&mut times, 0.5));
    figures.set(&format!("{name}.p99"), quantile(&mut times, 0.99));
}

/// What the newest entry's rows weigh: header, opening, event id, trail rows.
fn entry_bytes(ledger: &Ledger) -> Result<usize> {
    let newest = ledger.head().size - 1;
    let header = ledger.header(newest)?.context("the newest header is missing")?;
    let opening = ledger.opening(newest)?.context("the newest record is missing")?;
    let parsed = modeltrail_core::header::EntryHeader::parse(&header)?;
    let trails: usize = parsed.trails.iter().map(|step| step.subject.len() + 17).sum();
    Ok(header.len() + opening.len() + 40 + trails)
}

/// Appends so many bytes to a file and syncs its data, again and again; milliseconds of each.
fn syncs(path: &Path, bytes: usize) -> Result<Vec<f64>> {
    let content = vec![0x5a; bytes];
    let mut file = File::create(path)?;
    let once = |_| {
        let begun = Instant::now();
        file.write_all(&content)?;
        file.sync_data()?;
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    };
    (0..SYNCS).map(once).collect()
}
