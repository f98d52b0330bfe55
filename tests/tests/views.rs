//! The views of the demo's story: what ran on the days that its README tells of, and exactly the findings that are planted in it.
#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[allow(dead_code, reason = "the reports' own tests use the rest")]
#[path = "reports/dry.rs"]
mod dry;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use modeltrail_core::store::Store as _;
use modeltrail_core::types::EntryIndex;
use modeltrail_demo::Story;
use modeltrail_views::findings::RULES;
use modeltrail_views::fold::{Folder, state_digest};
use modeltrail_views::read::ReadEntry;
use modeltrail_views::rows::{Deployment, Finding, Member};
use modeltrail_views::store::MemoryViews;
use modeltrail_views::view::View;

/// The story's entries, read once.
static ENTRIES: LazyLock<Vec<ReadEntry>> = LazyLock::new(|| {
    let dry = dry::story();
    let read = |index: u64| {
        let header = dry.store.header(EntryIndex(index)).unwrap()?;
        let opening = dry.store.opening(EntryIndex(index)).unwrap();
        Some(ReadEntry::new(&header, opening.as_deref()).unwrap())
    };
    (0..).map_while(read).collect()
});

fn fold(entries: &[ReadEntry], batch: usize) -> MemoryViews {
    let store = MemoryViews::new();
    let mut folder = Folder::new(&store).unwrap();
    for part in entries.chunks(batch) {
        for entry in part {
            folder.entry(entry).unwrap();
        }
        folder.write(part.last().unwrap().index() + 1, "").unwrap();
    }
    drop(folder);
    store
}

static VIEWS: LazyLock<MemoryViews> = LazyLock::new(|| fold(&ENTRIES, 64));

fn whole() -> View<'static> {
    View::new(&*VIEWS, ENTRIES.len() as u64)
}

/// What a service ran, short: version, role and weight of each.
fn short(members: &[Member]) -> Vec<String> {
    let one = |member: &Member| {
        let version = member.subject.rsplit_once('@').unwrap().1;
        format!("{version} {} {}", member.role, member.weight.as_deref().unwrap_or("-"))
    };
    members.iter().map(one).collect()
}

#[test]
fn what_ran_on_the_days_that_the_story_tells_of() {
    let told: &[(&str, &str, &[&str])] = &[
        ("card-fraud-scoring", "2025-10-06T04:00:00", &[]),
        ("card-fraud-scoring", "2025-10-06T05:00:00", &["5.4.0 serving 100"]),
        ("card-fraud-scoring", "2026-01-12T05:00:00", &["5.4.0 serving 100", "6.0.0 shadow 0"]),
        ("card-fraud-scoring", "2026-02-09T05:00:00", &["5.4.0 serving 95", "6.0.0 canary 5"]),
        ("card-fraud-scoring", "2026-03-31T13:45:00", &["5.4.0 serving 50", "6.0.0 canary 50"]),
        ("card-fraud-scoring", "2026-03-31T13:47:00", &["5.4.0 serving 100"]),
        ("card-fraud-scoring", "2026-06-30T00:00:00", &["6.0.1 serving 100"]),
        ("pd-retail-scoring", "2025-10-21T00:00:00", &["3.1.0 serving 100"]),
        ("pd-retail-scoring", "2026-06-10T00:00:00", &["3.1.0 serving 100"]),
        ("pd-retail-scoring", "2026-07-21T00:00:00", &["3.3.0 serving 100"]),
        ("contact-queue", "2026-02-25T00:00:00", &["1.2.0 serving 100"]),
        ("contact-queue", "2026-03-04T00:00:00", &["1.1.0 serving 100"]),
        ("contact-queue", "2026-08-01T00:00:00", &[]),
        ("mortgage-scoring", "2025-11-18T00:00:00", &["1.0.0 serving 100"]),
        ("mortgage-scoring", "2026-05-19T00:00:00", &["1.1.0 serving 100"]),
        ("bureau-score", "2026-05-27T00:00:00", &["7.3.0 serving 100"]),
    ];
    for (service, time, expected) in told {
        let at = whole().ran_at(&format!("deployment/production-eu/{service}"), &format!("{time}.000000Z")).unwrap();
        assert_eq!(short(&at.running), *expected, "{service} at {time}");
    }
    let queue = whole().get::<Deployment>(&["deployment/production-eu/contact-queue"]).unwrap().unwrap();
    assert_eq!(queue.state, "removed");
}

#[test]
fn each_planted_fault_of_these_rules_is_found_and_nothing_else_is() {
    let story = Story::load().unwrap();
    let planted: BTreeSet<(String, String, String)> = story
        .faults()
        .iter()
        .filter(|fault| fault.first)
        .map(|fault| (fault.finding.clone(), fault.severity.clone(), fault.text.clone()))
        .collect();
    let word = |finding: &Finding| format!("{:?}", finding.severity).to_lowercase();
    let found = whole().all::<Finding>(&[]).unwrap();
    let seen: BTreeSet<_> =
        found.iter().map(|finding| (finding.rule.clone(), word(finding), finding.title.clone())).collect();
    assert_eq!(seen, planted);
    assert_eq!(found.len(), planted.len(), "none twice");
    for finding in &found {
        assert!(RULES.iter().any(|rule| rule.id == finding.rule && rule.expected == finding.expected));
        let before = View::new(&*VIEWS, finding.entries[0]);
        assert!(before.get::<Finding>(&[&finding.id]).unwrap().is_none(), "{}", finding.id);
        assert!(before.findings_of(&finding.subjects[0]).unwrap().iter().all(|other| other.id != finding.id));
        let then = View::new(&*VIEWS, finding.entries[0] + 1);
        assert!(
            then.get::<Finding>(&[&finding.id]).unwrap().is_some_and(|finding| finding.ended.is_none()),
            "{}",
            finding.id
        );
    }
    let ended: Vec<_> =
        found.iter().filter(|finding| finding.ended.is_some()).map(|finding| finding.rule.as_str()).collect();
    // contact-priority 1.2.0 was rolled back, and alert-triage runs the right bytes again.
    assert_eq!(ended, ["deployment-without-approval", "running-digest-differs"]);
}

#[test]
fn the_story_folds_to_one_state_in_batches_of_any_size() {
    let digest = state_digest(&*VIEWS).unwrap();
    for batch in [1, 7, 1_024] {
        assert_eq!(state_digest(&fold(&ENTRIES, batch)).unwrap(), digest, "{batch}");
    }
}
