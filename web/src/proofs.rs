//! `GET /v1/proofs/inclusion`, `/v1/proofs/consistency` and `/v1/checkpoints`.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use modeltrail_store::Ledger;
use modeltrail_tlog::hash::NodeHash;
use modeltrail_tlog::tlog_proof::TlogProof;
use serde_json::{Value, json};

use crate::errors::WebError;
use crate::query::{Query, parse_number, wrong};
use crate::respond::{Cache, blocking, json as answer, tag_of, tagged};
use crate::state::AppState;

/// A kept checkpoint of exactly this size, or the newest for `None`.
fn checkpoint(ledger: &Ledger, size: Option<u64>) -> Result<(u64, String), WebError> {
    // Handing it out, so that it is kept.
    let head = ledger.published();
    let Some(asked) = size.filter(|size| *size != head.size) else {
        return Ok((head.size, head.note.to_string()));
    };
    if asked > head.size {
        return Err(WebError::NoSize { asked, size: head.size });
    }
    match ledger.checkpoint_up_to(asked)? {
        Some((size, note)) if size == asked => Ok((size, note)),
        other => Err(WebError::NoCheckpoint { asked, before: other.map_or(0, |(size, _)| size), size: head.size }),
    }
}

fn hashes(proof: &[NodeHash]) -> Vec<String> {
    proof.iter().map(ToString::to_string).collect()
}

pub(crate) async fn inclusion(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let query = Query::of(&request, &["index", "size"])?;
    let (index, size) = (query.demanded("index")?, query.number("size")?);
    let value = blocking(&state, move |state| {
        let ledger = state.ledger();
        let (size, note) = checkpoint(ledger, size)?;
        if index >= size {
            return Err(WebError::NoEntry { index, size });
        }
        let proof = ledger.inclusion(index, size)?;
        let shown = hashes(&proof);
        let file = TlogProof { index, hashes: proof, checkpoint: note.clone(), extra: None };
        Ok(json!({"checkpoint": note, "index": index, "proof": shown, "size": size, "tlog_proof": file.to_string()}))
    });
    Ok(answer(&value.await?))
}

pub(crate) async fn consistency(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let query = Query::of(&request, &["old", "new"])?;
    let (old, new) = (query.demanded("old")?, query.number("new")?);
    let value = blocking(&state, move |state| {
        let ledger = state.ledger();
        let size = ledger.published().size;
        let new = new.unwrap_or(size);
        if new > size {
            return Err(WebError::NoSize { asked: new, size });
        }
        if old > new {
            return Err(wrong("old", format!("is {old}, larger than new, {new}")));
        }
        let proof = ledger.consistency(old, new)?;
        Ok(json!({"new": new, "old": old, "proof": hashes(&proof)}))
    });
    Ok(answer(&value.await?))
}

/// Kept checkpoints, the newest first.
pub(crate) async fn checkpoints(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let query = Query::of(&request, &["before", "limit"])?;
    let (before, limit) = (query.number("before")?, query.limit()?);
    let value = blocking(&state, move |state| {
        let ledger = state.ledger();
        let newest = ledger.published().size;
        let mut below = before.map_or(newest, |before| newest.min(before.saturating_sub(1)));
        let mut items = Vec::new();
        while items.len() < limit && below > 0 {
            let Some((size, note)) = ledger.checkpoint_up_to(below)? else {
                break;
            };
            items.push(json!({"checkpoint": note, "size": size}));
            below = size.saturating_sub(1);
        }
        let next = items
            .last()
            .filter(|_| items.len() == limit && below > 0)
            .and_then(|item: &Value| item.get("size").cloned());
        Ok(json!({"items": items, "next": next}))
    });
    Ok(answer(&value.await?))
}

/// The kept checkpoint of one size, as the note it is.
pub(crate) async fn checkpoint_of(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, WebError> {
    Query::of(&request, &[])?;
    let size = parse_number(&path).ok_or_else(|| wrong("size", "is not a decimal number up to 2^53 - 1"))?;
    let (_, note) = blocking(&state, move |state| checkpoint(state.ledger(), Some(size))).await?;
    Ok(tagged(&request, &tag_of(note.as_bytes()), Cache::Immutable, "text/plain; charset=utf-8", || note.into_bytes()))
}
