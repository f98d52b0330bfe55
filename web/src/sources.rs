//! `GET /v1/sources`: how ingest stands now, and what the ledger says of each source.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use modeltrail_core::store::PositionRow;
use serde_json::{Map, Value, json};

use crate::errors::WebError;
use crate::query::Query;
use crate::respond::{blocking, json as answer};
use crate::state::AppState;

/// Tells how sources stand now. Given by the daemon, so that this crate needs to know nothing of Kafka.
pub trait SourceStatus: Send + Sync {
    /// One JSON object a source, with its name as `source`; `partitions` is a list of objects with `partition`, and `lag` where
    /// it is known. Quick: called for every look at sources and metrics.
    fn sources(&self) -> Vec<Value>;
}

/// No sources are read.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSources;

impl SourceStatus for NoSources {
    fn sources(&self) -> Vec<Value> {
        Vec::new()
    }
}

pub(crate) async fn list(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    Query::of(&request, &[])?;
    Ok(answer(&blocking(&state, overview).await?))
}

fn overview(state: &AppState) -> Result<Value, WebError> {
    let ledger = state.ledger();
    let size = ledger.head().size;
    let mut rows: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for row in ledger.positions()? {
        let source = rows.entry(row.source.clone()).or_default();
        let partitions = source.entry("partitions").or_insert_with(|| json!([]));
        if let Value::Array(partitions) = partitions {
            partitions.push(partition(&row));
        }
    }
    let counted_to = {
        // A panic inside leaves counts that are whole up to the last entry counted.
        let mut tally = state.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let counted_to = tally.advance(ledger, size)?;
        for (name, counts) in tally.sources() {
            rows.entry(name.clone()).or_default().insert("recorded".to_owned(), counts.to_json());
        }
        counted_to
    };
    for live in state.config.sources.sources() {
        if let Some(name) = live.get("source").and_then(Value::as_str) {
            let name = name.to_owned();
            rows.entry(name).or_default().insert("live".to_owned(), live);
        }
    }
    let named = |(name, mut row): (String, Map<String, Value>)| {
        row.insert("source".to_owned(), name.into());
        Value::Object(row)
    };
    let items: Vec<Value> = rows.into_iter().map(named).collect();
    Ok(json!({"counted_to": counted_to, "items": items, "size": size}))
}

/// What is durable of a partition.
fn partition(row: &PositionRow) -> Value {
    let mut partition = json!({
        "cluster": row.cluster, "generation": row.generation, "next": row.next, "partition": row.partition,
        "topic": row.topic, "topic_id": row.topic_id,
    });
    if let Some(members) = partition.as_object_mut() {
        if let Some(why) = &row.halted {
            members.insert("halted".to_owned(), why.as_str().into());
        }
        if row.closed {
            members.insert("closed".to_owned(), true.into());
        }
    }
    partition
}
