//! What a check costs: `fsck`, the verification of a bundle, a proof. Beside them: hashing and parsing the same bytes.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use modeltrail_core::bundle::ENTRIES;
use modeltrail_core::bundle::export::{Request, export};
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::bundle::source::StoreView;
use modeltrail_core::check::{CheckOptions, check};
use modeltrail_core::store::Store;
use modeltrail_core::types::{EntryIndex, SALT_BYTES};
use modeltrail_core::verify::{Options, Trust, verify_bundle};
use modeltrail_schemas::record::Record;
use modeltrail_store::Appender;
use modeltrail_store::rocks::{Access, RocksStore};
use modeltrail_tlog::note::Note;
use modeltrail_tlog::tree::TreeSize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Job;
use crate::figures::Figures;
use crate::world::{MODELS, Stopwatch, quantile, reopen};

/// Entries that are hashed and parsed from memory for the ceiling: their bytes must fit into it.
const SAMPLE: usize = 200_000;
/// Of all models one in so many goes into the bundle.
const BUNDLED: u64 = 10;
/// Threads of the ceilings: `fsck` looks at entries on two, and `verify` on all cores.
const THREADS: usize = 2;
/// Proofs that are made.
const PROOFS: u64 = 20_000;

/// A text to be hashed, and the part of it that is JSON.
type Text = (Vec<u8>, usize);

/// Hashes and parses every text, half of them on each of two threads.
fn hash_and_parse(texts: &[Text]) -> Result<()> {
    let all = |part: &[Text]| -> Result<u64> {
        let mut sum = 0;
        for (bytes, from) in part {
            sum += u64::from(Sha256::digest(bytes)[0]);
            let parsed: Value = serde_json::from_slice(bytes.get(*from..).unwrap_or_default())?;
            sum += parsed.as_object().map_or(0, serde_json::Map::len) as u64;
        }
        Ok(sum)
    };
    let part = texts.len().div_ceil(THREADS).max(1);
    let sums = std::thread::scope(|scope| {
        let running: Vec<_> = texts.chunks(part).map(|part| scope.spawn(move || all(part))).collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    for sum in sums {
        let sum = sum.map_err(|_| anyhow::anyhow!("a thread of the ceiling panicked"))??;
        ensure!(sum > 0, "the ceiling did nothing");
    }
    Ok(())
}

/// `fsck`, whole and of headers alone.
pub(crate) fn fsck(job: &Job, figures: &mut Figures) -> Result<()> {
    let store = RocksStore::open(&job.ledger().join("log"), Access::Read)?;
    let (headers, openings) = sample(&store, figures)?;
    let watch = Stopwatch::start()?;
    hash_and_parse(&headers)?;
    watch.stop()?.note(figures, "fsck.headers.ceiling", headers.len() as f64);
    let watch = Stopwatch::start()?;
    hash_and_parse(&headers)?;
    hash_and_parse(&openings)?;
    watch.stop()?.note(figures, "fsck.ceiling", headers.len() as f64);
    drop((headers, openings));
    for (name, headers_only) in [("fsck.headers", true), ("fsck.whole", false)] {
        let watch = Stopwatch::start()?;
        let options = CheckOptions { headers_only, key: Appender::salt(), outside: None, progress: &mut |_| {} };
        let report = check(&store, options)?;
        ensure!(report.holds(), "the ledger is broken: {report:?}");
        watch.stop()?.note(figures, name, report.entries as f64);
    }
    Ok(())
}

/// The first headers and openings, and their mean sizes.
fn sample(store: &RocksStore, figures: &mut Figures) -> Result<(Vec<Text>, Vec<Text>)> {
    let (mut headers, mut openings, mut fault) = (Vec::new(), Vec::new(), None);
    let more = |found: &[Text]| if found.len() < SAMPLE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    store.scan_headers(EntryIndex(0), &mut |_, header| {
        headers.push((header.to_vec(), 0));
        more(&headers)
    })?;
    store.scan_openings(EntryIndex(0), &mut |_, opening| {
        match Record::decode(opening.get(SALT_BYTES..).unwrap_or_default()) {
            Ok(record) => openings.push((opening.to_vec(), opening.len() - record.body().len())),
            Err(error) => fault = Some(error),
        }
        more(&openings)
    })?;
    ensure!(fault.is_none(), "a record can't be read: {fault:?}");
    for (name, texts) in [("bytes.header", &headers), ("bytes.opening", &openings)] {
        figures.set(name, texts.iter().map(|(text, _)| text.len()).sum::<usize>() as f64 / texts.len() as f64);
    }
    Ok((headers, openings))
}

/// Inclusion proofs all over the ledger, as the API makes them.
pub(crate) fn proofs(job: &Job, figures: &mut Figures) -> Result<()> {
    let opened = reopen(&job.ledger())?;
    let size = opened.ledger.head().size;
    let mut times = Vec::new();
    for number in 0..PROOFS {
        let index = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % size;
        let begun = Instant::now();
        let proof = opened.ledger.inclusion(index, size)?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        ensure!(!proof.is_empty(), "a proof of entry {index} is empty");
    }
    figures.set("proof.p50", quantile(&mut times, 0.5));
    figures.set("proof.p99", quantile(&mut times, 0.99));
    opened.stop();
    Ok(())
}

/// The bundle of a tenth of all models: made, and verified.
pub(crate) fn bundle(job: &Job, figures: &mut Figures) -> Result<()> {
    let opened = reopen(&job.ledger())?;
    let ledger = &opened.ledger;
    let head = ledger.published();
    let view = StoreView::new(ledger.store().as_ref(), TreeSize::new(head.size))?;
    let subjects: BTreeSet<String> =
        (0..MODELS).step_by(BUNDLED as usize).map(|model| format!("model/risk/model-{model:04}")).collect();
    let path = job.file("bundle.zip");
    let sign = |text: &str| Ok(Note::parse(ledger.sign_note(&head, text)?.as_bytes())?);
    let watch = Stopwatch::start()?;
    export(&view, &Request { subjects, as_of: None }, sign, BufWriter::new(File::create(&path)?))?;
    let exporting = watch.stop()?;
    opened.stop();
    let entries = verify(job, &path, figures)?;
    exporting.note(figures, "export.rate", entries);
    Ok(())
}

/// Verifies the bundle, and hashes and parses its lines. Gives the number of its entries.
fn verify(job: &Job, path: &Path, figures: &mut Figures) -> Result<f64> {
    let pin = fs::read_to_string(job.ledger().with_extension("vkey"))?;
    let trust = Trust { pin: Some(pin.parse().context("the verifier key")?), policy: None };
    let watch = Stopwatch::start()?;
    let report =
        verify_bundle(&mut BundleReader::open(path)?, &Options { trust: &trust, tiles: None, progress: &|_| {} })?;
    let verifying = watch.stop()?;
    for verdict in [&report.integrity, &report.order, &report.completeness, &report.authenticity, &report.time] {
        ensure!(verdict.holds(), "the bundle does not hold: {verdict:?}");
    }
    let entries = report.facts.entries as f64;
    verifying.note(figures, "verify.rate", entries);
    figures.set("bundle.entries", entries);
    let lines = BundleReader::open(path)?.read(ENTRIES, u64::MAX)?;
    let lines: Vec<Text> =
        lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| (line.to_vec(), 0)).collect();
    let watch = Stopwatch::start()?;
    hash_and_parse(&lines)?;
    watch.stop()?.note(figures, "verify.ceiling", entries);
    Ok(entries)
}
