//! One file for each command.

pub(crate) mod approvals;
pub(crate) mod changes;
pub(crate) mod checkpoint;
pub(crate) mod emit;
pub(crate) mod export;
pub(crate) mod findings;
pub(crate) mod history;
pub(crate) mod keygen;
pub(crate) mod lineage;
pub(crate) mod models;
pub(crate) mod prove;
pub(crate) mod ran_at;
pub(crate) mod receipt;
pub(crate) mod report;
pub(crate) mod show;
pub(crate) mod sign;
pub(crate) mod validations;
pub(crate) mod verify;
