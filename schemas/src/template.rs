//! Templates: how a subject is built from an event's data, and pointers: where in the data.
//!
//! ```text
//! template = "{.}"                           the value itself, a finished subject
//!          / "{" path "}"                    a thing: {path.kind}/{path.namespace?}/{path.name}@{path.version?}
//!          / kind 1*2( "/" part ) [ "@" part ]
//! kind     = a kind's name / "{kind}"        the latter takes the kind from the data
//! part     = text / "{" choice *( "|" choice ) [ "?" ] "}"
//! choice   = path / "$source" / DQUOTE text DQUOTE
//! path     = name *( "." name )
//! ```
//!
//! The first choice that is there is taken. With `?` the part and the mark before it are left out when none is; without, nothing
//! can be built. Null and the empty string count as absent; a value that is there but is not a string builds nothing, so that a
//! version sent as a number never turns into a subject without one.
//!
//! Where the kind comes from the data, three kinds have a template of their own, whatever the rest of the given one says:
//! `artifact/{digest}`, `image/{name}@{digest?}`, `code/{namespace}/{name}@{version?}`.

mod parse;

use serde_json::Value;

use crate::subject::{Kind, Subject, SubjectError, push_encoded};

pub use parse::TemplateError;

/// A template, read once and used for every event of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Shape);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Finished,
    Thing(Path),
    Parts(Parts),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    /// `None`: the kind comes from the data.
    kind: Option<Kind>,
    path: Vec<Part>,
    version: Option<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    choices: Vec<Choice>,
    optional: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Choice {
    Path(Path),
    Source,
    Text(String),
}

/// Names of nested members, outermost first.
type Path = Vec<String>;

/// Why data build no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A field that has to be there is not.
    #[error("`{0}` is missing")]
    Missing(String),
    /// A field is there, but not as a string.
    #[error("`{0}` is not a string")]
    NotText(String),
    /// A field is there, but not as an object.
    #[error("`{0}` is not an object")]
    NotObject(String),
    /// The kind in the data is none that is known.
    #[error("`kind` is not a known kind")]
    Kind,
    /// What was built or found is no subject.
    #[error(transparent)]
    Subject(#[from] SubjectError),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`] when the text doesn't follow the module's grammar.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parse::template(text).map(Self)
    }

    /// Builds the subject from `value`, the data or what a touch points at; `source` is the event's.
    ///
    /// # Errors
    /// [`BuildError`], naming the field.
    pub fn build(&self, value: &Value, source: &str) -> Result<Subject, BuildError> {
        match &self.0 {
            Shape::Finished => match value {
                Value::String(text) => Ok(Subject::parse(text)?),
                _ => Err(BuildError::NotText(".".to_owned())),
            },
            Shape::Thing(path) => {
                let thing = find(value, path)?.ok_or_else(|| BuildError::Missing(path.join(".")))?;
                if !thing.is_object() {
                    return Err(BuildError::NotObject(path.join(".")));
                }
                parse::THING.build(thing, source)
            }
            Shape::Parts(parts) => parts.build(value, source),
        }
    }
}

impl Parts {
    fn build(&self, value: &Value, source: &str) -> Result<Subject, BuildError> {
        let kind = match self.kind {
            Some(kind) => kind,
            None => kind_in(value)?,
        };
        let parts = match (self.kind, kind) {
            (None, Kind::Artifact) => &parse::ARTIFACT,
            (None, Kind::Image) => &parse::IMAGE,
            (None, Kind::Code) => &parse::CODE,
            _ => self,
        };
        let mut text = String::with_capacity(96);
        text.push_str(kind.as_str());
        for part in &parts.path {
            part.push(&mut text, '/', value, source)?;
        }
        if let Some(version) = &parts.version {
            version.push(&mut text, '@', value, source)?;
        }
        Ok(Subject::from_encoded(text)?)
    }
}

fn kind_in(value: &Value) -> Result<Kind, BuildError> {
    let name = text_in(value, &parse::KIND)?.ok_or_else(|| BuildError::Missing("kind".to_owned()))?;
    Kind::parse(name).ok_or(BuildError::Kind)
}

impl Part {
    /// Appends the mark and the encoded part, or nothing when it is optional and absent.
    fn push(&self, to: &mut String, mark: char, value: &Value, source: &str) -> Result<(), BuildError> {
        match self.chosen(value, source)? {
            Some(part) => {
                to.push(mark);
                push_encoded(to, part);
                Ok(())
            }
            None if self.optional => Ok(()),
            None => Err(BuildError::Missing(self.to_string())),
        }
    }

    fn chosen<'a>(&'a self, value: &'a Value, source: &'a str) -> Result<Option<&'a str>, BuildError> {
        for choice in &self.choices {
            let found = match choice {
                Choice::Path(path) => text_in(value, path)?,
                Choice::Source => Some(source).filter(|source| !source.is_empty()),
                Choice::Text(text) => Some(text.as_str()),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

fn text_in<'a>(value: &'a Value, path: &[String]) -> Result<Option<&'a str>, BuildError> {
    match find(value, path)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(BuildError::NotText(path.join("."))),
    }
}

/// What is at `path`; `None` when it or anything on the way is absent.
fn find<'a>(value: &'a Value, path: &[String]) -> Result<Option<&'a Value>, BuildError> {
    let mut here = value;
    for (depth, name) in path.iter().enumerate() {
        let Value::Object(members) = here else {
            let place = if depth == 0 { "/data".to_owned() } else { path[..depth].join(".") };
            return Err(BuildError::NotObject(place));
        };
        match members.get(name) {
            Some(member) if !is_absent(member) => here = member,
            _ => return Ok(None),
        }
    }
    Ok(Some(here))
}

/// Whether a member or an element of a list counts as one that was not sent: null and the empty string do.
#[must_use]
pub fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// A JSON pointer in which `*` is every element of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Each,
}

impl Pointer {
    /// Reads a pointer, which has to start with `/data`.
    ///
    /// # Errors
    /// [`TemplateError::Pointer`] when it doesn't, or has an empty step or an escape (no name of ours needs one).
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let refused = || TemplateError::Pointer(text.to_owned());
        let steps = match text.strip_prefix("/data").ok_or_else(refused)? {
            "" => Vec::new(),
            rest => rest.strip_prefix('/').ok_or_else(refused)?.split('/').map(Step::of).collect(),
        };
        let odd = |step: &Step| matches!(step, Step::Member(name) if name.is_empty() || name.contains(['~', '*']));
        if steps.iter().any(odd) { Err(refused()) } else { Ok(Self(steps)) }
    }

    /// Calls `each` with every value in `data` that the pointer points at, in order.
    pub fn visit<'a>(&self, data: &'a Value, each: &mut dyn FnMut(&'a Value)) {
        walk(&self.0, data, each);
    }
}

impl Step {
    fn of(text: &str) -> Self {
        if text == "*" { Self::Each } else { Self::Member(text.to_owned()) }
    }
}

fn walk<'a>(steps: &[Step], here: &'a Value, each: &mut dyn FnMut(&'a Value)) {
    match (steps.split_first(), here) {
        (None, found) => each(found),
        (Some((Step::Member(name), rest)), Value::Object(members)) => {
            if let Some(member) = members.get(name).filter(|member| !is_absent(member)) {
                walk(rest, member, each);
            }
        }
        (Some((Step::Each, rest)), Value::Array(elements)) => {
            let there = elements.iter().filter(|element| !is_absent(element));
            there.for_each(|element| walk(rest, element, each));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
