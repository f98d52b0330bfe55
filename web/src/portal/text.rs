//! How names and numbers are written on a page.

use modeltrail_compliance::words::{digest_short, shorten, visible};
use modeltrail_schemas::subject::Subject;

/// Letters of a foreign text that a table shows.
const CUT_LETTERS: usize = 160;

/// The first letters of a foreign text, with control and bidirectional characters as codes.
pub(crate) fn cut(text: &str) -> String {
    visible(&shorten(text, CUT_LETTERS))
}

/// `4,211`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 entry`, `4,211 entries`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A subject for people: without its kind, percent-encoding undone, control characters as codes.
pub(crate) fn name_of(subject: &str) -> String {
    let Ok(parsed) = Subject::parse(subject) else { return cut(subject) };
    let decoded = |part: std::borrow::Cow<'_, str>| visible(&part);
    let mut text = String::new();
    if let Some(namespace) = parsed.namespace() {
        text.push_str(&decoded(namespace));
        text.push('/');
    }
    text.push_str(&decoded(parsed.name()));
    if let Some(version) = parsed.version() {
        text.push('@');
        let version = decoded(version);
        text.push_str(&shortened(&version));
    }
    text
}

/// A version that is a digest or a commit is shown by its first digits.
fn shortened(version: &str) -> String {
    let digits = version.strip_prefix("sha256:").unwrap_or(version);
    let hex = digits.len() >= 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex { digest_short(digits) } else { version.to_owned() }
}

/// A duty, verb or state as the events write it, in words: `rolled_back` is `rolled back`.
pub(crate) fn spaced(word: &str) -> String {
    cut(&word.replace(['_', '.'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            (grouped(0), grouped(999), grouped(4_211), grouped(1_000_000)),
            ("0".into(), "999".into(), "4,211".into(), "1,000,000".into())
        );
        assert_eq!(
            (counted(1, "entry", "entries"), counted(2, "entry", "entries")),
            ("1 entry".into(), "2 entries".into())
        );
    }

    #[test]
    fn subjects_are_decoded_and_digests_shortened() {
        assert_eq!(name_of("model/risk/pd%2Fretail@3.1.0"), "risk/pd/retail@3.1.0");
        assert_eq!(name_of(&format!("image/r@sha256:{}", "a".repeat(64))), "r@aaaaaaaaaa");
        assert_eq!(name_of("not a subject"), "not a subject");
        assert!(!name_of("model/a%E2%80%AEb").contains('\u{202e}'));
    }
}
