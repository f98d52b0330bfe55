//! What reading the story refuses, and where it says the fault is.

use super::*;

fn load() -> Story {
    Story::load().unwrap()
}

/// The fault of the story with one act file in place of all.
fn fault_of(lines: &str) -> String {
    let text: &'static str = lines.to_owned().leak();
    match Story::read(files::STORY, files::FAULTS, files::BACKGROUND, &[("acts/x.jsonl", text)]) {
        Ok(_) => "none".to_owned(),
        Err(error) => error.to_string(),
    }
}

const GOOD: &str = r#"{"id":"s-1","at":"2025-09-02T00:00:00Z","topic":"governance","key":"k","producer":"mrm-desk","mode":"raw","via":"kafka","body":"x"}"#;

#[test]
fn faults_in_acts_name_file_and_line() {
    let cases = [
        ("\"mode\":\"raw\"", "\"mode\":\"row\"", "unknown variant `row`"),
        ("\"via\"", "\"vai\"", "unknown field `vai`"),
        ("\"body\":\"x\"", "\"body\":\"x\",\"body\":\"y\"", "the name `body` twice"),
        ("\"body\":\"x\"", "\"body\":\"x\",\"tombstone\":true", "one of body, body_base64 and tombstone"),
        ("\"body\":\"x\"", "\"delay\":\"P1M\",\"body\":\"x\"", "delay \"P1M\" is not"),
        ("\"body\":\"x\"", "\"duplicate_of\":\"s-0\"", "no act before this one is s-0"),
        ("governance", "gouvernance", "there is no topic gouvernance"),
        ("mrm-desk", "mrm-disk", "there is no producer mrm-disk"),
        ("2025-09-02", "2025-08-02", "before the story begins"),
        ("2025-09-02", "2025-09-01", "arrives before the one above"),
        ("s-2", "s-1", "act s-1 is there twice"),
        ("\"via\":\"kafka\"", "\"via\":\"http\"", "over http only"),
        ("\"mode\":\"raw\",\"via\":\"kafka\",\"body\":\"x\"", "\"mode\":\"dsse\",\"via\":\"kafka\"", "names no key"),
    ];
    for (from, to, fault) in cases {
        let first = GOOD.replace("00:00:00Z", "10:00:00Z").replace("2025-09-02", "2025-09-01");
        let second = GOOD.replace("s-1", "s-2").replace("00:00:00Z", "09:00:00Z").replace(from, to);
        let text = fault_of(&format!("{first}\n{second}"));
        assert!(text.starts_with("story file acts/x.jsonl, line 2: ") && text.contains(fault), "{from} → {to}: {text}");
    }
}

#[test]
fn faults_in_the_other_files_name_file_and_line() {
    let text = fault_of(GOOD);
    assert!(
        text.starts_with("story file faults.toml, line ") && text.contains("act s-0175 does not name F-01"),
        "{text}"
    );
    let (name, story) = files::STORY;
    let broken: &'static str = story.replace("emitted = 459", "emitted = 458").leak();
    let error = Story::read((name, broken), files::FAULTS, files::BACKGROUND, &files::ACTS).unwrap_err().to_string();
    assert!(error.contains("do not add up"), "{error}");
    let broken: &'static str = story.replace("title =", "titel =").leak();
    let error = Story::read((name, broken), files::FAULTS, files::BACKGROUND, &files::ACTS).unwrap_err().to_string();
    assert!(error.contains("story.toml, line 2: unknown field `titel`"), "{error}");
    let (name, background) = files::BACKGROUND;
    let broken: &'static str = background.replacen("\"{fpr}\"", "\"{fpx}\"", 1).leak();
    let error = Story::read(files::STORY, files::FAULTS, (name, broken), &files::ACTS).unwrap_err().to_string();
    assert!(error.contains("template fraud-54-metric: there is no value for {fpx}"), "{error}");
}

#[test]
fn demo_keys_are_those_that_the_story_tells() {
    let story = load();
    let registered: Vec<&str> = story.registrations().map(|data| data["producer"].as_str().unwrap()).collect();
    assert_eq!(
        registered,
        ["deployer", "forge", "lakehouse", "mortgage-pipeline", "mortgage-watch", "mrm-desk", "refbureau"]
    );
    // Derived apart: Ed25519 secret SHA-256("modeltrail demo keys, public, worth nothing/forge").
    let forge = story.registrations().find(|data| data["producer"] == "forge").unwrap();
    assert_eq!(forge["key_id"], "0459c1e6017818709481fae121849c41b78b614e872a8c20b8afe1ec635c6dea");
}

#[test]
fn a_duplicate_is_sent_byte_for_byte_and_a_forgery_differs_in_its_signature_only() {
    let story = load();
    let find = |label: &str| story.acts().iter().find(|act| act.label == label).unwrap();
    for act in story.acts().iter().filter(|act| act.repeats.is_some()) {
        let first = find(act.repeats.as_deref().unwrap());
        assert_eq!(story.wire(act, "o"), story.wire(first, "o"), "{}", act.label);
    }
    let forged = modeltrail_schemas::dsse::Envelope::parse(&story.wire(find("s-0426"), "o").body.unwrap()).unwrap();
    let honest = story.key("mrm-desk").unwrap().sign(&forged.signed_bytes());
    let differing = forged.signatures[0].sig.iter().zip(honest).filter(|(forged, honest)| **forged != *honest).count();
    assert_eq!((forged.signatures.len(), differing), (1, 1));
}
