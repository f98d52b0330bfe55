//! Kafka as a witness: at our group's committed positions stands what the ledger last said of itself.
//!
//! The metadata of each committed position is the ASCII text `modeltrail1 <origin, percent-encoded as in a subject> <tree size> <root, 64 lower-case hex digits>`.
//! Positions in Kafka are never read back; this text is, at start and before each commit. A ledger that was restored from an old backup, or a second
//! copy of it, can't have the size and root that stand there: the text then comes from another origin, is ahead of this ledger, or has another root.
//!
//! Kafka is trusted here only to complain: whoever can change its offsets can stop this ledger or silence the witness, and can't make it accept anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use modeltrail_core::store::PositionRow;
use modeltrail_schemas::subject::encode_part;

use crate::client::{Commit, KafkaClient};
use crate::config::IngestConfig;
use crate::error::IngestError;
use crate::member::Member;
use crate::sink::Sink;

const TAG: &str = "modeltrail1";

/// What Kafka's committed metadata says of this ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessVerdict {
    /// Nothing stands there, or no Kafka source is configured.
    Absent,
    /// It says what this ledger says of itself.
    Agrees {
        /// The largest size that it knows.
        size: u64,
    },
    /// It contradicts this ledger.
    Mismatch(Mismatch),
    /// A cluster did not answer.
    Unreachable {
        /// Its bootstrap servers.
        cluster: String,
        /// What failed.
        detail: String,
    },
}

/// How Kafka's metadata and the ledger disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Where it stands.
    pub place: String,
    /// What stands there.
    pub found: String,
    /// What the ledger has.
    pub expected: String,
    /// What it may mean.
    pub meaning: &'static str,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Kafka's witness ({}) says {:?}, this ledger has {:?}: {}",
            self.place, self.found, self.expected, self.meaning
        )
    }
}

/// A parsed metadata text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    origin: String,
    size: u64,
    root: String,
}

fn say(origin: &str, size: u64, root: &str) -> String {
    format!("{TAG} {} {size} {root}", encode_part(origin))
}

fn parse(text: &str) -> Option<Word> {
    let mut parts = text.split(' ');
    let (tag, origin, size, root) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let plain =
        !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
    let hex = root.len() == 64 && root.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if tag != TAG || parts.next().is_some() || !plain || !hex {
        return None;
    }
    Some(Word { origin: origin.to_owned(), size: size.parse().ok()?, root: root.to_owned() })
}

/// Holds one metadata text against the ledger. `Ok(None)`: nothing is said. The error is a failure of the store.
fn judge(text: &str, place: &str, sink: &dyn Sink) -> Result<Option<Result<u64, Mismatch>>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let (size, root) = sink.head();
    let expected = say(sink.origin(), size, &root);
    let mismatch = |expected: String, meaning| {
        let found = text.chars().take(200).collect();
        Ok(Some(Err(Mismatch { place: place.to_owned(), found, expected, meaning })))
    };
    let Some(word) = parse(text) else {
        return mismatch(expected, "something else uses this consumer group; configure another `group`");
    };
    if word.origin != encode_part(sink.origin()) {
        return mismatch(
            expected,
            "another ledger uses this consumer group; configure another `group`, or the data directory is not the one it was",
        );
    }
    if word.size > size {
        return mismatch(
            expected,
            "this ledger was ahead once: the data directory is an older copy, and going on would sign a second history",
        );
    }
    let ours = if word.size == size { root } else { sink.root_at(word.size)? };
    if word.root != ours {
        return mismatch(
            say(sink.origin(), word.size, &ours),
            "this ledger had other entries once: there are two histories under one name",
        );
    }
    Ok(Some(Ok(word.size)))
}

/// Reads back what stands at the group's positions and holds it against the ledger.
pub(crate) fn read_back(
    client: &KafkaClient,
    parts: &[(&str, u32)],
    sink: &dyn Sink,
) -> Result<WitnessVerdict, String> {
    let mut known: Option<u64> = None;
    for committed in client.committed(parts)? {
        let place = format!("topic {} partition {} at {}", committed.topic, committed.partition, client.servers());
        match judge(&committed.metadata, &place, sink)? {
            None => {}
            Some(Ok(size)) => known = known.max(Some(size)),
            Some(Err(mismatch)) => return Ok(WitnessVerdict::Mismatch(mismatch)),
        }
    }
    Ok(known.map_or(WitnessVerdict::Absent, |size| WitnessVerdict::Agrees { size }))
}

/// Who commits. A group that has members takes commits from them only.
pub(crate) enum Committer {
    /// The reading client, of all partitions: nobody is in the group.
    Client,
    /// A member of the group, of what it holds, by topic.
    Member {
        /// The member.
        member: Arc<Member>,
        /// Its partitions.
        held: BTreeMap<String, BTreeSet<u32>>,
    },
}

impl Committer {
    fn may(&self, row: &PositionRow) -> bool {
        match self {
            Self::Client => true,
            Self::Member { held, .. } => held.get(&row.topic).is_some_and(|held| held.contains(&row.partition)),
        }
    }
}

/// Reads back what stands at these partitions, and if nothing disagrees commits their durable positions.
pub(crate) fn commit(
    client: &KafkaClient,
    by: &Committer,
    rows: &[PositionRow],
    sink: &dyn Sink,
) -> Result<WitnessVerdict, String> {
    let parts: Vec<(&str, u32)> = rows.iter().map(|row| (row.topic.as_str(), row.partition)).collect();
    let verdict = read_back(client, &parts, sink)?;
    if matches!(verdict, WitnessVerdict::Mismatch(_)) || rows.is_empty() {
        return Ok(verdict);
    }
    let (size, root) = sink.head();
    let commits: Vec<Commit> = rows
        .iter()
        .filter(|row| by.may(row))
        .map(|row| Commit { topic: row.topic.clone(), partition: row.partition, next: row.next })
        .collect();
    if commits.is_empty() {
        return Ok(verdict);
    }
    modeltrail_store::failpoint::hit("kafka.before_commit");
    let text = say(sink.origin(), size, &root);
    match by {
        Committer::Client => client.commit(&commits, &text)?,
        Committer::Member { member, .. } => member.commit(&commits, &text)?,
    }
    Ok(verdict)
}

/// Asks every configured cluster what it knows of this ledger, for the start. A mismatch anywhere decides; then a cluster that can't be reached.
///
/// # Errors
/// The configuration is faulty, or the store can't answer.
pub fn check_witness(config: &IngestConfig, sink: &dyn Sink) -> Result<WitnessVerdict, IngestError> {
    config.check()?;
    let group = config.group_for(sink.origin());
    let mut verdict = WitnessVerdict::Absent;
    for (properties, sources) in config.clusters() {
        let client = KafkaClient::new(&properties, &group)?;
        let unreachable = |detail| WitnessVerdict::Unreachable {
            cluster: client.servers().to_owned(),
            detail: client.words().explain(detail),
        };
        let mut parts = Vec::new();
        for source in &sources {
            // A topic that isn't there has no positions; whether the cluster answers at all shows below.
            let count = client.partitions(&source.topic).unwrap_or(1);
            parts.extend((0..count).map(|partition| (source.topic.as_str(), partition)));
        }
        let found = read_back(&client, &parts, sink).unwrap_or_else(unreachable);
        verdict = worse(verdict, found);
    }
    Ok(verdict)
}

fn worse(a: WitnessVerdict, b: WitnessVerdict) -> WitnessVerdict {
    let rank = |verdict: &WitnessVerdict| match verdict {
        WitnessVerdict::Absent => 0,
        WitnessVerdict::Agrees { .. } => 1,
        WitnessVerdict::Unreachable { .. } => 2,
        WitnessVerdict::Mismatch(_) => 3,
    };
    match (&a, &b) {
        (WitnessVerdict::Agrees { size: first }, WitnessVerdict::Agrees { size: second }) => {
            WitnessVerdict::Agrees { size: *first.max(second) }
        }
        _ if rank(&b) > rank(&a) => b,
        _ => a,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_it_was_made_of_and_nothing_else_parses() {
        let root = "ab".repeat(32);
        let text = say("example.com/ml", 42, &root);
        assert_eq!(text, format!("modeltrail1 example.com%2Fml 42 {root}"));
        assert_eq!(parse(&text), Some(Word { origin: "example.com%2Fml".into(), size: 42, root: root.clone() }));
        let bad = [
            text.replace("trail1", "trail2"),
            format!("{text} "),
            text.replace(" 42 ", " 042 "),
            text.replace(" 42 ", " +42 "),
            text.to_uppercase(),
            text[..60].to_owned(),
        ];
        for text in bad {
            assert_eq!(parse(&text), None, "{text}");
        }
    }

    #[test]
    fn the_worst_verdict_decides() {
        let unreachable = WitnessVerdict::Unreachable { cluster: "a".into(), detail: "b".into() };
        let agrees = |size| WitnessVerdict::Agrees { size };
        assert_eq!(worse(agrees(3), agrees(2)), agrees(3));
        assert_eq!(worse(agrees(3), WitnessVerdict::Absent), agrees(3));
        assert_eq!(worse(unreachable.clone(), agrees(3)), unreachable);
    }
}
