//! `modeltrail checkpoint`: signatures of one, and consistency of two.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use modeltrail_core::verify::Trust;
use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::hash::NodeHash;
use modeltrail_tlog::note::Note;
use modeltrail_tlog::proof::verify_consistency;
use modeltrail_tlog::tile::{FULL_WIDTH, TileId};
use modeltrail_tlog::tree::{HashReader, consistency_proof};
use serde::{Deserialize, Serialize};

use crate::args::{CheckpointArgs, CheckpointCommand, ServerArgs};
use crate::exit::{Exit, refused};
use crate::http::Server;
use crate::keys;
use crate::output::{Output, printable};

/// Longest checkpoint: 64 signature lines, post-quantum ones included.
const MAX_CHECKPOINT_BYTES: u64 = 1 << 20;

#[derive(Serialize)]
struct Verified {
    origin: String,
    size: u64,
    root: String,
    signed_by: Vec<String>,
}

#[derive(Serialize)]
struct Consistent {
    old: Verified,
    new: Verified,
    proof: Vec<String>,
}

pub(crate) fn run(args: &CheckpointArgs, out: Output) -> anyhow::Result<Exit> {
    match &args.command {
        CheckpointCommand::Verify { file, trust } => {
            let (_, verified) = open(file, &keys::trust(trust)?)?;
            out.print(&verified, || text(&verified))?;
        }
        CheckpointCommand::Consistency { old, new, trust, tiles, server } => {
            let trust = keys::trust(trust)?;
            let found = consistency(old, new, &trust, tiles.as_deref(), server)?;
            out.print(&found, || {
                format!(
                    "the tree of size {} grew from the tree of size {} of {}\n",
                    found.new.size,
                    found.old.size,
                    printable(&found.new.origin)
                )
            })?;
        }
    }
    Ok(Exit::Holds)
}

/// Reads a checkpoint and verifies it under the keys that are trusted for its origin.
fn open(path: &Path, trust: &Trust) -> anyhow::Result<(Checkpoint, Verified)> {
    let shown = path.display();
    let bytes = keys::read_file(path, MAX_CHECKPOINT_BYTES)?;
    let note = Note::parse(&bytes).with_context(|| format!("{shown} is not a signed note"))?;
    let claimed = Checkpoint::parse_text(&note.text).with_context(|| format!("{shown} is not a checkpoint"))?;
    let pins = keys::pins(trust, &claimed.origin)?;
    let fails = |error: &dyn std::fmt::Display| refused(format!("{shown} does not hold: {error}"));
    let holding = note.verify(&pins).map_err(|error| fails(&error))?;
    if let Some(policy) = &trust.policy {
        policy.quorum_holds(&note).map_err(|what| refused(format!("{shown} {what}")))?;
    }
    let signed_by = holding.into_iter().filter_map(|at| pins.get(at)).map(ToString::to_string).collect();
    let verified = Verified {
        origin: claimed.origin.clone(),
        size: claimed.size.get(),
        root: claimed.root.to_string(),
        signed_by,
    };
    Ok((claimed, verified))
}

fn text(verified: &Verified) -> String {
    let Verified { origin, size, root, signed_by } = verified;
    printable(&format!("holds: {origin}, size {size}, root {root}\nsigned by {}\n", signed_by.join(", ")))
}

fn consistency(
    old: &Path,
    new: &Path,
    trust: &Trust,
    tiles: Option<&Path>,
    server: &ServerArgs,
) -> anyhow::Result<Consistent> {
    let (old, old_verified) = open(old, trust)?;
    let (new, new_verified) = open(new, trust)?;
    if old.origin != new.origin {
        return Err(refused(format!("the checkpoints are of two ledgers, {:?} and {:?}", old.origin, new.origin)));
    }
    if old.size > new.size {
        return Err(refused(format!(
            "the older checkpoint has size {}, the newer only {}: are they the wrong way round?",
            old.size, new.size
        )));
    }
    let proof = if old.size == new.size {
        Vec::new()
    } else {
        match tiles {
            Some(root) => consistency_proof(&Mirror { root: root.to_owned() }, old.size, new.size)?,
            None => of_server(&old, &new, server)?,
        }
    };
    let holds = verify_consistency(old.size, &old.root, new.size, &new.root, &proof);
    holds.map_err(|error| refused(format!("the newer tree did not grow from the older one: {error}. Keep both files: if both signatures hold, they show that the ledger told two histories")))?;
    let proof = proof.iter().map(ToString::to_string).collect();
    Ok(Consistent { old: old_verified, new: new_verified, proof })
}

#[derive(Deserialize)]
struct Answer {
    proof: Vec<String>,
}

fn of_server(old: &Checkpoint, new: &Checkpoint, server: &ServerArgs) -> anyhow::Result<Vec<NodeHash>> {
    let (old, new) = (old.size.to_string(), new.size.to_string());
    let answer: Answer = Server::new(server)?.get("/v1/proofs/consistency", &[("old", &old), ("new", &new)])?;
    let parse =
        |hash: &String| hash.parse().context("the server's proof has a hash that is not 64 lower-case hex digits");
    answer.proof.iter().map(parse).collect()
}

/// A mirror of a ledger's `/tile/`. Not trusted: what it gives must lead to both roots.
struct Mirror {
    root: PathBuf,
}

impl HashReader for Mirror {
    type Error = std::io::Error;

    fn tile(&self, id: TileId) -> Result<Vec<u8>, std::io::Error> {
        let at = |width: u16| self.root.join(TileId { width, ..id }.path());
        let wanted = id.byte_len();
        // The full tile, or any partial one that has enough.
        let path = std::iter::once(FULL_WIDTH)
            .chain(id.width..FULL_WIDTH)
            .map(at)
            .find(|path| path.is_file())
            .unwrap_or_else(|| at(id.width));
        let mut bytes = std::fs::read(&path)
            .map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        if bytes.len() < wanted {
            let what = format!("{} has {} bytes, {wanted} are needed", path.display(), bytes.len());
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what));
        }
        bytes.truncate(wanted);
        Ok(bytes)
    }
}
