//! Templates and pointers of the table hold together with its fields.

use modeltrail_schemas::catalogue::{EventType, Field, FieldType, Primitive, catalogue};

/// What a template's placeholder is looked up in.
#[derive(Clone)]
enum Scope {
    Fields(Vec<&'static Field>),
    Value(&'static FieldType),
}

impl Scope {
    fn of(kind: &'static FieldType) -> Self {
        match kind {
            FieldType::Object(fields) => Self::Fields(fields.iter().collect()),
            FieldType::Shape(name) => {
                Self::Fields(catalogue().shape(name).map(|shape| shape.fields.iter().collect()).unwrap_or_default())
            }
            other => Self::Value(other),
        }
    }

    fn data(event: &'static EventType) -> Self {
        Self::Fields(event.fields.iter().chain(&catalogue().common.fields).collect())
    }

    /// The field at a dotted path and whether every step of it is demanded.
    fn field(&self, path: &str) -> Option<(&'static FieldType, bool)> {
        let mut scope = self.clone();
        let mut demanded = true;
        let mut found = None;
        for name in path.split('.') {
            let Self::Fields(fields) = &scope else {
                return None;
            };
            let field = *fields.iter().find(|field| field.name == name)?;
            demanded &= field.demanded;
            found = Some((&field.kind, demanded));
            scope = Self::of(&field.kind);
        }
        found
    }

    fn pointed_at(event: &'static EventType, from: &str) -> Option<Self> {
        let mut scope = Self::data(event);
        for token in from.strip_prefix("/data")?.split('/').skip(1) {
            scope = match (token, scope) {
                ("*", Self::Value(FieldType::List(element))) => Self::of(element),
                (name, scope) => Self::of(scope.field(name)?.0),
            };
        }
        Some(scope)
    }
}

/// The placeholders of a template, each with its alternatives and whether it may be absent.
fn placeholders(template: &str) -> Vec<(Vec<&str>, bool)> {
    let mut rest = template;
    let mut out = Vec::new();
    while let Some(start) = rest.find('{') {
        let end = start + rest[start..].find('}').unwrap_or_else(|| panic!("`{template}`: `{{` without `}}`"));
        let inner = &rest[start + 1..end];
        let (inner, optional) = inner.strip_suffix('?').map_or((inner, false), |inner| (inner, true));
        out.push((inner.split('|').collect(), optional));
        rest = &rest[end + 1..];
    }
    assert!(!rest.contains('}'), "`{template}`: `}}` without `{{`");
    out
}

fn check_template(event: &EventType, template: &str, scope: &Scope, about: bool) {
    let place = format!("{}: `{template}`", event.name);
    if template == "{.}" {
        let subject = FieldType::Primitive(Primitive::Subject);
        assert!(matches!(scope, Scope::Value(kind) if **kind == subject), "{place}: not a subject");
        return;
    }
    if template == "{about}" {
        let thing = FieldType::Shape("thing".to_owned());
        assert_eq!(scope.field("about"), Some((&thing, true)), "{place}");
        return;
    }
    let kind = template.split('/').next().unwrap_or_default();
    let kinds = &catalogue().kinds;
    let known = kinds.anyone.iter().chain(&kinds.ledger_only).any(|known| known == kind);
    assert!(known || kind == "{kind}", "{place}: unknown kind");
    let marks = (template.matches('/').count(), template.matches('@').count());
    assert!(matches!(marks, (1 | 2, 0 | 1)), "{place}: not of the form of a subject");
    for (alternatives, optional) in placeholders(template) {
        let needed = about && !optional && alternatives.len() == 1;
        for (at, name) in alternatives.iter().enumerate() {
            if name.starts_with('"') {
                let literal = name.len() > 2 && name.ends_with('"') && at + 1 == alternatives.len();
                assert!(literal, "{place}: `{name}`");
            } else if *name != "$source" {
                check_name(&place, name, scope, needed);
            }
        }
    }
}

/// A name in a template is that of a field which is a string, and the schema demands it where no subject comes without it.
fn check_name(place: &str, name: &str, scope: &Scope, needed: bool) {
    let found = scope.field(name);
    let (kind, demanded) = found.unwrap_or_else(|| panic!("{place}: no field `{name}`"));
    let text = match kind {
        FieldType::OneOf(_) => true,
        FieldType::Primitive(kind) => {
            matches!(kind, Primitive::Text | Primitive::Party | Primitive::Sha256)
        }
        _ => false,
    };
    assert!(text, "{place}: `{name}` is not a string");
    assert!(demanded || !needed, "{place}: `{name}` is needed, so the schema demands it");
}

#[test]
fn templates_parse_and_name_fields_that_are_there() {
    for event in &catalogue().events {
        check_template(event, &event.subject, &Scope::data(event), true);
        for touch in event.touches.iter().chain(&catalogue().common.touches) {
            let scope = Scope::pointed_at(event, &touch.from)
                .unwrap_or_else(|| panic!("{}: nothing at {}", event.name, touch.from));
            check_template(event, &touch.build, &scope, false);
        }
    }
}
