//! What must fit together across the story's files.

use std::collections::BTreeSet;

use modeltrail_schemas::reading::Quarantine;

use super::raw::{Fault, StoryFile};
use super::{Act, duration, fault_near};
use crate::error::DemoError;
use crate::files::File;

/// How bad a fault can be.
const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];

/// `story.toml` alone.
pub(super) fn head(file: File, head: &StoryFile) -> Result<(), DemoError> {
    let refuse = |near: &str, fault: &str| Err(fault_near(file, near, fault));
    if head.clock != "simulated" {
        return refuse("clock", "clock is not `simulated`");
    }
    if head.start >= head.end {
        return refuse("end", "the story ends before it begins");
    }
    if head.environment.is_empty() || head.seed.is_empty() {
        return refuse("seed", "environment or seed is empty");
    }
    if duration::micros(&head.policy.breach_answered_within).is_none() {
        return refuse("breach_answered_within", "is not a duration such as P5D");
    }
    let counts = head.counts;
    if counts.emitted != counts.entries + counts.duplicates + counts.quarantined {
        return refuse("[counts]", "the counts do not add up");
    }
    let mut topics = BTreeSet::new();
    for source in &head.source {
        let near = format!("topic = {:?}", source.topic);
        if !topics.insert(source.topic.as_str()) || source.partitions == 0 || source.key != "model" {
            return refuse(&near, "the topic is there twice, has no partitions, or its key is not `model`");
        }
        if source.silent_after.as_deref().is_some_and(|after| duration::micros(after).is_none()) {
            return refuse(&near, "silent_after is not a duration such as P7D");
        }
    }
    let mut parties = BTreeSet::new();
    for party in &head.party {
        if !parties.insert(party.id.as_str()) || party.role.is_empty() || party.team.is_empty() {
            return refuse(&format!("id = {:?}", party.id), "the party is there twice, or has no role or team");
        }
    }
    for producer in &head.producer {
        if producer.party.as_deref().is_some_and(|party| !parties.contains(party)) {
            return refuse(&format!("name = {:?}", producer.name), "the producer's party is not among the parties");
        }
    }
    Ok(())
}

/// The faults against the acts: each names an act that names it, and the other way round.
pub(super) fn faults(file: File, faults: &[Fault], acts: &[Act]) -> Result<(), DemoError> {
    let find = |label: &str| acts.iter().find(|act| act.label == label);
    let mut known = BTreeSet::new();
    for fault in faults {
        let refuse = |what: String| Err(fault_near(file, &format!("id = {:?}", fault.id), what));
        if !known.insert(fault.id.as_str()) {
            return refuse(format!("{} is there twice", fault.id));
        }
        if find(&fault.act).is_none_or(|act| act.fault.as_deref() != Some(fault.id.as_str())) {
            return refuse(format!("act {} does not name {}", fault.act, fault.id));
        }
        if let Some(missing) = fault.see.iter().find(|label| find(label).is_none()) {
            return refuse(format!("there is no act {missing}"));
        }
        if fault.quarantine.as_deref().is_some_and(|reason| Quarantine::parse(reason).is_none()) {
            return refuse("quarantine is none of the reasons".to_owned());
        }
        if !SEVERITIES.contains(&fault.severity.as_str()) {
            return refuse(format!("severity is none of {}", SEVERITIES.join(", ")));
        }
        if fault.opens.zip(fault.closes).is_some_and(|(opens, closes)| opens >= closes) {
            return refuse("it closes before it opens".to_owned());
        }
    }
    match acts
        .iter()
        .filter_map(|act| act.fault.as_deref().map(|fault| (act, fault)))
        .find(|(_, fault)| !known.contains(fault))
    {
        Some((act, fault)) => {
            Err(fault_near(file, "[[fault]]", format!("act {} names {fault}, which is not here", act.label)))
        }
        None => Ok(()),
    }
}
