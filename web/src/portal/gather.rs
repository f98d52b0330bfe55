//! What several pages ask of the views.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_compliance::words::sentence;
use modeltrail_schemas::subject::{Kind, Subject};
use modeltrail_views::rows::{Approval, Deployment, Finding, Member, Served, Severity};
use modeltrail_views::tables::{RowKey, Table};

use super::bits::{
    Bit, Cell, day_bit, entry_bit, mark, party_bit, sentence_cell, severity_bit, signature_bit, subject_bit, time_bit,
};
use super::blocks::{Line, Timeline};
use super::context::{Cx, LIST_ROWS};
use super::fault::Fault;
use super::links::Links;
use super::text::cut;
use crate::errors::WebError;
use crate::query::wrong;

/// Subjects offered where one is not found.
const NEAR: usize = 6;
/// Subjects of a name that the offered ones are chosen from.
const FOUND: usize = 100;
/// Subjects of a kind that are compared with a name that is not found.
const COMPARED: usize = 5_000;

/// The subject that a page is about; it must be of that kind and known.
pub(crate) fn subject(cx: &Cx<'_>, kind: &'static str, wanted: &[Kind]) -> Result<String, Fault> {
    let asked = cx.demanded("subject")?;
    let parsed = Subject::parse(asked);
    let known = parsed.as_ref().is_ok_and(|subject| wanted.is_empty() || wanted.contains(&subject.kind()));
    if known && cx.view().has(Table::Subjects, &[asked])? {
        return Ok(asked.to_owned());
    }
    Err(missing(cx, kind, asked)?)
}

/// "No such model", with what it could have meant.
pub(crate) fn missing(cx: &Cx<'_>, kind: &'static str, asked: &str) -> Result<Fault, Fault> {
    Ok(Fault::Missing { kind, asked: asked.to_owned(), near: near(cx, asked)? })
}

/// Subjects that somebody could have meant: of the same kind first, where the kind can be read.
pub(crate) fn near(cx: &Cx<'_>, asked: &str) -> Result<Vec<String>, Fault> {
    let mut near: BTreeSet<String> = BTreeSet::new();
    let name = asked.rsplit('/').next().unwrap_or(asked);
    let name = name.split('@').next().unwrap_or(name);
    if !name.is_empty() {
        near.extend(cx.view().find(name, FOUND)?);
    }
    if near.len() < NEAR {
        near.extend(nearest(cx, asked)?);
    }
    let kind = asked.split('/').next();
    let mut near: Vec<String> = near.into_iter().collect();
    near.sort_by_key(|subject| (subject.split('/').next() != kind, !is_model(subject)));
    near.truncate(NEAR);
    Ok(near)
}

/// Subjects whose spelling is nearest, of the same kind where the kind can be read.
fn nearest(cx: &Cx<'_>, asked: &str) -> Result<Vec<String>, Fault> {
    let kind = asked.split('/').next().filter(|kind| Kind::parse(kind).is_some());
    let mut found: Vec<(usize, bool, String)> = Vec::new();
    let mut seen = 0;
    cx.view().each(Table::Subjects, &[], None, &mut |key, _| {
        for subject in key.parts() {
            if kind.is_none_or(|kind| subject.split('/').next() == Some(kind)) {
                // A name alone, as somebody types it into the search, is held against names alone.
                let compared = if kind.is_some() { subject.as_str() } else { bare(&subject) };
                let far = distance(asked, compared);
                if far <= asked.len().max(4) / 3 {
                    found.push((far, !is_model(&subject), subject));
                }
            }
        }
        seen += 1;
        seen < COMPARED
    })?;
    found.sort();
    Ok(found.into_iter().take(NEAR).map(|(_, _, subject)| subject).collect())
}

/// Models are what most people look for: of what is equally near they come first.
fn is_model(subject: &str) -> bool {
    subject.starts_with("model/")
}

/// A subject's name without its kind, namespace and version.
fn bare(subject: &str) -> &str {
    let whole = subject.split('@').next().unwrap_or(subject);
    whole.rsplit('/').next().unwrap_or(whole)
}

/// How many letters have to be changed, added or taken away; texts are cut at 80.
fn distance(one: &str, other: &str) -> usize {
    const LONGEST: usize = 80;
    let (one, other): (Vec<u8>, Vec<u8>) = (one.bytes().take(LONGEST).collect(), other.bytes().take(LONGEST).collect());
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, byte) in one.iter().enumerate() {
        let mut corner = row[0];
        row[0] = at + 1;
        for (place, against) in other.iter().enumerate() {
            let change = corner + usize::from(!byte.eq_ignore_ascii_case(against));
            corner = row[place + 1];
            row[place + 1] = change.min(corner + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

/// The model of a version; the model itself.
pub(crate) fn whole_of(subject: &str) -> &str {
    subject.split('@').next().unwrap_or(subject)
}

/// The first parts of a table's keys that start with a text, in order.
pub(crate) fn starting(cx: &Cx<'_>, table: Table, start: &str) -> Result<Vec<String>, Fault> {
    let mut from = RowKey::prefix(table, &[]);
    from.extend_from_slice(start.as_bytes());
    let mut found = Vec::new();
    cx.view().each(table, &[], Some(&hex::encode(from)), &mut |key, _| {
        let part = key.parts().into_iter().next().filter(|part| part.starts_with(start));
        let more = part.is_some() && found.len() < LIST_ROWS;
        found.extend(part);
        more
    })?;
    found.dedup();
    Ok(found)
}

/// The versions that run somewhere.
pub(crate) fn running(deployments: &[Deployment]) -> BTreeSet<&str> {
    let running = deployments.iter().filter(|deployment| deployment.state == "running");
    running.flat_map(|deployment| &deployment.running).map(|member| member.subject.as_str()).collect()
}

/// Deployments by the model whose version runs there.
pub(crate) fn running_by_model(deployments: &[Deployment]) -> BTreeMap<String, Vec<(String, Member)>> {
    let mut by: BTreeMap<String, Vec<(String, Member)>> = BTreeMap::new();
    for deployment in deployments.iter().filter(|deployment| deployment.state == "running") {
        for member in &deployment.running {
            by.entry(whole_of(&member.subject).to_owned())
                .or_default()
                .push((deployment.subject.clone(), member.clone()));
        }
    }
    by
}

/// Findings that still stand.
pub(crate) fn standing(findings: Vec<Finding>) -> Vec<Finding> {
    findings.into_iter().filter(|finding| finding.ended.is_none()).collect()
}

/// Findings by the subject, and by the whole of each.
pub(crate) fn findings_by_subject(findings: &[Finding]) -> BTreeMap<String, Vec<&Finding>> {
    let mut by: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let subjects: BTreeSet<&str> =
            finding.subjects.iter().flat_map(|subject| [subject.as_str(), whole_of(subject)]).collect();
        for subject in subjects {
            by.entry(subject.to_owned()).or_default().push(finding);
        }
    }
    by
}

/// How many findings point at a subject, and the heaviest of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// How many.
    pub(crate) number: u64,
    /// The heaviest.
    pub(crate) heaviest: Option<Severity>,
}

impl Count {
    /// Of those of one subject.
    pub(crate) fn of(by: &BTreeMap<String, Vec<&Finding>>, subject: &str) -> Self {
        let findings = by.get(subject).map(Vec::as_slice).unwrap_or_default();
        Self { number: findings.len() as u64, heaviest: findings.iter().map(|finding| finding.severity).min() }
    }

    /// For a table, with the way to them.
    pub(crate) fn cell(self, links: &Links, subject: &str) -> Cell {
        let Some(heaviest) = self.heaviest else { return Cell::none() };
        let Bit::Mark { tone, shape, word } = severity_bit(heaviest) else { return Cell::none() };
        let words = if self.number == 1 { word } else { format!("{}, worst {word}", self.number) };
        Cell::from(mark(tone, shape, words))
            .and(super::bits::link(links.to("/findings", &[("subject", subject)]), "see"))
    }
}

/// What an approval is at a time, in one word and its mark.
pub(crate) fn approval_state(approval: &Approval, now: &str) -> (&'static str, Bit) {
    let over = approval.expires.as_ref().is_some_and(|expires| expires.value.as_str() <= now);
    match approval.state.as_str() {
        "granted" if over => ("expired", mark("high", "▲", "expired")),
        "granted" => ("in force", mark("good", "✓", "in force")),
        "requested" => ("pending", mark("medium", "■", "pending")),
        "rejected" => ("rejected", mark("neutral", "✕", "rejected")),
        "withdrawn" => ("withdrawn", mark("neutral", "○", "withdrawn")),
        "revoked" => ("revoked", mark("high", "✕", "revoked")),
        "expired" => ("expired", mark("high", "▲", "expired")),
        _ => ("discounted", mark("critical", "✕", "counts for nothing")),
    }
}

/// One version in a serving set.
pub(crate) fn member_cell(links: &Links, member: &Member) -> Cell {
    let mut cell = Cell::subject(links, &member.subject);
    let mut how = member.role.replace('_', " ");
    if let Some(weight) = &member.weight {
        how.push_str(&format!(", {weight} %"));
    }
    if !(member.role == "serving" && member.weight.as_deref().is_none_or(|weight| weight == "100")) {
        cell = cell.aside(cut(&how));
    }
    cell
}

/// A serving set, a line each.
pub(crate) fn members_cell(links: &Links, members: &[Member]) -> Cell {
    if members.is_empty() {
        Cell::from(Bit::Aside("nothing".to_owned()))
    } else {
        Cell::lines(members.iter().map(|member| member_cell(links, member)))
    }
}

/// Where a version runs or ran.
pub(crate) fn served_cell(links: &Links, served: &Served) -> Cell {
    let mut cell = Cell::subject(links, &served.deployment);
    if served.role != "serving" {
        cell = cell.aside(cut(&served.role));
    }
    cell = cell.and(Bit::Break).and(day_bit(&served.from.value)).entry(links, served.from.entry).then("–");
    match &served.until {
        Some(until) => cell.and(day_bit(&until.value)).entry(links, until.entry),
        None => cell.and(mark("good", "●", "runs")),
    }
}

/// The sentence of an entry, as a timeline's line; the day it was received on.
pub(crate) fn line(cx: &Cx<'_>, index: u64) -> Result<(String, Line), Fault> {
    let links = &cx.links;
    let entry = cx.entry(index)?;
    let act = entry.act();
    let mut more = Cell::new();
    if let Some(actor) = &act.actor {
        more = more.and(party_bit(links, &actor.id));
    } else if !act.source.is_empty() && !entry.own() {
        more = more.and(Bit::Aside(cut(&act.source)));
    }
    if !act.counts() {
        more = more.and(signature_bit(act.signature));
    }
    if entry.quarantined() {
        more = more.and(mark("medium", "■", "kept aside"));
    }
    let clock = Bit::Time { iso: act.received.clone(), words: act.received.get(11..16).unwrap_or_default().to_owned() };
    let mut what = sentence_cell(links, &sentence(&entry));
    if let Some(time) = act.time.as_deref().filter(|time| time.get(..10) != act.received.get(..10)) {
        what = what.and(Bit::Aside("happened".to_owned())).and(time_bit(time));
    }
    let day = act.received.get(..10).unwrap_or_default().to_owned();
    Ok((day, Line { clock, what, more: more.and(entry_bit(links, index)) }))
}

/// A timeline of these entries, in this order.
pub(crate) fn timeline(
    cx: &Cx<'_>,
    heading: &'static str,
    id: &'static str,
    entries: &[u64],
    empty: Cell,
) -> Result<Timeline, Fault> {
    let mut days: Vec<(String, Vec<Line>)> = Vec::new();
    for index in entries {
        let (day, line) = line(cx, *index)?;
        match days.last_mut() {
            Some((last, lines)) if *last == day => lines.push(line),
            _ => days.push((day, vec![line])),
        }
    }
    let days = days.into_iter().map(|(day, lines)| (day_bit(&day), lines)).collect();
    Ok(Timeline { heading, id, days, note: Cell::new(), previous: None, next: None, empty })
}

/// How many steps a trail has below the page's size.
pub(crate) fn trail_len(cx: &Cx<'_>, subject: &str) -> Result<u64, Fault> {
    let ledger = cx.state.ledger();
    let Some((last, index)) = ledger.trail_head(subject)? else { return Ok(0) };
    if index.get() < cx.size {
        return Ok(last + 1);
    }
    // Entries of a trail ascend: halve.
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low + (high - low) / 2;
        let step = ledger.trail(subject, middle, 1)?;
        let step = step.first().ok_or_else(|| WebError::Contradiction {
            what: format!("step {middle} of the trail of {subject} is missing"),
        })?;
        if step.get() < cx.size { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

/// Steps of a trail, oldest first.
pub(crate) fn trail(cx: &Cx<'_>, subject: &str, from: u64, most: usize) -> Result<Vec<u64>, Fault> {
    let steps = cx.state.ledger().trail(subject, from, most)?;
    Ok(steps.into_iter().map(|index| index.get()).filter(|index| *index < cx.size).collect())
}

/// The last steps of a trail, newest first.
pub(crate) fn newest(cx: &Cx<'_>, subject: &str, most: u64) -> Result<Vec<u64>, Fault> {
    let len = trail_len(cx, subject)?;
    let from = len.saturating_sub(most);
    let mut steps = trail(cx, subject, from, usize::try_from(len - from).unwrap_or(usize::MAX))?;
    steps.reverse();
    Ok(steps)
}

/// Entries received before a time, by halving.
pub(crate) fn before_time(cx: &Cx<'_>, time: &str) -> u64 {
    let (mut low, mut high) = (0, cx.size);
    while low < high {
        let middle = low + (high - low) / 2;
        let earlier = cx.received(middle).is_some_and(|received| received.as_str() < time);
        if earlier { low = middle + 1 } else { high = middle }
    }
    low
}

/// A day (its beginning, or its end) or a time, in the ledger's spelling.
pub(crate) fn time_param(cx: &Cx<'_>, name: &str, end: bool) -> Result<Option<String>, Fault> {
    let Some(text) = cx.param(name) else { return Ok(None) };
    let whole = if text.len() == 10 {
        format!("{text}T{}Z", if end { "23:59:59.999999" } else { "00:00:00" })
    } else {
        text.to_owned()
    };
    let time = modeltrail_schemas::time::parse_rfc3339(&whole);
    let time = time.ok_or_else(|| wrong(name, "is not a day (2026-03-31) or a time (2026-03-31T12:00:00Z)"))?;
    Ok(Some(time.to_string()))
}

/// A list of subjects as links, a line each, at most so many.
pub(crate) fn subjects_cell(links: &Links, subjects: &[String], most: usize) -> Cell {
    let mut lines: Vec<Cell> =
        subjects.iter().take(most).map(|subject| Cell::from(subject_bit(links, subject))).collect();
    if subjects.len() > most {
        lines.push(Cell::from(Bit::Aside(format!("and {} more", subjects.len() - most))));
    }
    Cell::lines(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_compared_letter_by_letter() {
        assert_eq!(distance("model/risk/pd-retail", "model/risk/pd-retail"), 0);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("ABC", "abc"), 0);
        assert!(distance(&"a".repeat(1_000_000), "b") <= 80);
    }
}
