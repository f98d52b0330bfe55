//! Events over HTTP, each answered when it is durable, with its proof. Beside it: a write and a sync of the same bytes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use modeltrail_store::{Ledger, Opened, Views};
use modeltrail_web::{AppState, Config, Hosts, Limits, NoAdmin, NoSources, Running, start};

use crate::Job;
use crate::figures::Figures;
use crate::world::{begin, event, quantile};

/// How often producers and bare syncs take turns.
const ROUNDS: usize = 8;
/// Appends of the one producer in a turn.
const ALONE: u64 = 250;
/// Producers together, and what each of them sends in a turn.
const PRODUCERS: u64 = 64;
const EACH: u64 = 80;
/// Threads that serve, as the daemon has on two cores.
const WORKERS: usize = 2;
/// Appends before those that count: connections, caches, the first log file.
const WARM: u64 = 200;
/// Syncs in a turn.
const SYNCS: u64 = 250;

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

/// Serves a ledger with its views, as the daemon does.
pub(crate) fn serve(job: &Job, opened: &Opened, views: &Views) -> Result<Running> {
    let config = Config {
        ledger: Arc::clone(&opened.ledger),
        appender: opened.appender(),
        views: views.handle(),
        sources: Arc::new(NoSources),
        admin: Arc::new(NoAdmin),
        admin_token: None,
        limits: Limits::default(),
        hosts: Hosts::default(),
        scratch: job.dir.clone(),
    };
    Ok(start(TcpListener::bind("127.0.0.1:0")?, AppState::new(config), WORKERS)?)
}

/// One producer, then 64, against a server with a ledger of its own.
pub(crate) fn appends(job: &Job, figures: &mut Figures) -> Result<()> {
    let opened = begin(&job.file("http"))?;
    let views = Views::start(&opened);
    let running = serve(job, &opened, &views)?;
    let mut alone = Producer::connect(running.address())?;
    alone.run(0..WARM)?;
    let bytes = entry_bytes(&opened.ledger)?;
    let mut next = WARM;
    let (mut ours, mut floor, mut all, mut all_floor) = <(Times, Times, Times, Times)>::default();
    let mut file = Syncs::create(&job.file("syncs"))?;
    // By turns, so that what else the disk and the machine do meanwhile falls on both.
    for _ in 0..ROUNDS {
        ours.add(|| alone.run(next..next + ALONE))?;
        floor.add(|| file.run(bytes))?;
        next += ALONE;
        all.add(|| together(running.address(), next))?;
        all_floor.add(|| file.run(bytes * usize::try_from(PRODUCERS)?))?;
        next += PRODUCERS * EACH;
    }
    drop(alone);
    running.stop()?;
    views.stop();
    opened.stop();
    ours.note(figures, "http.1");
    floor.note(figures, "sync.1");
    all.note(figures, "http.64");
    all_floor.note(figures, "sync.64");
    figures.set("http.64.ceiling", all_floor.rate() * PRODUCERS as f64);
    Ok(())
}

/// Milliseconds of single acts, and the seconds that all took together.
#[derive(Default)]
struct Times {
    each: Vec<f64>,
    seconds: f64,
}

impl Times {
    fn add(&mut self, run: impl FnOnce() -> Result<Vec<f64>>) -> Result<()> {
        let begun = Instant::now();
        self.each.extend(run()?);
        self.seconds += begun.elapsed().as_secs_f64();
        Ok(())
    }

    fn rate(&self) -> f64 {
        self.each.len() as f64 / self.seconds
    }

    fn note(&mut self, figures: &mut Figures, name: &str) {
        figures.set(&format!("{name}.rate"), self.rate());
        figures.set(&format!("{name}.p50"), quantile(&mut self.each, 0.5));
        figures.set(&format!("{name}.p99"), quantile(&mut self.each, 0.99));
    }
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

/// What the newest entry's rows weigh: header, opening, event id, trail rows.
fn entry_bytes(ledger: &Ledger) -> Result<usize> {
    let newest = ledger.head().size - 1;
    let header = ledger.header(newest)?.context("the newest header is missing")?;
    let opening = ledger.opening(newest)?.context("the newest record is missing")?;
    let parsed = modeltrail_core::header::EntryHeader::parse(&header)?;
    let trails: usize = parsed.trails.iter().map(|step| step.subject.len() + 17).sum();
    Ok(header.len() + opening.len() + 40 + trails)
}

/// A file that is appended to.
struct Syncs(File);

impl Syncs {
    fn create(path: &Path) -> Result<Self> {
        Ok(Self(File::create(path)?))
    }

    /// Appends so many bytes and syncs the file's data, again and again; milliseconds of each.
    fn run(&mut self, bytes: usize) -> Result<Vec<f64>> {
        let content = vec![0x5a; bytes];
        let once = |_| {
            let begun = Instant::now();
            self.0.write_all(&content)?;
            self.0.sync_data()?;
            Ok(begun.elapsed().as_secs_f64() * 1e3)
        };
        (0..SYNCS).map(once).collect()
    }
}
