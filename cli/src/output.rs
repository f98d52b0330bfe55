//! Data on stdout, talk on stderr. Colours only where they are seen and `NO_COLOR` is not set.

use std::io::{self, Write as _};

use anyhow::Context as _;
use modeltrail_compliance::words::visible;
use serde::Serialize;

/// How data is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// One JSON document instead of text.
    pub(crate) json: bool,
}

const GREEN: &str = "\u{1b}[32m";
const RED: &str = "\u{1b}[31m";
const YELLOW: &str = "\u{1b}[33m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// What a word means, for its colour. Words are never told apart by colour alone.
#[derive(Clone, Copy)]
pub(crate) enum Tone {
    Good,
    Bad,
    Unsure,
    Strong,
}

/// A word in its colour; `anstream` takes it away where it is not wanted.
pub(crate) fn paint(tone: Tone, text: &str) -> String {
    let colour = match tone {
        Tone::Good => GREEN,
        Tone::Bad => RED,
        Tone::Unsure => YELLOW,
        Tone::Strong => BOLD,
    };
    format!("{colour}{text}{PLAIN}")
}

impl Output {
    /// Prints `value` as JSON, or `text`.
    pub(crate) fn print<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string_pretty(value)? + "\n" } else { text() };
        data(text.as_bytes())
    }
}

/// Writes data to stdout. A reader that went away is no fault of ours.
pub(crate) fn data(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("could not write to stdout"),
    }
}

/// Writes data to stdout as it is, whatever stdout is: a file's bytes are nobody's to change.
pub(crate) fn raw(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("could not write to stdout"),
    }
}

/// Says something to whoever watches. Where stderr is closed nobody does.
pub(crate) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Says what went wrong, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    say(&format!("{} {error:#}", paint(Tone::Bad, "error:")));
}

/// Text from a ledger, for a terminal: what nobody sees could rewrite what stands above, or turn a line around, and is shown as codes.
pub(crate) fn printable(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{9b}c\nd\u{202e}e"), "a[U+001B][2Jb[U+009B]c\nd[U+202E]e");
    }
}
