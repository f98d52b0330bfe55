//! The program as people run it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Demands this exit code, and these words on either stream.
    pub(crate) fn expect(&self, code: i32, words: &str) -> &Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.out.contains(words) || self.err.contains(words), "{words:?} is nowhere in {self:?}");
        self
    }
}

pub(crate) fn run(args: &[&str]) -> Ran {
    run_with(args, b"")
}

pub(crate) fn run_with(args: &[&str], stdin: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_modeltrail"))
        .args(args)
        .env_remove("MODELTRAIL_SERVER")
        .env_remove("MODELTRAIL_TOKEN")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that needs no input may be gone before it is written.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}
