//! Requests that are not meant for us, or meant badly.

use crate::harness::{Answer, STRUCTURED, Server, bytes, event};

fn with_host(server: &Server, host: &str) -> Answer {
    server.client().send("GET", "/healthz", &[("host", host)], b"")
}

#[test]
fn only_our_hosts_are_answered() {
    let server = Server::start();
    for host in ["localhost", "127.0.0.1:8080", "[::1]:1", "ledger.test", "LEDGER.test:80"] {
        with_host(&server, host).ok(200);
    }
    for host in ["evil.example", "localhost.evil.example:80", "0.0.0.0", "user@localhost", "localhost:x"] {
        with_host(&server, host).problem(421, "host-refused", "is not one that this server answers to");
    }
    let raw = |text: &str| server.client().raw(text.as_bytes(), false);
    // Refused below us: such a request breaks HTTP/1.1 itself.
    assert_eq!(raw("GET /healthz HTTP/1.1\r\n\r\n").status, 400);
    raw("GET /healthz HTTP/1.0\r\n\r\n").problem(400, "host-missing", "no usable Host header");
    raw("GET http://evil.example/healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").problem(
        421,
        "host-refused",
        "evil.example",
    );
    let twice = raw("GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n");
    assert_eq!(twice.status, 400);
}

#[test]
fn a_browser_on_another_site_gets_nothing_done() {
    let server = Server::start();
    let size = server.size();
    let get = |path: &str, name: &str, value: &str| {
        server.client().send("GET", path, &[("host", "localhost:1"), (name, value)], b"")
    };
    for site in ["cross-site", "same-site", "x"] {
        get("/v1/exports?subject=model/a", "sec-fetch-site", site).problem(403, "cross-site", "Sec-Fetch-Site");
    }
    get("/", "sec-fetch-site", "cross-site").problem(403, "cross-site", "Sec-Fetch-Site");
    get("/healthz", "sec-fetch-site", "same-origin").ok(200);
    get("/healthz", "sec-fetch-site", "none").ok(200);
    get("/healthz", "origin", "http://localhost:1").ok(200);
    for origin in ["null", "http://evil.example", "http://localhost:2", "http://localhost", "localhost:1"] {
        get("/healthz", "origin", origin).problem(403, "cross-site", "Origin");
    }
    let body = bytes(&event("1", "fraud", 1));
    server.client().post_with(&[("content-type", STRUCTURED), ("origin", "http://evil.example")], &body).problem(
        403,
        "cross-site",
        "Origin",
    );
    let preflight =
        server.client().send("OPTIONS", "/v1/events", &[("host", "localhost"), ("origin", "http://evil.example")], b"");
    assert_eq!(preflight.status, 403);
    assert!(preflight.headers.iter().all(|(name, _)| !name.starts_with("access-control-")), "{preflight:?}");
    assert_eq!(server.size(), size);
}

#[test]
fn every_answer_is_strict() {
    let server = Server::start();
    for path in ["/", "/healthz", "/checkpoint", "/nothing", "/v1/entries/99", "/metrics", "/tile/0/000.p/1"] {
        let answer = server.get(path);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{path}");
        assert!(answer.header("cache-control").is_some() && answer.header("content-type").is_some(), "{path}");
        assert!(answer.header("server").is_none(), "{path}");
    }
    with_host(&server, "evil.example").header("content-security-policy").unwrap();
}

#[test]
fn other_methods_are_told_which_go() {
    let server = Server::start();
    let send = |method: &str, path: &str| server.client().send(method, path, &[("host", "localhost")], b"");
    let answer = send("DELETE", "/v1/entries/0");
    answer.problem(405, "method-not-allowed", "DELETE does not go here; allowed: GET, HEAD");
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    assert_eq!(send("GET", "/v1/events").header("allow"), Some("POST"));
    assert_eq!(send("BREW", "/healthz").status, 405);
    assert_eq!(send("HEAD", "/healthz").status, 200);
}

#[test]
fn measurements_have_no_labels_from_outside() {
    let server = Server::start();
    for n in 0..20 {
        server.get(&format!("/secret-{n}"));
        server.client().send(&format!("M{n}"), "/healthz", &[("host", "localhost")], b"");
    }
    server.post(STRUCTURED, &bytes(&event("1", "fraud", 1))).ok(201);
    let text = server.get("/metrics").text().to_owned();
    assert!(!text.contains("secret-") && !text.contains("M1"), "{text}");
    for line in [
        "modeltrail_entries 3",
        "modeltrail_writer_status{status=\"running\"} 1",
        "modeltrail_http_requests_total{method=\"POST\",route=\"/v1/events\",status=\"201\"} 1",
        "modeltrail_http_requests_total{method=\"GET\",route=\"other\",status=\"404\"} 20",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
}

#[test]
fn a_stop_waits_for_nobody_for_long() {
    let server = Server::start();
    let _idle = server.client();
    let mut half = server.client();
    half.get("/healthz").ok(200);
    let started = std::time::Instant::now();
    drop(server);
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
}
