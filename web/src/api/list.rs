//! Lists: rows of one table as of one size, filtered, in pages of bounded size, in the order of their keys or another one.

use modeltrail_views::rows::Row;
use modeltrail_views::store::ViewError;
use modeltrail_views::tables::{RowKey, Table};
use serde_json::{Map, Value, json};

use crate::api::Found;
use crate::api::ask::Ask;
use crate::errors::WebError;
use crate::query::wrong;
use crate::respond::PAGE_BYTES;

/// An order: its name, and the text of a row that it goes by.
pub(crate) type Order<R> = (&'static str, fn(&R) -> String);

/// Which rows of a table.
pub(crate) struct List<'q, R: 'static> {
    table: Table,
    /// Their first parts, whole.
    parts: Vec<&'q str>,
    /// What the part behind those begins with.
    begins: String,
    /// Which of them.
    keep: Box<dyn Fn(&R) -> bool + 'q>,
    /// The orders besides that of the keys.
    orders: &'static [Order<R>],
}

/// A page.
struct Rows {
    rows: Vec<Value>,
    next: Option<String>,
    truncated: bool,
}

impl<'q, R: Row + 'static> List<'q, R> {
    /// All rows.
    pub(crate) fn all() -> Self {
        Self { table: R::TABLE, parts: Vec::new(), begins: String::new(), keep: Box::new(|_| true), orders: &[] }
    }

    /// The rows whose first part is this one, where it is given.
    pub(crate) fn of(part: Option<&'q str>) -> Self {
        Self { parts: part.into_iter().collect(), ..Self::all() }
    }

    /// The same rows as another table has them, under other keys.
    pub(crate) fn table(self, table: Table) -> Self {
        Self { table, ..self }
    }

    /// Only those whose next part begins so.
    pub(crate) fn begins(self, text: String) -> Self {
        Self { begins: text, ..self }
    }

    /// Only those that `keep` wants.
    pub(crate) fn keep(self, keep: impl Fn(&R) -> bool + 'q) -> Self {
        Self { keep: Box::new(keep), ..self }
    }

    /// In one of these orders, if the question names one.
    pub(crate) fn orders(self, orders: &'static [Order<R>]) -> Self {
        Self { orders, ..self }
    }

    /// The page that is asked for.
    pub(crate) fn page(self, ask: &Ask<'_>) -> Result<Found, WebError> {
        let wanted = ask.given.text("sort");
        let sort = wanted.map(|text| text.strip_prefix('-').map_or((text, false), |name| (name, true)));
        let order = sort.and_then(|(name, back)| {
            self.orders.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text, back))
        });
        let page = match order {
            None => self.by_key(ask)?,
            Some((text, back)) => self.by_text(ask, text, back)?,
        };
        Ok(Found::Members(page.members()))
    }

    fn prefix(&self) -> Vec<u8> {
        let mut prefix = RowKey::prefix(self.table, &self.parts);
        prefix.extend_from_slice(self.begins.as_bytes());
        prefix
    }

    /// Visits the rows that are wanted, from a key on. Returns the last key looked at, when the bound on rows looked at ended it.
    fn visit(
        &self,
        ask: &Ask<'_>,
        from: Option<&[u8]>,
        visit: &mut dyn FnMut(&RowKey, &[u8], R) -> bool,
    ) -> Result<Option<RowKey>, WebError> {
        let (prefix, mut failed, mut last) = (self.prefix(), None, None);
        let start = hex::encode(from.map_or(prefix.as_slice(), |from| from.max(prefix.as_slice())));
        let truncated = ask.view.each(self.table, &self.parts, Some(&start), &mut |key, bytes| {
            if !key.as_bytes().starts_with(&prefix) {
                return false;
            }
            last = Some(key.clone());
            match serde_json::from_slice::<R>(bytes) {
                Ok(row) if (self.keep)(&row) => visit(key, bytes, row),
                Ok(_) => true,
                Err(error) => {
                    let key = format!("{:?} {}", self.table, key.parts().join(" "));
                    failed = Some(ViewError::Damaged { key, detail: error.to_string() });
                    false
                }
            }
        })?;
        failed.map_or(Ok(last.filter(|_| truncated)), |error| Err(error.into()))
    }

    fn by_key(&self, ask: &Ask<'_>) -> Result<Rows, WebError> {
        let from = ask.place.as_deref().map(|place| hex::decode(place).map_err(|_| other_order())).transpose()?;
        let (mut rows, mut bytes_so_far, mut next) = (Vec::new(), 0, None);
        let limit = ask.given.limit();
        let stopped = self.visit(ask, from.as_deref(), &mut |key, bytes, row| {
            if rows.len() == limit || bytes_so_far >= PAGE_BYTES {
                next = Some(key.as_bytes().to_vec());
                return false;
            }
            bytes_so_far += bytes.len();
            rows.push(row);
            true
        })?;
        // A search that found too little among the rows it may look at goes on behind the last of them: nothing is left out.
        let behind = stopped.map(|key| [key.version(0).as_slice(), &[0]].concat());
        let rows = rows.iter().map(value).collect::<Result<_, _>>()?;
        Ok(Rows { rows, next: next.or(behind).map(|key| ask.next(&hex::encode(key))), truncated: false })
    }

    /// Looks at all rows, keeps what they are ordered by, and reads those of the page again.
    fn by_text(&self, ask: &Ask<'_>, text: fn(&R) -> String, back: bool) -> Result<Rows, WebError> {
        let mut order: Vec<(String, RowKey)> = Vec::new();
        let stopped = self.visit(ask, None, &mut |key, _, row| {
            order.push((text(&row), key.clone()));
            true
        })?;
        order.sort();
        if back {
            order.reverse();
        }
        let start = match &ask.place {
            None => 0,
            Some(place) => {
                let last = place_of(place).ok_or_else(other_order)?;
                let before = |one: &(String, RowKey)| {
                    let one = (one.0.as_bytes(), one.1.as_bytes());
                    let last = (last.0.as_slice(), last.1.as_slice());
                    if back { one >= last } else { one <= last }
                };
                order.partition_point(before)
            }
        };
        let (mut rows, mut bytes_so_far, mut next) = (Vec::new(), 0, None);
        for (at, (text, key)) in order.iter().enumerate().skip(start) {
            let parts = key.parts();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            if let Some(row) = ask.view.get::<R>(&parts)? {
                let row = value(&row)?;
                bytes_so_far += row.to_string().len();
                rows.push(row);
            }
            if rows.len() == ask.given.limit() || bytes_so_far >= PAGE_BYTES {
                let place = format!("{}.{}", hex::encode(text), hex::encode(key.as_bytes()));
                next = (at + 1 < order.len()).then(|| ask.next(&place));
                break;
            }
        }
        Ok(Rows { rows, next, truncated: stopped.is_some() })
    }
}

impl Rows {
    fn members(self) -> Map<String, Value> {
        list_members(self.rows, self.next, self.truncated)
    }
}

/// What every list answers besides when it speaks.
pub(crate) fn list_members(rows: Vec<Value>, next: Option<String>, truncated: bool) -> Map<String, Value> {
    let members = [("rows", Value::Array(rows)), ("next", json!(next)), ("truncated", json!(truncated))];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A row as JSON.
pub(crate) fn value(row: &impl serde::Serialize) -> Result<Value, WebError> {
    serde_json::to_value(row).map_err(|_| WebError::Internal { what: "a row that is no JSON" })
}

/// The text and the key that a page of another order than the keys' ended with.
fn place_of(place: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (text, key) = place.split_once('.')?;
    Some((hex::decode(text).ok()?, hex::decode(key).ok()?))
}

fn other_order() -> WebError {
    wrong("cursor", "belongs to a list in another order")
}

/// Whether a text has another one in it, letters of any case.
pub(crate) fn has(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// Whether a filter lets a value through: a filter that is not given does.
pub(crate) fn is(filter: Option<&str>, value: Option<&str>) -> bool {
    filter.is_none_or(|filter| value == Some(filter))
}
