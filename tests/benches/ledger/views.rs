//! The views: folding them anew beside a bare scan of the same entries, what they cost ingest, and walks over a million nodes.

use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::{Result, ensure};
use modeltrail_core::header::{Content, EntryHeader, EventHead, Received, TrailStep};
use modeltrail_core::types::{Commitment, EntryIndex, Hex32};
use modeltrail_store::views::{RocksViews, fold};
use modeltrail_views::fold::{BATCH_ENTRIES, Folder};
use modeltrail_views::lineage::{Direction, walk};
use modeltrail_views::read::ReadEntry;
use modeltrail_views::view::View;
use serde_json::json;

use crate::Job;
use crate::figures::Figures;
use crate::world::{Stopwatch, memory, quantile, reopen};

/// Nodes of the graph that is walked, at most: the promise is about a million.
const NODES: u64 = 1_000_000;
/// Nodes of one layer. Each is made of three neighbours of the layer before.
const LAYER: u64 = 1_000;
/// Walks that are timed.
const WALKS: u64 = 2_000;

/// All views of the ledger, from nothing; and its entries, read and left alone.
pub(crate) fn rebuild(job: &Job, figures: &mut Figures) -> Result<()> {
    let opened = reopen(&job.ledger())?;
    let size = opened.ledger.head().size;
    let (mut bytes, watch) = (0, Stopwatch::start()?);
    opened.ledger.store().scan_entries(0, size, &mut |_, header, opening| {
        bytes += header.len() + opening.map_or(0, <[u8]>::len);
        ControlFlow::Continue(())
    })?;
    watch.stop()?.note(figures, "views.scan", size as f64);
    ensure!(bytes > 0, "nothing was scanned");
    let (mut read, mut fault, watch) = (0, None, Stopwatch::start()?);
    opened.ledger.store().scan_entries(
        0,
        size,
        &mut |_, header, opening| match ReadEntry::to_fold(header, opening) {
            Ok(entry) => {
                read += u64::from(entry.header.event.is_some());
                ControlFlow::Continue(())
            }
            Err(error) => {
                fault = Some(error);
                ControlFlow::Break(())
            }
        },
    )?;
    watch.stop()?.note(figures, "views.read", size as f64);
    ensure!(fault.is_none() && read > 0, "the entries can't be read: {fault:?}");
    let store = RocksViews::create(&job.file("views"))?;
    let watch = Stopwatch::start()?;
    let reached = fold(&opened.ledger, &store, size, &mut |_| ControlFlow::Continue(()))?;
    store.flush()?;
    watch.stop()?.note(figures, "views.rebuild", size as f64);
    ensure!(reached == size, "the rebuild ended at {reached} of {size}");
    figures.set("views.memory", memory().1);
    opened.stop();
    Ok(())
}

/// Walks of one step and of ten over a layered graph.
pub(crate) fn lineage(job: &Job, figures: &mut Figures) -> Result<()> {
    let nodes = NODES.min(job.entries);
    let store = RocksViews::create(&job.file("graph"))?;
    let mut folder = Folder::new(&store)?;
    for index in 0..nodes {
        folder.entry(&made_of(index))?;
        if (index + 1) % BATCH_ENTRIES as u64 == 0 || index + 1 == nodes {
            folder.write(index + 1, "")?;
        }
    }
    store.flush()?;
    let view = View::new(&store, nodes);
    for (name, depth) in [("walk.1", 1), ("walk.10", 10)] {
        let (mut times, mut met) = (Vec::new(), 0);
        for number in 0..WALKS {
            let start = node(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % nodes);
            let begun = Instant::now();
            let found = walk(&view, &start, Direction::Up, depth, usize::MAX)?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            ensure!(found.truncated.is_none(), "a walk was cut: {:?}", found.truncated);
            met += found.nodes.len();
        }
        figures.set(&format!("{name}.nodes"), met as f64 / WALKS as f64);
        figures.set(&format!("{name}.p50"), quantile(&mut times, 0.5));
        figures.set(&format!("{name}.p99"), quantile(&mut times, 0.99));
    }
    Ok(())
}

fn node(index: u64) -> String {
    format!("dataset/bench/{:04}-{:06}@1", index / LAYER, index % LAYER)
}

/// The entry that registers a node, made of its neighbours in the layer before.
fn made_of(index: u64) -> ReadEntry {
    let (layer, place) = (index / LAYER, index % LAYER);
    let name = |layer: u64, place: u64| format!("{layer:04}-{place:06}");
    let near = [(place + LAYER - 1) % LAYER, place, (place + 1) % LAYER];
    let before: Vec<String> = near.iter().filter(|_| layer > 0).map(|place| name(layer - 1, *place)).collect();
    let step = |role: &str, subject: String| TrailStep { n: 0, prev: None, role: role.to_owned(), subject };
    let mut trails = vec![step("about", node(index))];
    trails.extend(before.iter().map(|name| step("base", format!("dataset/bench/{name}@1"))));
    let from: Vec<_> = before.iter().map(|name| json!({"namespace": "bench", "name": name, "version": "1"})).collect();
    ReadEntry {
        header: EntryHeader {
            content: Content {
                commitment: Commitment::of(&[]),
                format: "cloudevents+json".to_owned(),
                kept: None,
                reading: 1,
                size: 1,
            },
            event: Some(EventHead {
                id: index.to_string(),
                source: "urn:bench".to_owned(),
                time: Some("2026-10-02T04:30:00.000000Z".to_owned()),
                r#type: "modeltrail.dataset.version_registered.v1".to_owned(),
            }),
            index: EntryIndex(index),
            origin: "example.com/bench".to_owned(),
            prev: Hex32([0; 32]),
            quarantine: None,
            received: Received {
                at: "2026-10-02T04:30:00.000000Z".to_owned(),
                generation: None,
                offset: None,
                partition: None,
                producer: Some("bench".to_owned()),
                skipped: None,
                source: None,
                via: "http".to_owned(),
            },
            signers: Vec::new(),
            trails,
            v: 1,
        },
        reading: None,
        manifest_digest: None,
        data: json!({"namespace": "bench", "name": name(layer, place), "version": "1", "derived_from": from}),
    }
}
