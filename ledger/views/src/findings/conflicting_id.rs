//! One event id with two contents.

use super::{Seen, subjects_of};
use crate::fold::Overlay;
use crate::project::Step;
use crate::store::ViewError;

pub(super) fn look(_: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    let header = &step.entry.header;
    let Some(of) = header.quarantine.as_ref().filter(|aside| aside.reason == "conflict").and_then(|aside| aside.of)
    else {
        return Ok(Vec::new());
    };
    let (id, source) = header.event.as_ref().map_or(("", ""), |event| (event.id.as_str(), event.source.as_str()));
    Ok(vec![Seen {
        title: "The event id was used before with other content".to_owned(),
        seen: format!(
            "the event {id} of {source} came as entry {}, and again with other content as entry {}",
            of.get(),
            step.index
        ),
        subjects: subjects_of(step),
        entries: vec![of.get()],
    }])
}
