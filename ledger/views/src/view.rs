//! Questions to the views, each as of one tree size.

use crate::fold::decode;
use crate::rows::{Approval, Change, Finding, Member, Row};
use crate::store::{ViewError, ViewStore, each_newest, newest};
use crate::tables::{RowKey, Table, part};

/// Rows that a query looks at before it says that it stopped: a page must not read a table of millions.
pub const MAX_SCANNED: usize = 100_000;

/// The views as of one tree size: what the entries below it say, and nothing after.
#[derive(Clone, Copy)]
pub struct View<'s> {
    store: &'s dyn ViewStore,
    size: u64,
}

/// Some rows of a table, in key order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// Where the next page begins: to be passed back as it is; `None` when this is the last.
    pub next: Option<String>,
    /// The query stopped at [`MAX_SCANNED`] rows: there may be more that no `next` leads to.
    pub truncated: bool,
}

/// How a place in the past is meant.
#[derive(Clone, Debug, PartialEq)]
pub struct RanAt {
    /// The change that put it there; `None` before the first.
    pub change: Option<Change>,
    /// What ran.
    pub running: Vec<Member>,
}

impl<'s> View<'s> {
    /// The views as of `size` entries. The caller keeps `size` at or below the cursor.
    #[must_use]
    pub fn new(store: &'s dyn ViewStore, size: u64) -> Self {
        Self { store, size }
    }

    /// Entries below this index are known.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The row with exactly these parts.
    ///
    /// # Errors
    /// The store fails, or holds what is no row.
    pub fn get<R: Row>(&self, parts: &[&str]) -> Result<Option<R>, ViewError> {
        let key = RowKey::new(R::TABLE, parts);
        let Some(last) = self.size.checked_sub(1) else { return Ok(None) };
        newest(self.store, &key, last, |bytes| decode(&key, bytes))?.transpose()
    }

    /// Whether a row with these parts is there.
    ///
    /// # Errors
    /// The store fails.
    pub fn has(&self, table: Table, parts: &[&str]) -> Result<bool, ViewError> {
        let Some(last) = self.size.checked_sub(1) else { return Ok(false) };
        Ok(newest(self.store, &RowKey::new(table, parts), last, |_| ())?.is_some())
    }

    /// Visits rows whose first parts are these, in key order from `next` of an earlier page on. `visit` says whether to go on.
    /// Returns whether it stopped at [`MAX_SCANNED`].
    ///
    /// # Errors
    /// The store fails.
    pub fn each(
        &self,
        table: Table,
        parts: &[&str],
        from: Option<&str>,
        visit: &mut dyn FnMut(&RowKey, &[u8]) -> bool,
    ) -> Result<bool, ViewError> {
        self.each_with(&RowKey::prefix(table, parts), from, visit)
    }

    /// As [`Self::each`], for keys that start with these bytes.
    fn each_with(
        &self,
        prefix: &[u8],
        from: Option<&str>,
        visit: &mut dyn FnMut(&RowKey, &[u8]) -> bool,
    ) -> Result<bool, ViewError> {
        let Some(last) = self.size.checked_sub(1) else { return Ok(false) };
        let start = from.and_then(|from| hex::decode(from).ok()).unwrap_or_else(|| prefix.to_vec());
        let (mut seen, mut truncated) = (0usize, false);
        each_newest(self.store, prefix, &start, last, &mut |row, value| {
            seen += 1;
            truncated = seen > MAX_SCANNED;
            !truncated && visit(&row, value)
        })?;
        Ok(truncated)
    }

    /// Up to `limit` rows whose first parts are these and that `keep` wants.
    ///
    /// # Errors
    /// The store fails, or holds what is no row.
    pub fn page<R: Row>(
        &self,
        parts: &[&str],
        from: Option<&str>,
        limit: usize,
        mut keep: impl FnMut(&R) -> bool,
    ) -> Result<Page<R>, ViewError> {
        let (mut rows, mut next, mut failed) = (Vec::new(), None, None);
        let truncated = self.each(R::TABLE, parts, from, &mut |key, bytes| match decode::<R>(key, bytes) {
            Ok(row) if keep(&row) => {
                if rows.len() == limit {
                    next = Some(hex::encode(key.as_bytes()));
                    return false;
                }
                rows.push(row);
                true
            }
            Ok(_) => true,
            Err(error) => {
                failed = Some(error);
                false
            }
        })?;
        failed.map_or(Ok(Page { rows, next, truncated }), Err)
    }

    /// All rows whose first parts are these, at most [`MAX_SCANNED`].
    ///
    /// # Errors
    /// The store fails, or holds what is no row.
    pub fn all<R: Row>(&self, parts: &[&str]) -> Result<Vec<R>, ViewError> {
        Ok(self.page(parts, None, usize::MAX, |_| true)?.rows)
    }

    /// How many rows have these first parts; counts at most [`MAX_SCANNED`].
    ///
    /// # Errors
    /// The store fails.
    pub fn count(&self, table: Table, parts: &[&str]) -> Result<usize, ViewError> {
        let mut count = 0;
        self.each(table, parts, None, &mut |_, _| {
            count += 1;
            true
        })?;
        Ok(count)
    }

    /// The findings that point at a subject, by id.
    ///
    /// # Errors
    /// The store fails, or holds what is no row.
    pub fn findings_of(&self, subject: &str) -> Result<Vec<Finding>, ViewError> {
        self.linked(Table::FindingsOf, subject)
    }

    /// The incidents that name a subject.
    ///
    /// # Errors
    /// The store fails, or holds what is no row.
    pub fn incidents_of(&self, subject: &str) -> Result<Vec<crate::rows::Incident>, ViewError> {
        self.linked(Table::IncidentsOf, subject)
    }

    fn linked<R: Row>(&self, table: Table, subject: &str) -> Result<Vec<R>, ViewError> {
        let mut ids = Vec::new();
        self.each(table, &[subject], None, &mut |key, _| {
            ids.extend(key.parts().into_iter().nth(1));
            true
        })?;
        let mut rows = Vec::new();
        for id in ids {
            rows.extend(self.get::<R>(&[&id])?);
        }
        Ok(rows)
    }

    /// The approvals about a subject.
    ///
    /// # Errors
    /// The store fails, or holds what is no row.
    pub fn approvals_of(&self, subject: &str) -> Result<Vec<Approval>, ViewError> {
        self.all(&[subject])
    }

    /// What a service ran at a time, as the entries below this view's size tell it: the change that took effect last at or before `time`
    /// (RFC 3339 in the ledger's spelling), the later entry where two took effect at once. A change that failed, or whose signature fails, changes nothing.
    ///
    /// # Errors
    /// The store fails, or holds what is no row.
    pub fn ran_at(&self, deployment: &str, time: &str) -> Result<RanAt, ViewError> {
        let mut found: Option<Change> = None;
        let mut failed = None;
        self.each(Table::Changes, &[deployment], None, &mut |key, bytes| match decode::<Change>(key, bytes) {
            Ok(change) if change.effective.as_str() > time => false,
            Ok(change) => {
                if change.verb != "failed" && change.act.counts() {
                    found = Some(change);
                }
                true
            }
            Err(error) => {
                failed = Some(error);
                false
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        let running = found.as_ref().map(|change| change.new.clone()).unwrap_or_default();
        Ok(RanAt { change: found, running })
    }

    /// Subjects with a word that starts with `text` (letters of any case), at most `limit`, sorted.
    ///
    /// # Errors
    /// The store fails.
    pub fn find(&self, text: &str, limit: usize) -> Result<Vec<String>, ViewError> {
        let word = part(&text.to_lowercase());
        let mut prefix = vec![Table::Words as u8];
        prefix.extend_from_slice(word.as_bytes());
        self.second_parts(&prefix, limit)
    }

    /// Subjects that a digest (hex, whole or its first digits, with or without `sha256:`) stands for, at most `limit`.
    ///
    /// # Errors
    /// The store fails.
    pub fn find_digest(&self, digest: &str, limit: usize) -> Result<Vec<String>, ViewError> {
        let mut prefix = vec![Table::Digests as u8];
        prefix.extend_from_slice(digest.trim_start_matches("sha256:").to_lowercase().as_bytes());
        self.second_parts(&prefix, limit)
    }

    fn second_parts(&self, prefix: &[u8], limit: usize) -> Result<Vec<String>, ViewError> {
        let mut found = std::collections::BTreeSet::new();
        self.each_with(prefix, None, &mut |key, _| {
            found.extend(key.parts().into_iter().nth(1));
            found.len() < limit
        })?;
        Ok(found.into_iter().collect())
    }
}
