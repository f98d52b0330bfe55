use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> Result<Subject, SubjectError> {
    Subject::parse(text)
}

#[test]
fn reads_the_parts() {
    let subject = parsed("dataset/s3:claims/2026%2Fq3.parquet@sha256:00ff").unwrap();
    assert_eq!(subject.kind(), Kind::Dataset);
    assert_eq!(subject.namespace().as_deref(), Some("s3:claims"));
    assert_eq!(subject.name(), "2026/q3.parquet");
    assert_eq!(subject.version().as_deref(), Some("sha256:00ff"));
    assert_eq!(subject.whole(), Some(parsed("dataset/s3:claims/2026%2Fq3.parquet").unwrap()));
    let plain = parsed("model/fraud").unwrap();
    assert_eq!((plain.namespace(), plain.version(), plain.whole()), (None, None, None));
    assert_eq!(plain.name(), "fraud");
    let parts: Vec<_> = subject.parts().map(Cow::into_owned).collect();
    assert_eq!(parts, ["s3:claims", "2026/q3.parquet", "sha256:00ff"]);
}

#[test]
fn every_kind_reads_back() {
    for kind in Kind::ALL {
        let subject = parsed(&format!("{kind}/x")).unwrap();
        assert_eq!(subject.kind(), *kind);
        assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
    }
    assert_eq!(Kind::ALL.iter().filter(|kind| kind.is_ledger_only()).count(), 3);
}

#[test]
fn refuses_what_is_not_the_one_spelling() {
    let long = format!("model/{}", "a".repeat(MAX_BYTES - 5));
    let cases = [
        ("", SubjectError::Kind),
        ("model", SubjectError::Kind),
        ("Model/x", SubjectError::Kind),
        ("modelx/x", SubjectError::Kind),
        ("/x", SubjectError::Kind),
        ("model/", SubjectError::Empty(6)),
        ("model//x", SubjectError::Empty(6)),
        ("model/x/", SubjectError::Empty(8)),
        ("model/x@", SubjectError::Empty(8)),
        ("model/@1", SubjectError::Empty(6)),
        ("model/a/b/c", SubjectError::Parts(3)),
        ("model/x@1@2", SubjectError::Raw(9)),
        ("model/x@1/2", SubjectError::Raw(9)),
        ("model/a b", SubjectError::Raw(7)),
        ("model/é", SubjectError::Raw(6)),
        ("model/a\n", SubjectError::Raw(7)),
        ("model/%2f", SubjectError::Escape(6)),
        ("model/%41", SubjectError::Escape(6)),
        ("model/%2", SubjectError::Escape(6)),
        ("model/%", SubjectError::Escape(6)),
        ("model/%é9", SubjectError::Escape(6)),
        ("model/a%FF", SubjectError::Encoding(6)),
        (&long, SubjectError::TooLong(MAX_BYTES + 1)),
    ];
    for (text, error) in cases {
        assert_eq!(parsed(text), Err(error), "{text}");
    }
    assert!(parsed(&long[..MAX_BYTES]).is_ok());
}

#[test]
fn builds_what_it_reads() {
    let built = Subject::of(Kind::Model, Some("team/risk"), "a@b é", Some("2 1")).unwrap();
    assert_eq!(built.as_str(), "model/team%2Frisk/a%40b%20%C3%A9@2%201");
    assert_eq!(Subject::of(Kind::Model, None, "", None), Err(SubjectError::Empty(6)));
    let too_long = Subject::of(Kind::Model, None, &"é".repeat(90), None);
    assert_eq!(too_long, Err(SubjectError::TooLong(6 + 6 * 90)));
}

#[test]
fn orders_by_bytes() {
    let mut subjects = ["model/x@1", "model/x", "model/x-y", "model/x/y", "model/X"].map(|text| parsed(text).unwrap());
    subjects.sort();
    assert_eq!(subjects.map(String::from), ["model/X", "model/x", "model/x-y", "model/x/y", "model/x@1"]);
}

proptest! {
    #[test]
    fn parts_survive_the_way_there_and_back(
        namespace in proptest::option::of("\\PC{1,20}|[%@/: ]{1,8}"),
        name in "\\PC{1,20}|[a-z%@/\u{0}\n]{1,8}",
        version in proptest::option::of("\\PC{1,20}"),
    ) {
        let built = Subject::of(Kind::Model, namespace.as_deref(), &name, version.as_deref());
        prop_assume!(!matches!(built, Err(SubjectError::TooLong(_))));
        let built = built.unwrap();
        prop_assert!(built.as_str().is_ascii());
        let read = Subject::parse(built.as_str()).unwrap();
        prop_assert_eq!(&read, &built);
        prop_assert_eq!(read.namespace().map(Cow::into_owned), namespace);
        prop_assert_eq!(read.name().into_owned(), name);
        prop_assert_eq!(read.version().map(Cow::into_owned), version);
    }

    #[test]
    fn what_parses_is_canonical(text in "(model|key)/[a%0-9A-F@/é ]{0,12}") {
        if let Ok(subject) = Subject::parse(&text) {
            let again = Subject::of(
                subject.kind(), subject.namespace().as_deref(), &subject.name(), subject.version().as_deref(),
            );
            prop_assert_eq!(again.unwrap().to_string(), text);
        }
    }
}
