//! Every page by itself: quiet console, own host alone, one heading, no script needed.

use std::collections::BTreeSet;
use std::path::PathBuf;

use modeltrail_tests::browser::Look;

use crate::scenes;
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
        // That a page is refused is not quiet, and need not be.
        let console: Vec<String> =
            browser.console().unwrap().into_iter().filter(|line| !line.contains("with a status of 4")).collect();
        assert!(console.is_empty(), "{path} writes to the console: {console:?}");
        let strangers: Vec<String> =
            browser.requests().unwrap().into_iter().filter(|url| !url.starts_with(&world.url) && !inner(url)).collect();
        assert!(strangers.is_empty(), "{path} asks {strangers:?}");
    }
}

/// Captions that go beyond what is in sight, and heads of rows that run into the next column.
const CUT: &str = "return [...document.querySelectorAll('caption > div, .scroll tr > :first-child')]
    .filter(e => e.scrollWidth > e.clientWidth + 1 || (e.closest('caption') && e.getBoundingClientRect().right > innerWidth))
    .map(e => e.innerText.slice(0, 80));";

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
        assert_eq!(with.script(CUT, &[]).unwrap(), serde_json::json!([]), "{path}");
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

/// A page that is added, or asked in a new way, and that no test looks at.
#[test]
fn every_page_is_looked_at_and_everything_it_takes() {
    let Some(world) = world() else { return };
    let seen: BTreeSet<String> = world.pages().into_values().collect();
    let mut missed = Vec::new();
    for (path, takes) in modeltrail_web::all_pages() {
        let (start, open) = path.split_once('{').map_or((path, false), |(start, _)| (start, true));
        let of: Vec<&str> = seen
            .iter()
            .map(|seen| seen.split_once('?').unwrap_or((seen, "")))
            .filter(|(seen, _)| if open { seen.starts_with(start) } else { *seen == path })
            .map(|(_, query)| query)
            .collect();
        if of.is_empty() {
            missed.push(path.to_owned());
        }
        let asked =
            |name: &str| of.iter().any(|query| query.split('&').any(|pair| pair.split('=').next() == Some(name)));
        missed.extend(takes.iter().filter(|name| !asked(name)).map(|name| format!("{path}?{name}=")));
    }
    assert!(missed.is_empty(), "no test looks at these: {missed:?}");
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
    let looks = [
        ("1280-light", Look::DESK),
        ("1280-dark", Look { dark: true, ..Look::DESK }),
        ("390-light", Look::PHONE),
        ("390-dark", Look { dark: true, ..Look::PHONE }),
    ];
    let file = |kind: &str, look: &str| {
        let page: String = kind.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        dir.join(format!("{page}-{look}.png"))
    };
    let mut overviews = BTreeSet::new();
    for (name, look) in looks {
        let browser = world.browser(look);
        for (kind, path) in &pages {
            browser.open(&world.at(path)).unwrap();
            browser.screenshot(&file(kind, name)).unwrap();
            if path == "/" {
                overviews.insert(std::fs::read(file(kind, name)).unwrap());
            }
        }
    }
    // What passes, or answers a form, has no address to come back to.
    for (name, look) in looks.into_iter().filter(|_| wanted.is_some()) {
        let browser = world.browser(look);
        scenes::waiting(world, &browser);
        browser.screenshot(&file("/job waiting", name)).unwrap();
        scenes::refused(world, &browser);
        browser.screenshot(&file("/make refused", name)).unwrap();
    }
    assert_eq!(overviews.len(), 4);
}
