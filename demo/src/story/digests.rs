//! The two templates of the story's data: `${manifest:…}` and `${sha256:…}`.

use std::collections::BTreeMap;

use modeltrail_core::types::Hex32;
use modeltrail_schemas::json;
use modeltrail_schemas::subject::{Kind, Subject};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The type that registers a model version.
pub(super) const REGISTERED: &str = "modeltrail.model.version_registered.v1";
const OPEN: &str = "${";
const CLOSE: char = '}';

/// The manifest digests of all versions registered so far, by subject: those of their first registration.
#[derive(Debug, Default)]
pub(crate) struct Manifests(BTreeMap<String, String>);

/// `sha256:` and the hex digest of these bytes.
fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", Hex32(Sha256::digest(bytes).into()))
}

impl Manifests {
    /// What a whole template string stands for; `None` when the text is none.
    fn meaning(&self, text: &str) -> Result<Option<String>, String> {
        let Some(inner) = text.strip_prefix(OPEN) else { return Ok(None) };
        let inner =
            inner.strip_suffix(CLOSE).ok_or_else(|| format!("template {text:?} does not end with its string"))?;
        match inner.split_once(':') {
            Some(("sha256", words)) => Ok(Some(digest_of(words.as_bytes()))),
            Some(("manifest", subject)) => match self.0.get(subject) {
                Some(digest) => Ok(Some(digest.clone())),
                None => Err(format!("no act before this one registers {subject}")),
            },
            _ => Err(format!("template {text:?} is neither manifest nor sha256")),
        }
    }

    /// Puts digests in place of the templates of `data`.
    pub(super) fn resolve(&self, data: &mut Value) -> Result<(), String> {
        match data {
            Value::String(text) => {
                if let Some(digest) = self.meaning(text)? {
                    *text = digest;
                }
                Ok(())
            }
            Value::Array(elements) => elements.iter_mut().try_for_each(|element| self.resolve(element)),
            Value::Object(members) => members.values_mut().try_for_each(|member| self.resolve(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// Puts digests in place of an event's templates; a registration's own manifest counts from here on.
    pub(super) fn resolve_event(&mut self, event_type: &str, data: &mut Value) -> Result<(), String> {
        if event_type == REGISTERED {
            let manifest = data.get_mut("manifest").ok_or("a registration has no manifest")?;
            self.resolve(manifest)?;
            let subject = version(manifest)?;
            self.0.entry(subject).or_insert_with(|| digest_of(&json::canonical(manifest)));
        }
        self.resolve(data)
    }

    /// Puts digests in place of the templates in JSON text, where each is a whole string without escapes.
    pub(crate) fn resolve_text(&self, text: &str) -> Result<String, String> {
        let mut pieces = text.split('"').map(|piece| Ok(self.meaning(piece)?.unwrap_or_else(|| piece.to_owned())));
        pieces.by_ref().collect::<Result<Vec<_>, String>>().map(|pieces| pieces.join("\""))
    }
}

fn version(manifest: &Value) -> Result<String, String> {
    let text = |name: &str| manifest.get(name).and_then(Value::as_str);
    let name = text("name").ok_or("a manifest has no name")?;
    let version = text("version").ok_or("a manifest has no version")?;
    let subject =
        Subject::of(Kind::Model, text("namespace"), name, Some(version)).map_err(|error| error.to_string())?;
    Ok(subject.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_registration_names_the_digest() {
        let mut manifests = Manifests::default();
        let registration = |bytes: &str| json!({"manifest": {"namespace": "a", "name": "m", "version": "1", "root": bytes}, "manifest_digest": "${manifest:model/a/m@1}"});
        let mut first = registration("${sha256:abc}");
        manifests.resolve_event(REGISTERED, &mut first).unwrap();
        // Of "abc", from FIPS 180-4.
        let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(first["manifest"]["root"], abc);
        let expected = digest_of(
            format!("{{\"name\":\"m\",\"namespace\":\"a\",\"root\":\"{abc}\",\"version\":\"1\"}}").as_bytes(),
        );
        assert_eq!(first["manifest_digest"], expected.as_str());
        let mut second = registration("other bytes");
        manifests.resolve_event(REGISTERED, &mut second).unwrap();
        assert_eq!(second["manifest_digest"], expected.as_str());
        assert_eq!(
            manifests.resolve_text("{\"d\": \"${manifest:model/a/m@1}\"}").unwrap(),
            format!("{{\"d\": \"{expected}\"}}")
        );
    }

    #[test]
    fn what_is_not_known_is_named() {
        let manifests = Manifests::default();
        for (text, fault) in [
            ("${manifest:model/x@1}", "registers model/x@1"),
            ("${sha512:x}", "neither"),
            ("${sha256:x} and more", "does not end"),
        ] {
            let error = manifests.resolve(&mut json!({"list": [text]})).unwrap_err();
            assert!(error.contains(fault), "{error}");
        }
        let mut plain = json!({"a": "$5", "b": 1, "c": null});
        manifests.resolve(&mut plain).unwrap();
        assert_eq!(plain, json!({"a": "$5", "b": 1, "c": null}));
    }
}
