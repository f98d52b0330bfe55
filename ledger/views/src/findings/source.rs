//! Positions that nobody can read any more, and sources in doubt.

use serde_json::Value;

use super::{Seen, end, standing};
use crate::fold::Overlay;
use crate::project::Step;
use crate::rows::Finding;
use crate::store::ViewError;

fn number(step: &Step<'_>, pointer: &str) -> String {
    step.data().pointer(pointer).and_then(Value::as_u64).map_or_else(|| "?".to_owned(), |number| number.to_string())
}

pub(super) fn gap(_: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    let Some(about) = step.about.filter(|_| step.verb == "source.gap" && step.entry.own()) else {
        return Ok(Vec::new());
    };
    let name = step.name("/source").unwrap_or_default();
    let cause = step.name("/cause").map(|cause| format!(" ({cause})")).unwrap_or_default();
    let (partition, first, last) = (number(step, "/partition"), number(step, "/first"), number(step, "/last"));
    Ok(vec![Seen {
        title: format!("The source {name} lost positions {first} to {last} of partition {partition}"),
        seen: format!("they were gone before they could be read{cause}"),
        subjects: vec![about.to_owned()],
        entries: Vec::new(),
    }])
}

/// Ends where an operator says where reading goes on, or the source is closed.
pub(super) fn halted(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    let Some(about) = step.about.filter(|_| step.group == "source" && step.entry.own()) else { return Ok(Vec::new()) };
    let partition = number(step, "/partition");
    match step.verb {
        "source.halted" => {
            let cause = step.name("/cause").unwrap_or_default();
            let name = step.name("/source").unwrap_or_default();
            let place = if partition == "?" { String::new() } else { format!(" of partition {partition}") };
            let was = |pointer: &str| step.name(pointer).unwrap_or_else(|| "nothing".to_owned());
            Ok(vec![Seen {
                title: format!("Reading{place} of the source {name} stopped: {cause}"),
                seen: format!("stored was {}, seen is {}", was("/stored"), was("/seen")),
                subjects: vec![about.to_owned()],
                entries: Vec::new(),
            }])
        }
        "source.rebased" | "source.closed" => {
            let place = format!(" of partition {partition} of");
            let is_meant = |finding: &Finding| {
                step.verb == "source.closed"
                    || finding.title.contains(&place)
                    || !finding.title.contains(" of partition ")
            };
            for finding in standing(rows, "source-halted", about)?.iter().filter(|finding| is_meant(finding)) {
                end(rows, step, finding);
            }
            Ok(Vec::new())
        }
        _ => Ok(Vec::new()),
    }
}
