//! The read paths of C2SP `tlog-tiles`: `/checkpoint`, `/tile/<L>/<N>[.p/<W>]`, `/tile/entries/<N>[.p/<W>]`.

use std::ops::ControlFlow;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use modeltrail_core::store::Store;
use modeltrail_core::types::EntryIndex;
use modeltrail_store::Ledger;
use modeltrail_tlog::tile::{FULL_WIDTH, TileId, encode_bundle, parse_entries_path, width_at};
use modeltrail_tlog::tree::TreeSize;

use crate::errors::{WebError, shown};
use crate::query::Query;
use crate::respond::{Cache, blocking, tag_of, tagged};
use crate::state::AppState;

pub(crate) async fn checkpoint(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    Query::of(&request, &[])?;
    // No read of the store: the newest checkpoint is in memory.
    let head = state.ledger().published();
    Ok(tagged(&request, &tag_of(head.note.as_bytes()), Cache::Revalidate, "text/plain; charset=utf-8", || {
        head.note.as_bytes().to_vec()
    }))
}

/// A tile or an entry bundle. The path is taken as it was sent: each has one spelling, and any other is nothing.
pub(crate) async fn tile(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let nothing = || WebError::NoRoute { path: shown(request.uri().path()) };
    Query::of(&request, &[])?;
    let path = request.uri().path().strip_prefix('/').ok_or_else(nothing)?.to_owned();
    let entries = path.starts_with("tile/entries/");
    let (bytes, full) = if entries {
        let (index, width) = parse_entries_path(&path).map_err(|_| nothing())?;
        (blocking(&state, move |state| bundle(state.ledger(), path, index, width)).await?, width == FULL_WIDTH)
    } else {
        let id = TileId::parse(&path).map_err(|_| nothing())?;
        let found = blocking(&state, move |state| {
            let size = state.ledger().head().size;
            state.ledger().tile(id)?.ok_or(WebError::NoTile { path, size })
        });
        (found.await?, id.is_full())
    };
    let cache = if full { Cache::Immutable } else { Cache::Brief };
    Ok(tagged(&request, &tag_of(&bytes), cache, "application/octet-stream", || bytes))
}

fn bundle(ledger: &Ledger, path: String, index: u64, width: u16) -> Result<Vec<u8>, WebError> {
    let size = ledger.head().size;
    if width > width_at(0, index, TreeSize::new(size)) {
        return Err(WebError::NoTile { path, size });
    }
    // Below the size, so it doesn't overflow.
    let first = index * u64::from(FULL_WIDTH);
    let mut headers: Vec<Vec<u8>> = Vec::with_capacity(usize::from(width));
    let mut whole = true;
    ledger.store().scan_headers(EntryIndex(first), &mut |found, header| {
        whole &= found.get() == first + headers.len() as u64;
        headers.push(header.to_vec());
        if headers.len() == usize::from(width) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if !whole || headers.len() != usize::from(width) {
        return Err(WebError::Contradiction { what: format!("entries from {first} on are missing") });
    }
    encode_bundle(headers.iter().map(Vec::as_slice))
        .map_err(|error| WebError::Contradiction { what: format!("{path}: {error}") })
}
