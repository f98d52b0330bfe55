//! For everybody: axe-core finds nothing serious, and all is reached with the keyboard, visibly.

use std::collections::BTreeSet;
use std::fs;

use modeltrail_tests::browser::{self, Look};
use modeltrail_tests::skip::or_skip;
use serde_json::Value;

use crate::world::world;

const TAB: char = '\u{E004}';
const ENTER: char = '\u{E007}';
/// Stops on the longest page; beyond, the rest of a list is taken on trust.
const MAX_STOPS: usize = 400;

/// Runs axe-core over the page, for the levels A and AA of WCAG 2.2.
const RUN_AXE: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
        .then(found => done(found.violations.filter(v => ['serious', 'critical'].includes(v.impact))
            .map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(' | '))),
            error => done(['axe failed: ' + error]));";

#[test]
fn axe_finds_nothing_serious_in_light_and_dark() {
    let Some(world) = world() else { return };
    let Some(axe) = or_skip("browser: axe-core", browser::axe()) else { return };
    let axe = fs::read_to_string(axe).unwrap();
    let mut all = Vec::new();
    for dark in [false, true] {
        let browser = world.browser(Look { dark, ..Look::DESK });
        for path in world.pages().values() {
            browser.open(&world.at(path)).unwrap();
            browser.script(&axe, &[]).unwrap();
            let found = browser.script_async(RUN_AXE).unwrap();
            let found = found.as_array().unwrap().iter().filter_map(Value::as_str);
            all.extend(found.map(|what| format!("{path} (dark: {dark}) {what}")));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// Where the focus is, whether a ring shows it, and whether it can be seen at all.
const FOCUS: &str = "const at = document.activeElement;
    if (!at || at === document.body) return null;
    const style = getComputedStyle(at), box = at.getBoundingClientRect();
    return { path: [...document.querySelectorAll('*')].indexOf(at), text: (at.innerText || at.value || at.name || at.tagName || '').trim().slice(0, 60),
        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2, seen: box.width > 0 && box.height > 0 };";
/// Everything that a person could use.
const USABLE: &str = "return [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter(e => !e.disabled && e.type !== 'hidden' && e.checkVisibility && e.checkVisibility() && e.tabIndex >= 0)
    .map(e => [...document.querySelectorAll('*')].indexOf(e));";

#[test]
fn all_is_reached_by_keyboard_with_a_ring_that_shows() {
    let Some(world) = world() else { return };
    let browser = world.browser(Look::DESK);
    for path in world.pages().values() {
        browser.open(&world.at(path)).unwrap();
        let usable = browser.script(USABLE, &[]).unwrap();
        let mut left: BTreeSet<u64> = usable.as_array().unwrap().iter().filter_map(Value::as_u64).collect();
        // Tables that scroll are stops too, though they can't be used.
        for _ in 0..left.len().min(MAX_STOPS) + 60 {
            if left.is_empty() {
                break;
            }
            browser.press(TAB).unwrap();
            let focus = browser.script(FOCUS, &[]).unwrap();
            let Some(at) = focus.get("path").and_then(Value::as_u64) else { continue };
            assert_eq!(focus["ring"], true, "{path}: no ring shows the focus on {focus}");
            assert_eq!(focus["seen"], true, "{path}: the focus is on something that can't be seen: {focus}");
            left.remove(&at);
        }
        let total = usable.as_array().unwrap().len();
        assert!(left.is_empty() || total > MAX_STOPS, "{path}: {} of {total} are not reached by Tab", left.len());
    }
}

#[test]
fn the_skip_link_and_the_navigation_work_by_keyboard() {
    let Some(world) = world() else { return };
    let browser = world.browser(Look::DESK);
    browser.open(&world.at("/")).unwrap();
    browser.press(TAB).unwrap();
    let first = browser.script(FOCUS, &[]).unwrap();
    assert!(first["text"].as_str().unwrap().to_lowercase().contains("skip"), "the first stop is {first}");
    browser.press(ENTER).unwrap();
    browser.press(TAB).unwrap();
    let inside = browser.script("return document.querySelector('main').contains(document.activeElement)", &[]).unwrap();
    assert_eq!(inside, true, "after the skip link the next stop is not in main");
    browser.open(&world.at("/")).unwrap();
    for _ in 0..60 {
        browser.press(TAB).unwrap();
        if browser.script(FOCUS, &[]).unwrap()["text"] == "Models" {
            browser.leave(|browser| browser.press(ENTER)).unwrap();
            assert!(browser.url().unwrap().ends_with("/models"), "{}", browser.url().unwrap());
            return;
        }
    }
    panic!("Tab never comes to Models");
}
