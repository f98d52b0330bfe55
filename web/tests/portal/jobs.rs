//! Bundles that are made while somebody looks on.

use std::time::{Duration, Instant};

use crate::harness::Answer;
use crate::world::World;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
/// Longer than a bundle of this small ledger takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

fn send(world: &World, path: &str, form: &str, origin: &str) -> Answer {
    let headers = [("host", "localhost"), ("origin", origin), FORM];
    world.server.client().send("POST", path, &headers, form.as_bytes())
}

fn begun(world: &World, form: &str) -> String {
    let answer = send(world, "/make/bundle", form, "http://localhost");
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").unwrap().to_owned()
}

#[test]
fn a_bundle_has_a_page_and_is_kept_there() {
    let world = World::new();
    let make = world.html("/make?subject=model/risk/pd@1.0.0");
    assert!(make.contains("action=\"/make/bundle\"") && make.contains("content=\"same-origin\""), "{make}");
    let page = begun(&world, "subject=model%2Frisk%2Fpd%401.0.0&as_of=10&dossier=1");
    let since = Instant::now();
    let html = loop {
        let html = world.html(&page);
        if html.contains("Download the bundle") {
            break html;
        }
        assert!(html.contains("http-equiv=\"refresh\"") && html.contains("under way"), "{html}");
        assert!(since.elapsed() < LIMIT, "{html}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(!html.contains("http-equiv=\"refresh\"") && html.contains("10 entries"), "{html}");
    let bundle = page.replace("/job?", "/job/bundle?");
    let (first, again) = (world.page(&bundle), world.page(&bundle));
    assert_eq!((first.status, first.header("content-type")), (200, Some("application/zip")));
    assert!(first.body.starts_with(b"PK"), "no zip");
    assert_eq!(first.body, again.body);
    let issued = world.page("/reports?format=csv");
    assert_eq!(issued.text().lines().count(), 3, "one export and one report: {}", issued.text());
    // Stopping what is made changes nothing.
    let id = page.rsplit_once('=').unwrap().1.to_owned();
    assert_eq!(send(&world, "/job/stop", &format!("id={id}"), "http://localhost").status, 303);
    assert!(world.html(&page).contains("Download the bundle"));
}

#[test]
fn only_our_own_forms_set_something_going() {
    let world = World::new();
    let before = world.page("/reports?format=csv").text().to_owned();
    for origin in ["http://elsewhere.example", "null"] {
        assert_eq!(send(&world, "/make/bundle", "subject=model/risk/pd&as_of=3", origin).status, 403, "{origin}");
    }
    assert_eq!(world.page("/make/bundle?subject=model/risk/pd&as_of=3").status, 405);
    for (form, status) in [
        ("", 400),
        ("subject=model/risk/pd", 400),
        ("subject=nonsense&as_of=3", 400),
        ("subject=model/risk/pd&as_of=3&dossier=1", 400),
        ("subject=model/risk/pd&as_of=3&dossier=2", 400),
        ("subject=model/risk/pd&as_of=3&more=1", 400),
        ("subject=%ff&as_of=3", 400),
    ] {
        assert_eq!(send(&world, "/make/bundle", form, "http://localhost").status, status, "{form:?}");
    }
    let huge = format!("subject={}&as_of=3", "a".repeat(20 << 10));
    assert_eq!(send(&world, "/make/bundle", &huge, "http://localhost").status, 413);
    assert_eq!(world.page("/job?id=none").status, 404);
    assert_eq!(world.page("/job/bundle?id=none").status, 400);
    assert_eq!(world.page("/reports?format=csv").text(), before);
}
