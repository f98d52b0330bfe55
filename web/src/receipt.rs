//! Receipts (`docs/FORMAT.md` section 7): what a producer keeps to show later what was committed.

use modeltrail_core::receipt::{Receipt, VERSION};
use modeltrail_core::types::{EntryIndex, SALT_BYTES, Salt};
use modeltrail_store::{Appended, Ledger};
use modeltrail_tlog::tlog_proof::TlogProof;

use crate::errors::WebError;
use crate::respond::header_text;

/// The receipt of an entry that is durable. `salt` is that of a new entry; without it this is a duplicate, whose first has it.
pub(crate) fn receipt(
    ledger: &Ledger,
    index: EntryIndex,
    salt: Option<Salt>,
    appended: &Appended,
) -> Result<Receipt, WebError> {
    let duplicate = salt.is_none();
    let salt = match salt {
        Some(salt) => salt.to_vec(),
        None => {
            let mut opening = ledger.opening(index.get())?.ok_or(WebError::Erased { of: index.get() })?;
            opening.truncate(SALT_BYTES);
            opening
        }
    };
    let missing = || WebError::Contradiction { what: format!("the header of entry {index} is missing") };
    let header = ledger.header(index.get())?.ok_or_else(missing)?;
    let proof = TlogProof {
        index: index.get(),
        hashes: ledger.inclusion(index.get(), appended.size)?,
        checkpoint: appended.checkpoint.to_string(),
        extra: None,
    };
    Ok(Receipt {
        duplicate,
        header: header_text(index.get(), header)?,
        index,
        proof: proof.to_string(),
        salt: hex::encode(salt),
        v: VERSION,
    })
}
