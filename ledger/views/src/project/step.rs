//! An entry on its way through the projectors and rules.

use std::cell::OnceCell;
use std::sync::LazyLock;

use modeltrail_schemas::template::Template;
use serde_json::Value;

use crate::fold::Overlay;
use crate::read::{ReadEntry, at};
use crate::rows::{Act, Member, Said, Subject};
use crate::store::ViewError;
use crate::tables::number;
use crate::text::{MAX_LIST, MAX_NAME, cut};

/// An entry on its way through the projectors, with what they all ask of it worked out once.
pub struct Step<'e> {
    /// The entry.
    pub entry: &'e ReadEntry,
    /// Its index.
    pub index: u64,
    /// Its subjects with their roles, (role, subject), sorted by subject.
    pub trails: Vec<(&'e str, &'e str)>,
    /// The subject that it is about.
    pub about: Option<&'e str>,
    /// The type without `modeltrail.` and version; the whole type where it is none of ours.
    pub verb: &'e str,
    /// The verb's group; empty for types that are none of ours.
    pub group: &'e str,
    /// Whether views believe it.
    pub counts: bool,
    /// Of a change of what a service runs that counts: what ran right before it took effect, as far as the log knows.
    pub ran_before: OnceCell<Vec<Member>>,
    act: OnceCell<Act>,
    slim: OnceCell<Act>,
}

impl<'e> Step<'e> {
    /// Of one entry.
    #[must_use]
    pub fn new(entry: &'e ReadEntry) -> Self {
        let trails = entry.trails();
        let about = trails.iter().find(|(role, _)| *role == "about").map(|(_, subject)| *subject);
        let verb = entry.verb();
        let ours = entry.r#type().starts_with("modeltrail.");
        let group = if ours { verb.split_once('.').map_or("", |(group, _)| group) } else { "" };
        let (index, counts) = (entry.index(), entry.counts());
        Self {
            entry,
            index,
            trails,
            about,
            verb,
            group,
            counts,
            ran_before: OnceCell::new(),
            act: OnceCell::new(),
            slim: OnceCell::new(),
        }
    }

    /// The event's data.
    #[must_use]
    pub fn data(&self) -> &'e Value {
        &self.entry.data
    }

    /// Whether the event's data are at hand.
    #[must_use]
    pub fn has_data(&self) -> bool {
        !self.entry.data.is_null()
    }

    /// Who did what when.
    #[must_use]
    pub fn act(&self) -> &Act {
        self.act.get_or_init(|| self.entry.act())
    }

    /// The act with as little as lists of hundreds can hold.
    #[must_use]
    pub fn slim_act(&self) -> &Act {
        let act = self.act();
        match &act.reason {
            // Shorter than any that is cut.
            Some(reason) if reason.len() > MAX_NAME / 6 => self.slim.get_or_init(|| {
                let reason = Some(cut(reason, MAX_NAME));
                Act { reason, ..act.clone() }
            }),
            _ => act,
        }
    }

    /// The entry's index as a part of a key.
    #[must_use]
    pub fn number(&self) -> String {
        number(self.index)
    }

    /// A value that this entry says.
    pub fn said<T>(&self, value: T) -> Said<T> {
        Said::new(value, self.index)
    }

    /// A text of the data, as it was sent.
    #[must_use]
    pub fn raw(&self, pointer: &str) -> Option<&'e str> {
        at(&self.entry.data, pointer).and_then(Value::as_str)
    }

    /// A text of the data, cut to what rows keep.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<String> {
        self.entry.text(pointer)
    }

    /// A short text of the data: an id, a word of an enumeration, a party.
    #[must_use]
    pub fn name(&self, pointer: &str) -> Option<String> {
        self.raw(pointer).map(|text| cut(text, MAX_NAME))
    }

    /// A text of the data with the entry that says so.
    #[must_use]
    pub fn said_text(&self, pointer: &str) -> Option<Said<String>> {
        self.text(pointer).map(|text| self.said(text))
    }

    /// A time of the data with the entry that says so.
    #[must_use]
    pub fn said_time(&self, pointer: &str) -> Option<Said<String>> {
        self.entry.time(pointer).map(|time| self.said(time))
    }

    /// Short texts of a list of the data.
    #[must_use]
    pub fn names(&self, pointer: &str) -> Vec<String> {
        let texts = elements(self.data(), pointer).iter().filter_map(Value::as_str);
        texts.take(MAX_LIST).map(|text| cut(text, MAX_NAME)).collect()
    }

    /// The subjects of one role.
    pub fn subjects(&self, role: &'static str) -> impl Iterator<Item = &'e str> + '_ {
        self.trails.iter().filter(move |(found, _)| *found == role).map(|(_, subject)| *subject)
    }

    /// The subject that it is about, where that is of this kind.
    #[must_use]
    pub fn about_kind(&self, kind: &str) -> Option<&'e str> {
        self.about.filter(|about| kind_of(about) == kind)
    }

    /// The entry that first named a subject; this one where none did before.
    ///
    /// # Errors
    /// The store fails.
    pub fn first(&self, rows: &mut Overlay<'_>, subject: &str) -> Result<u64, ViewError> {
        Ok(rows.get::<Subject>(&[subject])?.map_or(self.index, |row| row.first))
    }
}

static SERVED: LazyLock<Template> = LazyLock::new(|| {
    Template::parse("model/{namespace?}/{name}@{version}")
        .expect("a template of the catalogue's own grammar, built in a test")
});
static PLACE: LazyLock<Template> = LazyLock::new(|| {
    Template::parse("deployment/{environment}/{service}")
        .expect("a template of the catalogue's own grammar, built in a test")
});

/// Sets `slot` where `value` is there.
pub(super) fn set<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

/// The kind of a subject: what stands before its first `/`.
pub(super) fn kind_of(subject: &str) -> &str {
    subject.split_once('/').map_or("", |(kind, _)| kind)
}

/// The subject without its version.
pub(super) fn whole_of(subject: &str) -> &str {
    subject.split_once('@').map_or(subject, |(whole, _)| whole)
}

/// The model version that a member of a serving set names, by the catalogue's rules; `None` where none can be built.
pub(super) fn version_of(value: &Value) -> Option<String> {
    SERVED.build(value, "").ok().map(String::from)
}

/// The deployment that a place names.
pub(super) fn place(value: &Value) -> Option<String> {
    PLACE.build(value, "").ok().map(String::from)
}

/// The elements of a list in the data.
pub(super) fn elements<'v>(data: &'v Value, pointer: &str) -> &'v [Value] {
    at(data, pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_places_are_named_as_the_readings_name_them() {
        let json = serde_json::json!({"namespace": "risk", "name": "a b", "version": "1"});
        assert_eq!(version_of(&json).as_deref(), Some("model/risk/a%20b@1"));
        assert_eq!(version_of(&serde_json::json!({"name": "a"})), None);
        let at = serde_json::json!({"environment": "prod", "service": "s"});
        assert_eq!(place(&at).as_deref(), Some("deployment/prod/s"));
        assert_eq!((kind_of("model/a@1"), whole_of("model/a@1")), ("model", "model/a"));
    }
}
