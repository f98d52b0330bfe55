//! The catalogue's subjects and touches, compiled once.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Role;
use crate::catalogue::{self, Touch};
use crate::template::{Pointer, Template, TemplateError};

/// How the subjects of one event type are found.
pub(super) struct TypeRules {
    /// The subject with role `about`.
    pub(super) about: Template,
    /// That template as text, for messages.
    pub(super) about_text: &'static str,
    /// Further subjects.
    pub(super) touches: Vec<TouchRule>,
}

/// How one sort of further subject is found.
pub(super) struct TouchRule {
    pub(super) role: Role,
    pub(super) from: Pointer,
    pub(super) build: Template,
}

/// Looked up by name only, so the map's order never shows.
static RULES: LazyLock<HashMap<&'static str, TypeRules>> = LazyLock::new(|| {
    compile().expect("the compiled-in catalogue has well-formed templates, roles and pointers; a test compiles it")
});

/// The rules of a type that the catalogue knows.
pub(super) fn of(event_type: &str) -> Option<&'static TypeRules> {
    RULES.get(event_type)
}

pub(super) fn warm_up() {
    LazyLock::force(&RULES);
}

fn compile() -> Result<HashMap<&'static str, TypeRules>, TemplateError> {
    let catalogue = catalogue::catalogue();
    let common = &catalogue.common.touches;
    let types = catalogue.events.iter().map(|event| {
        let about = Template::parse(&event.subject)?;
        let touches = event.touches.iter().chain(common).map(touch).collect::<Result<_, _>>()?;
        Ok((event.name.as_str(), TypeRules { about, about_text: &event.subject, touches }))
    });
    types.collect()
}

fn touch(touch: &Touch) -> Result<TouchRule, TemplateError> {
    let role = Role::parse(&touch.role)
        .ok_or_else(|| TemplateError::Template { template: touch.build.clone(), why: "its role is not known" })?;
    Ok(TouchRule { role, from: Pointer::parse(&touch.from)?, build: Template::parse(&touch.build)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_compiles() {
        let compiled = compile().unwrap();
        assert_eq!(compiled.len(), catalogue::catalogue().events.len());
        for event in &catalogue::catalogue().events {
            let rules = of(&event.name).unwrap();
            assert_eq!(rules.about_text, event.subject, "{}", event.name);
            assert_eq!(rules.touches.len(), event.touches.len() + catalogue::catalogue().common.touches.len());
        }
    }

    #[test]
    fn the_catalogue_and_the_code_have_the_same_words() {
        let catalogue = catalogue::catalogue();
        let roles: Vec<_> = catalogue.roles.iter().map(|role| role.name.as_str()).collect();
        assert_eq!(roles, Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>());
        assert_eq!(catalogue.own_groups, super::super::OWN_GROUPS);
        let kinds = catalogue.kinds.anyone.iter().chain(&catalogue.kinds.ledger_only);
        assert!(kinds.eq(crate::subject::Kind::ALL.iter().map(|kind| kind.as_str())));
    }
}
