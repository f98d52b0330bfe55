//! A value as a sender gave it, kept as its JSON.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// Any JSON value. In memory it is one text: a row of many values that changes often is copied, dropped and written as a few pieces of memory,
/// where a [`Value`] has one for each name and each text in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// Keeps the value.
    #[must_use]
    pub fn new(value: &Value) -> Self {
        Self(to_raw_value(value).expect("a JSON value always serialises"))
    }

    /// The value; one that is nested too deep to be read, which no parser of ours lets in, comes as its text.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(self.0.get()).unwrap_or_else(|_| Value::String(self.0.get().to_owned()))
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for JsonText {}

impl JsonSchema for JsonText {
    fn inline_schema() -> bool {
        Value::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        Value::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Value::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_and_writes_as_the_value_itself() {
        for text in [r#"{"a":[1,-0.0,1.5e300,null,true],"b":"\"ü\\n\n"}"#, "null", "17", r#""…""#] {
            let value: Value = serde_json::from_str(text).unwrap();
            let kept = JsonText::new(&value);
            assert_eq!(kept.value(), value);
            let written = serde_json::to_string(&kept).unwrap();
            assert_eq!(written, value.to_string());
            assert_eq!(serde_json::from_str::<JsonText>(&written).unwrap(), kept);
            assert_eq!(serde_json::to_value(&kept).unwrap(), value);
            assert_eq!(serde_json::from_value::<JsonText>(value).unwrap(), kept);
        }
    }
}
