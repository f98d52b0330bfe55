//! Parties: pseudonyms, at their first sight, and what each did in which capacity.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Step, subjects};
use crate::fold::Overlay;
use crate::rows::{Party, PartyAct};
use crate::store::ViewError;
use crate::tables::{Table, part};
use crate::text::{MAX_NAME, cut};

/// Parties of one entry; boards are smaller.
const MAX_PARTIES: usize = 64;

/// Where events name a party, and as what: (member of the data, within it, capacity). `*` is every element of a list. Sorted by member.
const PLACES: &[(&str, &str, &str)] = &[
    ("accepted_by", "", "accepted"),
    ("actor", "id", "actor"),
    ("actor", "on_behalf_of", "principal"),
    ("approved_by", "", "approver"),
    ("approver", "", "approver"),
    ("approvers", "*", "approver"),
    ("assessor", "", "assessor"),
    ("auditor", "", "auditor"),
    ("author", "", "author"),
    ("authority", "", "authority"),
    ("challenger", "", "challenger"),
    ("closed_by", "", "closed"),
    ("collected_by", "", "collector"),
    ("confirmed_by", "", "confirmed"),
    ("custodian", "", "custodian"),
    ("decided_by", "", "decided"),
    ("delegate", "", "delegate"),
    ("evaluator", "", "evaluator"),
    ("examiner", "", "examiner"),
    ("granted_by", "*", "approver"),
    ("judged_by", "", "judge"),
    ("manifest", "author", "author"),
    ("owner", "", "owner"),
    ("party", "", "party"),
    ("provider", "", "provider"),
    ("recipient", "", "recipient"),
    ("requested_by", "", "requester"),
    ("requester", "", "requester"),
    ("reviewed_by", "*", "reviewer"),
    ("reviewer", "", "reviewer"),
    ("second_approver", "", "approver"),
    ("signed_by", "", "signer"),
    ("tester", "", "tester"),
    ("to", "", "recipient"),
    ("told", "*", "recipient"),
    ("validator", "", "validator"),
    ("verifier_ids", "*", "verifier"),
];

/// Types whose `old` and `new` are parties, and the member that says in which duty.
const HANDED_ON: &[(&str, &str, &str)] =
    &[("model.owner_changed", "/duty", "owner"), ("oversight.assigned", "/role", "overseer")];

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    if step.entry.quarantined() || !step.has_data() {
        return Ok(());
    }
    let mut found: BTreeSet<(&str, String)> = BTreeSet::new();
    for (member, value) in step.data().as_object().into_iter().flatten() {
        let from = PLACES.partition_point(|(place, _, _)| *place < member.as_str());
        for (_, within, capacity) in PLACES.iter().skip(from).take_while(|(place, _, _)| place == member) {
            let values = match *within {
                "" => std::slice::from_ref(value),
                "*" => value.as_array().map(Vec::as_slice).unwrap_or_default(),
                inner => value.get(inner).map(std::slice::from_ref).unwrap_or_default(),
            };
            let parties = values.iter().filter_map(Value::as_str).take(MAX_PARTIES);
            found.extend(parties.map(|party| (party, (*capacity).to_owned())));
        }
    }
    if let Some((_, duty, default)) = HANDED_ON.iter().find(|(verb, _, _)| *verb == step.verb) {
        let duty = step.name(duty).unwrap_or_else(|| (*default).to_owned());
        found.extend(step.raw("/old").map(|old| (old, format!("{duty} before"))));
        found.extend(step.raw("/new").map(|new| (new, duty)));
    }
    for (party, capacity) in found.into_iter().take(MAX_PARTIES) {
        act(rows, step, party, capacity)?;
    }
    Ok(())
}

fn act(rows: &mut Overlay<'_>, step: &Step<'_>, party: &str, capacity: String) -> Result<(), ViewError> {
    let key = part(party);
    let name = cut(party, MAX_NAME);
    if !rows.has(Table::Parties, &[&key])? {
        rows.put(&[&key], step.index, Party { party: name.clone(), first: step.index });
        let subject = format!("party/{key}");
        subjects::word(rows, step, party, &subject)?;
    }
    let place = part(&capacity);
    let row = PartyAct { party: name, capacity, about: step.about.map(str::to_owned), act: step.slim_act() };
    rows.add(Table::PartyActs, &[&key, &step.number(), &place], step.index, &row);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stand_sorted_and_none_twice() {
        assert!(PLACES.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
