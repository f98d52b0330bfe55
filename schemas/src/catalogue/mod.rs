//! The catalogue of event types: one table from which reading 1, the JSON Schemas and the documentation follow.
//!
//! The table is data: `schemas/catalogue/events.toml` (one row is one type) and `schemas/catalogue/shapes.toml` (kinds, roles,
//! primitive types, shapes, and what is common to all events). Adding a type is a row and, for a core type, an example with
//! its golden reading; no code changes. What is derived from it:
//!
//! - [`reading_table`] and [`reading_digest`]: the published data of reading 1, named by the ledger's own entries;
//! - [`json_schema`]: the closed schema of a type's `data`, written to `schemas/events/` and used by [`validate`];
//! - `docs/EVENTS.md`, by [`page()`].
//!
//! The files are compiled in, so they are trusted as the program is: whoever can change them changes what is read.

mod load;
mod page;
mod raw;
mod reading_table;
mod schema;
mod types;
mod validate;

use std::sync::LazyLock;

pub use load::{CatalogueError, parse};
pub use page::page;
pub use reading_table::{reading_digest, reading_table};
pub use schema::json_schema;
pub use types::{Catalogue, Common, EventType, Field, FieldType, Kinds, Primitive, RoleMeaning, Section, Shape, Touch};
pub use validate::{MAX_VIOLATIONS, SchemaViolation, validate};

const SHAPES: &str = include_str!("../../catalogue/shapes.toml");
const EVENTS: &str = include_str!("../../catalogue/events.toml");

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    parse(SHAPES, EVENTS).expect(
        "the compiled-in catalogue parses: the tests of this crate load it, so no build with a broken one passes",
    )
});

/// The catalogue that this program was built with, parsed on first use.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    &CATALOGUE
}
