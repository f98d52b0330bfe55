//! `/`: a plain page that lists what there is.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::errors::WebError;
use crate::query::Query;
use crate::state::AppState;

/// One thing that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The method.
    pub method: &'static str,
    /// The path; `{…}` stands for a part of it.
    pub path: &'static str,
    /// What it gives.
    pub gives: &'static str,
}

const fn endpoint(method: &'static str, path: &'static str, gives: &'static str) -> Endpoint {
    Endpoint { method, path, gives }
}

/// All endpoints. `docs/API.md` describes each.
pub const ENDPOINTS: &[Endpoint] = &[
    endpoint("POST", "/v1/events", "takes events, gives receipts"),
    endpoint("GET", "/v1/entries", "entries, in order"),
    endpoint("GET", "/v1/entries/{index}", "one entry with its record"),
    endpoint("GET", "/v1/trails", "all entries about one subject"),
    endpoint("GET", "/v1/subjects", "subjects by prefix"),
    endpoint("GET", "/v1/proofs/inclusion", "the proof that an entry is in the ledger"),
    endpoint("GET", "/v1/proofs/consistency", "the proof that the ledger only grew"),
    endpoint("GET", "/v1/checkpoints", "kept checkpoints, the newest first"),
    endpoint("GET", "/v1/checkpoints/{size}", "the checkpoint of one size"),
    endpoint("GET", "/v1/exports", "a bundle about some subjects; that it was made is recorded"),
    endpoint("GET", "/v1/sources", "lag, gaps and quarantine of every source"),
    endpoint("GET", "/v1/quarantine", "what was kept aside, and why"),
    endpoint("GET", "/v1/keys", "the keys of the ledger and of producers"),
    endpoint("POST", "/v1/admin/producers", "registers a producer's key"),
    endpoint("POST", "/v1/admin/producers/{key}/revoke", "revokes a producer's key"),
    endpoint("POST", "/v1/admin/keys/rotate", "rotates the ledger's key"),
    endpoint("POST", "/v1/admin/sources/{name}/rebase", "lets a halted partition go on"),
    endpoint("GET", "/checkpoint", "the newest checkpoint (C2SP tlog-tiles)"),
    endpoint("GET", "/tile/{level}/{index}", "tiles (C2SP tlog-tiles)"),
    endpoint("GET", "/tile/entries/{index}", "entry headers (C2SP tlog-tiles)"),
    endpoint("GET", "/metrics", "measurements for Prometheus"),
    endpoint("GET", "/healthz", "whether the process answers"),
    endpoint("GET", "/readyz", "whether events are taken"),
];

pub(crate) async fn page(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    Query::of(&request, &[])?;
    let head = state.ledger().head();
    let html = html(state.ledger().origin(), head.size, state.ledger().clock_kind());
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8")).body(html))
}

fn html(origin: &str, size: u64, clock: &str) -> String {
    let origin = escaped(origin);
    let rows: String = ENDPOINTS.iter().map(row).collect();
    let clock = escaped(clock);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{origin}</title></head>\n<body>\n<h1>{origin}</h1>\n\
         <p>A Modeltrail ledger of {size} entries. Its clock: {clock}.</p>\n\
         <table>\n<thead><tr><th scope=\"col\">Method</th><th scope=\"col\">Path</th><th scope=\"col\">Gives</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</body>\n</html>\n"
    )
}

fn row(endpoint: &Endpoint) -> String {
    let Endpoint { method, path, gives } = endpoint;
    // What can be followed as it stands is a link; an export would be made by following it.
    let plain = *method == "GET" && !path.contains('{') && !matches!(*path, "/v1/exports");
    let path = if plain { format!("<a href=\"{path}\">{}</a>", escaped(path)) } else { escaped(path) };
    format!("<tr><td>{method}</td><td><code>{path}</code></td><td>{}</td></tr>\n", escaped(gives))
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_no_markup_from_outside() {
        let page = html("<script>alert('x')</script>&\"", 3, "system");
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"), "{page}");
    }
}
