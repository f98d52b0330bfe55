//! Times as people write them: an entry count, a moment, or a day.

use std::str::FromStr;

use modeltrail_schemas::time::{Micros, parse_rfc3339};

/// As of when a question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsOf {
    /// What the first so many entries say.
    Size(u64),
    /// What had been received by then.
    Time(Micros),
}

impl FromStr for AsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Size).map_err(|_| format!("{text} is more entries than any ledger has"));
        }
        last_moment(text).map(Self::Time)
    }
}

impl std::fmt::Display for AsOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Size(size) => size.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

/// A moment; of a day its first one, in UTC.
pub(crate) fn first_moment(text: &str) -> Result<Micros, String> {
    moment(text, "T00:00:00Z")
}

/// A moment; of a day its last one, in UTC.
pub(crate) fn last_moment(text: &str) -> Result<Micros, String> {
    moment(text, "T23:59:59.999999Z")
}

/// A moment that a span ends before; a day belongs to the span whole.
pub(crate) fn end_moment(text: &str) -> Result<Micros, String> {
    let day = parse_rfc3339(text).is_none();
    let last = last_moment(text)?;
    if day { last.checked_add(1).ok_or_else(|| format!("{text} is the last day there is")) } else { Ok(last) }
}

fn moment(text: &str, of_day: &str) -> Result<Micros, String> {
    let found = parse_rfc3339(text).or_else(|| parse_rfc3339(&format!("{text}{of_day}")));
    found.ok_or_else(|| "is no day such as 2025-12-31 and no time such as 2025-12-31T14:02:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_taken_from_the_right_end() {
        assert_eq!(first_moment("2025-12-31").unwrap().to_string(), "2025-12-31T00:00:00.000000Z");
        assert_eq!(last_moment("2025-12-31").unwrap().to_string(), "2025-12-31T23:59:59.999999Z");
        assert_eq!(end_moment("2025-12-31").unwrap().to_string(), "2026-01-01T00:00:00.000000Z");
        assert_eq!(end_moment("2025-12-31T14:02:00Z").unwrap().to_string(), "2025-12-31T14:02:00.000000Z");
        assert!(end_moment("9999-12-31").is_err());
        assert_eq!(last_moment("2025-12-31T14:02:00+01:00").unwrap().to_string(), "2025-12-31T13:02:00.000000Z");
    }

    #[test]
    fn counts_days_and_times_are_told_apart() {
        assert_eq!("0".parse(), Ok(AsOf::Size(0)));
        assert_eq!("2025".parse(), Ok(AsOf::Size(2025)));
        assert!(matches!("2025-12-31".parse(), Ok(AsOf::Time(_))));
        for bad in ["", "-1", "31.12.2025", "2025-13-01", "2025-12", "99999999999999999999", "2025-12-31 14:02"] {
            assert!(bad.parse::<AsOf>().is_err(), "{bad}");
        }
    }
}
