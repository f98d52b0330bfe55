//! A version is registered again with another manifest.

use super::Seen;
use crate::fold::Overlay;
use crate::project::Step;
use crate::rows::Version;
use crate::store::ViewError;

pub(super) fn look(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<Vec<Seen>, ViewError> {
    let (Some(about), Some(digest)) = (step.about.filter(|_| step.counts), &step.entry.manifest_digest) else {
        return Ok(Vec::new());
    };
    let Some(row) = rows.get::<Version>(&[about])? else { return Ok(Vec::new()) };
    let Some(first) = row.counted() else {
        return Ok(Vec::new());
    };
    if first.act.entry == step.index || first.manifest_digest == *digest {
        return Ok(Vec::new());
    }
    Ok(vec![Seen {
        title: format!("{about} was registered again with another manifest"),
        seen: format!(
            "entry {} registers {}, entry {} registers {digest}",
            first.act.entry, first.manifest_digest, step.index
        ),
        subjects: vec![about.to_owned(), row.model.clone()],
        entries: vec![first.act.entry],
    }])
}
