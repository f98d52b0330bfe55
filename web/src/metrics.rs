//! Measurements, in Prometheus' text format. What the ledger knows is asked when scraped; only requests are counted here.

use std::sync::PoisonError;

use actix_web::http::{Method, StatusCode};
use modeltrail_store::WriterStatus;
use prometheus::{Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};
use serde_json::Value;

use crate::clock::Duration;
use crate::errors::WebError;
use crate::state::AppState;

/// Seconds. The bars of interest: one sync, and the 50 ms that 64 producers are promised.
const BUCKETS: [f64; 11] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];
/// Methods that get a label of their own; whatever else somebody sends shares one.
const METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::POST];

/// Counts of requests.
pub(crate) struct HttpMetrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
}

const NAMED: &str = "the names of these metrics are constants that Prometheus allows, each registered once";

impl HttpMetrics {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let requests = Opts::new("modeltrail_http_requests_total", "Requests answered.");
        let requests = IntCounterVec::new(requests, &["method", "route", "status"]).expect(NAMED);
        let seconds = HistogramOpts::new("modeltrail_http_request_seconds", "Time until an answer began.")
            .buckets(BUCKETS.to_vec());
        let seconds = HistogramVec::new(seconds, &["method", "route"]).expect(NAMED);
        registry.register(Box::new(requests.clone())).expect(NAMED);
        registry.register(Box::new(seconds.clone())).expect(NAMED);
        Self { registry, requests, seconds }
    }

    /// A request was answered. Labels come from a fixed set: nobody fills memory by asking for many paths.
    pub(crate) fn seen(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        let method = if METHODS.contains(method) { method.as_str() } else { "other" };
        let route = route.unwrap_or("other");
        self.requests.with_label_values(&[method, route, status.as_str()]).inc();
        self.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }
}

/// Measurements that are made when they are asked for.
struct Scrape(Registry);

impl Scrape {
    fn gauge(&self, name: &str, help: &str, value: f64) {
        let gauge = Gauge::new(name, help).expect(NAMED);
        gauge.set(value);
        self.0.register(Box::new(gauge)).expect(NAMED);
    }

    fn counter(&self, name: &str, help: &str, value: f64) {
        let counter = prometheus::Counter::new(name, help).expect(NAMED);
        counter.inc_by(value);
        self.0.register(Box::new(counter)).expect(NAMED);
    }

    fn family(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        let family = IntGaugeVec::new(Opts::new(name, help), labels).expect(NAMED);
        self.0.register(Box::new(family.clone())).expect(NAMED);
        family
    }
}

/// All measurements.
pub(crate) fn scrape(state: &AppState) -> Result<String, WebError> {
    let scrape = Scrape(Registry::new());
    let size = state.ledger().head().size;
    scrape.gauge("modeltrail_entries", "Entries of the newest checkpoint.", size as f64);
    writer(state, &scrape);
    views(state, &scrape);
    sources(state, &scrape);
    recorded(state, &scrape, size)?;
    let mut families = scrape.0.gather();
    families.extend(state.metrics.registry.gather());
    TextEncoder::new().encode_to_string(&families).map_err(|_| WebError::Internal { what: "writing metrics" })
}

fn writer(state: &AppState, scrape: &Scrape) {
    let status = state.ledger().status();
    let is = scrape.family("modeltrail_writer_status", "1 for what the writer does now.", &["status"]);
    let states = [
        ("running", matches!(status, WriterStatus::Running)),
        ("paused", matches!(status, WriterStatus::Paused { .. })),
        ("poisoned", matches!(status, WriterStatus::Poisoned { .. })),
        ("read-only", matches!(status, WriterStatus::ReadOnly { .. })),
        ("stopped", matches!(status, WriterStatus::Stopped)),
    ];
    for (name, now) in states {
        is.with_label_values(&[name]).set(i64::from(now));
    }
    let Some(appender) = &state.config.appender else {
        return;
    };
    let metrics = appender.metrics();
    scrape.counter("modeltrail_seals_total", "Seals written by this process.", metrics.seals as f64);
    scrape.counter("modeltrail_sealed_entries_total", "Entries written by this process.", metrics.entries as f64);
    scrape.counter(
        "modeltrail_seal_sync_seconds_total",
        "Time spent in synced writes.",
        metrics.sync_micros as f64 / 1e6,
    );
    let waiting = scrape.family("modeltrail_queue_bytes", "Bytes of records that wait for the writer.", &["lane"]);
    waiting.with_label_values(&["http"]).set(whole(metrics.http_bytes as u64));
    waiting.with_label_values(&["kafka"]).set(whole(metrics.kafka_bytes as u64));
}

fn views(state: &AppState, scrape: &Scrape) {
    let views = &state.config.views;
    scrape.gauge("modeltrail_views_entries", "Entries folded into the views.", views.size() as f64);
    scrape.gauge("modeltrail_views_behind", "Entries that the log has and the views have not.", views.behind() as f64);
    let help = "Seconds since the views were what the log is.";
    scrape.gauge("modeltrail_views_behind_seconds", help, views.behind_seconds());
    let help = "Memory that the views' databases use: blocks, filters and rows not written out yet.";
    scrape.gauge("modeltrail_views_memory_bytes", help, views.memory_bytes() as f64);
    let is = scrape.family("modeltrail_views_status", "1 for what the projector does now.", &["status"]);
    let now = views.state().word();
    for word in ["following", "paused", "read-only", "failed", "stopped"] {
        is.with_label_values(&[word]).set(i64::from(word == now));
    }
}

fn sources(state: &AppState, scrape: &Scrape) {
    let lag = scrape.family(
        "modeltrail_source_lag",
        "Records that a partition has and the ledger has not.",
        &["source", "partition"],
    );
    let next = scrape.family("modeltrail_source_next", "The next position to be read.", &["source", "partition"]);
    let healthy = scrape.family(
        "modeltrail_source_healthy",
        "0 for a source that makes no progress although it should.",
        &["source"],
    );
    let missing = scrape.family(
        "modeltrail_source_missing_partitions",
        "Partitions that the consumer group does not give to this ledger.",
        &["source"],
    );
    let behind = scrape.family(
        "modeltrail_source_dead_letters_behind",
        "Entries not yet looked at for copies to the dead-letter topic.",
        &["source"],
    );
    for source in state.config.sources.sources() {
        let Some(name) = source.get("source").and_then(Value::as_str) else {
            continue;
        };
        let letters = source.get("dead_letters").and_then(|letters| letters.get("behind")).and_then(Value::as_u64);
        if let Some(value) = letters {
            behind.with_label_values(&[name]).set(whole(value));
        }
        let lacks = source.get("missing").and_then(Value::as_array).map_or(0, Vec::len);
        missing.with_label_values(&[name]).set(whole(lacks as u64));
        if let Some(well) = source.get("healthy").and_then(Value::as_bool) {
            healthy.with_label_values(&[name]).set(i64::from(well));
        }
        for one in source.get("partitions").and_then(Value::as_array).into_iter().flatten() {
            let number = |member: &str| one.get(member).and_then(Value::as_u64);
            let Some(partition) = number("partition").map(|partition| partition.to_string()) else {
                continue;
            };
            for (family, member) in [(&lag, "lag"), (&next, "next")] {
                if let Some(value) = number(member) {
                    family.with_label_values(&[name, &partition]).set(whole(value));
                }
            }
        }
    }
}

fn recorded(state: &AppState, scrape: &Scrape, size: u64) -> Result<(), WebError> {
    let aside = scrape.family(
        "modeltrail_quarantined_entries",
        "Entries kept aside, counted from the headers.",
        &["source", "reason"],
    );
    let gaps = scrape.family("modeltrail_source_gap_positions", "Positions that are recorded as gone.", &["source"]);
    let mut tally = state.tally.lock().unwrap_or_else(PoisonError::into_inner);
    let counted_to = tally.advance(state.ledger(), size)?;
    for (source, counts) in tally.sources() {
        for (reason, count) in &counts.quarantined {
            aside.with_label_values(&[source, reason]).set(whole(*count));
        }
        gaps.with_label_values(&[source]).set(whole(counts.gap_positions));
    }
    scrape.gauge("modeltrail_counted_entries", "Entries that the two counts before have seen.", counted_to as f64);
    Ok(())
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
