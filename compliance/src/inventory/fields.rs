//! Which event field fills which field of the inventory. Pointers as in [`crate::dossier::fields`].

pub use crate::dossier::fields::Source;

/// A field of the inventory.
#[derive(Clone, Copy, Debug)]
pub struct FieldDef {
    /// Its id.
    pub id: &'static str,
    /// Its label.
    pub label: &'static str,
    /// What fills it.
    pub sources: &'static [Source],
}

const fn field(id: &'static str, label: &'static str, sources: &'static [Source]) -> FieldDef {
    FieldDef { id, label, sources }
}

/// All fields, in order.
#[rustfmt::skip] // A field a line.
pub const FIELDS: &[FieldDef] = &[
    field("model", "Model", &[("model.created", "/about"), ("model.version_registered", "/about")]),
    field("description", "Description", &[("model.created", "/data/description")]),
    field("kind", "Kind", &[("model.created", "/data/kind")]),
    field("purpose", "Purpose", &[("model.created", "/data/purpose"), ("model.purpose_changed", "/data/new")]),
    field("approved_uses", "Approved uses", &[("model.purpose_changed", "/data/approved_uses")]),
    field("limits", "Limits", &[("model.limits_changed", "/data/new")]),
    field("origin", "Origin", &[("model.version_registered", "/data/manifest/provenance")]),
    field("owner", "Owner", &[("model.created", "/data/owner"), ("model.owner_changed", "/data/new")]),
    field("developer", "Developer", &[("model.owner_changed", "/data/new"), ("model.version_registered", "/data/manifest/author")]),
    field("validator", "Reviewer", &[("model.owner_changed", "/data/new"), ("validation.recorded", "/data/validator")]),
    field("approver", "Approved by", &[("approval.granted", "/data/actor/id"), ("approval.granted", "/data/approvers")]),
    field("latest", "Newest version", &[("model.version_registered", "/about")]),
    field("running", "Runs at", &[("deployment.changed", "/about"), ("deployment.rolled_back", "/about"), ("deployment.resumed", "/about")]),
    field("since", "Since", &[("deployment.changed", "/data/effective_at"), ("deployment.rolled_back", "/data/effective_at")]),
    field("approved_until", "Approved until", &[("approval.granted", "/data/expires_at")]),
    field("components", "Depends on", &[("model.version_registered", "/data/manifest/components/*/name"), ("model.version_registered", "/data/manifest/parents/*/name")]),
    field("data", "Data", &[("model.version_registered", "/data/manifest/datasets/*/name")]),
    field("tier", "Risk tier", &[("risk.tier_changed", "/data/new")]),
    field("tier_status", "Tier provisional or final", &[("risk.tier_changed", "/data/status")]),
    field("last_review", "Last review", &[("review.recorded", "/time")]),
    field("next_review", "Next review due", &[("review.scheduled", "/data/new"), ("review.recorded", "/data/next_due")]),
    field("validated_until", "Validation holds until", &[("validation.recorded", "/data/valid_until")]),
    field("exceptions", "Exceptions", &[("exception.granted", "/data/exception_id")]),
    field("remarks", "Open validation findings", &[("validation.finding_opened", "/data/finding_id")]),
    field("monitored", "Last measured in use", &[("monitoring.metric_recorded", "/time"), ("monitoring.threshold_breached", "/time"), ("monitoring.drift_detected", "/time")]),
    field("incidents", "Open incidents", &[("incident.opened", "/about")]),
    field("retired", "Retired", &[("model.retired", "/time")]),
];
