//! Durations of ISO 8601, as far as the story uses them: days, hours, minutes and seconds, whole numbers.

const UNITS: [(char, bool, i64); 4] =
    [('D', false, 86_400_000_000), ('H', true, 3_600_000_000), ('M', true, 60_000_000), ('S', true, 1_000_000)];

/// The microseconds of `P8DT2H12M`, each unit at most once and in this order; `None` for any other text.
pub(super) fn micros(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if rest.is_empty() {
        return None;
    }
    part(date, false)?.checked_add(part(time, true)?)
}

fn part(mut text: &str, of_day: bool) -> Option<i64> {
    let mut sum = 0_i64;
    let mut units = UNITS.iter().filter(|(_, time, _)| *time == of_day);
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = text.get(..end)?.parse().ok()?;
        let unit = text.get(end..)?.chars().next()?;
        // The iterator only goes forward, which keeps the units in order.
        let (_, _, micros) = units.find(|(name, _, _)| *name == unit)?;
        sum = sum.checked_add(number.checked_mul(*micros)?)?;
        text = text.get(end + unit.len_utf8()..)?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::micros;

    #[test]
    fn reads_what_the_story_writes_and_nothing_else() {
        assert_eq!(micros("PT0S"), Some(0));
        assert_eq!(micros("P5D"), Some(5 * 86_400_000_000));
        assert_eq!(micros("P8DT2H12M3S"), Some((((8 * 24 + 2) * 60 + 12) * 60 + 3) * 1_000_000));
        for wrong in [
            "",
            "P",
            "PT",
            "P1DT",
            "5D",
            "P1M",
            "PT1D",
            "PT1S1H",
            "PT1S1S",
            "P-1D",
            "P1.5D",
            "PD",
            "P1D2D",
            "P99999999999999999D",
            "Pé",
        ] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }
}
