//! What an operator who has the key may try: every bundle here is signed as it should be, and says something that is not so.

use modeltrail_core::bundle::manifest::FileDigest;
use modeltrail_core::header::{EntryHeader, SignerStatus};
use modeltrail_core::memory::MemoryStore;
use modeltrail_core::types::{Commitment, EntryIndex};
use modeltrail_core::verify::{Aspect, Outcome, Verdict};
use serde_json::{Value, json};

use super::world::{Files, MODEL, World, bundle_of, event, mirror, vkey};
use super::{expect_fault, expect_holds};

fn is_event(header: &EntryHeader, id: &str) -> bool {
    header.event.as_ref().is_some_and(|event| event.id == id)
}

/// A bundle of the ledger in which one header was changed and everything after it made anew.
fn forged_bundle(id: &str, change: impl Fn(&mut EntryHeader)) -> Files {
    let world = World::full();
    let store = world.forged(|_, header, _| {
        if is_event(header, id) && header.quarantine.is_none() {
            change(header);
        }
    });
    bundle_of(&store, &[MODEL], world.key)
}

fn expect_forgery_caught(id: &str, aspect: Aspect, what: &str, change: impl Fn(&mut EntryHeader)) {
    expect_fault(&forged_bundle(id, change).verify(Some(vkey(1))).unwrap(), aspect, what);
}

#[test]
fn the_forger_alone_changes_nothing() {
    expect_holds(&forged_bundle("e6", |_| {}).verify(Some(vkey(1))).unwrap());
}

#[test]
fn headers_that_their_records_do_not_say() {
    let integrity = Aspect::Integrity;
    expect_forgery_caught("e6", integrity, "event is", |header| {
        header.event.as_mut().unwrap().r#type = "com.example.other".to_owned()
    });
    expect_forgery_caught("e6", integrity, "event is", |header| header.event.as_mut().unwrap().time = None);
    expect_forgery_caught("e6", integrity, "content.format is", |header| header.content.format = "unknown".to_owned());
    expect_forgery_caught("e6", integrity, "trails is", |header| header.trails[0].role = "about".to_owned());
    expect_forgery_caught("e6", integrity, "trails is", |header| header.trails.retain(|step| step.subject == MODEL));
    expect_forgery_caught("e6", integrity, "content.size says", |header| header.content.size += 1);
    expect_forgery_caught("e6", integrity, "do not open the commitment", |header| {
        header.content.commitment.0.0[0] ^= 1
    });
    expect_forgery_caught("e6", integrity, "another", |header| header.origin = "example.com/another".to_owned());
    expect_forgery_caught("e6", integrity, "quarantine is subject", |header| {
        header.quarantine = Some(modeltrail_core::header::Quarantined { of: None, reason: "subject".to_owned() });
    });
    expect_forgery_caught("e6", integrity, "cannot have come by ledger", |header| {
        header.received.via = "ledger".to_owned();
        header.received.producer = None;
    });
}

#[test]
fn subjects_beyond_the_header_can_not_be_dropped_or_changed() {
    let world = World::full();
    let wide = "dataset/claims@7";
    let caught = |store: &MemoryStore, what: &str| {
        expect_fault(&bundle_of(store, &[wide], 2).verify(Some(vkey(1))).unwrap(), Aspect::Integrity, what)
    };
    caught(
        &world.forged(|_, header, _| {
            if is_event(header, "e8") {
                header.trails.truncate(63)
            }
        }),
        "trails is",
    );
    // The entries behind it say that they belong to another.
    let e8 = world.headers().into_iter().find(|(_, header)| is_event(header, "e8")).unwrap().0;
    let other_of = world.forged(|index, header, opening| {
        if index == e8 + 1 {
            recommit(header, opening, &format!("\"of\":{e8}"), "\"of\":2");
        }
    });
    caught(&other_of, "more subjects; no ledger.trails_added entry");
    let other_subject = world.forged(|index, header, opening| {
        if index == e8 + 1 {
            let first =
                header.trails.iter().find(|step| step.subject.starts_with("dataset/part")).unwrap().subject.clone();
            let changed = first.replacen("part", "park", 1);
            recommit(header, opening, &format!("\"{first}\""), &format!("\"{changed}\""));
        }
    });
    caught(&other_subject, "adds other trails to entry");
}

#[test]
fn signers_that_record_and_keys_do_not_say() {
    for (id, found) in [
        ("e3", SignerStatus::Bad),
        ("e4", SignerStatus::Valid),
        ("e5", SignerStatus::NotEntitled),
        ("e7", SignerStatus::Valid),
    ] {
        expect_forgery_caught(id, Aspect::Authenticity, "record and keys say", |header| {
            header.signers[0].status = found;
            header.signers[0].alg = (found != SignerStatus::Unknown).then(|| "ed25519".to_owned());
        });
    }
}

#[test]
fn a_conflict_that_is_none() {
    let world = World::full();
    let e2 = world.headers().into_iter().find(|(_, header)| is_event(header, "e2")).unwrap().0;
    let store = world.forged(|_, header, _| {
        if let Some(quarantine) = header.quarantine.as_mut().filter(|quarantine| quarantine.of.is_some()) {
            quarantine.of = Some(EntryIndex(e2));
        }
    });
    expect_fault(
        &bundle_of(&store, &[MODEL], 2).verify(Some(vkey(1))).unwrap(),
        Aspect::Integrity,
        "is said to be in conflict with",
    );
    let store = world.forged(|_, header, _| {
        header.quarantine = header.quarantine.take().filter(|quarantine| quarantine.of.is_none())
    });
    expect_fault(
        &bundle_of(&store, &[MODEL], 2).verify(Some(vkey(1))).unwrap(),
        Aspect::Integrity,
        "both are admitted",
    );
}

#[test]
fn times_that_go_back() {
    expect_forgery_caught("e6", Aspect::Time, "is before that of entry", |header| {
        header.received.at = "2020-01-01T00:00:00.000000Z".to_owned()
    });
}

/// Changes a record, and commits to it anew.
fn recommit(header: &mut EntryHeader, opening: &mut Option<Vec<u8>>, from: &str, to: &str) {
    let bytes = opening.as_mut().unwrap();
    // Behind the salt an own record has five bytes, then its body.
    let body = String::from_utf8(bytes[21..].to_vec()).unwrap().replacen(from, to, 1);
    assert!(body.contains(to));
    bytes.truncate(21);
    bytes.extend_from_slice(body.as_bytes());
    header.content.commitment = Commitment::of(bytes);
    header.content.size = bytes.len() as u64 - 16;
}

/// Changes one line of the entries and signs the bundle again.
fn relined(id: &str, change: impl Fn(&mut Value)) -> Files {
    let mut bundle = World::full().bundle();
    let mut lines = bundle.lines("entries.jsonl");
    let quoted = format!("\\\"id\\\":\\\"{id}\\\"");
    let line = lines.iter_mut().find(|line| line.contains(&quoted) && !line.contains("conflict")).unwrap();
    let mut value: Value = serde_json::from_str(line).unwrap();
    change(&mut value);
    *line = serde_json::to_string(&value).unwrap();
    bundle.set_lines("entries.jsonl", &lines);
    bundle.relist(2, |_| {});
    bundle
}

fn make_absent(value: &mut Value, why: &str) {
    let line = value.as_object_mut().unwrap();
    line.remove("record");
    line.remove("salt");
    line.insert("absent".to_owned(), json!(why));
}

#[test]
fn absences_must_be_true() {
    let withheld = relined("e6", |line| make_absent(line, "withheld")).verify(Some(vkey(1))).unwrap();
    expect_holds(&withheld);
    assert!(
        matches!(&withheld.integrity, Verdict::Holds { sense } if sense.contains("2 records are absent")),
        "{withheld:#?}"
    );
    for (why, expected) in [("erased", "no record.erased entry"), ("not-kept", "does not fit content.kept")] {
        expect_fault(
            &relined("e6", |line| make_absent(line, why)).verify(Some(vkey(1))).unwrap(),
            Aspect::Integrity,
            expected,
        );
    }
    // Entry 2 registers a producer's key: withheld, nobody could derive a signer again.
    expect_fault(
        &relined("2", |line| make_absent(line, "withheld")).verify(Some(vkey(1))).unwrap(),
        Aspect::Integrity,
        "own records never are",
    );
}

#[test]
fn lines_that_were_changed_under_a_good_signature() {
    let integrity = Aspect::Integrity;
    let cases: [(&str, fn(&mut Value)); 4] = [
        ("do not open", |line| line["salt"] = json!("00".repeat(16))),
        ("not in the tree", |line| line["proof"][0] = json!("00".repeat(32))),
        ("proof", |line| line["proof"].as_array_mut().unwrap().push(json!("00".repeat(32)))),
        ("canonical JSON", |line| line["more"] = json!(1)),
    ];
    for (expected, change) in cases {
        expect_fault(&relined("e6", change).verify(Some(vkey(1))).unwrap(), integrity, expected);
    }
}

#[test]
fn a_header_of_a_later_version_could_not_be_judged() {
    let later =
        relined("e6", |line| line["header"] = json!(line["header"].as_str().unwrap().replace("\"v\":1}", "\"v\":2}")));
    let report = later.verify(Some(vkey(1))).unwrap();
    assert_eq!(report.outcome(false), Outcome::CouldNotBeJudged, "{report:#?}");
    assert!(matches!(&report.integrity, Verdict::CouldNotBeJudged { why } if why.contains("version 2")), "{report:#?}");
}

#[test]
fn a_header_by_a_reading_that_was_never_in_force_does_not_hold() {
    let other = relined("e6", |line| {
        line["header"] = json!(line["header"].as_str().unwrap().replace("\"reading\":1,", "\"reading\":2,"))
    });
    // Not only could not be judged, as by a reading that this program does not know: nobody named it.
    expect_fault(&other.verify(Some(vkey(1))).unwrap(), Aspect::Integrity, "reading 2, but 1 was in force");
}

#[test]
fn lines_moved_doubled_or_left_out() {
    let bundle = World::full().bundle();
    let lines = bundle.lines("entries.jsonl");
    let last = lines.len() - 1;
    let with = |lines: Vec<String>| {
        let mut bundle = bundle.clone();
        bundle.set_lines("entries.jsonl", &lines);
        bundle.relist(2, |_| {});
        bundle.verify(Some(vkey(1))).unwrap()
    };
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    expect_fault(&with(swapped), Aspect::Integrity, "index does not ascend");
    let mut doubled = lines.clone();
    doubled.insert(4, lines[3].clone());
    expect_fault(&with(doubled), Aspect::Integrity, "index does not ascend");
    for at in 0..last {
        let mut partial = lines.clone();
        let left_out = partial.remove(at);
        let report = with(partial);
        assert_eq!(report.outcome(false), Outcome::DoesNotHold, "line {} left out: {left_out}\n{report:#?}", at + 1);
    }
}

#[test]
fn claims_that_do_not_fit_the_entries() {
    type Change = fn(&mut modeltrail_core::bundle::manifest::Manifest);
    let completeness = Aspect::Completeness;
    let cases: [(Aspect, &str, Change); 8] = [
        (completeness, "claims", |m| m.trails.iter_mut().find(|claim| claim.subject == MODEL).unwrap().count -= 1),
        (completeness, "claims", |m| m.trails.iter_mut().find(|claim| claim.subject == MODEL).unwrap().last = Some(0)),
        (completeness, "claims no trail for model/fraud@2.1.0", |m| m.trails.retain(|claim| claim.subject != MODEL)),
        (completeness, "claims no trail for key/", |m| m.trails.retain(|claim| !claim.subject.starts_with("key/"))),
        (Aspect::Integrity, "another", |m| m.origin = "example.com/another".to_owned()),
        (Aspect::Integrity, "not in the tree", |m| m.root.0[0] ^= 1),
        (Aspect::Integrity, "as_of", |m| m.scope.as_of = m.tree_size + 1),
        (Aspect::Authenticity, "tree size", |m| m.tree_size += 1),
    ];
    for (aspect, what, change) in cases {
        let mut bundle = World::full().bundle();
        bundle.relist(2, change);
        expect_fault(&bundle.verify(Some(vkey(1))).unwrap(), aspect, what);
    }
}

#[test]
fn keys_that_were_rotated_away_or_never_introduced() {
    let mut bundle = World::full().bundle();
    bundle.relist(1, |_| {});
    expect_fault(&bundle.verify(Some(vkey(1))).unwrap(), Aspect::Authenticity, "MANIFEST.note");

    let authenticity = Aspect::Authenticity;
    let cases: [(&str, &str, &str); 3] = [
        ("keys.json", "},{", "a key from"),
        ("consistency.jsonl", "", "no sound checkpoint of size"),
        ("keys.json", "swap", "does not begin with"),
    ];
    for (file, how, expected) in cases {
        let mut bundle = World::full().bundle();
        let text = String::from_utf8(bundle.0[file].clone()).unwrap();
        let changed = match how {
            "" => String::new(),
            "swap" => text.replace(&vkey(1).to_string(), &vkey(5).to_string()),
            _ => format!("{}}},{{\"from\":25,\"key\":\"{}\"}}]", text.trim_end_matches("}]"), vkey(6)),
        };
        bundle.0.insert(file.to_owned(), changed.into_bytes());
        bundle.relist(2, |_| {});
        expect_fault(&bundle.verify(Some(vkey(2))).unwrap(), authenticity, expected);
    }
}

#[test]
fn whoever_kept_the_old_key_cannot_go_on_alone() {
    let world = World::full();
    let rotation = world
        .headers()
        .iter()
        .position(|(_, header)| header.event.as_ref().is_some_and(|event| event.r#type.contains("key.rotated")))
        .unwrap();
    let mut other = World::new();
    while other.size() < rotation as u64 + 3 {
        other.http(&event(&format!("x{}", other.size()), "com.example.note", MODEL, &json!({})));
        other.seal();
    }
    let fork = other.bundle();
    expect_holds(&fork.verify(Some(vkey(1))).unwrap());
    expect_fault(&fork.verify(Some(vkey(2))).unwrap(), Aspect::Authenticity, "does not have the key that was given");
}

#[test]
fn a_fork_does_not_grow_from_an_earlier_checkpoint() {
    let honest = World::full();
    let store = honest.forged(|_, header, _| {
        if is_event(header, "e2") {
            header.received.at.replace_range(26..27, "Z");
            header.received.producer = Some("other".to_owned());
        }
    });
    let mut fork = bundle_of(&store, &[MODEL], 2);
    expect_holds(&fork.verify(Some(vkey(2))).unwrap());
    let honest_checkpoint: Value = serde_json::from_str(&honest.bundle().lines("consistency.jsonl")[0]).unwrap();
    let mut line: Value = serde_json::from_str(&fork.lines("consistency.jsonl")[0]).unwrap();
    line["checkpoint"] = honest_checkpoint["checkpoint"].clone();
    fork.set_lines("consistency.jsonl", &[serde_json::to_string(&line).unwrap()]);
    fork.relist(2, |_| {});
    expect_fault(&fork.verify(Some(vkey(2))).unwrap(), Aspect::Authenticity, "did not grow from the checkpoint");
}

/// An entry is left off two trails by giving its ordinal to the next one as well. The bundle shows nothing of it; all headers do.
#[test]
fn a_doubled_ordinal_is_caught_with_all_headers() {
    let world = World::full();
    let hidden = world.headers().into_iter().find(|(_, header)| is_event(header, "e6")).unwrap();
    let store = world.forged(|index, header, _| {
        for step in header.trails.iter_mut().filter(|_| index > hidden.0) {
            let Some(left) = hidden.1.step(&step.subject) else { continue };
            step.n -= 1;
            if step.prev == Some(EntryIndex(hidden.0)) {
                step.prev = left.prev;
            }
        }
    });
    let bundle = bundle_of(&store, &[MODEL], world.key);
    assert!(!bundle.lines("entries.jsonl").iter().any(|line| line.contains("\\\"e6\\\"")), "the entry is hidden");
    let report = bundle.verify(Some(vkey(1))).unwrap();
    expect_holds(&report);
    assert!(
        matches!(&report.completeness, Verdict::Holds { sense } if sense.contains("stated by the ledger's key, not recomputed")),
        "{report:#?}"
    );
    let directory = tempfile::tempdir().unwrap();
    mirror(&store, directory.path());
    expect_fault(
        &bundle.verify_with(Some(vkey(1)), Some(directory.path())).unwrap(),
        Aspect::Completeness,
        "on the trail of model/fraud@2.1.0",
    );
}

#[test]
fn a_mirror_of_another_history_is_told() {
    let world = World::full();
    let store = world.forged(|_, header, _| {
        if is_event(header, "e2") {
            header.received.producer = Some("other".to_owned());
        }
    });
    let directory = tempfile::tempdir().unwrap();
    mirror(&store, directory.path());
    let report = world.bundle().verify_with(Some(vkey(1)), Some(directory.path())).unwrap();
    expect_fault(&report, Aspect::Completeness, "another history");
}

#[test]
fn a_reading_table_of_ones_own_is_not_the_published_one() {
    let mut world = World::new();
    let digest = format!("sha256:{}", "ab".repeat(32));
    let published = modeltrail_schemas::catalogue::reading_digest();
    world.own(
        "modeltrail.ledger.reading_changed.v1",
        json!({"old": 1, "new": 1, "old_digest": published, "new_digest": digest}),
    );
    world.http(&event("e1", "com.example.note", MODEL, &json!({})));
    world.seal();
    let report = world.bundle().verify(Some(vkey(1))).unwrap();
    expect_fault(&report, Aspect::Integrity, "as the table of reading 1");
}

/// What a header may say of an entry whose record nobody can see.
#[test]
fn headers_of_absent_records_must_still_make_sense() {
    let quarantined = |reason: &str| Some(modeltrail_core::header::Quarantined { of: None, reason: reason.to_owned() });
    let cases: [(&str, Box<dyn Fn(&mut EntryHeader)>); 5] = [
        (
            "has an event that its quarantine does not allow",
            Box::new(|header| header.quarantine = quarantined("malformed")),
        ),
        ("is quarantined as reserved", Box::new(|header| header.quarantine = quarantined("reserved"))),
        ("was not kept", Box::new(|header| header.content.kept = Some(false))),
        ("a reason that this format does not have", Box::new(|header| header.quarantine = quarantined("boring"))),
        ("no quarantine says why", Box::new(|header| header.event = None)),
    ];
    for (expected, change) in cases {
        let world = World::full();
        let store = world.forged(|_, header, opening| {
            if is_event(header, "e6") {
                change(header);
                *opening = opening.take().filter(|_| header.content.kept.is_none());
            }
        });
        expect_fault(&bundle_of(&store, &[MODEL], 2).verify(Some(vkey(1))).unwrap(), Aspect::Integrity, expected);
    }
}

/// A ledger that reads by a table of its own: what it says of trails can't be derived by this program, and is no pass.
#[test]
fn headers_by_a_table_of_ones_own_could_not_be_judged() {
    let table = b"{}";
    let world = World::full();
    let published = modeltrail_schemas::catalogue::reading_digest();
    let store = world.forged(|index, header, opening| {
        if index == 1 {
            recommit(header, opening, &published, &FileDigest::of(table).to_string());
        }
        if is_event(header, "e6") {
            header.trails[0].role = "evidence".to_owned();
        }
    });
    let mut bundle = bundle_of(&store, &[MODEL], world.key);
    bundle.0.insert("readings/1.json".to_owned(), table.to_vec());
    bundle.relist(2, |_| {});
    let report = bundle.verify(Some(vkey(1))).unwrap();
    assert_eq!(report.outcome(false), Outcome::CouldNotBeJudged, "{report:#?}");
    assert!(
        matches!(&report.integrity, Verdict::CouldNotBeJudged { why } if why.contains("not the published one")),
        "{report:#?}"
    );
}
