//! The form of the catalogue's two TOML files, as written.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShapesFile {
    pub(super) catalogue: u32,
    pub(super) checked_on: String,
    pub(super) own_groups: Vec<String>,
    pub(super) kinds: RawKinds,
    pub(super) role: Vec<RawRole>,
    pub(super) section: Vec<RawSection>,
    pub(super) primitives: Ordered<String>,
    pub(super) shapes: Ordered<Ordered<RawType>>,
    pub(super) common: RawCommon,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKinds {
    pub(super) anyone: Vec<String>,
    pub(super) ledger_only: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRole {
    pub(super) name: String,
    pub(super) meaning: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSection {
    pub(super) title: String,
    pub(super) groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCommon {
    pub(super) fields: Ordered<RawType>,
    pub(super) touches: Vec<RawTouch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTouch {
    pub(super) role: String,
    pub(super) from: String,
    pub(super) build: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsFile {
    pub(super) event: Vec<RawEvent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvent {
    pub(super) r#type: String,
    pub(super) says: String,
    pub(super) subject: String,
    #[serde(default)]
    pub(super) core: bool,
    #[serde(default)]
    pub(super) touches: Vec<RawTouch>,
    #[serde(default)]
    pub(super) packs: Vec<String>,
    pub(super) openlineage: Option<String>,
    pub(super) cdevents: Option<String>,
    pub(super) mlflow: Option<String>,
    pub(super) fields: Ordered<RawType>,
}

/// A table in the order of the file: fields are documented in the order in which they were thought of.
pub(super) struct Ordered<T>(pub(super) Vec<(String, T)>);

/// A field's type as written: a text, a list of one inline object, or an inline object.
pub(super) enum RawType {
    Text(String),
    List(Box<RawType>),
    Object(Ordered<RawType>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = map.next_entry()? {
                    rows.push(row);
                }
                Ok(Ordered(rows))
            }
        }
        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for RawType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = RawType;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a type: a text, an inline table, or a list of one of these")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RawType, E> {
                Ok(RawType::Text(text.to_owned()))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<RawType, A::Error> {
                let missing = || serde::de::Error::custom("a list type names the type of its elements, once");
                let element = seq.next_element()?.ok_or_else(missing)?;
                match seq.next_element::<serde::de::IgnoredAny>()? {
                    None => Ok(RawType::List(Box::new(element))),
                    Some(_) => Err(missing()),
                }
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<RawType, A::Error> {
                Ordered::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(RawType::Object)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
