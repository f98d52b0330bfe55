//! Edges: what was made of what, and what runs where. Only events by which something is made or runs make edges; what is measured, judged or
//! watched does not.

use super::{Step, kind_of};
use crate::fold::Overlay;
use crate::rows::Edge;
use crate::store::ViewError;
use crate::tables::Table;

/// Which way an edge runs between the subject that an event is about and another one of it.
#[derive(Clone, Copy)]
enum Way {
    /// The other went into it.
    In,
    /// It went into the other.
    Out,
}

use Way::{In, Out};

/// (role of the other, kind that it must have or none, way, role of the edge).
type Rule = (&'static str, Option<&'static str>, Way, &'static str);

const INPUT: Rule = ("input", None, In, "input");
const BASE: Rule = ("base", None, In, "base");
const COMPONENT: Rule = ("component", None, In, "component");
const CODE: Rule = ("code", None, In, "code");
const ENVIRONMENT: Rule = ("environment", None, In, "environment");
const RUN: Rule = ("run", None, In, "run");
const OUTPUT: Rule = ("output", None, Out, "output");
const SERVES: Rule = ("target", Some("model"), In, "serves");
const SYSTEM: Rule = ("target", Some("system"), Out, "component");
/// What a component was declared to be used in; both lie beside the supplier that the event is about.
const USED_IN: &str = "supplier.component_declared";

/// The types that make edges, sorted.
const RULES: &[(&str, &[Rule])] = &[
    ("code.revision_recorded", &[BASE]),
    ("config.version_registered", &[BASE]),
    ("dataset.version_registered", &[BASE, CODE, RUN]),
    ("deployment.changed", &[SERVES, COMPONENT, ENVIRONMENT, SYSTEM]),
    ("deployment.observed", &[SERVES, COMPONENT, ENVIRONMENT]),
    ("deployment.resumed", &[SERVES]),
    ("deployment.rolled_back", &[SERVES, ENVIRONMENT]),
    ("environment.recorded", &[RUN_IN]),
    ("feature.version_registered", &[INPUT, CODE]),
    ("model.version_registered", &[INPUT, BASE, COMPONENT, CODE, ENVIRONMENT, RUN]),
    ("prompt.version_registered", &[BASE]),
    ("run.completed", &[INPUT, CODE, ENVIRONMENT, OUTPUT]),
    ("run.started", &[INPUT, CODE, ENVIRONMENT, RUN]),
    ("scoring.completed", &[INPUT, CODE, ENVIRONMENT, OUTPUT]),
    ("scoring.failed", &[INPUT]),
    ("scoring.started", &[INPUT]),
    ("system.changed", &[COMPONENT]),
    ("system.created", &[COMPONENT]),
    ("training.completed", &[INPUT, BASE, CODE, ENVIRONMENT, OUTPUT]),
    ("training.started", &[INPUT, BASE, CODE, ENVIRONMENT, RUN]),
    ("usecase.created", &[COMPONENT]),
];

/// Of the environment that a run was captured in: the image went into the run.
const RUN_IN: Rule = ("run", None, Out, "environment");

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let Some(about) = step.about else { return Ok(()) };
    match step.verb {
        "subject.linked" => return link(rows, step, about, None),
        "subject.unlinked" if step.counts => return link(rows, step, about, Some(step.index)),
        USED_IN => return used_in(rows, step),
        _ => {}
    }
    let Ok(at) = RULES.binary_search_by(|(verb, _)| (*verb).cmp(step.verb)) else { return Ok(()) };
    for (role, subject) in &step.trails {
        for (other, kind, way, edge) in RULES.get(at).map(|(_, rules)| *rules).unwrap_or_default() {
            if role == other && kind.is_none_or(|kind| kind == kind_of(subject)) {
                match way {
                    In => join(rows, step, subject, about, edge)?,
                    Out => join(rows, step, about, subject, edge)?,
                }
            }
        }
    }
    Ok(())
}

fn used_in(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    for component in step.subjects("component") {
        for whole in step.subjects("target") {
            join(rows, step, component, whole, "component")?;
        }
    }
    Ok(())
}

/// Two names of one thing: both ways, so that a walk up and a walk down each find the other name.
fn link(rows: &mut Overlay<'_>, step: &Step<'_>, about: &str, ended: Option<u64>) -> Result<(), ViewError> {
    for other in step.subjects("target") {
        for (from, to) in [(about, other), (other, about)] {
            let Some(entry) = ended else {
                join(rows, step, from, to, "same")?;
                continue;
            };
            if let Some(edge) = rows.get::<Edge>(&[from, to, "same"])?.filter(|edge| edge.ended.is_none()) {
                write(rows, step, Edge { ended: Some(entry), ..Edge::clone(&edge) });
            }
        }
    }
    Ok(())
}

/// The edge as the first entry has it that says so; one that counts takes the place of one whose signature fails.
fn join(rows: &mut Overlay<'_>, step: &Step<'_>, from: &str, to: &str, role: &str) -> Result<(), ViewError> {
    if from == to {
        return Ok(());
    }
    if let Some(found) = rows.get::<Edge>(&[from, to, role])? {
        let stands = found.ended.is_none() && found.signature.counts();
        if stands || !step.counts {
            return Ok(());
        }
    }
    let act = step.act();
    let edge = Edge {
        from: from.to_owned(),
        to: to.to_owned(),
        role: role.to_owned(),
        known: act.assurance,
        entry: step.index,
        received: act.received.clone(),
        signature: act.signature,
        ended: None,
    };
    write(rows, step, edge);
    Ok(())
}

fn write(rows: &mut Overlay<'_>, step: &Step<'_>, edge: Edge) {
    rows.add(Table::EdgesIn, &[&edge.to, &edge.from, &edge.role], step.index, &edge);
    let (from, to, role) = (edge.from.clone(), edge.to.clone(), edge.role.clone());
    rows.put(&[&from, &to, &role], step.index, edge);
}
