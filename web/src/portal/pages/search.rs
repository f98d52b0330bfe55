//! One box: a name, a digest, a party, an id or an entry's number.

use modeltrail_schemas::subject::Subject;
use modeltrail_views::rows::{Approval, Finding, Party};
use modeltrail_views::tables::{Table, part};

use super::approvals;
use crate::portal::bits::{Bit, Cell, link, party_bit, subject_bit};
use crate::portal::blocks::{Block, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::gather::near;
use crate::portal::list::{Column, Listing};
use crate::portal::page::Page;
use crate::portal::text::{cut, grouped, spaced};

/// Subjects found at most.
const MAX_FOUND: usize = 200;
/// A digest is looked for from so many digits on.
const LEAST_DIGITS: usize = 6;

/// Something found.
struct Found {
    subject: String,
    why: &'static str,
}

const FOUND: &[Column<Found>] = &[
    Column::plain("What", |found, links| Cell::from(subject_bit(links, &found.subject))),
    Column::plain("Kind", |found, _| Cell::words(spaced(found.subject.split('/').next().unwrap_or_default()))),
    Column::plain("Found by", |found, _| Cell::words(found.why)),
    Column::plain("Subject", |found, _| Cell::from(Bit::Code(cut(&found.subject)))),
];

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let Some(asked) = cx.param("q") else { return Ok(nothing_asked(cx)) };
    let mut page = Page::new(format!("Search: {}", cut(asked)), "Search");
    let direct = direct(cx, asked)?;
    let digits = asked.strip_prefix("sha256:").unwrap_or(asked);
    let is_digest = digits.len() >= LEAST_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest {
        page.main.extend(by_digest(cx, digits)?);
    }
    let found = found(cx, asked, digits, is_digest)?;
    let nothing = found.is_empty() && direct.is_empty() && page.main.is_empty();
    if !direct.is_empty() {
        page.main.insert(0, Block::Links { heading: "Directly", id: "direct", links: direct });
    }
    if nothing {
        page.lead =
            Cell::words("Nothing was found for").and(Bit::Name(cut(asked))).then("at the point that this page shows.");
        let near = near(cx, asked)?;
        if !near.is_empty() {
            let near = near.iter().map(|subject| (subject_bit(&cx.links, subject), Cell::name(subject))).collect();
            page.main.push(Block::Links { heading: "Did you mean", id: "near", links: near });
        }
        page.main.push(Block::Text { heading: "How the search finds", id: "how", lines: how() });
    } else if !found.is_empty() {
        let bound = found.len() >= MAX_FOUND;
        page.main.push(Listing::part("found", "Subjects", FOUND, Cell::new()).bounded(bound).block(cx, found));
    }
    Ok(page)
}

fn how() -> Vec<Cell> {
    vec![
        Cell::words(
            "Names are found by the beginning of any of their words: “fraud” finds fraud/card-fraud@6.0.1, “card” does too.",
        ),
        Cell::words("Digests and commits are found by their first six or more digits, with or without “sha256:”."),
        Cell::words("Parties, approvals, evaluations and incidents are found by their ids; entries by their number."),
    ]
}

fn nothing_asked(cx: &Cx<'_>) -> Page {
    let mut page = Page::new("Search", "Search");
    page.main.push(Block::Form(Form::to(
        cx,
        "Search",
        "/search",
        vec![Field::text("q", "Name, digest, party, id or entry number", None, "")],
        "Search",
    )));
    page.main.push(Block::Text { heading: "How the search finds", id: "how", lines: how() });
    page
}

/// What is named exactly: an entry, a subject, a party, a finding, an approval.
fn direct(cx: &Cx<'_>, asked: &str) -> Result<Vec<(Bit, Cell)>, Fault> {
    let links = &cx.links;
    let mut direct = Vec::new();
    let number = asked.trim_start_matches('#').replace(',', "");
    if let Some(index) = crate::query::parse_number(&number).filter(|index| *index < cx.size) {
        direct.push((
            link(links.entry(index), format!("Entry {}", grouped(index))),
            crate::portal::gather::line(cx, index)?.1.what,
        ));
    }
    if Subject::parse(asked).is_ok() && cx.view().has(Table::Subjects, &[asked])? {
        direct.push((subject_bit(links, asked), Cell::words("the subject itself")));
    }
    if cx.view().get::<Party>(&[&part(asked)])?.is_some() {
        direct.push((party_bit(links, asked), Cell::words("what this party did")));
    }
    if let Some(finding) = cx.view().get::<Finding>(&[&part(asked)])? {
        direct.push((link(links.finding(&finding.id), finding.id.clone()), Cell::prose(&finding.title)));
    }
    for approval in cx.rows::<Approval>(&[])?.0.iter().filter(|approval| approval.id.eq_ignore_ascii_case(asked)) {
        direct.push((
            super::model::approval_link(links, approval),
            Cell::words("the approval of").and(subject_bit(links, &approval.about)),
        ));
    }
    Ok(direct)
}

/// Who approved this digest.
fn by_digest(cx: &Cx<'_>, digits: &str) -> Result<Option<Block>, Fault> {
    let digits = digits.to_lowercase();
    let bound = |approval: &Approval| {
        approval.digest.as_ref().is_some_and(|digest| digest.value.trim_start_matches("sha256:").starts_with(&digits))
    };
    let approvals: Vec<Approval> = cx.rows::<Approval>(&[])?.0.into_iter().filter(bound).collect();
    Ok(approvals::part_of(cx, approvals, false))
}

fn found(cx: &Cx<'_>, asked: &str, digits: &str, is_digest: bool) -> Result<Vec<Found>, Fault> {
    let mut all = std::collections::BTreeMap::new();
    if is_digest {
        for subject in cx.view().find_digest(digits, MAX_FOUND)? {
            all.insert(subject, "digest");
        }
    }
    // Each word narrows: what all of them find.
    let mut by_name: Option<std::collections::BTreeSet<String>> = None;
    for word in asked.split_whitespace() {
        let found = cx.view().find(word, MAX_FOUND)?.into_iter().collect();
        by_name = Some(match by_name {
            Some(before) => before.intersection(&found).cloned().collect(),
            None => found,
        });
    }
    for subject in by_name.unwrap_or_default() {
        all.entry(subject).or_insert("name or id");
    }
    Ok(all.into_iter().take(MAX_FOUND).map(|(subject, why)| Found { subject, why }).collect())
}
