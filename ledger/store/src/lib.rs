//! The log in RocksDB and the one writer in front of it.
//!
//! [`open`] checks that everything the disk says agrees, and gives an [`Appender`] to write and a [`Ledger`] to read with.
//! [`views::Views`] keeps what the entries mean beside it.

pub mod aside;
mod clock;
pub mod error;
pub mod failpoint;
pub mod files;
pub mod headfile;
pub mod keys;
mod ledger;
mod open;
pub mod rocks;
mod settings;
pub mod views;
mod writer;

pub use error::{AppendError, OpenError};
pub use ledger::{Head, Ledger, WriterStatus};
pub use open::{ClockFor, Data, OpenOptions, Opened, adopt_head, init, new_key, open};
pub use views::{Views, ViewsHandle, ViewsState};
pub use writer::{Act, Appended, Appender, KafkaItem, Reply, Writer, WriterMetrics};
