//! Models: what their versions have in common.

use std::collections::BTreeMap;

use serde_json::Value;

use super::change::{Changing, change};
use super::{Step, set, whole_of};
use crate::fold::Overlay;
use crate::rows::{Act, JsonText, Model, Said, Tier};
use crate::store::ViewError;
use crate::text::{MAX_NAME, MAX_REASON, SMALL_VALUE, bounded_text, bounded_to, cut};

/// Schemes of tiers of one model: laws and policies, not names that somebody makes up by the thousand.
const MAX_TIERS: usize = 20;
/// Tags, and aliases, of one model or version.
pub(super) const MAX_TAGS: usize = 64;
/// Bytes of a tag's value.
const MAX_TAG: usize = 512;
/// Uses that a model is or is not allowed for.
const MAX_USES: usize = 100;
/// Duties of one model; the catalogue knows five.
const MAX_DUTIES: usize = 20;

impl Changing for Model {
    fn empty(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str) -> Result<Self, ViewError> {
        Ok(Self {
            subject: subject.to_owned(),
            first: step.first(rows, subject)?,
            created: None,
            duties: BTreeMap::new(),
            purpose: None,
            approved_uses: None,
            excluded_uses: None,
            description: None,
            kind: None,
            tiers: BTreeMap::new(),
            aliases: BTreeMap::new(),
            tags: BTreeMap::new(),
            limits: None,
            retired: None,
            opening: None,
            latest: None,
            versions: 0,
            changed: step.slim_act().clone(),
        })
    }

    fn changed(&mut self) -> &mut Act {
        &mut self.changed
    }
}

/// A version was registered for the first time by a statement that counts.
pub(super) fn registered(rows: &mut Overlay<'_>, step: &Step<'_>, version: &str) -> Result<(), ViewError> {
    change(rows, step, whole_of(version), |model: &mut Model, step| {
        model.versions += 1;
        model.latest = Some(step.said(version.to_owned()));
    })
}

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    if !step.counts || !step.has_data() {
        return Ok(());
    }
    let Some(about) = step.about_kind("model").filter(|about| !about.contains('@')) else { return Ok(()) };
    let with = match step.verb {
        "model.created" => created,
        "model.owner_changed" => owner_changed,
        "model.purpose_changed" => purpose_changed,
        "model.metadata_changed" => metadata_changed,
        "model.alias_changed" => alias_changed,
        "model.limits_changed" => limits_changed,
        "model.retired" => retired,
        "risk.tier_changed" => tier_changed,
        "subject.opening_imported" => opening_imported,
        _ => return Ok(()),
    };
    change(rows, step, about, with)
}

fn created(model: &mut Model, step: &Step<'_>) {
    model.created = Some(step.act().clone());
    if let Some(owner) = step.name("/owner") {
        model.duties.insert("owner".to_owned(), step.said(owner));
    }
    set(&mut model.purpose, step.said_text("/purpose"));
    set(&mut model.description, step.said_text("/description"));
    set(&mut model.kind, step.said_text("/kind"));
    if let Some(Value::Object(tags)) = step.data().get("tags") {
        for (name, value) in tags.iter().take(MAX_TAGS) {
            tag(&mut model.tags, step, name, Some(value));
        }
    }
}

fn owner_changed(model: &mut Model, step: &Step<'_>) {
    let duty = step.name("/duty").unwrap_or_else(|| "owner".to_owned());
    match step.name("/new") {
        Some(new) if model.duties.len() < MAX_DUTIES || model.duties.contains_key(&duty) => {
            model.duties.insert(duty, step.said(new));
        }
        Some(_) => {}
        None => {
            model.duties.remove(&duty);
        }
    }
}

fn purpose_changed(model: &mut Model, step: &Step<'_>) {
    set(&mut model.purpose, step.said_text("/new"));
    let uses = |pointer: &str| {
        step.data()
            .pointer(pointer)
            .is_some()
            .then(|| step.said(step.names(pointer).into_iter().take(MAX_USES).collect()))
    };
    set(&mut model.approved_uses, uses("/approved_uses"));
    set(&mut model.excluded_uses, uses("/excluded_uses"));
}

fn metadata_changed(model: &mut Model, step: &Step<'_>) {
    match step.raw("/key") {
        Some("description") => model.description = step.said_text("/new"),
        Some(key) => tag(&mut model.tags, step, key, step.data().get("new")),
        None => {}
    }
}

/// Sets or, without a value, takes away a tag.
pub(super) fn tag(tags: &mut BTreeMap<String, Said<JsonText>>, step: &Step<'_>, key: &str, value: Option<&Value>) {
    let key = cut(key, MAX_NAME);
    match value {
        Some(value) if tags.len() < MAX_TAGS || tags.contains_key(&key) => {
            tags.insert(key, step.said(bounded_text(value, MAX_TAG)));
        }
        Some(_) => {}
        None => {
            tags.remove(&key);
        }
    }
}

fn alias_changed(model: &mut Model, step: &Step<'_>) {
    let Some(alias) = step.name("/alias") else { return };
    match step.raw("/new") {
        Some(_) if model.aliases.len() >= MAX_TAGS && !model.aliases.contains_key(&alias) => {}
        Some(new) => {
            model.aliases.insert(alias, step.said(cut(new, MAX_NAME)));
        }
        None => {
            model.aliases.remove(&alias);
        }
    }
}

fn limits_changed(model: &mut Model, step: &Step<'_>) {
    model.limits = limits(step);
}

/// The limits in force from this entry on; none where all are retired.
pub(super) fn limits(step: &Step<'_>) -> Option<Said<Value>> {
    step.data().get("new").map(|new| step.said(bounded_to(new, SMALL_VALUE)))
}

fn retired(model: &mut Model, step: &Step<'_>) {
    model.retired = Some(step.act().clone());
}

fn tier_changed(model: &mut Model, step: &Step<'_>) {
    let Some(scheme) = step.name("/scheme") else { return };
    let Some(value) = step.name("/new") else {
        model.tiers.remove(&scheme);
        return;
    };
    if model.tiers.len() < MAX_TIERS || model.tiers.contains_key(&scheme) {
        let basis = step.raw("/basis").map(|basis| cut(basis, MAX_REASON));
        let tier = Tier { value, status: step.name("/status"), decided_by: step.name("/decided_by"), basis };
        model.tiers.insert(scheme, step.said(tier));
    }
}

fn opening_imported(model: &mut Model, step: &Step<'_>) {
    model.opening = Some(step.said(bounded_to(step.data(), SMALL_VALUE)));
}
