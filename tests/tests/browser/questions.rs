//! An examiner's seven questions: each answered within three clicks from the overview, and by one line of the command line.

use std::process::Command;
use std::time::Duration;

use modeltrail_tests::bin;
use modeltrail_tests::browser::{Browser, Look};
use modeltrail_tests::process::run_ok;

use crate::world::{World, world};

/// A command that asks a server is quick; a busy machine is not.
const LIMIT: Duration = Duration::from_secs(60);

/// A browser on the overview.
fn overview(world: &World) -> Browser {
    let browser = world.browser(Look::DESK);
    browser.open(&world.at("/")).unwrap();
    browser
}

/// What one line of the command line prints.
fn line(world: &World, args: &[&str]) -> String {
    run_ok(Command::new(bin("modeltrail").unwrap()).args(args).args(["--server", &world.url]), LIMIT).unwrap()
}

fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in:\n{text}");
    }
}

#[test]
fn which_models_are_there() {
    let Some(world) = world() else { return };
    let browser = overview(world);
    browser.follow("Which models are there?").unwrap();
    let all = [
        "pd-retail",
        "pd-mortgage",
        "card-fraud",
        "refscore",
        "complaints-summary",
        "contact-priority",
        "overdraft-limit",
        "alert-triage",
        "branch-cash",
    ];
    says(&browser.text("main").unwrap(), &all);
    says(&line(world, &["models"]), &all);
}

#[test]
fn which_are_of_tier_1() {
    let Some(world) = world() else { return };
    let browser = overview(world);
    browser.follow("Which of them are tier 1?").unwrap();
    let first = ["pd-retail", "pd-mortgage", "card-fraud"];
    for text in [browser.text("main").unwrap(), line(world, &["models", "--tier", "1"])] {
        says(&text, &first);
        assert!(!text.contains("branch-cash"), "a model of tier 3 among those of tier 1:\n{text}");
    }
}

#[test]
fn what_changed_between_two_dates_and_by_whom() {
    let Some(world) = world() else { return };
    let browser = overview(world);
    browser.follow("What changed between two dates, and by whom?").unwrap();
    browser.fill("input[name=from]", "2026-03-31").unwrap();
    browser.fill("input[name=to]", "2026-03-31").unwrap();
    browser.leave(|browser| browser.click("main form button")).unwrap();
    let text = browser.text("main").unwrap();
    // The day of the incident: the roll-back and the stricter thresholds, and nothing of another day.
    says(&text, &["card-fraud", "31 Mar 2026"]);
    assert!(!text.contains("12 Mar 2026"), "{text}");
    let line = line(world, &["changes", "model/fraud/card-fraud", "--from", "2026-03-31", "--to", "2026-03-31"]);
    says(&line, &["went back to model/fraud/card-fraud@5.4.0", "p-3f9c12"]);
}

#[test]
fn how_they_feed_each_other() {
    let Some(world) = world() else { return };
    let browser = overview(world);
    browser.follow("Which models are there?").unwrap();
    browser.leave(|browser| browser.click("main a[href*='risk/pd-mortgage']")).unwrap();
    browser.follow("Lineage").unwrap();
    assert!(browser.url().unwrap().contains("/lineage"), "{}", browser.url().unwrap());
    says(&line(world, &["lineage", "model/risk/pd-mortgage@1.1.0", "--up"]), &["dataset/", "run/", "signed"]);
}

#[test]
fn what_was_validated_and_what_was_not() {
    let Some(world) = world() else { return };
    let browser = overview(world);
    browser.follow("What was validated, and what was not?").unwrap();
    says(&browser.text("main").unwrap(), &["pd-retail@3.1.0", "accepted", "contact-priority@1.2.0", "not validated"]);
    says(&line(world, &["validations"]), &["model/risk/pd-retail@3.1.0", "accepted", "p-13c7da"]);
    let missing = line(world, &["validations", "--missing"]);
    assert!(missing.contains("contact-priority@1.2.0"), "nobody validated it:\n{missing}");
}

#[test]
fn the_inventory_as_it_stood_on_a_day() {
    let Some(world) = world() else { return };
    let browser = overview(world);
    browser.fill("input[name=as_of]", "2025-12-31").unwrap();
    browser.leave(|browser| browser.press('\u{E007}')).unwrap();
    browser.follow("What was the inventory on a day?").unwrap();
    let text = browser.text("body").unwrap();
    says(&text, &["pd-retail", "overdraft-limit", "3.1.0"]);
    assert!(!text.contains("6.0.1"), "card-fraud 6.0.1 came in June:\n{text}");
    let line = line(world, &["report", "inventory", "--as-of", "2025-12-31"]);
    says(&line, &["pd-retail", "overdraft-limit"]);
}

#[test]
fn who_approved_this_digest() {
    let Some(world) = world() else { return };
    let browser = overview(world);
    browser.open(&world.at("/version?subject=model/risk/pd-retail@3.1.0")).unwrap();
    let digest = browser
        .script(
            "const at = [...document.querySelectorAll('dt')].find(dt => dt.innerText === 'Manifest digest');
            return at.parentElement.querySelector('[data-copy]').dataset.copy",
            &[],
        )
        .unwrap();
    let digest = digest.as_str().unwrap().to_owned();
    browser.open(&world.at("/")).unwrap();
    browser.follow("Who approved this digest?").unwrap();
    browser.fill("main input[name=q]", &digest).unwrap();
    browser.leave(|browser| browser.press('\u{E007}')).unwrap();
    says(&browser.text("main").unwrap(), &["AP-2025-101", "p-04ab9d"]);
    says(&line(world, &["approvals", &digest]), &["AP-2025-101", "p-04ab9d"]);
}
