//! The JSON of all that the portal shows: rows of the views as of any size, walks, reports.
//!
//! An [`Endpoint`] is an operation as data and a function that answers it; a file here holds those of one concern. What all of them
//! share happens once, in [`answer`]: parameters are held against the operation, `as_of` becomes a size, a tag that the caller has is
//! answered with 304 before anything is read, and every answer says as of when it speaks and how far the views are behind.

pub(crate) mod ask;
mod data;
mod deployments;
mod findings;
mod governed;
mod lineage;
mod list;
mod models;
mod parties;
mod reports;
mod search;
mod status;
mod timeline;

use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use modeltrail_views::rows::Row;
use modeltrail_views::store::ViewStore;
use modeltrail_views::view::View;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::api::ask::{Ask, Cursor, Given};
use crate::entries::read;
use crate::errors::{WebError, shown};
use crate::openapi::operation::{Answer, Body, Operation};
use crate::openapi::{self, shapes};
use crate::query::wrong;
use crate::respond::blocking;
use crate::state::AppState;
use crate::views::{AsOf, view_at};

/// What answers a question.
type Work = fn(&Ask<'_>) -> Result<Found, WebError>;

/// An operation and what answers it.
pub(crate) struct Endpoint {
    /// What can be asked, and how.
    pub(crate) operation: Operation,
    /// Whether what it answers depends on the newest checkpoint, too, and not on the size asked about alone.
    newest: bool,
    work: Work,
}

/// What was found.
pub(crate) enum Found {
    /// Members of a JSON object; when it speaks is added to them.
    Members(Map<String, Value>),
    /// A document as it is.
    Document(Document),
}

/// A document to look at or to take away.
pub(crate) struct Document {
    media: &'static str,
    bytes: Vec<u8>,
    /// A security policy of its own, where the strict one would spoil it.
    policy: Option<String>,
}

/// Everything that is answered from the views.
pub(crate) static ENDPOINTS: &[&[Endpoint]] = &[
    models::ENDPOINTS,
    data::ENDPOINTS,
    deployments::ENDPOINTS,
    governed::ENDPOINTS,
    findings::ENDPOINTS,
    lineage::ENDPOINTS,
    timeline::ENDPOINTS,
    search::ENDPOINTS,
    parties::ENDPOINTS,
    reports::ENDPOINTS,
    status::ENDPOINTS,
];

/// A list of rows.
const fn rows_of<R: JsonSchema + Row>(operation: Operation, work: Work) -> Endpoint {
    let answers: &'static [Answer] =
        const { &[Answer::ok("A page of rows.", &[Body { media: JSON, schema: shapes::list::<R> }])] };
    Endpoint { operation: Operation { dated: true, paged: true, answers, ..operation }, newest: false, work }
}

/// One row.
const fn row_of<R: JsonSchema + Row>(operation: Operation, work: Work) -> Endpoint {
    let answers: &'static [Answer] =
        const { &[Answer::ok("The row.", &[Body { media: JSON, schema: shapes::one::<R> }])] };
    Endpoint { operation: Operation { dated: true, answers, ..operation }, newest: false, work }
}

/// The media type of nearly everything.
pub(crate) const JSON: &str = "application/json";

/// The row with these parts, or that there is none.
fn one<R: Row + serde::Serialize>(ask: &Ask<'_>, what: &'static str, parts: &[&str]) -> Result<Found, WebError> {
    let Some(row) = ask.view.get::<R>(parts)? else {
        return Err(unknown(ask, what, parts.last().copied().unwrap_or_default()));
    };
    Ok(Found::Members(Map::from_iter([("row".to_owned(), list::value(&row)?)])))
}

/// That a thing is not recorded, with the nearest that are.
fn unknown(ask: &Ask<'_>, what: &'static str, name: &str) -> WebError {
    const NEAR: usize = 5;
    let last = name.rsplit(['/', '@']).find(|part| !part.is_empty()).unwrap_or(name);
    // Only a help: whatever goes wrong here, the answer is that there is no such thing.
    let near = ask.view.find(last, NEAR).unwrap_or_default();
    WebError::NotRecorded { what, name: shown(name), size: ask.view.size(), near }
}

/// Puts the routes of everything here, of the OpenAPI document and of its page into an application.
pub(crate) fn services(config: &mut ServiceConfig) {
    for endpoint in ENDPOINTS.iter().copied().flatten() {
        let handler = move |state: Data<AppState>, request: HttpRequest| answer(endpoint, state, request);
        config.service(crate::routes::read(endpoint.operation.path, handler));
    }
    config.service(crate::routes::read("/v1/openapi.json", openapi::document));
    config.service(crate::routes::read("/v1/docs", openapi::page::show));
}

async fn answer(
    endpoint: &'static Endpoint,
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let given = Given::of(&endpoint.operation, &request)?;
    let target = request.uri().path_and_query().map_or("", |target| target.as_str()).to_owned();
    let known = known_tags(&request);
    let (tag, found) = blocking(&state, move |state| look(endpoint, state, &given, &target, &known)).await?;
    let mut response = if found.is_some() { HttpResponse::Ok() } else { HttpResponse::NotModified() };
    response.insert_header((header::ETAG, format!("\"{tag}\"")));
    response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")));
    Ok(match found {
        None => response.finish(),
        Some(Found::Members(members)) => {
            response.insert_header((header::CONTENT_TYPE, JSON)).body(Value::Object(members).to_string())
        }
        Some(Found::Document(document)) => {
            if let Some(policy) = document.policy {
                response.insert_header((header::CONTENT_SECURITY_POLICY, policy));
            }
            response.insert_header((header::CONTENT_TYPE, document.media)).body(document.bytes)
        }
    })
}

/// The answer with its tag; `None` when the caller has it.
fn look(
    endpoint: &Endpoint,
    state: &AppState,
    given: &Given,
    target: &str,
    known: &[String],
) -> Result<(String, Option<Found>), WebError> {
    let cursor = given.text("cursor").and_then(Cursor::parse);
    let (store, size) = viewed(state, given.text("as_of"), cursor.as_ref())?;
    let behind = state.config.views.behind();
    let newest = endpoint.newest.then(|| state.ledger().published().size);
    let tag = tag_of(target, size, behind, newest);
    if known.contains(&tag) {
        return Ok((tag, None));
    }
    let ask = Ask { state, given, view: View::new(store.as_ref(), size), place: cursor.map(|cursor| cursor.place) };
    let found = match (endpoint.work)(&ask)? {
        Found::Members(mut members) => {
            members.insert("as_of".to_owned(), spoken(state, size)?);
            members.insert("behind".to_owned(), behind.into());
            Found::Members(members)
        }
        document @ Found::Document(_) => document,
    };
    // A caller who has any answer has this one, now that it is known to be there.
    let any = known.iter().any(|known| known == "*");
    Ok((tag, Some(found).filter(|_| !any)))
}

/// The views, and the size that the question is about: that of its page before, else what `as_of` says, else all that they know.
fn viewed(
    state: &AppState,
    as_of: Option<&str>,
    cursor: Option<&Cursor>,
) -> Result<(Arc<dyn ViewStore>, u64), WebError> {
    let as_of = as_of.map(|text| AsOf::parse("as_of", text)).transpose()?;
    let Some(cursor) = cursor else { return view_at(state, as_of) };
    if let Some(as_of) = as_of
        && as_of.size(state.ledger())? != cursor.size
    {
        return Err(wrong("as_of", format!("is not the size of the cursor, {}; leave it out", cursor.size)));
    }
    let (store, size) = view_at(state, Some(AsOf::Size(cursor.size)))?;
    if size != cursor.size {
        return Err(wrong("cursor", format!("is of {} entries, of which the views hold {size} now", cursor.size)));
    }
    Ok((store, size))
}

/// As of when an answer speaks: the number of entries, and when the last of them was received.
fn spoken(state: &AppState, size: u64) -> Result<Value, WebError> {
    let Some(last) = size.checked_sub(1) else { return Ok(json!({"size": 0})) };
    Ok(json!({"size": size, "time": read(state.ledger(), last)?.header.received.at}))
}

/// All that an answer depends on. Another version of the rows, or of this program, may say it otherwise.
fn tag_of(target: &str, size: u64, behind: u64, newest: Option<u64>) -> String {
    let (schema, version) = (modeltrail_views::SCHEMA, env!("CARGO_PKG_VERSION"));
    let text = format!("{version}\n{schema}\n{size}\n{behind}\n{newest:?}\n{target}");
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}

/// The tags that `If-None-Match` names, without their quotes. Weak ones count, as RFC 9110 section 13.1.2 has it.
fn known_tags(request: &HttpRequest) -> Vec<String> {
    let texts = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    let tags = texts.flat_map(|text| text.split(',')).map(str::trim);
    tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').to_owned()).collect()
}
