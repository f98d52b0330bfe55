//! A bundle that is being made: how far it is, what comes next, and what came of it.

use std::sync::Arc;

use actix_web::http::StatusCode;

use crate::clock::Duration;
use crate::jobs::{End, Job, KEPT_FOR};
use crate::portal::bits::{Bit, Cell, link, mark, subject_bit};
use crate::portal::blocks::{Act, Block, Facts};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::page::Page;
use crate::portal::text::{counted, grouped};

/// Seconds between two looks at what is under way.
const LOOK_EVERY: u32 = 2;

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let id = cx.demanded("id")?;
    let Some(job) = cx.state.jobs.find(id) else { return Ok(gone(cx)) };
    let title = if job.dossier.is_some() { "Bundle with the dossier" } else { "Bundle" };
    let mut page = Page::new(title, "Take it away").crumb("Reports", cx.links.to("/reports", &[]));
    let subjects = job.wanted.subjects.iter().map(|subject| Cell::from(subject_bit(&cx.links, subject)));
    page.lead = Cell::words("Of").join(Cell::lines(subjects));
    page.main.push(Block::Facts(facts(cx, &job)));
    match job.end() {
        None => {
            page.refresh = Some(LOOK_EVERY);
            page.main.push(Block::Act(Act {
                action: "/job/stop".to_owned(),
                hidden: vec![("id", job.id.clone())],
                button: "Stop",
                note: "This page loads itself again until the bundle is whole. Stopped, it leaves no entry.",
            }));
        }
        Some((End::Made { .. }, _)) => {
            page.actions = vec![link(cx.links.to("/job/bundle", &[("id", &job.id)]), "Download the bundle")];
            page.main.push(Block::Text {
                heading: "Check it",
                id: "check-it",
                lines: vec![
                    Cell::words("Offline, on any machine, with the ledger's key that you were given elsewhere:"),
                    Cell::from(Bit::Code("modeltrail verify FILE --key KEY".to_owned())),
                ],
            });
        }
        Some(_) => {
            let again = job.wanted.subjects.first().map(String::as_str).unwrap_or_default();
            page.actions = vec![link(cx.links.to("/make", &[("subject", again)]), "Ask for it again")];
        }
    }
    Ok(page)
}

/// A page of a job that is not kept any more, or never was.
fn gone(cx: &Cx<'_>) -> Page {
    let mut page = Page::new("No such bundle", "Not found").crumb("Reports", cx.links.to("/reports", &[]));
    page.status = StatusCode::NOT_FOUND;
    page.lead = Cell::words(format!(
        "Bundles are kept for {} minutes, and until the server ends. That one was made stays recorded, and it can be made again.",
        KEPT_FOR.as_secs() / 60
    ));
    page.actions =
        vec![link(cx.links.to("/reports", &[]), "What was issued"), link(cx.links.to("/make", &[]), "Make one")];
    page
}

/// `4.2 s`, `3 min 20 s`.
fn took(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{}.{} s", seconds, time.subsec_millis() / 100)
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

fn facts(cx: &Cx<'_>, job: &Arc<Job>) -> Facts {
    let mut facts = Facts::new("How far it is", "progress");
    let as_of = job.wanted.as_of.map_or(cx.head, |size| size.get());
    match job.end() {
        None => {
            let (state, next) = match job.progress.so_far() {
                _ if job.progress.waits() => ("it waits for its turn behind others", "the entries are found"),
                None => ("the entries are being found", "their records are read, each with its proof"),
                Some((done, all)) if done < all => {
                    ("records are being read", "the manifest is signed, and an entry says that it was made")
                }
                Some(_) => ("it is being signed", "the download"),
            };
            facts = facts
                .row("State", Cell::from(mark("medium", "■", "under way")).then(state))
                .row("Next", Cell::words(next));
            if let Some((done, all)) = job.progress.so_far() {
                facts = facts.row("Records read", Cell::words(format!("{} of {}", grouped(done), grouped(all))));
            }
            facts = facts.row("Time so far", Cell::words(took(job.age())));
        }
        Some((End::Made { bytes, id, digest, entry, .. }, time)) => {
            facts = facts
                .row("State", Cell::from(mark("good", "✓", "made")).then("in").then(took(*time)))
                .row("Size", Cell::words(counted(*bytes, "byte", "bytes")))
                .row("Digest of its manifest", Cell::from(Bit::Whole(digest.clone())))
                .row("Export", Cell::from(Bit::Code(id.clone())).entry(&cx.links, *entry));
        }
        Some((End::Failed { why }, time)) => {
            facts = facts
                .row("State", Cell::from(mark("critical", "✕", "not made")).then("after").then(took(*time)))
                .row("Why", Cell::prose(why));
        }
        Some((End::Stopped, time)) => {
            facts = facts.row("State", Cell::from(mark("neutral", "○", "stopped")).then("after").then(took(*time)));
        }
    }
    facts.row("As of", Cell::words(counted(as_of, "entry", "entries")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(took(Duration::from_millis(4_290)), "4.2 s");
        assert_eq!(took(Duration::from_secs(200)), "3 min 20 s");
    }
}
