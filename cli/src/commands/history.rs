//! `modeltrail history`: the trail of a subject, from a bundle or a server.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::bail;
use modeltrail_core::header::EntryHeader;
use modeltrail_core::verify::{Outcome, Verdict};
use modeltrail_schemas::subject::Subject;
use serde::{Deserialize, Serialize};

use super::verify;
use crate::args::HistoryArgs;
use crate::exit::{Exit, refused};
use crate::http::Server;
use crate::output::{Output, printable, say};
use crate::{bundle, keys};

/// Trail entries that are asked for at a time.
const PAGE: &str = "500";

/// An entry on a trail, as the API gives it.
#[derive(Serialize, Deserialize)]
struct Item {
    n: u64,
    index: u64,
    role: String,
    received_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    header: String,
}

#[derive(Deserialize)]
struct Page {
    count: u64,
    items: Vec<Item>,
    next: Option<u64>,
}

#[derive(Serialize)]
struct Document<'a> {
    subject: &'a str,
    count: u64,
    items: &'a [Item],
}

pub(crate) fn run(args: &HistoryArgs, out: Output) -> anyhow::Result<Exit> {
    Subject::parse(&args.subject).map_err(|error| anyhow::anyhow!("{:?} is not a subject: {error}", args.subject))?;
    let items = match &args.holder.bundle {
        Some(path) => of_bundle(args, path)?,
        None => of_server(args)?,
    };
    let document = Document { subject: &args.subject, count: items.len() as u64, items: &items };
    out.print(&document, || text(&items))?;
    Ok(Exit::Holds)
}

/// A bundle says nothing until it was verified.
fn of_bundle(args: &HistoryArgs, path: &Path) -> anyhow::Result<Vec<Item>> {
    let report = bundle::verify(path, &keys::trust(&args.holder.trust)?, None)?;
    let outcome = report.outcome(false);
    if outcome == Outcome::DoesNotHold {
        say(&verify::text(&report, outcome));
        return Err(refused(format!("{} does not hold, so it says nothing about {}", path.display(), args.subject)));
    }
    if let Verdict::CouldNotBeJudged { why } = &report.authenticity {
        say(&format!("note: {}", printable(why)));
    }
    if !report.facts.subjects.contains(&args.subject) {
        say(&format!("note: the bundle was not made about {}: entries may be missing", args.subject));
    }
    let mut items = Vec::new();
    bundle::each_entry(path, |header, line| {
        if let Some(item) = item(&header, &line.header, &args.subject) {
            items.push(item);
        }
        Ok(true)
    })?;
    Ok(items)
}

fn item(header: &EntryHeader, bytes: &[u8], subject: &str) -> Option<Item> {
    let step = header.step(subject)?;
    Some(Item {
        n: step.n,
        index: header.index.get(),
        role: step.role.clone(),
        received_at: header.received.at.clone(),
        r#type: header.event.as_ref().map(|event| event.r#type.clone()),
        header: String::from_utf8_lossy(bytes).into_owned(),
    })
}

fn of_server(args: &HistoryArgs) -> anyhow::Result<Vec<Item>> {
    let server = Server::new(&args.holder.server)?;
    let mut items: Vec<Item> = Vec::new();
    let mut after: Option<u64> = None;
    loop {
        let from = after.map(|after| after.to_string());
        let mut query = vec![("subject", args.subject.as_str()), ("limit", PAGE)];
        if let Some(from) = &from {
            query.push(("after", from));
        }
        let page: Page = server.get("/v1/trails", &query)?;
        items.extend(page.items);
        match page.next {
            None if items.len() as u64 == page.count => return Ok(items),
            None => bail!("the server counts {} entries on the trail, but gave {}", page.count, items.len()),
            // An answer that does not get on would be asked for ever.
            Some(next) if after.is_some_and(|after| next <= after) => {
                bail!("the server's answer does not get on after {next}")
            }
            Some(next) => after = Some(next),
        }
    }
}

fn text(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        let parsed = EntryHeader::parse(item.header.as_bytes()).ok();
        let mut notes = Vec::new();
        if let Some(quarantine) = parsed.as_ref().and_then(|header| header.quarantine.as_ref()) {
            notes.push(format!("quarantined: {}", quarantine.reason));
        }
        if let Some(header) = &parsed {
            notes.extend(header.signers.iter().map(|signer| format!("signature {}", signer.status.as_str())));
        }
        let notes = if notes.is_empty() { String::new() } else { format!("  [{}]", notes.join(", ")) };
        let event_type = item.r#type.as_deref().unwrap_or("(no event)");
        let row = format!(
            "{:>5}  entry {:<8}  {}  {:<11}  {event_type}{notes}",
            item.n, item.index, item.received_at, item.role
        );
        // Writing to a string never fails.
        let _ = writeln!(text, "{}", printable(&row));
    }
    text
}
