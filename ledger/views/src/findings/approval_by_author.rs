//! A version is approved by whoever wrote or registered it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Seen;
use crate::fold::Overlay;
use crate::project::Step;
use crate::rows::{Act, Approval, Version};
use crate::store::ViewError;
use crate::tables::part;

/// Approvals of one version that are looked at when it is registered after them.
const MAX_APPROVALS: usize = 1_000;

pub(super) fn look(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    let Some(about) = step.about.filter(|_| step.counts) else { return Ok(Vec::new()) };
    let approvals = match step.verb {
        "approval.granted" => match step.raw("/approval_id") {
            Some(id) => rows.get::<Approval>(&[about, &part(id)])?.into_iter().map(Arc::unwrap_or_clone).collect(),
            None => return Ok(Vec::new()),
        },
        // An approval that came before the version it is for.
        "model.version_registered" => rows.list::<Approval>(&[about], MAX_APPROVALS)?,
        _ => return Ok(Vec::new()),
    };
    let Some(version) = rows.get::<Version>(&[about])? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for approval in approvals {
        let Some(granted) = &approval.granted else { continue };
        let approvers: BTreeSet<&str> = approval.approvers.iter().map(String::as_str).chain(who(granted)).collect();
        // Of a registration just entered only what it adds: earlier ones had their turn.
        let newly = (step.verb == "model.version_registered").then_some(step.index);
        for (party, capacity, entry) in makers(&version, newly) {
            if approvers.contains(party) {
                found.push(Seen {
                    title: format!("{about} was approved by its {capacity} {party}"),
                    seen: format!(
                        "entry {} grants {}; {party} is its {capacity} by entry {entry}",
                        granted.entry, approval.id
                    ),
                    subjects: vec![about.to_owned(), version.model.clone()],
                    entries: [granted.entry, entry].into_iter().filter(|entry| *entry != step.index).collect(),
                });
            }
        }
    }
    Ok(found)
}

/// Who made a version, as what, by which entry; each party once. With `newly` only by that entry.
fn makers(version: &Version, newly: Option<u64>) -> Vec<(&str, &'static str, u64)> {
    let author = version.author.iter().map(|author| (author.value.as_str(), "author", author.entry));
    let counting = version.registrations.iter().filter(|registration| registration.act.counts());
    let registered = counting
        .flat_map(|registration| who(&registration.act).map(|party| (party, "registrant", registration.act.entry)));
    let mut seen = BTreeSet::new();
    let all: Vec<_> = author.chain(registered).filter(|(party, _, _)| seen.insert(*party)).collect();
    all.into_iter().filter(|(_, _, entry)| newly.is_none_or(|newly| newly == *entry)).collect()
}

/// The actor, and for whom.
fn who(act: &Act) -> impl Iterator<Item = &str> {
    act.actor.iter().flat_map(|actor| std::iter::once(actor.id.as_str()).chain(actor.on_behalf_of.as_deref()))
}
