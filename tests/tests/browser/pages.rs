//! Every page by itself: quiet console, own host alone, one heading, no script needed.

use std::collections::BTreeSet;
use std::path::PathBuf;

use modeltrail_tests::browser::Look;

use crate::world::world;

/// Kinds of pages that the walk must come by: fewer mean that links are missing.
const LEAST_KINDS: usize = 18;

/// What the browser asks of itself: its own start page, and what stands in the page already.
fn inner(url: &str) -> bool {
    ["data:", "chrome:", "about:"].iter().any(|scheme| url.starts_with(scheme))
}

#[test]
fn every_page_loads_quietly_and_asks_nobody_else() {
    let Some(world) = world() else { return };
    let browser = world.browser(Look::DESK);
    let pages = world.pages();
    assert!(pages.len() >= LEAST_KINDS, "only these kinds are linked: {:?}", pages.keys());
    for path in pages.values() {
        browser.open(&world.at(path)).unwrap();
        assert!(!browser.title().unwrap().is_empty(), "{path} has no title");
        let headings = browser.script("return document.querySelectorAll('h1').length", &[]).unwrap();
        assert_eq!(headings, 1, "headings of {path}");
        let console = browser.console().unwrap();
        assert!(console.is_empty(), "{path} writes to the console: {console:?}");
        let strangers: Vec<String> =
            browser.requests().unwrap().into_iter().filter(|url| !url.starts_with(&world.url) && !inner(url)).collect();
        assert!(strangers.is_empty(), "{path} asks {strangers:?}");
    }
}

#[test]
fn nothing_needs_scripts_and_nothing_scrolls_sideways_on_a_phone() {
    let Some(world) = world() else { return };
    let with = world.browser(Look::PHONE);
    let without = world.browser(Look { scripts: false, ..Look::PHONE });
    for path in world.pages().values() {
        with.open(&world.at(path)).unwrap();
        without.open(&world.at(path)).unwrap();
        assert_eq!(with.text("h1").unwrap(), without.text("h1").unwrap(), "{path}");
        let (seen, told) = (without.text("main").unwrap(), with.text("main").unwrap());
        // Scripts only add buttons: every line that is there with them is there without, but for those.
        assert!(seen.len() * 10 >= told.len() * 9, "{path} says less without scripts:\n{seen}\n--- with:\n{told}");
        let wide = with.script("return document.documentElement.scrollWidth", &[]).unwrap();
        assert!(wide.as_u64().unwrap() <= 390, "{path} is {wide} pixels wide on a phone");
    }
}

/// What is wider than its place on a desk; a picture of many columns may be, and says so.
const HIDDEN: &str = "return [...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth && !box.querySelector('.lp-wide'))
    .map(box => box.getAttribute('aria-label') + ': ' + box.scrollWidth + ' in ' + box.clientWidth);";

#[test]
fn no_column_of_a_table_is_out_of_sight_on_a_desk() {
    let Some(world) = world() else { return };
    let browser = world.browser(Look::DESK);
    for path in world.pages().values() {
        browser.open(&world.at(path)).unwrap();
        let hidden = browser.script(HIDDEN, &[]).unwrap();
        assert_eq!(hidden, serde_json::json!([]), "{path}");
    }
}

/// Light and dark, wide and narrow are four pictures, not one. `make screenshots` names a folder, and gets every kind of page in each.
#[test]
fn every_look_is_a_picture_of_its_own() {
    let Some(world) = world() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let wanted = std::env::var_os("SCREENSHOTS").map(PathBuf::from);
    let dir = wanted.as_deref().unwrap_or(scratch.path());
    std::fs::create_dir_all(dir).unwrap();
    let pages = if wanted.is_some() { world.pages() } else { [("/".to_owned(), "/".to_owned())].into() };
    let mut overviews = BTreeSet::new();
    for (name, look) in [
        ("1280-light", Look::DESK),
        ("1280-dark", Look { dark: true, ..Look::DESK }),
        ("390-light", Look::PHONE),
        ("390-dark", Look { dark: true, ..Look::PHONE }),
    ] {
        let browser = world.browser(look);
        for (kind, path) in &pages {
            browser.open(&world.at(path)).unwrap();
            let page: String = kind.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            let file = dir.join(format!("{page}-{name}.png"));
            browser.screenshot(&file).unwrap();
            if path == "/" {
                overviews.insert(std::fs::read(&file).unwrap());
            }
        }
    }
    assert_eq!(overviews.len(), 4);
}
