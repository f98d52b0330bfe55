//! `POST /v1/admin/…`: acts of whoever runs the ledger. Each is an entry.
//!
//! Taken from this machine only, and with a token that lies in the data directory: whoever can read that file can act on the
//! ledger without us, too.

use actix_web::http::header;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use modeltrail_core::check;
use modeltrail_core::keys::types as key_types;
use modeltrail_core::sequencer::{Outcome, Rotation};
use modeltrail_schemas::{catalogue, json as strict};
use modeltrail_store::{Act, AppendError, Appended};
use serde_json::{Map, Value, json};

use crate::body;
use crate::errors::{WebError, shown};
use crate::query::Query;
use crate::respond::blocking;
use crate::state::{AppState, TokenHash};

/// More than any of these acts needs.
const MAX_BODY_BYTES: usize = 64 << 10;

/// Where reading of a partition is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// At this position.
    At(u64),
    /// At the oldest that the broker has.
    Earliest,
    /// Behind the newest.
    Latest,
}

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Nothing of that name.
    #[error("{what}")]
    NotFound {
        /// What is not there.
        what: String,
    },
    /// The act makes no sense as things stand, or its data are wrong.
    #[error("{why}")]
    Refused {
        /// Why.
        why: String,
    },
    /// What would do it is not there, or can't now.
    #[error("{why}")]
    Unavailable {
        /// Why.
        why: String,
    },
    /// The writer says no.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Acts that need more than an appender: the data directory, or the sources. Given by the daemon. Each call may wait for the disk
/// or a broker; it is made on a thread that may.
pub trait Admin: Send + Sync {
    /// Makes a new key for the ledger, keeps it in the data directory and rotates to it.
    ///
    /// # Errors
    /// The key can't be kept, or the writer says no.
    fn rotate_keys(&self, why: Rotation) -> Result<Appended, AdminError>;
    /// Lets reading of a partition go on elsewhere, in a new generation.
    ///
    /// # Errors
    /// There is no such source or partition, its broker doesn't answer, or the writer says no.
    fn rebase(&self, source: &str, partition: u32, to: Position) -> Result<Appended, AdminError>;
}

/// Nothing to act on but the ledger itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAdmin;

impl Admin for NoAdmin {
    fn rotate_keys(&self, _: Rotation) -> Result<Appended, AdminError> {
        Err(AdminError::Unavailable {
            why: "this server can't rotate keys; run `modeltraild keys rotate` on the data directory".to_owned(),
        })
    }

    fn rebase(&self, source: &str, _: u32, _: Position) -> Result<Appended, AdminError> {
        Err(AdminError::NotFound { what: format!("source `{}` is not read by this server", shown(source)) })
    }
}

impl From<AdminError> for WebError {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NotFound { what } => Self::AdminNotFound { what },
            AdminError::Refused { why } => Self::AdminRefused { why },
            AdminError::Unavailable { why } => Self::AdminUnavailable { why },
            AdminError::Append(error) => error.into(),
        }
    }
}

/// Lets only this machine and the token's bearer through.
pub(crate) fn guard(state: &AppState, request: &HttpRequest) -> Result<(), WebError> {
    // The peer of the connection itself: headers that name another are anybody's to send.
    if !request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
        return Err(WebError::AdminPeer);
    }
    let hash = state.config.admin_token.as_ref().ok_or(WebError::AdminOff)?;
    let mut given = request.headers().get_all(header::AUTHORIZATION);
    let (Some(given), None) = (given.next(), given.next()) else {
        return Err(WebError::AdminToken);
    };
    let token = given.to_str().ok().and_then(|given| given.strip_prefix("Bearer "));
    let token = token.filter(|token| token.starts_with(TokenHash::ADMIN_PREFIX) && hash.is_of(token));
    token.map(drop).ok_or(WebError::AdminToken)
}

/// The request's body: one JSON object with members of these names only.
pub(crate) async fn members(
    state: &Data<AppState>,
    request: &HttpRequest,
    payload: Payload,
    known: Option<&[&str]>,
) -> Result<Map<String, Value>, WebError> {
    guard(state, request)?;
    Query::of(request, &[])?;
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media != "application/json" {
        return Err(WebError::ContentType {
            fault: format!("content type `{}` is not taken here; send application/json", shown(&media)),
        });
    }
    let body = body::read(state, request, payload, MAX_BODY_BYTES, "the body of an administrative act").await?;
    let value = strict::parse(&body.bytes).map_err(|error| WebError::Malformed { detail: error.to_string() })?;
    let Value::Object(members) = value else {
        return Err(WebError::Malformed { detail: "the body is not a JSON object".to_owned() });
    };
    if let Some(known) = known
        && let Some(name) = members.keys().find(|name| !known.contains(&name.as_str()))
    {
        return Err(refused(format!(
            "member `{}` is not known here; this act takes: {}",
            shown(name),
            known.join(", ")
        )));
    }
    Ok(members)
}

fn refused(why: String) -> WebError {
    WebError::AdminRefused { why }
}

/// 201 with the act's entry and a checkpoint that covers it.
fn done(appended: &Appended) -> Result<HttpResponse, WebError> {
    let Outcome::Entry { index, .. } = appended.outcome else {
        return Err(WebError::Internal { what: "an act without an entry" });
    };
    let value = json!({"checkpoint": &*appended.checkpoint, "index": index.get(), "size": appended.size});
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/v1/entries/{index}")))
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(value.to_string()))
}

async fn act(state: &Data<AppState>, act: Act) -> Result<HttpResponse, WebError> {
    let appended = blocking(state, move |state| Ok(state.writable()?.act_blocking(act)?)).await?;
    done(&appended)
}

/// `producers`: registers a producer's key; the body is the data of `key.producer_registered`.
pub(crate) async fn register(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, WebError> {
    let data = Value::Object(members(&state, &request, payload, None).await?);
    // Checked here too, since here all places can be named.
    let event_type = key_types::REGISTERED.to_owned();
    catalogue::validate(&event_type, &data).map_err(|violations| WebError::Schema { event_type, violations })?;
    act(&state, Act::RegisterProducer(data)).await
}

/// `producers/{key}/revoke`.
pub(crate) async fn revoke(
    state: Data<AppState>,
    request: HttpRequest,
    key: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, WebError> {
    let members = members(&state, &request, payload, Some(&["why"])).await?;
    let why = text(&members, "why")?.unwrap_or("other").to_owned();
    act(&state, Act::RevokeProducer { key: key.into_inner(), why }).await
}

/// `keys/rotate`.
pub(crate) async fn rotate(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, WebError> {
    let members = members(&state, &request, payload, Some(&["why"])).await?;
    let why = match text(&members, "why")? {
        None | Some("scheduled") => Rotation::Scheduled,
        Some("operator_change") => Rotation::OperatorChange,
        Some(other) => {
            return Err(refused(format!("why `{}` is not scheduled or operator_change", shown(other))));
        }
    };
    state.writable()?;
    done(&blocking(&state, move |state| Ok(state.config.admin.rotate_keys(why)?)).await?)
}

/// `sources/{name}/rebase`.
pub(crate) async fn rebase(
    state: Data<AppState>,
    request: HttpRequest,
    source: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, WebError> {
    let members = members(&state, &request, payload, Some(&["partition", "position"])).await?;
    let partition = members.get("partition").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let partition = partition.ok_or_else(|| refused("partition must be the number of a partition".to_owned()))?;
    let to = match members.get("position") {
        Some(Value::String(word)) if word == "earliest" => Position::Earliest,
        Some(Value::String(word)) if word == "latest" => Position::Latest,
        Some(Value::Number(number)) if number.is_u64() => Position::At(number.as_u64().unwrap_or_default()),
        _ => {
            return Err(refused("position must be a number, `earliest` or `latest`".to_owned()));
        }
    };
    state.writable()?;
    done(&blocking(&state, move |state| Ok(state.config.admin.rebase(&source, partition, to)?)).await?)
}

/// `checks`: writes down what a check of this ledger found.
pub(crate) async fn checked(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, WebError> {
    let mut members = members(&state, &request, payload, Some(&["data", "holds"])).await?;
    let holds = members.get("holds").and_then(Value::as_bool);
    let holds = holds.ok_or_else(|| refused("holds must be true or false".to_owned()))?;
    let data = members.remove("data").unwrap_or_default();
    let event_type = if holds { check::VERIFIED } else { check::FAILED }.to_owned();
    if let Err(violations) = catalogue::validate(&event_type, &data) {
        return Err(WebError::Schema { event_type, violations });
    }
    let appended = blocking(&state, move |state| {
        of_this_ledger(state, &data, holds)?;
        Ok(state.writable()?.act_blocking(Act::Own { event_type, data })?)
    });
    done(&appended.await?)
}

/// Refuses what was found in another ledger. Where something does not hold, the root may be among it.
fn of_this_ledger(state: &AppState, data: &Value, holds: bool) -> Result<(), WebError> {
    let ledger = state.ledger();
    let told = |pointer: &str| data.pointer(pointer).cloned().unwrap_or_default();
    let (origin, size) = (told("/checkpoint/origin"), told("/checkpoint/size").as_u64().unwrap_or(u64::MAX));
    if origin != ledger.origin() {
        return Err(refused("the check was of another ledger, or does not say of which".to_owned()));
    }
    if size > ledger.published().size {
        return Err(refused(format!("the ledger has no size {size} yet")));
    }
    if holds && told("/checkpoint/root") != format!("sha256:{}", ledger.root_at(size)?) {
        return Err(refused(format!("the ledger's root at size {size} is another")));
    }
    Ok(())
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, WebError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(refused(format!("{name} must be a text"))),
    }
}
