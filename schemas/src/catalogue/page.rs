//! The documentation page of the catalogue, `docs/EVENTS.md`: what a producer and a reader of evidence look up.

use super::catalogue;
use super::types::{Catalogue, EventType, Field, FieldType, Primitive, Touch};

const INTRO: &str = "\
# Events

Generated from `schemas/catalogue/`; edit the table there and run the schemas crate's tests with `MODELTRAIL_UPDATE=1`.

An event is a CloudEvents 1.0 event whose `type` is `modeltrail.<group>.<verb>.v<N>`. A type is permanent once evidence of it
exists: fields may be added to a v1 as optional ones, anything else is a v2. Every type has a JSON Schema of its `data` in
`schemas/events/`; a core type also has an example and the reading that it gives. A type that isn't listed here is kept as it
is and shown as unknown.

Only what a subject or the sense of the event needs is demanded (marked **yes**); what else is missing is a finding, never a
refusal. Schemas are closed: own data goes into `labels`. A null or an empty string counts as absent, also as an element of a
list. A correction is a new event that points back by `corrects`; a change event carries old and new value: `old` absent means not set before, `new`
absent means unset.

## Subjects

A subject is `kind/name[@version]` or `kind/namespace/name[@version]`, built from `data`, so producers send names as they have
them. Every versioned subject brings its whole along (`model/fraud` for `model/fraud@2.1.0`), in role `whole`. In the templates
below:

| template | stands for |
|---|---|
| `{a}` | the field, which must be there; `{a.b}` goes into an object |
| `{.}` | the value itself, a finished subject |
| `{$source}` | the event's source |
| `{a?}` | the field, left out with the `/` or `@` before it when absent |
| `{a\\|b}` | the first of them that is there; `{a\\|\"x\"}` else the text x |
| `{x}` of a thing | `{x.kind}/{x.namespace?}/{x.name}@{x.version?}` |

Each part's UTF-8 bytes outside `A-Z a-z 0-9 . _ ~ : + -` are percent-encoded. Where the kind comes from the data, artifact is
`artifact/{digest}`, its name left aside; image is `image/{name}@{digest?}`, `name` being the repository; code is
`code/{namespace}/{name}@{version?}`, `namespace` being the repository and `name` the path. FORMAT.md has every detail. When the subject with role `about` can't be built, the event is quarantined;
a touch that can't be built adds nothing. Actors are never subjects.
";

/// The page as Markdown, ending in a line feed.
#[must_use]
pub fn page() -> String {
    let catalogue = catalogue();
    let mut out = String::from(INTRO);
    kinds_and_roles(&mut out, catalogue);
    types_of_values(&mut out, catalogue);
    line(&mut out, "\n## Common to all events\n\nThese may stand in the data of every event.\n");
    field_table(&mut out, &catalogue.common.fields);
    line(&mut out, "");
    touch_list(&mut out, &catalogue.common.touches);
    contents(&mut out, catalogue);
    for section in &catalogue.sections {
        line(&mut out, &format!("\n## {}", section.title));
        for group in &section.groups {
            for event in catalogue.events.iter().filter(|event| event.group() == group) {
                event_section(&mut out, event, catalogue.own_groups.contains(group));
            }
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn kinds_and_roles(out: &mut String, catalogue: &Catalogue) {
    let code = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    line(out, &format!("\nKinds: {}.", code(&catalogue.kinds.anyone)));
    line(out, &format!("Only the ledger's own events may be about these: {}.", code(&catalogue.kinds.ledger_only)));
    line(
        out,
        "\nRoles, in order of precedence (a subject met in several keeps the first):\n\n| role | what the subject is to the event |\n|---|---|",
    );
    for role in &catalogue.roles {
        line(out, &format!("| `{}` | {} |", role.name, role.meaning));
    }
}

fn types_of_values(out: &mut String, catalogue: &Catalogue) {
    line(out, "\n## Values\n\n| type | what it is |\n|---|---|");
    for primitive in Primitive::ALL {
        line(out, &format!("| `{}` | {} |", primitive.name(), catalogue.primitive(primitive)));
    }
    line(out, "\n## Shapes\n\nObjects that fields refer to by name.");
    for shape in &catalogue.shapes {
        line(out, &format!("\n### {}\n", shape.name));
        field_table(out, &shape.fields);
    }
}

fn contents(out: &mut String, catalogue: &Catalogue) {
    let core = catalogue.events.iter().filter(|event| event.core).count();
    line(out, &format!("\n## The types\n\n{} types, {core} of them core (*).\n", catalogue.events.len()));
    for section in &catalogue.sections {
        let groups =
            section.groups.iter().flat_map(|group| catalogue.events.iter().filter(move |event| event.group() == group));
        let names = groups.map(|event| {
            format!("[{}](#{}){}", event.short_name(), anchor(&event.name), if event.core { "\\*" } else { "" })
        });
        line(out, &format!("- **{}**: {}", section.title, names.collect::<Vec<_>>().join(", ")));
    }
}

/// The anchor that Markdown renderers make of a heading: dots go.
fn anchor(name: &str) -> String {
    name.replace('.', "")
}

fn event_section(out: &mut String, event: &EventType, own: bool) {
    line(out, &format!("\n### {}\n\n{}\n", event.name, event.says));
    line(out, &format!("- about: `{}`", event.subject));
    touch_list(out, &event.touches);
    for (system, counterpart) in
        [("OpenLineage", &event.openlineage), ("CDEvents", &event.cdevents), ("MLflow", &event.mlflow)]
    {
        if let Some(counterpart) = counterpart {
            line(out, &format!("- in {system}: {counterpart}"));
        }
    }
    if own {
        line(out, "- only the ledger writes it; from outside it is quarantined as `reserved`");
    }
    let short = event.short_name();
    let example = format!(
        ", [example](../schemas/events/{short}.example.json), [its reading](../schemas/events/{short}.reading.json)"
    );
    line(
        out,
        &format!(
            "- [schema](../schemas/events/{short}.schema.json){}\n",
            if event.core { example.as_str() } else { "" }
        ),
    );
    field_table(out, &event.fields);
}

fn touch_list(out: &mut String, touches: &[Touch]) {
    for touch in touches {
        line(out, &format!("- {}: `{}`, from `{}`", touch.role, touch.build, touch.from));
    }
}

fn field_table(out: &mut String, fields: &[Field]) {
    line(out, "| field | value | demanded | meaning |\n|---|---|---|---|");
    field_rows(out, fields, "");
}

/// Members of an object without a name follow their field, with its name and a dot before theirs.
fn field_rows(out: &mut String, fields: &[Field], prefix: &str) {
    for field in fields {
        let demanded = if field.demanded { "**yes**" } else { "" };
        let note = field.note.as_deref().unwrap_or_default();
        line(out, &format!("| `{prefix}{}` | {} | {demanded} | {note} |", field.name, type_text(&field.kind)));
        if let Some(members) = members(&field.kind) {
            field_rows(out, members, &format!("{prefix}{}.", field.name));
        }
    }
}

fn members(kind: &FieldType) -> Option<&[Field]> {
    match kind {
        FieldType::Object(fields) => Some(fields),
        FieldType::List(element) => members(element),
        _ => None,
    }
}

fn type_text(kind: &FieldType) -> String {
    match kind {
        FieldType::Primitive(primitive) => primitive.name().to_owned(),
        FieldType::Shape(name) => format!("[{name}](#{name})"),
        FieldType::OneOf(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or "),
        FieldType::List(element) => format!("list of {}", type_text(element)),
        FieldType::Object(_) => "object".to_owned(),
    }
}
