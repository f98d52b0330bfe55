//! Times and days as people read them. UTC always: no zone and no locale is asked for.

use modeltrail_schemas::time::parse_rfc3339;

use super::visible;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `23 Nov 2026 08:20:11 UTC`; what is no time is shown as it is.
#[must_use]
pub fn time_words(time: &str) -> String {
    match parts(time) {
        Some((day, clock)) => format!("{day} {clock} UTC"),
        None => visible(time),
    }
}

/// The day alone: `23 Nov 2026`. Takes days (`2026-11-23`) too.
#[must_use]
pub fn date_words(time: &str) -> String {
    match parts(time).map(|(day, _)| day).or_else(|| day(time)) {
        Some(day) => day,
        None => visible(time),
    }
}

/// The day, and the time of day where it is not midnight: `31 May 2026`, `31 May 2026 22:00 UTC`.
#[must_use]
pub fn moment_words(time: &str) -> String {
    match parts(time) {
        Some((day, clock)) if clock == "00:00:00" => day,
        Some((day, clock)) => format!("{day} {} UTC", clock.strip_suffix(":00").unwrap_or(&clock)),
        None => date_words(time),
    }
}

fn parts(time: &str) -> Option<(String, String)> {
    let utc = parse_rfc3339(time)?.to_string();
    let clock = utc.get(11..19)?.to_owned();
    Some((day(utc.get(..10)?)?, clock))
}

/// `YYYY-MM-DD` in words.
fn day(date: &str) -> Option<String> {
    let digits =
        |from: usize, to: usize| date.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    if date.len() != 10 || date.as_bytes()[4] != b'-' || date.as_bytes()[7] != b'-' {
        return None;
    }
    let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
    Some(format!("{} {month} {year}", day.parse::<u8>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_utc() {
        assert_eq!(time_words("2026-11-23T09:20:11.5+01:00"), "23 Nov 2026 08:20:11 UTC");
        assert_eq!(date_words("2026-05-01"), "1 May 2026");
        assert_eq!(moment_words("2026-05-31T00:00:00.000000Z"), "31 May 2026");
        assert_eq!(moment_words("2026-05-31T22:00:00Z"), "31 May 2026 22:00 UTC");
        assert_eq!(moment_words("2026-05-31T22:00:09Z"), "31 May 2026 22:00:09 UTC");
        assert_eq!(time_words("soon\n"), "soon[U+000A]");
        assert_eq!(date_words("2026-13-01"), "2026-13-01");
    }
}
