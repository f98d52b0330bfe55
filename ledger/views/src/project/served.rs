//! Where a version runs or ran: the same changes, from the version's side.

use std::collections::BTreeMap;

use super::Step;
use crate::fold::Overlay;
use crate::rows::{Change, Member, Said, Served};
use crate::store::ViewError;

/// Changes of one service that are gone through again when one arrives late. A service with more keeps its late changes in their place among
/// the changes, but what they mean for the times of single versions is not worked out.
const MAX_RECOUNTED: usize = 2_000;

/// A change took effect after all others that are known.
pub(super) fn advance(
    rows: &mut Overlay<'_>,
    step: &Step<'_>,
    before: &[Member],
    change: &Change,
) -> Result<(), ViewError> {
    let left = before.iter().filter(|member| !names(&change.new, &member.subject));
    for member in left {
        if let Some(mut row) = rows.take::<Served>(&[&member.subject, &change.deployment])? {
            row.until = Some(step.said(change.effective.clone()));
            rows.put(&[&member.subject, &change.deployment], step.index, row);
        }
    }
    for member in &change.new {
        let row = rows.get::<Served>(&[&member.subject, &change.deployment])?;
        let next = enter(row.as_deref(), member, change);
        if row.as_deref() != Some(&next) {
            rows.put(&[&member.subject, &change.deployment], step.index, next);
        }
    }
    Ok(())
}

/// A change took effect before others that are known: all are gone through again, in order of effect.
pub(super) fn recount(
    rows: &mut Overlay<'_>,
    step: &Step<'_>,
    deployment: &str,
    late: &Change,
) -> Result<(), ViewError> {
    let changes = rows.list::<Change>(&[deployment], MAX_RECOUNTED + 1)?;
    if changes.len() > MAX_RECOUNTED {
        return earlier(rows, step, late);
    }
    let mut found: BTreeMap<String, Served> = BTreeMap::new();
    let mut running: Vec<Member> = Vec::new();
    for change in changes.iter().filter(|change| change.verb != "failed" && change.act.counts()) {
        if change.act.entry == step.index {
            let _ = step.ran_before.set(running.clone());
        }
        for member in running.iter().filter(|member| !names(&change.new, &member.subject)) {
            if let Some(row) = found.get_mut(&member.subject) {
                row.until = Some(Said::new(change.effective.clone(), change.act.entry));
            }
        }
        for member in &change.new {
            let next = enter(found.get(&member.subject), member, change);
            found.insert(member.subject.clone(), next);
        }
        running.clone_from(&change.new);
    }
    for (version, row) in found {
        if rows.get::<Served>(&[&version, deployment])?.as_deref() != Some(&row) {
            rows.put(&[&version, deployment], step.index, row);
        }
    }
    Ok(())
}

/// At least the beginnings are right, where there are too many changes to go through.
fn earlier(rows: &mut Overlay<'_>, step: &Step<'_>, late: &Change) -> Result<(), ViewError> {
    for member in &late.new {
        let row = rows.get::<Served>(&[&member.subject, &late.deployment])?;
        let Some(row) = row.filter(|row| row.from.value > late.effective) else { continue };
        let row = Served { from: step.said(late.effective.clone()), ..Served::clone(&row) };
        rows.put(&[&member.subject, &late.deployment], step.index, row);
    }
    Ok(())
}

fn enter(row: Option<&Served>, member: &Member, change: &Change) -> Served {
    let from = row.map_or_else(|| Said::new(change.effective.clone(), change.act.entry), |row| row.from.clone());
    Served {
        version: member.subject.clone(),
        deployment: change.deployment.clone(),
        role: member.role.clone(),
        weight: member.weight.clone(),
        from,
        until: None,
    }
}

fn names(set: &[Member], subject: &str) -> bool {
    set.iter().any(|member| member.subject == subject)
}
