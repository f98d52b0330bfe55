//! What can be asked for, as data: routes, the checks of parameters, the OpenAPI document and its page are all made from it.

use std::collections::BTreeSet;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

/// Makes a schema, and puts what it refers to into the generator.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Value;

/// The schema of a type.
pub(crate) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// What a parameter's value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A subject in its one spelling.
    Subject,
    /// Any text, within bounds.
    Text,
    /// A decimal number up to 2^53 − 1.
    Number,
    /// A decimal number within bounds.
    Between(u64, u64),
    /// A time of RFC 3339, or a date, which stands for its first moment in UTC.
    Time,
    /// A time of RFC 3339, or a date, which stands for its last moment in UTC.
    Until,
    /// An entry count, or a time.
    AsOf,
    /// What an earlier page gave as `next`.
    Cursor,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `0` or `1`.
    Flag,
    /// 64 hex digits.
    Key,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the `?`.
    Query,
    /// A part of the path.
    Path,
}

/// A parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: &'static str,
    /// Where it stands.
    pub(crate) place: Place,
    /// What it must be.
    pub(crate) shape: Shape,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// How often it may be given, where more than once.
    pub(crate) most: usize,
    /// What it does, in words.
    pub(crate) about: &'static str,
}

impl Parameter {
    /// A query parameter that may be left out.
    pub(crate) const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, place: Place::Query, shape, required: false, most: 1, about }
    }

    /// A part of the path.
    pub(crate) const fn path(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { place: Place::Path, required: true, ..Self::new(name, shape, about) }
    }

    /// The same, and it must be there.
    pub(crate) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same, up to `most` times.
    pub(crate) const fn repeated(self, most: usize) -> Self {
        Self { most, ..self }
    }
}

/// A request body that is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    /// Its content type.
    pub(crate) media: &'static str,
    /// What it is.
    pub(crate) schema: SchemaOf,
}

/// An answer that is no problem.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// When it comes.
    pub(crate) about: &'static str,
    /// Its content types and what they hold; none for an empty body.
    pub(crate) bodies: &'static [Body],
}

impl Answer {
    /// 200 with JSON.
    pub(crate) const fn ok(about: &'static str, bodies: &'static [Body]) -> Self {
        Self { status: 200, about, bodies }
    }
}

/// One method on one path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// `GET` or `POST`; `HEAD` goes wherever `GET` goes, but for exports.
    pub(crate) method: &'static str,
    /// The path; `{…}` stands for a part of it.
    pub(crate) path: &'static str,
    /// Its name for generators of clients.
    pub(crate) id: &'static str,
    /// What it is about, for grouping.
    pub(crate) group: &'static str,
    /// What it gives, in a line.
    pub(crate) gives: &'static str,
    /// More about it; may be empty.
    pub(crate) more: &'static str,
    /// Its own parameters.
    pub(crate) parameters: &'static [Parameter],
    /// The orders that a list goes by, besides that of its keys; each can be turned round by a `-` before it.
    pub(crate) sorts: &'static [&'static str],
    /// Whether it answers as of a size, and with a tag.
    pub(crate) dated: bool,
    /// Whether its answers have a tag; dated ones have.
    pub(crate) tagged: bool,
    /// Whether it answers in pages.
    pub(crate) paged: bool,
    /// Bodies that it takes.
    pub(crate) takes: &'static [Body],
    /// Answers that are no problem.
    pub(crate) answers: &'static [Answer],
    /// Statuses of problems that only this operation, or few, can have; those that any can have come on top.
    pub(crate) problems: &'static [u16],
}

/// As of when an answer speaks.
pub(crate) const AS_OF: Parameter = Parameter::new(
    "as_of",
    Shape::AsOf,
    "Answers as a ledger that ends there would: a number of entries, or a time, which stands for the entries received until then, or a date, which stands for its end in UTC. \
     Left out: the newest entry that the views know.",
);
/// Where a page begins.
pub(crate) const CURSOR: Parameter = Parameter::new(
    "cursor",
    Shape::Cursor,
    "The `next` of the page before. All pages of one list are as of the size of the first one.",
);
/// The most rows of a page.
pub(crate) const LIMIT: Parameter = Parameter::new(
    "limit",
    Shape::Between(1, crate::query::MAX_LIMIT as u64),
    "The most rows of a page; 100 when left out.",
);

impl Operation {
    /// A `GET`.
    pub(crate) const fn get(path: &'static str, id: &'static str, group: &'static str, gives: &'static str) -> Self {
        Self {
            method: "GET",
            path,
            id,
            group,
            gives,
            more: "",
            parameters: &[],
            sorts: &[],
            dated: false,
            tagged: false,
            paged: false,
            takes: &[],
            answers: &[],
            problems: &[],
        }
    }

    /// A `POST`.
    pub(crate) const fn post(path: &'static str, id: &'static str, group: &'static str, gives: &'static str) -> Self {
        Self { method: "POST", ..Self::get(path, id, group, gives) }
    }

    /// The same with more words.
    pub(crate) const fn more(self, more: &'static str) -> Self {
        Self { more, ..self }
    }

    /// The same, and its answers have a tag.
    pub(crate) const fn tagged(self) -> Self {
        Self { tagged: true, ..self }
    }

    /// The same with these parameters.
    pub(crate) const fn with(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    /// The same with these answers.
    pub(crate) const fn answers(self, answers: &'static [Answer]) -> Self {
        Self { answers, ..self }
    }

    /// The same with these problems.
    pub(crate) const fn problems(self, problems: &'static [u16]) -> Self {
        Self { problems, ..self }
    }

    /// All parameters, those of every list and every dated answer among them.
    pub(crate) fn all_parameters(&self) -> Vec<Parameter> {
        let mut all = self.parameters.to_vec();
        if self.dated {
            all.push(AS_OF);
        }
        if self.paged {
            all.extend([CURSOR, LIMIT]);
        }
        all
    }

    /// The statuses of all problems that it can have, in order.
    pub(crate) fn all_problems(&self) -> BTreeSet<u16> {
        /// A wrong parameter, a request meant for another site or host, a fault, not now.
        const ANY: [u16; 5] = [400, 403, 421, 500, 503];
        // What is dated may be asked about a size that the ledger doesn't have yet.
        let beyond = self.dated.then_some(404);
        ANY.iter().chain(self.problems).copied().chain(beyond).collect()
    }

    /// The words that `sort` may be: each order, forwards and backwards.
    pub(crate) fn orders(&self) -> Vec<String> {
        self.sorts.iter().flat_map(|sort| [(*sort).to_owned(), format!("-{sort}")]).collect()
    }
}
