//! The pages as a browser gets them: a real server on a real ledger, with views folded from what was sent to it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on should stop")]

#[path = "portal/guard.rs"]
mod guard;
#[path = "api/harness.rs"]
#[allow(dead_code, reason = "the harness serves other tests too")]
mod harness;
#[path = "portal/jobs.rs"]
mod jobs;
#[path = "portal/links.rs"]
mod links;
#[path = "portal/pages.rs"]
mod pages;
#[path = "portal/world.rs"]
mod world;
