//! The portal in a real Chromium, on the ledger that the demo's story leaves.
//!
//! One daemon serves all tests of this program; every test has a browser of its own. `make screenshots` keeps the pictures that one of them takes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says where")]

mod access;
mod pages;
mod questions;
mod scenes;
mod state;
mod world;
