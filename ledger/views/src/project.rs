//! The projectors: what each entry changes in the rows. Pure folds: they see the entry and the rows as the entries before left them, nothing else.
//!
//! Two rules hold for all of them. What is kept aside, or whose signature fails, changes no state: it is shown where rows list statements
//! ([`crate::rows::Act::counts`] tells), and never takes the place of a statement that counts. And an entry whose record is not at hand (erased, withheld,
//! never kept) says no more than its header does.

mod approvals;
mod change;
mod data;
mod deployments;
mod digests;
mod documents;
mod evaluations;
mod incidents;
mod keys;
mod lineage;
mod models;
mod notes;
mod parties;
mod quarantine;
mod reports;
mod reviews;
mod runs;
mod served;
mod sources;
mod step;
mod subjects;
mod validations;
mod versions;

use crate::findings;
use crate::fold::Overlay;
use crate::read::{ReadEntry, at};
use crate::store::ViewError;

pub use notes::LAST_CHECK;
pub use step::Step;
use step::{elements, kind_of, place, set, version_of, whole_of};

/// One projector.
type Projector = fn(&mut Overlay<'_>, &Step<'_>) -> Result<(), ViewError>;

/// See every entry, in this order; subjects first, since rows say at which entry theirs was first seen.
const ALWAYS: &[Projector] = &[subjects::fold, parties::fold, quarantine::fold, sources::seen];

/// By group of types: who sees an entry that is not kept aside. Sorted. Any other group is seen by the notes.
const BY_GROUP: &[(&str, &[Projector])] = &[
    ("approval", &[approvals::fold, notes::fold]),
    ("code", &[lineage::fold, digests::fold, notes::fold]),
    ("config", &[lineage::fold, digests::fold, notes::fold]),
    ("dataset", &[data::fold, lineage::fold, digests::fold, notes::fold]),
    ("deployment", &[deployments::fold, lineage::fold, digests::fold, notes::fold]),
    ("document", &[documents::fold, digests::fold]),
    ("environment", &[lineage::fold, digests::fold, notes::fold]),
    ("evaluation", &[evaluations::fold, notes::fold]),
    ("export", &[reports::fold, notes::fold]),
    ("feature", &[lineage::fold, digests::fold, notes::fold]),
    ("incident", &[incidents::fold, notes::fold]),
    ("key", &[keys::fold, notes::fold]),
    ("ledger", &[keys::fold, notes::fold]),
    ("model", &[models::fold, versions::fold, lineage::fold, digests::fold, notes::fold]),
    ("monitoring", &[evaluations::fold, reviews::monitoring]),
    ("prompt", &[lineage::fold, digests::fold, notes::fold]),
    ("report", &[reports::fold, notes::fold]),
    ("reproduction", &[versions::fold, digests::fold, notes::fold]),
    ("review", &[reviews::fold]),
    ("risk", &[models::fold, notes::fold]),
    ("run", &[runs::fold, lineage::fold]),
    ("scoring", &[runs::fold, lineage::fold]),
    ("source", &[sources::fold]),
    ("subject", &[models::fold, versions::fold, lineage::fold, notes::fold]),
    ("supplier", &[lineage::fold, digests::fold, notes::fold]),
    ("system", &[lineage::fold, notes::fold]),
    ("training", &[runs::fold, lineage::fold, digests::fold, notes::fold]),
    ("usecase", &[lineage::fold, notes::fold]),
    ("validation", &[validations::fold, digests::fold, notes::fold]),
];

const OTHERS: &[Projector] = &[notes::fold];

/// Folds one entry. Findings come last: rules see the rows with the entry in them.
pub(crate) fn entry(rows: &mut Overlay<'_>, entry: &ReadEntry) -> Result<(), ViewError> {
    let step = Step::new(entry);
    for project in ALWAYS {
        project(rows, &step)?;
    }
    if !entry.quarantined() {
        let at = BY_GROUP.binary_search_by(|(group, _)| (*group).cmp(step.group)).ok();
        for project in at.and_then(|at| BY_GROUP.get(at)).map_or(OTHERS, |(_, projectors)| projectors) {
            project(rows, &step)?;
        }
    }
    findings::fold(rows, &step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stand_sorted_and_exist() {
        assert!(BY_GROUP.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let sections = &modeltrail_schemas::catalogue::catalogue().sections;
        let known: Vec<&str> = sections.iter().flat_map(|section| section.groups.iter().map(String::as_str)).collect();
        for (group, _) in BY_GROUP {
            assert!(known.contains(group), "{group}");
        }
    }
}
