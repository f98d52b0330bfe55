//! Signatures that don't count. What became of each was worked out when the entry was received, and stands in its header.

use modeltrail_core::header::{Signer, SignerStatus};

use super::{Seen, subjects_of};
use crate::fold::Overlay;
use crate::project::Step;
use crate::rows::Key;
use crate::store::ViewError;

type Title = fn(&str, &Step<'_>) -> String;

fn look(rows: &mut Overlay<'_>, step: &Step<'_>, status: SignerStatus, title: Title) -> Result<Vec<Seen>, ViewError> {
    let with: Vec<&Signer> = step.entry.header.signers.iter().filter(|signer| signer.status == status).collect();
    let Some(first) = with.first() else { return Ok(Vec::new()) };
    let (mut owners, mut entries, mut subjects) = (Vec::new(), Vec::new(), subjects_of(step));
    for signer in &with {
        let id = signer.key.to_string();
        if let Some(key) = rows.get::<Key>(&[&id])? {
            owners.extend(key.owner.clone().or(Some(id.clone())));
            entries.extend(key.registered.as_ref().map(|act| act.entry));
            // A key that nobody registered is no subject: anybody can make up thousands.
            subjects.push(format!("key/{id}"));
        }
    }
    let keys: Vec<String> = with.iter().map(|signer| signer.key.to_string()).collect();
    let owner = owners.first().cloned().unwrap_or_else(|| first.key.to_string());
    entries.sort_unstable();
    entries.dedup();
    let event = step.entry.header.event.as_ref();
    Ok(vec![Seen {
        title: title(&owner, step),
        seen: format!(
            "the event {} says to be from {}, with key {}",
            step.entry.r#type(),
            event.map_or("", |event| &event.source),
            keys.join(", ")
        ),
        subjects,
        entries,
    }])
}

pub(super) fn bad(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    look(rows, step, SignerStatus::Bad, |owner, step| {
        let what = if step.group.is_empty() { "event".to_owned() } else { step.group.replace('_', " ") };
        format!("The signature of {owner} over this {what} does not verify")
    })
}

pub(super) fn unknown(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    look(rows, step, SignerStatus::Unknown, |_, _| "The signature is by a key that is not registered".to_owned())
}

pub(super) fn not_entitled(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    look(rows, step, SignerStatus::NotEntitled, |owner, step| {
        format!("The key of {owner} may not speak for {}", step.entry.r#type())
    })
}

pub(super) fn revoked(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    look(rows, step, SignerStatus::Revoked, |owner, _| format!("The key of {owner} was revoked before"))
}

pub(super) fn unbound(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    look(rows, step, SignerStatus::Unbound, |owner, _| {
        format!("The event signed by {owner} names no or another ledger")
    })
}
