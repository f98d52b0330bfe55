//! Query parameters, read strictly: known names only, each once unless it may be repeated, values percent-encoded as RFC 3986
//! has it. A `+` is a `+`, since subjects may have one.

use actix_web::HttpRequest;

use crate::errors::{WebError, shown};

/// Items of a page, unless asked otherwise.
pub(crate) const DEFAULT_LIMIT: usize = 100;
/// The most items of a page: one answer stays a few megabytes.
pub(crate) const MAX_LIMIT: usize = 1_000;
/// 2^53 − 1: numbers in our JSON stay exact in every reader.
const MAX_NUMBER: u64 = (1 << 53) - 1;
/// More parameters than any endpoint takes.
const MAX_PARAMETERS: usize = 64;

/// The parameters of one request.
pub(crate) struct Query(Vec<(String, String)>);

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// The last number that the caller has.
    pub(crate) after: Option<u64>,
    /// The most items.
    pub(crate) limit: usize,
}

impl Page {
    /// The first number of the page.
    pub(crate) fn first(&self) -> u64 {
        self.after.map_or(0, |after| after + 1)
    }
}

pub(crate) fn wrong(name: &str, fault: impl Into<String>) -> WebError {
    WebError::Parameter { name: shown(name), fault: fault.into() }
}

impl Query {
    /// The parameters of a request to an endpoint that takes those named.
    pub(crate) fn of(request: &HttpRequest, known: &[&str]) -> Result<Self, WebError> {
        Self::parse(request.query_string(), known)
    }

    /// The parameters of a query string.
    pub(crate) fn parse(text: &str, known: &[&str]) -> Result<Self, WebError> {
        let mut found = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !known.contains(&name) {
                let takes = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(wrong(name, format!("is not known here; this endpoint takes: {takes}")));
            }
            let value = decoded(value).ok_or_else(|| wrong(name, "is not percent-encoded UTF-8"))?;
            if found.len() == MAX_PARAMETERS {
                return Err(wrong(name, format!("is one of more than {MAX_PARAMETERS}")));
            }
            found.push((name.to_owned(), value));
        }
        Ok(Self(found))
    }

    /// No parameters.
    pub(crate) fn empty() -> Self {
        Self(Vec::new())
    }

    /// All parameters, in the order in which they were given.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All values of a parameter that may be repeated.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may be left out.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, WebError> {
        let mut all = self.all(name);
        let first = all.next();
        if all.next().is_some() {
            return Err(wrong(name, "is given twice"));
        }
        Ok(first)
    }

    /// The number of a parameter that may be left out.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, WebError> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        parse_number(text)
            .map(Some)
            .ok_or_else(|| wrong(name, format!("is `{}`, not a decimal number up to 2^53 - 1", shown(text))))
    }

    /// The number of a parameter that must be there.
    pub(crate) fn demanded(&self, name: &str) -> Result<u64, WebError> {
        self.number(name)?.ok_or_else(|| wrong(name, "is missing"))
    }

    /// `limit`.
    pub(crate) fn limit(&self) -> Result<usize, WebError> {
        let limit = self.number("limit")?.map_or(Some(DEFAULT_LIMIT), |limit| usize::try_from(limit).ok());
        let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| wrong("limit", format!("is not between 1 and {MAX_LIMIT}")))
    }

    /// `after` and `limit`.
    pub(crate) fn page(&self) -> Result<Page, WebError> {
        Ok(Page { after: self.number("after")?, limit: self.limit()? })
    }
}

/// A decimal number without sign and leading zeros, up to 2^53 − 1.
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    let plain =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok().filter(|number| *number <= MAX_NUMBER) } else { None }
}

fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'%' {
            let digits = after.get(..2)?;
            bytes.extend_from_slice(&hex::decode(digits).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        match Query::parse(text, &["after", "limit", "subject"]).and_then(|query| query.page().map(drop)) {
            Err(error) => error.to_string(),
            Ok(()) => String::new(),
        }
    }

    #[test]
    fn values_are_decoded_once_and_a_plus_stays() {
        let query = Query::parse("subject=model/a%252Fb+c%401&subject=&subject", &["subject"]).unwrap();
        assert_eq!(query.all("subject").collect::<Vec<_>>(), ["model/a%2Fb+c@1", "", ""]);
    }

    #[test]
    fn pages_have_bounds() {
        let page = |text| Query::parse(text, &["after", "limit"]).unwrap().page();
        assert_eq!(page("").unwrap(), Page { after: None, limit: DEFAULT_LIMIT });
        assert_eq!(page("after=0&limit=1000").unwrap(), Page { after: Some(0), limit: MAX_LIMIT });
        assert_eq!(page("after=0").unwrap().first(), 1);
        assert_eq!(page("").unwrap().first(), 0);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("limit=0", "parameter `limit` is not between 1 and 1000"),
            ("limit=1001", "parameter `limit` is not between 1 and 1000"),
            ("after=-1", "parameter `after` is `-1`, not a decimal number up to 2^53 - 1"),
            ("after=01", "parameter `after` is `01`, not a decimal number up to 2^53 - 1"),
            ("after=", "parameter `after` is ``, not a decimal number up to 2^53 - 1"),
            ("after=9007199254740992", "parameter `after` is `9007199254740992`, not a decimal number up to 2^53 - 1"),
            ("after=1&after=1", "parameter `after` is given twice"),
            ("subject=%", "parameter `subject` is not percent-encoded UTF-8"),
            ("subject=%f", "parameter `subject` is not percent-encoded UTF-8"),
            ("subject=%+f", "parameter `subject` is not percent-encoded UTF-8"),
            ("subject=%ff", "parameter `subject` is not percent-encoded UTF-8"),
            ("a%66ter=1", "parameter `a%66ter` is not known here; this endpoint takes: after, limit, subject"),
            ("x=1", "parameter `x` is not known here; this endpoint takes: after, limit, subject"),
        ] {
            assert_eq!(fault(text), expected, "{text}");
        }
        assert!(fault(&"subject=a&".repeat(65)).contains("more than 64"));
    }
}
