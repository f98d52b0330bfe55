//! What values the schemas take, and what is said of those that they don't.

use modeltrail_schemas::catalogue::{MAX_VIOLATIONS, validate};
use serde_json::{Value, json};

/// Validates `data` of the type, each time with another value in that field.
fn check(event: &str, field: &str, data: &Value, good: &Value, bad: &Value) {
    let event = format!("modeltrail.{event}.v1");
    let with = |value: &Value| {
        let mut data = data.clone();
        data[field] = value.clone();
        validate(&event, &data)
    };
    let values = |list: &Value| list.as_array().expect("a list of values").clone();
    for value in values(good) {
        assert_eq!(with(&value), Ok(()), "{event}, {field}: {value}");
    }
    for value in values(bad) {
        let violations = with(&value).expect_err(&format!("{event}, {field}: {value}"));
        let there = violations.iter().all(|found| found.pointer.starts_with(&format!("/{field}")));
        assert!(there, "{event}, {field}: {violations:?}");
    }
}

#[test]
fn texts_and_words() {
    let data = json!({ "name": "fraud" });
    let (good, bad) = (json!(["x", "Größe"]), json!(["", 1, ["x"]]));
    check("model.created", "description", &data, &good, &bad);
    let (good, bad) = (json!(["p-1", "svc@host"]), json!(["jane@bank.example", 7, ""]));
    check("model.created", "owner", &data, &good, &bad);
    let (good, bad) = (json!(["rules"]), json!(["Rules", "", 0]));
    check("model.created", "kind", &data, &good, &bad);
    check("model.created", "assurance", &data, &json!(["observed"]), &json!(["sure"]));
}

#[test]
fn maps_and_any_json() {
    let data = json!({ "name": "fraud", "version": "1" });
    let good = json!([{ "a": 1.5, "b": true, "c": "x" }, {}]);
    let bad = json!([{ "a": {} }, { "a": [1] }, { "": "x" }, { "a": "" }, "x"]);
    check("dataset.version_registered", "other_digests", &data, &good, &bad);
    check("dataset.version_registered", "labels", &data, &good, &bad);
    let good = json!([[1, { "a": [] }], false, "x", 0]);
    check("dataset.version_registered", "schema", &data, &good, &json!([]));
}

#[test]
fn uris_are_absolute_and_without_credentials() {
    let good =
        json!(["s3://bank/a%20b", "urn:x:y", "https://h:1/p?q=a@b#f", "file:///a", "mailto:x", "https://[::1]/",]);
    let bad = json!([
        "/a/b",
        "//h/p",
        "x",
        "https://user:pw@h/p",
        "https://user@h",
        "https://h/a b",
        "https://h/%zz",
        "https://h/ö",
        "https://h\\@x/",
        "1a://h",
        "https:",
    ]);
    check("dataset.created", "uri", &json!({ "name": "claims" }), &good, &bad);
}

#[test]
fn digests_are_whole_and_lower_case() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let bad =
        json!([digest.to_uppercase(), digest[..70], digest.replace("sha256", "sha512"), format!("{digest}\n"), 1,]);
    check("dataset.deleted", "digest", &json!({ "name": "claims" }), &json!([digest]), &bad);
}

#[test]
fn times_dates_and_durations() {
    let data = json!({ "name": "claims", "version": "1" });
    let good = json!(["2026-11-23T08:20:11Z", "2026-11-23T08:20:11.123456789012+01:00", "0001-02-28T23:59:59-23:59",]);
    let bad = json!([
        "2026-11-23 08:20:11Z",
        "2026-11-23T08:20:11",
        "2026-02-29T00:00:00Z",
        "2026-11-23t08:20:11z",
        "2026-11-23T24:00:00Z",
        "2024-02-29T23:59:60Z",
        "2026-11-23T08:20:11+24:00",
        "0000-01-01T00:00:00Z",
        "2026-11-23T08:20:11.Z",
        1_795_000_000,
    ]);
    check("dataset.basis_changed", "from", &data, &good, &bad);
    let bad = json!(["2023-02-29", "2024-2-9", "2024-02-29T00:00:00Z", "２024-02-29", 20_240_229]);
    check("dataset.version_registered", "collected_from", &data, &json!(["2024-02-29"]), &bad);
    let data = json!({ "name": "fraud" });
    let good = json!(["P1Y2M3D", "PT36H", "P2W", "P1DT2H30M", "PT0S"]);
    let bad = json!(["P", "PT", "P1DT", "P1H", "1D", "P1W2D", "P-1D", "p1d", "P1.5D"]);
    check("training.schedule_changed", "tolerance", &data, &good, &bad);
}

#[test]
fn numbers() {
    let data = json!({ "name": "claims", "version": "1" });
    let good = json!([0, 9_007_199_254_740_991_u64]);
    let bad = json!([-1, 9_007_199_254_740_992_u64, 1.5, "1", true]);
    check("dataset.version_registered", "rows", &data, &good, &bad);
    let data = json!({ "run": { "source": "s", "id": "i" } });
    let good = json!([1.5e25, -3, "0.10", "-12", "9".repeat(50)]);
    let bad = json!(["1e5", "01", "1.", ".5", "+1", "NaN", true, "9".repeat(51)]);
    check("training.compute_recorded", "flop", &data, &good, &bad);
    let data = json!({ "source": "s", "at_size": 1, "partitions": [] });
    check("ingest.reconciled", "balances", &data, &json!([true, false]), &json!(["yes", 1]));
}

#[test]
fn finished_subjects() {
    let data = json!({ "party": "p-1", "role": "viewer" });
    let good =
        json!([["model/fraud"], ["model/risk/fraud@2.1.0", "ledger/example.com%2Fml"], ["artifact/sha256:00"], [],]);
    let long = format!("model/{}", "a".repeat(507));
    let bad = json!([
        ["model"],
        ["model/"],
        ["cat/x"],
        ["model/a/b/c"],
        ["model/a@1@2"],
        ["model/a%2f"],
        ["model/a b"],
        ["model/a@"],
        ["model/@1"],
        [long],
        ["*"],
        "model/fraud",
        [1],
    ]);
    check("access.granted", "subjects", &data, &good, &bad);
}

#[test]
fn a_violation_names_place_and_expectation_but_never_the_value() {
    let data = json!({
        "name": "secret-name@bank.example", "owner": "jane.doe@bank.example", "kind": "top-secret", "purpose": ["hidden"],
        "reason": { "text": 7_777_777 }, "evidence": [{ "digest": "concealed" }],
    });
    let violations = validate("modeltrail.model.created.v1", &data).expect_err("five faults");
    let shown: Vec<_> =
        violations.iter().map(|violation| format!("{} {}", violation.pointer, violation.message)).collect();
    assert_eq!(
        shown,
        [
            "/evidence/0/digest expected sha256 (`sha256:` and 64 lower-case hex digits)",
            "/kind expected one of `statistical`, `machine_learning`, `generative`, `rules`, `vendor`, `other`",
            "/owner expected party (pseudonym of a person, team, body or service; never a name or an e-mail address)",
            "/purpose expected text (string, not empty)",
            "/reason/text expected text (string, not empty)",
        ]
    );
}

#[test]
fn violations_are_few_and_short_however_much_is_wrong() {
    let key = "k".repeat(100_000);
    let mut data = json!({ "name": "fraud", "groups": vec![7; 50_000] });
    data[&key] = json!(1);
    data["labels"] = json!({ &key: {} });
    let violations = validate("modeltrail.dataset.bias_examined.v1", &data).expect_err("50,002 faults");
    assert_eq!(violations.len(), MAX_VIOLATIONS + 1);
    assert!(violations.iter().all(|violation| violation.pointer.len() < 600 && violation.message.len() < 600));
    assert_eq!(violations[MAX_VIOLATIONS].message, format!("{} more violations are left out", 50_002 - MAX_VIOLATIONS));
}

#[test]
fn a_type_that_is_not_known_has_no_schema() {
    assert_eq!(validate("com.example.other", &json!({ "anything": [] })), Ok(()));
    assert_eq!(validate("modeltrail.model.created.v2", &Value::Null), Ok(()));
}
