//! CSV as RFC 4180 has it, guarded against formulas: a spreadsheet that opens it must not run what somebody wrote into a name.

/// One line, `\r\n` included.
#[must_use]
pub fn line<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|text| cell(text.as_ref())).collect();
    format!("{}\r\n", cells.join(","))
}

/// One cell. A text that a spreadsheet would take for a formula gets a `'` before it; a number stays one.
#[must_use]
pub fn cell(text: &str) -> String {
    // Blanks and quotes before it don't keep a spreadsheet from seeing the sign.
    let first = text.trim_start_matches([' ', '"', '\u{a0}']).chars().next();
    let formula = matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'))
        || text.starts_with(['\t', '\r', '\n']);
    let guarded = if formula && !number(text) { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\r', '\n', ';']) || guarded.starts_with(' ') || guarded.ends_with(' ') {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

/// A number as JSON has it.
fn number(text: &str) -> bool {
    matches!(serde_json::from_str::<serde_json::Value>(text), Ok(serde_json::Value::Number(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_texts_and_numbers_stay_numbers() {
        for (text, shown) in [
            ("=1+1", "'=1+1"),
            ("+a", "'+a"),
            ("-a", "'-a"),
            ("@sum", "'@sum"),
            ("\tx", "'\tx"),
            (" =x", "' =x"),
            ("＝x", "'＝x"),
            ("-1.5", "-1.5"),
            ("+1", "'+1"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(cell(text), shown, "{text:?}");
        }
        assert_eq!(cell("\r=x"), "\"'\r=x\"");
    }

    #[test]
    fn a_line_is_quoted_where_it_must_be() {
        assert_eq!(line(["a", "b,c", "d\"e", "f\ng"]), "a,\"b,c\",\"d\"\"e\",\"f\ng\"\r\n");
    }
}
