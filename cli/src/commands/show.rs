//! `modeltrail show`: one entry, and whether its record is what its header committed to.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeltrail_core::bundle::lines::Opening;
use modeltrail_core::header::EntryHeader;
use modeltrail_core::types::{Commitment, SALT_BYTES};
use modeltrail_schemas::record::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::args::ShowArgs;
use crate::bundle;
use crate::exit::{Exit, refused};
use crate::http::Server;
use crate::output::{Output, printable};

#[derive(Deserialize)]
struct Answer {
    header: String,
    record: Option<String>,
    salt: Option<String>,
    absent: Option<String>,
}

#[derive(Serialize)]
struct Attribute {
    name: String,
    /// `null` where the attribute had no value.
    value: Option<String>,
}

#[derive(Serialize)]
struct Document {
    header: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transport: Vec<Attribute>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<Attribute>,
    /// The body as JSON where it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    /// The body's bytes where they are not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

pub(crate) fn run(args: &ShowArgs, out: Output) -> anyhow::Result<Exit> {
    let (header, opening, absent) = match &args.bundle {
        Some(path) => {
            let (_, line) = bundle::entry(path, args.index)?;
            match line.opening {
                Opening::Kept(opening) => (line.header, Some(opening), None),
                Opening::Absent(absent) => (line.header, None, Some(absent.as_str().to_owned())),
            }
        }
        None => of_server(args)?,
    };
    let parsed = EntryHeader::parse(&header).map_err(|error| refused(format!("entry {}: {error}", args.index)))?;
    if parsed.index.get() != args.index {
        return Err(refused(format!("asked for entry {}, got entry {}", args.index, parsed.index)));
    }
    if opening.as_ref().is_some_and(|opening| Commitment::of(opening) != parsed.content.commitment) {
        return Err(refused(format!(
            "the record shown for entry {} is not the one that its header committed to",
            args.index
        )));
    }
    let document = document(&header, opening.as_deref(), absent)?;
    out.print(&document, || text(&document))?;
    Ok(Exit::Holds)
}

type Parts = (Vec<u8>, Option<Vec<u8>>, Option<String>);

fn of_server(args: &ShowArgs) -> anyhow::Result<Parts> {
    let answer: Answer = Server::new(&args.server)?.get(&format!("/v1/entries/{}", args.index), &[])?;
    let opening = match (&answer.record, &answer.salt) {
        (Some(record), Some(salt)) => {
            let mut opening = hex::decode(salt).context("the server's salt is not hex")?;
            opening.extend(STANDARD.decode(record).context("the server's record is not base64")?);
            Some(opening)
        }
        (None, None) => None,
        _ => bail!("the server gave only one of salt and record"),
    };
    Ok((answer.header.into_bytes(), opening, answer.absent))
}

fn document(header: &[u8], opening: Option<&[u8]>, absent: Option<String>) -> anyhow::Result<Document> {
    let header = serde_json::from_slice(header)?;
    let mut document =
        Document { header, absent, transport: Vec::new(), attributes: Vec::new(), body: None, body_base64: None };
    let Some(record) = opening.and_then(|opening| opening.get(SALT_BYTES..)) else { return Ok(document) };
    let record = Record::decode(record).map_err(|error| refused(error.to_string()))?;
    document.transport = record.transport().iter().map(attribute).collect();
    document.attributes = record.producer().iter().map(attribute).collect();
    match serde_json::from_slice(record.body()) {
        Ok(body) => document.body = Some(body),
        Err(_) => document.body_base64 = Some(STANDARD.encode(record.body())),
    }
    Ok(document)
}

fn attribute(attribute: &modeltrail_schemas::record::Attribute) -> Attribute {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Attribute { name: text(&attribute.name), value: attribute.value.as_deref().map(text) }
}

fn text(document: &Document) -> String {
    let mut text = String::new();
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_else(|error| error.to_string());
    // Writing to a string never fails.
    let _ = writeln!(text, "header {}", pretty(&document.header));
    for (name, attributes) in [("transport", &document.transport), ("attribute", &document.attributes)] {
        for attribute in attributes {
            let _ = writeln!(text, "{name} {}: {}", attribute.name, attribute.value.as_deref().unwrap_or("(null)"));
        }
    }
    match (&document.absent, &document.body, &document.body_base64) {
        (Some(absent), ..) => drop(writeln!(text, "record {absent}")),
        (_, Some(body), _) => drop(writeln!(text, "body {}", pretty(body))),
        (_, _, Some(body)) => drop(writeln!(text, "body, not JSON, in base64: {body}")),
        _ => drop(writeln!(text, "record not shown")),
    }
    printable(&text)
}
