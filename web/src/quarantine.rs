//! `GET /v1/quarantine`: what was kept aside, and why, for people.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use modeltrail_core::header::EntryHeader;
use modeltrail_store::Ledger;
use modeltrail_store::aside::QUARANTINE;
use serde_json::{Value, json};

use crate::errors::WebError;
use crate::query::Query;
use crate::respond::{blocking, json as answer};
use crate::state::AppState;
use crate::tally::SCAN_HEADERS;

pub(crate) async fn list(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let page = Query::of(&request, &["after", "limit"])?.page()?;
    let value = blocking(&state, move |state| {
        let ledger = state.ledger();
        let size = ledger.head().size;
        let end = size.min(page.first().saturating_add(SCAN_HEADERS));
        let (next, found) =
            ledger.headers_where(page.first(), end, page.limit, |header| header.contains(QUARANTINE))?;
        let items = found.iter().map(|header| item(ledger, header)).collect::<Result<Vec<_>, _>>()?;
        let next = (next < size && next > 0).then(|| next - 1);
        Ok(json!({"items": items, "next": next, "size": size}))
    });
    Ok(answer(&value.await?))
}

fn item(ledger: &Ledger, header: &EntryHeader) -> Result<Value, WebError> {
    let contradiction =
        |error: serde_json::Error| WebError::Contradiction { what: format!("entry {}: {error}", header.index) };
    let mut item = json!({
        "detail": ledger.why_aside(header, ledger.opening(header.index.get())?.as_deref())?,
        "index": header.index.get(),
        "received": serde_json::to_value(&header.received).map_err(contradiction)?,
    });
    let (Some(members), Some(quarantine)) = (item.as_object_mut(), &header.quarantine) else {
        return Ok(item);
    };
    members.insert("reason".to_owned(), quarantine.reason.as_str().into());
    if let Some(of) = quarantine.of {
        members.insert("of".to_owned(), of.get().into());
    }
    if let Some(event) = &header.event {
        members.insert("event".to_owned(), serde_json::to_value(event).map_err(contradiction)?);
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_member_itself_counts() {
        let text = json!({"id": "\"quarantine\":{", "x": {"quarantine": 1}}).to_string();
        assert!(!text.contains(QUARANTINE), "{text}");
        assert!(json!({"quarantine": {"reason": "malformed"}, "a": Value::Null}).to_string().contains(QUARANTINE));
    }
}
