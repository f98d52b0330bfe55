//! Views: what the log means now, and what it meant at any earlier size.
//!
//! - [`read`]: an entry with its record read, the only thing a projector sees;
//! - [`rows`]: what is known about models, versions, deployments, approvals and the rest, one type a table;
//! - [`project`]: the projectors, pure folds from entries to rows;
//! - [`findings`]: broken expectations, a rule a file;
//! - [`store`]: what a database must offer ([`store::ViewStore`]), and one in memory for bundles and tests;
//! - [`fold`]: feeds entries to the projectors, in order, and writes what comes of them with the cursor in one batch;
//! - [`view`]: questions, each as of one tree size;
//! - [`text`]: how much of a sender's texts the rows keep;
//! - [`lineage`]: walks over edges, within bounds that the answer states.
//!
//! Rows are never changed. What an entry changes becomes a new version of the row, from that entry's index on; a version holds until the next one.
//! So an answer as of size n is the answer of a ledger that ends there (V-1), and the digest of all rows at one cursor is the state's.
//!
//! Nothing here reads a clock, draws random numbers or depends on the order of a hash map.

pub mod findings;
pub mod fold;
pub mod lineage;
pub mod project;
pub mod read;
pub mod rows;
pub mod store;
pub mod tables;
pub mod text;
pub mod view;

/// The schema version, of the rows and of the database that keeps them: views of another one are thrown away and folded anew.
pub const SCHEMA: u32 = 3;
