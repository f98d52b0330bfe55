//! The house rules as tests: which crate may import which, how long files and functions may get, which calls are banned
//! where, and which words don't belong in the project. `ARCHITECTURE.md` says why; this file says no.
//!
//! Each failure prints `file:line: what (the rule)`. Exceptions are named in the tables of each module, with a reason;
//! one that is no longer needed is a failure too.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod crates;
mod files;
mod source;
mod words;

use std::fmt;

/// One broken rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Broken {
    file: String,
    line: usize,
    what: String,
    rule: &'static str,
}

impl Broken {
    fn new(file: &str, line: usize, what: impl Into<String>, rule: &'static str) -> Self {
        Self { file: file.to_owned(), line, what: what.into(), rule }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} ({})", self.file, self.line, self.what, self.rule)
    }
}

#[track_caller]
fn none(mut broken: Vec<Broken>) {
    broken.sort();
    let lines: Vec<String> = broken.iter().map(Broken::to_string).collect();
    assert!(lines.is_empty(), "{} broken:\n{}\n", lines.len(), lines.join("\n"));
}
