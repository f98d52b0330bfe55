//! Which subjects an event stands on, and in which roles.

use serde_json::Value;

use super::{Role, rules};
use crate::envelope::Envelope;
use crate::record::Via;
use crate::subject::Subject;

/// What an event's type and data give.
pub(super) struct Subjects {
    /// Sorted by subject, each once, in its first role, wholes included.
    pub(super) trails: Vec<(Role, Subject)>,
    /// Why `about` can't be built, for a type that the catalogue knows.
    pub(super) fault: Option<String>,
    /// Whether the catalogue knows the type.
    pub(super) known: bool,
}

/// Finds the subjects of an event that came that way.
pub(super) fn of(via: Via, event: &Envelope) -> Subjects {
    let mut found = Vec::new();
    let mut fault = None;
    let rules = rules::of(&event.r#type);
    match (rules, &event.subject) {
        (Some(rules), _) => {
            let data = event.data.as_ref().unwrap_or(&Value::Null);
            match rules.about.build(data, &event.source) {
                Ok(about) => found.push((Role::About, about)),
                Err(error) => {
                    fault = Some(format!("subject `{}` cannot be built from the data: {error}", rules.about_text))
                }
            }
            if event.data.is_some() {
                touch(via, rules, data, &event.source, &mut found);
            }
        }
        (None, Some(subject)) => found.extend(Subject::parse(subject).ok().map(|about| (Role::About, about))),
        (None, None) => {}
    }
    Subjects { trails: finished(found), fault, known: rules.is_some() }
}

/// Adds what the touches build; what can't be built adds nothing.
fn touch(via: Via, rules: &rules::TypeRules, data: &Value, source: &str, found: &mut Vec<(Role, Subject)>) {
    for rule in &rules.touches {
        rule.from.visit(data, &mut |value| {
            let built = rule.build.build(value, source).ok();
            let allowed = built.filter(|subject| via == Via::Ledger || !subject.kind().is_ledger_only());
            found.extend(allowed.map(|subject| (rule.role, subject)));
        });
    }
}

/// Adds the wholes; sorts by subject; of several roles keeps the first in the order of roles.
fn finished(mut found: Vec<(Role, Subject)>) -> Vec<(Role, Subject)> {
    for index in 0..found.len() {
        if let Some(whole) = found[index].1.whole() {
            found.push((Role::Whole, whole));
        }
    }
    found.sort_unstable_by(|(role, subject), (other_role, other)| (subject, role).cmp(&(other, other_role)));
    found.dedup_by(|(_, later), (_, kept)| later == kept);
    found
}
