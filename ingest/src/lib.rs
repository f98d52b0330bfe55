//! Kafka sources into the writer: nothing lost, nothing doubled, nothing skipped in silence.
//!
//! Each cluster has a thread that polls one consumer and one that asks the brokers. A record goes through the accept rule ([`accept`]), is read and
//! committed to, and is handed to the writer together with its position, so that both become durable in one write. Kafka's own committed positions are
//! never read back; what stands beside them is a witness ([`witness`]).
//!
//! **Trust.** The brokers are trusted to deliver what was produced, in order, and to keep it until it is read. They are not trusted to be the same ones as
//! yesterday: topic id, cluster id, leader epochs and watermarks are held against the ledger at each assignment, on a timer and after every error
//! ([`identity`]). A doubt stops the partition and becomes a `source.halted` entry; going on is an operator's decision ([`Ingest::rebase`]).
//!
//! **Assignment.** The reading client assigns itself what it reads, from the ledger's positions: all partitions, or those that the consumer group grants to
//! our member of it ([`Assignment::Group`]). What the group gives to others is said to be missing.
//!
//! **Order of durability.** Accepted by the cursor, handed over, sealed. A crash at any point between forgets what was not sealed together with its
//! position, and it is read again. Commits to Kafka come after the seal.
//!
//! [`broker`], [`producer`] and [`admin`] are what a demonstration and the tests need of the other side, so that only this crate links librdkafka.

pub mod accept;
pub mod admin;
pub mod broker;
mod client;
pub mod config;
pub mod error;
mod ffi;
pub mod identity;
mod ingest;
mod letters;
mod member;
mod prepare;
mod prober;
pub mod producer;
mod properties;
mod reader;
mod settings;
pub mod sink;
pub mod status;
mod timing;
pub mod witness;
mod words;

pub use config::{Assignment, IngestConfig, Properties, SourceConfig, Start};
pub use error::IngestError;
pub use ingest::Ingest;
pub use reader::RebaseTo;
pub use sink::{LedgerSink, Sink};
pub use status::{Counts, DeadLetterStatus, PartitionStatus, SourceStatus};
pub use witness::{WitnessVerdict, check_witness};
