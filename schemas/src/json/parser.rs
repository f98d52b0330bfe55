//! The strict parser: RFC 8259 by recursive descent into [`Value`].
//!
//! Invariant: `at` is at most `text.len()` and stands on a character boundary whenever a method is entered.

use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::error::{JsonError, JsonFault, cut};
use super::{MAX_BYTES, MAX_DEPTH, MAX_INTEGER};

type Result<T> = std::result::Result<T, JsonError>;

pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > MAX_BYTES {
            return Err(JsonError::at(&[], 0, JsonFault::TooLarge(bytes.len())));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, at: 0 }),
            Err(error) => Err(JsonError::at(bytes, error.valid_up_to(), JsonFault::Encoding)),
        }
    }

    /// The one value of the input.
    pub(super) fn whole(mut self) -> Result<Value> {
        self.space();
        let value = self.value(0)?;
        self.end()?;
        Ok(value)
    }

    /// The spans of the elements of the one array of the input.
    pub(super) fn array_spans(mut self, most: usize) -> Result<Vec<&'a [u8]>> {
        let mut spans = Vec::new();
        self.space();
        self.expect(b'[', "an array")?;
        self.space();
        if self.take(b']') {
            self.end()?;
            return Ok(spans);
        }
        loop {
            let start = self.at;
            if spans.len() == most {
                return self.fail(start, JsonFault::TooManyElements(most));
            }
            self.value(0)?;
            spans.push(&self.text.as_bytes()[start..self.at]);
            self.space();
            if self.take(b']') {
                self.end()?;
                return Ok(spans);
            }
            self.expect(b',', "`,` or `]`")?;
            self.space();
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => self.unexpected("a value"),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value> {
        self.deeper(depth)?;
        let mut members = Map::new();
        self.space();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            let start = self.at;
            if self.peek() != Some(b'"') {
                return self.unexpected("a member's name");
            }
            let name = self.string()?;
            self.space();
            self.expect(b':', "`:`")?;
            self.space();
            let value = self.value(depth + 1)?;
            match members.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(taken) => {
                    return self.fail(start, JsonFault::DuplicateName(cut(taken.key())));
                }
            }
            self.space();
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            self.expect(b',', "`,` or `}`")?;
            self.space();
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value> {
        self.deeper(depth)?;
        let mut elements = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.space();
            if self.take(b']') {
                return Ok(Value::Array(elements));
            }
            self.expect(b',', "`,` or `]`")?;
            self.space();
        }
    }

    /// Steps over the bracket that opens level `depth + 1`.
    fn deeper(&mut self, depth: usize) -> Result<()> {
        if depth >= MAX_DEPTH {
            return self.fail(self.at, JsonFault::TooDeep);
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let start = self.at;
        self.plain();
        if self.take(b'"') {
            return Ok(self.text[start..self.at - 1].to_owned());
        }
        let mut decoded = String::from(&self.text[start..self.at]);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(decoded);
                }
                Some(b'\\') => decoded.push(self.escape()?),
                Some(control) => return self.fail(self.at, JsonFault::Control(control)),
                None => return self.fail(self.at, JsonFault::Truncated),
            }
            let start = self.at;
            self.plain();
            decoded.push_str(&self.text[start..self.at]);
        }
    }

    /// Steps over the characters that stand for themselves. What stops it is ASCII, so a character is never split.
    fn plain(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
        self.at += stop.unwrap_or(rest.len());
    }

    fn escape(&mut self) -> Result<char> {
        let start = self.at;
        self.at += 1;
        let Some(letter) = self.peek() else {
            return self.fail(self.at, JsonFault::Truncated);
        };
        let plain = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(start),
            _ => return self.fail(start, JsonFault::Escape),
        };
        self.at += 1;
        Ok(plain)
    }

    /// The character of a `\u` escape (four hex digits), or of two of them that make a surrogate pair.
    fn unicode(&mut self, start: usize) -> Result<char> {
        let first = self.unit(start)?;
        if let Some(found) = char::from_u32(first) {
            return Ok(found);
        }
        let pair = first < 0xdc00 && self.text.as_bytes()[self.at..].starts_with(b"\\u");
        if !pair {
            return self.fail(start, JsonFault::Surrogate);
        }
        self.at += 1;
        let second = self.unit(start)?;
        if !(0xdc00..0xe000).contains(&second) {
            return self.fail(start, JsonFault::Surrogate);
        }
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        char::from_u32(code).map_or_else(|| self.fail(start, JsonFault::Surrogate), Ok)
    }

    /// The UTF-16 unit of `u` and four hex digits at `at`.
    fn unit(&mut self, start: usize) -> Result<u32> {
        let rest = &self.text.as_bytes()[self.at + 1..];
        let mut unit = 0;
        for index in 0..4 {
            let Some(digit) = rest.get(index) else {
                return self.fail(self.text.len(), JsonFault::Truncated);
            };
            let Some(digit) = char::from(*digit).to_digit(16) else {
                return self.fail(start, JsonFault::Escape);
            };
            unit = unit << 4 | digit;
        }
        self.at += 5;
        Ok(unit)
    }

    fn number(&mut self) -> Result<Number> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        let whole = self.at;
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _signed = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let literal = &self.text[start..self.at];
        if self.at == whole && literal != "-0" { self.integer(start, literal) } else { self.double(start, literal) }
    }

    fn integer(&self, start: usize, literal: &str) -> Result<Number> {
        match literal.parse::<i64>() {
            Ok(integer) if integer.unsigned_abs() <= MAX_INTEGER => Ok(Number::from(integer)),
            _ => self.fail(start, JsonFault::Integer),
        }
    }

    fn double(&self, start: usize, literal: &str) -> Result<Number> {
        let number = literal.parse::<f64>().ok().and_then(Number::from_f64);
        number.map_or_else(|| self.fail(start, JsonFault::Infinite), Ok)
    }

    /// Steps over one digit or more.
    fn digits(&mut self) -> Result<()> {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        if count == 0 {
            return self.unexpected("a digit");
        }
        self.at += count;
        Ok(())
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value> {
        for byte in word.bytes() {
            self.expect(byte, word)?;
        }
        Ok(value)
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn end(&mut self) -> Result<()> {
        self.space();
        if self.at < self.text.len() { self.fail(self.at, JsonFault::Trailing) } else { Ok(()) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<()> {
        if self.take(byte) { Ok(()) } else { self.unexpected(expected) }
    }

    fn unexpected<T>(&self, expected: &'static str) -> Result<T> {
        let fault = match self.text[self.at..].chars().next() {
            Some(found) => JsonFault::Unexpected { expected, found },
            None => JsonFault::Truncated,
        };
        self.fail(self.at, fault)
    }

    fn fail<T>(&self, offset: usize, fault: JsonFault) -> Result<T> {
        Err(JsonError::at(self.text.as_bytes(), offset, fault))
    }
}
