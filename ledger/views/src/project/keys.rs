//! Keys: the ledger's, and those of producers with what they may speak for.

use std::sync::Arc;

use super::Step;
use crate::fold::Overlay;
use crate::rows::Key;
use crate::store::ViewError;
use crate::tables::part;
use crate::text::{MAX_NAME, cut};

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    if !step.entry.own() {
        return Ok(());
    }
    match step.verb {
        "ledger.genesis" => ledger_key(rows, step, "/key_id"),
        "key.rotated" => {
            if let Some(old) = step.raw("/old") {
                let key = part(old);
                if let Some(mut row) = rows.take::<Key>(&[&key])? {
                    row.revoked = Some(step.act().clone());
                    rows.put(&[&key], step.index, row);
                }
            }
            ledger_key(rows, step, "/new")
        }
        "key.producer_registered" | "key.producer_changed" | "key.producer_revoked" => producer_key(rows, step),
        _ => Ok(()),
    }
}

fn empty(id: &str, whose: &str) -> Key {
    Key {
        id: cut(id, MAX_NAME),
        whose: whose.to_owned(),
        owner: None,
        types: Vec::new(),
        subjects: Vec::new(),
        not_before: None,
        not_after: None,
        registered: None,
        revoked: None,
    }
}

fn ledger_key(rows: &mut Overlay<'_>, step: &Step<'_>, pointer: &str) -> Result<(), ViewError> {
    let Some(id) = step.raw(pointer) else { return Ok(()) };
    let mut row = empty(id, "ledger");
    row.owner = Some(cut(&step.entry.header.origin, MAX_NAME));
    row.registered = Some(step.act().clone());
    rows.put(&[&part(id)], step.index, row);
    Ok(())
}

fn producer_key(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let Some(id) = step.raw("/key_id") else { return Ok(()) };
    let key = part(id);
    let known = rows.get::<Key>(&[&key])?;
    let registered = step.verb == "key.producer_registered";
    // A key's first registration stands. A bundle may lack it.
    if registered && known.as_ref().is_some_and(|row| row.registered.is_some()) {
        return Ok(());
    }
    let mut row = known.map_or_else(|| empty(id, "producer"), Arc::unwrap_or_clone);
    match step.verb {
        "key.producer_registered" => {
            row.owner = step.name("/producer").or_else(|| step.name("/party"));
            row.types = step.names("/entitlement/types");
            row.subjects = step.names("/entitlement/subjects");
            row.not_before = step.entry.time("/valid_from");
            row.not_after = step.entry.time("/valid_until");
            row.registered = Some(step.act().clone());
        }
        "key.producer_changed" => {
            row.types = step.names("/new/types");
            row.subjects = step.names("/new/subjects");
            super::set(&mut row.not_after, step.entry.time("/valid_until"));
        }
        _ => {
            row.revoked.get_or_insert_with(|| step.act().clone());
        }
    }
    rows.put(&[&key], step.index, row);
    Ok(())
}
