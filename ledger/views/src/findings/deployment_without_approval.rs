//! A version answers in a service without an approval of exactly it.
//!
//! What counts is what was so when the change took effect, as far as the log knew when the change arrived: an approval that comes later, even
//! one that says it was given earlier, doesn't cure. Beside and behind the answers (`shadow`, `fallback`) nothing needs one.

use std::sync::Arc;

use super::{Seen, end, standing};
use crate::fold::Overlay;
use crate::project::Step;
use crate::rows::{Approval, Change, Member, Version};
use crate::store::ViewError;
use crate::tables::Table;

const RULE: &str = "deployment-without-approval";
/// Approvals of one version that are looked through. Whoever floods a version with more only makes a finding likelier.
const MAX_APPROVALS: usize = 1_000;
/// Approvals of these kinds allow no release.
const OTHER_KINDS: [&str; 5] = ["document", "exception", "plan", "pma", "risk"];

pub(super) fn look(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    let Some(about) = step.about.filter(|_| step.group == "deployment" && step.counts) else { return Ok(Vec::new()) };
    let Some(change) = change_of(rows, step, about)? else { return Ok(Vec::new()) };
    for finding in standing(rows, RULE, about)? {
        let gone = finding
            .subjects
            .get(1)
            .is_some_and(|subject| !change.new.iter().any(|member| answers(member) && member.subject == *subject));
        if gone && is_newest(rows, about, &change)? {
            end(rows, step, &finding);
        }
    }
    let before = answered_before(rows, step)?;
    let mut seen = Vec::new();
    for member in change.new.iter().filter(|member| answers(member)) {
        let digest = digest_of(rows, member)?;
        if before.iter().any(|(subject, known)| *subject == member.subject && *known == digest) {
            continue;
        }
        if let Some(finding) = judge(rows, about, &change, member, digest.as_deref())? {
            seen.push(finding);
        }
    }
    Ok(seen)
}

fn answers(member: &Member) -> bool {
    matches!(member.role.as_str(), "serving" | "canary")
}

/// The change that this entry made, if it put something to work.
fn change_of(rows: &mut Overlay<'_>, step: &Step<'_>, about: &str) -> Result<Option<Arc<Change>>, ViewError> {
    let verb = step.verb.split_once('.').map_or("", |(_, verb)| verb);
    if !matches!(verb, "changed" | "rolled_back" | "resumed" | "suspended" | "removed") {
        return Ok(None);
    }
    let effective = step.entry.time("/effective_at").unwrap_or_else(|| step.entry.happened());
    rows.get::<Change>(&[about, &effective, &step.number()])
}

fn is_newest(rows: &mut Overlay<'_>, about: &str, change: &Change) -> Result<bool, ViewError> {
    let row = rows.get::<crate::rows::Deployment>(&[about])?;
    Ok(row.and_then(|row| row.since.clone()).is_some_and(|since| since.entry == change.act.entry))
}

/// What answered right before the change took effect, each with the digest that it ran with.
fn answered_before(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<(String, Option<String>)>, ViewError> {
    let mut found = Vec::new();
    for member in step.ran_before.get().map(Vec::as_slice).unwrap_or_default().iter().filter(|member| answers(member)) {
        found.push((member.subject.clone(), digest_of(rows, member)?));
    }
    Ok(found)
}

/// As the change names it, else as registered.
fn digest_of(rows: &mut Overlay<'_>, member: &Member) -> Result<Option<String>, ViewError> {
    if member.manifest_digest.is_some() {
        return Ok(member.manifest_digest.clone());
    }
    let version = rows.get::<Version>(&[&member.subject])?;
    Ok(version.and_then(|version| version.manifest_digest().map(str::to_owned)))
}

fn judge(
    rows: &mut Overlay<'_>,
    about: &str,
    change: &Change,
    member: &Member,
    digest: Option<&str>,
) -> Result<Option<Seen>, ViewError> {
    let approvals = rows.list::<Approval>(&[&member.subject], MAX_APPROVALS)?;
    if approvals.iter().any(|approval| allows(approval, about, &change.effective, digest)) {
        return Ok(None);
    }
    let why: Vec<String> =
        approvals.iter().take(5).filter_map(|approval| why_not(approval, about, &change.effective, digest)).collect();
    let why = if why.is_empty() { "no approval of it is known".to_owned() } else { why.join("; ") };
    let mut entries: Vec<u64> = Vec::new();
    if rows.has(Table::Versions, &[&member.subject])?
        && let Some(version) = rows.get::<Version>(&[&member.subject])?
    {
        entries.extend(version.manifest.as_ref().map(|manifest| manifest.entry));
    }
    entries.extend(approvals.iter().filter_map(|approval| approval.granted.as_ref().map(|granted| granted.entry)));
    entries.sort_unstable();
    entries.dedup();
    let digest = digest.unwrap_or("a manifest digest that nobody named");
    Ok(Some(Seen {
        title: format!("{about} runs {} without an approval of its manifest digest", member.subject),
        seen: format!("{} as {} from {} on with {digest}; {why}", member.subject, member.role, change.effective),
        subjects: vec![about.to_owned(), member.subject.clone()],
        entries,
    }))
}

fn allows(approval: &Approval, place: &str, at: &str, digest: Option<&str>) -> bool {
    approval.granted.is_some() && digest.is_some() && why_not(approval, place, at, digest).is_none()
}

/// Why an approval does not allow it; `None` where it does, or was never granted.
fn why_not(approval: &Approval, place: &str, at: &str, digest: Option<&str>) -> Option<String> {
    let granted = approval.granted.as_ref()?;
    let id = &approval.id;
    if approval.kind.as_ref().is_some_and(|kind| OTHER_KINDS.contains(&kind.value.as_str())) {
        return Some(format!("{id} is of another kind"));
    }
    let approved = approval.digest.as_ref().map(|digest| digest.value.as_str());
    if approved.is_none() || approved != digest {
        return Some(format!("{id} is for {}", approved.unwrap_or("no digest")));
    }
    let places = approval.places();
    if !places.is_empty() && !places.iter().any(|known| known == place) {
        return Some(format!("{id} is for {}", places.join(", ")));
    }
    if granted.happened() > at {
        return Some(format!("{id} was granted at {}", granted.happened()));
    }
    if let Some(ended) = approval.ended_at.as_deref().filter(|ended| *ended <= at) {
        return Some(format!("{id} ended at {ended}"));
    }
    let expires = approval.expires.as_ref().map(|expires| expires.value.as_str());
    expires.filter(|expires| *expires <= at).map(|expires| format!("{id} expired at {expires}"))
}
