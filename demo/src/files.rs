//! The story's files, built into the program so that it runs anywhere.

/// A file of the story: its path below `tests/story`, and its text.
pub(crate) type File = (&'static str, &'static str);

macro_rules! story {
    ($path:literal) => {
        ($path, include_str!(concat!("../../tests/story/", $path)))
    };
}

/// Title, sources, producers, parties and counts.
pub(crate) const STORY: File = story!("story.toml");
/// The planted faults.
pub(crate) const FAULTS: File = story!("faults.toml");
/// Templates of the background traffic.
pub(crate) const BACKGROUND: File = story!("background.toml");
/// The acts, in the order in which they are played.
pub(crate) const ACTS: [File; 9] = [
    story!("acts/01-inventory.jsonl"),
    story!("acts/02-first-approvals.jsonl"),
    story!("acts/03-going-live.jsonl"),
    story!("acts/04-nine-silent-days.jsonl"),
    story!("acts/05-challenger.jsonl"),
    story!("acts/06-ignored-breach.jsonl"),
    story!("acts/07-consent-withdrawn.jsonl"),
    story!("acts/08-expiry.jsonl"),
    story!("acts/09-successor.jsonl"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_is_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/story");
        let mut found = BTreeSet::new();
        for part in ["", "acts"] {
            for entry in std::fs::read_dir(folder.join(part)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    let name = entry.file_name().into_string().unwrap();
                    found.insert(if part.is_empty() { name } else { format!("{part}/{name}") });
                }
            }
        }
        assert!(found.remove("README.md"));
        let listed: BTreeSet<String> =
            [STORY, FAULTS, BACKGROUND].iter().chain(&ACTS).map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(found, listed);
        assert!(ACTS.is_sorted_by_key(|(path, _)| *path));
    }
}
