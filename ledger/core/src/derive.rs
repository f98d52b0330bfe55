//! L-12: what a header must say, derived from its record by the reading in force (`docs/FORMAT.md` section 4).
//!
//! The writer fills headers from a [`Reading`]; `fsck` and the offline verifier hold every header against a reading made anew, by the one comparison here.
//! So a header that says something else than its record is caught by whoever holds the record, and nobody hides an entry from a trail by mislabelling it.

use modeltrail_schemas::reading::{OWN_GROUPS, Quarantine, Reading, Role};
use modeltrail_schemas::record::Via;
use modeltrail_schemas::subject::Subject;
use modeltrail_schemas::time::{Micros, parse_rfc3339};

use crate::header::{EntryHeader, EventHead, MAX_TRAILS, Received, Signer};
use crate::keys::KeyBook;

/// Subjects of one `ledger.trails_added` entry: each may bring its whole along, and the entry stands on the ledger's own trail too.
pub const ADDED_SUBJECTS: usize = (MAX_TRAILS - 1) / 2;

/// The member of a `ledger.trails_added` event that lists the subjects of a role.
#[must_use]
pub fn added_member(role: Role) -> &'static str {
    // `evidence` is a common member of every event, so the list of that role has another name.
    if role == Role::Evidence { "evidence_subjects" } else { role.as_str() }
}

/// A subject and why it is in an entry.
pub type Trail = (Role, Subject);

/// What a header must say of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// `content.format`.
    pub format: &'static str,
    /// `event`.
    pub event: Option<EventHead>,
    /// Role and subject of each of `trails`, sorted by subject.
    pub trails: Vec<(Role, String)>,
    /// The subjects beyond the first 64 by (role, subject), in that order: `ledger.trails_added` entries directly behind have them.
    pub further: Vec<(Role, String)>,
    /// `quarantine.reason`, but for `oversize` and `conflict`, which no reading finds.
    pub quarantine: Option<Quarantine>,
    /// `signers`.
    pub signers: Vec<Signer>,
}

/// A member in which a header and its record disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The member's path.
    pub member: &'static str,
    /// What the record says.
    pub expected: String,
    /// What the header says.
    pub found: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is {}, but the record says {}", self.member, self.found, self.expected)
    }
}

/// `received.at` of a header that was parsed; parsing has made sure that it is a time.
#[must_use]
pub fn received_at(received: &Received) -> Option<Micros> {
    parse_rfc3339(&received.at)
}

/// What the header of an entry must say: `reading` of its record, `received` as the header has it, `signers` as [`signers`] derives them.
#[must_use]
pub fn expected(reading: &Reading, received: &Received, signers: Vec<Signer>) -> Expected {
    let event = reading.event.as_ref().map(|event| EventHead {
        id: event.id.clone(),
        source: event.source.clone(),
        time: event.time.map(|time| time.to_string()),
        r#type: event.r#type.clone(),
    });
    let (first, further) = split(&reading.trails);
    let trails = if first.is_empty() { vec![(Role::About, received.source_trail())] } else { owned(first) };
    Expected {
        format: reading.format.as_str(),
        event,
        trails,
        further: owned(further),
        quarantine: reading.reason(),
        signers,
    }
}

/// Whether a header says what its record does, signers aside: [`Expected::differences`] finds nothing. Costs a tenth of it.
#[must_use]
pub fn agrees(reading: &Reading, header: &EntryHeader) -> bool {
    let event = match (&reading.event, &header.event) {
        (None, None) => true,
        (Some(said), Some(found)) => {
            let time = match (said.time, &found.time) {
                (None, None) => true,
                (Some(time), Some(text)) => time.to_string() == *text,
                _ => false,
            };
            time && said.id == found.id && said.source == found.source && said.r#type == found.r#type
        }
        _ => false,
    };
    let trails = match reading.trails.len() {
        0 => {
            matches!(header.trails.as_slice(), [step] if step.role == Role::About.as_str() && step.subject == header.received.source_trail())
        }
        1..=MAX_TRAILS => {
            let said = reading.trails.iter().map(|(role, subject)| (role.as_str(), subject.as_str()));
            said.eq(header.trails.iter().map(|step| (step.role.as_str(), step.subject.as_str())))
        }
        _ => return false,
    };
    event && trails && header.content.format == reading.format.as_str() && quarantine_agrees(reading.reason(), header)
}

/// A conflict is only decided when the reading itself finds no reason, and of an event.
fn quarantine_agrees(said: Option<Quarantine>, header: &EntryHeader) -> bool {
    match (said, &header.quarantine) {
        (None, None) => true,
        (None, Some(found)) => found.reason == Quarantine::Conflict.as_str() && header.event.is_some(),
        (Some(said), Some(found)) => found.reason == said.as_str(),
        (Some(_), None) => false,
    }
}

/// `signers` of an entry, from the producers' keys as the entries before it left them. They go with the event.
#[must_use]
pub fn signers(reading: &Reading, origin: &str, received: &Received, book: &KeyBook) -> Vec<Signer> {
    match received_at(received) {
        Some(at) if reading.event.is_some() => book.signers(reading, origin, at),
        _ => Vec::new(),
    }
}

/// The subjects that a header has room for, sorted by subject, and the rest in (role, subject) order.
#[must_use]
pub fn split(trails: &[Trail]) -> (Vec<&Trail>, Vec<&Trail>) {
    let mut first: Vec<&Trail> = trails.iter().collect();
    if first.len() <= MAX_TRAILS {
        return (first, Vec::new());
    }
    first.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.as_str().cmp(b.1.as_str())));
    let further = first.split_off(MAX_TRAILS);
    first.sort_unstable_by(|a, b| a.1.as_str().cmp(b.1.as_str()));
    (first, further)
}

fn owned(trails: Vec<&Trail>) -> Vec<(Role, String)> {
    trails.into_iter().map(|(role, subject)| (*role, subject.as_str().to_owned())).collect()
}

impl Expected {
    /// Where a header says something else. Empty when it says what its record does.
    #[must_use]
    pub fn differences(&self, header: &EntryHeader) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut hold = |member, same: bool, expected: &dyn Fn() -> String, says: &dyn Fn() -> String| {
            if !same {
                found.push(Difference { member, expected: expected(), found: says() });
            }
        };
        hold("content.format", header.content.format == self.format, &|| self.format.to_owned(), &|| {
            header.content.format.clone()
        });
        hold("event", header.event == self.event, &|| shown(self.event.as_ref()), &|| shown(header.event.as_ref()));
        let trails = header.trails.iter().map(|step| (step.role.as_str(), step.subject.as_str()));
        let same = trails.clone().eq(self.trails.iter().map(|(role, subject)| (role.as_str(), subject.as_str())));
        hold(
            "trails",
            same,
            &|| listed(self.trails.iter().map(|(role, subject)| (role.as_str(), subject.as_str()))),
            &|| listed(header.trails.iter().map(|step| (step.role.as_str(), step.subject.as_str()))),
        );
        let reason = header.quarantine.as_ref().map(|quarantine| quarantine.reason.as_str());
        let same = quarantine_agrees(self.quarantine, header);
        hold("quarantine", same, &|| self.quarantine.map_or("none", Quarantine::as_str).to_owned(), &|| {
            reason.unwrap_or("none").to_owned()
        });
        hold("signers", header.signers == self.signers, &|| shown(Some(&self.signers)), &|| {
            shown(Some(&header.signers))
        });
        found
    }
}

/// What a header alone must keep to, whether its record is at hand or not.
///
/// # Errors
/// What is wrong with it.
pub fn check_alone(header: &EntryHeader) -> Result<(), &'static str> {
    let reason = header.quarantine.as_ref().map(|quarantine| quarantine.reason.as_str());
    let (kept, event) = (header.content.kept.is_none(), header.event.is_some());
    let on_source = matches!(header.trails.as_slice(), [step] if step.role == "about" && step.subject == header.received.source_trail());
    if !event && !header.signers.is_empty() {
        return Err("has signers, but no event");
    }
    match reason {
        None | Some("subject" | "conflict") if !event => return Err("has no event, and no quarantine says why"),
        None | Some("subject" | "conflict") => {}
        Some("reserved") if !on_source => {
            return Err("is quarantined as reserved, but stands on another trail than its source's");
        }
        Some("reserved") => {}
        Some("oversize" | "malformed" | "personal-data") if event => {
            return Err("has an event that its quarantine does not allow");
        }
        Some("oversize" | "malformed" | "personal-data") if !on_source => {
            return Err("stands on another trail than its source's, which its quarantine does not allow");
        }
        Some("oversize") if kept => return Err("is quarantined as oversize, but its record is kept"),
        Some("oversize" | "malformed" | "personal-data") => {}
        Some(_) => return Err("has a quarantine of a reason that this format does not have"),
    }
    if !kept && !matches!(reason, Some("oversize" | "malformed")) {
        return Err("was not kept, but its quarantine is neither oversize nor malformed");
    }
    if header.received.via == Via::Ledger.as_str() { check_own(header) } else { Ok(()) }
}

fn check_own(header: &EntryHeader) -> Result<(), &'static str> {
    if header.quarantine.is_some() || !header.signers.is_empty() {
        return Err("is the ledger's own, but has a quarantine or signers");
    }
    let event_type = header.event.as_ref().map(|event| event.r#type.as_str());
    let group = event_type.and_then(|event_type| event_type.strip_prefix("modeltrail.")?.split('.').next());
    if !group.is_some_and(|group| OWN_GROUPS.contains(&group)) {
        return Err("is the ledger's own, but its type is not");
    }
    Ok(())
}

/// Longest excerpt of a difference: a message is for people.
const SHOWN_CHARS: usize = 300;

fn shown<T: serde::Serialize>(value: Option<&T>) -> String {
    let text = value.map_or_else(
        || "absent".to_owned(),
        |value| serde_json::to_string(value).unwrap_or_else(|error| error.to_string()),
    );
    cut(text)
}

fn listed<'a>(trails: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    cut(trails.map(|(role, subject)| format!("{role} {subject}")).collect::<Vec<_>>().join(", "))
}

fn cut(text: String) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
