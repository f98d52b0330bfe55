//! The inventory of the story, and of names made to break a spreadsheet.

use modeltrail_compliance::dossier::Facts;
use modeltrail_compliance::inventory::{Inventory, inventory};
use modeltrail_core::bundle::source::LedgerRead as _;
use modeltrail_core::types::EntryIndex;
use modeltrail_views::fold::Folder;
use modeltrail_views::read::ReadEntry;
use modeltrail_views::store::MemoryViews;
use modeltrail_views::view::View;

use crate::dry::{self, Dry};
use crate::hostile::world;

fn of(ledger: &Dry) -> Inventory {
    let view = dry::view(ledger);
    let size = view.size().get();
    let views = MemoryViews::new();
    let mut folder = Folder::new(&views).unwrap();
    for index in 0..size {
        let index = EntryIndex(index);
        let opening = view.opening(index).unwrap();
        folder.entry(&ReadEntry::new(&view.header(index).unwrap(), opening.as_deref()).unwrap()).unwrap();
    }
    folder.write(size, "").unwrap();
    let root = view.head().root.to_string();
    let facts = Facts { origin: view.origin().to_owned(), size, root, as_of: size, complete: Vec::new() };
    inventory(&View::new(&views, size), &facts, None).unwrap()
}

#[test]
fn the_story_s_models_stand_in_it_with_what_was_said() {
    let made = of(&dry::story());
    let names: Vec<&str> = made.models.iter().map(|line| line.model.as_str()).collect();
    for model in ["model/risk/pd-retail", "model/risk/pd-mortgage", "model/fraud/card-fraud", "model/ops/branch-cash"] {
        assert!(names.contains(&model), "{names:?}");
    }
    let at = |id: &str| made.columns.iter().position(|column| column.id == id).unwrap();
    let mortgage = made.models.iter().find(|line| line.model == "model/risk/pd-mortgage").unwrap();
    let text =
        |id: &str| mortgage.cells[at(id)].iter().map(|cell| cell.value.to_string()).collect::<Vec<_>>().join(" ");
    assert!(
        text("running").contains("pd-mortgage@1.1.0 at deployment/production-eu/mortgage-scoring"),
        "{}",
        text("running")
    );
    assert!(text("approver").contains("p-04ab9d"));
    assert!(text("tier").contains('1'));
    assert!(text("approved_until").contains("2027-05-31"));
    assert!(text("data").contains("mortgages/train@2026-02"));
    let csv = String::from_utf8(made.to_csv()).unwrap();
    assert_eq!(csv.matches("\r\n").count(), made.models.len() + 1);
    let page = String::from_utf8(made.to_html().unwrap()).unwrap();
    assert!(page.contains("model/risk/pd-mortgage") && !page.contains("<script"));
    assert_eq!(made.to_json(), of(&dry::story()).to_json());
}

#[test]
fn a_spreadsheet_finds_no_formula() {
    let made = of(&world());
    let csv = String::from_utf8(made.to_csv()).unwrap();
    assert!(csv.contains("'=HYPERLINK"), "{csv}");
    for cell in csv.replace("\r\n", ",").split(',').map(|cell| cell.trim_matches('"')) {
        let number = cell.parse::<f64>().is_ok();
        assert!(number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
    }
    let page = String::from_utf8(made.to_html().unwrap()).unwrap();
    for bad in ["<script", "<img", "\u{202e}"] {
        assert!(!page.contains(bad), "the page has {bad:?}");
    }
}
