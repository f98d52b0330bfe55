//! `modeltrail keygen`: a producer's key.

use serde::Serialize;

use crate::args::KeygenArgs;
use crate::exit::Exit;
use crate::keys::ProducerKey;
use crate::output::Output;

#[derive(Serialize)]
struct Document {
    file: String,
    alg: &'static str,
    key_id: String,
    public_key: String,
}

pub(crate) fn run(args: &KeygenArgs, out: Output) -> anyhow::Result<Exit> {
    let key = ProducerKey::generate()?;
    key.save(&args.output)?;
    let document = Document {
        file: args.output.display().to_string(),
        alg: "ed25519",
        key_id: key.id(),
        public_key: key.public(),
    };
    out.print(&document, || format!("key_id {}\npublic_key {}\n", document.key_id, document.public_key))?;
    Ok(Exit::Holds)
}
