//! Administrative acts: through the API of a running daemon, or on the data directory when none runs. Each is an entry.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use modeltrail_core::check::Report;
use modeltrail_core::keys::{ED25519, ED25519_TYPE, key_id, parse_public};
use modeltrail_core::sequencer::{Outcome, PartitionId, Rotation};
use modeltrail_store::files::read_small;
use modeltrail_store::{Act, Appended, Appender, Data, OpenError, OpenOptions, new_key, open};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::args::Why;
use crate::config::Config;
use crate::{Ended, SOFTWARE, check, clock};

pub(crate) fn init(config: &Config, origin: &str) -> Result<Ended> {
    let data = config.data();
    let key = modeltrail_store::init(&data, origin, clock::system(), SOFTWARE)?;
    eprintln!("a new ledger lies in {}; its head file is {}", data.dir.display(), data.head_file.display());
    eprintln!("give this verifier key to whoever is to check it:");
    println!("{key}");
    Ok(Ended::Done)
}

pub(crate) fn adopt(config: &Config) -> Result<Ended> {
    let data = config.data();
    eprintln!("checking the ledger in {}", data.dir.display());
    let (report, _) = check::run(&data, false)?;
    if !report.holds() {
        bail!(
            "the ledger does not hold ({}); nothing was adopted",
            report.broken.iter().map(|broken| broken.invariant).collect::<Vec<_>>().join(", ")
        );
    }
    let digest =
        format!("sha256:{}", modeltrail_core::types::Hex32(Sha256::digest(serde_json::to_vec(&report)?).into()));
    modeltrail_store::adopt_head(&data, options(), &digest)?;
    eprintln!("the ledger goes on; an entry says that its head file was missing");
    Ok(Ended::Done)
}

pub(crate) fn register(
    config: &Config,
    public_key: &str,
    types: &[String],
    subjects: &[String],
    texts: [(&str, Option<String>); 4],
) -> Result<Ended> {
    let public = parse_public(public_key).context("--public-key")?;
    let key = key_id(ED25519_TYPE, &public).to_string();
    let mut data = Map::new();
    data.insert("alg".to_owned(), ED25519.into());
    data.insert("entitlement".to_owned(), json!({"subjects": subjects, "types": types}));
    data.insert("key_id".to_owned(), key.as_str().into());
    data.insert("public_key".to_owned(), public_key.into());
    data.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?)))));
    let data = Value::Object(data);
    act(config, "producers", &data, |appender, _| Ok(appender.act_blocking(Act::RegisterProducer(data.clone()))?))?;
    println!("{key}");
    Ok(Ended::Done)
}

pub(crate) fn revoke(config: &Config, key: &str, why: &str) -> Result<Ended> {
    let body = json!({"why": why});
    let local = |appender: &Appender, _: &Data| {
        Ok(appender.act_blocking(Act::RevokeProducer { key: key.to_owned(), why: why.to_owned() })?)
    };
    act(config, &format!("producers/{key}/revoke"), &body, local)?;
    Ok(Ended::Done)
}

pub(crate) fn rotate(config: &Config, why: Why) -> Result<Ended> {
    let (word, rotation) = match why {
        Why::Scheduled => ("scheduled", Rotation::Scheduled),
        Why::OperatorChange => ("operator_change", Rotation::OperatorChange),
    };
    act(config, "keys/rotate", &json!({"why": word}), |appender, data| rotate_here(appender, data, rotation))?;
    eprintln!("the new verifier key is in the newest `key.rotated` entry; a pin to the old one still verifies");
    Ok(Ended::Done)
}

/// Makes a key, keeps it, rotates to it. The key is on disk before the entry that names it: a crash between leaves a key that nobody uses.
pub(crate) fn rotate_here(appender: &Appender, data: &Data, why: Rotation) -> Result<Appended> {
    let key = Arc::new(new_key(appender.ledger().origin()).map_err(|fault| anyhow!("no key could be made: {fault}"))?);
    data.write_key(&key)?;
    modeltrail_store::failpoint::hit("rotate.key_written");
    Ok(appender.act_blocking(Act::Rotate(key, why))?)
}

pub(crate) fn rebase(config: &Config, source: &str, partition: u32, to: &str) -> Result<Ended> {
    let position = match to {
        "earliest" | "latest" => Value::from(to),
        number => Value::from(
            number
                .parse::<u64>()
                .with_context(|| format!("--to is `earliest`, `latest` or a position, not {number:?}"))?,
        ),
    };
    let body = json!({"partition": partition, "position": position});
    act(config, &format!("sources/{source}/rebase"), &body, |appender, _| {
        let Some(position) = position.as_u64() else {
            bail!("without a running daemon no broker can be asked for `{to}`: give a position, or start the daemon");
        };
        let id = PartitionId { source: source.to_owned(), partition };
        let rows = appender.ledger().positions()?;
        let row = rows.iter().find(|row| row.source == source && row.partition == partition);
        let row = row.with_context(|| format!("the ledger knows no partition {partition} of source {source}"))?;
        let (topic_id, cluster) = (row.topic_id.clone(), row.cluster.clone());
        Ok(appender.act_blocking(Act::Rebase { partition: id, position, topic_id, cluster })?)
    })?;
    Ok(Ended::Done)
}

/// Writes down that the ledger was checked, and what came of it.
pub(crate) fn record_check(config: &Config, report: &Report, origin: &str) -> Result<()> {
    let (event_type, data) = report.told(origin, "fsck", SOFTWARE);
    let holds = report.holds();
    act(config, "checks", &json!({"data": data, "holds": holds}), |appender, _| {
        ensure!(
            holds,
            "the ledger does not hold, and no daemon writes to it: nothing was written, not even this check"
        );
        Ok(appender.act_blocking(Act::Own { event_type: event_type.to_owned(), data: data.clone() })?)
    })
}

pub(crate) fn options() -> OpenOptions {
    OpenOptions { clock: Box::new(clock::for_ledger), ..OpenOptions::new(clock::system(), SOFTWARE) }
}

/// Does an act where the ledger is open: here, or in the daemon that has it.
fn act(
    config: &Config,
    path: &str,
    body: &Value,
    local: impl FnOnce(&Appender, &Data) -> Result<Appended>,
) -> Result<()> {
    let data = config.data();
    let index = match open(&data, options()) {
        Ok(opened) => {
            let appender = opened.appender().context("the ledger is open for reading only")?;
            let done = local(&appender, &data);
            drop(appender);
            opened.stop();
            match done?.outcome {
                Outcome::Entry { index, .. } => index.get(),
                other => bail!("the writer made no entry of it: {other:?}"),
            }
        }
        Err(error) if elsewhere(&error) => {
            let answer: Value =
                serde_json::from_str(&post(config, &data, path, body)?).context("the daemon's answer can't be read")?;
            answer.get("index").and_then(Value::as_u64).context("the daemon's answer names no entry")?
        }
        Err(error) => return Err(error.into()),
    };
    eprintln!("done; it is entry {index}");
    Ok(())
}

/// Whether another process has the ledger: that is the daemon.
pub(crate) fn elsewhere(error: &OpenError) -> bool {
    matches!(error, OpenError::Store(error) if error.to_string().to_lowercase().contains("lock"))
}

/// Asks the running daemon to do something.
pub(crate) fn post(config: &Config, data: &Data, path: &str, body: &Value) -> Result<String> {
    let (agent, url, token) = daemon(config, data, path)?;
    let request = agent.post(&url).header("authorization", token).header("content-type", "application/json");
    answered(&url, request.send(serde_json::to_vec(body)?.as_slice()))
}

/// Asks the running daemon for something.
pub(crate) fn get(config: &Config, data: &Data, path: &str) -> Result<String> {
    let (agent, url, token) = daemon(config, data, path)?;
    answered(&url, agent.get(&url).header("authorization", token).call())
}

/// What an administrative request needs: an agent, the address, the header with the token.
fn daemon(config: &Config, data: &Data, path: &str) -> Result<(ureq::Agent, String, String)> {
    let file = data.admin_token();
    let token = read_small(&file).with_context(|| format!("can't read {}", file.display()))?;
    let token = token
        .with_context(|| format!("a daemon has the ledger open, but its token {} is not there", file.display()))?;
    let noted = read_small(&data.url_file()).ok().flatten();
    let base = noted.map_or_else(|| format!("http://{}", config.http.listen), |url| url.trim().to_owned());
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    Ok((agent, format!("{base}/v1/admin/{path}"), format!("Bearer {}", token.trim())))
}

fn answered(url: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<String> {
    let mut answer = answer.with_context(|| format!("a daemon has the ledger open, but does not answer at {url}"))?;
    let text = answer.body_mut().read_to_string().context("the daemon's answer can't be read")?;
    if !answer.status().is_success() {
        let problem: Value = serde_json::from_str(&text).unwrap_or_default();
        bail!("the daemon refused: {}", problem.get("detail").and_then(Value::as_str).unwrap_or(&text));
    }
    Ok(text)
}
