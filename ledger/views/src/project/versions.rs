//! Model versions: one manifest each, by the first registration that counts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::change::{Changing, change, keep, row};
use super::{Step, elements, models, whole_of};
use crate::fold::Overlay;
use crate::rows::{Act, Parts, Registration, Version};
use crate::store::ViewError;
use crate::text::{SMALL_VALUE, bounded_to};
use modeltrail_schemas::subject::Subject as Name;

/// Registrations of one version that its row lists.
const MAX_REGISTRATIONS: usize = 50;

impl Changing for Version {
    fn empty(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str) -> Result<Self, ViewError> {
        let name = Name::parse(subject).ok();
        Ok(Self {
            subject: subject.to_owned(),
            model: whole_of(subject).to_owned(),
            version: name.and_then(|name| name.version().map(|version| version.into_owned())).unwrap_or_default(),
            first: step.first(rows, subject)?,
            manifest: None,
            registrations: Vec::new(),
            parts: None,
            author: None,
            status: None,
            tags: BTreeMap::new(),
            limits: None,
            retired: None,
            reproduced: None,
            opening: None,
            changed: step.slim_act().clone(),
        })
    }

    fn changed(&mut self) -> &mut Act {
        &mut self.changed
    }
}

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    if !step.has_data() {
        return Ok(());
    }
    let Some(about) = step.about_kind("model").filter(|about| about.contains('@')) else { return Ok(()) };
    let with = match step.verb {
        // Kept even where its signature fails, to be shown beside the one that counts.
        "model.version_registered" => return registered(rows, step, about),
        _ if !step.counts => return Ok(()),
        "model.metadata_changed" => metadata_changed,
        "model.status_changed" => status_changed,
        "model.limits_changed" => limits_changed,
        "model.retired" => retired,
        "reproduction.attempted" => reproduced,
        "subject.opening_imported" => opening_imported,
        _ => return Ok(()),
    };
    change(rows, step, about, with)
}

fn registered(rows: &mut Overlay<'_>, step: &Step<'_>, about: &str) -> Result<(), ViewError> {
    let Some(digest) = step.entry.manifest_digest.clone() else { return Ok(()) };
    let mut row: Version = row(rows, step, about)?;
    let is_first = step.counts && row.manifest.is_none();
    if let Some(manifest) = step.data().get("manifest").filter(|_| is_first) {
        row.manifest = Some(step.said(manifest.clone()));
        row.parts = Some(parts(manifest));
        row.author = step.name("/manifest/author").map(|author| step.said(author));
        if let Some(Value::Object(tags)) = step.data().get("tags") {
            for (name, value) in tags.iter().take(models::MAX_TAGS) {
                models::tag(&mut row.tags, step, name, Some(value));
            }
        }
    }
    let claimed = step.name("/manifest_digest").filter(|claimed| *claimed != digest);
    let registration = Registration {
        act: step.slim_act().clone(),
        manifest_digest: digest,
        claimed_digest: claimed,
        registered_by: step.name("/registered_by"),
    };
    if row.registrations.len() < MAX_REGISTRATIONS {
        row.registrations.push(registration);
    } else if is_first {
        // The one that counts is never crowded out by those that don't.
        row.registrations.pop();
        row.registrations.push(registration);
    }
    keep(rows, step, about, row);
    if is_first { models::registered(rows, step, about) } else { Ok(()) }
}

fn parts(manifest: &Value) -> Parts {
    let any = |list: &str, members: &[&str]| {
        elements(manifest, list).iter().any(|element| members.iter().any(|member| element.get(member).is_some()))
    };
    let has = |pointers: &[&str]| {
        pointers.iter().any(|pointer| manifest.pointer(pointer).is_some_and(|value| !is_empty(value)))
    };
    Parts {
        code: any("/code", &["commit"]),
        data: any("/datasets", &["digest", "version"]),
        configuration: has(&["/configuration/parameters", "/configuration/digest", "/configuration/files"]),
        environment: has(&["/environment/image/digest", "/environment/lock_digest", "/environment/lock_file"]),
        artifacts: has(&["/artifacts/root_digest"]) || any("/artifacts/files", &["digest"]),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

fn metadata_changed(version: &mut Version, step: &Step<'_>) {
    if let Some(key) = step.raw("/key") {
        models::tag(&mut version.tags, step, key, step.data().get("new"));
    }
}

fn status_changed(version: &mut Version, step: &Step<'_>) {
    version.status = step.said_text("/new");
}

fn limits_changed(version: &mut Version, step: &Step<'_>) {
    version.limits = models::limits(step);
}

fn retired(version: &mut Version, step: &Step<'_>) {
    version.retired = Some(step.act().clone());
}

fn reproduced(version: &mut Version, step: &Step<'_>) {
    version.reproduced = step.name("/result").map(|result| step.said(result));
}

fn opening_imported(version: &mut Version, step: &Step<'_>) {
    version.opening = Some(step.said(bounded_to(step.data(), SMALL_VALUE)));
}
