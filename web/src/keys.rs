//! `GET /v1/keys`: whose signatures count.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeltrail_core::keys::{ED25519, ED25519_TYPE, ProducerKey, key_id};
use modeltrail_core::sequencer::LedgerKey;
use modeltrail_core::types::Hex32;
use serde_json::{Value, json};

use crate::errors::WebError;
use crate::query::{Query, wrong};
use crate::respond::json as answer;
use crate::state::AppState;

/// The ledger's keys, and a page of the producers', by id.
pub(crate) async fn list(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let query = Query::of(&request, &["after", "limit"])?;
    let after = query
        .one("after")?
        .map(|text| text.parse::<Hex32>().map_err(|error| wrong("after", format!("is no key id: {error}"))))
        .transpose()?;
    let limit = query.limit()?;
    // In memory: no read of the store.
    let head = state.ledger().head();
    let mut producers: Vec<_> =
        head.book.all().into_iter().filter(|(id, _)| after.is_none_or(|after| *id > after)).collect();
    let more = producers.len() > limit;
    producers.truncate(limit);
    let next = producers.last().filter(|_| more).map(|(id, _)| id.to_string());
    let ledger: Vec<Value> = head.keys.iter().map(ledger_key).collect();
    let producers: Vec<Value> = producers.into_iter().map(|(id, key)| producer_key(id, key)).collect();
    Ok(answer(&json!({"ledger": ledger, "next": next, "origin": state.ledger().origin(), "producers": producers})))
}

fn ledger_key(key: &LedgerKey) -> Value {
    json!({"from": key.from, "id": key_id(key.key.type_byte(), key.key.public_key()).to_string(), "key": key.key.to_string()})
}

fn producer_key(id: Hex32, key: &ProducerKey) -> Value {
    let public = [&[ED25519_TYPE], key.public.as_slice()].concat();
    let mut value = json!({
        "alg": ED25519, "entitlement": {"subjects": key.entitlement.subjects, "types": key.entitlement.types},
        "id": id.to_string(), "public_key": STANDARD.encode(public), "revoked": key.revoked,
    });
    let optional = [
        ("party", key.party.clone()),
        ("producer", key.producer.clone()),
        ("valid_from", key.valid_from.map(|time| time.to_string())),
        ("valid_until", key.valid_until.map(|time| time.to_string())),
    ];
    if let Some(members) = value.as_object_mut() {
        members.extend(optional.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))));
    }
    value
}
