//! Random acts over few names, so that they collide.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{Signed, World};

/// One act: what, three choices of names, and how it is signed and timed.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    what: u8,
    a: u8,
    b: u8,
    c: u8,
    signed: Signed,
    /// Hours that it takes effect before (or, above 24, after) the beginning.
    effect: u8,
    /// Another act's id is used again.
    again: bool,
}

pub(crate) fn acts(most: usize) -> impl Strategy<Value = Vec<Act>> {
    let signed = prop_oneof![
        6 => Just(Signed::No),
        3 => Just(Signed::Valid),
        1 => Just(Signed::Bad),
        1 => Just(Signed::Unknown),
    ];
    let act = (0..WHATS, 0..3_u8, 0..3_u8, 0..3_u8, signed, 0..48_u8, prop::bool::weighted(0.05));
    let act = act.prop_map(|(what, a, b, c, signed, effect, again)| Act { what, a, b, c, signed, effect, again });
    prop::collection::vec(act, 1..most)
}

/// Kinds of acts below.
const WHATS: u8 = 24;

/// Sends acts, in order.
pub(crate) fn play(world: &mut World, acts: &[Act]) {
    for (number, act) in acts.iter().enumerate() {
        let id = if act.again { "again".to_owned() } else { format!("e{number}") };
        let time = time(act.effect);
        match act.what {
            0 => {
                world.raw("application/cloudevents+json", b"{no json");
            }
            1 => {
                world.own(
                    "source.halted",
                    json!({"source": "kafka", "partition": act.a, "cause": "topic_id", "stored": "x", "seen": "y"}),
                );
            }
            2 => {
                let part = json!({"generation": 1, "position": 0});
                world.own("source.rebased", json!({"source": "kafka", "partition": act.a, "old": part, "new": part}));
            }
            _ => {
                let (event_type, data) = event(act);
                world.send(&id, event_type, &time, &data, act.signed);
            }
        }
    }
}

fn time(effect: u8) -> String {
    let (day, hour) = if effect < 24 { ("2026-02-28", effect) } else { ("2026-03-02", effect - 24) };
    format!("{day}T{hour:02}:00:00Z")
}

fn version(a: u8, b: u8) -> Value {
    json!({"namespace": "n", "name": format!("m{a}"), "version": format!("{b}")})
}

fn about(a: u8, b: u8, c: u8) -> Value {
    let mut thing = version(a, b);
    thing["kind"] = "model".into();
    thing["digest"] = digest(c);
    thing
}

fn digest(of: u8) -> Value {
    format!("sha256:{}", format!("{of:02x}").repeat(32)).into()
}

fn served(act: &Act) -> Value {
    let mut first = version(act.a, act.b);
    first["role"] = ["serving", "canary", "shadow"][usize::from(act.c)].into();
    first["manifest_digest"] = digest(act.c);
    if act.effect.is_multiple_of(3) {
        json!([first])
    } else {
        json!([first, {"name": "m9", "version": "9", "role": "serving", "weight": 5}])
    }
}

fn event(act: &Act) -> (&'static str, Value) {
    let Act { a, b, c, effect, .. } = act;
    let party = format!("p-{c}");
    let place = json!({"environment": "prod", "service": format!("s{c}")});
    let mut model = version(*a, *b);
    let approval = |extra: Value| {
        let mut data =
            json!({"approval_id": format!("A{c}"), "about": about(*a, *b, *c), "actor": {"id": party, "kind": "user"}});
        data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        data
    };
    match act.what {
        3 => {
            model.as_object_mut().unwrap().extend(
                json!({
                    "provenance": "built", "author": party, "datasets": [{"name": "d", "version": format!("{c}")}],
                    "parents": [version((a + 1) % 3, *c)],
                })
                .as_object()
                .unwrap()
                .clone(),
            );
            ("model.version_registered", json!({"manifest": model, "actor": {"id": format!("p-{b}"), "kind": "user"}}))
        }
        4 => (
            "dataset.version_registered",
            json!({"name": "d", "version": format!("{a}"), "digest": digest(*b), "derived_from": [{"name": "d", "version": format!("{c}")}]}),
        ),
        5 => (
            "dataset.basis_changed",
            json!({"name": "d", "version": format!("{a}"), "new": if *b == 0 { Value::Null } else { "contract".into() }}),
        ),
        6 => ("approval.requested", approval(json!({"for": [place]}))),
        7 => (
            "approval.granted",
            approval(json!({"for": [place], "expires_at": time(effect / 2), "conditions": [{"id": "C", "text": "t"}]})),
        ),
        8 => ("approval.granted", approval(json!({}))),
        9 => ("approval.revoked", approval(json!({"effective_at": time(*effect)}))),
        10 => ("approval.expired", approval(json!({"what": "approval", "expired_at": time(*effect)}))),
        11 => ("approval.condition_met", approval(json!({"condition_id": "C", "met_at": time(*effect)}))),
        _ => later(act),
    }
}

fn later(act: &Act) -> (&'static str, Value) {
    let Act { a, b, c, effect, .. } = act;
    let mut model = version(*a, *b);
    let mut deployment = json!({"environment": "prod", "service": format!("s{a}"), "kind": "online", "new": served(act), "effective_at": time(*effect)});
    match act.what {
        12 => ("deployment.rolled_back", {
            deployment["old"] = json!([]);
            deployment
        }),
        13 => (
            "deployment.removed",
            json!({"environment": "prod", "service": format!("s{a}"), "effective_at": time(*effect)}),
        ),
        14 => (
            "deployment.failed",
            json!({"environment": "prod", "service": format!("s{a}"), "failed_at": time(*effect), "new": served(act)}),
        ),
        15 => (
            "deployment.observed",
            json!({"environment": "prod", "service": format!("s{a}"), "running": served(act), "observed_at": time(*effect)}),
        ),
        16 => (
            "evaluation.plan_declared",
            json!({"namespace": "n", "name": format!("m{a}"), "plan_id": "P", "thresholds": [{"metric": "x", "op": "ge", "value": 1}]}),
        ),
        17 => {
            model.as_object_mut().unwrap().extend(
                json!({
                    "evaluation_id": format!("E{c}"), "plan_id": "P", "metrics": [{"name": "x", "value": 2}],
                    "corrects": {"source": "//desk", "id": format!("e{b}"), "how": "replaces"},
                })
                .as_object()
                .unwrap()
                .clone(),
            );
            ("evaluation.recorded", model)
        }
        18 => (
            "incident.opened",
            json!({"incident_id": format!("I{a}"), "severity": "high", "models": [version(*b, *c)]}),
        ),
        19 => ("incident.resolved", json!({"incident_id": format!("I{a}")})),
        20 => ("subject.linked", json!({"about": about(*a, *b, 0), "same_as": about(*b, *c, 0)})),
        21 => ("subject.unlinked", json!({"about": about(*a, *b, 0), "same_as": about(*b, *c, 0)})),
        22 => (
            "training.completed",
            json!({"run": {"source": "air", "id": format!("r{a}")}, "namespace": "n", "name": format!("m{b}"), "datasets": [{"name": "d", "version": format!("{c}")}]}),
        ),
        _ => ("deployment.changed", deployment),
    }
}
