//! What the portal's few forms set going. They are sent by POST, so that no link and no other site does it: the guard sees to that.
//! Who sends one is a person: what is refused is said on a page.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::links::Links;
use super::refused;
use crate::body;
use crate::errors::WebError;
use crate::jobs::{self, End};
use crate::query::{Query, wrong};
use crate::routes::{post, read};
use crate::state::AppState;
use crate::stream::FileBody;

/// A form's bytes: a subject, percent-encoded, fits three times over.
const FORM_BYTES: usize = 16 << 10;

/// Puts them into an application.
pub(super) fn services(config: &mut ServiceConfig) {
    config.service(post("/make/bundle", start)).service(post("/job/stop", stop)).service(read("/job/bundle", bundle));
}

/// The fields of a form.
async fn form(state: &AppState, request: &HttpRequest, payload: Payload, known: &[&str]) -> Result<Query, WebError> {
    let body = body::read(state, request, payload, FORM_BYTES, "a form").await?;
    let text = std::str::from_utf8(&body.bytes).map_err(|_| wrong("form", "is not UTF-8"))?;
    Query::parse(&text.replace('+', "%20"), known)
}

fn see(path: String) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

async fn start(state: Data<AppState>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, WebError> {
    match started(&state, &request, payload).await {
        Ok(response) => Ok(response),
        Err(error) => refused(state, request, error).await,
    }
}

async fn stop(state: Data<AppState>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, WebError> {
    match stopped(&state, &request, payload).await {
        Ok(response) => Ok(response),
        Err(error) => refused(state, request, error).await,
    }
}

async fn bundle(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    match made(&state, &request) {
        Ok(response) => Ok(response),
        Err(error) => refused(state, request, error).await,
    }
}

async fn started(state: &Data<AppState>, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, WebError> {
    let form = form(state, request, payload, &["subject", "as_of", "dossier"]).await?;
    let subject = form.one("subject")?.ok_or_else(|| wrong("subject", "is missing"))?;
    let as_of = form.number("as_of")?.ok_or_else(|| wrong("as_of", "is missing"))?;
    let dossier = match form.one("dossier")? {
        None | Some("0") => false,
        Some("1") => true,
        Some(_) => return Err(wrong("dossier", "is not 0 or 1")),
    };
    let job = jobs::start(state, subject, as_of, dossier)?;
    Ok(see(Links::default().to("/job", &[("id", &job.id)])))
}

async fn stopped(state: &AppState, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, WebError> {
    let form = form(state, request, payload, &["id"]).await?;
    let id = form.one("id")?.ok_or_else(|| wrong("id", "is missing"))?;
    if let Some(job) = state.jobs.find(id) {
        job.progress.stop();
    }
    Ok(see(Links::default().to("/job", &[("id", id)])))
}

fn made(state: &AppState, request: &HttpRequest) -> Result<HttpResponse, WebError> {
    let query = Query::of(request, &["id", "as_of"])?;
    let job = query.one("id")?.and_then(|id| state.jobs.find(id));
    let Some((End::Made { file, bytes, id, .. }, _)) = job.as_ref().and_then(|job| job.end()) else {
        return Err(wrong("id", "names no bundle that is whole and still kept; its page says more"));
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/zip"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"modeltrail-{id}.zip\"")))
        .body(FileBody::new(Arc::clone(file), *bytes, None)))
}
