//! Words that don't belong in the project: this or that machine's paths, the workshop it was made in, and notes to self.

use crate::files::{self, TextFile};
use crate::{Broken, none};

/// Not ours to word, or written by a tool.
const NOT_OURS: &[&str] = &["LICENSE", "Cargo.lock"];

/// Each in two halves, so that this table does not find itself. Compared in lower case.
const NOWHERE: &[(&str, &str, &str)] = &[
    ("/wor", "k/", "no machine's paths"),
    ("/roo", "t/", "no machine's paths"),
    ("/tmp/bas", "h_jobs", "no machine's paths"),
    ("desi", "gn.md", "the project's own documents are README, ARCHITECTURE and docs/"),
    ("desi", "gn section", "the project's own documents are README, ARCHITECTURE and docs/"),
    ("issues ", "show", "the project speaks of itself alone"),
];

/// Whole words, in this case, that mark what is unfinished.
const UNFINISHED: &[(&str, &str)] = &[("TO", "DO"), ("FIX", "ME"), ("XX", "X")];

fn check(file: &TextFile) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let lower = line.to_lowercase();
        for (start, end, rule) in NOWHERE {
            let word = format!("{start}{end}");
            if lower.contains(&word) {
                broken.push(Broken::new(&file.path, number + 1, format!("`{word}`"), rule));
            }
        }
        if names_an_issue(&lower) {
            broken.push(Broken::new(
                &file.path,
                number + 1,
                "an issue by its number",
                "the project speaks of itself alone",
            ));
        }
        for (start, end) in UNFINISHED {
            let word = format!("{start}{end}");
            if has_word(line, &word) {
                broken.push(Broken::new(
                    &file.path,
                    number + 1,
                    format!("`{word}`"),
                    "nothing is left for later in the code",
                ));
            }
        }
    }
    broken
}

/// The word, a blank, and a number with or without `#`.
fn names_an_issue(lower: &str) -> bool {
    lower.match_indices("issue").any(|(at, word)| {
        let rest = &lower[at + word.len()..];
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        let Some(rest) = rest.strip_prefix(' ') else {
            return false;
        };
        rest.strip_prefix('#').unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit())
    })
}

fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part_of_word) && !line[at + word.len()..].starts_with(part_of_word))
}

#[test]
fn no_word_of_the_workshop() {
    let files = files::all();
    none(files.iter().filter(|file| !NOT_OURS.contains(&file.path.as_str())).flat_map(check).collect());
}

#[test]
fn each_word_is_found() {
    let count = |text: &str| check(&TextFile { path: "a.md".into(), text: text.into() }).len();
    for (start, end, _) in NOWHERE {
        assert_eq!(count(&format!("see {start}{end}x")), 1, "{start}{end}");
    }
    for (start, end) in UNFINISHED {
        assert_eq!(count(&format!("// {start}{end}: later")), 1);
        assert_eq!(count(&format!("go.{start}{end}{start}{end}")), 0);
    }
    for (before, after, found) in
        [("Iss", "ue #12", 1), ("iss", "ue 3 says", 1), ("an iss", "ue of trust", 0), ("tiss", "ue", 0)]
    {
        assert_eq!(count(&format!("{before}{after}")), found, "{before}{after}");
    }
}
