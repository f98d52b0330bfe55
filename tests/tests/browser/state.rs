//! What the address says is what is shown: filters, as-of and the way back.

use modeltrail_tests::browser::Look;
use serde_json::Value;

use crate::world::{links, world};

#[test]
fn a_filter_is_in_the_address_and_the_way_back_keeps_it() {
    let Some(world) = world() else { return };
    let browser = world.browser(Look::DESK);
    browser.open(&world.at("/models")).unwrap();
    browser.fill("main input[name=q]", "mortgage").unwrap();
    browser.leave(|browser| browser.press('\u{E007}')).unwrap();
    let filtered = browser.url().unwrap();
    assert!(filtered.contains("q=mortgage"), "{filtered}");
    let shown = browser.text("main").unwrap();
    assert!(shown.contains("pd-mortgage") && !shown.contains("card-fraud"), "{shown}");
    browser.leave(|browser| browser.click("main a[href*='risk/pd-mortgage']")).unwrap();
    browser.back().unwrap();
    assert_eq!(browser.url().unwrap(), filtered);
    assert_eq!(browser.script("return document.querySelector('main input[name=q]').value", &[]).unwrap(), "mortgage");
    // Somebody else opens the same address.
    let other = world.browser(Look::PHONE);
    other.open(&filtered).unwrap();
    assert!(!other.text("main").unwrap().contains("card-fraud"));
}

#[test]
fn the_past_is_said_aloud_and_every_link_keeps_it() {
    let Some(world) = world() else { return };
    let browser = world.browser(Look::DESK);
    browser.open(&world.at("/models?as_of=2025-12-31")).unwrap();
    let page = browser.text("body").unwrap();
    assert!(page.contains("31 Dec 2025") || page.contains("30 Dec 2025"), "{page}");
    let lost: Vec<String> = links(&browser)
        .into_iter()
        .filter(|link| {
            link.starts_with(&world.url) && !link.contains("as_of=") && !link.contains('#') && !link.contains("/v1/")
        })
        .collect();
    // One way leads back to now, and it alone.
    assert!(lost.len() <= 1, "these forget the day: {lost:?}");
}

#[test]
fn a_name_that_is_not_there_is_answered_with_what_may_be_meant() {
    let Some(world) = world() else { return };
    let browser = world.browser(Look::DESK);
    browser.open(&world.at("/model?subject=model/risk/pd-retial")).unwrap();
    let page = browser.text("main").unwrap();
    assert!(page.contains("pd-retail"), "{page}");
    browser.open(&world.at("/search?q=pd-retial")).unwrap();
    let page = browser.text("main").unwrap();
    assert!(page.contains("Did you mean") && page.contains("risk/pd-retail"), "{page}");
    browser.open(&world.at("/search?q=AP-2025-101")).unwrap();
    let found = browser.script("return document.body.innerText", &[]).unwrap();
    assert!(found.as_str().is_some_and(|text| text.contains("pd-retail")), "{found}");
    let status = browser.script("return performance.getEntriesByType('navigation')[0].responseStatus", &[]).unwrap();
    assert!(matches!(status, Value::Number(_)), "{status}");
}

#[test]
fn a_page_loaded_again_unchanged_is_the_same_page() {
    let Some(world) = world() else { return };
    let browser = world.browser(Look::DESK);
    for path in ["/", "/models", "/make?subject=model/risk/pd-retail@3.1.0"] {
        browser.open(&world.at("/about")).unwrap();
        for _ in 0..3 {
            // From the cache, and asked whether it is still true.
            browser.open(&world.at(path)).unwrap();
            let styled = browser.script("return getComputedStyle(document.body).margin", &[]).unwrap();
            assert_eq!(styled, "0px", "{path} has lost its style sheet");
            let console = browser.console().unwrap();
            assert!(console.is_empty(), "{path}: {console:?}");
        }
    }
}
