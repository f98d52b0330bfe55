//! What this proves and what not, and the words that the pages use.

use crate::portal::bits::{Bit, Cell, link};
use crate::portal::blocks::{Block, Facts};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::page::Page;

/// The word, its question, and what it does not mean.
const VERDICTS: [(&str, &str, &str); 6] = [
    (
        "Integrity",
        "Is each record unchanged? Its header commits to it, and the header's hash stands in the tree that checkpoints sign.",
        "Not that nothing is missing.",
    ),
    (
        "Order",
        "Does each entry follow the one before it? Each header holds the hash of the one before.",
        "Not that the sources' clocks were right.",
    ),
    (
        "Completeness",
        "Is anything missing? Entries, trails and Kafka positions are numbered without gaps; what was lost on the way in is an entry itself.",
        "Not that a source sent everything.",
    ),
    (
        "Authenticity",
        "Which key signed, and might it speak for this? Signatures are judged by the keys registered before.",
        "Not that the holder of the key was honest.",
    ),
    (
        "Time",
        "When was it received? By the ledger's clock, which never goes back without an entry that says so.",
        "Not an exact time, where no outside anchor exists.",
    ),
    (
        "Truth",
        "Is what an event says so? That is never proven here: the ledger proves what was said, by which key and when it was received.",
        "Nothing.",
    ),
];

/// What a word means on these pages.
const WORDS: [(&str, &str); 14] = [
    ("Entry", "A row of the ledger, numbered from 0: one event as it arrived, with when and how."),
    (
        "Record",
        "The bytes of an event as they arrived. They are what is hashed; meaning is read out of them afterwards.",
    ),
    ("Subject", "What an entry is about, such as model/risk/pd-retail@3.1.0."),
    ("Trail", "All entries about one subject, numbered without a gap."),
    ("Checkpoint", "The signed summary of all entries up to a size: origin, size, root."),
    ("Root", "One hash over all entries. Change any entry, and it is another one."),
    ("Inclusion proof", "The few hashes that lead from one entry to the root."),
    ("Manifest digest", "The hash over the list of everything a version was made of. Approvals bind to it."),
    ("Finding", "An expectation that the log shows broken, with the entries that show it. It judges nobody."),
    (
        "Counts for nothing",
        "A statement whose signature counts for nothing: bad, by an unknown or revoked key, or by one that may not speak for this.",
    ),
    (
        "Kept aside",
        "An entry that could not be read or must not speak. It is in the chain, and the views leave it out.",
    ),
    (
        "As of",
        "The ledger as it stood at a number of entries or at a time: pages then know nothing of what came later.",
    ),
    (
        "Declared, observed, inferred, attested",
        "How a source knows what it says: it says so, it saw it, it concluded it, it vouches for it.",
    ),
    (
        "Views",
        "What the pages are made from: folded from the log, and folded anew whenever in doubt. The log is what counts.",
    ),
];

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let links = &cx.links;
    let mut page = Page::new("What this proves and what not", "Help");
    page.lead = Cell::words("Six questions, kept apart. Whoever asks “is it all right?” asks one of these.");
    let mut facts = Facts::new("Six verdicts", "verdicts");
    for (word, question, not) in VERDICTS {
        facts = facts
            .row(word, Cell::words(question).and(Bit::Break).and(Bit::Aside(format!("What it does not mean: {not}"))));
    }
    page.main.push(Block::Facts(facts));
    let mut glossary = Facts::new("Words", "words");
    for (word, meaning) in WORDS {
        glossary = glossary.row(word, Cell::words(meaning));
    }
    page.main.push(Block::Facts(glossary));
    page.main.push(Block::Text { heading: "Times", id: "times", lines: vec![
        Cell::words("All times are UTC. “Received” is told by the ledger's clock; “happened” is what the source claims. Deployments answer in both: what ran then as it is known now, and as it was known then."),
    ] });
    page.main.push(Block::Links {
        heading: "Check it yourself",
        id: "check-links",
        links: vec![
            (
                link(links.to("/integrity", &[]), "Integrity"),
                Cell::words("the newest checkpoint, and a check in this browser"),
            ),
            (
                link(links.to("/make", &[]), "Take something away"),
                Cell::words("and run modeltrail verify on it, offline"),
            ),
            (link("/v1/docs".to_owned(), "The API"), Cell::words("everything that the pages show, as JSON")),
        ],
    });
    Ok(page)
}
