//! Folding whole ledgers: batches of any size, ledgers that end earlier, entries left out, hostile ones.
#![allow(clippy::unwrap_used, reason = "a test may fail by unwrapping")]

#[path = "folding/acts.rs"]
mod acts;
#[path = "folding/hostile.rs"]
mod hostile;
#[path = "folding/meaning.rs"]
mod meaning;
#[path = "folding/properties.rs"]
mod properties;
#[path = "folding/world.rs"]
mod world;
