//! How names and numbers are written on a page.

use modeltrail_compliance::words::{digest_short, shorten, visible};
use modeltrail_schemas::subject::Subject;

/// Letters of a foreign text that a table shows.
const CUT_LETTERS: usize = 160;
/// Letters of a name that a link shows; the whole one stands in its title and on its page.
pub(crate) const NAME_LETTERS: usize = 96;

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

/// The day of `31 Mar 2026 12:00:00 UTC`; the whole of anything shorter.
pub(crate) fn day_of(words: &str) -> &str {
    split_day(words).map_or(words, |(day, _)| day)
}

/// What stands behind the day, if anything does.
pub(crate) fn clock_of(words: &str) -> Option<&str> {
    split_day(words).map(|(_, clock)| clock)
}

/// A day is three words.
fn split_day(words: &str) -> Option<(&str, &str)> {
    let (at, _) = words.match_indices(' ').nth(2)?;
    Some((&words[..at], &words[at + 1..]))
}

/// Whether a text that somebody looks for stands in one of these, letters of any case alike.
pub(crate) fn holds<'a>(held: impl IntoIterator<Item = &'a str>, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    held.into_iter().any(|held| held.to_lowercase().contains(&wanted))
}

/// `1 entry`, `4,211 entries`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Where long words may be broken first: behind slashes, behind dots and lines between words, before a version.
pub(crate) fn pieces(text: &str) -> Vec<&str> {
    /// Words up to this many bytes fit a column.
    const FITS: usize = 20;
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for word in text.split_inclusive(' ') {
        let (from, long) = (end, word.trim_end().len() > FITS);
        end += word.len();
        let places = word.as_bytes().windows(2).enumerate().filter(|(_, pair)| long && parts(pair[0], pair[1]));
        for (at, _) in places {
            pieces.push(&text[start..=from + at]);
            start = from + at + 1;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// Whether a word may be broken between these of its bytes. One of them is ASCII, so that it is a border of letters too.
fn parts(before: u8, after: u8) -> bool {
    match (before, after) {
        (b'/', after) => after != b'/',
        (b'.' | b'_' | b':' | b']', after) => after.is_ascii_alphabetic(),
        (_, after) => after == b'@' || after == b'[',
    }
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
    text.push_str(&shortened(&decoded(parsed.name())));
    if let Some(version) = parsed.version() {
        text.push('@');
        let version = decoded(version);
        text.push_str(&shortened(&version));
    }
    text
}

/// A name or version that is a digest, a key or a commit is shown by its first digits.
fn shortened(part: &str) -> String {
    let digits = part.strip_prefix("sha256:").unwrap_or(part);
    let hex = digits.len() >= 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex { digest_short(digits) } else { part.to_owned() }
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
    fn long_words_are_broken_where_their_parts_end() {
        let broken = |text| pieces(text).join("|");
        assert_eq!(broken("risk/pd-retail@3.1.0"), "risk/pd-retail@3.1.0");
        assert_eq!(broken("registry.bank.example/train/tabular@4"), "registry.|bank.|example/|train/|tabular|@4");
        assert_eq!(broken("see https://mrm.bank.example/a of it"), "see https://|mrm.|bank.|example/|a of it");
        assert_eq!(broken("artifacts.files[model.txt].media_type"), "artifacts.|files|[model.|txt].|media_|type");
        assert_eq!(broken("ü/ü.ü@ü/üüüüüüüüüüüüüüüüüü "), "ü/|ü.ü|@ü/|üüüüüüüüüüüüüüüüüü ");
        assert_eq!(broken(""), "");
    }

    #[test]
    fn a_time_is_a_day_and_a_clock() {
        assert_eq!(day_of("31 Mar 2026 12:00:00 UTC"), "31 Mar 2026");
        assert_eq!(clock_of("31 Mar 2026 12:00:00 UTC"), Some("12:00:00 UTC"));
        assert_eq!((day_of("31 Mar 2026"), clock_of("31 Mar 2026")), ("31 Mar 2026", None));
        assert_eq!((day_of("08:20"), clock_of("08:20")), ("08:20", None));
    }

    #[test]
    fn subjects_are_decoded_and_digests_shortened() {
        assert_eq!(name_of("model/risk/pd%2Fretail@3.1.0"), "risk/pd/retail@3.1.0");
        assert_eq!(name_of(&format!("image/r@sha256:{}", "a".repeat(64))), "r@aaaaaaaaaa");
        assert_eq!(name_of(&format!("artifact/sha256:{}", "b".repeat(64))), "bbbbbbbbbb");
        assert_eq!(name_of("not a subject"), "not a subject");
        assert!(!name_of("model/a%E2%80%AEb").contains('\u{202e}'));
    }
}
