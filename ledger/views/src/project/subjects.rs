//! First sight of subjects, and the words and digests under which they are found. Where a model, version or dataset is named for the first
//! time by a statement that counts, its row begins.

use modeltrail_schemas::subject::{Kind, Subject as Name};

use super::Step;
use super::change::begin;
use crate::fold::Overlay;
use crate::rows::{Dataset, Model, Subject, Version};
use crate::store::ViewError;
use crate::tables::{Table, part};

/// Words of one subject: a hostile name of hundreds of fragments must not make a row for each.
const MAX_WORDS: usize = 24;

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    for (_, subject) in &step.trails {
        if !rows.has(Table::Subjects, &[subject])? {
            first_sight(rows, step, subject)?;
        }
        if step.counts {
            named(rows, step, subject)?;
        }
    }
    Ok(())
}

fn first_sight(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str) -> Result<(), ViewError> {
    let Ok(name) = Name::parse(subject) else { return Ok(()) };
    let row = Subject {
        subject: subject.to_owned(),
        kind: name.kind().as_str().to_owned(),
        first: step.index,
        received: step.entry.header.received.at.clone(),
    };
    rows.put(&[subject], step.index, row);
    for word in words(&name) {
        // Of a subject that nothing named before nothing was found before; but a party is found by its own name sooner.
        if name.kind() == Kind::Party {
            rows.mark(Table::Words, &[&part(&word), subject], step.index)?;
        } else {
            rows.mark_new(Table::Words, &[&part(&word), subject], step.index);
        }
    }
    digest(rows, step, &name, subject)
}

/// Rows of things that exist by being named.
fn named(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str) -> Result<(), ViewError> {
    match (super::kind_of(subject), subject.contains('@')) {
        ("model", false) => begin::<Model>(rows, step, subject),
        ("model", true) => begin::<Version>(rows, step, subject),
        ("dataset", _) => begin::<Dataset>(rows, step, subject),
        _ => Ok(()),
    }
}

/// The whole name with and without its namespace, its fragments, its version; sorted. Digests are found by themselves.
fn words(name: &Name) -> Vec<String> {
    let mut words = std::collections::BTreeSet::new();
    let own = name.name().to_lowercase();
    if let Some(namespace) = name.namespace() {
        let namespace = namespace.to_lowercase();
        words.insert(format!("{namespace}/{own}"));
        words.insert(namespace);
    }
    let version = name.version().filter(|version| !version.starts_with("sha256:"));
    words.extend(version.map(|version| version.to_lowercase()));
    if !own.starts_with("sha256:") {
        words.insert(own);
    }
    words.insert(name.as_str().to_lowercase());
    let parts: Vec<String> = words.iter().cloned().collect();
    for part in parts {
        let fragments = part.split(|letter: char| !letter.is_alphanumeric()).filter(|fragment| !fragment.is_empty());
        for fragment in fragments.filter(|fragment| fragment.len() < 32 && *fragment != "sha256") {
            if words.len() < MAX_WORDS {
                words.insert(fragment.to_owned());
            }
        }
    }
    words.into_iter().collect()
}

fn digest(rows: &mut Overlay<'_>, step: &Step<'_>, name: &Name, subject: &str) -> Result<(), ViewError> {
    let (own, version) = (name.name(), name.version());
    let place = match name.kind().as_str() {
        "code" => "commit",
        "image" => "image",
        "artifact" => "file or set of files",
        _ => "in its name",
    };
    let is_code = place == "commit";
    for text in std::iter::once(own).chain(version) {
        if is_code || text.starts_with("sha256:") {
            super::digests::found(rows, step, &text, subject, place)?;
        }
    }
    Ok(())
}

/// A subject is found by an id of something about it: an approval, an evaluation, an incident, a party.
pub(super) fn word(rows: &mut Overlay<'_>, step: &Step<'_>, id: &str, subject: &str) -> Result<(), ViewError> {
    rows.mark(Table::Words, &[&part(&id.to_lowercase()), subject], step.index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_each_of_its_fragments() {
        let name = Name::parse("model/risk/PD-retail_v2@3.1.0").unwrap();
        let words = words(&name);
        for word in
            ["risk", "risk/pd-retail_v2", "pd-retail_v2", "pd", "retail", "3.1.0", "model/risk/pd-retail_v2@3.1.0"]
        {
            assert!(words.iter().any(|found| found == word), "{word} in {words:?}");
        }
        let digest = Name::parse(&format!("artifact/sha256:{}", "a".repeat(64))).unwrap();
        assert_eq!(super::words(&digest).len(), 2, "the subject itself and its kind");
    }

    #[test]
    fn a_name_of_many_fragments_makes_a_bounded_number_of_words() {
        let name = Name::parse(&format!("model/{}", "a-b.c_d".repeat(60))).unwrap();
        assert!(words(&name).len() <= MAX_WORDS);
    }
}
