//! `modeltrail approvals`: who approved what, by subject or by manifest digest.

use anyhow::bail;
use modeltrail_schemas::subject::Subject;
use modeltrail_views::rows::{Act, Approval, Mark};

use crate::args::ApprovalsArgs;
use crate::ask::{At, Source};
use crate::exit::Exit;
use crate::output::Output;
use crate::table::{Table, or_dash, short_digest, short_time};

/// Digits of a digest that tell it from others by chance: fewer are no question about one digest.
const LEAST_DIGITS: usize = 8;

/// What approvals are asked for by.
enum About {
    Subject(Subject),
    /// The first digits of a digest, or all.
    Digest(String),
}

impl About {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
        if !digits.is_empty() && digits.len() <= 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            if digits.len() < LEAST_DIGITS {
                bail!("{text:?} has too few digits for a digest: give at least {LEAST_DIGITS}");
            }
            return Ok(Self::Digest(digits));
        }
        match Subject::parse(text) {
            Ok(subject) => Ok(Self::Subject(subject)),
            Err(error) => bail!("{text:?} is neither a subject ({error}) nor a SHA-256 digest in hex"),
        }
    }

    fn fits(&self, row: &Approval) -> bool {
        match self {
            Self::Subject(subject) => {
                let versions = subject.version().is_none();
                let rest = row.about.strip_prefix(subject.as_str());
                rest.is_some_and(|rest| rest.is_empty() || (versions && rest.starts_with('@')))
            }
            Self::Digest(digits) => row.digest.as_ref().is_some_and(|said| {
                said.value.strip_prefix("sha256:").unwrap_or(&said.value).to_ascii_lowercase().starts_with(digits)
            }),
        }
    }
}

pub(crate) fn run(args: &ApprovalsArgs, out: Output) -> anyhow::Result<Exit> {
    let about = About::parse(&args.about)?;
    let whole_digest;
    let mut query = Vec::new();
    match &about {
        About::Subject(subject) if subject.version().is_some() => query.push(("about", subject.as_str())),
        About::Digest(digits) if digits.len() == 64 => {
            whole_digest = format!("sha256:{digits}");
            query.push(("digest", &whole_digest));
        }
        // Of a model its versions' approvals are wanted too, and of the first digits all that fit.
        _ => {}
    }
    let source = Source::new(&args.from)?;
    let answer = source.list::<Approval>(&args.from, "/v1/approvals", &query, |row| about.fits(row))?;
    out.print(&answer, || text(&answer.rows, &answer.as_of))?;
    Ok(Exit::Holds)
}

fn text(rows: &[Approval], as_of: &At) -> String {
    let mut table = Table::new(&[
        "APPROVAL",
        "STATE",
        "ABOUT",
        "DIGEST",
        "WHERE",
        "BY",
        "ROLE",
        "WHEN",
        "UNTIL",
        "SIGNATURE",
        "ENTRY",
    ]);
    for row in rows {
        table.row(cells(row, as_of));
        for act in &row.discounted {
            table.row(discounted(row, act));
        }
    }
    table.text("No approvals.")
}

/// Who granted it stands there even after it ended; else who ended it or asked for it.
fn cells(row: &Approval, as_of: &At) -> Vec<String> {
    let act = row.granted.as_ref().or(row.ended.as_ref()).or(row.requested.as_ref());
    let by = match &row.granted {
        Some(_) if !row.approvers.is_empty() => Some(row.approvers.join(", ")),
        _ => act.and_then(|act| act.actor.as_ref()).map(|actor| actor.id.clone()),
    };
    let role = act.and_then(|act| act.actor.as_ref()).and_then(|actor| actor.role.as_deref());
    let digest = row.digest.as_ref().map(|said| short_digest(&said.value));
    let until = row.expires.as_ref().map(|said| short_time(&said.value));
    let places = if row.places().is_empty() { "everywhere".to_owned() } else { row.places().join(", ") };
    vec![
        row.id.clone(),
        state(row, as_of),
        row.about.clone(),
        or_dash(digest.as_deref()),
        places,
        or_dash(by.as_deref()),
        or_dash(role),
        or_dash(act.map(|act| short_time(act.happened())).as_deref()),
        or_dash(until.as_deref()),
        act.map_or("-", |act| mark(act.signature)).to_owned(),
        or_dash(act.map(|act| act.entry.to_string()).as_deref()),
    ]
}

/// A statement under the approval's id that counts for nothing.
fn discounted(row: &Approval, act: &Act) -> Vec<String> {
    let actor = act.actor.as_ref();
    vec![
        row.id.clone(),
        "counts for nothing".to_owned(),
        row.about.clone(),
        "-".to_owned(),
        "-".to_owned(),
        or_dash(actor.map(|actor| actor.id.as_str())),
        or_dash(actor.and_then(|actor| actor.role.as_deref())),
        short_time(act.happened()),
        "-".to_owned(),
        mark(act.signature).to_owned(),
        act.entry.to_string(),
    ]
}

/// The state at the time asked about. Time alone changes no row.
fn state(row: &Approval, as_of: &At) -> String {
    let ran_out = match (&row.expires, &as_of.time) {
        (Some(expires), Some(time)) if row.state == "granted" => expires.value < *time,
        _ => false,
    };
    let ended = row.granted.as_ref().and(row.ended.as_ref());
    let ended = ended.map(|act| format!(" by entry {}", act.entry)).unwrap_or_default();
    let emergency = if row.emergency { ", after the act" } else { "" };
    let ran_out = if ran_out { ", ran out" } else { "" };
    format!("{}{ended}{emergency}{ran_out}", row.state)
}

/// What became of an act's signatures, in a word or two.
pub(crate) fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::None => "unsigned",
        Mark::Ledger => "the ledger's own",
        Mark::Valid => "valid",
        Mark::NotEntitled => "not entitled",
        Mark::Unbound => "unbound",
        Mark::Revoked => "revoked",
        Mark::Bad => "bad",
        Mark::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_and_digests_are_told_apart() {
        assert!(matches!(About::parse("model/fraud@2.1.0"), Ok(About::Subject(_))));
        for digest in ["sha256:0123456789ABCDEF", "01234567"] {
            assert!(
                matches!(About::parse(digest), Ok(About::Digest(found)) if found.starts_with("01234567")),
                "{digest}"
            );
        }
        for bad in ["", "fraud", "0123", "sha256:", "sha256:xyz", &"0".repeat(65)] {
            assert!(About::parse(bad).is_err(), "{bad}");
        }
    }
}
