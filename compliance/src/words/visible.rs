//! The one place where characters that nobody can see, or that turn a line around, become codes.

/// Shows control characters, marks of writing direction and characters without width as `[U+202E]`; leaves the rest as it is.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if hidden(character) {
            shown.push_str(&format!("[U+{:04X}]", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// At most `limit` characters, with `…` where more follow.
#[must_use]
pub fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Whether a character would not be seen, or would change how others are seen.
fn hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Soft hyphen; fillers that look like nothing.
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            // Writing direction.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Without width, or breaking lines.
            | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_turns_is_a_code() {
        assert_eq!(visible("a\u{202e}b\nc\u{200b}\u{0}"), "a[U+202E]b[U+000A]c[U+200B][U+0000]");
        assert_eq!(visible("Prüfung – naïve 模型 <b>\"x\"</b>"), "Prüfung – naïve 模型 <b>\"x\"</b>");
    }

    #[test]
    fn shortening_counts_characters() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äöü…");
    }
}
