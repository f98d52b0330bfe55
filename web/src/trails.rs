//! `GET /v1/trails` and `/v1/subjects`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use modeltrail_core::types::EntryIndex;
use modeltrail_schemas::subject::Subject;
use modeltrail_store::Ledger;
use serde_json::{Value, json};

use crate::entries::{listed, read};
use crate::errors::{WebError, shown};
use crate::query::{Page, Query, wrong};
use crate::respond::{PAGE_BYTES, blocking, json as answer};
use crate::state::AppState;

/// The longest prefix that is looked for: that of a subject.
const MAX_PREFIX_BYTES: usize = 512;

/// A subject in a parameter.
pub(crate) fn subject_of(name: &str, text: &str) -> Result<Subject, WebError> {
    Subject::parse(text).map_err(|error| wrong(name, format!("is `{}`, not a subject: {error}", shown(text))))
}

pub(crate) async fn trail(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let query = Query::of(&request, &["subject", "after", "limit"])?;
    let subject = query.one("subject")?.ok_or_else(|| wrong("subject", "is missing"))?;
    let (subject, page) = (subject_of("subject", subject)?, query.page()?);
    let value = blocking(&state, move |state| steps(state.ledger(), subject.as_str(), page)).await?;
    Ok(answer(&value))
}

fn steps(ledger: &Ledger, subject: &str, page: Page) -> Result<Value, WebError> {
    let size = ledger.head().size;
    let count = count_below(ledger, subject, size)?;
    let first = page.first();
    let wanted = usize::try_from(count.saturating_sub(first)).unwrap_or(usize::MAX).min(page.limit);
    let indices = if wanted == 0 { Vec::new() } else { ledger.trail(subject, first, wanted)? };
    let (mut items, mut bytes, mut n) = (Vec::new(), 0, first);
    for index in indices {
        if bytes >= PAGE_BYTES {
            break;
        }
        let entry = read(ledger, index.get())?;
        let step = entry.header.step(subject);
        let role = step.filter(|step| step.n == n).map(|step| step.role.clone());
        let role = role.ok_or_else(|| WebError::Contradiction {
            what: format!("entry {index} is not step {n} of the trail of {subject}"),
        })?;
        bytes += entry.bytes.len();
        let mut item = listed(entry)?;
        item.insert("n".to_owned(), n.into());
        item.insert("role".to_owned(), role.into());
        items.push(Value::Object(item));
        n += 1;
    }
    let next = (n < count && n > first).then(|| n - 1);
    Ok(json!({"count": count, "items": items, "next": next, "subject": subject}))
}

/// The steps of a trail within the newest checkpoint. What is sealed but not yet published is not counted.
fn count_below(ledger: &Ledger, subject: &str, size: u64) -> Result<u64, WebError> {
    const BACK: u64 = 256;
    let Some((n, index)) = ledger.trail_head(subject)? else {
        return Ok(0);
    };
    if index.get() < size {
        return Ok(n + 1);
    }
    let mut end = n;
    while end > 0 {
        let from = end.saturating_sub(BACK);
        let page = ledger.trail(subject, from, usize::try_from(end - from).unwrap_or(0))?;
        let below = page.iter().take_while(|index: &&EntryIndex| index.get() < size).count() as u64;
        if below > 0 {
            return Ok(from + below);
        }
        end = from;
    }
    Ok(0)
}

pub(crate) async fn subjects(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let query = Query::of(&request, &["prefix", "after", "limit"])?;
    let prefix = query.one("prefix")?.unwrap_or_default().to_owned();
    let after = query.one("after")?.map(str::to_owned);
    let limit = query.limit()?;
    for (name, text) in [("prefix", Some(&prefix)), ("after", after.as_ref())] {
        let plain = |text: &String| text.len() <= MAX_PREFIX_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !text.is_none_or(plain) {
            return Err(wrong(
                name,
                format!("is not at most {MAX_PREFIX_BYTES} printable ASCII characters, as subjects are"),
            ));
        }
    }
    let value = blocking(&state, move |state| {
        let items = state.ledger().subjects(&prefix, after.as_deref(), limit)?;
        let next = items.last().filter(|_| items.len() == limit).cloned();
        Ok(json!({"items": items, "next": next}))
    });
    Ok(answer(&value.await?))
}
