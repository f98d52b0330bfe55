//! `modeltrail receipt verify`: that an entry is in the ledger, and what was committed to.

use std::path::Path;

use anyhow::{Context as _, bail};
use modeltrail_core::header::{EntryHeader, HeaderError};
use modeltrail_core::receipt::{MAX_RECEIPT_BYTES, Receipt, ReceiptError};
use modeltrail_schemas::dsse;
use modeltrail_schemas::record::Record;
use serde::Serialize;

use crate::args::{ReceiptArgs, ReceiptCommand};
use crate::exit::{Exit, refused};
use crate::keys::{self, MAX_INPUT_BYTES, read_file};
use crate::output::{Output, printable};

/// What producers usually send events as.
const USUAL_TYPES: [&str; 4] = [
    "application/cloudevents+json",
    "application/cloudevents+json; charset=utf-8",
    dsse::MEDIA_TYPE,
    "application/cloudevents-batch+json",
];

#[derive(Serialize)]
struct Document {
    origin: String,
    index: u64,
    size: u64,
    duplicate: bool,
    received_at: String,
    /// Whether the event given is what was committed to; left out when none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    committed: Option<bool>,
    header: serde_json::Value,
}

pub(crate) fn run(args: &ReceiptArgs, out: Output) -> anyhow::Result<Exit> {
    let ReceiptCommand::Verify { file, event, content_type, batch, trust } = &args.command;
    let bytes = read_file(file, MAX_RECEIPT_BYTES as u64)?;
    let receipt = Receipt::parse(&bytes).map_err(judge).with_context(|| file.display().to_string())?;
    let header = EntryHeader::parse(receipt.header.as_bytes()).map_err(|error| judge(error.into()))?;
    let pins = keys::pins(&keys::trust(trust)?, &header.origin)?;
    let candidates = match event {
        Some(path) => candidates(path, content_type.as_deref(), batch.as_deref())?,
        None => Vec::new(),
    };
    let shown = receipt.verify(&pins, &candidates).map_err(judge)?;
    let document = Document {
        origin: header.origin.clone(),
        index: receipt.index.get(),
        size: shown.checkpoint.size.get(),
        duplicate: receipt.duplicate,
        received_at: header.received.at.clone(),
        committed: shown.committed,
        header: serde_json::from_str(&receipt.header)?,
    };
    out.print(&document, || text(&document))?;
    if shown.committed == Some(false) {
        let why = if receipt.duplicate {
            ": for a duplicate the receipt is of the first record, which may have been framed otherwise"
        } else {
            ""
        };
        return Err(refused(format!(
            "the event is not what entry {} committed to, as far as content type and batch are known{why}",
            receipt.index
        )));
    }
    Ok(Exit::Holds)
}

/// A later version could not be judged; everything else that is wrong with a receipt does not hold.
fn judge(error: ReceiptError) -> anyhow::Error {
    match error {
        ReceiptError::Version { .. } | ReceiptError::Header(HeaderError::Version { .. }) => anyhow::Error::new(error),
        other => refused(other.to_string()),
    }
}

/// The records that these bytes may have become.
fn candidates(path: &Path, content_type: Option<&str>, batch: Option<&str>) -> anyhow::Result<Vec<Record>> {
    let body = read_file(path, MAX_INPUT_BYTES)?;
    let batch = batch.map(element).transpose()?;
    let types: &[&str] = content_type.as_ref().map_or(&USUAL_TYPES, std::slice::from_ref);
    let record = |content_type: &&str| {
        Record::http(batch, &[("content-type", *content_type)], &body).context("the event can't be framed")
    };
    types.iter().map(record).collect()
}

fn element(text: &str) -> anyhow::Result<(usize, usize)> {
    let parsed = text.split_once('/').and_then(|(at, of)| Some((at.parse().ok()?, of.parse().ok()?)));
    match parsed {
        Some((at, of)) if at < of => Ok((at, of)),
        _ => bail!("--batch {text:?} is not I/N with I from 0 and below N"),
    }
}

fn text(document: &Document) -> String {
    let Document { origin, index, size, received_at, .. } = document;
    let committed = match document.committed {
        Some(true) => "; it committed to exactly these bytes",
        Some(false) => "; it committed to other bytes",
        None => "",
    };
    printable(&format!(
        "holds: entry {index} of {origin}, received at {received_at}, is in the tree of size {size}{committed}\n"
    ))
}
