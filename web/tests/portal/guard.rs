//! Links from other sites lead to pages, and to nothing that acts.

use crate::world::World;

#[test]
fn a_link_from_elsewhere_leads_to_a_page_and_never_to_the_api() {
    let world = World::new();
    let ask = |path: &str, mode: &str, dest: &str| {
        let headers = [
            ("host", "localhost"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", dest),
        ];
        world.server.client().send("GET", path, &headers, b"").status
    };
    assert_eq!(ask("/models", "navigate", "document"), 200);
    assert_eq!(ask("/model?subject=model/risk/pd", "navigate", "document"), 200);
    for (path, mode, dest) in [
        ("/models", "no-cors", "image"),
        ("/models", "cors", "empty"),
        ("/models", "navigate", "iframe"),
        ("/v1/exports?subject=model/risk/pd", "navigate", "document"),
        ("/v1/entries", "navigate", "document"),
        ("/checkpoint", "navigate", "document"),
        ("/metrics", "navigate", "document"),
        ("/static/portal.js", "no-cors", "script"),
    ] {
        assert_eq!(ask(path, mode, dest), 403, "{path} {mode} {dest}");
    }
}

#[test]
fn what_is_no_page_keeps_the_strict_policy() {
    let world = World::new();
    let strict = Some("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    for path in ["/v1/entries", "/checkpoint", "/healthz", "/models?format=csv", "/static/portal.js"] {
        assert_eq!(world.page(path).header("content-security-policy"), strict, "{path}");
    }
    let answer = world.server.client().send("POST", "/models", &[("host", "localhost")], b"");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(world.server.client().send("HEAD", "/models", &[("host", "localhost")], b"").status, 200);
}
