//! Plain words for entries, times, digests and names. Text only: whoever puts it into HTML, SVG or CSV escapes it there.

mod table;
mod template;
mod time;
mod visible;

use modeltrail_schemas::catalogue::catalogue;
use modeltrail_views::read::ReadEntry;
use modeltrail_views::rows::Mark;
use serde_json::Value;

pub use time::{date_words, moment_words, time_words};
pub use visible::{shorten, visible};

/// Characters of a text from an event that a sentence takes; the entry's own page shows all of it.
pub const MAX_INSERTED: usize = 240;
/// Elements of a list that a sentence names before it counts the rest.
pub const MAX_LISTED: usize = 4;

/// One line that says what an entry states.
#[must_use]
pub fn sentence(entry: &ReadEntry) -> String {
    if let Some(quarantine) = &entry.header.quarantine {
        return kept_aside(entry, &quarantine.reason, quarantine.of.map(|of| of.get()));
    }
    let said = said(entry);
    match entry.mark() {
        Mark::None | Mark::Valid | Mark::Ledger => said,
        mark => format!("{said} (does not count: {})", mark_words(mark)),
    }
}

/// What a mark on signatures means.
#[must_use]
pub fn mark_words(mark: Mark) -> &'static str {
    match mark {
        Mark::None => "not signed by its producer",
        Mark::Ledger => "the ledger's own entry",
        Mark::Valid => "signed by a key that may speak for it",
        Mark::NotEntitled => "signed by a key that may not speak for it",
        Mark::Unbound => "signed for no ledger or for another one",
        Mark::Revoked => "signed by a key that was revoked before",
        Mark::Bad => "its signature does not verify",
        Mark::Unknown => "signed by a key that nobody registered",
    }
}

/// Why entries are kept aside, by the word in their header.
#[must_use]
pub fn quarantine_words(reason: &str) -> &'static str {
    match reason {
        "oversize" => "the record is larger than the limit and was not stored",
        "malformed" => "no event could be read from the record",
        "reserved" => "it speaks of what only the ledger itself may speak of",
        "personal-data" => "a name in it looks like an e-mail address",
        "subject" => "what it is about can't be named",
        "conflict" => "another event with the same id and other content was there before",
        _ => "for a reason that this program does not know",
    }
}

/// The first ten digits of a digest, without what names its kind.
#[must_use]
pub fn digest_short(digest: &str) -> String {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    visible(&digits.chars().take(10).collect::<String>())
}

/// A value of an event in words: texts as they are, lists with commas, anything else as JSON.
#[must_use]
pub fn value_words(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(value_words).collect::<Vec<_>>().join(", ")
        }
        Value::Object(members) if members.values().all(|item| !item.is_object() && !item.is_array()) => {
            let members = members.iter().map(|(name, item)| format!("{}: {}", visible(name), value_words(item)));
            members.collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) => items.iter().map(value_words).collect::<Vec<_>>().join("; "),
        other => visible(&other.to_string()),
    }
}

fn said(entry: &ReadEntry) -> String {
    let verb = entry.verb();
    if entry.reading.is_none() {
        return format!("{}: the record is not at hand; the header names {}", event_words(entry), about_words(entry));
    }
    if let Some(line) = table::of(verb).and_then(|template| template::render(template, entry)) {
        return line;
    }
    match catalogue().event(entry.r#type()) {
        Some(known) => format!("{}: {}", known.says.trim_end_matches('.'), about_words(entry)),
        None => format!("{} about {}", event_words(entry), about_words(entry)),
    }
}

fn event_words(entry: &ReadEntry) -> String {
    match entry.r#type() {
        "" => "Record without an event".to_owned(),
        known => format!("Event of type {}", shorten(&visible(known), MAX_INSERTED)),
    }
}

fn about_words(entry: &ReadEntry) -> String {
    let about = entry.about().or_else(|| entry.trails().into_iter().next().map(|(_, subject)| subject));
    about.unwrap_or("nothing that has a name").to_owned()
}

fn kept_aside(entry: &ReadEntry, reason: &str, of: Option<u64>) -> String {
    let what = match entry.r#type() {
        "" => "a record".to_owned(),
        known => format!("an event of type {}", shorten(&visible(known), MAX_INSERTED)),
    };
    let place = match (&entry.header.received.source, entry.header.received.partition, entry.header.received.offset) {
        (Some(source), Some(partition), Some(offset)) => {
            format!(" from {} (partition {partition}, offset {offset})", visible(source))
        }
        _ => String::new(),
    };
    let of = of.map(|of| format!(", entry {of}")).unwrap_or_default();
    let detail = entry.reading.as_ref().and_then(|reading| reading.quarantine.as_ref());
    let detail = detail.map(|(_, detail)| format!(" ({})", shorten(&visible(detail), MAX_INSERTED)));
    format!("Kept aside, {what}{place}: {}{of}{}", quarantine_words(reason), detail.unwrap_or_default())
}
