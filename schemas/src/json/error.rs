//! What can be wrong with JSON, and where.

/// Why bytes are not strict JSON. Line and column count from 1, the offset from 0, all in bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at line {line}, column {column} (byte {offset})")]
pub struct JsonError {
    /// What is wrong.
    pub fault: JsonFault,
    /// The byte at which it shows, from the start of the input.
    pub offset: usize,
    /// The line of that byte.
    pub line: usize,
    /// The column of that byte.
    pub column: usize,
}

/// What is wrong with JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// More bytes than [`super::MAX_BYTES`].
    #[error("json of {0} bytes is over the limit of {limit}", limit = super::MAX_BYTES)]
    TooLarge(usize),
    /// The bytes are not UTF-8.
    #[error("json is not valid UTF-8")]
    Encoding,
    /// The input ends inside a value, or is empty.
    #[error("json ends too early")]
    Truncated,
    /// A byte that the grammar doesn't allow here.
    #[error("json expects {expected}, found {}", shown(*.found))]
    Unexpected {
        /// What would be right.
        expected: &'static str,
        /// What stands there.
        found: char,
    },
    /// Bytes after the value.
    #[error("json goes on after its value; one value is allowed")]
    Trailing,
    /// Arrays and objects deeper than [`super::MAX_DEPTH`].
    #[error("json is nested deeper than {} levels", super::MAX_DEPTH)]
    TooDeep,
    /// A member's name that the object already has.
    #[error("json object has the name `{0}` twice")]
    DuplicateName(String),
    /// An integer literal outside ±(2^53−1).
    #[error("json integer is outside ±(2^53−1); send it as a string")]
    Integer,
    /// A number beyond the doubles.
    #[error("json number is too large for a double")]
    Infinite,
    /// A `\u` escape for half a surrogate pair.
    #[error("json string has a lone surrogate")]
    Surrogate,
    /// A control character that isn't escaped.
    #[error("json string has the control character U+{:04X} unescaped", u32::from(*.0))]
    Control(u8),
    /// A backslash before something that JSON doesn't know.
    #[error("json string has an unknown escape")]
    Escape,
    /// An array of more elements than asked for.
    #[error("json array has more than {0} elements")]
    TooManyElements(usize),
}

impl JsonError {
    /// The error at byte `offset` of `input`.
    pub(super) fn at(input: &[u8], offset: usize, fault: JsonFault) -> Self {
        let before = &input[..offset.min(input.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        Self { fault, offset, line, column: 1 + before.len() - start }
    }
}

/// A name in a message: cut, since it comes from outside.
pub(super) fn cut(name: &str) -> String {
    const SHOWN: usize = 64;
    let mut shown: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

fn shown(found: char) -> String {
    format!("`{}`", found.escape_debug())
}
