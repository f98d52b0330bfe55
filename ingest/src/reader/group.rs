//! Sources that the consumer group assigns: which partitions it gives us, what follows when it takes them away, and what we don't have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Reader;
use super::lane::{Source, State};
use crate::config::{Assignment, Properties, SourceConfig};
use crate::error::IngestError;
use crate::member::{Change, Member, Place, instance_of};
use crate::timing::{Duration, Instant, now};
use crate::witness::Committer;

/// How long the group may take to give us a partition before its lack is a trouble: a join or a rebalance among the living is done in less.
const GRACE: Duration = Duration::from_secs(10);

/// Our place in the group.
pub(super) struct Session {
    pub(super) member: Arc<Member>,
    /// By topic.
    granted: BTreeMap<String, BTreeSet<u32>>,
    trouble: Option<String>,
    /// The sentence that stands for good when another process took our place.
    pub(super) fenced: Option<String>,
}

impl Session {
    /// Begins to join, where these sources are assigned by the group.
    pub(super) fn of(
        properties: &Properties,
        group: &str,
        origin: &str,
        sources: &[SourceConfig],
    ) -> Result<Option<Self>, IngestError> {
        let topics: Vec<&str> = sources
            .iter()
            .filter(|source| source.assignment == Assignment::Group)
            .map(|source| source.topic.as_str())
            .collect();
        let Some(first) = sources.iter().map(|source| source.name.as_str()).min().filter(|_| !topics.is_empty()) else {
            return Ok(None);
        };
        let member = Arc::new(Member::join(properties, group, instance_of(origin, first), &topics)?);
        Ok(Some(Self { member, granted: BTreeMap::new(), trouble: None, fenced: None }))
    }

    fn holds(&self, topic: &str, partition: u32) -> bool {
        self.granted.get(topic).is_some_and(|partitions| partitions.contains(&partition))
    }

    /// The partitions of a source that the group did not give us.
    fn not_ours(&self, source: &Source) -> BTreeSet<u32> {
        source.lanes.keys().copied().filter(|number| !self.holds(&source.config.topic, *number)).collect()
    }
}

impl Reader {
    /// The partitions of a source that the group does not give us; none where the configuration decides.
    pub(super) fn elsewhere(&self, at: usize) -> BTreeSet<u32> {
        self.session
            .as_ref()
            .zip(self.sources.get(at))
            .map(|(session, source)| session.not_ours(source))
            .unwrap_or_default()
    }

    /// Who commits, and what. `None`: nobody may.
    pub(super) fn committer(&self) -> Option<Committer> {
        let Some(session) = &self.session else { return Some(Committer::Client) };
        let held = Committer::Member { member: Arc::clone(&session.member), held: session.granted.clone() };
        session.fenced.is_none().then_some(held)
    }

    /// Takes in what the group says, and answers. To be called often.
    pub(super) fn attend_group(&mut self, at: Instant) {
        let Some(member) = self.session.as_ref().map(|session| Arc::clone(&session.member)) else { return };
        for change in member.poll() {
            match change {
                Change::Granted(places) => {
                    self.granted(places, at);
                    member.words().forget();
                    member.took();
                }
                Change::Revoked(places) => {
                    self.revoked(places, at);
                    member.gave_up();
                }
                Change::Fenced => self.fenced(&member),
                Change::Trouble(text) => self.group_trouble(&member, &text),
            }
        }
    }

    /// Each is read from the ledger's position once a check made from now on is good, as after any interruption.
    fn granted(&mut self, places: Vec<Place>, at: Instant) {
        tracing::info!(partitions = listed(&places), "the consumer group gives us partitions");
        for (topic, partition) in &places {
            if let Some(source) = self.sources.iter_mut().find(|source| source.config.topic == *topic)
                && source.lanes.get(partition).is_some_and(|lane| matches!(lane.state, State::Waiting { .. }))
            {
                source.wait(*partition, at);
            }
        }
        if let Some(session) = &mut self.session {
            for (topic, partition) in places {
                session.granted.entry(topic).or_default().insert(partition);
            }
            session.trouble = None;
        }
    }

    /// What was accepted of them is in order and on its way to the writer; from now on nothing more of them is.
    fn revoked(&mut self, places: Vec<Place>, at: Instant) {
        tracing::info!(partitions = listed(&places), "the consumer group takes partitions from us");
        for (topic, partition) in places {
            if let Some(partitions) = self.session.as_mut().and_then(|session| session.granted.get_mut(&topic)) {
                partitions.remove(&partition);
            }
            let Some(number) = self.sources.iter().position(|source| source.config.topic == topic) else { continue };
            let Some(source) = self.sources.get_mut(number) else { continue };
            if source.lanes.get(&partition).is_some_and(|lane| lane.state == State::Reading) {
                source.wait(partition, at);
                self.release(number, partition);
            }
        }
    }

    /// Another process has our place: it may be a copy of this ledger. Coming back would only throw it out in turn, so reading stops until a person
    /// restarts this process.
    fn fenced(&mut self, member: &Member) {
        let text = format!(
            "another process joined consumer group {:?} under the instance id {:?}, which is this ledger's: it reads the sources now, and this process reads nothing more. \
             If it serves a copy of this ledger, stop it, since two histories would be signed under one name; then restart this process",
            member.group(),
            member.instance()
        );
        tracing::error!("{text}");
        let granted = self.session.as_mut().map(|session| std::mem::take(&mut session.granted)).unwrap_or_default();
        let places =
            granted.into_iter().flat_map(|(topic, all)| all.into_iter().map(move |number| (topic.clone(), number)));
        self.revoked(places.collect(), now());
        for source in &mut self.sources {
            source.refused = Some(text.clone());
        }
        if let Some(session) = &mut self.session {
            session.fenced = Some(text);
        }
    }

    fn group_trouble(&mut self, member: &Member, text: &str) {
        let text = member.words().explain(text.to_owned());
        if let Some(session) = &mut self.session
            && session.trouble.as_ref() != Some(&text)
        {
            tracing::warn!(group = member.group(), "the consumer group: {text}");
            session.trouble = Some(text);
        }
    }

    /// Names the partitions that the group gives to somebody else, or to nobody.
    pub(super) fn look_for_missing(&mut self, at: Instant) {
        let Some(session) = self.session.as_ref() else { return };
        for source in &mut self.sources {
            source.missing = session.not_ours(source);
            if source.missing.is_empty() {
                source.missing_since = None;
            }
            let lasted = !source.missing.is_empty()
                && at.duration_since(*source.missing_since.get_or_insert(at)) >= GRACE
                && session.fenced.is_none();
            let lack = lasted.then(|| lack(source, session));
            match (&source.lack, &lack) {
                (before, Some(text)) if before.as_ref() != Some(text) => {
                    tracing::error!(source = source.config.name, "{text}");
                }
                (Some(_), None) => tracing::info!(source = source.config.name, "all partitions are ours again"),
                _ => {}
            }
            source.lack = lack;
        }
    }

    /// Leaves the group: nothing more is read.
    pub(super) fn leave_group(&mut self) {
        if let Some(session) = self.session.take() {
            session.member.leave();
        }
    }
}

fn lack(source: &Source, session: &Session) -> String {
    let numbers: Vec<String> = source.missing.iter().map(u32::to_string).collect();
    let why = session.trouble.as_ref().map_or(String::new(), |trouble| format!(": {trouble}"));
    format!(
        "consumer group {:?} gives partitions {} of topic {:?} not to this ledger: nothing of them is read here, and what is missing is not known. One ledger, one group: \
         whatever else is in the group must leave it{why}",
        session.member.group(),
        numbers.join(", "),
        source.config.topic
    )
}

fn listed(places: &[Place]) -> String {
    places.iter().map(|(topic, partition)| format!("{topic}/{partition}")).collect::<Vec<_>>().join(" ")
}
