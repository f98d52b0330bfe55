//! The HTTP API: events in, receipts, entries, proofs, tiles and bundles out.
//!
//! [`configure`] puts the routes into an actix application; [`start`] runs them on threads of their own. Everything it may do it
//! does through the [`AppState`] that it is given: a read handle, an appender, and two traits for what other crates know.
//!
//! Who is trusted: nobody who sends a request, until identity is built. So the daemon binds to loopback only, requests that a
//! browser makes for another site are refused (`guard`), administrative acts need a token on top, and every input has a limit.

mod admin;
mod api;
mod body;
mod clock;
mod entries;
mod errors;
mod events;
mod exports;
mod guard;
mod health;
mod jobs;
mod keys;
mod metrics;
mod openapi;
mod portal;
mod proofs;
mod quarantine;
mod query;
mod receipt;
mod refusal;
mod respond;
mod routes;
mod server;
mod sources;
mod state;
mod stream;
mod tally;
mod tiles;
mod trails;
mod views;

pub use admin::{Admin, AdminError, NoAdmin, Position};
pub use errors::WebError;
pub use portal::all_pages;
pub use routes::configure;
pub use server::{Running, start};
pub use sources::{NoSources, SourceStatus};
pub use state::{AppState, Config, Hosts, Limits, TokenHash};
