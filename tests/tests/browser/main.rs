//! The portal in a real Chromium, on the ledger that the demo's story leaves.
//!
//! One daemon serves all tests of this program; every test has a browser of its own. `make screenshots` runs the one that is ignored here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says where")]

mod access;
mod pages;
mod questions;
mod state;
mod world;
