//! The grammar of templates.

use std::fmt;
use std::sync::LazyLock;

use super::{Choice, Part, Parts, Path, Shape};
use crate::subject::Kind;

/// Why a text is no template or pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A template that doesn't follow the grammar.
    #[error("template `{template}` is wrong: {why}")]
    Template {
        /// The whole template.
        template: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A pointer that doesn't follow the grammar.
    #[error("pointer `{0}` is wrong: it has to be /data, or /data/ and names or `*` with `/` between them")]
    Pointer(String),
}

/// What `{x}` stands for when x is a thing, relative to it.
pub(super) static THING: LazyLock<Parts> = LazyLock::new(|| parts(&["namespace?", "name"], Some("version?")));

/// Of kind image, when the kind comes from the data.
pub(super) static IMAGE: LazyLock<Parts> = LazyLock::new(|| parts(&["name"], Some("digest?")));

/// Of kind code, when the kind comes from the data.
pub(super) static CODE: LazyLock<Parts> = LazyLock::new(|| parts(&["namespace", "name"], Some("version?")));

/// Of kind artifact, when the kind comes from the data.
pub(super) static ARTIFACT: LazyLock<Parts> = LazyLock::new(|| parts(&["digest"], None));

pub(super) static KIND: LazyLock<Path> = LazyLock::new(|| vec!["kind".to_owned()]);

fn parts(path: &[&str], version: Option<&str>) -> Parts {
    Parts { kind: None, path: path.iter().map(|name| field(name)).collect(), version: version.map(field) }
}

/// `{name}`, or `{name?}` when there is a question mark.
fn field(text: &str) -> Part {
    let name = text.strip_suffix('?');
    Part { choices: vec![Choice::Path(vec![name.unwrap_or(text).to_owned()])], optional: name.is_some() }
}

pub(super) fn template(text: &str) -> Result<Shape, TemplateError> {
    shape(text).map_err(|why| TemplateError::Template { template: text.to_owned(), why })
}

fn shape(text: &str) -> Result<Shape, &'static str> {
    if text == "{.}" {
        return Ok(Shape::Finished);
    }
    let mut pieces = split(text)?.into_iter();
    let (_, first) = pieces.next().ok_or("it is empty")?;
    let rest: Vec<_> = pieces.collect();
    if rest.is_empty() {
        let inner = inner(first).ok_or("a subject has a kind and a name")?;
        return Ok(Shape::Thing(path(inner)?));
    }
    let kind = match first {
        "{kind}" => None,
        name => Some(Kind::parse(name).ok_or("its kind is not known")?),
    };
    let mut parts = Parts { kind, path: Vec::new(), version: None };
    for (mark, piece) in rest {
        match (mark, &parts.version) {
            ('/', None) => parts.path.push(part(piece)?),
            ('@', None) => parts.version = Some(part(piece)?),
            _ => return Err("the version, after `@`, comes last"),
        }
    }
    let last_is_fixed = parts.path.last().is_some_and(|name| !name.optional);
    let well_formed = parts.path.len() <= 2 && last_is_fixed;
    if well_formed {
        Ok(Shape::Parts(parts))
    } else {
        Err("one or two parts follow the kind, and the name is never optional")
    }
}

/// The pieces between `/` and `@` outside braces, each with the mark before it.
fn split(text: &str) -> Result<Vec<(char, &str)>, &'static str> {
    let mut pieces = Vec::new();
    let (mut mark, mut start, mut inside) = ('/', 0, false);
    for (at, found) in text.char_indices() {
        match (found, inside) {
            ('{', false) => inside = true,
            ('}', true) => inside = false,
            ('{' | '}', _) => return Err("its braces don't match"),
            ('/' | '@', false) => {
                pieces.push((mark, &text[start..at]));
                (mark, start) = (found, at + 1);
            }
            _ => {}
        }
    }
    pieces.push((mark, &text[start..]));
    if inside { Err("its braces don't match") } else { Ok(pieces) }
}

fn inner(piece: &str) -> Option<&str> {
    piece.strip_prefix('{')?.strip_suffix('}')
}

fn part(piece: &str) -> Result<Part, &'static str> {
    let Some(inner) = inner(piece) else {
        let plain = !piece.is_empty() && !piece.contains(['{', '}']);
        let text = || Part { choices: vec![Choice::Text(piece.to_owned())], optional: false };
        return plain.then(text).ok_or("a part is a text or one pair of braces");
    };
    let (choices, optional) = match inner.strip_suffix('?') {
        Some(choices) => (choices, true),
        None => (inner, false),
    };
    let choices = choices.split('|').map(choice).collect::<Result<_, _>>()?;
    Ok(Part { choices, optional })
}

fn choice(text: &str) -> Result<Choice, &'static str> {
    if text == "$source" {
        return Ok(Choice::Source);
    }
    match text.strip_prefix('"').map(|rest| rest.strip_suffix('"')) {
        Some(Some(literal)) if !literal.is_empty() => Ok(Choice::Text(literal.to_owned())),
        Some(_) => Err("a text in quotes is not closed, or empty"),
        None => path(text).map(Choice::Path),
    }
}

fn path(text: &str) -> Result<Path, &'static str> {
    let names: Path = text.split('.').map(str::to_owned).collect();
    let plain = |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if names.iter().all(plain) { Ok(names) } else { Err("a field's name has lower-case letters and `_` only") }
}

impl fmt::Display for Part {
    /// As in a message: the choices, `version or digest`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, choice) in self.choices.iter().enumerate() {
            formatter.write_str(if index == 0 { "" } else { " or " })?;
            match choice {
                Choice::Path(path) => formatter.write_str(&path.join("."))?,
                Choice::Source => formatter.write_str("source")?,
                Choice::Text(text) => formatter.write_str(text)?,
            }
        }
        Ok(())
    }
}
