//! Why a page can't be shown as asked, and the page that says so.

use actix_web::http::StatusCode;
use modeltrail_core::store::StoreError;
use modeltrail_views::read::ReadError;
use modeltrail_views::store::ViewError;
use serde_json::Value;

use super::bits::{Bit, Cell, link, subject_bit};
use super::blocks::{Block, Callout};
use super::links::Links;
use super::page::Page;
use super::text::cut;
use crate::errors::WebError;

/// Why a page can't be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// As for the API.
    #[error(transparent)]
    Web(#[from] WebError),
    /// The views can't answer.
    #[error(transparent)]
    View(#[from] ViewError),
    /// An entry can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is asked for is not there.
    #[error("there is no {kind} `{asked}`")]
    Missing {
        /// What kind of thing.
        kind: &'static str,
        /// What was asked for.
        asked: String,
        /// Subjects that it could have meant.
        near: Vec<String>,
    },
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Web(error.into())
    }
}

impl Fault {
    /// The page that says what was wrong, where, and what to do.
    pub(crate) fn page(&self, links: &Links) -> Page {
        match self {
            Self::Missing { kind, asked, near } => missing(links, kind, asked, near),
            Self::Web(error) => problem(links, &error.problem()),
            Self::View(error) => failed(links, &error.to_string()),
            Self::Read(error) => failed(links, &error.to_string()),
        }
    }
}

fn missing(links: &Links, kind: &'static str, asked: &str, near: &[String]) -> Page {
    let mut page = Page::new(format!("No such {kind}"), "Not found");
    page.status = StatusCode::NOT_FOUND;
    page.lead = Cell::words(format!("This ledger knows no {kind}"))
        .and(Bit::Name(cut(asked)))
        .then("at the point that this page shows.");
    if links.as_of().is_some() {
        let text = Cell::words("The page shows the past: what is asked for may have come later.")
            .and(link(Links::default().subject(asked), "Ask about now"));
        page.main.push(Block::Callout(Callout { tone: "note", word: "Past", text }));
    }
    if !near.is_empty() {
        let near = near.iter().map(|subject| (subject_bit(links, subject), Cell::name(subject))).collect();
        page.main.push(Block::Links { heading: "Did you mean", id: "near", links: near });
    }
    page.main.push(Block::Links { heading: "Where to look", id: "elsewhere", links: elsewhere(links, asked) });
    page
}

fn elsewhere(links: &Links, asked: &str) -> Vec<(Bit, Cell)> {
    vec![
        (
            link(links.to("/search", &[("q", asked)]), "Search for it"),
            Cell::words("by name, digest, party, id or entry number"),
        ),
        (link(links.to("/models", &[]), "All models"), Cell::new()),
        (link(links.to("/", &[]), "Overview"), Cell::new()),
    ]
}

fn problem(links: &Links, problem: &Value) -> Page {
    let text = |member: &str| problem.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let status = problem.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let mut page = Page::new(text("title"), "Can't be shown");
    page.status =
        status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    page.lead = Cell::prose(&sentence(&text("detail")));
    let code = text("type");
    let said = Cell::words("Problem")
        .and(Bit::Code(code.trim_start_matches("urn:modeltrail:problem:").to_owned()))
        .then("· request")
        .and(Bit::Code(text("instance").trim_start_matches("urn:modeltrail:request:").to_owned()));
    page.main.push(Block::Text { heading: "For whoever looks into it", id: "problem", lines: vec![said] });
    page.main.push(Block::Links { heading: "Where to look", id: "elsewhere", links: elsewhere(links, "") });
    page
}

/// A message as a sentence for people: with a capital, a full stop, and quotation marks for what stands in code's.
fn sentence(message: &str) -> String {
    let mut text = String::with_capacity(message.len() + 4);
    let mut quoted = false;
    for (at, letter) in message.chars().enumerate() {
        match letter {
            '`' => {
                quoted = !quoted;
                text.push(if quoted { '“' } else { '”' });
            }
            letter if at == 0 => text.extend(letter.to_uppercase()),
            letter => text.push(letter),
        }
    }
    text.push('.');
    text
}

fn failed(links: &Links, what: &str) -> Page {
    tracing::error!(error = what, "a page can't be shown");
    let mut page = Page::new("The views can't answer", "Can't be shown");
    page.status = StatusCode::INTERNAL_SERVER_ERROR;
    page.lead = Cell::prose(&sentence(what));
    let lines = vec![
        Cell::words("The log itself is not touched by this: its entries can be read and verified as before. The views are made from it and can be made again:")
            .and(Bit::Code("modeltraild rebuild".to_owned())),
    ];
    page.main.push(Block::Text { heading: "What to do", id: "problem", lines });
    page.main.push(Block::Links {
        heading: "What works meanwhile",
        id: "elsewhere",
        links: vec![
            (link(links.to("/entries", &[]), "Entries"), Cell::new()),
            (link(links.to("/integrity", &[]), "Integrity"), Cell::new()),
        ],
    });
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(sentence("parameter `at` is not a day"), "Parameter “at” is not a day.");
        assert_eq!((sentence("`x"), sentence("")), ("“x.".to_owned(), ".".to_owned()));
    }
}
