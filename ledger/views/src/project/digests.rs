//! Digests and where they stand, so that one that somebody holds leads to the thing.

use serde_json::Value;

use super::{Step, at, elements};
use crate::fold::Overlay;
use crate::store::ViewError;
use crate::tables::{Table, part};
use crate::text::{MAX_NAME, cut};

/// Digests of one entry: the files of a large artefact are all in its record, and found by their root.
const MAX_DIGESTS: usize = 1_000;
/// Hex digits of what counts as a digest or commit: less is no name, more is none that is in use.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=128;

/// Single digests: where in the data, and what they are of.
const PLACES: &[(&str, &str)] = &[
    ("/digest", "content"),
    ("/lock_digest", "lock file"),
    ("/diff_digest", "uncommitted changes"),
    ("/manifest_digest", "manifest, as claimed"),
    ("/document/digest", "document"),
    ("/report/digest", "report"),
    ("/artifacts/root_digest", "root of the artefacts"),
    ("/config_digest", "configuration"),
    ("/manifest/artifacts/root_digest", "root of the artefacts"),
    ("/manifest/configuration/digest", "configuration"),
    ("/manifest/environment/image/digest", "image"),
    ("/manifest/environment/lock_digest", "lock file"),
    ("/component/digest", "component"),
    ("/component/fingerprint", "fingerprint"),
];

/// Lists of digests: the list, the member, what they are of, and the member that names each.
const LISTS: &[(&str, &str, &str, &str)] = &[
    ("/artifacts/files", "/digest", "file", "/path"),
    ("/manifest/artifacts/files", "/digest", "file", "/path"),
    ("/manifest/datasets", "/digest", "dataset", "/name"),
    ("/manifest/components", "/digest", "component", "/name"),
    ("/manifest/components", "/fingerprint", "fingerprint", "/model_id"),
    ("/manifest/code", "/commit", "commit", "/repository"),
    ("/running", "/manifest_digest", "manifest seen running", "/version"),
    ("/running", "/root_digest", "files seen running", "/version"),
    ("/new", "/manifest_digest", "manifest deployed", "/version"),
];

pub(super) fn fold(rows: &mut Overlay<'_>, step: &Step<'_>) -> Result<(), ViewError> {
    let Some(about) = step.about.filter(|_| step.has_data() && step.counts) else { return Ok(()) };
    if let Some(manifest) = &step.entry.manifest_digest {
        found(rows, step, manifest, about, "manifest")?;
    }
    for (pointer, what) in PLACES {
        if let Some(digest) = step.raw(pointer) {
            found(rows, step, digest, about, what)?;
        }
    }
    let mut left = MAX_DIGESTS;
    for (list, member, what, name) in LISTS {
        for element in elements(step.data(), list).iter().take(left) {
            let Some(digest) = at(element, member).and_then(Value::as_str) else { continue };
            let name = at(element, name).and_then(Value::as_str).unwrap_or_default();
            left = left.saturating_sub(1);
            found(rows, step, digest, about, cut(&format!("{what} {name}"), MAX_NAME).trim_end())?;
        }
    }
    Ok(())
}

/// Keeps where a digest stands, the first time; what is none is left out.
pub(super) fn found(
    rows: &mut Overlay<'_>,
    step: &Step<'_>,
    digest: &str,
    subject: &str,
    place: &str,
) -> Result<(), ViewError> {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest).to_lowercase();
    if !DIGITS.contains(&hex.len()) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    rows.mark_with(Table::Digests, &[&part(&hex), subject], step.index, place.as_bytes())
}
