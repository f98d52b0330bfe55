//! What stands in a line, a cell or beside a label: words, names, links, digests, times, marks.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use modeltrail_compliance::words::{date_words, digest_short, mark_words, shorten, time_words, visible};
use modeltrail_schemas::subject::Subject;
use modeltrail_schemas::time::parse_rfc3339;
use modeltrail_views::rows::{Act, Assurance, Mark, Severity};

use super::links::Links;
use super::text::{NAME_LETTERS, cut, name_of, spaced};

/// One piece of inline content. `bit.html` escapes all of it.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "bit.html")]
pub(crate) enum Bit {
    /// Our own words.
    Words(String),
    /// Our own words, set back.
    Aside(String),
    /// A foreign text.
    Name(String),
    /// Our own words as a link.
    Link { href: String, words: String },
    /// A foreign name as a link, with the kind of thing it names for those who hear the page.
    Named { href: String, name: String, full: String },
    /// The entry that says so.
    Entry { index: u64, href: String },
    /// A digest, short, with the whole one to copy.
    Digest { full: String, short: String },
    /// A digest, whole.
    Whole(String),
    /// Anything in fixed width.
    Code(String),
    /// A time: for machines, and for people.
    Time { iso: String, words: String },
    /// A state, by shape, word and colour.
    Mark { tone: &'static str, shape: &'static str, word: String },
    /// What nobody recorded, and the event that would say it.
    Missing(&'static str),
    /// The next line.
    Break,
}

impl HtmlSafe for Bit {}

impl Bit {
    fn plain(&self) -> String {
        match self {
            Self::Words(text) | Self::Aside(text) | Self::Name(text) | Self::Code(text) | Self::Whole(text) => {
                text.clone()
            }
            Self::Link { words, .. } => words.clone(),
            Self::Named { full, .. } => full.clone(),
            Self::Entry { index, .. } => index.to_string(),
            Self::Digest { full, .. } => full.clone(),
            Self::Time { iso, .. } => iso.clone(),
            Self::Mark { word, .. } => word.clone(),
            Self::Missing(_) => String::new(),
            Self::Break => "; ".to_owned(),
        }
    }
}

/// A line of bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// In order.
    pub(crate) bits: Vec<Bit>,
}

impl Cell {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Our own words.
    pub(crate) fn words(text: impl Into<String>) -> Self {
        Self::new().and(Bit::Words(text.into()))
    }

    /// A foreign text, cut.
    pub(crate) fn name(text: &str) -> Self {
        Self::new().and(Bit::Name(cut(text)))
    }

    /// A foreign text, whole.
    pub(crate) fn prose(text: &str) -> Self {
        Self::new().and(Bit::Name(visible(text)))
    }

    /// A number.
    pub(crate) fn number(number: u64) -> Self {
        Self::words(super::text::grouped(number))
    }

    /// None of these, in a word for those who hear it.
    pub(crate) fn none() -> Self {
        Self::new().and(Bit::Aside("none".to_owned()))
    }

    /// What nobody recorded, and the event type that would say it.
    pub(crate) fn missing(event: &'static str) -> Self {
        Self::new().and(Bit::Missing(event))
    }

    /// What was recorded; else that it was not, and the event type that would say it.
    pub(crate) fn or_missing(cell: Option<Self>, event: &'static str) -> Self {
        cell.unwrap_or_else(|| Self::missing(event))
    }

    /// A subject with its link.
    pub(crate) fn subject(links: &Links, subject: &str) -> Self {
        Self::new().and(subject_bit(links, subject))
    }

    /// With one bit more.
    pub(crate) fn and(mut self, bit: Bit) -> Self {
        self.bits.push(bit);
        self
    }

    /// With our words behind.
    pub(crate) fn then(self, words: impl Into<String>) -> Self {
        self.and(Bit::Words(words.into()))
    }

    /// With words set back behind.
    pub(crate) fn aside(self, words: impl Into<String>) -> Self {
        self.and(Bit::Aside(words.into()))
    }

    /// With the entry that says so.
    pub(crate) fn entry(self, links: &Links, index: u64) -> Self {
        self.and(entry_bit(links, index))
    }

    /// With all bits of another.
    pub(crate) fn join(mut self, other: Self) -> Self {
        self.bits.extend(other.bits);
        self
    }

    /// Cells with line breaks between; `none` when there are none.
    pub(crate) fn lines(cells: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::new();
        for cell in cells {
            if !all.bits.is_empty() {
                all.bits.push(Bit::Break);
            }
            all.bits.extend(cell.bits);
        }
        if all.bits.is_empty() { Self::none() } else { all }
    }

    /// Whether it says "none".
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::none()
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    /// Plain text, for CSV.
    pub(crate) fn plain(&self) -> String {
        let mut text = String::new();
        for (at, bit) in self.bits.iter().enumerate() {
            if at > 0 && gap(&self.bits[at - 1], bit) {
                text.push(' ');
            }
            text.push_str(&bit.plain());
        }
        text
    }
}

/// Whether two neighbours are set apart: not around line ends, nor where one of them brings its own blank or mark.
fn gap(before: &Bit, after: &Bit) -> bool {
    let text = |bit: &Bit| match bit {
        Bit::Words(text) | Bit::Name(text) | Bit::Aside(text) => Some(text.clone()),
        _ => None,
    };
    !matches!((before, after), (Bit::Break, _) | (_, Bit::Break))
        && !text(before).is_some_and(|text| text.ends_with([' ', '(']))
        && !text(after).is_some_and(|text| text.starts_with([' ', ',', ';', ')', '.', ':']))
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut open = false;
        for (at, bit) in self.bits.iter().enumerate() {
            if at > 0 && gap(&self.bits[at - 1], bit) {
                f.write_str(" ")?;
            }
            // A time and the entry that says it stay on one line.
            if matches!((bit, self.bits.get(at + 1)), (Bit::Time { .. }, Some(Bit::Entry { .. }))) {
                f.write_str("<span class=\"at\">")?;
                open = true;
            }
            write!(f, "{bit}")?;
            if open && matches!(bit, Bit::Entry { .. }) {
                f.write_str("</span>")?;
                open = false;
            }
        }
        Ok(())
    }
}

// Each bit escapes what it holds.
impl HtmlSafe for Cell {}

impl From<Bit> for Cell {
    fn from(bit: Bit) -> Self {
        Self { bits: vec![bit] }
    }
}

/// A subject as a link by its name.
pub(crate) fn subject_bit(links: &Links, subject: &str) -> Bit {
    Bit::Named { href: links.subject(subject), name: shorten(&name_of(subject), NAME_LETTERS), full: visible(subject) }
}

/// A party as a link.
pub(crate) fn party_bit(links: &Links, party: &str) -> Bit {
    Bit::Named { href: links.party(party), name: visible(&shorten(party, NAME_LETTERS)), full: visible(party) }
}

/// Our words as a link.
pub(crate) fn link(href: String, words: impl Into<String>) -> Bit {
    Bit::Link { href, words: words.into() }
}

/// An entry's number as a link.
pub(crate) fn entry_bit(links: &Links, index: u64) -> Bit {
    Bit::Entry { index, href: links.entry(index) }
}

/// A time to the second.
pub(crate) fn time_bit(time: &str) -> Bit {
    Bit::Time { iso: visible(time), words: time_words(time) }
}

/// A day.
pub(crate) fn day_bit(time: &str) -> Bit {
    Bit::Time { iso: visible(time), words: date_words(time) }
}

/// A digest, short.
pub(crate) fn digest_bit(digest: &str) -> Bit {
    Bit::Digest { full: visible(digest), short: digest_short(digest) }
}

/// A mark of our own words.
pub(crate) fn mark(tone: &'static str, shape: &'static str, word: impl Into<String>) -> Bit {
    Bit::Mark { tone, shape, word: word.into() }
}

/// How much a finding weighs.
pub(crate) fn severity_bit(severity: Severity) -> Bit {
    match severity {
        Severity::Critical => mark("critical", "◆", "critical"),
        Severity::High => mark("high", "▲", "high"),
        Severity::Medium => mark("medium", "■", "medium"),
        Severity::Low => mark("low", "●", "low"),
    }
}

/// A severity that an event gives, by its word.
pub(crate) fn told_severity(word: &str) -> Bit {
    match word {
        "critical" => severity_bit(Severity::Critical),
        "high" => severity_bit(Severity::High),
        "medium" => severity_bit(Severity::Medium),
        "low" => severity_bit(Severity::Low),
        other => mark("neutral", "○", spaced(other)),
    }
}

/// What became of an event's signatures.
pub(crate) fn signature_bit(signature: Mark) -> Bit {
    match signature {
        Mark::None => mark("neutral", "○", "unsigned"),
        Mark::Ledger => mark("good", "✓", "ledger's own"),
        Mark::Valid => mark("good", "✓", "valid signature"),
        Mark::NotEntitled => mark("critical", "✕", "signer not entitled"),
        Mark::Unbound => mark("critical", "✕", "signature unbound"),
        Mark::Revoked => mark("critical", "✕", "key revoked"),
        Mark::Bad => mark("critical", "✕", "bad signature"),
        Mark::Unknown => mark("critical", "✕", "unknown key"),
    }
}

/// The same in a sentence.
pub(crate) fn signature_words(signature: Mark) -> &'static str {
    mark_words(signature)
}

/// How the source knows.
pub(crate) fn known_bit(known: Assurance) -> Bit {
    match known {
        Assurance::Asserted => mark("neutral", "—", "declared"),
        Assurance::Observed => mark("neutral", "═", "observed"),
        Assurance::Inferred => mark("neutral", "┄", "inferred"),
        Assurance::Attested => mark("good", "✓", "attested"),
    }
}

/// Who did it when, with the entry: "p-04ab9d as head of model risk, 17 Oct 2025 #140".
pub(crate) fn act_cell(links: &Links, act: &Act) -> Cell {
    let mut cell = Cell::new();
    if let Some(actor) = &act.actor {
        cell = cell.and(party_bit(links, &actor.id));
        if let Some(role) = &actor.role {
            cell = cell.aside("as").and(Bit::Name(cut(role)));
        }
        cell = cell.then(", ");
    }
    cell = cell.and(time_bit(act.happened()));
    if !act.counts() {
        cell = cell.and(signature_bit(act.signature));
    }
    cell.entry(links, act.entry)
}

/// The same for a narrow column: who, as what, and on which day, one under another.
pub(crate) fn act_lines(links: &Links, act: &Act) -> Cell {
    let mut cell = Cell::new();
    if let Some(actor) = &act.actor {
        cell = cell.and(party_bit(links, &actor.id)).and(Bit::Break);
        if let Some(role) = &actor.role {
            cell = cell.and(Bit::Aside(cut(role))).and(Bit::Break);
        }
    }
    cell = cell.and(day_bit(act.happened())).entry(links, act.entry);
    if act.counts() { cell } else { cell.and(Bit::Break).and(signature_bit(act.signature)) }
}

/// When it happened, with the entry; whose act it was stands elsewhere.
pub(crate) fn when_cell(links: &Links, act: &Act) -> Cell {
    let cell = Cell::from(time_bit(act.happened())).entry(links, act.entry);
    if act.counts() { cell } else { cell.and(Bit::Break).and(signature_bit(act.signature)) }
}

/// What is more than a word: a subject, a digest, a time.
fn word_bit(links: &Links, word: &str) -> Option<Bit> {
    if word.starts_with("sha256:") && is_digest(word) {
        return Some(digest_bit(word));
    }
    if word.len() >= 20 && word.contains('T') && parse_rfc3339(word).is_some() {
        return Some(time_bit(word));
    }
    (word.contains('/') && Subject::parse(word).is_ok()).then(|| subject_bit(links, word))
}

/// Whether it is a SHA-256 as events write it.
pub(crate) fn is_digest(word: &str) -> bool {
    let digits = word.strip_prefix("sha256:").unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A sentence in which every subject is a link, every digest short and every time one for people.
pub(crate) fn sentence_cell(links: &Links, sentence: &str) -> Cell {
    let mut cell = Cell::new();
    let mut plain = String::new();
    for piece in sentence.split_inclusive([' ', ',', '(', ')', ';']) {
        let word = piece.trim_end_matches([' ', ',', '(', ')', ';', '.', ':']);
        let Some(bit) = word_bit(links, word) else {
            plain.push_str(piece);
            continue;
        };
        if !plain.is_empty() {
            cell = cell.and(Bit::Name(std::mem::take(&mut plain)));
        }
        cell = cell.and(bit);
        plain.push_str(&piece[word.len()..]);
    }
    if plain.is_empty() { cell } else { cell.and(Bit::Name(plain)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_escaped_isolated_and_made_visible() {
        let name = Cell::name("<img src=x onerror='a'>\u{202e}&").bits[0].to_string();
        assert!(name.contains("<bdi>"), "{name}");
        assert!(!name.contains("<img") && !name.contains('\u{202e}') && name.contains("U+202E"), "{name}");
        let link =
            Bit::Named { href: "/x?a=1&b=\"".into(), name: "<b>".into(), full: "\"><script>".into() }.to_string();
        assert!(!link.contains("<script") && !link.contains("<b>") && link.contains("&#38;b=&#34;"), "{link}");
    }

    #[test]
    fn subjects_in_sentences_become_links() {
        let cell = sentence_cell(&Links::default(), "Approved model/risk/a@1 (for deployment/p/s, until 1 May).");
        let names: Vec<_> =
            cell.bits.iter().filter(|bit| matches!(bit, Bit::Named { .. })).map(ToString::to_string).collect();
        assert_eq!(names.len(), 2, "{cell:?}");
        assert!(names[0].contains("/version?subject=model/risk/a@1"), "{names:?}");
        let html = cell.to_string();
        assert!(html.contains("until 1 May"), "{html}");
        let digest = format!("sha256:{}", "c".repeat(64));
        let html = sentence_cell(&Links::default(), &format!("from 2026-02-24T18:35:00.000000Z on with {digest}; no"))
            .to_string();
        assert!(html.contains(">cccccccccc</code>") && html.contains("24 Feb 2026"), "{html}");
    }
}
