//! The acts: one line of a file each, in order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeltrail_schemas::json;
use modeltrail_schemas::time::Micros;
use serde::Deserialize;
use serde_json::Value;

use super::Producer;
use super::digests::Manifests;
use super::duration;
use super::raw::{Mode, RawAct, StoryFile};
use crate::error::DemoError;
use crate::files::File;

/// The way that an act takes into the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Through the embedded broker.
    Kafka,
    /// By `POST /v1/events`.
    Http,
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub struct Act {
    /// Its label within the story, `s-0001` upwards.
    pub label: String,
    /// When it happens.
    pub at: Micros,
    /// When it arrives.
    pub arrives: Micros,
    /// Where it goes; over HTTP, what it belongs to.
    pub topic: String,
    /// The model's name.
    pub key: String,
    /// The way it takes.
    pub via: Channel,
    /// The fault planted in it.
    pub fault: Option<String>,
    /// The act whose record goes out again.
    pub repeats: Option<String>,
    pub(super) content: Content,
}

/// What is sent.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Event {
        event: Event,
        wrapping: Wrapping,
    },
    /// Without headers; `None` is a tombstone.
    Raw(Option<Vec<u8>>),
}

#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) r#type: String,
    pub(super) time: Micros,
    pub(super) data: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Wrapping {
    Structured,
    Binary,
    Signed { producer: String, forged: bool },
}

impl Act {
    /// Type and data of its event; `None` for raw bytes.
    #[must_use]
    pub fn event(&self) -> Option<(&str, &Value)> {
        match &self.content {
            Content::Event { event, .. } => Some((&event.r#type, &event.data)),
            Content::Raw(_) => None,
        }
    }
}

/// What the acts are read against.
struct Stage<'a> {
    head: &'a StoryFile,
    producers: &'a BTreeMap<String, Producer>,
}

/// Reads all acts.
pub(super) fn read(
    files: &[File],
    head: &StoryFile,
    producers: &BTreeMap<String, Producer>,
    manifests: &mut Manifests,
) -> Result<Vec<Act>, DemoError> {
    let stage = Stage { head, producers };
    let mut acts: Vec<Act> = Vec::new();
    let mut labels = BTreeSet::new();
    for (file, text) in files {
        for (at, line) in text.lines().enumerate() {
            let refuse = |fault: String| DemoError::Story { file, line: at + 1, fault };
            let act = stage.act(line, &acts, manifests).map_err(refuse)?;
            if !labels.insert(act.label.clone()) {
                return Err(refuse(format!("act {} is there twice", act.label)));
            }
            if acts.last().is_some_and(|before| before.arrives > act.arrives) {
                return Err(refuse(format!("act {} arrives before the one above", act.label)));
            }
            acts.push(act);
        }
    }
    Ok(acts)
}

impl Stage<'_> {
    fn act(&self, line: &str, before: &[Act], manifests: &mut Manifests) -> Result<Act, String> {
        let value = json::parse(line.as_bytes()).map_err(|error| error.to_string())?;
        let mut raw = RawAct::deserialize(value).map_err(|error| error.to_string())?;
        let delay = match &raw.delay {
            Some(text) => {
                duration::micros(text).ok_or_else(|| format!("delay {text:?} is not a duration such as P8DT2H12M"))?
            }
            None => 0,
        };
        let arrives = raw.at.checked_add(delay).ok_or("it arrives after the year 9999")?;
        if raw.at < self.head.start || arrives > self.head.end {
            return Err("it happens before the story begins or arrives after its end".to_owned());
        }
        if !self.head.source.iter().any(|source| source.topic == raw.topic) {
            return Err(format!("there is no topic {}", raw.topic));
        }
        let content = match raw.duplicate_of.as_deref() {
            Some(label) => repeated(&raw, label, before)?,
            None => self.content(&mut raw, manifests)?,
        };
        let plain = matches!(content, Content::Event { wrapping: Wrapping::Structured | Wrapping::Signed { .. }, .. });
        if raw.via == Channel::Http && !plain {
            return Err("over http only structured and signed events are sent".to_owned());
        }
        Ok(Act {
            label: raw.id,
            at: raw.at,
            arrives,
            topic: raw.topic,
            key: raw.key,
            via: raw.via,
            fault: raw.fault,
            repeats: raw.duplicate_of,
            content,
        })
    }

    fn content(&self, raw: &mut RawAct, manifests: &mut Manifests) -> Result<Content, String> {
        let producer =
            self.producers.get(&raw.producer).ok_or_else(|| format!("there is no producer {}", raw.producer))?;
        if raw.mode == Mode::Raw {
            return raw_content(raw);
        }
        if raw.body.is_some() || raw.body_base64.is_some() || raw.tombstone {
            return Err("only raw acts have a body or are tombstones".to_owned());
        }
        let wrapping = match (raw.mode, &raw.sign) {
            (Mode::Dsse, Some(sign)) if self.producers.get(&sign.key).is_some_and(|signer| signer.key.is_some()) => {
                Wrapping::Signed { producer: sign.key.clone(), forged: sign.forge }
            }
            (Mode::Dsse, Some(sign)) => return Err(format!("there is no producer {} that signs", sign.key)),
            (Mode::Dsse, None) => return Err("a signed act names no key".to_owned()),
            (_, Some(_)) => return Err("only acts of mode dsse are signed".to_owned()),
            (Mode::Binary, None) => Wrapping::Binary,
            (Mode::Structured | Mode::Raw, None) => Wrapping::Structured,
        };
        let mut event = raw.event.take().ok_or("it has no event")?;
        manifests.resolve_event(&event.r#type, &mut event.data)?;
        let event = Event {
            id: event.id,
            source: producer.source.clone(),
            r#type: event.r#type,
            time: raw.at,
            data: event.data,
        };
        Ok(Content::Event { event, wrapping })
    }
}

/// The record of an earlier act of the same way, topic and key.
fn repeated(raw: &RawAct, label: &str, before: &[Act]) -> Result<Content, String> {
    let first =
        before.iter().find(|act| act.label == label).ok_or_else(|| format!("no act before this one is {label}"))?;
    if (first.via, &first.topic, &first.key) != (raw.via, &raw.topic, &raw.key) {
        return Err(format!("it goes another way than {label}"));
    }
    let own =
        raw.event.is_some() || raw.sign.is_some() || raw.body.is_some() || raw.body_base64.is_some() || raw.tombstone;
    if own {
        return Err("a duplicate has no content of its own".to_owned());
    }
    Ok(first.content.clone())
}

fn raw_content(raw: &RawAct) -> Result<Content, String> {
    if raw.event.is_some() || raw.sign.is_some() {
        return Err("a raw act has no event and no signature".to_owned());
    }
    let bytes = match (&raw.body, &raw.body_base64, raw.tombstone) {
        (Some(text), None, false) => Some(text.clone().into_bytes()),
        (None, Some(text), false) => Some(STANDARD.decode(text).map_err(|error| format!("body_base64: {error}"))?),
        (None, None, true) => None,
        _ => return Err("a raw act is one of body, body_base64 and tombstone".to_owned()),
    };
    Ok(Content::Raw(bytes))
}
