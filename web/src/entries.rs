//! `GET /v1/entries` and `/v1/entries/{index}`.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeltrail_core::header::EntryHeader;
use modeltrail_core::types::SALT_BYTES;
use modeltrail_store::Ledger;
use modeltrail_tlog::hash::leaf_hash;
use serde_json::{Map, Value, json};

use crate::errors::WebError;
use crate::query::{Query, parse_number, wrong};
use crate::respond::{Cache, PAGE_BYTES, blocking, header_text, json as answer, tagged};
use crate::state::AppState;

/// A header with its bytes.
pub(crate) struct Read {
    pub(crate) bytes: Vec<u8>,
    pub(crate) header: EntryHeader,
}

/// The header of an entry that must be there.
pub(crate) fn read(ledger: &Ledger, index: u64) -> Result<Read, WebError> {
    let contradiction = |what: String| WebError::Contradiction { what };
    let bytes = ledger.header(index)?.ok_or_else(|| contradiction(format!("entry {index} is missing")))?;
    let header = EntryHeader::parse(&bytes).map_err(|error| contradiction(format!("entry {index}: {error}")))?;
    Ok(Read { bytes, header })
}

/// What lists show of an entry: `header`, `index`, `received_at`, and `type` where there is an event.
pub(crate) fn listed(read: Read) -> Result<Map<String, Value>, WebError> {
    let Read { bytes, header } = read;
    let mut item = Map::new();
    item.insert("index".to_owned(), header.index.get().into());
    item.insert("received_at".to_owned(), header.received.at.into());
    if let Some(event) = header.event {
        item.insert("type".to_owned(), event.r#type.into());
    }
    item.insert("header".to_owned(), header_text(header.index.get(), bytes)?.into());
    Ok(item)
}

pub(crate) async fn list(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let page = Query::of(&request, &["after", "limit"])?.page()?;
    let value = blocking(&state, move |state| {
        let ledger = state.ledger();
        let size = ledger.head().size;
        let (mut items, mut bytes, mut index) = (Vec::new(), 0, page.first());
        while index < size && items.len() < page.limit && bytes < PAGE_BYTES {
            let entry = read(ledger, index)?;
            bytes += entry.bytes.len();
            items.push(Value::Object(listed(entry)?));
            index += 1;
        }
        let next = (index < size && !items.is_empty()).then(|| index - 1);
        Ok(json!({"items": items, "next": next, "size": size}))
    });
    Ok(answer(&value.await?))
}

pub(crate) async fn show(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, WebError> {
    Query::of(&request, &[])?;
    let index = index_of(&path)?;
    let (tag, value) = blocking(&state, move |state| one(state.ledger(), index)).await?;
    Ok(tagged(&request, &tag, Cache::Revalidate, "application/json", || value.to_string().into_bytes()))
}

pub(crate) fn index_of(text: &str) -> Result<u64, WebError> {
    parse_number(text).ok_or_else(|| wrong("index", "is not a decimal number up to 2^53 - 1"))
}

/// An entry and its tag: the header never changes, the record may be erased.
fn one(ledger: &Ledger, index: u64) -> Result<(String, Value), WebError> {
    let size = ledger.head().size;
    if index >= size {
        return Err(WebError::NoEntry { index, size });
    }
    let Read { bytes, header } = read(ledger, index)?;
    let opening = ledger.opening(index)?;
    let tag = format!("{}-{}", leaf_hash(&bytes), if opening.is_some() { "r" } else { "a" });
    let mut entry = Map::new();
    match opening {
        Some(opening) => {
            let (salt, record) = opening
                .split_at_checked(SALT_BYTES)
                .ok_or_else(|| WebError::Contradiction { what: format!("the record of entry {index} has no salt") })?;
            entry.insert("record".to_owned(), STANDARD.encode(record).into());
            entry.insert("salt".to_owned(), hex::encode(salt).into());
            if let Some(data) = ledger.read_again(&header, &opening)?.data {
                entry.insert("event".to_owned(), data);
            }
        }
        None => {
            let why = if header.content.kept == Some(false) { "not-kept" } else { "erased" };
            entry.insert("absent".to_owned(), why.into());
        }
    }
    entry.insert("header".to_owned(), header_text(index, bytes)?.into());
    Ok((tag, Value::Object(entry)))
}
