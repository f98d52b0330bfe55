//! `modeltrail prove`: that an entry is in the ledger, as a C2SP `tlog-proof` file.

use std::path::Path;

use anyhow::{Context as _, bail};
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::bundle::{CHECKPOINT, MAX_NOTE_BYTES};
use modeltrail_core::header::EntryHeader;
use modeltrail_tlog::hash::leaf_hash;
use modeltrail_tlog::tlog_proof::TlogProof;
use serde::{Deserialize, Serialize};

use crate::args::ProveArgs;
use crate::exit::{Exit, refused};
use crate::http::Server;
use crate::output::{self, Output, say};
use crate::{bundle, keys};

#[derive(Deserialize)]
struct Answer {
    tlog_proof: String,
}

#[derive(Deserialize)]
struct Entry {
    header: String,
}

#[derive(Serialize)]
struct Document<'a> {
    index: u64,
    size: u64,
    /// Whether the proof was checked against a key that was given.
    checked: bool,
    header: &'a str,
    tlog_proof: &'a str,
}

pub(crate) fn run(args: &ProveArgs, out: Output) -> anyhow::Result<Exit> {
    let (header, proof) = match &args.bundle {
        Some(path) => of_bundle(path, args.index)?,
        None => of_server(args)?,
    };
    let text = proof.to_string();
    let parsed = EntryHeader::parse(&header).map_err(|error| refused(format!("entry {}: {error}", args.index)))?;
    if proof.index != args.index || parsed.index.get() != args.index {
        return Err(refused(format!(
            "asked for entry {}, got a proof of {} and the header of {}",
            args.index, proof.index, parsed.index
        )));
    }
    let trust = keys::trust(&args.trust)?;
    let checked = trust.pin.is_some() || trust.policy.is_some();
    let size = if checked {
        let pins = keys::pins(&trust, &parsed.origin)?;
        let checkpoint = proof
            .verify(&leaf_hash(&header), &pins, &parsed.origin)
            .map_err(|error| refused(format!("the proof does not hold: {error}")))?;
        checkpoint.size.get()
    } else {
        say("note: the proof was not checked, because no key was given (--key or --policy)");
        size_of(&proof)?
    };
    if let Some(path) = &args.output {
        keys::write_new(path, text.as_bytes(), 0o644)?;
    }
    let document =
        Document { index: args.index, size, checked, header: std::str::from_utf8(&header)?, tlog_proof: &text };
    match (&args.output, out.json) {
        (Some(path), false) => say(&format!("wrote {}", path.display())),
        (None, false) => output::data(text.as_bytes())?,
        (_, true) => out.print(&document, String::new)?,
    }
    Ok(Exit::Holds)
}

fn size_of(proof: &TlogProof) -> anyhow::Result<u64> {
    let note = modeltrail_tlog::note::Note::parse(proof.checkpoint.as_bytes())?;
    Ok(modeltrail_tlog::checkpoint::Checkpoint::parse_text(&note.text)?.size.get())
}

fn of_bundle(path: &Path, index: u64) -> anyhow::Result<(Vec<u8>, TlogProof)> {
    let (_, line) = bundle::entry(path, index)?;
    let checkpoint = BundleReader::open(path)?.read(CHECKPOINT, MAX_NOTE_BYTES as u64)?;
    let checkpoint = String::from_utf8(checkpoint).with_context(|| format!("{CHECKPOINT} is not text"))?;
    Ok((line.header, TlogProof { index, hashes: line.proof, checkpoint, extra: None }))
}

fn of_server(args: &ProveArgs) -> anyhow::Result<(Vec<u8>, TlogProof)> {
    let server = Server::new(&args.server)?;
    let index = args.index.to_string();
    let entry: Entry = server.get(&format!("/v1/entries/{index}"), &[])?;
    let answer: Answer = server.get("/v1/proofs/inclusion", &[("index", &index)])?;
    let proof = TlogProof::parse(answer.tlog_proof.as_bytes()).context("the server's tlog_proof can't be read")?;
    if proof.extra.is_some() {
        bail!("the server's tlog_proof has an extra line, which nothing authenticates");
    }
    Ok((entry.header.into_bytes(), proof))
}
