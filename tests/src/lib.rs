//! What the whole-system tests stand on: the programs under test as processes, a real Apache Kafka, the checkers that
//! are not ours, a real Chromium, and the one way to say that a suite was skipped.
//!
//! Nothing imports this crate. Every process that it starts is tethered: it dies with the test program, however that
//! ends (see [`process::Tethered`]).

pub mod browser;
pub mod cargo;
pub mod daemon;
pub mod foreign;
pub mod http;
pub mod kafka;
pub mod log;
pub mod paths;
pub mod process;
pub mod skip;
pub mod system;

pub use daemon::Daemon;
pub use paths::{bin, cache_dir, workspace_root};
pub use system::System;
