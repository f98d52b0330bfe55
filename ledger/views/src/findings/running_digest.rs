//! Something else runs than what was registered or approved under that name.

use std::collections::BTreeSet;

use super::{Seen, end, standing};
use crate::fold::Overlay;
use crate::project::Step;
use crate::rows::{Approval, Deployment, Finding, Member, Version};
use crate::store::ViewError;

const RULE: &str = "running-digest-differs";
/// Approvals of one version that are looked through.
const MAX_APPROVALS: usize = 1_000;

/// A finding stands, and is not repeated, until somebody looks again and sees what should run there, or that it is gone.
pub(super) fn look(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    let Some(about) = step.about.filter(|_| step.verb == "deployment.observed" && step.counts) else {
        return Ok(Vec::new());
    };
    let Some(observed) = rows.get::<Deployment>(&[about])?.and_then(|row| row.observed.clone()) else {
        return Ok(Vec::new());
    };
    // One that arrives late says nothing of what runs now.
    if observed.act.entry != step.index {
        return Ok(Vec::new());
    }
    let (mut seen, mut wrong) = (Vec::new(), BTreeSet::new());
    let before = standing(rows, RULE, about)?;
    for member in &observed.running {
        let Some(digest) = &member.manifest_digest else { continue };
        if rows.knows_registered(&member.subject, digest) {
            continue;
        }
        let Some((expected, entries)) = expected(rows, member)? else { continue };
        if expected.contains(digest) {
            continue;
        }
        wrong.insert(signature(member, digest));
        if before.iter().any(|finding| finding.seen.starts_with(&signature(member, digest))) {
            continue;
        }
        let known: Vec<String> = expected.into_iter().collect();
        seen.push(Seen {
            title: format!("{about} runs a manifest digest that is not the approved one"),
            seen: format!("{}; registered or approved is {}", signature(member, digest), known.join(", ")),
            subjects: vec![about.to_owned(), member.subject.clone()],
            entries,
        });
    }
    for finding in before.iter().filter(|finding| !still(finding, &wrong)) {
        end(rows, step, finding);
    }
    Ok(seen)
}

fn signature(member: &Member, digest: &str) -> String {
    format!("{} runs with {digest}", member.subject)
}

fn still(finding: &Finding, wrong: &BTreeSet<String>) -> bool {
    wrong.iter().any(|wrong| finding.seen.starts_with(wrong))
}

/// Digests that are right for a version, and the entries that say so; `None` when nothing was registered or approved under that name.
fn expected(rows: &mut Overlay<'_>, member: &Member) -> Result<Option<(BTreeSet<String>, Vec<u64>)>, ViewError> {
    let (mut digests, mut entries) = (BTreeSet::new(), BTreeSet::new());
    for approval in rows.list::<Approval>(&[&member.subject], MAX_APPROVALS)? {
        if let (Some(granted), Some(digest)) = (&approval.granted, approval.digest) {
            digests.insert(digest.value);
            entries.insert(granted.entry);
        }
    }
    if let Some(version) = rows.get::<Version>(&[&member.subject])?
        && let Some(first) = version.counted()
    {
        rows.know_registered(&member.subject, &first.manifest_digest);
        digests.insert(first.manifest_digest.clone());
        entries.insert(first.act.entry);
    }
    Ok((!digests.is_empty()).then(|| (digests, entries.into_iter().collect())))
}
