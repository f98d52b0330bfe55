//! The sentence of each type of event, by its name without `modeltrail.` and version. A type that is not here is told by what the catalogue says of it.

/// The template for a verb.
pub(super) fn of(verb: &str) -> Option<&'static str> {
    let at = SENTENCES.binary_search_by(|(known, _)| known.cmp(&verb)).ok()?;
    SENTENCES.get(at).map(|(_, template)| *template)
}

/// Sorted by verb.
#[rustfmt::skip] // A type a line.
const SENTENCES: &[(&str, &str)] = &[
    ("access.exported", "{party} took something out of the ledger[: {subjects|list}]"),
    ("access.read", "{party} read {what}[, {count} times][ about {subjects|list}]"),
    ("approval.condition_met", "Condition {condition_id} of approval {approval_id} of {@about} was met[ on {met_at|when}][, confirmed by {confirmed_by}]"),
    ("approval.expired", "The {what} {approval_id} of {@about} ran out on {expired_at|when}"),
    ("approval.granted", "{@about} approved[ for {for|places}][ by {actor/id}][ as {actor/role}][, until {expires_at|when}][; approvers {approvers|list}][; conditions: {conditions|conditions}]"),
    ("approval.rejected", "Approval of {@about} refused[ for {for|places}][ by {actor/id}][ as {actor/role}][: {rationale}]"),
    ("approval.requested", "Approval of {@about} asked for[, {for|places}][ by {actor/id}][ as {actor/role}][, to be decided by {due_at|when}]"),
    ("approval.reviewed", "A reviewer's opinion on {approval_id} of {@about}: {opinion|words}[, by {actor/id}][: {comment}]"),
    ("approval.revoked", "Approval {approval_id} of {@about} taken back[ by {actor/id}][, from {effective_at|when} on][: {reason/text}]"),
    ("approval.withdrawn", "The request {approval_id} for approval of {@about} was taken back[ by {actor/id}]"),
    ("authority.notified", "{authority} was told about {@about}: {topic}"),
    ("authority.request_answered", "Request {request_id} about {@about} was answered[ on {answered_at|when}]"),
    ("authority.request_received", "{authority} asked about {@about}[: {items|list}][, to be answered by {due_at|when}]"),
    ("code.revision_recorded", "Code {@about} recorded[, on {ref}][, by {author}]"),
    ("complaint.received", "Complaint {complaint_id} about {@about} came in"),
    ("complaint.resolved", "Complaint {complaint_id} about {@about} answered: {outcome|words}"),
    ("config.version_registered", "Configuration {@about} registered[ with digest {digest|digest}]"),
    ("conformity.assessed", "Conformity of {@about} assessed[ by {procedure|words}][: {outcome}]"),
    ("conformity.declared", "Declaration of conformity for {@about} drawn up[, standards {standards|list}]"),
    ("corrective_action.closed", "Measure {action_id} on {@about} closed: {result|words}"),
    ("corrective_action.opened", "Measure {action_id} on {@about} decided[: {text}][, by {owner}][, due {due_at|when}]"),
    ("dataset.basis_changed", "The legal basis of {@about} changed[ from {old}][ to {new}][, purposes {purposes|list}][; affected: {affected}]"),
    ("dataset.bias_examined", "{@about} examined for bias[: {found}]"),
    ("dataset.created", "Dataset {@about} entered[, owned by {owner}]"),
    ("dataset.deleted", "{@about} deleted where it lay[; copies left: {copies_left}]"),
    ("dataset.quality_assessed", "Quality of {@about} assessed[: {verdict|words}][; gaps: {gaps}]"),
    ("dataset.version_registered", "Dataset {@about} registered[ with {rows} rows][, digest {digest|digest}][, from {origin}]"),
    ("deployment.changed", "{@about} now runs {new|served}[ in place of {old|served}][, from {effective_at|when}]"),
    ("deployment.failed", "A change of {@about} did not succeed[; tried: {new|served}][: {error}]"),
    ("deployment.observed", "{@about} was seen running {running|seen}[ on {observed_at|when}]"),
    ("deployment.removed", "{@about} does not run any more[; it ran {old|served}]"),
    ("deployment.requested", "Asked for {@about} to run {new|served}"),
    ("deployment.resumed", "{@about} answers again, with {new|served}"),
    ("deployment.rolled_back", "{@about} went back to {new|served}[ from {old|served}][, from {effective_at|when}][, for incident {incident_id}]"),
    ("deployment.started", "The change of {@about} to {new|served} began"),
    ("deployment.suspended", "{@about} stopped answering[ with {old|served}][, from {effective_at|when}]"),
    ("document.published", "Document about {@about} published: {doc_type|words}[, {document/title}][, digest {document/digest|digest}]"),
    ("environment.recorded", "Environment {@about} recorded[, {runtime}]"),
    ("evaluation.failed", "Evaluation {evaluation_id} of {@about} could not be carried out[: {error}]"),
    ("evaluation.plan_declared", "Thresholds of plan {plan_id} for {@about} laid down: {thresholds|thresholds}[, approved by {approved_by}]"),
    ("evaluation.recorded", "{@about} measured: {metrics|metrics}[; verdict {verdict|words}][; by {evaluator}]"),
    ("evaluation.security_test_recorded", "{@about} tested against attacks[: {kinds|list}][; verdict {verdict|words}]"),
    ("exception.granted", "Exception {exception_id} for {@about} granted[ from {policy}][, until {expires_at|when}][: {scope}]"),
    ("exception.revoked", "Exception {exception_id} for {@about} taken back"),
    ("export.created", "An export ({kind}) was made[ of {subjects|list}]"),
    ("feature.version_registered", "Feature {@about} registered"),
    ("human_review.completed", "A human looked at {request_id} about {@about}: {outcome|words}"),
    ("human_review.requested", "Somebody asked that a human look at a decision of {@about}"),
    ("incident.awareness_recorded", "{@about} became known on {aware_at|when}[, to {party}]"),
    ("incident.classified", "{@about} classified under {scheme}: {new}[, before {old}]"),
    ("incident.notified", "{to} was told of {@about}[ on {told_at|when}]"),
    ("incident.opened", "{@about} opened[: {title}][, {severity}][; touches {models|versions}]"),
    ("incident.report_sent", "A {kind} report on {@about} went to {to}"),
    ("incident.resolved", "{@about} resolved[ on {resolved_at|when}][: {resolution}]"),
    ("incident.root_cause_recorded", "The cause of {@about}: {text}"),
    ("incident.updated", "{@about}[: {text}][ {key} is now {new}]"),
    ("ingest.positions", "Positions of {source} that gave no entry, partition {partition}"),
    ("key.producer_changed", "What {@about} may speak for changed"),
    ("key.producer_registered", "Producer's key {key_id|digest} registered[ for {producer}][, for {entitlement/types|list}]"),
    ("key.producer_revoked", "Producer's key {key_id|digest} revoked: {why}"),
    ("key.rotated", "The ledger's key {old|digest} gave way to {new|digest}"),
    ("ledger.clock_stepped", "The clock stepped from {from|time} to {to|time}"),
    ("ledger.gate_decided", "A gate was asked whether to {act} {@about}: {decision}[; {reasons|list}]"),
    ("ledger.genesis", "The ledger {origin} begins, on a {clock} clock"),
    ("ledger.head_adopted", "An operator let the ledger go on without its head file"),
    ("ledger.opened", "The writer started, run {epoch}[, after {after}]"),
    ("ledger.policy_changed", "Policy {policy} changed[ from version {old_version}][ to version {new_version}]"),
    ("ledger.reading_changed", "From here on reading {new} is in force"),
    ("ledger.trails_added", "Entry {of} stands on further trails"),
    ("market.placed", "{@about} placed on the market or put into service on {placed_at|when}[ in {countries|list}]"),
    ("model.adjustment_changed", "Adjustment {adjustment} of {@about} changed[: {effect}]"),
    ("model.alias_changed", "Alias {alias} of {@about}[ now points at {new}][, before at {old}]"),
    ("model.artifact_attached", "File {artifact/path} attached to {@about}"),
    ("model.change_classified", "The change to {@about}[ from {from_version}] classified as {class|words}[ under {scheme}][, by {judged_by}]"),
    ("model.created", "Model {@about} entered[, owned by {owner}][, for: {purpose}]"),
    ("model.deleted", "The registry removed {@about} from its records"),
    ("model.limits_changed", "Limits of use of {@about} changed[ to: {new|limits}]"),
    ("model.metadata_changed", "{key} of {@about} changed[ from {old}][ to {new}]"),
    ("model.owner_changed", "{@about}[: {duty}][ is now {new}][, before {old}]"),
    ("model.purpose_changed", "Purpose of {@about} changed[ to: {new}]"),
    ("model.retired", "{@about} is not to be used any more[, from {effective_at|when} on][; replaced by {replacement|version}]"),
    ("model.status_changed", "Status of {@about} changed[ from {old}][ to {new}]"),
    ("model.version_registered", "{@about} registered[, {manifest/provenance}][ by {manifest/author}][, content {manifest/artifacts/root_digest|digest}]"),
    ("model.version_signed", "A signature over the files of {@about} was made or checked[: {result|words}]"),
    ("model.withdrawn", "{@about} recalled from those who use it"),
    ("monitoring.breach_answered", "Breach {breach_id} of {@about} answered: {answer|words}[, by {decided_by}]"),
    ("monitoring.drift_detected", "Drift of {@about} seen[ ({kind})][: {metrics|metrics}]"),
    ("monitoring.metric_recorded", "{@about} in use[ at {deployment|place}]: {metrics|metrics}"),
    ("monitoring.plan_declared", "What is watched of {@about} laid down in plan {plan_id}: {thresholds|thresholds}"),
    ("monitoring.threshold_breached", "{@about} went past a threshold[ at {deployment|place}]: {threshold|threshold}, value {value}"),
    ("notice.sent", "{audience|words} told about {@about}[: {topic}]"),
    ("oversight.assigned", "Duty of {role} for {@about}[ given to {new}][, taken from {old}]"),
    ("oversight.competence_recorded", "{party} was instructed for: {topic}"),
    ("oversight.override_recorded", "A person overrode {@about}[ at {deployment|place}][, case {case_ref}]"),
    ("oversight.stop_used", "A person stopped {@about}"),
    ("prompt.alias_changed", "Alias {alias} of {@about}[ now points at {new}][, before at {old}]"),
    ("prompt.version_registered", "Prompt {@about} registered[, by {author}][, digest {digest|digest}]"),
    ("record.erased", "Salt and record of {entries|count} entries were destroyed: {ground}"),
    ("record.hold_placed", "A legal hold keeps records from erasure: {matter}"),
    ("report.issued", "Report ({report|words}) issued[ about {subjects|list}]"),
    ("report.superseded", "Report {report_id} was replaced[ by {by}]"),
    ("reproduction.attempted", "Somebody tried to make {@about} again: {result|words}"),
    ("review.recorded", "Review {review_id} of {@about} done: {outcome|words}[, by {reviewer}][; next due {next_due|when}]"),
    ("review.scheduled", "Review {review_id} of {@about}[ is due {new|when}][, before {old|when}]"),
    ("risk.dpia_recorded", "Data-protection impact assessment {assessment_id} for {@about} made[: {outcome}]"),
    ("risk.identified", "Risk {risk_id} of {@about} identified[: {text}][, level {level}]"),
    ("risk.residual_accepted", "The risk left of {@about} was accepted[ by {accepted_by}]"),
    ("risk.tier_changed", "Risk tier of {@about} under {scheme}[ set to {new}][, before {old}][ ({status})][, by {decided_by}]"),
    ("risk.treated", "Risk {risk_id} of {@about} treated[: {measure}]"),
    ("run.aborted", "{@about} was stopped before its end"),
    ("run.completed", "{@about} ended well[, reading {@input}][, writing {@output}]"),
    ("run.failed", "{@about} failed[: {error}]"),
    ("run.started", "{@about} started[, reading {@input}]"),
    ("scoring.completed", "{@about} scored with {models|versions}[ at {deployment|place}][, {rows} rows]"),
    ("scoring.failed", "Scoring {@about} failed[: {error}]"),
    ("signature.applied", "{@about} signed: {meaning}"),
    ("source.changed", "Source {source} changed: {key}"),
    ("source.closed", "Source {source} was closed"),
    ("source.gap", "Positions of {source} were lost before they were read"),
    ("source.halted", "Reading of {source} stopped: {cause|words}"),
    ("source.opened", "Source {source} is read for the first time, topic {topic}"),
    ("source.rebased", "An operator set where {source} goes on, partition {partition}"),
    ("subject.linked", "{@about} and {same_as|thing} are one thing"),
    ("subject.opening_imported", "What {system} said of {@about} as of {as_of|when} was taken over"),
    ("supplier.agreement_recorded", "Agreement {agreement_id} with {@about}[ was {state}]"),
    ("supplier.assessed", "{@about} assessed: {outcome|words}"),
    ("supplier.component_declared", "A component of {@about} is used[ in {used_in|things}]"),
    ("training.aborted", "Training {@about} was stopped before its end"),
    ("training.completed", "Training {@about} ended well[: {metrics|metrics}][, on {@input}]"),
    ("training.compute_recorded", "Computing of {@about}[: {flop} operations][, {energy_kwh} kWh]"),
    ("training.failed", "Training {@about} failed[: {error}]"),
    ("training.progressed", "Training {@about} reports[ step {step}][: {metrics|metrics}]"),
    ("training.started", "Training {@about} started[, on {@input}]"),
    ("usecase.created", "Use case {@about} entered[, owned by {owner}][, for: {purpose}]"),
    ("validation.challenge_recorded", "{@about} challenged[ by {challenger}][: {text}][; answer: {answer}]"),
    ("validation.finding_closed", "Finding {finding_id} of the validation of {@about} closed: {how|words}"),
    ("validation.finding_opened", "Validation of {@about} found {finding_id} ({severity})[: {text}]"),
    ("validation.recorded", "{@about} validated[ by {validator}]: {outcome|words}[, until {valid_until|when}]"),
];

#[cfg(test)]
mod tests {
    use modeltrail_schemas::catalogue::{Field, FieldType, Primitive, catalogue};

    use super::super::template::KINDS;
    use super::*;

    fn holes(template: &str) -> Vec<(&str, &str)> {
        let parts = template.split('{').skip(1).map(|part| part.split_once('}').unwrap().0);
        parts.map(|hole| hole.split_once('|').unwrap_or((hole, "text"))).collect()
    }

    /// Whether a member is there; what stands below a map or free JSON can't be known.
    fn reaches(fields: &[Field], path: &str) -> bool {
        let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let Some(field) = fields.iter().find(|field| field.name == first) else { return false };
        match (&field.kind, rest) {
            (_, None) | (FieldType::Primitive(Primitive::Map | Primitive::Json), _) => true,
            (FieldType::Shape(shape), Some(rest)) => reaches(&catalogue().shape(shape).unwrap().fields, rest),
            (FieldType::Object(fields), Some(rest)) => reaches(fields, rest),
            _ => false,
        }
    }

    #[test]
    fn every_sentence_is_found() {
        assert!(SENTENCES.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted, each once");
        for (verb, template) in SENTENCES {
            assert_eq!(of(verb), Some(*template), "{verb}");
        }
    }

    #[test]
    fn holes_are_fields_of_their_type() {
        for (verb, template) in SENTENCES {
            let name = format!("modeltrail.{verb}.v1");
            let known = catalogue().event(&name).unwrap_or_else(|| panic!("{name} is no type"));
            for (path, kind) in holes(template) {
                assert!(KINDS.contains(&kind), "{verb}: {kind}");
                let found =
                    path.starts_with('@') || reaches(&known.fields, path) || reaches(&catalogue().common.fields, path);
                assert!(found, "{verb} has no {path}");
            }
        }
    }

    #[test]
    fn what_is_demanded_stands_outside_brackets() {
        for (verb, template) in SENTENCES {
            let known = catalogue().event(&format!("modeltrail.{verb}.v1")).unwrap();
            let mut outside = String::new();
            let mut rest = *template;
            while let Some((before, after)) = rest.split_once('[') {
                outside.push_str(before);
                rest = after.split_once(']').unwrap().1;
            }
            outside.push_str(rest);
            for (path, _) in holes(&outside).into_iter().filter(|(path, _)| !path.starts_with('@')) {
                let first = path.split('/').next().unwrap();
                let field = known.fields.iter().find(|field| field.name == first).unwrap();
                assert!(field.demanded, "{verb}: {path} may be absent, so its part must be too");
            }
        }
    }
}
