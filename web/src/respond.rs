//! Answers, and reads that may wait for the disk.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::errors::WebError;
use crate::state::AppState;

/// Bytes of items after which a page ends early; its `next` goes on.
pub(crate) const PAGE_BYTES: usize = 4 << 20;

/// How long others may keep an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// The same for ever.
    Immutable,
    /// Soon replaced by a wider one, but never wrong.
    Brief,
    /// To be asked for again each time, by its tag.
    Revalidate,
}

impl Cache {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Brief => "public, max-age=60",
            Self::Revalidate => "private, no-cache",
        })
    }
}

/// Does work that reads the store on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    state: &web::Data<AppState>,
    work: impl FnOnce(&AppState) -> Result<T, WebError> + Send + 'static,
) -> Result<T, WebError> {
    let state = state.clone();
    web::block(move || work(&state)).await.unwrap_or(Err(WebError::Internal { what: "a blocking read" }))
}

/// 200 with JSON.
pub(crate) fn json(value: &Value) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(value.to_string())
}

/// 200 with a body that has a tag, or 304 when the caller has it.
pub(crate) fn tagged(
    request: &HttpRequest,
    tag: &str,
    cache: Cache,
    content_type: &'static str,
    body: impl FnOnce() -> Vec<u8>,
) -> HttpResponse {
    let tag = format!("\"{tag}\"");
    let mut response = if has(request, &tag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag.clone())).insert_header((header::CACHE_CONTROL, cache.header()));
    if has(request, &tag) {
        return response.finish();
    }
    response.insert_header((header::CONTENT_TYPE, content_type)).body(body())
}

/// A tag for bytes: half of their SHA-256 is enough to tell versions of one resource apart.
pub(crate) fn tag_of(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..16])
}

/// Whether `If-None-Match` names the tag, or `*`. Weak comparison, as RFC 9110 section 13.1.2 says.
fn has(request: &HttpRequest, tag: &str) -> bool {
    let headers = request.headers().get_all(header::IF_NONE_MATCH);
    let mut named = headers.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim);
    named.any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}

/// Header bytes as text; they are canonical JSON.
pub(crate) fn header_text(index: u64, header: Vec<u8>) -> Result<String, WebError> {
    String::from_utf8(header)
        .map_err(|_| WebError::Contradiction { what: format!("the header of entry {index} is not UTF-8") })
}
