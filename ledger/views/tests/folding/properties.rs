//! What must hold of every ledger.

use modeltrail_views::fold::state_digest;
use modeltrail_views::lineage::{Direction, walk};
use modeltrail_views::rows::Finding;
use modeltrail_views::view::View;
use proptest::prelude::*;

use crate::acts::{acts, play};
use crate::world::{World, dump, fold};

/// Questions beside the rows themselves: what ran when, walks, searches.
fn answers(view: &View<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for time in ["2026-02-28T07:00:00.000000Z", "2026-03-01T00:00:00.000000Z", "2026-03-03T00:00:00.000000Z"] {
        for service in 0..3 {
            found.push(format!("{:?}", view.ran_at(&format!("deployment/prod/s{service}"), time).unwrap()));
        }
    }
    for start in ["model/n/m0@1", "dataset/d@1", "deployment/prod/s1", "run/air/r2"] {
        for direction in [Direction::Up, Direction::Down, Direction::Both] {
            found.push(format!("{:?}", walk(view, start, direction, 5, 100).unwrap()));
        }
        found.push(format!("{:?} {:?}", view.findings_of(start).unwrap(), view.incidents_of(start).unwrap()));
        found.push(format!("{:?}", view.approvals_of(start).unwrap()));
    }
    for word in ["m1", "n/m", "a1", "p-", "e2"] {
        found.push(format!("{:?}", view.find(word, 50).unwrap()));
    }
    found.push(format!("{:?}", view.find_digest("sha256:01", 50).unwrap()));
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_state_is_the_same_however_the_fold_is_cut(acts in acts(120), batches in prop::collection::vec(1..40_usize, 1..6)) {
        let mut world = World::new();
        play(&mut world, &acts);
        let entries = world.entries();
        let at_once = state_digest(&fold(&entries, &[100_000])).unwrap();
        prop_assert_eq!(&state_digest(&fold(&entries, &batches)).unwrap(), &at_once);
        prop_assert_eq!(&state_digest(&fold(&entries, &[1])).unwrap(), &at_once);
    }

    #[test]
    fn an_answer_as_of_a_size_is_that_of_a_ledger_that_ends_there(acts in acts(120), at in 0.0..1.0_f64) {
        let mut world = World::new();
        play(&mut world, &acts);
        let entries = world.entries();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a short list")]
        let size = (entries.len() as f64 * at) as usize;
        let (whole, short) = (fold(&entries, &[16]), fold(&entries[..size], &[16]));
        let (whole, short) = (View::new(&whole, size as u64), View::new(&short, size as u64));
        prop_assert_eq!(dump(&whole), dump(&short));
        prop_assert_eq!(answers(&whole), answers(&short));
    }

    #[test]
    fn entries_may_be_missing_and_nothing_is_found_in_those_that_are_not_there(acts in acts(80), kept in prop::collection::vec(any::<bool>(), 90)) {
        let mut world = World::new();
        play(&mut world, &acts);
        let entries = world.entries();
        let some: Vec<_> = entries.iter().zip(kept.iter().cycle()).filter(|(_, kept)| **kept).map(|(entry, _)| entry.clone()).collect();
        let there: Vec<u64> = some.iter().map(modeltrail_views::read::ReadEntry::index).collect();
        let store = fold(&some, &[7]);
        let view = View::new(&store, entries.len() as u64);
        for finding in view.all::<Finding>(&[]).unwrap() {
            prop_assert!(there.contains(&finding.entries[0]), "{:?}", finding);
        }
        prop_assert_eq!(state_digest(&fold(&some, &[100])).unwrap(), state_digest(&store).unwrap());
    }
}
