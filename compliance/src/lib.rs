//! Reports as pure functions of entries, and the words and pictures that portal, command line and reports share.
//!
//! - [`words`]: one line in plain words for any entry; times, digests and names as people read them;
//! - [`picture`]: the lineage of a subject as an SVG and as a tree, the same bytes for the same graph;
//! - [`dossier`]: everything the ledger says about one version of a model, field by field with the entry that says it;
//! - [`inventory`]: the models as of one tree size;
//! - [`csv`]: CSV that no spreadsheet takes for formulas;
//! - [`scope`]: whose trails a dossier needs, found from the trails alone;
//! - [`bundle`]: the dossier inside a bundle: rendered while it is written, and rendered again to see whether it is the same.
//!
//! A report is a function of the entries it is given, the checkpoint and its options: rendered twice, it is the same bytes. Nothing here reads a clock,
//! a locale or a database, and nothing depends on the order of a hash map.

pub mod bundle;
pub mod csv;
pub mod dossier;
pub mod inventory;
pub mod picture;
pub mod scope;
pub mod words;
