//! Datasets and versions of them.

use serde_json::Value;

use super::change::{Changing, change};
use super::{Step, set};
use crate::fold::Overlay;
use crate::rows::{Act, Dataset};
use crate::store::ViewError;

impl Changing for Dataset {
    fn empty(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str) -> Result<Self, ViewError> {
        Ok(Self {
            subject: subject.to_owned(),
            first: step.first(rows, subject)?,
            registered: None,
            digest: None,
            owner: None,
            description: None,
            uri: None,
            origin: None,
            licence: None,
            basis: None,
            purposes: None,
            personal_data: None,
            split: None,
            rows: None,
            quality: None,
            bias: None,
            deleted: None,
            changed: step.slim_act().clone(),
        })
    }

    fn changed(&mut self) -> &mut Act {
        &mut self.changed
    }
}

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    if !step.counts || !step.has_data() {
        return Ok(());
    }
    let Some(about) = step.about_kind("dataset") else { return Ok(()) };
    let with = match step.verb {
        "dataset.created" | "dataset.version_registered" => registered,
        "dataset.basis_changed" => basis_changed,
        "dataset.quality_assessed" => quality_assessed,
        "dataset.bias_examined" => bias_examined,
        "dataset.deleted" => deleted,
        _ => return Ok(()),
    };
    change(rows, step, about, with)
}

/// The first registration is the one that stands; what it left open a later one may say.
fn registered(dataset: &mut Dataset, step: &Step<'_>) {
    dataset.registered.get_or_insert_with(|| step.act().clone());
    let fill = |slot: &mut Option<_>, pointer: &str| {
        if slot.is_none() {
            *slot = step.said_text(pointer);
        }
    };
    fill(&mut dataset.digest, "/digest");
    fill(&mut dataset.owner, "/owner");
    fill(&mut dataset.description, "/description");
    fill(&mut dataset.uri, "/uri");
    fill(&mut dataset.origin, "/origin");
    fill(&mut dataset.licence, "/licence");
    fill(&mut dataset.personal_data, "/personal_data");
    fill(&mut dataset.split, "/split");
    if dataset.rows.is_none() {
        dataset.rows = step.data().get("rows").and_then(Value::as_u64).map(|rows| step.said(rows));
    }
}

/// Without a new basis it is withdrawn, and so are the purposes that it allowed.
fn basis_changed(dataset: &mut Dataset, step: &Step<'_>) {
    dataset.basis = Some(step.said(step.text("/new").unwrap_or_default()));
    if step.data().get("purposes").is_some() || step.data().get("new").is_none() {
        dataset.purposes = Some(step.said(step.names("/purposes")));
    }
}

fn quality_assessed(dataset: &mut Dataset, step: &Step<'_>) {
    set(&mut dataset.quality, step.said_text("/verdict"));
}

fn bias_examined(dataset: &mut Dataset, step: &Step<'_>) {
    set(&mut dataset.bias, step.said_text("/found"));
}

fn deleted(dataset: &mut Dataset, step: &Step<'_>) {
    dataset.deleted = Some(step.act().clone());
}
