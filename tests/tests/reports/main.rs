//! The reports: dossiers inside bundles, rendered again, verified, and walked by a program in another language.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod dry;
mod fields;
mod hostile;
mod inventory;
mod same;
mod sentences;
mod story;
