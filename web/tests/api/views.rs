//! What the views answer as JSON: lists in pages of one size, the past, tags, problems; and the document that describes all of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{STRUCTURED, Server, bytes};

/// An event of the catalogue.
fn act(id: &str, verb: &str, data: Value) -> Vec<u8> {
    bytes(&json!({
        "specversion": "1.0", "id": id, "source": "urn:test", "type": format!("modeltrail.{verb}.v1"),
        "time": "2026-01-02T00:00:00Z", "data": data,
    }))
}

fn created(name: &str) -> Vec<u8> {
    act(&format!("created {name}"), "model.created", json!({"name": name, "purpose": format!("to tell {name}")}))
}

/// A server that knows these models, with all of it folded.
fn knowing(names: &[&str]) -> Server {
    let server = Server::start();
    for name in names {
        server.post(STRUCTURED, &created(name)).ok(201);
    }
    folded(&server);
    server
}

/// Waits until the views have everything.
fn folded(server: &Server) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let views = server.get("/v1/views").ok(200);
        if views["row"]["size"].as_u64() == Some(server.size()) {
            return;
        }
        assert!(Instant::now() < until, "the views stay behind: {views}");
        std::thread::yield_now();
    }
}

fn subjects(answer: &Value) -> Vec<String> {
    answer["rows"].as_array().unwrap().iter().map(|row| row["subject"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_comes_in_pages_of_one_size() {
    let server = knowing(&["a", "b", "c", "d", "e"]);
    let size = server.size();
    let first = server.get("/v1/models?limit=2").ok(200);
    assert_eq!(subjects(&first), ["model/a", "model/b"]);
    assert_eq!((&first["as_of"]["size"], &first["truncated"]), (&json!(size), &json!(false)));
    // What comes between two pages is not on the second.
    server.post(STRUCTURED, &created("aa")).ok(201);
    server.post(STRUCTURED, &created("bb")).ok(201);
    folded(&server);
    let (mut seen, mut next) = (subjects(&first), first["next"].as_str().map(str::to_owned));
    while let Some(cursor) = next {
        let page = server.get(&format!("/v1/models?limit=2&cursor={cursor}")).ok(200);
        assert_eq!(page["as_of"]["size"], size);
        seen.extend(subjects(&page));
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, ["model/a", "model/b", "model/c", "model/d", "model/e"]);
    assert_eq!(subjects(&server.get("/v1/models").ok(200)).len(), 7);
}

#[test]
fn another_order_has_pages_too_and_both_ways_give_the_same_rows() {
    let server = knowing(&["a", "b", "c", "d", "e"]);
    let all = |sort: &str| {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.get(&format!("/v1/models?sort={sort}&limit=2{cursor}")).ok(200);
            seen.extend(subjects(&page));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seen,
            }
        }
    };
    assert_eq!(all("subject"), ["model/a", "model/b", "model/c", "model/d", "model/e"]);
    assert_eq!(all("-subject"), ["model/e", "model/d", "model/c", "model/b", "model/a"]);
    assert_eq!(all("-changed"), ["model/e", "model/d", "model/c", "model/b", "model/a"]);
    let page = server.get("/v1/models?sort=subject&limit=2").ok(200);
    let other = format!("/v1/models?cursor={}", page["next"].as_str().unwrap());
    server.get(&other).problem(400, "parameter", "belongs to a list in another order");
    server.get("/v1/models?sort=colour").problem(400, "parameter", "this list goes by: subject, -subject");
}

#[test]
fn the_past_is_answered_as_it_was() {
    let server = knowing(&["a"]);
    let before = server.size();
    let time = server.get(&format!("/v1/models?as_of={before}")).ok(200)["as_of"]["time"].as_str().unwrap().to_owned();
    server.post(STRUCTURED, &created("b")).ok(201);
    folded(&server);
    for as_of in [before.to_string(), time] {
        let then = server.get(&format!("/v1/models?as_of={as_of}")).ok(200);
        assert_eq!((subjects(&then), &then["as_of"]["size"]), (vec!["model/a".to_owned()], &json!(before)), "{as_of}");
        server.get(&format!("/v1/model?subject=model/b&as_of={as_of}")).problem(
            404,
            "not-recorded",
            "no model `model/b`",
        );
    }
    assert_eq!(server.get("/v1/model?subject=model/b").ok(200)["row"]["subject"], "model/b");
    server.get("/v1/models?as_of=999").problem(404, "no-size", "beyond the newest checkpoint");
    server.get("/v1/models?as_of=soon").problem(400, "parameter", "`as_of`");
    assert_eq!(server.get("/v1/models?as_of=0").ok(200)["as_of"], json!({"size": 0}));
}

#[test]
fn a_tag_stands_for_path_query_and_size() {
    let server = knowing(&["a"]);
    let tag = |path: &str| server.get(path).header("etag").unwrap().to_owned();
    let known = |path: &str, tag: &str| {
        server.client().send("GET", path, &[("host", "localhost"), ("if-none-match", tag)], b"").status
    };
    let first = tag("/v1/models");
    assert_eq!(tag("/v1/models"), first);
    assert_ne!(tag("/v1/models?limit=1"), first);
    assert_eq!((known("/v1/models", &first), known("/v1/models", "\"x\"")), (304, 200));
    assert_eq!((known("/v1/models", &format!("\"x\", W/{first}")), known("/v1/models", "*")), (304, 304));
    assert_eq!(known("/v1/model?subject=model/none", "*"), 404);
    server.post(STRUCTURED, &created("b")).ok(201);
    folded(&server);
    assert_eq!(known("/v1/models", &first), 200);
}

#[test]
fn what_is_not_there_is_said_with_what_is_near() {
    let server = knowing(&["fraud"]);
    let problem = server.get("/v1/model?subject=model/risk/fraud").problem(404, "not-recorded", "/v1/search finds");
    assert_eq!(problem["near"], json!(["model/fraud"]));
    server.get("/v1/lineage?subject=model/none").problem(404, "not-recorded", "no subject `model/none`");
    server.get("/v1/dossier?version=model/none@1").problem(404, "not-recorded", "no version");
    server.get("/v1/dossier?version=model/fraud").problem(400, "parameter", "is no version of a model");
    server.get("/v1/model").problem(400, "parameter", "`subject` is missing");
    server.get("/v1/model?subject=fraud").problem(400, "parameter", "not a subject");
    server.get("/v1/models?retired=yes").problem(400, "parameter", "not 0 or 1");
    server.get("/v1/models?cursor=1-zz").problem(400, "parameter", "the `next` of an earlier page");
    server.get("/v1/models?cursor=999-02").problem(404, "no-size", "beyond");
    server.get("/v1/lineage?subject=model/fraud&depth=0").problem(400, "parameter", "between 1 and");
}

#[test]
fn search_timeline_and_overview_find_what_was_said() {
    let server = knowing(&["fraud"]);
    let hits = server.get("/v1/search?q=fraud").ok(200);
    assert!(
        hits["rows"].as_array().unwrap().contains(&json!({"is": "subject", "name": "model/fraud", "by": "word"})),
        "{hits}"
    );
    let hits = server.get("/v1/search?q=1").ok(200);
    assert!(hits["rows"].as_array().unwrap().contains(&json!({"is": "entry", "name": "1", "by": "index"})), "{hits}");
    let lines = server.get("/v1/timeline?subject=model/fraud&from=2026-01-02&to=2026-01-02").ok(200);
    let [line] = lines["rows"].as_array().unwrap().as_slice() else { panic!("{lines}") };
    assert_eq!(
        (&line["type"], &line["n"], &line["counts"]),
        (&json!("modeltrail.model.created.v1"), &json!(0), &json!(true))
    );
    assert!(!line["says"].as_str().unwrap().is_empty());
    let none = server.get("/v1/timeline?subject=model/fraud&to=2026-01-01").ok(200);
    assert_eq!(none["rows"], json!([]));
    assert_eq!(server.get("/v1/overview").ok(200)["row"]["models"], 1);
}

#[test]
fn reports_are_rendered_without_an_entry_and_issued_with_two() {
    let server = knowing(&["fraud"]);
    let data = json!({"manifest": {"name": "fraud", "version": "1", "provenance": "built"}});
    let answer = server.post(STRUCTURED, &act("version 1", "model.version_registered", data));
    assert_eq!(answer.status, 201, "{}", answer.text());
    folded(&server);
    let size = server.size();
    let dossier = server.get("/v1/dossier?version=model/fraud@1").ok(200);
    assert_eq!((&dossier["subject"], &dossier["checkpoint"]["size"]), (&json!("model/fraud@1"), &json!(size)));
    let page = server.get("/v1/dossier?version=model/fraud@1&format=html");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").unwrap().contains("style-src 'sha256-"));
    assert_eq!(server.get("/v1/inventory").ok(200)["models"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/v1/inventory?format=csv").header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(server.size(), size);

    server.get("/v1/exports?subject=model/fraud&dossier=1").problem(400, "parameter", "is no version of a model");
    server.get("/v1/exports?subject=model/fraud@1&subject=model/a@1&dossier=1").problem(
        400,
        "parameter",
        "one subject",
    );
    server.get("/v1/exports?subject=model/fraud@1&dossier=yes").problem(400, "parameter", "not 0 or 1");
    assert_eq!(server.size(), size);
    let bundle = server.get("/v1/exports?subject=model/fraud@1&dossier=1");
    assert_eq!((bundle.status, bundle.header("content-type")), (200, Some("application/zip")));
    assert_eq!(server.size(), size + 2);
    folded(&server);
    let kinds = |kind: &str| server.get(&format!("/v1/reports?kind={kind}")).ok(200)["rows"].as_array().unwrap().len();
    assert_eq!((kinds("report"), kinds("export")), (1, 1));
}

#[test]
fn every_operation_of_the_document_is_there_and_described() {
    let server = Server::start();
    let document = server.get("/v1/openapi.json").ok(200);
    let described = include_str!("../../../docs/API.md");
    assert_eq!(document["openapi"], "3.1.0");
    let mut methods = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let real = path
            .replace("{level}", "0")
            .replace("{index}", "000")
            .replace("{size}", "1")
            .replace("{key}", "k")
            .replace("{name}", "n");
        let allow = server.client().send("PATCH", &real, &[("host", "localhost")], b"");
        assert_eq!(allow.status, 405, "{path}");
        for method in operations.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            assert!(allow.header("allow").unwrap().contains(&method), "{method} {path}");
            assert!(described.contains(&format!("`{method} {path}`")), "docs/API.md doesn't describe {method} {path}");
            methods.insert((method, path.clone()));
        }
    }
    // Those of the log and those of the views.
    for (method, path) in
        [("POST", "/v1/events"), ("GET", "/checkpoint"), ("GET", "/v1/models"), ("POST", "/v1/admin/keys/rotate")]
    {
        assert!(methods.contains(&(method.to_owned(), path.to_owned())), "{method} {path} is not in the document");
    }
    let page = server.get("/v1/docs");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
}

#[test]
fn every_word_that_a_parameter_may_be_is_taken() {
    let server = knowing(&["a"]);
    let document = server.get("/v1/openapi.json").ok(200);
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let parameters = operations["get"]["parameters"].as_array().cloned().unwrap_or_default();
        if path == "/v1/exports" || parameters.iter().any(|one| one["required"] == true) {
            continue;
        }
        for one in &parameters {
            for word in one["schema"]["enum"].as_array().into_iter().flatten() {
                let word = word.as_str().map_or_else(|| word.to_string(), str::to_owned);
                let answer = server.get(&format!("{path}?{}={word}", one["name"].as_str().unwrap()));
                assert_eq!(answer.status, 200, "{path} {word}: {}", String::from_utf8_lossy(&answer.body));
                asked += 1;
            }
        }
    }
    assert!(asked > 60, "{asked}");
}
