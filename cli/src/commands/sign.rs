//! `modeltrail sign`: wraps an event in a DSSE envelope, bound to one ledger.

use anyhow::{Context as _, bail};
use ed25519_dalek::Signer as _;
use modeltrail_schemas::dsse::{Envelope, Signature, pae};
use modeltrail_schemas::json;
use serde_json::Value;

use crate::args::SignArgs;
use crate::exit::Exit;
use crate::keys::{MAX_INPUT_BYTES, ProducerKey, read_file, write_new};
use crate::output::{self, Output, say};

/// The payload of an envelope that a ledger reads as an event.
const PAYLOAD_TYPE: &str = "application/cloudevents+json";
/// The CloudEvents extension that says which ledger a signed event is meant for.
const ORIGIN: &str = "modeltrailorigin";

pub(crate) fn run(args: &SignArgs, out: Output) -> anyhow::Result<Exit> {
    let key = ProducerKey::load(&args.producer_key)?;
    let bytes = read_file(&args.file, MAX_INPUT_BYTES)?;
    let mut envelope = sign(&key, &bytes, &args.origin).with_context(|| args.file.display().to_string())?;
    envelope.push(b'\n');
    match &args.output {
        Some(path) => {
            write_new(path, &envelope, 0o644)?;
            say(&format!("wrote {}, signed by {}", path.display(), key.id()));
            if out.json {
                output::data(&envelope)?;
            }
        }
        None => output::data(&envelope)?,
    }
    Ok(Exit::Holds)
}

/// The envelope around an event, in JSON.
fn sign(key: &ProducerKey, event: &[u8], origin: &str) -> anyhow::Result<Vec<u8>> {
    let mut event = json::parse(event).context("is not strict JSON")?;
    let Some(members) = event.as_object_mut() else { bail!("is not one CloudEvents object") };
    for needed in ["specversion", "id", "source", "type"] {
        if members.get(needed).and_then(Value::as_str).is_none_or(str::is_empty) {
            bail!("has no {needed}, so no ledger could read it");
        }
    }
    match members.get(ORIGIN).and_then(Value::as_str) {
        Some(other) if other != origin => bail!("is meant for the ledger {other:?}, not {origin:?}"),
        _ => members.insert(ORIGIN.to_owned(), origin.into()),
    };
    let payload = json::canonical(&event);
    let sig = key.signing.sign(&pae(PAYLOAD_TYPE, &payload)).to_bytes().to_vec();
    let signatures = vec![Signature { keyid: key.id(), sig }];
    Ok(Envelope { payload_type: PAYLOAD_TYPE.to_owned(), payload, signatures }.to_json())
}
