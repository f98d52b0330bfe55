//! Entries, chain, trails, keys, bundles and their verification: what makes a Modeltrail ledger provable.
//!
//! Everything here is pure: a [`clock::Clock`] and a [`store::Store`] are passed in, and nothing reads the wall clock, the environment or randomness.
//! The bytes are those of `docs/FORMAT.md`.

pub mod bundle;
pub mod check;
pub mod clock;
pub mod derive;
mod edge;
pub mod header;
pub mod keys;
pub mod memory;
pub mod own_event;
pub mod prepared;
pub mod receipt;
pub mod sequencer;
pub mod store;
pub mod types;
pub mod verify;
