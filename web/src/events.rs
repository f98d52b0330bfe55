//! `POST /v1/events`: events in, receipts out. Nothing is answered with success before it is durable.

use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use modeltrail_core::prepared::Prepared;
use modeltrail_core::receipt::Receipt;
use modeltrail_core::sequencer::Outcome;
use modeltrail_core::types::Salt;
use modeltrail_schemas::record::{RecordView, Via};
use modeltrail_schemas::{dsse, envelope, json as strict};
use modeltrail_store::{AppendError, Appended, Appender};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::body;
use crate::errors::{WebError, shown};
use crate::receipt::receipt;
use crate::refusal;
use crate::respond::blocking;
use crate::state::AppState;

/// Who a record comes from while the ledger knows no identities.
const PRODUCER: &str = "local";
/// A body up to this size is read on the spot: a hop to another thread would take longer.
const INLINE_BYTES: usize = 64 << 10;

/// The headers of a request that go into its records: by name, each name's values in the order of arrival.
///
/// HTTP gives no meaning to the order of different headers, and what stands between may change it; sorted, a producer can
/// rebuild its record.
type ProducerHeaders = Vec<(String, Vec<u8>)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    One,
    Batch,
}

pub(crate) async fn post(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, WebError> {
    let headers = producer_headers(&request)?;
    let mode = mode(&headers)?;
    state.writable()?;
    let limits = state.config.limits;
    match mode {
        Mode::One => {
            let body = body::read(&state, &request, payload, limits.record_bytes, "an event").await?;
            one(&state, headers, body).await
        }
        Mode::Batch => {
            let body = body::read(&state, &request, payload, limits.batch_bytes, "a batch").await?;
            batch(&state, headers, body).await
        }
    }
}

fn producer_headers(request: &HttpRequest) -> Result<ProducerHeaders, WebError> {
    let mut found: ProducerHeaders = Vec::new();
    for (name, value) in request.headers() {
        let name = name.as_str();
        if name != "content-type" && !name.starts_with("ce-") {
            continue;
        }
        let text = std::str::from_utf8(value.as_bytes()).map_err(|_| WebError::HeaderText { name: shown(name) })?;
        found.push((name.to_owned(), text.trim_matches([' ', '\t']).as_bytes().to_vec()));
    }
    // Stable: values of one name stay as they came.
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// How the body is to be taken. What comes without a content type, or with one that no event comes in, is told so.
fn mode(headers: &ProducerHeaders) -> Result<Mode, WebError> {
    let refuse = |fault: String| Err(WebError::ContentType { fault });
    let takes = format!(
        "send {} (one event), {} (a batch), {} (signed), or application/json with ce-* headers (binary mode)",
        envelope::MEDIA_TYPE,
        envelope::BATCH_MEDIA_TYPE,
        dsse::MEDIA_TYPE
    );
    let mut types = headers.iter().filter(|(name, _)| name == "content-type");
    let (Some((_, value)), None) = (types.next(), types.next()) else {
        let how = if headers.iter().any(|(name, _)| name == "content-type") {
            "two content types"
        } else {
            "no content type"
        };
        return refuse(format!("the request has {how}; {takes}"));
    };
    let text = String::from_utf8_lossy(value);
    let media = text.split(';').next().unwrap_or_default().trim_matches([' ', '\t']).to_ascii_lowercase();
    let binary = headers.iter().any(|(name, value)| name == "ce-specversion" && !value.is_empty());
    match media.as_str() {
        envelope::BATCH_MEDIA_TYPE => Ok(Mode::Batch),
        envelope::MEDIA_TYPE | dsse::MEDIA_TYPE => Ok(Mode::One),
        "application/json" if !binary => {
            refuse(format!("a body of application/json needs the header ce-specversion (binary mode); {takes}"))
        }
        other if binary && (other == "application/json" || other.ends_with("+json")) => Ok(Mode::One),
        other => refuse(format!("content type `{}` is none that events come in; {takes}", shown(other))),
    }
}

/// A record on its way, and what its receipt needs.
struct Sent {
    salt: Salt,
    answer: oneshot::Receiver<Result<Appended, AppendError>>,
}

fn send(
    state: &AppState,
    headers: &ProducerHeaders,
    place: Option<(usize, usize)>,
    body: &[u8],
) -> Result<Sent, WebError> {
    let limit = state.config.limits.record_bytes;
    let attributes = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice()));
    let record =
        RecordView::http(place, attributes, body).map_err(|error| WebError::Malformed { detail: error.to_string() })?;
    let salt = Appender::salt();
    let mut prepared = Prepared::new(Via::Http, &record, salt, limit, state.ledger().origin());
    refusal::check(&prepared, limit)?;
    // Freed where it was made: the writer needs none of it.
    prepared.reading.data = None;
    let appender = state.writable()?;
    let (sender, answer) = oneshot::channel();
    let reply = move |appended| {
        // Whoever asked has gone: the entry stands, and they will send it again.
        let _ = sender.send(appended);
    };
    appender.append(prepared, PRODUCER.to_owned(), Box::new(reply));
    Ok(Sent { salt, answer })
}

/// What became of a record: the status and its receipt.
fn settled(state: &AppState, salt: Salt, appended: &Appended) -> Result<(u16, Receipt), WebError> {
    let ledger = state.ledger();
    match &appended.outcome {
        Outcome::Entry { index, conflict_of: None, .. } => Ok((201, receipt(ledger, *index, Some(salt), appended)?)),
        Outcome::Entry { index, conflict_of: Some(of), .. } => {
            let receipt = Box::new(receipt(ledger, *index, Some(salt), appended)?);
            Err(WebError::Conflict { of: of.get(), index: index.get(), receipt })
        }
        Outcome::Duplicate { of, erased: true } => Err(WebError::Erased { of: of.get() }),
        Outcome::Duplicate { of, erased: false } => Ok((200, receipt(ledger, *of, None, appended)?)),
        Outcome::Covered => Err(WebError::Internal { what: "a position over HTTP" }),
    }
}

async fn answered(sent: Sent) -> Result<(Salt, Appended), WebError> {
    let appended = sent.answer.await.unwrap_or(Err(AppendError::Stopped))?;
    Ok((sent.salt, appended))
}

async fn one(state: &Data<AppState>, headers: ProducerHeaders, body: body::Body) -> Result<HttpResponse, WebError> {
    let sent = if body.bytes.len() <= INLINE_BYTES {
        send(state, &headers, None, &body.bytes)?
    } else {
        blocking(state, move |state| send(state, &headers, None, &body.bytes)).await?
    };
    let (salt, appended) = answered(sent).await?;
    let (status, receipt) = blocking(state, move |state| settled(state, salt, &appended)).await?;
    let mut response = if status == 201 { HttpResponse::Created() } else { HttpResponse::Ok() };
    response.insert_header((header::LOCATION, format!("/v1/entries/{}", receipt.index)));
    Ok(response.insert_header((header::CONTENT_TYPE, "application/json")).body(receipt.to_bytes()))
}

/// Every element is a record of its own with its own answer, in the order of the batch. What can't be split is refused whole.
async fn batch(state: &Data<AppState>, headers: ProducerHeaders, body: body::Body) -> Result<HttpResponse, WebError> {
    let sent = blocking(state, move |state| send_all(state, &headers, &body.bytes)).await?;
    let mut answers = Vec::with_capacity(sent.len());
    for sent in sent {
        answers.push(match sent {
            Ok(sent) => answered(sent).await,
            Err(refused) => Err(refused),
        });
    }
    let results =
        blocking(state, move |state| Ok(answers.into_iter().map(|answer| result(state, answer)).collect::<Vec<_>>()))
            .await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(Value::Array(results).to_string()))
}

fn send_all(state: &AppState, headers: &ProducerHeaders, body: &[u8]) -> Result<Vec<Result<Sent, WebError>>, WebError> {
    let elements = envelope::split_batch(body).map_err(|error| match error.fault {
        strict::JsonFault::TooManyElements(_) => WebError::BatchTooLong,
        _ => WebError::Malformed { detail: format!("the batch is not a strict JSON array: {error}") },
    })?;
    let count = elements.len();
    Ok(elements
        .into_iter()
        .enumerate()
        .map(|(place, element)| send(state, headers, Some((place, count)), element))
        .collect())
}

fn result(state: &AppState, answer: Result<(Salt, Appended), WebError>) -> Value {
    match answer.and_then(|(salt, appended)| settled(state, salt, &appended)) {
        Ok((status, receipt)) => json!({"receipt": receipt, "status": status}),
        Err(error) => json!({"problem": error.problem(), "status": error.status().as_u16()}),
    }
}
