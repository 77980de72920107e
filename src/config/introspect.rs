//! Finds out which keys a settings struct reads by asking its own `Deserialize`, so that no list of
//! keys is kept beside the structs: a field that is added is a known key at once.
//!
//! It deserializes from a source that has every field, answers each with an empty value and records
//! the path. It must never be used to read a configuration.

use serde::Deserializer;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// The placeholder in a path for a name that the operator chooses.
pub(super) const ANY_NAME: &str = "NAME";

/// The paths of all values that a struct reads, like `server.listen`.
pub(super) fn keys_of<T: DeserializeOwned>() -> Result<Vec<String>, Error> {
    let mut keys = Vec::new();
    let probe = Probe {
        path: String::new(),
        keys: &mut keys,
    };
    T::deserialize(probe)?;
    Ok(keys)
}

/// A source at one path.
struct Probe<'k> {
    path: String,
    keys: &'k mut Vec<String>,
}

impl Probe<'_> {
    fn record(&mut self) {
        self.keys.push(self.path.clone());
    }
}

/// Answers the deserializer methods of plain values with an empty one.
macro_rules! empty_values {
    ($($method:ident => $visit:ident($empty:expr),)*) => {
        $(fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
            self.record();
            visitor.$visit($empty)
        })*
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    empty_values! {
        // A visitor for any type accepts a text.
        deserialize_any => visit_str(""),
        deserialize_str => visit_str(""),
        deserialize_string => visit_str(""),
        deserialize_bool => visit_bool(false),
        deserialize_u8 => visit_u64(0),
        deserialize_u16 => visit_u64(0),
        deserialize_u32 => visit_u64(0),
        deserialize_u64 => visit_u64(0),
        deserialize_f64 => visit_f64(0.0),
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Members::of(self, fields))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Members::of(self, &[ANY_NAME]))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.record();
        let first = variants
            .first()
            .ok_or_else(|| Error::custom(format!("{name} has no variant")))?;
        let first: StrDeserializer<'_, Error> = (*first).into_deserializer();
        visitor.visit_enum(first)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 char bytes byte_buf unit unit_struct seq tuple tuple_struct identifier
        ignored_any
    }
}

/// Every field of a struct, one after the other.
struct Members<'k> {
    path: String,
    keys: &'k mut Vec<String>,
    left: &'static [&'static str],
    current: &'static str,
}

impl<'k> Members<'k> {
    fn of(probe: Probe<'k>, fields: &'static [&'static str]) -> Self {
        Self {
            path: probe.path,
            keys: probe.keys,
            left: fields,
            current: "",
        }
    }
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((first, rest)) = self.left.split_first() else {
            return Ok(None);
        };
        (self.current, self.left) = (first, rest);
        let name: StrDeserializer<'_, Error> = (*first).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let path = match self.path.as_str() {
            "" => self.current.to_owned(),
            table => format!("{table}.{}", self.current),
        };
        seed.deserialize(Probe {
            path,
            keys: self.keys,
        })
    }
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    dead_code,
    reason = "a test may stop; only the shape of the structs counts"
)]
mod tests {
    use std::collections::BTreeMap;

    use secrecy::SecretString;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        number: u64,
        size: usize,
        flag: bool,
        secret: SecretString,
        optional: Option<String>,
        #[serde(default)]
        by_default: u32,
        #[serde(rename = "renamed")]
        field: String,
        inner: Option<Inner>,
        by_name: BTreeMap<String, Inner>,
    }

    #[derive(Deserialize)]
    struct Inner {
        kind: Kind,
        share: f64,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
        Other,
    }

    #[test]
    fn every_field_is_found_whatever_its_type_and_its_default() {
        assert_eq!(
            keys_of::<Outer>().unwrap(),
            [
                "number",
                "size",
                "flag",
                "secret",
                "optional",
                "by_default",
                "renamed",
                "inner.kind",
                "inner.share",
                "by_name.NAME.kind",
                "by_name.NAME.share",
            ]
        );
    }

    #[test]
    fn a_type_that_cannot_be_asked_is_an_error_and_not_a_missing_key() {
        #[derive(Deserialize)]
        struct Unknown {
            list: Vec<String>,
        }
        assert!(keys_of::<Unknown>().is_err());
    }
}
