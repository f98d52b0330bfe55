//! How a cluster is reached, in librdkafka's words; most of them are secrets.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// Properties of librdkafka (`bootstrap.servers`, TLS, SASL, …). Never printed but for a few that tell no secret.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Properties(BTreeMap<String, String>);

/// Properties whose values may be shown. Every other one may hold a password, a key or a token.
const SHOWN: [&str; 7] = [
    "bootstrap.servers",
    "client.rack",
    "sasl.mechanism",
    "sasl.mechanisms",
    "security.protocol",
    "ssl.ca.location",
    "ssl.endpoint.identification.algorithm",
];

impl Properties {
    /// Just a list of brokers, without TLS or SASL.
    #[must_use]
    pub fn bootstrap(servers: impl Into<String>) -> Self {
        Self(BTreeMap::from([("bootstrap.servers".to_owned(), servers.into())]))
    }

    /// Sets one property.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// All names and values. The values hold secrets.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether clients have to make themselves a token before a broker talks to them.
    pub(crate) fn uses_oauth(&self) -> bool {
        ["sasl.mechanism", "sasl.mechanisms"]
            .iter()
            .any(|name| self.0.get(*name).is_some_and(|value| value.eq_ignore_ascii_case("oauthbearer")))
    }

    /// The brokers, which is how a cluster is called before it has told its id.
    #[must_use]
    pub fn servers(&self) -> &str {
        self.0.get("bootstrap.servers").or_else(|| self.0.get("metadata.broker.list")).map_or("", String::as_str)
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |name: &str, value: &str| if SHOWN.contains(&name) { value.to_owned() } else { "***".to_owned() };
        f.debug_map().entries(self.iter().map(|(name, value)| (name.to_owned(), shown(name, value)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{IngestConfig, SourceConfig};

    #[test]
    fn no_secret_is_printed() {
        let kafka = Properties::bootstrap("a:1")
            .with("sasl.password", "hunter2")
            .with("ssl.key.pem", "PRIVATE")
            .with("security.protocol", "sasl_ssl");
        let text = format!(
            "{:?}",
            IngestConfig { sources: vec![SourceConfig::new("a", "x", kafka)], ..IngestConfig::default() }
        );
        assert!(!text.contains("hunter2") && !text.contains("PRIVATE"), "{text}");
        assert!(text.contains("sasl_ssl") && text.contains("sasl.password"), "{text}");
    }
}
