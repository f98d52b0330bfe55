//! One file for each command.

pub(crate) mod checkpoint;
pub(crate) mod emit;
pub(crate) mod export;
pub(crate) mod history;
pub(crate) mod keygen;
pub(crate) mod prove;
pub(crate) mod receipt;
pub(crate) mod show;
pub(crate) mod sign;
pub(crate) mod verify;
