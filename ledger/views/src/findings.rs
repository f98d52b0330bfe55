//! Findings: expectations that the log shows broken. A rule is a small file here and a row of [`RULES`].
//!
//! Rules look at one entry at a time, with the rows as it left them, and at nothing that came later: what was so when it happened stays a
//! finding, and says by which entry it ended where it can end.

mod approval_by_author;
mod conflicting_id;
mod deployment_without_approval;
mod reregistered;
mod running_digest;
mod signer;
mod source;

use std::sync::Arc;

use crate::fold::Overlay;
use crate::project::Step;
use crate::rows::{Finding, Severity};
use crate::store::ViewError;
use crate::tables::Table;
use crate::text::{MAX_LIST, MAX_REASON, cut};

/// What a rule saw.
pub struct Seen {
    /// One sentence.
    pub title: String,
    /// What was seen, in words.
    pub seen: String,
    /// What it is about, the first one most.
    pub subjects: Vec<String>,
    /// Further entries that show it.
    pub entries: Vec<u64>,
}

/// What looks at an entry: what it saw there, if anything.
pub type Look = fn(&mut Overlay<'_>, &Step<'_>) -> Result<Vec<Seen>, ViewError>;

/// One rule.
pub struct Rule {
    /// Its id, for good: reports and exceptions name it.
    pub id: &'static str,
    /// How much its findings weigh.
    pub severity: Severity,
    /// What is expected.
    pub expected: &'static str,
    /// Looks at one entry, with the rows as it left them.
    pub look: Look,
}

/// All rules, by id.
pub const RULES: &[Rule] = &[
    rule(
        "approval-by-author",
        Severity::High,
        "whoever approves a version neither wrote nor registered it",
        approval_by_author::look,
    ),
    rule("conflicting-id", Severity::High, "an event id stands for one content", conflicting_id::look),
    rule(
        "deployment-without-approval",
        Severity::Critical,
        "a version that answers in a service was approved before, by its manifest digest, for that service or everywhere",
        deployment_without_approval::look,
    ),
    rule(
        "running-digest-differs",
        Severity::Critical,
        "what is seen running under a version's name has the manifest digest that was registered or approved",
        running_digest::look,
    ),
    rule("signature-bad", Severity::Critical, "signatures verify", signer::bad),
    rule(
        "signer-not-entitled",
        Severity::High,
        "a key speaks only for the types and subjects and in the time that it is registered for",
        signer::not_entitled,
    ),
    rule("signer-revoked", Severity::High, "no key speaks after it was revoked", signer::revoked),
    rule("signer-unbound", Severity::High, "a signed event names the ledger that it is meant for", signer::unbound),
    rule("signer-unknown", Severity::High, "the keys of signatures are registered", signer::unknown),
    rule("source-gap", Severity::High, "every position of a source is read before the broker deletes it", source::gap),
    rule("source-halted", Severity::High, "a source stays the one that it was, in its order", source::halted),
    rule("version-reregistered", Severity::Critical, "a version has one manifest for good", reregistered::look),
];

const fn rule(id: &'static str, severity: Severity, expected: &'static str, look: Look) -> Rule {
    Rule { id, severity, expected, look }
}

pub(crate) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    for rule in RULES {
        for (number, seen) in (rule.look)(rows, step)?.into_iter().enumerate() {
            let id = match number {
                0 => format!("{}-{}", rule.id, step.index),
                more => format!("{}-{}-{more}", rule.id, step.index),
            };
            let finding = Finding {
                id: id.clone(),
                rule: rule.id.to_owned(),
                severity: rule.severity,
                title: cut(&seen.title, MAX_REASON * 2),
                expected: rule.expected.to_owned(),
                seen: cut(&seen.seen, MAX_REASON * 4),
                entries: std::iter::once(step.index).chain(seen.entries).take(MAX_LIST).collect(),
                since: step.entry.header.received.at.clone(),
                ended: None,
                subjects: seen.subjects.into_iter().take(MAX_LIST).collect(),
            };
            for subject in &finding.subjects {
                rows.mark(Table::FindingsOf, &[subject, &id], step.index)?;
            }
            rows.put(&[&id], step.index, finding);
        }
    }
    Ok(())
}

/// Findings of one subject that are looked through for those that still stand.
const MAX_STANDING: usize = 1_000;

/// The findings of a rule that point at a subject and have not ended.
pub(crate) fn standing(rows: &mut Overlay<'_>, rule: &str, subject: &str) -> Result<Vec<Finding>, ViewError> {
    let mut found = Vec::new();
    for parts in rows.keys(Table::FindingsOf, &[subject], MAX_STANDING)? {
        let Some(id) = parts.get(1).filter(|id| id.starts_with(rule)) else { continue };
        let finding = rows.get::<Finding>(&[id])?;
        let stands = finding.filter(|finding| finding.rule == rule && finding.ended.is_none());
        found.extend(stands.map(Arc::unwrap_or_clone));
    }
    Ok(found)
}

/// A finding ends by this entry.
pub(crate) fn end(rows: &mut Overlay<'_>, step: &Step<'_>, finding: &Finding) {
    rows.put(&[&finding.id], step.index, Finding { ended: Some(step.index), ..finding.clone() });
}

/// Subjects of an entry for a finding that is about the entry itself: what it is about first, then what it reaches. Data, code and images that
/// it happens to name have no part in it.
pub(crate) fn subjects_of(step: &Step<'_>) -> Vec<String> {
    let about = step.about.into_iter();
    let whole = step.about.and_then(|about| about.split_once('@')).map(|(whole, _)| whole);
    let reached = step.subjects("target").filter(|subject| !subject.starts_with("policy/"));
    about.chain(whole).chain(reached).take(MAX_LIST).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_stand_by_id_each_once() {
        assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
    }
}
