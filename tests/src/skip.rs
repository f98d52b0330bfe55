//! The one way to skip a suite.
//!
//! A suite that needs what the machine lacks says so in one loud line, which test capture cannot swallow, and is counted:
//! `make test` ends with the number of skipped suites. With `MODELTRAIL_SKIP_IS_FAILURE=1` (CI) it panics instead.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

/// Why something cannot be had, and what would bring it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What is missing, and where it was looked for.
    pub what: String,
}

impl Missing {
    /// A missing thing.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

/// What was found, or nothing after saying loudly that `suite` is skipped.
///
/// ```
/// # use modeltrail_tests::skip::{Missing, or_skip};
/// let Some(tool) = or_skip("a suite", Ok::<_, Missing>("a tool")) else { return };
/// assert_eq!(tool, "a tool");
/// ```
///
/// # Panics
/// When it is missing and `MODELTRAIL_SKIP_IS_FAILURE` is set to anything but 0.
pub fn or_skip<T>(suite: &str, found: Result<T, Missing>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(missing) => {
            let setting = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
            // The stream itself: eprintln! would be captured with the passing test's output.
            skip(suite, &missing, setting, &mut std::io::stderr());
            None
        }
    }
}

fn skip(suite: &str, missing: &Missing, setting: impl Fn(&str) -> Option<String>, say: &mut dyn Write) {
    let line = format!("SKIPPED: {suite}: {}; `.ci/setup test` brings it\n", missing.what);
    assert!(setting("MODELTRAIL_SKIP_IS_FAILURE").is_none_or(|value| value == "0"), "a skip is a failure here: {line}");
    drop(say.write_all(line.as_bytes()));
    if let Some(path) = setting("MODELTRAIL_SKIPS") {
        let counted = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        assert!(counted.is_ok(), "cannot count the skipped suite in {path}: {counted:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_counted_in_one_line() {
        let scratch = tempfile::tempdir().unwrap();
        let counts = scratch.path().join("skips");
        let setting = |name: &str| (name == "MODELTRAIL_SKIPS").then(|| counts.display().to_string());
        let mut said = Vec::new();
        skip("one suite", &Missing::new("no jars"), setting, &mut said);
        skip("another suite", &Missing::new("no Go"), setting, &mut said);
        let text = String::from_utf8(said).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with("SKIPPED: one suite: no jars; "), "{text}");
        assert_eq!(std::fs::read_to_string(&counts).unwrap(), text);
    }

    #[test]
    #[should_panic(expected = "a skip is a failure here: SKIPPED: suite: no jars")]
    fn where_a_skip_is_a_failure_it_panics() {
        let setting = |name: &str| (name == "MODELTRAIL_SKIP_IS_FAILURE").then(|| "1".into());
        skip("suite", &Missing::new("no jars"), setting, &mut Vec::new());
    }
}
