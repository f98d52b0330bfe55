//! `modeltrail emit`: sends events, again with the same id where no answer came, and keeps the receipts.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use modeltrail_core::receipt::Receipt;
use modeltrail_schemas::dsse;
use modeltrail_schemas::json;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::args::EmitArgs;
use crate::exit::Exit;
use crate::http::{Answer, Server};
use crate::keys::{MAX_INPUT_BYTES, ensure_directory, read_file, write_new};
use crate::output::{Output, data, say};

const EVENT: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
/// The first pause before sending again; each next one is twice as long.
const FIRST_PAUSE_MILLIS: u64 = 200;
/// No pause is longer.
const LONGEST_PAUSE_MILLIS: u64 = 10_000;

/// What became of one event.
#[derive(Serialize)]
struct Sent {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    duplicate: bool,
    /// Where the receipt was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// The receipt, where it was not written to a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Box<RawValue>>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Value>,
}

#[derive(Serialize)]
struct Document<'a> {
    sent: &'a [Sent],
    accepted: usize,
    refused: usize,
}

pub(crate) fn run(args: &EmitArgs, out: Output) -> anyhow::Result<Exit> {
    let server = Server::new(&args.server)?;
    let bytes = read_file(&args.file, MAX_INPUT_BYTES)?;
    if let Some(directory) = &args.receipts {
        ensure_directory(directory)?;
    }
    let bodies: Vec<&[u8]> = if args.lines { lines(&bytes) } else { vec![&bytes] };
    // All are looked at before the first is sent: half a file is worse than none.
    let kinds = bodies
        .iter()
        .enumerate()
        .map(|(at, body)| kind(body).with_context(|| format!("event {}", at + 1)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut sent = Vec::new();
    for (body, kind) in bodies.into_iter().zip(kinds) {
        let answer = send(&server, kind, body, args.retries)?;
        for one in answers(kind, &answer)? {
            let one = keep(one, args.receipts.as_deref())?;
            tell(&one, out)?;
            sent.push(one);
        }
    }
    let accepted = sent.iter().filter(|one| one.problem.is_none()).count();
    let refused = sent.len() - accepted;
    if out.json {
        out.print(&Document { sent: &sent, accepted, refused }, String::new)?;
    }
    Ok(if refused == 0 { Exit::Holds } else { Exit::DoesNotHold })
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect()
}

/// The content type of what is sent, after a look that finds what no ledger could read.
fn kind(body: &[u8]) -> anyhow::Result<&'static str> {
    match json::parse(body).context("is not strict JSON")? {
        Value::Array(events) => {
            events.iter().try_for_each(event)?;
            Ok(BATCH)
        }
        Value::Object(members) if members.contains_key("payloadType") && members.contains_key("signatures") => {
            Ok(dsse::MEDIA_TYPE)
        }
        other => event(&other).map(|()| EVENT),
    }
}

/// Without an id an event that is sent again would be doubled.
fn event(event: &Value) -> anyhow::Result<()> {
    for needed in ["id", "source", "type"] {
        if event.get(needed).and_then(Value::as_str).is_none_or(str::is_empty) {
            bail!(
                "has no {needed}; an event needs id, source and type, and its id is what keeps it from being doubled"
            );
        }
    }
    Ok(())
}

/// Sends until there is an answer that will not change.
fn send(server: &Server, kind: &str, body: &[u8], retries: u32) -> anyhow::Result<Answer> {
    let mut pause = FIRST_PAUSE_MILLIS;
    for left in (0..=retries).rev() {
        let result = server.post("/v1/events", kind, body);
        let why = match &result {
            Ok(answer) if !matches!(answer.status, 408 | 429 | 500..=599) => return result,
            Ok(answer) => answer.problem(),
            Err(error) => format!("{error:#}"),
        };
        if left == 0 {
            bail!("gave up after {} tries: {why}; send it again with the same id, it will not be doubled", retries + 1);
        }
        say(&format!("{why}; trying again in {pause} ms"));
        std::thread::sleep(Duration::from_millis(pause));
        pause = (pause * 2).min(LONGEST_PAUSE_MILLIS);
    }
    bail!("nothing was sent")
}

/// One answer for each event.
fn answers(kind: &str, answer: &Answer) -> anyhow::Result<Vec<Sent>> {
    if kind != BATCH || !matches!(answer.status, 200..=299) {
        return Ok(vec![one(answer.status, &answer.body)?]);
    }
    #[derive(serde::Deserialize)]
    struct Element {
        status: u16,
        receipt: Option<Box<RawValue>>,
        problem: Option<Box<RawValue>>,
    }
    let elements: Vec<Element> =
        serde_json::from_slice(&answer.body).context("the answer to a batch is not a list of receipts and problems")?;
    let each = |element: Element| {
        let body =
            element.receipt.or(element.problem).context("an answer of a batch has neither receipt nor problem")?;
        one(element.status, body.get().as_bytes())
    };
    elements.into_iter().map(each).collect()
}

fn one(status: u16, body: &[u8]) -> anyhow::Result<Sent> {
    if !matches!(status, 200..=299) {
        let problem =
            serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()));
        return Ok(Sent { status, index: None, duplicate: false, file: None, receipt: None, problem: Some(problem) });
    }
    let receipt = Receipt::parse(body).with_context(|| format!("the answer {status} holds no receipt"))?;
    let raw = RawValue::from_string(String::from_utf8_lossy(&receipt.to_bytes()).into_owned())?;
    Ok(Sent {
        status,
        index: Some(receipt.index.get()),
        duplicate: receipt.duplicate,
        file: None,
        receipt: Some(raw),
        problem: None,
    })
}

/// Writes a receipt to its file. One that is there already is the receipt of the same entry.
fn keep(mut sent: Sent, directory: Option<&Path>) -> anyhow::Result<Sent> {
    let (Some(directory), Some(index), Some(receipt)) = (directory, sent.index, &sent.receipt) else { return Ok(sent) };
    let path = directory.join(format!("{index}.json"));
    if !path.exists() {
        write_new(&path, format!("{}\n", receipt.get()).as_bytes(), 0o644)?;
    }
    sent.file = Some(path.display().to_string());
    sent.receipt = None;
    Ok(sent)
}

fn tell(sent: &Sent, out: Output) -> anyhow::Result<()> {
    match (&sent.problem, sent.index) {
        (Some(problem), _) => {
            say(&format!("refused ({}): {}", sent.status, crate::output::printable(&problem.to_string())))
        }
        (None, Some(index)) => {
            say(&format!("entry {index}{}", if sent.duplicate { " (a duplicate of it)" } else { "" }))
        }
        (None, None) => {}
    }
    match &sent.receipt {
        Some(receipt) if !out.json => data(format!("{}\n", receipt.get()).as_bytes()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_gets_its_content_type() {
        let good = r#"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#;
        assert_eq!(kind(good.as_bytes()).unwrap(), EVENT);
        assert_eq!(kind(format!("[{good},{good}]").as_bytes()).unwrap(), BATCH);
        assert_eq!(kind(br#"{"payload":"","payloadType":"x","signatures":[]}"#).unwrap(), dsse::MEDIA_TYPE);
        for bad in ["{}", "{\"id\":\"1\"", "[{}]", "7", r#"{"id":"1","id":"2","source":"s","type":"t"}"#] {
            assert!(kind(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
