//! People, teams and services, by pseudonym, and what each did.

use modeltrail_views::rows::{Party, PartyAct};
use modeltrail_views::tables::part;

use super::model::capital;
use crate::portal::bits::{Bit, Cell, entry_bit, party_bit, signature_bit, subject_bit, time_bit};
use crate::portal::blocks::{Block, Facts, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{cut, spaced};

const PARTIES: &[Column<Party>] = &[
    Column::sorted(
        "party",
        "Party",
        |party| Order::text(Some(&party.party)),
        |party, links| Cell::from(party_bit(links, &party.party)),
    ),
    Column::sorted(
        "first",
        "First named",
        |party| Order::Number(party.first),
        |party, links| Cell::new().and(entry_bit(links, party.first)),
    ),
];

pub(super) fn list(cx: &Cx<'_>) -> Result<Page, Fault> {
    let (all, truncated) = cx.rows::<Party>(&[])?;
    let rows = all
        .into_iter()
        .filter(|party| cx.param("q").is_none_or(|text| party.party.to_lowercase().contains(&text.to_lowercase())))
        .collect();
    let mut page = Page::new("Parties", "Who acts");
    page.lead = Cell::words(
        "People, teams, bodies and services, by pseudonym: who is behind one is known outside of this ledger, so that a name can be forgotten without touching the log.",
    );
    page.main.push(Block::Form(Form {
        label: "Filter parties",
        action: "/parties".to_owned(),
        hidden: super::models::kept(cx),
        fields: vec![Field::text("q", "Pseudonym contains", cx.param("q"), "")],
        button: "Filter",
        clear: cx.param("q").map(|_| cx.links.to("/parties", &[])),
    }));
    let empty = Cell::words("No party matches. They come with the")
        .and(Bit::Code("actor".to_owned()))
        .then("and the party fields of events.");
    let mut listing = Listing::main("parties", "Parties", PARTIES, "party", empty);
    listing.truncated = truncated;
    page.main.push(Block::Table(listing.table(cx, rows)));
    Ok(page)
}

const ACTS: &[Column<PartyAct>] = &[
    Column::sorted(
        "when",
        "When",
        |act| Order::Number(act.act.entry),
        |act, _| Cell::from(time_bit(act.act.happened())),
    ),
    Column::sorted(
        "capacity",
        "As",
        |act| Order::text(Some(&act.capacity)),
        |act, _| Cell::words(spaced(&act.capacity)),
    ),
    Column::sorted(
        "what",
        "What",
        |act| Order::text(Some(&act.act.r#type)),
        |act, _| {
            let verb = act
                .act
                .r#type
                .strip_prefix("modeltrail.")
                .and_then(|rest| rest.rsplit_once(".v"))
                .map_or(act.act.r#type.as_str(), |(verb, _)| verb);
            Cell::words(capital(&spaced(verb)))
        },
    ),
    Column::sorted(
        "about",
        "About",
        |act| Order::text(act.about.as_deref()),
        |act, links| act.about.as_deref().map_or_else(Cell::none, |about| Cell::from(subject_bit(links, about))),
    ),
    Column::plain("Role then", |act, _| {
        act.act
            .actor
            .as_ref()
            .filter(|actor| actor.id == act.party)
            .and_then(|actor| actor.role.as_deref())
            .map_or_else(|| Cell::missing(""), Cell::name)
    }),
    Column::plain("Signature", |act, _| Cell::from(signature_bit(act.act.signature))),
    Column::plain("Entry", |act, links| Cell::new().and(entry_bit(links, act.act.entry))),
];

pub(super) fn page(cx: &Cx<'_>) -> Result<Page, Fault> {
    let id = cx.demanded("id")?;
    let Some(party) = cx.view().get::<Party>(&[&part(id)])? else {
        let near = cx.view().find(id, 6)?;
        return Err(Fault::Missing { kind: "party", asked: id.to_owned(), near });
    };
    let (acts, truncated) = cx.rows::<PartyAct>(&[&part(id)])?;
    let mut page = Page::new(cut(id), "Party").crumb("Parties", cx.links.to("/parties", &[]));
    page.lead = Cell::words(
        "What this party did, and what others said that it did. Who is behind the pseudonym is not in the ledger.",
    );
    let mut listing = Listing::main("acts", "What it did", ACTS, "-when", Cell::words("Nothing is recorded."));
    listing.truncated = truncated;
    let roles: std::collections::BTreeSet<String> = acts
        .iter()
        .filter_map(|act| act.act.actor.as_ref())
        .filter(|actor| actor.id == party.party)
        .filter_map(|actor| actor.role.clone())
        .collect();
    let capacities: std::collections::BTreeSet<String> = acts.iter().map(|act| act.capacity.clone()).collect();
    page.main.push(Block::Facts(
        Facts::new("Facts", "facts")
            .row("Roles held", Cell::lines(roles.iter().map(|role| Cell::name(role))))
            .row("Acted as", Cell::lines(capacities.iter().map(|capacity| Cell::words(spaced(capacity)))))
            .row("First named", Cell::new().and(entry_bit(&cx.links, party.first))),
    ));
    page.main.push(Block::Table(listing.table(cx, acts)));
    Ok(page)
}
