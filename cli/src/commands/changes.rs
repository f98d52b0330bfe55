//! `modeltrail changes`: what happened to a subject between two times, in plain words.

use modeltrail_compliance::words::sentence;
use modeltrail_views::read::ReadEntry;
use modeltrail_views::rows::{Actor, Mark};
use serde::{Deserialize, Serialize};

use super::approvals::mark;
use super::findings::one_line;
use crate::args::ChangesArgs;
use crate::ask::{Answer, Source, at, of_server, subject};
use crate::exit::Exit;
use crate::folded::Folded;
use crate::output::{Output, printable, say};
use crate::table::short_time;

/// One thing that happened, as the API gives it.
#[derive(Serialize, Deserialize)]
struct Line {
    entry: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    /// When it happened, as the source says, else when it was received.
    happened: String,
    received: String,
    says: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<Actor>,
    signature: Mark,
    /// Whether views believe it.
    counts: bool,
    /// Its place on the trail.
    n: u64,
}

pub(crate) fn run(args: &ChangesArgs, out: Output) -> anyhow::Result<Exit> {
    let about = subject(&args.subject)?;
    let (from, to) = (args.from.map(|time| time.to_string()), args.to.map(|time| time.to_string()));
    let answer = match Source::new(&args.source)? {
        Source::Bundle(folded) => of_bundle(args, about.as_str(), &folded)?,
        Source::Server(server) => {
            let mut query = vec![("subject", about.as_str())];
            query.extend(from.as_deref().map(|from| ("from", from)));
            query.extend(to.as_deref().map(|to| ("to", to)));
            of_server::<Line>(&server, &args.source, "/v1/timeline", &query)?
        }
    };
    out.print(&answer, || text(&answer.rows))?;
    Ok(Exit::Holds)
}

fn of_bundle(args: &ChangesArgs, about: &str, folded: &Folded) -> anyhow::Result<Answer<Line>> {
    let size = folded.size(args.source.as_of)?;
    if folded.manifest.claim(about).is_none() {
        say(&format!(
            "note: the trail of {} is not in the bundle as a whole: entries may be missing",
            printable(about)
        ));
    }
    let (from, to) = (args.from.map(|time| time.to_string()), args.to.map(|time| time.to_string()));
    let mut rows = Vec::new();
    folded.each(size, |entry| {
        if let Some(line) = line(entry, about)
            && from.as_ref().is_none_or(|from| line.happened >= *from)
            && to.as_ref().is_none_or(|to| line.happened < *to)
        {
            rows.push(line);
        }
        Ok(())
    })?;
    Ok(Answer { as_of: at(folded, size), behind: 0, rows, next: None, truncated: false })
}

/// What an entry says, where it stands on the subject's trail.
fn line(entry: &ReadEntry, about: &str) -> Option<Line> {
    let step = entry.header.step(about)?;
    let act = entry.act();
    Some(Line {
        entry: entry.index(),
        r#type: Some(act.r#type.clone()).filter(|text| !text.is_empty()),
        happened: act.happened().to_owned(),
        received: act.received.clone(),
        says: sentence(entry),
        counts: entry.counts(),
        signature: act.signature,
        actor: act.actor,
        n: step.n,
    })
}

fn text(rows: &[Line]) -> String {
    if rows.is_empty() {
        return "Nothing happened then.\n".to_owned();
    }
    rows.iter().map(words).collect()
}

/// A sentence already says that an entry does not count; a signature that does is worth its word, too.
fn words(line: &Line) -> String {
    let who = line.actor.as_ref().map(|actor| format!(", {}", one_line(&actor.id))).unwrap_or_default();
    let signature = if line.counts { mark(line.signature) } else { "does not count" };
    let row = format!(
        "{}  entry {:<7} {}  [{signature}{who}]",
        short_time(&line.happened),
        line.entry,
        one_line(&line.says),
    );
    printable(&row) + "\n"
}
