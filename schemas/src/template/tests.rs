use serde_json::json;

use super::*;

fn built(template: &str, value: &Value) -> Result<String, BuildError> {
    let template = Template::parse(template).unwrap();
    template.build(value, "example.com/ml").map(String::from)
}

#[test]
fn builds_from_fields() {
    let data = json!({
        "namespace": "risk", "name": "a/b", "version": "2.1", "run": {"source": "https://m", "id": "7"},
        "image": {"repository": "reg/x", "digest": "sha256:00"}, "empty": "", "nothing": null,
    });
    let cases = [
        ("model/{namespace?}/{name}@{version?}", "model/risk/a%2Fb@2.1"),
        ("model/{empty?}/{name}@{nothing?}", "model/a%2Fb"),
        ("run/{run.source}/{run.id}", "run/https:%2F%2Fm/7"),
        ("image/{image.repository}@{image.digest?}", "image/reg%2Fx@sha256:00"),
        ("dataset/{name}@{empty|version}", "dataset/a%2Fb@2.1"),
        ("code/{name}/{path|\".\"}@{commit?}", "code/a%2Fb/."),
        ("code/{name}/{path|\"a/b\"}", "code/a%2Fb/a%2Fb"),
        ("ledger/{$source}", "ledger/example.com%2Fml"),
        ("policy/hold/{name}", "policy/hold/a%2Fb"),
    ];
    for (template, expected) in cases {
        assert_eq!(built(template, &data).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn says_which_field_is_at_fault() {
    let data = json!({"name": "x", "version": 7, "run": "r", "long": "é".repeat(100), "kind": "nothing"});
    let cases = [
        ("model/{missing}", BuildError::Missing("missing".into())),
        ("dataset/{name}@{a|b}", BuildError::Missing("a or b".into())),
        ("model/{name}@{version}", BuildError::NotText("version".into())),
        ("model/{name}@{version?}", BuildError::NotText("version".into())),
        ("model/{name}@{version|name}", BuildError::NotText("version".into())),
        ("run/{run.source}/{run.id}", BuildError::NotObject("run".into())),
        ("{run}", BuildError::NotObject("run".into())),
        ("{about}", BuildError::Missing("about".into())),
        ("{kind}/{name}", BuildError::Kind),
        ("model/{long}", BuildError::Subject(SubjectError::TooLong(606))),
    ];
    for (template, error) in cases {
        assert_eq!(built(template, &data), Err(error), "{template}");
    }
    assert_eq!(built("model/{name}", &json!([])), Err(BuildError::NotObject("/data".into())));
}

#[test]
fn a_thing_follows_its_kind() {
    let cases = [
        (json!({"kind": "model", "namespace": "n", "name": "m", "version": "1", "digest": "d"}), "model/n/m@1"),
        (
            json!({"kind": "artifact", "name": "left aside", "version": "1", "digest": "sha256:00"}),
            "artifact/sha256:00",
        ),
        (json!({"kind": "image", "name": "reg/x", "version": "1", "digest": "sha256:00"}), "image/reg%2Fx@sha256:00"),
        (json!({"kind": "image", "name": "reg/x", "version": "latest"}), "image/reg%2Fx"),
        (json!({"kind": "image", "namespace": "left aside", "name": "x"}), "image/x"),
        (json!({"kind": "code", "namespace": "repo", "name": ".", "version": "c0ffee"}), "code/repo/.@c0ffee"),
        (json!({"kind": "code", "namespace": "repo", "name": ".", "digest": "left aside"}), "code/repo/."),
        (json!({"kind": "ledger", "name": "x"}), "ledger/x"),
    ];
    for (thing, expected) in cases {
        assert_eq!(built("{about}", &json!({"about": thing})).as_deref(), Ok(expected));
        assert_eq!(built("{kind}/{namespace?}/{name}@{version|digest?}", &thing).as_deref(), Ok(expected), "component");
    }
    for (kind, missing) in [("artifact", "digest"), ("code", "namespace")] {
        assert_eq!(
            built("{about}", &json!({"about": {"kind": kind, "name": "x"}})),
            Err(BuildError::Missing(missing.into()))
        );
    }
    let fixed = json!({"namespace": "n", "name": "x", "version": "1", "digest": "d"});
    for (template, expected) in [
        ("image/{namespace?}/{name}@{version?}", "image/n/x@1"),
        ("code/{name}@{version?}", "code/x@1"),
        ("artifact/{name}", "artifact/x"),
    ] {
        assert_eq!(
            built(template, &fixed).as_deref(),
            Ok(expected),
            "a kind that the template says follows the template"
        );
    }
}

#[test]
fn a_finished_subject_is_read_strictly() {
    assert_eq!(built("{.}", &json!("model/x@1")).as_deref(), Ok("model/x@1"));
    assert_eq!(built("{.}", &json!("model/a b")), Err(BuildError::Subject(SubjectError::Raw(7))));
    assert_eq!(built("{.}", &json!(1)), Err(BuildError::NotText(".".into())));
}

#[test]
fn refuses_other_templates() {
    let wrong = [
        "",
        "model",
        "{}",
        "{A}",
        "what/{name}",
        "model/{name",
        "model/name}",
        "model/{{name}}",
        "model/a{name}",
        "model/{name}@{a}@{b}",
        "model/{name}@{a}/{b}",
        "model/{a}/{b}/{c}",
        "model/{name?}",
        "model/{a|\"x}",
        "model/",
        "model/{a|\"\"}",
        "model/{a|}",
        "model/{a..b}",
        "{$other}/{name}",
    ];
    for template in wrong {
        assert!(Template::parse(template).is_err(), "{template}");
    }
}

#[test]
fn pointers_reach_every_element() {
    let data = json!({"a": [{"b": 1}, {"b": ""}, {"c": 2}, 3, {"b": [4, null, "", 5]}, null], "n": null});
    let found = |pointer: &str| {
        let mut found = Vec::new();
        Pointer::parse(pointer).unwrap().visit(&data, &mut |value| found.push(value.clone()));
        found
    };
    assert_eq!(found("/data/a/*/b"), [json!(1), json!([4, null, "", 5])]);
    assert_eq!(found("/data/a/*/b/*"), [json!(4), json!(5)]);
    assert_eq!(found("/data"), std::slice::from_ref(&data));
    assert!(found("/data/n").is_empty() && found("/data/x/*").is_empty() && found("/data/*").is_empty());
    for wrong in ["", "data", "/", "/datax", "/data/", "/data//a", "/data/a~1b", "/data/a*"] {
        assert!(Pointer::parse(wrong).is_err(), "{wrong}");
    }
}
