//! Published documents.

use super::Step;
use crate::fold::Overlay;
use crate::rows::Document;
use crate::store::ViewError;
use crate::tables::Table;
use crate::text::{MAX_REASON, cut};

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let Some(about) = step.about.filter(|_| step.has_data() && step.verb == "document.published") else {
        return Ok(());
    };
    let row = Document {
        about: about.to_owned(),
        act: step.act().clone(),
        doc_type: step.name("/doc_type").unwrap_or_default(),
        title: step.raw("/document/title").map(|title| cut(title, MAX_REASON)),
        digest: step.name("/document/digest"),
        uri: step.text("/document/uri"),
        doc_version: step.name("/doc_version"),
        sections: step.names("/sections"),
    };
    rows.add(Table::Documents, &[about, &step.number()], step.index, &row);
    Ok(())
}
