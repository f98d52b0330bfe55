//! What single statements come to mean.

use modeltrail_views::rows::{
    Approval, Dataset, Deployment, Edge, Evaluation, Finding, Incident, Key, Mark, Model, Quarantined, Served, Source,
    Version,
};
use modeltrail_views::view::View;
use serde_json::{Value, json};

use crate::world::{Signed, World, views};

const D1: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const NOON: &str = "2026-02-20T12:00:00Z";

fn manifest(version: &str, author: &str) -> Value {
    json!({"name": "m", "version": version, "provenance": "built", "author": author, "code": [{"repository": "r", "commit": "abcdef0123"}]})
}

fn change(at: &str, new: &Value) -> Value {
    json!({"environment": "prod", "service": "s", "kind": "online", "new": new, "effective_at": at})
}

fn member(version: &str, role: &str) -> Value {
    json!({"name": "m", "version": version, "role": role, "manifest_digest": D1})
}

fn grant(id: &str, extra: &Value) -> Value {
    let mut data = json!({"approval_id": id, "about": {"kind": "model", "name": "m", "version": "1", "digest": D1}});
    data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    data
}

fn rules(view: &View<'_>) -> Vec<String> {
    view.all::<Finding>(&[]).unwrap().into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn a_version_is_its_first_registration_that_counts() {
    let mut world = World::new();
    world.send("e0", "model.version_registered", NOON, &json!({"manifest": manifest("1", "p-forger")}), Signed::Bad);
    let first = world.send(
        "e1",
        "model.version_registered",
        NOON,
        &json!({"manifest": manifest("1", "p-a"), "manifest_digest": D1}),
        Signed::Valid,
    );
    world.send("e2", "model.version_registered", NOON, &json!({"manifest": manifest("1", "p-a")}), Signed::No);
    let other =
        world.send("e3", "model.version_registered", NOON, &json!({"manifest": manifest("1", "p-b")}), Signed::No);
    let (store, size) = views(&mut world);
    let view = View::new(&store, size);
    let version = view.get::<Version>(&["model/m@1"]).unwrap().unwrap();
    assert_eq!(version.manifest.as_ref().map(|said| said.entry), first);
    assert_eq!(version.author.unwrap().value, "p-a");
    assert_eq!(
        version.registrations.iter().map(|one| one.act.signature).collect::<Vec<_>>(),
        [Mark::Bad, Mark::Valid, Mark::None, Mark::None]
    );
    assert_eq!(version.registrations[1].claimed_digest.as_deref(), Some(D1));
    assert_eq!(version.parts.map(|parts| (parts.code, parts.data)), Some((true, false)));
    assert_eq!(view.get::<Model>(&["model/m"]).unwrap().unwrap().versions, 1);
    let findings = view.all::<Finding>(&[]).unwrap();
    assert_eq!(rules(&view), ["signature-bad", "version-reregistered"]);
    assert_eq!(Some(findings[1].entries[0]), other);
    assert_eq!(view.find_digest("abcdef0", 10).unwrap(), ["code/r/.@abcdef0123", "model/m@1"]);
}

#[test]
fn a_backlog_does_not_bring_back_the_past() {
    let mut world = World::new();
    let send = |world: &mut World, id: &str, at: &str, version: &str| {
        world.send(id, "deployment.changed", at, &change(at, &json!([member(version, "shadow")])), Signed::No)
    };
    let first = send(&mut world, "e1", "2026-02-01T00:00:00Z", "1");
    send(&mut world, "e3", "2026-02-20T00:00:00Z", "3");
    let late = send(&mut world, "e2", "2026-02-10T00:00:00Z", "2");
    let (store, size) = views(&mut world);
    let view = View::new(&store, size);
    let row = view.get::<Deployment>(&["deployment/prod/s"]).unwrap().unwrap();
    assert_eq!((row.running[0].subject.as_str(), row.changes, row.state.as_str()), ("model/m@3", 3, "running"));
    let at = |view: &View<'_>, time: &str| {
        view.ran_at("deployment/prod/s", time).unwrap().running.first().map(|member| member.subject.clone())
    };
    assert_eq!(at(&view, "2026-02-15T00:00:00.000000Z").as_deref(), Some("model/m@2"));
    assert_eq!(
        at(&View::new(&store, size - 1), "2026-02-15T00:00:00.000000Z").as_deref(),
        Some("model/m@1"),
        "as it was known before"
    );
    assert_eq!(at(&view, "2026-01-01T00:00:00.000000Z"), None);
    let served =
        |version: &str| view.get::<Served>(&[&format!("model/m@{version}"), "deployment/prod/s"]).unwrap().unwrap();
    assert_eq!(
        (served("1").until.map(|until| until.value), served("1").from.entry),
        (Some("2026-02-10T00:00:00.000000Z".to_owned()), first.unwrap())
    );
    assert_eq!(
        (served("2").from.entry, served("2").until.map(|until| until.value)),
        (late.unwrap(), Some("2026-02-20T00:00:00.000000Z".to_owned()))
    );
    assert_eq!(served("3").until, None);
}

#[test]
fn a_forged_change_changes_nothing_and_stands_among_the_changes() {
    let mut world = World::new();
    world.send("e1", "deployment.changed", NOON, &change(NOON, &json!([member("1", "shadow")])), Signed::Valid);
    world.send("e2", "deployment.removed", NOON, &json!({"environment": "prod", "service": "s"}), Signed::Bad);
    let (store, size) = views(&mut world);
    let view = View::new(&store, size);
    assert_eq!(view.get::<Deployment>(&["deployment/prod/s"]).unwrap().unwrap().running.len(), 1);
    assert_eq!(view.ran_at("deployment/prod/s", "2026-03-05T00:00:00.000000Z").unwrap().running.len(), 1);
    assert_eq!(view.count(modeltrail_views::tables::Table::Changes, &["deployment/prod/s"]).unwrap(), 2);
}

/// Each way in which an approval doesn't reach a deployment, and those in which it does.
#[test]
fn an_approval_counts_for_its_digest_its_place_and_its_time() {
    let elsewhere = json!({"for": [{"environment": "prod", "service": "other"}]});
    let unreadable = json!({"for": ["prod/s"]});
    let digest = json!({"about": {"kind": "model", "name": "m", "version": "1", "digest": D1.replace('1', "2")}});
    let none = json!({"about": {"kind": "model", "name": "m", "version": "1"}});
    let cases: &[(&str, &Value, &str, Signed, bool)] = &[
        ("everywhere", &json!({}), "2026-02-19T00:00:00Z", Signed::Valid, true),
        ("there", &json!({"for": [{"environment": "prod", "service": "s"}]}), "2026-02-19T00:00:00Z", Signed::No, true),
        ("still good", &json!({"expires_at": "2026-02-21T00:00:00Z"}), "2026-02-19T00:00:00Z", Signed::No, true),
        ("elsewhere", &elsewhere, "2026-02-19T00:00:00Z", Signed::Valid, false),
        ("somewhere", &unreadable, "2026-02-19T00:00:00Z", Signed::Valid, false),
        ("expired", &json!({"expires_at": "2026-02-20T00:00:00Z"}), "2026-02-19T00:00:00Z", Signed::Valid, false),
        ("too late", &json!({}), "2026-02-21T00:00:00Z", Signed::Valid, false),
        ("other digest", &digest, "2026-02-19T00:00:00Z", Signed::Valid, false),
        ("no digest", &none, "2026-02-19T00:00:00Z", Signed::Valid, false),
        ("of a document", &json!({"kind": "document"}), "2026-02-19T00:00:00Z", Signed::Valid, false),
        ("forged", &json!({}), "2026-02-19T00:00:00Z", Signed::Bad, false),
    ];
    for (name, extra, at, signed, enough) in cases {
        let mut world = World::new();
        world.send("e1", "approval.granted", at, &grant("A", extra), *signed);
        world.send("e2", "deployment.changed", NOON, &change(NOON, &json!([member("1", "serving")])), Signed::No);
        let (store, size) = views(&mut world);
        let found = rules(&View::new(&store, size)).contains(&"deployment-without-approval".to_owned());
        assert_eq!(found, !enough, "{name}");
    }
}

#[test]
fn what_was_not_approved_when_it_happened_stays_a_finding() {
    let mut world = World::new();
    let found = world
        .send("e1", "deployment.changed", NOON, &change(NOON, &json!([member("1", "canary")])), Signed::No)
        .unwrap();
    world.send("e2", "approval.granted", "2026-02-19T00:00:00Z", &grant("A", &json!({})), Signed::Valid);
    // Neither the same set again nor shadow and fallback need an approval; a version that is newly there does.
    world.send(
        "e3",
        "deployment.changed",
        NOON,
        &change("2026-02-21T00:00:00Z", &json!([member("1", "serving")])),
        Signed::No,
    );
    let shadow = json!([member("1", "serving"), member("2", "shadow"), member("3", "fallback")]);
    world.send("e4", "deployment.changed", NOON, &change("2026-02-22T00:00:00Z", &shadow), Signed::No);
    let gone = world.send(
        "e5",
        "deployment.removed",
        NOON,
        &json!({"environment": "prod", "service": "s", "effective_at": "2026-02-23T00:00:00Z"}),
        Signed::No,
    );
    let (store, size) = views(&mut world);
    let findings = View::new(&store, size).all::<Finding>(&[]).unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].entries[0], findings[0].ended), (found, gone));
    assert_eq!(View::new(&store, size - 1).all::<Finding>(&[]).unwrap()[0].ended, None);
    assert!(View::new(&store, found).all::<Finding>(&[]).unwrap().is_empty());
}

#[test]
fn an_approval_goes_from_request_to_end_and_forgeries_are_listed() {
    let mut world = World::new();
    let condition = json!({"conditions": [{"id": "C", "text": "soon", "due_at": NOON}], "actor": {"id": "p-x", "kind": "user"}, "approvers": ["p-y"]});
    world.send(
        "e1",
        "approval.requested",
        NOON,
        &grant("A", &json!({"for": [{"environment": "prod", "service": "s"}]})),
        Signed::No,
    );
    world.send("e2", "approval.granted", NOON, &grant("A", &condition), Signed::Valid);
    world.send("e3", "approval.revoked", NOON, &grant("A", &json!({})), Signed::Bad);
    let met = world
        .send("e4", "approval.condition_met", NOON, &grant("A", &json!({"condition_id": "C"})), Signed::No)
        .unwrap();
    world.send(
        "e5",
        "approval.revoked",
        NOON,
        &grant("A", &json!({"effective_at": "2026-02-25T00:00:00Z"})),
        Signed::Valid,
    );
    let (store, size) = views(&mut world);
    let at = |size: u64| View::new(&store, size).get::<Approval>(&["model/m@1", "A"]).unwrap().unwrap();
    let before = at(size - 1);
    assert_eq!(
        (before.state.as_str(), before.discounted.len(), before.approvers.clone()),
        ("granted", 1, vec!["p-x".to_owned(), "p-y".to_owned()])
    );
    assert_eq!(before.places(), ["deployment/prod/s"], "a grant without places is for what was asked");
    assert_eq!(before.places.as_ref().map(|places| places.entry), before.requested.as_ref().map(|act| act.entry));
    assert_eq!(before.conditions[0].met.as_ref().map(|met| met.entry), Some(met));
    assert_eq!(
        (at(size).state.as_str(), at(size).ended_at.as_deref()),
        ("revoked", Some("2026-02-25T00:00:00.000000Z"))
    );
    assert_eq!(at(size - 4).state, "requested");
}

#[test]
fn an_author_and_a_registrant_do_not_approve_in_any_order() {
    let actor = json!({"actor": {"id": "p-a", "kind": "user"}});
    let registered = json!({"manifest": manifest("1", "p-a"), "actor": {"id": "p-r", "kind": "user"}});
    for (approver, first, expected) in [("p-a", true, 1), ("p-r", true, 1), ("p-a", false, 1), ("p-z", true, 0)] {
        let mut world = World::new();
        let mut approval = grant("A", &actor);
        approval["actor"]["id"] = approver.into();
        let mut send = |event: &str| {
            let data = if event == "approval.granted" { &approval } else { &registered };
            world.send(event, event, NOON, data, Signed::No);
        };
        let order = if first {
            ["model.version_registered", "approval.granted"]
        } else {
            ["approval.granted", "model.version_registered"]
        };
        order.into_iter().for_each(&mut send);
        let (store, size) = views(&mut world);
        assert_eq!(View::new(&store, size).all::<Finding>(&[]).unwrap().len(), expected, "{approver} {first}");
    }
}

#[test]
fn what_runs_is_held_against_what_was_registered_until_it_is_right_again() {
    let mut world = World::new();
    world.send("e1", "approval.granted", "2026-02-19T00:00:00Z", &grant("A", &json!({})), Signed::No);
    let seen = |digest: &str, at: &str| json!({"environment": "prod", "service": "s", "running": [{"name": "m", "version": "1", "manifest_digest": digest}], "observed_at": at});
    let wrong = D1.replace('1', "9");
    let found =
        world.send("e2", "deployment.observed", NOON, &seen(&wrong, "2026-02-20T00:00:00Z"), Signed::No).unwrap();
    world.send("e3", "deployment.observed", NOON, &seen(&wrong, "2026-02-21T00:00:00Z"), Signed::No);
    world.send("e4", "deployment.observed", NOON, &seen(D1, "2026-02-19T00:00:00Z"), Signed::No);
    let right = world.send("e5", "deployment.observed", NOON, &seen(D1, "2026-02-22T00:00:00Z"), Signed::No);
    let (store, size) = views(&mut world);
    let findings = View::new(&store, size).all::<Finding>(&[]).unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(
        (findings[0].rule.as_str(), findings[0].entries[0], findings[0].ended),
        ("running-digest-differs", found, right)
    );
    assert_eq!(View::new(&store, size).find_digest(&wrong, 5).unwrap(), ["deployment/prod/s"]);
}

#[test]
fn data_incidents_evaluations_sources_and_keys_keep_what_was_said() {
    let mut world = World::new();
    world.send(
        "e1",
        "dataset.version_registered",
        NOON,
        &json!({"name": "d", "version": "1", "digest": D1, "licence": "CC0-1.0"}),
        Signed::No,
    );
    world.send(
        "e2",
        "dataset.basis_changed",
        NOON,
        &json!({"name": "d", "version": "1", "old": "consent"}),
        Signed::No,
    );
    world.send(
        "e3",
        "evaluation.plan_declared",
        NOON,
        &json!({"name": "m", "plan_id": "P", "thresholds": []}),
        Signed::No,
    );
    let evaluation = json!({"name": "m", "version": "1", "evaluation_id": "ev-77", "plan_id": "P", "metrics": [{"name": "x", "value": 1}]});
    let first = world.send("e4", "evaluation.recorded", NOON, &evaluation, Signed::No).unwrap();
    let mut second = evaluation;
    second["corrects"] = json!({"source": "//desk", "id": "e4", "how": "replaces"});
    let replacing = world.send("e5", "evaluation.recorded", NOON, &second, Signed::No).unwrap();
    world.send(
        "e6",
        "incident.opened",
        NOON,
        &json!({"incident_id": "I", "title": "t", "models": [{"name": "m", "version": "1"}]}),
        Signed::No,
    );
    world.send("e6", "incident.opened", NOON, &json!({"incident_id": "I", "title": "u"}), Signed::No);
    world.raw("text/plain", b"?");
    let (store, size) = views(&mut world);
    let view = View::new(&store, size);
    let dataset = view.get::<Dataset>(&["dataset/d@1"]).unwrap().unwrap();
    assert_eq!((dataset.licence.unwrap().value.as_str(), dataset.basis.unwrap().value.as_str()), ("CC0-1.0", ""));
    let evaluations = view.all::<Evaluation>(&["model/m@1", "ev-77"]).unwrap();
    assert_eq!(
        (evaluations[0].act.entry, evaluations[0].replaced_by, evaluations[1].replaced_by),
        (first, Some(replacing), None)
    );
    assert_eq!(evaluations[0].thresholds_set.as_ref().unwrap().value, "2026-02-20T12:00:00.000000Z");
    assert_eq!(view.incidents_of("model/m@1").unwrap()[0].title.as_ref().unwrap().value, "t");
    assert_eq!(view.get::<Incident>(&["incident/I"]).unwrap().unwrap().steps.len(), 1);
    let aside = view.all::<Quarantined>(&[]).unwrap();
    assert_eq!(aside.iter().map(|row| row.reason.as_str()).collect::<Vec<_>>(), ["conflict", "malformed"]);
    assert!(aside[0].of.is_some() && !aside[1].detail.is_empty());
    assert_eq!(rules(&view), ["conflicting-id"]);
    assert_eq!(view.all::<Source>(&[]).unwrap()[0].source, "http");
    let keys = view.all::<Key>(&[]).unwrap();
    assert_eq!(keys.iter().filter(|key| key.owner.as_deref() == Some("desk")).count(), 1);
    assert_eq!(view.find("EV-7", 10).unwrap(), ["model/m@1"]);
}

#[test]
fn two_names_of_one_thing_are_joined_until_they_are_parted() {
    let mut world = World::new();
    let link = json!({"about": {"kind": "model", "name": "m", "version": "1"}, "same_as": {"kind": "model", "name": "m", "version": "7"}});
    world.send("e1", "subject.linked", NOON, &link, Signed::No);
    world.send("e2", "subject.unlinked", NOON, &link, Signed::No);
    let (store, size) = views(&mut world);
    let nodes = |size: u64| {
        let view = View::new(&store, size);
        modeltrail_views::lineage::walk(&view, "model/m@7", modeltrail_views::lineage::Direction::Both, 3, 10)
            .unwrap()
            .nodes
            .len()
    };
    assert_eq!((nodes(size - 1), nodes(size)), (2, 1));
    assert_eq!(View::new(&store, size).all::<Edge>(&[]).unwrap().len(), 2);
}
