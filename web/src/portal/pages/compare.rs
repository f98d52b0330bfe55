//! Two versions side by side: what is the same, and what is not.

use std::collections::BTreeMap;

use modeltrail_compliance::words::value_words;
use modeltrail_views::rows::Version;
use serde_json::Value;

use crate::portal::bits::{Bit, Cell, digest_bit, is_digest, link, mark, subject_bit};
use crate::portal::blocks::{Block, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::{missing, whole_of};
use crate::portal::list::{Column, Listing};
use crate::portal::page::Page;
use crate::portal::text::{cut, name_of};

/// Members of a manifest that are compared.
const MAX_MEMBERS: usize = 2_000;
/// How deep a manifest is taken apart; below, values are compared whole.
const MAX_DEPTH: usize = 6;

/// One member in both.
struct Member {
    path: String,
    one: Option<String>,
    other: Option<String>,
}

impl Member {
    fn same(&self) -> bool {
        self.one == self.other
    }
}

fn value(text: Option<&String>) -> Cell {
    match text {
        None => Cell::from(Bit::Aside("not there".to_owned())),
        Some(digest) if is_digest(digest) => Cell::from(digest_bit(digest)),
        Some(text) => Cell::name(text),
    }
}

const MEMBERS: &[Column<Member>] = &[
    Column::plain("Member", |member, _| Cell::name(&member.path)),
    Column::plain("Change", |member, _| match (&member.one, &member.other) {
        _ if member.same() => Cell::from(mark("neutral", "=", "same")),
        (None, _) => Cell::from(mark("medium", "+", "new")),
        (_, None) => Cell::from(mark("medium", "−", "gone")),
        _ => Cell::from(mark("high", "≠", "changed")),
    }),
    Column::plain("First", |member, _| value(member.one.as_ref())),
    Column::plain("Second", |member, _| value(member.other.as_ref())),
];

fn flat(value: &Value, path: &str, depth: usize, into: &mut BTreeMap<String, String>) {
    if into.len() >= MAX_MEMBERS {
        return;
    }
    match value {
        Value::Object(members) if depth < MAX_DEPTH => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flat(value, &path, depth + 1, into);
            }
        }
        Value::Array(items) if depth < MAX_DEPTH && items.iter().any(Value::is_object) => {
            for item in items {
                // A list's element is known by its name where it has one, so that an inserted one doesn't shift all others.
                let key = ["name", "repository", "path", "part", "role"]
                    .iter()
                    .find_map(|member| item.get(member))
                    .map_or_else(|| value_words(item), value_words);
                flat(item, &format!("{path}[{key}]"), depth + 1, into);
            }
        }
        other => {
            into.insert(path.to_owned(), value_words(other));
        }
    }
}

fn version(cx: &Cx<'_>, name: &str) -> Result<Option<Version>, Fault> {
    let Some(subject) = cx.param(name) else { return Ok(None) };
    match cx.view().get::<Version>(&[subject])? {
        Some(version) => Ok(Some(version)),
        None => Err(missing(cx, "model version", subject)?),
    }
}

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (one, other) = (version(cx, "a")?, version(cx, "b")?);
    let links = &cx.links;
    let mut page = Page::new("Compare", "Two versions").crumb("Models", links.to("/models", &[]));
    page.main.push(Block::Form(form(cx, one.as_ref())?));
    let (Some(one), Some(other)) = (one, other) else {
        page.lead = Cell::words(
            "Choose two versions: the differences of their manifests (the lists of what each was made of) are shown.",
        );
        return Ok(page);
    };
    page.title = format!("{} and {}", name_of(&one.subject), cut(other.subject.rsplit('@').next().unwrap_or_default()));
    page.lead = Cell::from(subject_bit(links, &one.subject)).then("against").and(subject_bit(links, &other.subject));
    page.actions =
        vec![link(links.to("/compare", &[("a", &other.subject), ("b", &one.subject)]), "The other way round")];
    let members = |version: &Version| {
        let mut found = BTreeMap::new();
        if let Some(manifest) = &version.manifest {
            flat(&manifest.value, "", 0, &mut found);
        }
        found
    };
    let (mut first, mut second) = (members(&one), members(&other));
    let paths: std::collections::BTreeSet<String> = first.keys().chain(second.keys()).cloned().collect();
    let all: Vec<Member> =
        paths.into_iter().map(|path| Member { one: first.remove(&path), other: second.remove(&path), path }).collect();
    let (same, differ): (Vec<Member>, Vec<Member>) = all.into_iter().partition(Member::same);
    let empty = Cell::words("Their manifests are the same.");
    page.main.push(Listing::main("differences", "What differs", MEMBERS, "", empty).block(cx, differ));
    page.main.push(Listing::part("same", "What is the same", MEMBERS, Cell::words("Nothing.")).block(cx, same));
    Ok(page)
}

fn form(cx: &Cx<'_>, one: Option<&Version>) -> Result<Form, Fault> {
    let versions = match one {
        Some(one) => super::model::versions_of(cx, whole_of(&one.subject))?,
        None => cx.rows::<Version>(&[])?.0,
    };
    let choices: Vec<(String, String)> =
        versions.iter().map(|version| (version.subject.clone(), name_of(&version.subject))).collect();
    let field = |name, label| {
        let mut field = Field::choice(
            name,
            label,
            cx.param(name),
            choices.iter().map(|(subject, name)| (subject.as_str(), name.as_str())),
        );
        if let Some(any) = field.choices.first_mut() {
            any.1 = "choose".to_owned();
        }
        field
    };
    Ok(Form::to(cx, "Compare two versions", "/compare", vec![field("a", "First"), field("b", "Second")], "Compare"))
}
