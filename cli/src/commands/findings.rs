//! `modeltrail findings`: broken expectations that the log shows.

use modeltrail_views::rows::{Finding, Severity};

use crate::args::{FindingsArgs, SeverityArg};
use crate::ask::{Source, subject};
use crate::exit::Exit;
use crate::output::{Output, printable, say};
use crate::table::short_time;

pub(crate) fn run(args: &FindingsArgs, out: Output) -> anyhow::Result<Exit> {
    let about = args.subject.as_deref().map(subject).transpose()?;
    let severity = args.severity.map(severity);
    let mut query = Vec::new();
    query.extend(severity.map(|severity| ("severity", word(severity))));
    query.extend(args.rule.as_deref().map(|rule| ("rule", rule)));
    query.extend(about.as_ref().map(|about| ("subject", about.as_str())));
    let keep = |row: &Finding| {
        severity.is_none_or(|wanted| row.severity == wanted)
            && args.rule.as_ref().is_none_or(|rule| row.rule == *rule)
            && about.as_ref().is_none_or(|about| row.subjects.iter().any(|subject| points(subject, about.as_str())))
    };
    let source = Source::new(&args.from)?;
    let mut answer = source.list::<Finding>(&args.from, "/v1/findings", &query, keep)?;
    if let Source::Bundle(folded) = &source {
        let all = answer.rows.len();
        answer.rows.retain(|row| folded.can_tell(row));
        let unsure = all - answer.rows.len();
        if unsure > 0 {
            say(&format!("note: findings not shown, since trails that they rest on are not in the bundle: {unsure}"));
        }
    }
    answer.rows.sort_by(|a, b| (a.severity, &a.entries, &a.id).cmp(&(b.severity, &b.entries, &b.id)));
    out.print(&answer, || text(&answer.rows))?;
    Ok(Exit::Holds)
}

/// Whether a finding points at this, or at a version of it.
fn points(subject: &str, about: &str) -> bool {
    subject == about || subject.split_once('@').is_some_and(|(whole, _)| whole == about)
}

fn severity(arg: SeverityArg) -> Severity {
    match arg {
        SeverityArg::Critical => Severity::Critical,
        SeverityArg::High => Severity::High,
        SeverityArg::Medium => Severity::Medium,
        SeverityArg::Low => Severity::Low,
    }
}

/// The severity's word in rows and queries.
pub(crate) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

/// A finding is sentences, not cells: a few lines each.
fn text(rows: &[Finding]) -> String {
    if rows.is_empty() {
        return "No findings.\n".to_owned();
    }
    rows.iter().map(lines).collect()
}

fn lines(row: &Finding) -> String {
    let entries: Vec<String> = row.entries.iter().map(u64::to_string).collect();
    let ended = row.ended.map(|entry| format!(", ended by entry {entry}")).unwrap_or_default();
    printable(&format!(
        "{:<8}  {}  {}\n          expected: {}\n          seen: {}\n          about {}\n          since {}, entry {}{ended}\n",
        word(row.severity),
        row.id,
        one_line(&row.title),
        one_line(&row.expected),
        one_line(&row.seen),
        row.subjects.join(", "),
        short_time(&row.since),
        entries.join(", "),
    ))
}

/// Text of an event without line ends, so that it can't look like a line of ours.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
