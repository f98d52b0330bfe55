//! Every page answers, escapes what is foreign, and loads nothing but its own.

use crate::world::{HOSTILE, PAGES, World};

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[test]
fn every_page_answers_and_escapes() {
    let world = World::new();
    for path in PAGES {
        let answer = world.page(path);
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.header("content-security-policy"), Some(POLICY), "{path}");
        let html = answer.text();
        for wrong in ["<script>alert", "<img src=x", "\u{202e}", " style=\"", " onclick", "http://", "javascript:"] {
            let found =
                html.match_indices(wrong).find(|(at, _)| !html[*at..].starts_with("http://www.w3.org/2000/svg"));
            assert!(
                found.is_none(),
                "{path} holds {wrong:?}: {}",
                &html[found.unwrap().0.saturating_sub(80)..][..160.min(html.len())]
            );
        }
        assert_eq!(html.matches("<h1>").count(), 1, "{path}");
        assert!(html.contains("<html lang=\"en\">") && html.contains("class=\"skip\""), "{path}");
        assert!(html.len() < 400_000, "{path} is {} bytes", html.len());
    }
}

#[test]
fn every_page_says_what_it_is_about() {
    let world = World::new();
    for (path, words) in [
        ("/", "Which models are there?"),
        ("/models", "risk/pd"),
        ("/model?subject=model/risk/pd", "1.0.0"),
        ("/version?subject=model/risk/pd@1.0.0", "AP-1"),
        ("/version?subject=model/risk/pd@1.0.0", "EV-1"),
        ("/version?subject=model/risk/pd@1.0.0", "not named"),
        ("/dataset?subject=dataset/loans/retail@2025", "1 of them run now"),
        ("/deployments", "production"),
        ("/ran-at?at=2025-12-31", "risk/pd@1.0.0"),
        ("/approvals", "head of risk"),
        ("/evaluations", "after the result"),
        ("/validations", "accepted"),
        ("/incidents", "INC-1"),
        ("/party?id=p-3", "Approval granted"),
        ("/search?q=AP-1", "the approval of"),
        ("/search?q=1111111111", "digest"),
        ("/entries/6", "Check it by hand"),
        ("/integrity", "example.com/ml"),
    ] {
        assert!(world.html(path).contains(words), "{path} doesn't say {words:?}");
    }
    let hostile = world.html("/model?subject=model/risk/pd");
    assert!(
        hostile.contains("[U+202E]") && hostile.contains("[U+000A]") && hostile.contains("&#60;script&#62;"),
        "{hostile}"
    );
    assert!(!hostile.contains(HOSTILE));
}

#[test]
fn what_is_not_there_is_told_with_what_was_meant() {
    let world = World::new();
    for (path, near) in [
        ("/model?subject=model/risk/pdd", "model/risk/pd"),
        ("/model?subject=pd", "model/risk/pd"),
        ("/version?subject=model/risk/pd@1.0.1", "model/risk/pd@1.0.0"),
        ("/deployment?subject=deployment/production/scorin", "deployment/production/scoring"),
        ("/dataset?subject=model/risk/pd", "model/risk/pd"),
    ] {
        let answer = world.page(path);
        assert_eq!(answer.status, 404, "{path}");
        let html = answer.text();
        assert!(html.contains("Did you mean") && html.contains(near), "{path}: {html}");
    }
    assert_eq!(world.page("/finding?id=none-1").status, 404);
    assert_eq!(world.page("/entries/999").status, 404);
    assert_eq!(world.page("/entries/x").status, 400);
    assert_eq!(world.page("/model").status, 400);
    assert_eq!(world.page("/models?as_of=yesterday").status, 400);
    let lost = world.page("/nowhere/%3Cb%3E");
    assert_eq!((lost.status, lost.header("content-type")), (404, Some("text/html; charset=utf-8")));
    assert!(!lost.text().contains("<b>") && lost.text().contains("not-found"), "{}", lost.text());
    assert_eq!(world.server.get("/nowhere").header("content-type"), Some("application/problem+json"));
}

#[test]
fn the_past_knows_nothing_of_what_came_later() {
    let world = World::new();
    // Genesis, the opening, the first model.
    let then = world.html("/models?as_of=3");
    assert!(then.contains("risk/pd") && !then.contains(">1.0.0<"), "{then}");
    assert!(then.contains("class=\"asof past\"") && then.contains("Back to now"), "{then}");
    assert_eq!(world.page("/version?subject=model/risk/pd@1.0.0&as_of=3").status, 404);
    assert_eq!(world.page("/entries/5?as_of=3").status, 404);
    assert!(!world.html("/models").contains("class=\"asof past\""));
    assert!(world.html("/models?as_of=0").contains("No model matches"));
}

#[test]
fn tables_are_csv_too_and_no_spreadsheet_finds_a_formula() {
    let world = World::new();
    let answer = world.page("/models?format=csv");
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(answer.header("content-disposition").unwrap().starts_with("attachment; filename=\"modeltrail-models-"));
    assert!(answer.text().starts_with("Model,Tier,Kind,Owner,"), "{}", answer.text());
    assert_eq!(answer.text().lines().count(), 3, "{}", answer.text());
    let datasets = world.page("/datasets?format=csv");
    assert!(datasets.text().contains("\"'=cmd|"), "{}", datasets.text());
    let part = world.page("/model?subject=model/risk/pd&format=csv&table=versions");
    assert!(part.text().starts_with("Version,Registered,"), "{}", part.text());
    assert_eq!(world.page("/about?format=csv").status, 400);
}

#[test]
fn lists_are_sorted_filtered_and_paged() {
    let world = World::new();
    let sorted = world.html("/models?sort=-name");
    assert!(sorted.contains("aria-sort=\"descending\""), "{sorted}");
    let rows = |path: &str| world.page(path).text().lines().count() - 1;
    assert_eq!(rows("/models?format=csv&q=PD"), 1);
    assert_eq!(rows("/models?format=csv&tier=1"), 1);
    assert_eq!(rows("/models?format=csv&runs=no"), 1);
    assert_eq!(rows("/approvals?format=csv&state=pending"), 0);
    assert_eq!(rows("/approvals?format=csv&state=in+force"), 1);
    assert_eq!(rows("/findings?format=csv&subject=model/risk/none"), 0);
}

#[test]
fn style_and_script_are_small_and_kept_by_their_content() {
    let world = World::new();
    let html = world.html("/");
    for (name, limit) in [("/static/style.css?v=", 30 << 10), ("/static/portal.js?v=", 15 << 10)] {
        let start = html.find(name).unwrap();
        let address = html[start..].split('"').next().unwrap();
        let answer = world.page(address);
        assert_eq!(answer.status, 200);
        assert!(answer.body.len() < limit, "{name} is {} bytes", answer.body.len());
        assert!(answer.header("cache-control").unwrap().contains("immutable"));
        let tag = answer.header("etag").unwrap().to_owned();
        let again = world.server.client().send("GET", address, &[("host", "localhost"), ("if-none-match", &tag)], b"");
        assert_eq!(again.status, 304);
        // What it said would replace what the browser keeps with the page: a policy for programs' answers, and the page had no style any more.
        assert_eq!(again.header("content-security-policy"), None, "{address}");
    }
    assert_eq!(world.page("/static/other.css").status, 404);
    let first = world.page("/models");
    let tag = first.header("etag").unwrap().to_owned();
    let again = world.server.client().send("GET", "/models", &[("host", "localhost"), ("if-none-match", &tag)], b"");
    assert_eq!(again.status, 304);
}
