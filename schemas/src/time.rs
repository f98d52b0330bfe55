//! Times: microseconds since 1970 in UTC inside, RFC 3339 outside. The one module that reads and prints them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const PER_SECOND: i64 = 1_000_000;
const PER_MINUTE: i64 = 60 * PER_SECOND;
const PER_DAY: i64 = 24 * 60 * PER_MINUTE;

/// A point in time: UTC microseconds since 1970-01-01T00:00:00Z, from year 0001 to year 9999, so that every one can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(i64);

impl Micros {
    /// 0001-01-01T00:00:00.000000Z.
    pub const MIN: Self = Self(-719_162 * PER_DAY);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(2_932_897 * PER_DAY - 1);
    /// 1970-01-01T00:00:00.000000Z.
    pub const EPOCH: Self = Self(0);

    /// The time so many microseconds after 1970; `None` outside the years 0001 to 9999.
    #[must_use]
    pub fn new(micros: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&micros).then_some(Self(micros))
    }

    /// Microseconds since 1970, negative before.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// The time so many microseconds later, earlier when negative; `None` outside the years 0001 to 9999.
    #[must_use]
    pub fn checked_add(self, micros: i64) -> Option<Self> {
        self.0.checked_add(micros).and_then(Self::new)
    }
}

/// Always `2026-11-23T08:20:11.123456Z`: six digits and `Z`.
impl fmt::Display for Micros {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::from_timestamp_micros(self.0).ok_or(fmt::Error)?;
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let year = u32::try_from(time.year()).map_err(|_| fmt::Error)?;
        let micros = time.nanosecond() / 1000;
        put(&mut text[0..4], year);
        put(&mut text[5..7], time.month());
        put(&mut text[8..10], time.day());
        put(&mut text[11..13], time.hour());
        put(&mut text[14..16], time.minute());
        put(&mut text[17..19], time.second());
        put(&mut text[20..26], micros);
        formatter.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Writes `number` in decimal over the zeros of `digits`, from the right.
fn put(digits: &mut [u8], number: u32) {
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// The text is not a time of the shape that [`parse_rfc3339`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as 2026-11-23T08:20:11.123456Z or 2026-11-23T09:20:11+01:00")]
pub struct TimeError;

impl FromStr for Micros {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        parse_rfc3339(text).ok_or(TimeError)
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Micros {
    /// Reads what [`parse_rfc3339`] does.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Reads RFC 3339 in one exact shape: `YYYY-MM-DDThh:mm:ss`, optionally a fraction of one or more digits, then `Z` or `±hh:mm`.
///
/// Digits beyond microseconds are cut, never rounded. `T` and `Z` are upper case. `-00:00` is an offset like any other. Seconds
/// go to 59: a leap second has no place on the scale of [`Micros`]. Everything else is `None`, and so is a time whose year,
/// as written or in UTC, is not 0001 to 9999.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Micros> {
    let bytes = text.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if bytes.len() < 20 || marks.iter().any(|(at, mark)| bytes[*at] != *mark) {
        return None;
    }
    let year = decimal(&bytes[0..4])?.try_into().ok()?;
    let date = NaiveDate::from_ymd_opt(year, pair(bytes, 5)?, pair(bytes, 8)?)?;
    let (hour, minute, second) = (pair(bytes, 11)?, pair(bytes, 14)?, pair(bytes, 17)?);
    if year == 0 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, zone) = fraction(&bytes[19..])?;
    let days = i64::from(date.num_days_from_ce() - UNIX_EPOCH_FROM_CE);
    let whole_minute = days * PER_DAY + i64::from(hour * 60 + minute) * PER_MINUTE - offset(zone)? * PER_MINUTE;
    Micros::new(whole_minute + i64::from(second) * PER_SECOND + fraction)
}

/// Days from 0001-01-01, which chrono counts as 1, to 1970-01-01.
const UNIX_EPOCH_FROM_CE: i32 = 719_163;

/// The microseconds of an optional `.ddd`, and what follows.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else {
        return Some((0, rest));
    };
    let count = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    if count == 0 {
        return None;
    }
    let kept = count.min(6);
    let scale = 10_i64.pow(6 - u32::try_from(kept).ok()?);
    Some((i64::from(decimal(&digits[..kept])?) * scale, &digits[count..]))
}

/// The minutes that local time is ahead of UTC, from `Z` or `±hh:mm`.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        b"Z" => return Some(0),
        [b'+', hours @ .., b':', m1, m2] if hours.len() == 2 => (1, hours, [*m1, *m2]),
        [b'-', hours @ .., b':', m1, m2] if hours.len() == 2 => (-1, hours, [*m1, *m2]),
        _ => return None,
    };
    let (hours, minutes) = (decimal(hours)?, decimal(&minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * i64::from(hours * 60 + minutes))
}

fn pair(bytes: &[u8], at: usize) -> Option<u32> {
    decimal(&bytes[at..at + 2])
}

/// The number that the bytes spell, at most nine of them; `None` when one is not a digit.
fn decimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> Option<String> {
        parse_rfc3339(text).map(|time| time.to_string())
    }

    #[test]
    fn reads_the_allowed_shapes() {
        let cases = [
            ("2026-11-23T08:20:11Z", "2026-11-23T08:20:11.000000Z"),
            ("2026-11-23T08:20:11.5Z", "2026-11-23T08:20:11.500000Z"),
            ("2026-11-23T08:20:11.123456999Z", "2026-11-23T08:20:11.123456Z"),
            ("2026-11-23T09:20:11.1+01:00", "2026-11-23T08:20:11.100000Z"),
            ("2026-11-22T20:50:11-11:30", "2026-11-23T08:20:11.000000Z"),
            ("2026-11-23T08:20:11-00:00", "2026-11-23T08:20:11.000000Z"),
            ("2026-11-23T08:20:11.12345678901234567890Z", "2026-11-23T08:20:11.123456Z"),
            ("0001-01-01T00:00:00-00:01", "0001-01-01T00:01:00.000000Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(printed(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_every_other_shape() {
        let cases = [
            "",
            "2026-11-23",
            "2026-11-23T08:20:11",
            "2026-11-23t08:20:11Z",
            "2026-11-23T08:20:11z",
            "2026-11-23 08:20:11Z",
            " 2026-11-23T08:20:11Z",
            "2026-11-23T08:20:11Z ",
            "2026-11-23T08:20Z",
            "2026-11-23T8:20:11Z",
            "2026-11-23T08:20:11,5Z",
            "2026-11-23T08:20:11.Z",
            "2026-11-23T08:20:11+0100",
            "2026-11-23T08:20:11+1:00",
            "2026-11-23T08:20:11+24:00",
            "2026-11-23T08:20:11+00:60",
            "2026-11-23T08:20:11\u{2212}01:00",
            "2026-11-23T24:00:00Z",
            "2026-11-23T08:60:00Z",
            "2026-11-23T08:20:60Z",
            "2016-12-31T23:59:60Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "+026-11-23T08:20:11Z",
            "02026-11-23T08:20:11Z",
            "0000-12-31T23:59:59Z",
            "0000-12-31T23:59:59-00:01",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "９026-11-23T08:20:11Z",
        ];
        for text in cases {
            assert_eq!(printed(text), None, "{text}");
        }
    }

    #[test]
    fn the_bounds_are_those_of_the_years() {
        assert_eq!(parse_rfc3339("0001-01-01T00:00:00Z"), Some(Micros::MIN));
        assert_eq!(parse_rfc3339("9999-12-31T23:59:59.999999Z"), Some(Micros::MAX));
        assert_eq!(Micros::new(Micros::MAX.as_micros() + 1), None);
        assert_eq!(Micros::MIN.checked_add(-1), None);
        assert_eq!(Micros::EPOCH.checked_add(1).map(Micros::as_micros), Some(1));
    }
}
