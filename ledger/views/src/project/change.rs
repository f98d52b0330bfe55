//! Rows about one subject that begin by its being named, and keep the last act that changed them.

use super::Step;
use crate::fold::Overlay;
use crate::rows::{Act, Row};
use crate::store::ViewError;

/// A row of that kind.
pub(super) trait Changing: Row {
    /// What is known of a subject by its name alone.
    fn empty(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str) -> Result<Self, ViewError>;

    /// The last act that changed the row.
    fn changed(&mut self) -> &mut Act;
}

/// A row for what is named for the first time.
pub(super) fn begin<R: Changing>(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str) -> Result<(), ViewError> {
    if !rows.has(R::TABLE, &[subject])? {
        let row = R::empty(rows, step, subject)?;
        rows.put(&[subject], step.index, row);
    }
    Ok(())
}

/// The row as it stands, or an empty one, to be changed and kept.
pub(super) fn row<R: Changing>(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str) -> Result<R, ViewError> {
    match rows.take(&[subject])? {
        Some(row) => Ok(row),
        None => R::empty(rows, step, subject),
    }
}

/// Keeps the row as this entry leaves it.
pub(super) fn keep<R: Changing>(rows: &mut Overlay<'_>, step: &Step<'_>, subject: &str, mut row: R) {
    *row.changed() = step.slim_act().clone();
    rows.put(&[subject], step.index, row);
}

/// Lets `with` change the row.
pub(super) fn change<R: Changing>(
    rows: &mut Overlay<'_>,
    step: &Step<'_>,
    subject: &str,
    with: impl FnOnce(&mut R, &Step<'_>),
) -> Result<(), ViewError> {
    let mut found = row(rows, step, subject)?;
    with(&mut found, step);
    keep(rows, step, subject, found);
    Ok(())
}
