//! Every page by itself: quiet console, own host alone, one heading, no script needed.

use std::path::PathBuf;

use modeltrail_tests::browser::Look;

use crate::world::world;

/// Kinds of pages that the walk must come by: fewer mean that links are missing.
const LEAST_KINDS: usize = 18;

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
        let strangers: Vec<String> = browser
            .requests()
            .unwrap()
            .into_iter()
            .filter(|url| !url.starts_with(&world.url) && !url.starts_with("data:"))
            .collect();
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

/// Run by `make screenshots`: every kind of page at two widths, light and dark.
#[test]
#[ignore = "makes pictures for people"]
fn screenshots() {
    let Some(world) = world() else { return };
    let dir = PathBuf::from(std::env::var("SCREENSHOTS").unwrap_or_else(|_| "screenshots".to_owned()));
    std::fs::create_dir_all(&dir).unwrap();
    for (name, look) in [
        ("1280-light", Look::DESK),
        ("1280-dark", Look { dark: true, ..Look::DESK }),
        ("390-light", Look::PHONE),
        ("390-dark", Look { dark: true, ..Look::PHONE }),
    ] {
        let browser = world.browser(look);
        for (kind, path) in world.pages() {
            browser.open(&world.at(&path)).unwrap();
            let file: String = kind.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            browser.screenshot(&dir.join(format!("{file}-{name}.png"))).unwrap();
        }
    }
}
