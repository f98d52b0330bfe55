//! The table's TOML read into [`Catalogue`], and every rule of its form checked, so that nothing derived from it needs to.

use std::collections::{BTreeSet, HashMap};

use serde::de::DeserializeOwned;

use super::raw::{EventsFile, Ordered, RawEvent, RawRole, RawSection, RawTouch, RawType, ShapesFile};
use super::types::{
    Catalogue, Common, EventType, Field, FieldType, Kinds, Primitive, RoleMeaning, Section, Shape, Touch,
};

/// Why a catalogue can't be used. Only somebody who edits the table sees one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The file is not TOML of the catalogue's form.
    #[error("{file}: {source}")]
    Toml {
        /// Which of the two files.
        file: &'static str,
        /// What the TOML parser found, with line and column.
        source: Box<toml::de::Error>,
    },
    /// A row, shape or list breaks a rule of the form.
    #[error("{place}: {fault}")]
    Form {
        /// The row, shape or list.
        place: String,
        /// What is wrong, and what is expected.
        fault: String,
    },
}

/// Reads the catalogue from the texts of `shapes.toml` and `events.toml`.
///
/// # Errors
/// [`CatalogueError`] when a text is not TOML of the expected form, a name is used twice or never said, or a rule of the
/// form is broken; the message names the file or row.
pub fn parse(shapes: &str, events: &str) -> Result<Catalogue, CatalogueError> {
    let shapes: ShapesFile = toml_file("shapes.toml", shapes)?;
    let events: EventsFile = toml_file("events.toml", events)?;
    let mut catalogue = read_shapes(shapes)?;
    for raw in events.event {
        let event = read_event(raw, &catalogue)?;
        let at = catalogue.events.len();
        let taken = catalogue.by_name.insert(event.name.clone(), at);
        form(taken.is_none(), &event.name, "the type stands in the table twice")?;
        catalogue.events.push(event);
    }
    check_groups(&catalogue)?;
    Ok(catalogue)
}

fn toml_file<T: DeserializeOwned>(file: &'static str, text: &str) -> Result<T, CatalogueError> {
    toml::from_str(text).map_err(|source| CatalogueError::Toml { file, source: Box::new(source) })
}

/// All but the events.
fn read_shapes(raw: ShapesFile) -> Result<Catalogue, CatalogueError> {
    let role = |raw: RawRole| RoleMeaning { name: raw.name, meaning: raw.meaning };
    let section = |raw: RawSection| Section { title: raw.title, groups: raw.groups };
    let mut catalogue = Catalogue {
        version: raw.catalogue,
        checked_on: raw.checked_on,
        own_groups: raw.own_groups,
        kinds: Kinds { anyone: raw.kinds.anyone, ledger_only: raw.kinds.ledger_only },
        roles: raw.role.into_iter().map(role).collect(),
        sections: raw.section.into_iter().map(section).collect(),
        primitives: primitives(raw.primitives)?,
        shapes: Vec::new(),
        common: Common { fields: Vec::new(), touches: Vec::new() },
        events: Vec::new(),
        by_name: HashMap::new(),
    };
    for (name, fields) in raw.shapes.0 {
        let place = format!("shape `{name}`");
        let taken = Primitive::from_name(&name).is_some() || catalogue.shape(&name).is_some();
        form(!taken, &place, "the name is taken")?;
        let fields = read_fields(fields, &catalogue, &place)?;
        catalogue.shapes.push(Shape { name, fields });
    }
    catalogue.common.fields = read_fields(raw.common.fields, &catalogue, "common")?;
    catalogue.common.touches = read_touches(raw.common.touches, &catalogue, "common")?;
    Ok(catalogue)
}

fn form(holds: bool, place: &str, fault: &str) -> Result<(), CatalogueError> {
    if holds { Ok(()) } else { Err(CatalogueError::Form { place: place.to_owned(), fault: fault.to_owned() }) }
}

fn primitives(raw: Ordered<String>) -> Result<Vec<(Primitive, String)>, CatalogueError> {
    let rows: Vec<_> =
        raw.0.into_iter().filter_map(|(name, text)| Some((Primitive::from_name(&name)?, text))).collect();
    let said: Vec<_> = rows.iter().map(|(primitive, _)| *primitive).collect();
    form(said == Primitive::ALL, "primitives", "expected exactly the primitive types of this program, in their order")?;
    Ok(rows)
}

fn read_event(raw: RawEvent, known: &Catalogue) -> Result<EventType, CatalogueError> {
    let place = raw.r#type.clone();
    form(is_type_name(&place), &place, "expected `modeltrail.<group>.<verb>.v<N>`")?;
    let fields = read_fields(raw.fields, known, &place)?;
    for field in &fields {
        let common = known.common.fields.iter().any(|other| other.name == field.name);
        form(!common, &place, &format!("`{}` is a field common to all events", field.name))?;
    }
    Ok(EventType {
        touches: read_touches(raw.touches, known, &place)?,
        name: raw.r#type,
        says: raw.says,
        subject: raw.subject,
        core: raw.core,
        packs: raw.packs,
        openlineage: raw.openlineage,
        cdevents: raw.cdevents,
        mlflow: raw.mlflow,
        fields,
    })
}

fn is_type_name(name: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let parts: Vec<_> = name.split('.').collect();
    let [first, group, verb, version] = parts.as_slice() else {
        return false;
    };
    let number = version.strip_prefix('v').and_then(|digits| digits.parse::<u16>().ok());
    *first == "modeltrail" && word(group) && word(verb) && number.is_some_and(|number| number > 0)
}

fn read_touches(raw: Vec<RawTouch>, known: &Catalogue, place: &str) -> Result<Vec<Touch>, CatalogueError> {
    let touch = |raw: RawTouch| {
        let role = known.roles.iter().any(|role| role.name == raw.role);
        form(role, place, &format!("`{}` is not a role", raw.role))?;
        let pointer = raw.from == "/data" || raw.from.starts_with("/data/");
        form(pointer, place, &format!("`{}` does not point into /data", raw.from))?;
        Ok(Touch { role: raw.role, from: raw.from, build: raw.build })
    };
    raw.into_iter().map(touch).collect()
}

fn read_fields(raw: Ordered<RawType>, known: &Catalogue, place: &str) -> Result<Vec<Field>, CatalogueError> {
    let mut fields: Vec<Field> = Vec::with_capacity(raw.0.len());
    for (key, raw) in raw.0 {
        let (name, demanded) = key.strip_suffix('!').map_or((key.as_str(), false), |name| (name, true));
        let place = format!("{place}, field `{name}`");
        form(!fields.iter().any(|field| field.name == name), &place, "the field is said twice")?;
        let (kind, note) = read_type(raw, known, &place)?;
        fields.push(Field { name: name.to_owned(), demanded, kind, note });
    }
    Ok(fields)
}

fn read_type(raw: RawType, known: &Catalogue, place: &str) -> Result<(FieldType, Option<String>), CatalogueError> {
    match raw {
        RawType::Object(fields) => Ok((FieldType::Object(read_fields(fields, known, place)?), None)),
        RawType::List(element) => {
            let (element, note) = read_type(*element, known, place)?;
            Ok((FieldType::List(Box::new(element)), note))
        }
        RawType::Text(text) => {
            let (kind, note) = text.split_once(';').map_or((text.as_str(), None), |(kind, note)| (kind, Some(note)));
            Ok((read_word(kind.trim(), known, place)?, note.map(|note| note.trim().to_owned())))
        }
    }
}

fn read_word(text: &str, known: &Catalogue, place: &str) -> Result<FieldType, CatalogueError> {
    if let Some(element) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Ok(FieldType::List(Box::new(read_word(element.trim(), known, place)?)));
    }
    if text.contains('|') {
        let words: Vec<String> = text.split('|').map(|word| word.trim().to_owned()).collect();
        let different = words.iter().collect::<BTreeSet<_>>().len() == words.len();
        form(
            different && words.iter().all(|word| !word.is_empty()),
            place,
            "the words of an enumeration differ and are not empty",
        )?;
        return Ok(FieldType::OneOf(words));
    }
    if let Some(primitive) = Primitive::from_name(text) {
        return Ok(FieldType::Primitive(primitive));
    }
    form(known.shape(text).is_some(), place, &format!("`{text}` is neither a primitive type nor a shape said before"))?;
    Ok(FieldType::Shape(text.to_owned()))
}

/// Sections and groups fit: every group of a type is in exactly one section, and none is there for nothing.
fn check_groups(catalogue: &Catalogue) -> Result<(), CatalogueError> {
    let mut listed = BTreeSet::new();
    for group in catalogue.sections.iter().flat_map(|section| &section.groups) {
        form(listed.insert(group.as_str()), "sections", &format!("group `{group}` stands in two"))?;
    }
    let used: BTreeSet<_> = catalogue.events.iter().map(EventType::group).collect();
    form(listed == used, "sections", "the groups listed are not those of the events")?;
    let own = catalogue.own_groups.iter().all(|group| used.contains(group.as_str()));
    form(own, "own_groups", "a group has no event")
}
