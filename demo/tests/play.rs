//! The whole play: embedded broker, ingest, RocksDB and the API over real HTTP.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says where")]

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use modeltrail_core::check::{CheckOptions, check};
use modeltrail_core::clock::Clock;
use modeltrail_core::header::EntryHeader;
use modeltrail_core::own_event::own_event;
use modeltrail_core::types::EntryIndex;
use modeltrail_demo::{
    DemoError, HttpAnswer, HttpClient, HttpDelivery, Played, Progress, SimulatedClock, Stage, Stop, Story, Summary,
    play,
};
use modeltrail_ingest::broker::EmbeddedBroker;
use modeltrail_ingest::producer::Producer;
use modeltrail_ingest::{Ingest, IngestConfig, LedgerSink, Properties, Sink};
use modeltrail_store::{Appender, Data, Ledger, OpenOptions, Opened, Views};
use modeltrail_web::{AppState, Config, Hosts, Limits, NoAdmin, NoSources, Running};
use tempfile::TempDir;

const ORIGIN: &str = "bank.example/models";

/// A ledger with an API and an embedded broker, as the daemon wires them.
struct House {
    story: Story,
    clock: Arc<SimulatedClock>,
    opened: Option<Opened>,
    views: Option<Views>,
    ledger: Arc<Ledger>,
    appender: Appender,
    running: Option<Running>,
    broker: EmbeddedBroker,
    ingest: Ingest,
    http: HttpClient,
    _dir: TempDir,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let story = Story::load().unwrap();
        let clock = Arc::new(SimulatedClock::new(story.start()));
        let data = Data::new(&dir.path().join("data"));
        modeltrail_store::init(&data, ORIGIN, Arc::clone(&clock) as Arc<dyn Clock>, "demo-test").unwrap();
        let opened =
            modeltrail_store::open(&data, OpenOptions::new(Arc::clone(&clock) as Arc<dyn Clock>, "demo-test")).unwrap();
        let (ledger, appender) = (Arc::clone(&opened.ledger), opened.appender().unwrap());
        let views = Views::start(&opened);
        let state = AppState::new(Config {
            ledger: Arc::clone(&ledger),
            appender: Some(appender.clone()),
            views: views.handle(),
            sources: Arc::new(NoSources),
            admin: Arc::new(NoAdmin),
            admin_token: None,
            limits: Limits::default(),
            hosts: Hosts::default(),
            scratch: dir.path().to_owned(),
        });
        let running = modeltrail_web::start(TcpListener::bind("127.0.0.1:0").unwrap(), state, 1).unwrap();
        let broker = EmbeddedBroker::start(&story.topics()).unwrap();
        let sink: Arc<dyn Sink> =
            Arc::new(LedgerSink::new(appender.clone(), Arc::clone(&ledger), Arc::clone(&clock) as Arc<dyn Clock>));
        let config = IngestConfig { sources: story.source_configs(&broker), ..IngestConfig::default() };
        let ingest = Ingest::start(&config, &sink).unwrap();
        let http = HttpClient::new(&format!("http://{}", running.address()));
        Self {
            story,
            clock,
            opened: Some(opened),
            views: Some(views),
            ledger,
            appender,
            running: Some(running),
            broker,
            ingest,
            http,
            _dir: dir,
        }
    }

    fn play(&self, events: u64, stop: &Stop, tell: &mut dyn FnMut(Progress)) -> Result<Played, DemoError> {
        let kafka = Producer::new(&Properties::bootstrap(self.broker.bootstrap())).unwrap();
        let stage = Stage {
            story: &self.story,
            clock: &self.clock,
            appender: &self.appender,
            ledger: &self.ledger,
            kafka: &kafka,
            http: &self.http,
            stop,
        };
        play(stage, events, tell)
    }

    fn headers(&self) -> Vec<EntryHeader> {
        let read = |index| EntryHeader::parse(&self.ledger.header(index).unwrap().unwrap()).unwrap();
        (0..self.ledger.head().size).map(read).collect()
    }

    fn own(&self, event_type: &str) -> usize {
        let wanted = format!("modeltrail.{event_type}.v1");
        let own = |index| own_event(self.ledger.store().as_ref(), EntryIndex(index)).unwrap();
        (0..self.ledger.head().size).filter_map(own).filter(|(found, _)| *found == wanted).count()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.ingest.shutdown();
        if let Some(running) = self.running.take() {
            running.stop().unwrap();
        }
        if let Some(views) = self.views.take() {
            views.stop();
        }
        if let Some(opened) = self.opened.take() {
            opened.stop();
        }
    }
}

#[test]
fn the_story_is_played_in_order_and_adds_up() {
    // More bytes for one partition than the broker keeps of it: without waiting for the reader, some would be lost.
    const EVENTS: u64 = 20_000;
    let house = House::new();
    let mut told = Vec::new();
    let begun = Instant::now();
    let played = house.play(EVENTS, &Stop::default(), &mut |progress| told.push(progress)).unwrap();
    eprintln!("played in {:?}", begun.elapsed());

    let log = played.log(&house.ledger).unwrap();
    let account = played.account(&log).unwrap();
    let counts = house.story.counts();
    let found = (account.emitted, account.entries, account.duplicates, account.quarantined);
    assert_eq!(found, (counts.emitted + EVENTS, counts.entries + EVENTS, counts.duplicates, counts.quarantined));
    let summary = Summary::of(house.ledger.store().as_ref(), &house.story, &played, &log).unwrap();
    assert!(summary.all_as_planted(), "{summary}");

    // Across topics and HTTP, entries stand in the order of the acts, each received when it arrives.
    let repeated = |label: &str| house.story.acts().iter().any(|act| act.label == label && act.repeats.is_some());
    let order: Vec<EntryIndex> =
        played.places.iter().filter(|(label, _)| !repeated(label)).map(|(_, place)| log.marks[place].index).collect();
    assert!(order.is_sorted(), "labels ascend in order of arrival");
    let headers = house.headers();
    for act in house.story.acts().iter().filter(|act| act.repeats.is_none()) {
        let mark = &log.marks[&played.places[&act.label]];
        let received = mark.received_at.parse::<modeltrail_schemas::time::Micros>().unwrap();
        let late = received.as_micros() - act.arrives.as_micros();
        assert!((0..60_000_000).contains(&late), "{} {late}", act.label);
    }
    for header in &headers {
        let time = header.event.as_ref().and_then(|event| event.time.clone());
        assert!(time.is_none_or(|time| time <= header.received.at), "nothing is received before it happens");
        let silent = header.received.source.as_deref() == Some("serving")
            && header.received.at.as_str() > "2025-12-19T06"
            && header.received.at.as_str() < "2025-12-28T05:12";
        assert!(!silent, "{}", header.received.at);
    }
    assert_eq!(house.own("ledger.clock_stepped"), 0, "a simulated year is no step of the clock");
    assert_eq!(house.own("source.opened"), house.story.sources().len());
    assert_eq!(house.own("source.gap") + house.own("source.halted"), 0);
    assert_eq!(told.last().map(|last| (last.acts, last.events)), Some((counts.emitted, EVENTS)));

    let options = CheckOptions { headers_only: false, key: [1; 16], outside: None, progress: &mut |_| {} };
    let report = check(house.ledger.store().as_ref(), options).unwrap();
    assert!(report.holds(), "{report:#?}");

    // A second play into the same ledger would count the first one's records.
    let again = house.play(0, &Stop::default(), &mut |_| {});
    assert!(matches!(again, Err(DemoError::NotAlone { .. })), "{again:?}");
}

#[test]
fn a_play_ends_when_it_is_told_to() {
    let house = House::new();
    let stop = Stop::default();
    let told = stop.clone();
    let ended = house.play(0, &stop, &mut move |progress| {
        if progress.acts == 3 {
            told.stop();
        }
    });
    assert!(matches!(ended, Err(DemoError::Stopped)), "{ended:?}");
    assert!(house.ledger.head().size < 100);
}

#[test]
fn http_answers_are_read_and_refusals_name_the_act() {
    let house = House::new();
    let event = |data: &str| {
        format!("{{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"com.example.x\",\"data\":{data}}}")
    };
    let post = |body: &str| house.http.post("s-9", "application/cloudevents+json", body.as_bytes());
    let Ok(HttpAnswer::Entry(index)) = post(&event("1")) else { panic!("not taken") };
    assert!(matches!(post(&event("1")), Ok(HttpAnswer::Duplicate(of)) if of == index));
    let conflict = post(&event("2")).unwrap_err().to_string();
    assert!(conflict.contains("s-9") && conflict.contains("409"), "{conflict}");
    let malformed = post("{").unwrap_err().to_string();
    assert!(malformed.contains("400"), "{malformed}");
    let nowhere = HttpClient::new("http://127.0.0.1:1").post("s-9", "x", b"").unwrap_err();
    assert!(matches!(nowhere, DemoError::NoAnswer { .. }), "{nowhere}");
}
