//! Golden files: what is once signed can't be mended, so these are written once and never again.

use std::path::PathBuf;

use modeltrail_core::bundle::lines::{ConsistencyLine, EntryLine, LedgerKey};
use modeltrail_core::bundle::manifest::Manifest;
use modeltrail_core::header::EntryHeader;
use modeltrail_core::receipt::Receipt;
use modeltrail_core::store::Store as _;
use modeltrail_core::types::EntryIndex;
use modeltrail_tlog::hash::LeafHash;
use modeltrail_tlog::tlog_proof::TlogProof;
use modeltrail_tlog::tree::{TreeSize, inclusion_proof};

use super::world::{World, vkey};

/// Compares with the golden file of this name. `MODELTRAIL_NEW_GOLDEN=1` writes one that is missing, and never one that is there.
fn golden(name: &str, bytes: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name);
    if !path.exists() && std::env::var_os("MODELTRAIL_NEW_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let expected = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(String::from_utf8_lossy(bytes), String::from_utf8_lossy(&expected), "{name} is not what ledgers hold");
}

/// Holds a document against a canonicalizer that is not ours.
fn canonical(bytes: &[u8]) {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(serde_json_canonicalizer::to_vec(&value).unwrap(), bytes);
}

#[test]
fn headers() {
    let world = World::full();
    let mut all = Vec::new();
    for (_, header) in world.headers() {
        let bytes = header.to_bytes();
        canonical(&bytes);
        assert_eq!(EntryHeader::parse(&bytes).unwrap(), header);
        all.extend_from_slice(&bytes);
        all.push(b'\n');
    }
    golden("headers.jsonl", &all);
}

#[test]
fn bundle_documents() {
    let bundle = World::full().bundle();
    canonical(&bundle.0["MANIFEST.json"]);
    canonical(&bundle.0["keys.json"]);
    let first = bundle.lines("entries.jsonl").swap_remove(0);
    canonical(first.as_bytes());
    EntryLine::parse(first.as_bytes()).unwrap();
    let manifest = Manifest::parse(&bundle.0["MANIFEST.json"]).unwrap();
    manifest.check().unwrap();
    LedgerKey::parse_document(&bundle.0["keys.json"]).unwrap();
    ConsistencyLine::parse_all(&bundle.0["consistency.jsonl"]).unwrap();
    golden("checkpoint", &bundle.0["checkpoint"]);
    golden("keys.json", &bundle.0["keys.json"]);
    golden("consistency.jsonl", &bundle.0["consistency.jsonl"]);
    golden("entry.json", first.as_bytes());
    // How to verify is prose and may be said better one day; everything else in the manifest may not change.
    let mut without_prose = manifest;
    without_prose.files.remove("VERIFY.md");
    golden("MANIFEST.json", &without_prose.to_bytes());
}

struct Leaves(Vec<LeafHash>);

impl modeltrail_tlog::tree::HashReader for Leaves {
    type Error = std::convert::Infallible;

    fn tile(&self, id: modeltrail_tlog::tile::TileId) -> Result<Vec<u8>, Self::Error> {
        Ok(self.0[..usize::from(id.width)].iter().flat_map(|leaf| *leaf.as_bytes()).collect())
    }
}

#[test]
fn receipts() {
    let world = World::full();
    let leaves = Leaves(world.headers().iter().map(|(_, header)| header.leaf_hash()).collect());
    let index = world
        .headers()
        .iter()
        .position(|(_, header)| header.event.as_ref().is_some_and(|event| event.id == "e1"))
        .unwrap() as u64;
    let size = TreeSize::new(world.size());
    let proof = TlogProof {
        index,
        hashes: inclusion_proof(&leaves, index, size).unwrap(),
        checkpoint: world.store.checkpoint(size).unwrap().unwrap(),
        extra: None,
    };
    let header = world.store.header(EntryIndex(index)).unwrap().unwrap();
    let opening = world.store.opening(EntryIndex(index)).unwrap().unwrap();
    let receipt = Receipt::new(&header, EntryIndex(index), &proof, &opening[..16].try_into().unwrap(), false).unwrap();
    let bytes = receipt.to_bytes();
    canonical(&bytes);
    assert_eq!(Receipt::parse(&bytes).unwrap(), receipt);
    golden("receipt.json", &bytes);

    let record = modeltrail_schemas::record::Record::decode(&opening[16..]).unwrap();
    let shown = receipt.verify(&[vkey(2)], std::slice::from_ref(&record)).unwrap();
    assert_eq!((shown.committed, shown.checkpoint.size), (Some(true), size));
    let other = modeltrail_schemas::record::Record::ledger(b"{}".to_vec());
    assert_eq!(receipt.verify(&[vkey(2)], &[other]).unwrap().committed, Some(false));
    receipt.verify(&[vkey(7)], &[]).expect_err("another key");
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        let holds =
            Receipt::parse(&flipped).and_then(|receipt| receipt.verify(&[vkey(2)], std::slice::from_ref(&record)));
        assert!(
            !holds.is_ok_and(|shown| shown.committed == Some(true)),
            "flip at {at}: {}",
            String::from_utf8_lossy(&flipped)
        );
    }
}
