//! People, teams and services, by pseudonym, and what each did.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_views::rows::{Party, PartyAct};
use modeltrail_views::tables::part;

use super::model::capital;
use crate::portal::bits::{Bit, Cell, entry_bit, party_bit, signature_bit, subject_bit, time_bit};
use crate::portal::blocks::{Block, Facts, Field, Form};
use crate::portal::context::Cx;
use crate::portal::fault::Fault;
use crate::portal::list::{Column, Listing, Order};
use crate::portal::page::Page;
use crate::portal::text::{cut, holds, spaced};

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
    let rows =
        all.into_iter().filter(|party| cx.param("q").is_none_or(|text| holds([party.party.as_str()], text))).collect();
    let mut page = Page::new("Parties", "Who acts");
    page.lead = Cell::words(
        "People, teams, bodies and services, by pseudonym: who is behind one is known outside of this ledger, so that a name can be forgotten without touching the log.",
    );
    page.main.push(Form::filter(cx, "Filter parties", vec![Field::text("q", "Pseudonym contains", cx.param("q"), "")]));
    let empty = Cell::words("No party matches. They come with the")
        .and(Bit::Code("actor".to_owned()))
        .then("and the party fields of events.");
    page.main.push(Listing::main("parties", "Parties", PARTIES, "party", empty).bounded(truncated).block(cx, rows));
    Ok(page)
}

/// What a party did by one entry, in all its capacities there.
struct Deed {
    act: PartyAct,
    capacities: Vec<String>,
}

/// One for each entry and what it is about.
fn deeds(acts: Vec<PartyAct>) -> Vec<Deed> {
    let mut by: BTreeMap<(u64, Option<String>), Deed> = BTreeMap::new();
    for act in acts {
        let capacity = spaced(&act.capacity);
        let deed = by.entry((act.act.entry, act.about.clone())).or_insert(Deed { act, capacities: Vec::new() });
        deed.capacities.push(capacity);
    }
    by.into_values().collect()
}

const DEEDS: &[Column<Deed>] = &[
    Column::sorted(
        "when",
        "When",
        |deed| Order::Number(deed.act.act.entry),
        |deed, links| Cell::from(time_bit(deed.act.act.happened())).entry(links, deed.act.act.entry),
    ),
    Column::sorted(
        "capacity",
        "As",
        |deed| Order::text(deed.capacities.first().map(String::as_str)),
        |deed, _| Cell::words(deed.capacities.join(", ")),
    ),
    Column::sorted(
        "what",
        "What",
        |deed| Order::text(Some(&deed.act.act.r#type)),
        |deed, _| {
            let whole = deed.act.act.r#type.as_str();
            let verb = whole.strip_prefix("modeltrail.").and_then(|rest| rest.rsplit_once(".v"));
            let verb = verb.map_or(whole, |(verb, _)| verb);
            Cell::words(capital(&spaced(verb)))
        },
    ),
    Column::sorted(
        "about",
        "About",
        |deed| Order::text(deed.act.about.as_deref()),
        |deed, links| deed.act.about.as_deref().map_or_else(Cell::none, |about| Cell::from(subject_bit(links, about))),
    ),
    Column::plain("Role then", |deed, _| {
        let actor = deed.act.act.actor.as_ref().filter(|actor| actor.id == deed.act.party);
        Cell::or_missing(actor.and_then(|actor| actor.role.as_deref()).map(Cell::name), "")
    }),
    Column::plain("Signature", |deed, _| Cell::from(signature_bit(deed.act.act.signature))),
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
    let roles: BTreeSet<String> = acts
        .iter()
        .filter_map(|act| act.act.actor.as_ref())
        .filter(|actor| actor.id == party.party)
        .filter_map(|actor| actor.role.clone())
        .collect();
    let capacities: BTreeSet<String> = acts.iter().map(|act| act.capacity.clone()).collect();
    page.main.push(Block::Facts(
        Facts::new("Facts", "facts")
            .row("Roles held", Cell::lines(roles.iter().map(|role| Cell::name(role))))
            .row(
                "Acted as",
                Cell::words(capacities.iter().map(|capacity| spaced(capacity)).collect::<Vec<_>>().join(", ")),
            )
            .row("First named", Cell::new().and(entry_bit(&cx.links, party.first))),
    ));
    let listing = Listing::main("acts", "What it did", DEEDS, "-when", Cell::words("Nothing is recorded."));
    page.main.push(listing.bounded(truncated).block(cx, deeds(acts)));
    Ok(page)
}
