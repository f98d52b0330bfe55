//! What every request passes: is it meant for us, and what must every answer say.
//!
//! A web page that somebody opens on this machine can make their browser send requests here. It can't read the answers (no CORS),
//! but requests act too. So a host that isn't ours is refused (a name rebound to this machine), and so is what a browser says it
//! sends for another site. A link from elsewhere may lead to a page for people, which only shows; never to the API.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError};

use crate::clock;
use crate::errors::{WebError, shown};
use crate::state::AppState;

/// What a page for people may load: its own style sheet, script and pictures, and nothing inline.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                           form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// What anything else may load: nothing. It is never to be run, framed or guessed at by a browser.
const STRICT_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Where what is asked for acts, or is made for programs.
const PROGRAMS: [&str; 7] = ["/v1/", "/api/", "/checkpoint", "/tile/", "/metrics", "/healthz", "/readyz"];

/// On every answer.
const STRICT: [(&str, &str); 5] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

pub(crate) async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = clock::now();
    let state = request.app_data::<Data<AppState>>().cloned();
    let method = request.method().clone();
    let allowed = state.as_ref().map_or(Err(WebError::Internal { what: "no state" }), |state| check(state, &request));
    let mut response = match allowed {
        Err(error) => request.into_response(error.error_response()),
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
    };
    let route = response.request().match_pattern();
    if let Some(state) = state {
        state.metrics.seen(&method, route.as_deref(), response.status(), started.elapsed());
    }
    let unchanged = response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    for (name, value) in STRICT {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // A report that is one file names its own inline style by digest, and says so itself. "Not modified" has no content type to tell a page by, and what
    // it says replaces what the browser kept with the page: it says nothing, and the page's own policy stays.
    if !unchanged && !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let html =
            headers.get(header::CONTENT_TYPE).is_some_and(|content| content.as_bytes().starts_with(b"text/html"));
        let policy = if html { PAGE_POLICY } else { STRICT_POLICY };
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

fn check(state: &AppState, request: &ServiceRequest) -> Result<(), WebError> {
    let headers = request.headers();
    let host = one(headers, &header::HOST).ok_or(WebError::HostMissing)?;
    let hosts = &state.config.hosts;
    // A request line may name a host of its own, which goes before the header.
    let asked = [Some(host), request.uri().authority().map(|authority| authority.as_str())];
    if let Some(other) = asked.into_iter().flatten().find(|asked| !hosts.allows(asked)) {
        return Err(WebError::Host { host: shown(other) });
    }
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) && !followed(request) {
        return Err(WebError::CrossSite { why: "Sec-Fetch-Site" });
    }
    if headers.contains_key(header::ORIGIN) {
        let origin = one(headers, &header::ORIGIN).and_then(|origin| origin.split_once("://"));
        if !origin.is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host)) {
            return Err(WebError::CrossSite { why: "Origin" });
        }
    }
    Ok(())
}

/// Whether somebody followed a link on another site to a page for people: a top-level navigation that only reads.
fn followed(request: &ServiceRequest) -> bool {
    let says = |name: &str, value: &[u8]| request.headers().get(name).map(HeaderValue::as_bytes) == Some(value);
    let reads = *request.method() == Method::GET || *request.method() == Method::HEAD;
    let path = request.path();
    reads
        && says("sec-fetch-mode", b"navigate")
        && says("sec-fetch-dest", b"document")
        && !PROGRAMS.iter().any(|start| path.starts_with(start))
        && !path.starts_with("/static/")
}

/// The value of a header that is there exactly once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name);
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}
