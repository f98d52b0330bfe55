//! Questions to views, of a bundle or of a server, with one shape of answer for both: that of the API.

use anyhow::{Context as _, bail};
use modeltrail_schemas::subject::Subject;
use modeltrail_views::rows::Row;
use modeltrail_views::view::{MAX_SCANNED, View};
use serde::{Deserialize, Serialize};

use crate::args::FromArgs;
use crate::folded::Folded;
use crate::http::Server;
use crate::keys;
use crate::output::say;

/// Rows that a server is asked for at a time.
const PAGE: &str = "1000";
/// Rows that are held of one list: a table of more is no table that anybody reads, and a server could send pages for ever.
const MAX_ROWS: usize = 1_000_000;

/// Pages that are asked for, empty ones among them.
const MAX_PAGES: usize = 100_000;

/// As of when an answer holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct At {
    /// What the first so many entries say.
    pub(crate) size: u64,
    /// When the last of them was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<String>,
}

/// An answer that is a list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer<R> {
    pub(crate) as_of: At,
    /// Entries that the views had not read yet.
    #[serde(default)]
    pub(crate) behind: u64,
    pub(crate) rows: Vec<R>,
    /// Where the next page begins: always `null` here, since all pages are read.
    #[serde(default)]
    pub(crate) next: Option<String>,
    /// A bound kept rows out.
    #[serde(default)]
    pub(crate) truncated: bool,
}

/// What is asked.
pub(crate) enum Source {
    /// A bundle, verified.
    Bundle(Box<Folded>),
    /// A ledger's server, whose word is taken.
    Server(Server),
}

impl Source {
    /// The bundle or the server that the arguments name.
    pub(crate) fn new(args: &FromArgs) -> anyhow::Result<Self> {
        match &args.holder.bundle {
            Some(path) => {
                let folded = Folded::open(path, &keys::trust(&args.holder.trust)?)?;
                folded.say_scope();
                Ok(Self::Bundle(Box::new(folded)))
            }
            None => {
                if args.holder.trust.key.is_some() || args.holder.trust.policy.is_some() {
                    bail!(
                        "a server's answer is its word and no key proves it; export a bundle and ask that with --bundle"
                    );
                }
                Server::new(&args.holder.server).map(Self::Server)
            }
        }
    }

    /// The rows of one table that `keep` wants. A server may be told by `query` to leave others out already.
    pub(crate) fn list<R: Row>(
        &self,
        args: &FromArgs,
        path: &str,
        query: &[(&str, &str)],
        keep: impl Fn(&R) -> bool,
    ) -> anyhow::Result<Answer<R>> {
        match self {
            Self::Bundle(folded) => {
                let size = folded.size(args.as_of)?;
                of_view(folded, &folded.view(size), keep)
            }
            Self::Server(server) => {
                let mut answer = of_server::<R>(server, args, path, query)?;
                answer.rows.retain(keep);
                Ok(answer)
            }
        }
    }
}

/// As of when a bundle's answer holds.
pub(crate) fn at(folded: &Folded, size: u64) -> At {
    At { size, time: folded.received_at(size).map(str::to_owned) }
}

fn of_view<R: Row>(folded: &Folded, view: &View<'_>, keep: impl Fn(&R) -> bool) -> anyhow::Result<Answer<R>> {
    let page = view.page::<R>(&[], None, usize::MAX, |row| keep(row))?;
    let answer =
        Answer { as_of: at(folded, view.size()), behind: 0, rows: page.rows, next: None, truncated: page.truncated };
    if answer.truncated {
        say(&format!("note: only {MAX_SCANNED} rows were looked at; there may be more"));
    }
    Ok(answer)
}

/// All pages of a list. The second and later ones are of the size of the first, which their cursor names.
pub(crate) fn of_server<R: for<'de> Deserialize<'de>>(
    server: &Server,
    args: &FromArgs,
    path: &str,
    query: &[(&str, &str)],
) -> anyhow::Result<Answer<R>> {
    let as_of = args.as_of.map(|as_of| as_of.to_string());
    let ask = |cursor: Option<&str>| -> anyhow::Result<Answer<R>> {
        let mut query = query.to_vec();
        query.push(("limit", PAGE));
        // A cursor names the size of the first page; what `as_of` stands for may be more than the views have read.
        match cursor {
            Some(cursor) => query.push(("cursor", cursor)),
            None => query.extend(as_of.as_deref().map(|as_of| ("as_of", as_of))),
        }
        server.get(path, &query)
    };
    let (mut answer, mut pages) = (ask(None)?, 0);
    while let Some(next) = answer.next.take() {
        let page = ask(Some(&next))?;
        pages += 1;
        // A page may be empty and not the last; but an answer that does not get on would be asked for ever.
        if pages > MAX_PAGES || page.next.as_deref() == Some(&next) {
            bail!("{path}: the server's answer does not get on");
        }
        answer.rows.extend(page.rows);
        answer.next = page.next;
        answer.truncated |= page.truncated;
        if answer.rows.len() > MAX_ROWS {
            bail!("{path}: the server has more than {MAX_ROWS} rows; narrow the question");
        }
    }
    say_server(&answer);
    Ok(answer)
}

fn say_server<R>(answer: &Answer<R>) {
    say_behind(answer.behind);
    if answer.truncated {
        say("note: the server looked at a part of its rows only; there may be more");
    }
}

/// Says that a server's views lag behind its log.
pub(crate) fn say_behind(behind: u64) {
    if behind > 0 {
        say(&format!("note: the server's views are {behind} entries behind its log"));
    }
}

/// A subject from the command line.
pub(crate) fn subject(text: &str) -> anyhow::Result<Subject> {
    Subject::parse(text).with_context(|| format!("{text:?} is not a subject"))
}
