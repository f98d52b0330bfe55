//! `/healthz`, `/readyz` and `/metrics`.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::errors::WebError;
use crate::metrics;
use crate::query::Query;
use crate::respond::{blocking, json as answer};
use crate::state::AppState;

/// The process answers.
pub(crate) async fn healthz(request: HttpRequest) -> Result<HttpResponse, WebError> {
    Query::of(&request, &[])?;
    Ok(answer(&json!({"status": "ok"})))
}

/// Events are taken; or, on a ledger that was opened for reading only, reads are answered.
pub(crate) async fn readyz(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    Query::of(&request, &[])?;
    let reading_only = state.config.appender.is_none();
    if !reading_only {
        state.writable()?;
    }
    let writes = if reading_only { "read-only" } else { "running" };
    Ok(answer(&json!({"size": state.ledger().head().size, "status": "ready", "writer": writes})))
}

pub(crate) async fn scrape(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    Query::of(&request, &[])?;
    let text = blocking(&state, metrics::scrape).await?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(text))
}
