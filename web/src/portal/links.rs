//! The addresses of the portal's pages. Every link is made here, so that each keeps the page's "as of".

use modeltrail_schemas::subject::{Kind, Subject};

/// Makes links that keep what a page's reader looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    as_of: Option<String>,
}

impl Links {
    /// Links that keep this "as of", as the reader gave it; `None` is the newest.
    pub(crate) fn new(as_of: Option<String>) -> Self {
        Self { as_of }
    }

    /// The "as of" that is kept.
    pub(crate) fn as_of(&self) -> Option<&str> {
        self.as_of.as_deref()
    }

    /// A page with parameters; empty ones are left out.
    pub(crate) fn to(&self, path: &str, parameters: &[(&str, &str)]) -> String {
        let kept = self.as_of.as_deref().map(|as_of| ("as_of", as_of));
        let given = parameters.iter().copied().filter(|(name, value)| !value.is_empty() && *name != "as_of");
        joined(path, given.chain(kept))
    }

    /// The page of a subject, by its kind.
    pub(crate) fn subject(&self, subject: &str) -> String {
        let path = Subject::parse(subject).map_or("/trail", |subject| page_of(&subject));
        self.to(path, &[("subject", subject)])
    }

    /// The page of an entry.
    pub(crate) fn entry(&self, index: u64) -> String {
        self.to(&format!("/entries/{index}"), &[])
    }

    /// The page of a party.
    pub(crate) fn party(&self, party: &str) -> String {
        self.to("/party", &[("id", party)])
    }

    /// The page of a finding.
    pub(crate) fn finding(&self, id: &str) -> String {
        self.to("/finding", &[("id", id)])
    }
}

/// An address with parameters, whatever the page shows. For what leaves the portal: the API, downloads.
pub(crate) fn joined<'a>(path: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut address = path.to_owned();
    for (at, (name, value)) in parameters.enumerate() {
        address.push(if at == 0 { '?' } else { '&' });
        address.push_str(name);
        address.push('=');
        push_encoded(&mut address, value);
    }
    address
}

fn page_of(subject: &Subject) -> &'static str {
    match subject.kind() {
        Kind::Model if subject.version().is_some() => "/version",
        Kind::Model => "/model",
        Kind::Dataset => "/dataset",
        Kind::Deployment => "/deployment",
        Kind::Incident => "/incident",
        _ => "/trail",
    }
}

fn push_encoded(address: &mut String, value: &str) {
    for byte in value.bytes() {
        // What RFC 3986 lets stand in a query and no form decodes.
        if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_as_of_and_encode_what_they_carry() {
        let links = Links::new(Some("2026-03-31T12:00:00+01:00".to_owned()));
        assert_eq!(
            links.subject("model/risk/pd%2Fretail@3.1.0+b"),
            "/version?subject=model/risk/pd%252Fretail@3.1.0%2Bb&as_of=2026-03-31T12:00:00%2B01:00"
        );
        assert_eq!(Links::default().to("/models", &[("q", ""), ("tier", "1&2 #")]), "/models?tier=1%262%20%23");
        assert_eq!(Links::default().entry(7), "/entries/7");
    }

    #[test]
    fn each_kind_has_a_page() {
        let path = |subject: &str| Links::default().subject(subject).split('?').next().map(str::to_owned);
        for (subject, page) in [
            ("model/a", "/model"),
            ("model/a@1", "/version"),
            ("dataset/a@1", "/dataset"),
            ("deployment/e/s", "/deployment"),
            ("incident/i", "/incident"),
            ("code/r/.", "/trail"),
            ("nonsense", "/trail"),
        ] {
            assert_eq!(path(subject).as_deref(), Some(page), "{subject}");
        }
    }
}
