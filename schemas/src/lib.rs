//! Events, envelopes, records, subjects, and the numbered readings of everything that arrives.
//!
//! What arrived is framed as a [`record`] and hashed as it is. What it means is read out of it here, by pure functions: a
//! [`reading`] turns a record into its format, event, subjects with roles and signatures. The rules per event type are the data
//! of the [`catalogue`]. Nothing here does I/O, reads a clock, holds a key or verifies a signature.
//!
//! Every parser takes hostile bytes: it refuses with the fault and its place, within limits that are named constants.

pub mod catalogue;
pub mod dsse;
pub mod envelope;
pub mod error;
pub mod json;
pub mod reading;
pub mod record;
pub mod subject;
pub mod template;
pub mod time;

pub use error::Error;
