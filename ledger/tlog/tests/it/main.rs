//! Tests of the crate from outside, one module a concern, one binary for link time.
#![allow(clippy::unwrap_used)]

mod checkpoints;
mod corpus;
mod known_answers;
mod notes;
mod oracle;
mod proofs;
mod tiles;
mod tlog_proofs;
mod tree;
