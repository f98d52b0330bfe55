//! Links lead somewhere, and keep what the reader looks at.

use std::collections::BTreeSet;

use crate::world::{PAGES, World, links_of};

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let world = World::new();
    let (mut seen, mut dead) = (BTreeSet::new(), Vec::new());
    for path in PAGES {
        for link in links_of(&world.html(path)) {
            // An export is made by following it.
            if link.starts_with('#') || link.starts_with("/v1/exports") || !seen.insert(link.clone()) {
                continue;
            }
            assert!(link.starts_with('/'), "{path} leads to {link}");
            let status = world.page(&link).status;
            if status != 200 {
                dead.push(format!("{path} leads to {link}: {status}"));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
    assert!(seen.len() > 150, "{}", seen.len());
}

#[test]
fn links_keep_the_as_of() {
    let world = World::new();
    let size = world.server.size();
    for path in PAGES.iter().filter(|path| !path.starts_with("/make")) {
        let separator = if path.contains('?') { '&' } else { '?' };
        let html = world.html(&format!("{path}{separator}as_of={size}"));
        for link in links_of(&html) {
            let elsewhere =
                ["/static/", "/v1/", "/checkpoint", "#", "/?as_of="].iter().any(|start| link.starts_with(start));
            let back = html.contains(&format!("<a href=\"{}\">Back to now</a>", link.replace('&', "&#38;")));
            assert!(elsewhere || back || link.contains(&format!("as_of={size}")), "{path} leads to {link}");
        }
    }
}

#[test]
fn the_seven_questions_are_three_clicks_away() {
    let world = World::new();
    let overview = links_of(&world.html("/"));
    for page in ["/models", "/models?tier=1", "/changes", "/lineage", "/validations", "/approvals"] {
        assert!(overview.iter().any(|link| link == page), "{page}");
    }
    assert!(overview.iter().any(|link| link.starts_with("/v1/inventory?as_of=")), "{overview:?}");
}
