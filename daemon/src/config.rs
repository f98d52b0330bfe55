//! Configuration: a TOML file, over it variables `MODELTRAIL__SECTION__FIELD`, over them flags.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use modeltrail_ingest::IngestConfig;
use modeltrail_store::Data;
use modeltrail_store::rocks::WAL_LIMIT_BYTES;
use serde::Deserialize;
use toml::{Table, Value};

/// What variables of the environment begin with.
const PREFIX: &str = "MODELTRAIL__";

/// Everything that can be configured.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) ledger: LedgerConfig,
    #[serde(default)]
    pub(crate) http: HttpConfig,
    #[serde(default)]
    pub(crate) ingest: IngestConfig,
}

/// `[ledger]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LedgerConfig {
    /// The data directory; relative to the configuration file.
    pub(crate) data_dir: PathBuf,
    /// The head file; by default `<data_dir>.head`.
    pub(crate) head_file: Option<PathBuf>,
    /// Free disk below which writes pause, in bytes.
    pub(crate) reserve_bytes: u64,
}

/// `[http]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpConfig {
    /// Address and port; port 0 takes a free one.
    pub(crate) listen: SocketAddr,
    /// Threads that answer.
    pub(crate) workers: usize,
    /// Names besides loopback that requests may be meant for.
    pub(crate) hosts: Vec<String>,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self { data_dir: PathBuf::new(), head_file: None, reserve_bytes: 2 * WAL_LIMIT_BYTES }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080), workers: 2, hosts: Vec::new() }
    }
}

/// What the command line says.
pub(crate) struct Flags {
    pub(crate) config: Option<PathBuf>,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) head_file: Option<PathBuf>,
    pub(crate) listen: Option<SocketAddr>,
}

impl Config {
    pub(crate) fn read(flags: Flags) -> Result<Self> {
        let mut table = match &flags.config {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("can't read the configuration {}", path.display()))?;
                text.parse::<Table>().map_err(|error| not_toml(path, &text, &error))?
            }
            None => Table::new(),
        };
        overlay(&mut table, std::env::vars())?;
        let named = flags.config.as_ref().map_or("the environment".to_owned(), |path| path.display().to_string());
        let mut config: Self = table.try_into().with_context(|| format!("the configuration in {named} is faulty"))?;
        let base = flags.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        config.ledger.data_dir = flags.data_dir.unwrap_or_else(|| base.join(&config.ledger.data_dir));
        config.ledger.head_file = flags.head_file.or(config.ledger.head_file.map(|path| base.join(path)));
        config.http.listen = flags.listen.unwrap_or(config.http.listen);
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if self.ledger.data_dir.as_os_str().is_empty() {
            bail!("no data directory is given: use --data-dir, or `ledger.data_dir` in the configuration");
        }
        if !self.http.listen.ip().is_loopback() {
            bail!(
                "`http.listen` is {}, which others can reach; until callers can be told apart only loopback is served (127.0.0.1 or [::1])",
                self.http.listen
            );
        }
        if self.http.workers == 0 {
            bail!("`http.workers` is 0; it must be at least 1");
        }
        self.ingest.check().context("`ingest` is faulty")
    }

    pub(crate) fn data(&self) -> Data {
        let mut data = Data::new(&self.ledger.data_dir);
        if let Some(head_file) = &self.ledger.head_file {
            data.head_file.clone_from(head_file);
        }
        data
    }
}

/// What is wrong and in which line, without the line: it may hold a password.
fn not_toml(path: &Path, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
    anyhow!("{} is not TOML: line {line}: {}", path.display(), error.message())
}

/// Puts `MODELTRAIL__HTTP__LISTEN=…` over `[http] listen`. A value is TOML if it parses as such (numbers, lists, quoted text), else text as it is.
fn overlay(table: &mut Table, variables: impl Iterator<Item = (String, String)>) -> Result<()> {
    for (name, text) in variables {
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        let path: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
        let [section, field] = path.as_slice() else {
            bail!("{name} names no field: it is {PREFIX}SECTION__FIELD, like {PREFIX}HTTP__LISTEN");
        };
        let value = format!("v = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut parsed| parsed.remove("v"))
            .unwrap_or(Value::String(text));
        let section = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(section) = section else { bail!("{name}: what it belongs to is not a section") };
        section.insert(field.clone(), value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaid(text: &str, variables: &[(&str, &str)]) -> Result<Config> {
        let mut table = text.parse::<Table>()?;
        overlay(&mut table, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))?;
        Ok(table.try_into()?)
    }

    #[test]
    fn variables_lie_over_the_file() {
        let file = "[http]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n";
        let config = overlaid(
            file,
            &[("MODELTRAIL__HTTP__LISTEN", "127.0.0.1:2"), ("MODELTRAIL__LEDGER__DATA_DIR", "/x"), ("OTHER", "1")],
        )
        .unwrap();
        assert_eq!(config.http.listen.port(), 2);
        assert_eq!(config.http.workers, 3);
        assert_eq!(config.ledger.data_dir, Path::new("/x"));
    }

    #[test]
    fn unknown_fields_are_named() {
        let fault = overlaid("[http]\nlisen = 1\n", &[]).unwrap_err();
        assert!(format!("{fault:#}").contains("lisen"), "{fault:#}");
        assert!(overlaid("", &[("MODELTRAIL__HTTP", "1")]).is_err());
    }

    #[test]
    fn only_loopback_is_served() {
        let mut config = overlaid("[ledger]\ndata_dir = \"/x\"\n", &[]).unwrap();
        assert!(config.check().is_ok());
        config.http.listen = "0.0.0.0:80".parse().unwrap();
        assert!(config.check().unwrap_err().to_string().contains("loopback"));
    }
}
