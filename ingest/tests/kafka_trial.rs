//! Trial only.
#[path = "../../tests/tests/ingest_kafka.rs"]
mod ingest_kafka;
