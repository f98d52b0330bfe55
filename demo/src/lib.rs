//! The story player: one simulated year of a bank's models, sent through an embedded broker and over HTTP into a real ledger.
//!
//! [`Story`] is the data of `tests/story`, read strictly and built into the program. [`play`] sends it, one act after the other
//! and each sealed before the next, with the [`SimulatedClock`] set to each act's arrival. [`Account`] then counts what came
//! of it from the log alone, and [`Summary`] says for people what was planted and where it stands.
//!
//! **Trust.** Nothing here is trusted by the ledger: what is sent goes the way of everything that arrives. The producers' keys
//! are derived from a public seed and must never be registered in a real ledger.

mod account;
mod background;
mod clock;
mod error;
mod files;
mod http;
mod lanes;
mod log;
mod player;
mod story;
mod summary;

pub use account::{Account, Sent};
pub use background::{Background, Item, Plan};
pub use clock::{SimulatedClock, Stop};
pub use error::DemoError;
pub use http::{HttpAnswer, HttpClient, HttpDelivery};
pub use log::{LaneCount, Log, Mark, Place};
pub use player::{Played, Progress, Stage, play};
pub use story::{Act, Channel, Counts, Fault, Producer, Source, Story, Wire};
pub use summary::{ModelLine, Planted, Summary};
