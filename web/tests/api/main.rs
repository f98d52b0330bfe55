//! The API as its callers see it: a real server on a real ledger, spoken to over a socket.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on should stop")]

mod admin;
mod events;
mod exports;
mod harness;
mod hostile;
mod reads;
mod refusals;
mod tiles;
mod views;
