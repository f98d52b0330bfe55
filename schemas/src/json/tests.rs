use proptest::prelude::*;
use serde_json::{Number, json};

use super::*;

fn fault(text: &str) -> JsonFault {
    parse(text.as_bytes()).unwrap_err().fault
}

#[test]
fn refuses_what_two_parsers_could_differ_on() {
    let cases = [
        (r#"{"a":1,"a":1}"#, JsonFault::DuplicateName("a".into())),
        (r#"{"a":1,"\u0061":2}"#, JsonFault::DuplicateName("a".into())),
        (r#"[[{"x":{"a":[],"b":{"c":1,"c":2}}}]]"#, JsonFault::DuplicateName("c".into())),
        (r#"{"":1,"":2}"#, JsonFault::DuplicateName(String::new())),
        ("9007199254740992", JsonFault::Integer),
        ("-9007199254740992", JsonFault::Integer),
        ("18446744073709551616", JsonFault::Integer),
        ("[99999999999999999999999999999999999999999]", JsonFault::Integer),
        ("1e400", JsonFault::Infinite),
        ("-1e400", JsonFault::Infinite),
        (r#""\ud800""#, JsonFault::Surrogate),
        (r#""\udc00""#, JsonFault::Surrogate),
        (r#""\ud800\ud800""#, JsonFault::Surrogate),
        (r#""\ud800x""#, JsonFault::Surrogate),
        ("1 2", JsonFault::Trailing),
        ("{}\0", JsonFault::Trailing),
        ("", JsonFault::Truncated),
        ("  ", JsonFault::Truncated),
        (r#"{"a":"#, JsonFault::Truncated),
        (r#""a"#, JsonFault::Truncated),
        (r#""\"#, JsonFault::Truncated),
        (r#""\u00"#, JsonFault::Truncated),
        ("tru", JsonFault::Truncated),
        ("-", JsonFault::Truncated),
        ("1.", JsonFault::Truncated),
        ("1e+", JsonFault::Truncated),
        ("\"a\nb\"", JsonFault::Control(b'\n')),
        (r#""\x""#, JsonFault::Escape),
        (r#""\u00g0""#, JsonFault::Escape),
        ("01", JsonFault::Trailing),
        ("[1,]", JsonFault::Unexpected { expected: "a value", found: ']' }),
        ("{,}", JsonFault::Unexpected { expected: "a member's name", found: ',' }),
        ("{\"a\":1,}", JsonFault::Unexpected { expected: "a member's name", found: '}' }),
        ("{a:1}", JsonFault::Unexpected { expected: "a member's name", found: 'a' }),
        ("+1", JsonFault::Unexpected { expected: "a value", found: '+' }),
        (".5", JsonFault::Unexpected { expected: "a value", found: '.' }),
        ("NaN", JsonFault::Unexpected { expected: "a value", found: 'N' }),
        ("nul\u{e9}", JsonFault::Unexpected { expected: "null", found: 'é' }),
        ("\u{feff}{}", JsonFault::Unexpected { expected: "a value", found: '\u{feff}' }),
        ("//x\n1", JsonFault::Unexpected { expected: "a value", found: '/' }),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), expected, "{text}");
    }
    assert_eq!(parse(b"[\"\xff\"]").unwrap_err().fault, JsonFault::Encoding);
    assert_eq!(parse(b"[\"\xed\xa0\x80\"]").unwrap_err().fault, JsonFault::Encoding);
}

#[test]
fn accepts_every_number_that_is_one() {
    let cases = [
        ("9007199254740991", json!(9_007_199_254_740_991_u64)),
        ("-9007199254740991", json!(-9_007_199_254_740_991_i64)),
        ("0", json!(0)),
        ("3.2e25", json!(3.2e25)),
        ("9007199254740993.0", json!(9_007_199_254_740_992.0)),
        ("1e-400", json!(0.0)),
        ("1E+2", json!(100.0)),
        ("-0", Value::Number(Number::from_f64(-0.0).unwrap())),
        ("0.1", json!(0.1)),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text.as_bytes()).unwrap(), expected, "{text}");
    }
    assert_eq!(canonical(&parse(b"-0").unwrap()), b"0");
}

#[test]
fn depth_has_a_limit() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(fault(&nested(MAX_DEPTH + 1)), JsonFault::TooDeep);
        assert_eq!(fault(&open.repeat(1_000_000)), JsonFault::TooDeep);
    }
}

#[test]
fn size_has_a_limit() {
    let bytes = vec![b' '; MAX_BYTES + 1];
    assert_eq!(parse(&bytes).unwrap_err().fault, JsonFault::TooLarge(MAX_BYTES + 1));
    assert_eq!(parse(&bytes[1..]).unwrap_err().fault, JsonFault::Truncated);
}

#[test]
fn says_where() {
    let error = parse("{\n  \"é\": 1,\n  \"é\": 2\n}".as_bytes()).unwrap_err();
    assert_eq!((error.offset, error.line, error.column), (15, 3, 3));
    assert_eq!(error.to_string(), "json object has the name `é` twice at line 3, column 3 (byte 15)");
    let long = format!("{{\"{0}\":1,\"{0}\":2}}", "\u{1f600}".repeat(1000));
    assert!(parse(long.as_bytes()).unwrap_err().to_string().len() < 400, "a name from outside is cut in messages");
}

#[test]
fn spans_are_the_bytes_as_they_stand() {
    let body = b" [ {\"b\" : 1.0, \"a\":\"\\u0061\"} ,2,\t\"x\\\"]\" , [ ] ]\n";
    let spans = elements(body, 4).unwrap();
    assert_eq!(spans, [b"{\"b\" : 1.0, \"a\":\"\\u0061\"}".as_slice(), b"2", b"\"x\\\"]\"", b"[ ]"]);
    assert_eq!(elements(body, 3).unwrap_err().fault, JsonFault::TooManyElements(3));
    assert!(elements(b"[]", 0).unwrap().is_empty());
    for wrong in ["", "{}", "[1", "[1,]", "[1]2", "[{\"a\":1,\"a\":2}]", "[1 2]"] {
        assert!(elements(wrong.as_bytes(), 9).is_err(), "{wrong}");
    }
    let deep = format!("[{}{}]", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert_eq!(elements(deep.as_bytes(), 1).unwrap().len(), 1, "each element has a depth of its own");
}

/// The examples of RFC 8785, sections 3.2.2 and 3.2.3.
#[test]
fn canonical_form_is_that_of_rfc_8785() {
    let text = br#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
        "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
    let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
        \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    assert_eq!(String::from_utf8(canonical(&parse(text).unwrap())).unwrap(), expected);
    let names = br#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
        "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let sorted = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
        \"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\
        \"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    assert_eq!(String::from_utf8(canonical(&parse(names).unwrap())).unwrap(), sorted);
}

/// The samples of RFC 8785, appendix B, by their IEEE 754 bits.
#[test]
fn numbers_print_as_in_rfc_8785() {
    let samples = [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];
    for (bits, expected) in samples {
        let value = Value::Number(Number::from_f64(f64::from_bits(bits)).unwrap());
        assert_eq!(String::from_utf8(canonical(&value)).unwrap(), expected);
    }
}

#[test]
fn canonical_bytes_are_known() {
    assert!(is_canonical(br#"{"a":[1,2.5],"b":"x"}"#));
    for other in ["", "{\"b\":1,\"a\":2}", "[1, 2]", "1.0", "\"\\u0061\"", "{} ", "-0", "1e2"] {
        assert!(!is_canonical(other.as_bytes()), "{other}");
    }
    assert!(in_range(&json!([{"a": MAX_INTEGER}, -(MAX_INTEGER as i64), 1e300])));
    assert!(!in_range(&json!([{"a": MAX_INTEGER + 1}])));
    assert!(!in_range(&json!({"a": i64::MIN})));
}

fn some_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-(MAX_INTEGER as i64)..=MAX_INTEGER as i64).prop_map(Value::from),
        any::<f64>()
            .prop_filter_map("JSON has finite numbers only", |number| Number::from_f64(number).map(Value::Number)),
        ".{0,12}".prop_map(Value::String),
        "[\u{0}-\u{1f}\"\\\\/\u{10000}-\u{10ffff}]{0,6}".prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(".{0,6}", inner, 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Whether a double in it is printed as an integer literal that no strict JSON has.
fn prints_wide_integer(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            number.is_f64() && (MAX_INTEGER as f64 + 1.0..1e21).contains(&number.as_f64().unwrap().abs())
        }
        Value::Array(elements) => elements.iter().any(prints_wide_integer),
        Value::Object(members) => members.values().any(prints_wide_integer),
        _ => false,
    }
}

#[test]
fn the_seam_of_whole_doubles_is_known() {
    let wide = parse(b"4e19").unwrap();
    assert!(prints_wide_integer(&wide));
    assert_eq!(canonical(&wide), b"40000000000000000000");
    assert_eq!(canonical(&parse(b"3.2e25").unwrap()), b"3.2e+25");
}

/// What only the strict parser refuses.
fn is_stricter(fault: &JsonFault) -> bool {
    matches!(fault, JsonFault::DuplicateName(_) | JsonFault::Integer | JsonFault::TooDeep)
}

fn agrees_with_serde_json(bytes: &[u8]) -> Result<(), TestCaseError> {
    match (parse(bytes), serde_json::from_slice::<Value>(bytes)) {
        (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
        (Err(error), Ok(_)) => prop_assert!(is_stricter(&error.fault), "{}", error),
        (Ok(ours), Err(error)) => {
            prop_assert!(false, "accepted {} where serde_json says {}", ours, error)
        }
        (Err(_), Err(_)) => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn reads_what_serde_json_writes(value in some_value()) {
        for bytes in [serde_json::to_vec(&value).unwrap(), serde_json::to_vec_pretty(&value).unwrap()] {
            prop_assert_eq!(&parse(&bytes).unwrap(), &value);
        }
    }

    #[test]
    fn canonical_form_is_stable(value in some_value()) {
        let once = canonical(&value);
        let again = parse(&once).map(|value| canonical(&value));
        if prints_wide_integer(&value) {
            prop_assert_eq!(again.unwrap_err().fault, JsonFault::Integer);
        } else {
            prop_assert_eq!(&again.unwrap(), &once);
            prop_assert!(is_canonical(&once));
        }
    }

    #[test]
    fn agrees_on_damaged_json(value in some_value(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = serde_json::to_vec(&value).unwrap();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        agrees_with_serde_json(&bytes)?;
    }

    #[test]
    fn agrees_on_text_that_looks_like_json(text in "[\\[\\]{}\",:0-9eE+\\-.a\\\\untrflsx \n]{0,16}") {
        agrees_with_serde_json(text.as_bytes())?;
    }

    #[test]
    fn agrees_on_numbers(text in "-?[0-9]{0,25}(\\.[0-9]{0,25})?([eE][+-]?[0-9]{0,4})?") {
        agrees_with_serde_json(text.as_bytes())?;
    }

    #[test]
    fn agrees_on_strings(text in "\"(\\\\u[dD][89a-fA-F][0-9a-f]{2}|\\\\u[0-9a-fA-F]{3,4}|\\\\[a-z/\"]|[a-zé😀]){0,4}\"") {
        agrees_with_serde_json(text.as_bytes())?;
    }
}
