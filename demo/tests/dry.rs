//! A dry play: every act through the pure writer into a store in memory, without Kafka and HTTP.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says where")]

mod support;

use modeltrail_core::check::{CheckOptions, check};
use modeltrail_core::sequencer::Outcome;
use modeltrail_core::types::EntryIndex;
use modeltrail_demo::{Account, Act, Channel, Log, Played, Story, Summary};
use modeltrail_schemas::catalogue;
use modeltrail_schemas::reading::{self, OwnContext, Reading, absent_removed};
use modeltrail_schemas::time::Micros;
use support::{Dry, ORIGIN, record};

fn played(dry: &Dry) -> Played {
    Played { from: EntryIndex(0), sent: dry.sent.clone(), places: dry.places.clone() }
}

fn log(dry: &Dry) -> Log {
    Log::read(dry.store.as_ref(), EntryIndex(0), dry.places.values().cloned()).unwrap()
}

fn holds(dry: &Dry) {
    let options = CheckOptions { headers_only: false, key: [9; 16], outside: None, progress: &mut |_| {} };
    let report = check(dry.store.as_ref(), options).unwrap();
    assert!(report.holds() && report.not_judged.is_empty(), "{report:#?}");
}

fn read(story: &Story, act: &Act) -> Reading {
    let (via, record) = record(act.via, &act.key, act.at, &story.wire(act, ORIGIN));
    reading::read(via, &record, &OwnContext { origin: ORIGIN, received_at: Micros::EPOCH, index: None })
}

#[test]
fn every_event_that_should_be_valid_is() {
    let story = Story::load().unwrap();
    let mut checked = 0;
    for act in story.acts() {
        let reading = read(&story, act);
        let fault = story.faults().iter().find(|fault| fault.act == act.label);
        let Some((event_type, data)) = act.event() else {
            assert!(reading.quarantine.is_some() && reading.event.is_none(), "{}", act.label);
            continue;
        };
        // A reserved type is wrong by its type alone, and a conflict only beside another entry.
        if fault.is_some_and(|fault| fault.quarantine.as_deref() == Some("reserved")) {
            assert_eq!(reading.reason().unwrap().as_str(), "reserved");
            continue;
        }
        assert!(reading.known && reading.quarantine.is_none(), "{} {event_type}: {:?}", act.label, reading.quarantine);
        assert!(reading.about().is_some(), "{}", act.label);
        // A duplicate has the time of the first.
        let time = reading.event.as_ref().unwrap().time;
        assert_eq!(time == Some(act.at), act.repeats.is_none(), "{} {time:?}", act.label);
        let data = absent_removed(data);
        assert_eq!(catalogue::validate(event_type, &data), Ok(()), "{} {event_type}", act.label);
        checked += 1;
    }
    assert!(checked > 400, "{checked}");
}

#[test]
fn every_background_template_is_valid_however_often_it_is_filled() {
    let story = Story::load().unwrap();
    let mut checked = 0;
    for (event_type, item) in story.background().samples(60) {
        let (via, record) = record(Channel::Kafka, item.key, item.at, &item.wire);
        let reading =
            reading::read(via, &record, &OwnContext { origin: ORIGIN, received_at: Micros::EPOCH, index: None });
        assert!(
            reading.known && reading.quarantine.is_none() && reading.about().is_some(),
            "{}: {:?}",
            item.template,
            reading.quarantine
        );
        assert_eq!(reading.event.unwrap().time, Some(item.at));
        let data = reading.data.unwrap();
        assert_eq!(catalogue::validate(event_type, &absent_removed(&data)), Ok(()), "{}", item.template);
        checked += 1;
    }
    assert!(checked >= 60 * 10);
}

#[test]
fn background_is_in_order_of_time_outside_quiet_times_and_adds_up() {
    let story = Story::load().unwrap();
    let (from, to) =
        ("2025-12-19T05:10:00Z".parse::<Micros>().unwrap(), "2025-12-28T05:13:00Z".parse::<Micros>().unwrap());
    assert_eq!(story.background().quiet_from(), [from]);
    let mut plan = story.background().plan(20_000);
    let (mut count, mut last, mut ids) = (0, story.start(), std::collections::BTreeSet::new());
    while let Some(item) = plan.next_until(story.end()) {
        assert!(item.at >= last && (item.topic != "serving" || item.at < from || item.at >= to), "{item:?}");
        let id = item.wire.headers.iter().find(|(name, _)| *name == "ce_id").unwrap().1.clone();
        assert!(ids.insert(id));
        (count, last) = (count + 1, item.at);
    }
    assert_eq!(count, 20_000);
}

#[test]
fn the_counts_of_the_story_hold_and_so_does_every_invariant() {
    let dry = Dry::play(0);
    holds(&dry);
    let account = Account::of(&dry.sent, &log(&dry)).unwrap();
    let counts = dry.story.counts();
    assert_eq!(
        (account.emitted, account.entries, account.duplicates, account.quarantined),
        (counts.emitted, counts.entries, counts.duplicates, counts.quarantined)
    );
    assert_eq!(counts.emitted, dry.story.acts().len() as u64);
    for act in dry.story.acts() {
        let duplicate = matches!(dry.outcomes[&act.label], Outcome::Duplicate { erased: false, .. });
        assert_eq!(duplicate, act.repeats.is_some(), "{}", act.label);
    }
}

#[test]
fn every_planted_fault_is_in_the_log_as_planted_and_nothing_else_looks_like_one() {
    let dry = Dry::play(0);
    let log = log(&dry);
    let summary = Summary::of(dry.store.as_ref(), &dry.story, &played(&dry), &log).unwrap();
    for planted in &summary.faults {
        assert!(planted.as_planted, "{planted}");
    }
    assert_eq!(summary.faults.len(), 21);
    // Quarantines and signatures that are not valid are planted, all of them.
    let planted: Vec<EntryIndex> =
        summary.faults.iter().filter_map(|planted| Some(planted.mark.as_ref()?.index)).collect();
    for mark in log.marks.values() {
        let odd = mark.quarantine.is_some() || mark.signers.iter().any(|status| status.as_str() != "valid");
        assert!(!odd || planted.contains(&mark.index), "entry {} {mark:?}", mark.index);
    }
    assert!(summary.models.iter().map(|line| line.versions.len()).sum::<usize>() >= 12);
    let text = summary.to_string();
    for part in [
        "model/risk/pd-mortgage ",
        "1.0.0, 1.1.0",
        "F-21  entry",
        "signature bad",
        "quarantined as conflict",
        "simulated",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("NOT AS PLANTED"));
}

#[test]
fn background_traffic_adds_up_and_is_no_fault() {
    let dry = Dry::play(2_000);
    holds(&dry);
    let account = Account::of(&dry.sent, &log(&dry)).unwrap();
    let counts = dry.story.counts();
    assert_eq!((account.emitted, account.entries), (counts.emitted + 2_000, counts.entries + 2_000));
    assert_eq!((account.duplicates, account.quarantined), (counts.duplicates, counts.quarantined));
}

#[test]
fn an_account_that_does_not_add_up_is_refused() {
    let mut dry = Dry::play(0);
    let log = log(&dry);
    *dry.sent.kafka.get_mut(&("vendor".to_owned(), 0)).unwrap() += 1;
    dry.sent.http -= 1;
    let text = Account::of(&dry.sent, &log).unwrap_err().to_string();
    assert!(text.contains("topic vendor partition 0") && text.contains("over HTTP"), "{text}");
}
