//! How the version is judged, run and watched.

use super::{BlockDef, RowsDef, Take, column, fact, rows};

/// Heading 3.
#[rustfmt::skip] // A field a line.
pub(super) const SECTION_3: &[BlockDef] = &[
    BlockDef {
        id: "limits",
        title: "Limits of use",
        facts: &[
            fact("limits", "Limits in force", Take::Newest, &[("model.limits_changed", "/data/new")]),
            fact("until", "Until", Take::Newest, &[("model.limits_changed", "/data/valid_until")]),
        ],
        table: None,
    },
    BlockDef {
        id: "oversight",
        title: "Oversight by people",
        facts: &[],
        table: Some((&[
            column("role", "Duty", &[("oversight.assigned", "/data/role")]),
            column("new", "Given to", &[("oversight.assigned", "/data/new")]),
            column("old", "Taken from", &[("oversight.assigned", "/data/old")]),
            column("powers", "Powers", &[("oversight.assigned", "/data/powers")]),
            column("from", "From", &[("oversight.assigned", "/data/from")]),
            column("until", "Until", &[("oversight.assigned", "/data/until")]),
        ], RowsDef::Events(&["oversight.assigned"]))),
    },
    BlockDef {
        id: "overrides",
        title: "Outputs overridden, and stops",
        facts: &[],
        table: Some((&[
            column("case", "Case", &[("oversight.override_recorded", "/data/case_ref")]),
            column("old", "What the model said", &[("oversight.override_recorded", "/data/old")]),
            column("new", "What the person decided", &[("oversight.override_recorded", "/data/new")]),
            column("count", "How many", &[("oversight.override_recorded", "/data/count")]),
            column("stopped", "Stopped", &[("oversight.stop_used", "/data/stopped_at")]),
            column("resumed", "Resumed", &[("oversight.stop_used", "/data/resumed_at")]),
        ], RowsDef::Events(&["oversight.override_recorded", "oversight.stop_used"]))),
    },
    BlockDef {
        id: "serving",
        title: "Where it runs and ran",
        facts: &[],
        table: Some((&[
            column("deployment", "Deployment", &[("deployment.changed", "/about")]),
            column("role", "Role", &[("deployment.changed", "/data/new/*/role")]),
            column("weight", "Share of the traffic, per cent", &[("deployment.changed", "/data/new/*/weight")]),
            column("from", "From", &[("deployment.changed", "/data/effective_at")]),
            column("until", "Until", &[("deployment.changed", "/data/effective_at"), ("deployment.rolled_back", "/data/effective_at"), ("deployment.removed", "/data/effective_at")]),
        ], RowsDef::Views(rows::serving))),
    },
    BlockDef {
        id: "observed",
        title: "What was last seen running there",
        facts: &[],
        table: Some((&[
            column("deployment", "Deployment", &[("deployment.observed", "/about")]),
            column("running", "Seen", &[("deployment.observed", "/data/running")]),
            column("time", "When", &[("deployment.observed", "/data/observed_at")]),
        ], RowsDef::Views(rows::observed))),
    },
    BlockDef {
        id: "notices",
        title: "What people were told",
        facts: &[],
        table: Some((&[
            column("audience", "Whom", &[("notice.sent", "/data/audience")]),
            column("topic", "About what", &[("notice.sent", "/data/topic")]),
            column("document", "Document's digest", &[("notice.sent", "/data/document/digest")]),
            column("sent", "When", &[("notice.sent", "/data/sent_at")]),
        ], RowsDef::Events(&["notice.sent"]))),
    },
];

/// Heading 4.
#[rustfmt::skip] // A field a line.
pub(super) const SECTION_4: &[BlockDef] = &[
    BlockDef {
        id: "plans",
        title: "Metrics and thresholds laid down beforehand",
        facts: &[],
        table: Some((&[
            column("id", "Plan", &[("evaluation.plan_declared", "/data/plan_id")]),
            column("about", "About", &[("evaluation.plan_declared", "/about")]),
            column("version", "Plan's version", &[("evaluation.plan_declared", "/data/plan_version")]),
            column("thresholds", "Thresholds", &[("evaluation.plan_declared", "/data/thresholds")]),
            column("method", "Method", &[("evaluation.plan_declared", "/data/method")]),
            column("approved_by", "Approved by", &[("evaluation.plan_declared", "/data/approved_by")]),
            column("approved_at", "Approved", &[("evaluation.plan_declared", "/data/approved_at")]),
            column("declared", "Declared", &[("evaluation.plan_declared", "/time")]),
        ], RowsDef::Views(rows::evaluation_plans))),
    },
];

/// Heading 5.
#[rustfmt::skip] // A field a line.
pub(super) const SECTION_5: &[BlockDef] = &[
    BlockDef {
        id: "tiers",
        title: "Risk tier and class",
        facts: &[],
        table: Some((&[
            column("scheme", "Scheme", &[("risk.tier_changed", "/data/scheme")]),
            column("old", "Before", &[("risk.tier_changed", "/data/old")]),
            column("new", "Now", &[("risk.tier_changed", "/data/new")]),
            column("status", "Provisional or final", &[("risk.tier_changed", "/data/status")]),
            column("basis", "Basis", &[("risk.tier_changed", "/data/basis")]),
            column("by", "Decided by", &[("risk.tier_changed", "/data/decided_by")]),
        ], RowsDef::Events(&["risk.tier_changed"]))),
    },
    BlockDef {
        id: "risks",
        title: "Risks, and what was done about them",
        facts: &[],
        table: Some((&[
            column("id", "Risk", &[("risk.identified", "/data/risk_id"), ("risk.treated", "/data/risk_id"), ("risk.residual_accepted", "/data/risk_id")]),
            column("text", "What", &[("risk.identified", "/data/text")]),
            column("level", "Level", &[("risk.identified", "/data/level"), ("risk.treated", "/data/new"), ("risk.residual_accepted", "/data/level")]),
            column("measure", "Measure", &[("risk.treated", "/data/measure")]),
            column("effect", "Effect", &[("risk.treated", "/data/effect")]),
            column("accepted_by", "Rest accepted by", &[("risk.residual_accepted", "/data/accepted_by")]),
        ], RowsDef::Events(&["risk.identified", "risk.treated", "risk.residual_accepted"]))),
    },
    BlockDef {
        id: "assessments",
        title: "Impact assessments",
        facts: &[],
        table: Some((&[
            column("id", "Assessment", &[("risk.impact_assessment_recorded", "/data/assessment_id"), ("risk.fria_recorded", "/data/assessment_id"), ("risk.dpia_recorded", "/data/assessment_id")]),
            column("outcome", "Outcome", &[("risk.impact_assessment_recorded", "/data/outcome"), ("risk.dpia_recorded", "/data/outcome")]),
            column("by", "By", &[("risk.impact_assessment_recorded", "/data/assessor"), ("risk.fria_recorded", "/data/assessor"), ("risk.dpia_recorded", "/data/assessor")]),
            column("report", "Report's digest", &[("risk.impact_assessment_recorded", "/data/report/digest"), ("risk.fria_recorded", "/data/report/digest"), ("risk.dpia_recorded", "/data/report/digest")]),
            column("time", "When", &[("risk.impact_assessment_recorded", "/time"), ("risk.fria_recorded", "/time"), ("risk.dpia_recorded", "/time")]),
        ], RowsDef::Events(&["risk.impact_assessment_recorded", "risk.fria_recorded", "risk.dpia_recorded"]))),
    },
    BlockDef {
        id: "exceptions",
        title: "Exceptions from policies",
        facts: &[],
        table: Some((&[
            column("id", "Exception", &[("exception.granted", "/data/exception_id"), ("exception.revoked", "/data/exception_id"), ("exception.expired", "/data/exception_id")]),
            column("policy", "Policy", &[("exception.granted", "/data/policy")]),
            column("scope", "Scope", &[("exception.granted", "/data/scope")]),
            column("by", "Granted by", &[("exception.granted", "/data/granted_by")]),
            column("expires", "Until", &[("exception.granted", "/data/expires_at"), ("exception.expired", "/data/expired_at"), ("exception.revoked", "/data/effective_at")]),
        ], RowsDef::Events(&["exception.granted", "exception.revoked", "exception.expired"]))),
    },
    BlockDef {
        id: "controls",
        title: "Controls tested",
        facts: &[],
        table: Some((&[
            column("control", "Control", &[("risk.control_tested", "/data/control")]),
            column("framework", "Framework", &[("risk.control_tested", "/data/framework")]),
            column("result", "Result", &[("risk.control_tested", "/data/result")]),
            column("by", "By", &[("risk.control_tested", "/data/tester")]),
        ], RowsDef::Events(&["risk.control_tested"]))),
    },
];

/// Heading 6.
#[rustfmt::skip] // A field a line.
pub(super) const SECTION_6: &[BlockDef] = &[
    BlockDef {
        id: "approvals",
        title: "Approvals",
        facts: &[],
        table: Some((&[
            column("id", "Approval", &[("approval.granted", "/data/approval_id"), ("approval.requested", "/data/approval_id")]),
            column("about", "About", &[("approval.granted", "/about"), ("approval.requested", "/about")]),
            column("state", "State", &[("approval.granted", "/about"), ("approval.rejected", "/about"), ("approval.revoked", "/about"), ("approval.expired", "/about"), ("approval.withdrawn", "/about")]),
            column("digest", "Manifest digest it binds to", &[("approval.granted", "/data/about/digest")]),
            column("places", "For", &[("approval.granted", "/data/for"), ("approval.requested", "/data/for")]),
            column("requested_by", "Asked for by", &[("approval.requested", "/data/actor/id")]),
            column("requested_at", "Asked for", &[("approval.requested", "/time")]),
            column("granted_by", "Granted by", &[("approval.granted", "/data/actor/id")]),
            column("as", "In the role of", &[("approval.granted", "/data/actor/role")]),
            column("approvers", "Approvers", &[("approval.granted", "/data/approvers")]),
            column("granted_at", "Granted", &[("approval.granted", "/time")]),
            column("expires", "Until", &[("approval.granted", "/data/expires_at")]),
            column("ended", "Ended", &[("approval.revoked", "/data/effective_at"), ("approval.expired", "/data/expired_at"), ("approval.rejected", "/time"), ("approval.withdrawn", "/time")]),
            column("policy", "Policy", &[("approval.granted", "/data/policy"), ("approval.requested", "/data/policy")]),
            column("rationale", "Reason", &[("approval.granted", "/data/rationale"), ("approval.rejected", "/data/rationale")]),
            column("emergency", "The act came first", &[("approval.granted", "/data/emergency"), ("approval.requested", "/data/emergency")]),
            column("signature", "Signature", &[("approval.granted", "/signers")]),
        ], RowsDef::Views(rows::approvals))),
    },
    BlockDef {
        id: "conditions",
        title: "Conditions of approvals",
        facts: &[],
        table: Some((&[
            column("approval", "Approval", &[("approval.granted", "/data/approval_id")]),
            column("id", "Condition", &[("approval.granted", "/data/conditions/*/id")]),
            column("text", "What is demanded", &[("approval.granted", "/data/conditions/*/text")]),
            column("due", "Due", &[("approval.granted", "/data/conditions/*/due_at")]),
            column("met", "Met", &[("approval.condition_met", "/data/met_at")]),
        ], RowsDef::Views(rows::conditions))),
    },
    BlockDef {
        id: "deployments",
        title: "Deployments and roll-backs",
        facts: &[],
        table: Some((&[
            column("deployment", "Deployment", &[("deployment.changed", "/about"), ("deployment.rolled_back", "/about")]),
            column("verb", "What happened", &[("deployment.changed", "/about"), ("deployment.rolled_back", "/about"), ("deployment.suspended", "/about"), ("deployment.resumed", "/about"), ("deployment.removed", "/about"), ("deployment.failed", "/about")]),
            column("effective", "From", &[("deployment.changed", "/data/effective_at"), ("deployment.rolled_back", "/data/effective_at")]),
            column("old", "Ran before", &[("deployment.changed", "/data/old"), ("deployment.rolled_back", "/data/old")]),
            column("new", "Runs since", &[("deployment.changed", "/data/new"), ("deployment.rolled_back", "/data/new")]),
            column("approvals", "Approvals named", &[("deployment.changed", "/data/approval_ids")]),
            column("by", "By", &[("deployment.changed", "/data/actor/id"), ("deployment.rolled_back", "/data/actor/id")]),
            column("incident", "For incident", &[("deployment.rolled_back", "/data/incident_id")]),
            column("signature", "Signature", &[("deployment.changed", "/signers")]),
        ], RowsDef::Views(rows::deployments))),
    },
    BlockDef {
        id: "retired",
        title: "Retired or withdrawn",
        facts: &[],
        table: Some((&[
            column("about", "What", &[("model.retired", "/about"), ("model.withdrawn", "/about"), ("model.deleted", "/about")]),
            column("effective", "From", &[("model.retired", "/data/effective_at"), ("model.withdrawn", "/data/effective_at")]),
            column("replacement", "Replaced by", &[("model.retired", "/data/replacement")]),
            column("told", "Who was told", &[("model.withdrawn", "/data/told")]),
        ], RowsDef::Events(&["model.retired", "model.withdrawn", "model.deleted"]))),
    },
];

/// Heading 7.
#[rustfmt::skip] // A field a line.
pub(super) const SECTION_7: &[BlockDef] = &[
    BlockDef {
        id: "standards",
        title: "Standards",
        facts: &[
            fact("standards", "Standards applied", Take::Newest, &[("conformity.declared", "/data/standards")]),
        ],
        table: None,
    },
    BlockDef {
        id: "registrations_public",
        title: "Registrations with authorities",
        facts: &[],
        table: Some((&[
            column("register", "Register", &[("authority.registration_submitted", "/data/register"), ("authority.registration_changed", "/data/register")]),
            column("number", "Number", &[("authority.registration_submitted", "/data/number"), ("authority.registration_changed", "/data/number")]),
            column("submitted", "Submitted", &[("authority.registration_submitted", "/data/submitted_at")]),
        ], RowsDef::Events(&["authority.registration_submitted", "authority.registration_changed"]))),
    },
];

/// Heading 8.
#[rustfmt::skip] // A field a line.
pub(super) const SECTION_8: &[BlockDef] = &[
    BlockDef {
        id: "declaration",
        title: "Declaration",
        facts: &[
            fact("title", "Title", Take::Newest, &[("conformity.declared", "/data/declaration/title")]),
            fact("digest", "Digest", Take::Newest, &[("conformity.declared", "/data/declaration/digest")]),
            fact("uri", "Where it lies", Take::Newest, &[("conformity.declared", "/data/declaration/uri")]),
            fact("signed_by", "Signed by", Take::Newest, &[("conformity.declared", "/data/signed_by")]),
        ],
        table: None,
    },
    BlockDef {
        id: "assessment",
        title: "Assessment of conformity",
        facts: &[
            fact("procedure", "Procedure", Take::Newest, &[("conformity.assessed", "/data/procedure")]),
            fact("body", "Body", Take::Newest, &[("conformity.assessed", "/data/body")]),
            fact("certificate", "Certificate number", Take::Newest, &[("conformity.assessed", "/data/certificate_number")]),
            fact("outcome", "Outcome", Take::Newest, &[("conformity.assessed", "/data/outcome")]),
            fact("until", "Until", Take::Newest, &[("conformity.assessed", "/data/valid_until")]),
        ],
        table: None,
    },
];

/// Heading 9.
#[rustfmt::skip] // A field a line.
pub(super) const SECTION_9: &[BlockDef] = &[
    BlockDef {
        id: "watch_plans",
        title: "What is watched, and within which thresholds",
        facts: &[],
        table: Some((&[
            column("id", "Plan", &[("monitoring.plan_declared", "/data/plan_id")]),
            column("about", "About", &[("monitoring.plan_declared", "/about")]),
            column("thresholds", "Thresholds", &[("monitoring.plan_declared", "/data/thresholds")]),
            column("interval", "How often", &[("monitoring.plan_declared", "/data/interval")]),
            column("approved_by", "Approved by", &[("monitoring.plan_declared", "/data/approved_by")]),
            column("declared", "Declared", &[("monitoring.plan_declared", "/time")]),
        ], RowsDef::Views(rows::monitoring_plans))),
    },
    BlockDef {
        id: "metrics",
        title: "Metrics in use",
        facts: &[],
        table: Some((&[
            column("deployment", "Deployment", &[("monitoring.metric_recorded", "/data/deployment")]),
            column("plan", "Plan", &[("monitoring.metric_recorded", "/data/plan_id")]),
            column("metrics", "Metrics", &[("monitoring.metric_recorded", "/data/metrics")]),
            column("from", "From", &[("monitoring.metric_recorded", "/data/window_start")]),
            column("to", "To", &[("monitoring.metric_recorded", "/data/window_end")]),
        ], RowsDef::Events(&["monitoring.metric_recorded"]))),
    },
    BlockDef {
        id: "breaches",
        title: "Breaches, drift, and the answers",
        facts: &[],
        table: Some((&[
            column("id", "Breach", &[("monitoring.threshold_breached", "/data/breach_id"), ("monitoring.drift_detected", "/data/breach_id"), ("monitoring.breach_answered", "/data/breach_id")]),
            column("threshold", "Threshold", &[("monitoring.threshold_breached", "/data/threshold"), ("monitoring.drift_detected", "/data/threshold")]),
            column("value", "Seen", &[("monitoring.threshold_breached", "/data/value"), ("monitoring.drift_detected", "/data/metrics")]),
            column("answer", "Answer", &[("monitoring.breach_answered", "/data/answer")]),
            column("by", "Decided by", &[("monitoring.breach_answered", "/data/decided_by")]),
            column("time", "When", &[("monitoring.threshold_breached", "/time"), ("monitoring.drift_detected", "/time"), ("monitoring.breach_answered", "/time")]),
        ], RowsDef::Events(&["monitoring.threshold_breached", "monitoring.drift_detected", "monitoring.breach_answered"]))),
    },
    BlockDef {
        id: "incidents",
        title: "Incidents",
        facts: &[],
        table: Some((&[
            column("incident", "Incident", &[("incident.opened", "/about")]),
            column("title", "What happened", &[("incident.opened", "/data/title")]),
            column("severity", "Severity", &[("incident.opened", "/data/severity")]),
            column("state", "State", &[("incident.opened", "/about"), ("incident.resolved", "/about")]),
            column("aware", "Became known", &[("incident.awareness_recorded", "/data/aware_at"), ("incident.opened", "/data/detected_at")]),
            column("resolved", "Resolved", &[("incident.resolved", "/data/resolved_at")]),
            column("affected", "Touches", &[("incident.opened", "/data/models"), ("incident.opened", "/data/deployments")]),
        ], RowsDef::Views(rows::incidents))),
    },
    BlockDef {
        id: "actions",
        title: "Corrective actions",
        facts: &[],
        table: Some((&[
            column("id", "Measure", &[("corrective_action.opened", "/data/action_id"), ("corrective_action.closed", "/data/action_id")]),
            column("text", "What", &[("corrective_action.opened", "/data/text")]),
            column("owner", "Owner", &[("corrective_action.opened", "/data/owner")]),
            column("due", "Due", &[("corrective_action.opened", "/data/due_at")]),
            column("result", "Result", &[("corrective_action.closed", "/data/result")]),
            column("effective", "Effective", &[("corrective_action.closed", "/data/effective")]),
        ], RowsDef::Events(&["corrective_action.opened", "corrective_action.closed"]))),
    },
    BlockDef {
        id: "complaints",
        title: "Complaints",
        facts: &[],
        table: Some((&[
            column("id", "Complaint", &[("complaint.received", "/data/complaint_id"), ("complaint.resolved", "/data/complaint_id")]),
            column("received", "Came in", &[("complaint.received", "/data/received_at")]),
            column("outcome", "Outcome", &[("complaint.resolved", "/data/outcome")]),
            column("resolved", "Answered", &[("complaint.resolved", "/data/resolved_at")]),
        ], RowsDef::Events(&["complaint.received", "complaint.resolved"]))),
    },
    BlockDef {
        id: "reviews",
        title: "Reviews",
        facts: &[],
        table: Some((&[
            column("id", "Review", &[("review.scheduled", "/data/review_id"), ("review.recorded", "/data/review_id")]),
            column("about", "About", &[("review.scheduled", "/about"), ("review.recorded", "/about")]),
            column("due", "Due", &[("review.scheduled", "/data/new")]),
            column("done", "Done", &[("review.recorded", "/time")]),
            column("outcome", "Outcome", &[("review.recorded", "/data/outcome")]),
            column("next", "Next due", &[("review.recorded", "/data/next_due")]),
        ], RowsDef::Views(rows::reviews))),
    },
    BlockDef {
        id: "authorities",
        title: "Questions of authorities",
        facts: &[],
        table: Some((&[
            column("id", "Request", &[("authority.request_received", "/data/request_id"), ("authority.request_answered", "/data/request_id")]),
            column("authority", "Authority", &[("authority.request_received", "/data/authority"), ("authority.notified", "/data/authority")]),
            column("items", "Asked or told", &[("authority.request_received", "/data/items"), ("authority.request_answered", "/data/items"), ("authority.notified", "/data/topic")]),
            column("due", "Due", &[("authority.request_received", "/data/due_at")]),
            column("answered", "Answered or told", &[("authority.request_answered", "/data/answered_at"), ("authority.notified", "/data/told_at")]),
        ], RowsDef::Events(&["authority.request_received", "authority.request_answered", "authority.notified"]))),
    },
];
