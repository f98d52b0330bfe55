//! Statements that no other table holds, or holds only in part: so that whatever was said about a subject can be shown.

use super::Step;
use crate::fold::Overlay;
use crate::rows::Note;
use crate::store::ViewError;
use crate::tables::Table;
use crate::text::bounded;

/// What other tables hold whole, sorted.
const ELSEWHERE: &[&str] = &[
    "approval.condition_met",
    "approval.expired",
    "approval.granted",
    "approval.rejected",
    "approval.requested",
    "approval.revoked",
    "approval.withdrawn",
    "deployment.changed",
    "deployment.failed",
    "deployment.observed",
    "deployment.removed",
    "deployment.resumed",
    "deployment.rolled_back",
    "deployment.suspended",
    "evaluation.plan_declared",
    "evaluation.recorded",
    "export.created",
    // One a second at times, about positions; nothing that a page shows of a subject.
    "ingest.positions",
    "ledger.trails_added",
    "model.version_registered",
    "report.issued",
    "source.changed",
    "source.closed",
    "source.gap",
    "source.halted",
    "source.opened",
    "source.rebased",
    "training.aborted",
    "training.completed",
    "training.compute_recorded",
    "training.failed",
    "training.progressed",
    "training.started",
    "validation.finding_closed",
    "validation.finding_opened",
    "validation.recorded",
];

/// What tells of a check of the whole ledger.
const CHECKS: [&str; 2] = ["ledger.verified", "ledger.verification_failed"];
/// The second part of the key of the newest of them, behind the ledger's subject.
pub const LAST_CHECK: &str = "last-check";

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let Some(about) = step.about else { return Ok(()) };
    if ELSEWHERE.binary_search(&step.verb).is_ok() || step.entry.header.event.is_none() {
        return Ok(());
    }
    let (subject, verb) = (about.to_owned(), step.verb.to_owned());
    let row = Note { about: subject, verb, act: step.act(), data: bounded(step.data()) };
    // Checks of the ledger are versions of one row: the newest is what a page asks for, among what may be thousands.
    let key = if CHECKS.contains(&step.verb) { LAST_CHECK.to_owned() } else { step.number() };
    rows.add(Table::Notes, &[about, &key], step.index, &row);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_names_types_that_exist() {
        assert!(ELSEWHERE.windows(2).all(|pair| pair[0] < pair[1]));
        for verb in ELSEWHERE {
            let name = format!("modeltrail.{verb}.v1");
            assert!(modeltrail_schemas::catalogue::catalogue().events.iter().any(|event| event.name == name), "{verb}");
        }
    }
}
