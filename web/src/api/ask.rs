//! One question: its parameters, held against what the operation says of them, and the view that it is put to.

use actix_web::HttpRequest;
use modeltrail_schemas::time::parse_rfc3339;
use modeltrail_views::view::View;

use crate::errors::{WebError, shown};
use crate::openapi::operation::{Operation, Parameter, Place, Shape};
use crate::query::{DEFAULT_LIMIT, Query, parse_number, wrong};
use crate::state::AppState;
use crate::trails::subject_of;

/// The longest text that a filter takes: that of a subject.
pub(crate) const MAX_TEXT_BYTES: usize = 512;
/// The longest cursor: two row keys of three subjects each, in hex, and a size.
pub(crate) const MAX_CURSOR_BYTES: usize = 8_192;

/// Parameters that are what their operation says.
pub(crate) struct Given {
    query: Query,
}

impl Given {
    /// Reads the parameters of a request.
    pub(crate) fn of(operation: &Operation, request: &HttpRequest) -> Result<Self, WebError> {
        let mut parameters = operation.all_parameters();
        parameters.retain(|parameter| parameter.place == Place::Query);
        let mut names: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
        if !operation.sorts.is_empty() {
            names.push("sort");
        }
        let query = Query::of(request, &names)?;
        for parameter in &parameters {
            let values: Vec<&str> = query.all(parameter.name).collect();
            if values.len() > parameter.most {
                return Err(match parameter.most {
                    1 => wrong(parameter.name, "is given twice"),
                    most => wrong(parameter.name, format!("is given more than {most} times")),
                });
            }
            if parameter.required && values.is_empty() {
                return Err(wrong(parameter.name, "is missing"));
            }
            values.into_iter().try_for_each(|value| check(parameter, value))?;
        }
        if let Some(sort) = query.one("sort")?
            && !operation.orders().iter().any(|order| order == sort)
        {
            let orders = operation.orders().join(", ");
            return Err(wrong("sort", format!("is `{}`; this list goes by: {orders}", shown(sort))));
        }
        Ok(Self { query })
    }

    /// A parameter that may be left out. An empty value is none.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.query.all(name).next().filter(|text| !text.is_empty())
    }

    /// A parameter that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<&str, WebError> {
        self.text(name).ok_or_else(|| wrong(name, "is missing"))
    }

    /// A number, checked before.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name).and_then(parse_number)
    }

    /// A time in the ledger's spelling, checked before; of a date its first moment.
    pub(crate) fn time(&self, name: &str) -> Option<String> {
        self.text(name).and_then(|text| time_of(text, 0))
    }

    /// A time in the ledger's spelling, checked before; of a date its last moment.
    pub(crate) fn until(&self, name: &str) -> Option<String> {
        self.text(name).and_then(|text| time_of(text, REST_OF_DAY))
    }

    /// `0` or `1`, checked before.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text == "1")
    }

    /// The most rows of a page, checked before.
    pub(crate) fn limit(&self) -> usize {
        self.number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT)
    }
}

/// The microseconds from the first moment of a day to its last.
const REST_OF_DAY: i64 = 24 * 60 * 60 * 1_000_000 - 1;

/// A time in the ledger's spelling: RFC 3339 as it is, a date as so many microseconds behind its first moment in UTC.
fn time_of(text: &str, into_day: i64) -> Option<String> {
    let time = match text.len() {
        10 => parse_rfc3339(&format!("{text}T00:00:00Z"))?.checked_add(into_day),
        _ => parse_rfc3339(text),
    };
    time.map(|time| time.to_string())
}

fn check(parameter: &Parameter, text: &str) -> Result<(), WebError> {
    let name = parameter.name;
    let number = || {
        let fault = format!("is `{}`, not a decimal number up to 2^53 - 1", shown(text));
        parse_number(text).ok_or_else(|| wrong(name, fault))
    };
    let fits = match parameter.shape {
        Shape::Subject => return subject_of(name, text).map(drop),
        Shape::Number => return number().map(drop),
        Shape::Between(least, most) => {
            let within = (least..=most).contains(&number()?);
            return if within { Ok(()) } else { Err(wrong(name, format!("is not between {least} and {most}"))) };
        }
        Shape::Text => (1..=MAX_TEXT_BYTES).contains(&text.len()),
        Shape::Time | Shape::Until => time_of(text, 0).is_some(),
        Shape::AsOf => parse_number(text).is_some() || time_of(text, 0).is_some(),
        Shape::Cursor => Cursor::parse(text).is_some(),
        Shape::Choice(words) => words.contains(&text),
        Shape::Flag => matches!(text, "0" | "1"),
        Shape::Key => text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
    };
    if fits { Ok(()) } else { Err(wrong(name, format!("is `{}`, not {}", shown(text), expected(parameter.shape)))) }
}

/// What a value should be, in words.
fn expected(shape: Shape) -> String {
    match shape {
        Shape::Text => format!("a text of 1 to {MAX_TEXT_BYTES} bytes"),
        Shape::Time | Shape::Until => "a time like 2026-03-03T14:02:00Z, or a date like 2026-03-03".to_owned(),
        Shape::AsOf => "a number of entries, a time like 2026-03-03T14:02:00Z, or a date".to_owned(),
        Shape::Cursor => "the `next` of an earlier page".to_owned(),
        Shape::Choice(words) => format!("one of {}", words.join(", ")),
        Shape::Flag => "0 or 1".to_owned(),
        Shape::Key => "64 hex digits in lower case".to_owned(),
        Shape::Subject => "a subject".to_owned(),
        Shape::Number | Shape::Between(..) => "a number".to_owned(),
    }
}

/// Where a page begins, as text `<size>-<place>`: all pages of a list are of the size of the first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The size.
    pub(crate) size: u64,
    /// The place, in the list's own words: hex digits and dots.
    pub(crate) place: String,
}

impl Cursor {
    /// Reads what an earlier page gave.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (size, place) = text.split_once('-')?;
        let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'.');
        let fits = text.len() <= MAX_CURSOR_BYTES && !place.is_empty() && place.bytes().all(plain);
        fits.then(|| Some(Self { size: parse_number(size)?, place: place.to_owned() }))?
    }

    /// The text for the next page.
    pub(crate) fn text(size: u64, place: &str) -> String {
        format!("{size}-{place}")
    }
}

/// A question on its way to an answer.
pub(crate) struct Ask<'a> {
    /// What handlers share.
    pub(crate) state: &'a AppState,
    /// Its parameters.
    pub(crate) given: &'a Given,
    /// What it is put to.
    pub(crate) view: View<'a>,
    /// Where its page begins.
    pub(crate) place: Option<String>,
}

impl Ask<'_> {
    /// The text of a `next`.
    pub(crate) fn next(&self, place: &str) -> String {
        Cursor::text(self.view.size(), place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_first_moment_or_its_last() {
        assert_eq!(time_of("2026-03-03", 0), time_of("2026-03-03T00:00:00Z", REST_OF_DAY));
        assert_eq!(time_of("2026-03-03T01:00:00+01:00", 0), time_of("2026-03-03", 0));
        assert_eq!(time_of("2026-03-03", REST_OF_DAY).as_deref(), Some("2026-03-03T23:59:59.999999Z"));
        for wrong in ["", "2026-3-3", "2026-02-30", "yesterday", "20260303T0", "2026-03-03T"] {
            assert_eq!(time_of(wrong, 0), None, "{wrong}");
        }
    }

    #[test]
    fn cursors_are_read_back_and_nothing_else_is() {
        let text = Cursor::text(17, "02.6d");
        assert_eq!(Cursor::parse(&text), Some(Cursor { size: 17, place: "02.6d".to_owned() }));
        for wrong in ["", "17", "17-", "-02", "017-02", "17-XY", "17-0 2", "9007199254740992-02"] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Cursor::parse(&format!("1-{}", "0".repeat(MAX_CURSOR_BYTES))), None);
    }

    #[test]
    fn what_is_wrong_with_a_value_is_named() {
        let fault = |shape, text: &str| {
            check(&Parameter::new("x", shape, ""), text).map_or_else(|error| error.to_string(), |()| String::new())
        };
        assert_eq!(fault(Shape::Flag, "yes"), "parameter `x` is `yes`, not 0 or 1");
        assert_eq!(fault(Shape::Choice(&["up", "down"]), "left"), "parameter `x` is `left`, not one of up, down");
        assert_eq!(fault(Shape::Between(1, 9), "10"), "parameter `x` is not between 1 and 9");
        assert!(fault(Shape::Time, "soon").contains("not a time like"));
        assert!(fault(Shape::Text, &"x".repeat(MAX_TEXT_BYTES + 1)).contains("not a text of 1 to 512 bytes"));
        assert!(fault(Shape::Subject, "fraud").contains("not a subject"));
        assert_eq!(fault(Shape::AsOf, "2026-03-03"), "");
    }
}
