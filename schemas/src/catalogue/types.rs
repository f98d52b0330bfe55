//! What the catalogue's table says, as types. Plain data: nothing here reads an event.

use std::collections::HashMap;

/// The whole catalogue, in the order of its files.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Version of the table's own form.
    pub version: u32,
    /// The day on which names and counterparts were checked, `YYYY-MM-DD`.
    pub checked_on: String,
    /// Groups that only the ledger writes; from outside such an event is quarantined as `reserved`.
    pub own_groups: Vec<String>,
    /// The kinds that a subject may be of.
    pub kinds: Kinds,
    /// The roles in order of precedence, with their meanings.
    pub roles: Vec<RoleMeaning>,
    /// The chapters of the documentation page; every group stands in exactly one.
    pub sections: Vec<Section>,
    /// Every primitive type with its description, in the order of [`Primitive::ALL`].
    pub primitives: Vec<(Primitive, String)>,
    /// The shapes; one uses only those before it.
    pub shapes: Vec<Shape>,
    /// What may stand in the data of every event.
    pub common: Common,
    /// The event types.
    pub events: Vec<EventType>,
    pub(super) by_name: HashMap<String, usize>,
}

/// Kinds of subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kinds {
    /// Kinds that an event from anywhere may be about.
    pub anyone: Vec<String>,
    /// Kinds that are about the ledger itself: from outside they are `reserved`.
    pub ledger_only: Vec<String>,
}

/// A role with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMeaning {
    /// The role's word in entry headers, such as `about`.
    pub name: String,
    /// What a subject in that role is to the event.
    pub meaning: String,
}

/// A chapter of the documentation page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// The groups of event types in it, in order.
    pub groups: Vec<String>,
}

/// A named object type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its name, as field types use it.
    pub name: String,
    /// Its members, in the table's order.
    pub fields: Vec<Field>,
}

/// What is common to the data of all events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// Fields that every event's data may have.
    pub fields: Vec<Field>,
    /// Touches that hold for every known type, after its own.
    pub touches: Vec<Touch>,
}

/// One event type: a row of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventType {
    /// The whole name, `modeltrail.<group>.<verb>.v<N>`.
    pub name: String,
    /// What the event states, in one sentence.
    pub says: String,
    /// Template of the subject with role `about`, relative to `/data`.
    pub subject: String,
    /// Further subjects of this type; those of [`Common::touches`] come on top.
    pub touches: Vec<Touch>,
    /// Part of the first release: has an example and a golden reading.
    pub core: bool,
    /// Older names of the type in framework packs.
    pub packs: Vec<String>,
    /// The counterpart in OpenLineage, in words.
    pub openlineage: Option<String>,
    /// The counterpart in CDEvents, in words.
    pub cdevents: Option<String>,
    /// The counterpart in MLflow, in words.
    pub mlflow: Option<String>,
    /// The fields of `data` that are this type's own, in the table's order.
    pub fields: Vec<Field>,
}

/// How a further subject is found and built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// Its role.
    pub role: String,
    /// JSON pointer into the event; a token `*` stands for every element of a list.
    pub from: String,
    /// Subject template, relative to what `from` points at.
    pub build: String,
}

/// A field of an event's data or of a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The member's name.
    pub name: String,
    /// Whether the schema demands it.
    pub demanded: bool,
    /// What its value is.
    pub kind: FieldType,
    /// What it means, where the name doesn't say.
    pub note: Option<String>,
}

/// The type of a field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// A primitive type.
    Primitive(Primitive),
    /// A shape of the catalogue, by name.
    Shape(String),
    /// One of these words.
    OneOf(Vec<String>),
    /// A list of such values.
    List(Box<FieldType>),
    /// An object that has no name of its own.
    Object(Vec<Field>),
}

/// The primitive types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Primitive {
    /// A string that is not empty.
    Text,
    /// A pseudonym.
    Party,
    /// A finished subject.
    Subject,
    /// `sha256:` and 64 lower-case hex digits.
    Sha256,
    /// RFC 3339 with offset.
    Time,
    /// A calendar day.
    Date,
    /// ISO 8601 duration.
    Duration,
    /// Whole number from 0 to 2^53-1.
    Int,
    /// Number, or decimal digits in a string.
    Dec,
    /// True or false.
    Bool,
    /// Absolute URI without credentials.
    Uri,
    /// Object with free keys and plain values.
    Map,
    /// Any JSON value.
    Json,
}

impl Primitive {
    /// All of them, in the catalogue's order.
    pub const ALL: [Self; 13] = [
        Self::Text,
        Self::Party,
        Self::Subject,
        Self::Sha256,
        Self::Time,
        Self::Date,
        Self::Duration,
        Self::Int,
        Self::Dec,
        Self::Bool,
        Self::Uri,
        Self::Map,
        Self::Json,
    ];

    /// The word that stands for it in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Party => "party",
            Self::Subject => "subject",
            Self::Sha256 => "sha256",
            Self::Time => "time",
            Self::Date => "date",
            Self::Duration => "duration",
            Self::Int => "int",
            Self::Dec => "dec",
            Self::Bool => "bool",
            Self::Uri => "uri",
            Self::Map => "map",
            Self::Json => "json",
        }
    }

    /// The primitive that the word stands for, if any.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|primitive| primitive.name() == name)
    }
}

impl Catalogue {
    /// The type of that whole name, or `None` when the catalogue doesn't know it.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<&EventType> {
        self.by_name.get(name).map(|at| &self.events[*at])
    }

    /// The shape of that name.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&Shape> {
        self.shapes.iter().find(|shape| shape.name == name)
    }

    /// What the catalogue says about a primitive type.
    #[must_use]
    pub fn primitive(&self, primitive: Primitive) -> &str {
        self.primitives.iter().find(|(known, _)| *known == primitive).map_or("", |(_, text)| text)
    }
}

impl EventType {
    /// The part of the name that framework packs and file names use: without `modeltrail.` and, for version 1, without `.v1`.
    #[must_use]
    pub fn short_name(&self) -> &str {
        let name = self.name.strip_prefix("modeltrail.").unwrap_or(&self.name);
        name.strip_suffix(".v1").unwrap_or(name)
    }

    /// The group, such as `model`.
    #[must_use]
    pub fn group(&self) -> &str {
        self.name.split('.').nth(1).unwrap_or_default()
    }
}
