//! From a record to its reading: which format, then which event, then what follows from it.

use serde_json::Value;

use super::{EventHead, Format, OWN_GROUPS, OwnContext, Quarantine, Reading, fingerprint, personal, trails};
use crate::dsse;
use crate::envelope::{self, BinaryAttributes, Envelope, EnvelopeError, Prefix, checked};
use crate::json::{self, JsonError};
use crate::record::{RecordView, Via};

/// An event that was read, before it is known what it is about.
struct Parsed {
    envelope: Envelope,
    signatures: Vec<dsse::Signature>,
    signed: Option<Vec<u8>>,
    fingerprint: [u8; 32],
}

/// Why there is no event, for people.
type Fault = String;

pub(super) fn read(via: Via, record: &RecordView<'_>, own: &OwnContext<'_>) -> Reading {
    if let Err(error) = record.check_via(via) {
        return malformed(Format::Unknown, record, error.to_string());
    }
    match parsed(via, record, own) {
        (format, Ok(parsed)) => judged(via, own.origin, format, parsed),
        (format, Err(fault)) => malformed(format, record, fault),
    }
}

pub(super) fn data(via: Via, record: &RecordView<'_>, own: &OwnContext<'_>) -> Option<Value> {
    parsed(via, record, own).1.ok()?.envelope.data
}

fn parsed(via: Via, record: &RecordView<'_>, own: &OwnContext<'_>) -> (Format, Result<Parsed, Fault>) {
    match via {
        Via::Ledger => (Format::LedgerJson, own_event(record.body(), own)),
        Via::Kafka | Via::Http => outside_event(via, record),
    }
}

fn malformed(format: Format, record: &RecordView<'_>, fault: Fault) -> Reading {
    Reading {
        format,
        event: None,
        trails: Vec::new(),
        quarantine: Some((Quarantine::Malformed, fault)),
        signatures: Vec::new(),
        signed: None,
        origin_ext: None,
        known: false,
        data: None,
        fingerprint: fingerprint::of_record(record),
    }
}

/// Finds the subjects, and the first reason for quarantine that applies.
fn judged(via: Via, origin: &str, format: Format, parsed: Parsed) -> Reading {
    let Parsed { envelope, signatures, signed, fingerprint } = parsed;
    let subjects = trails::of(via, &envelope);
    let is_signed = signed.is_some();
    let mut reading = Reading {
        format,
        event: None,
        trails: subjects.trails,
        quarantine: None,
        signatures,
        signed,
        origin_ext: envelope.origin.filter(|_| is_signed),
        known: subjects.known,
        data: envelope.data,
        fingerprint,
    };
    let Envelope { id, source, r#type, time, .. } = envelope;
    let event = EventHead { id, source, r#type, time };
    let personal = personal_data(&event, &reading);
    if let Some(detail) = reserved(via, origin, &event, &reading) {
        reading.trails.clear();
        reading.quarantine = Some((Quarantine::Reserved, detail));
        // What is personal must not enter a header, whichever reason comes first.
        reading.event = Some(event).filter(|event| personal::in_event(event).is_none());
    } else if let Some(detail) = personal {
        reading.trails.clear();
        reading.quarantine = Some((Quarantine::PersonalData, detail));
    } else {
        reading.quarantine = subjects.fault.map(|detail| (Quarantine::Subject, detail));
        reading.event = Some(event);
    }
    if reading.event.is_none() {
        // Signers go with the event.
        reading.signatures.clear();
        reading.signed = None;
        reading.origin_ext = None;
    }
    reading
}

fn reserved(via: Via, origin: &str, event: &EventHead, reading: &Reading) -> Option<String> {
    if via == Via::Ledger {
        return None;
    }
    if !origin.is_empty() && event.source == origin {
        return Some("only the ledger itself has its origin as source".to_owned());
    }
    let group = event.r#type.strip_prefix("modeltrail.").and_then(|rest| rest.split_once('.')).map(|(group, _)| group);
    if let Some(group) = group.filter(|group| OWN_GROUPS.contains(group)) {
        return Some(format!("only the ledger itself writes events of the group `{group}`"));
    }
    let kind = reading.about()?.kind();
    kind.is_ledger_only().then(|| format!("only the ledger itself writes events about a {kind}"))
}

/// Names the place, never the value.
fn personal_data(event: &EventHead, reading: &Reading) -> Option<String> {
    let place = match personal::in_event(event) {
        Some(attribute) => format!("`{attribute}`"),
        None => {
            let (role, subject) = reading.trails.iter().find(|(_, subject)| personal::in_subject(subject))?;
            format!("a {} in role {role}", subject.kind())
        }
    };
    Some(format!("{place} is an e-mail address, which could never be erased from the log; send a pseudonym"))
}

/// The ledger's own event: `{"data":{…},"type":"…"}` in canonical JSON and nothing else.
fn own_event(body: &[u8], own: &OwnContext<'_>) -> Result<Parsed, Fault> {
    let value = json::parse(body).map_err(|error| error.to_string())?;
    if json::canonical(&value) != body {
        return Err("own event is not in canonical form".to_owned());
    }
    let Value::Object(mut members) = value else {
        return Err("own event is not a JSON object".to_owned());
    };
    let (Some(Value::String(event_type)), Some(data @ Value::Object(_)), true) =
        (members.remove("type"), members.remove("data"), members.is_empty())
    else {
        return Err("own event has other members than a text `type` and an object `data`".to_owned());
    };
    if event_type.is_empty() {
        return Err(EnvelopeError::Missing("type").to_string());
    }
    let envelope = Envelope {
        id: own.index.map(|index| index.to_string()).unwrap_or_default(),
        source: own.origin.to_owned(),
        r#type: checked("type", event_type).map_err(|error| error.to_string())?,
        time: Some(own.received_at),
        data: Some(data),
        ..Envelope::default()
    };
    Ok(Parsed { envelope, signatures: Vec::new(), signed: None, fingerprint: fingerprint::of_own(body) })
}

/// An event from outside: the format is the first of the table that fits.
fn outside_event(via: Via, record: &RecordView<'_>) -> (Format, Result<Parsed, Fault>) {
    let attributes = BinaryAttributes::new(record.producer(), Prefix::of(via));
    let Ok(media) = media_type(record) else {
        return (Format::Unknown, Err("content-type occurs twice".to_owned()));
    };
    let (format, parsed) = match media.as_deref() {
        Some(dsse::MEDIA_TYPE) => (Format::DsseJson, signed_event(json::parse(record.body()))),
        Some(envelope::MEDIA_TYPE | envelope::BATCH_MEDIA_TYPE) => (Format::CloudeventsJson, bare_event(record.body())),
        Some(media) if is_json(media) && attributes.has("specversion") => {
            (Format::CloudeventsBinary, binary_event(attributes, record.body()))
        }
        Some(_) => (Format::Unknown, Err("content type is none that events come in".to_owned())),
        None => untyped_event(record.body()),
    };
    let fault = if record.is_tombstone() {
        Some("record is a tombstone: it has no body".to_owned())
    } else {
        let prefix = Prefix::of(via).as_str();
        let twice = attributes.twice();
        twice.map(|name| format!("{prefix}{name} occurs twice"))
    };
    (format, fault.map_or(parsed, Err))
}

/// More than one `content-type`, which nobody can choose between.
struct Twice;

/// The content type without parameters and with A–Z lowered; `None` where there is none, or an empty or a null one.
fn media_type(record: &RecordView<'_>) -> Result<Option<String>, Twice> {
    let mut headers = record.producer().iter().filter(|header| header.name.eq_ignore_ascii_case(b"content-type"));
    let value = headers.next().and_then(|header| header.value.as_deref());
    if headers.next().is_some() {
        return Err(Twice);
    }
    // Bytes that aren't UTF-8 are replaced, which no comparison sees: all that is looked for is ASCII.
    let media = value.map(|value| without_parameters(&String::from_utf8_lossy(value)));
    Ok(media.filter(|media| !media.is_empty()))
}

fn without_parameters(media: &str) -> String {
    let end = media.find(';').unwrap_or(media.len());
    media[..end].trim_matches([' ', '\t']).to_ascii_lowercase()
}

/// Whether data in binary mode are JSON.
fn is_json(media: &str) -> bool {
    media == "application/json" || media.ends_with("+json")
}

fn untyped_event(body: &[u8]) -> (Format, Result<Parsed, Fault>) {
    if body.is_empty() {
        return (Format::Unknown, Err("record has neither a content type nor a body".to_owned()));
    }
    let value = match json::parse(body) {
        Ok(value) => value,
        Err(error) => {
            return (Format::Unknown, Err(format!("record has no content type, and its body can't be read: {error}")));
        }
    };
    let has = |name: &str| value.get(name).is_some_and(|member| !crate::template::is_absent(member));
    if has("payloadType") && has("signatures") {
        (Format::DsseJson, signed_event(Ok(value)))
    } else if has("specversion") {
        (Format::CloudeventsJson, event_in(value, body))
    } else {
        (
            Format::Unknown,
            Err("record has no content type, and its body is neither a CloudEvents event nor a DSSE envelope"
                .to_owned()),
        )
    }
}

fn bare_event(body: &[u8]) -> Result<Parsed, Fault> {
    event_in(json::parse(body).map_err(|error| error.to_string())?, body)
}

fn event_in(value: Value, bytes: &[u8]) -> Result<Parsed, Fault> {
    let envelope = Envelope::from_value(value).map_err(|error| error.to_string())?;
    Ok(Parsed { envelope, signatures: Vec::new(), signed: None, fingerprint: fingerprint::of_event(bytes) })
}

fn signed_event(outer: Result<Value, JsonError>) -> Result<Parsed, Fault> {
    let outer = outer.map_err(|error| error.to_string())?;
    let envelope = dsse::Envelope::from_value(&outer).map_err(|error| error.to_string())?;
    // Signatures cover the type's exact text, so nothing about it is left open.
    if envelope.payload_type != envelope::MEDIA_TYPE {
        return Err(format!("dsse envelope has a payload other than `{}`", envelope::MEDIA_TYPE));
    }
    let parsed = bare_event(&envelope.payload).map_err(|fault| format!("in the dsse payload: {fault}"))?;
    Ok(Parsed {
        fingerprint: fingerprint::of_signed(dsse::signature_texts(&outer), &envelope.payload),
        signed: Some(envelope.signed_bytes()),
        signatures: envelope.signatures,
        ..parsed
    })
}

fn binary_event(attributes: BinaryAttributes<'_>, body: &[u8]) -> Result<Parsed, Fault> {
    let envelope = attributes.envelope(body).map_err(|error| error.to_string())?;
    Ok(Parsed { envelope, signatures: Vec::new(), signed: None, fingerprint: fingerprint::of_binary(attributes, body) })
}
