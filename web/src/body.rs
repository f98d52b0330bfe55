//! Request bodies: as sent, within limits, and never more of them at one time than memory allows.

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::{Bytes, Payload};

use crate::clock::Duration;
use crate::errors::{WebError, shown};
use crate::state::{AppState, Portion};

/// A body, and its share of the memory that bodies may take.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    _portion: Portion,
}

/// Reads a body of at most `limit` bytes. `what` names it in messages.
pub(crate) async fn read(
    state: &AppState,
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    what: &'static str,
) -> Result<Body, WebError> {
    if let Some(encoding) = request.headers().get(header::CONTENT_ENCODING) {
        return Err(WebError::ContentEncoding { found: shown(&String::from_utf8_lossy(encoding.as_bytes())) });
    }
    let announced = announced(request);
    if let Some(found) = announced.filter(|found| *found > limit as u64) {
        return Err(WebError::TooLarge { what, limit, found: Some(found) });
    }
    let bytes = announced.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(limit);
    let portion = state.bodies.take(bytes).ok_or(WebError::BodiesFull)?;
    let seconds = state.config.limits.body_seconds;
    let read = tokio::time::timeout(Duration::from_secs(seconds), payload.to_bytes_limited(limit)).await;
    match read {
        Err(_) => Err(WebError::BodySlow { seconds }),
        Ok(Err(_)) => Err(WebError::TooLarge { what, limit, found: None }),
        Ok(Ok(Err(cause))) => Err(WebError::BodyBroken { cause: shown(&cause.to_string()) }),
        Ok(Ok(Ok(bytes))) => Ok(Body { bytes, _portion: portion }),
    }
}

/// `Content-Length`; a chunked body announces nothing.
fn announced(request: &HttpRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
