//! Objects are read from objects.
//!
//! serde takes a list of values for the fields of a struct, one after the other, and JSON hands it lists. A caller who writes
//! `"limits": []` would take away every limit of a channel, where the API's description has an object. [`Objects`] asks the reader
//! for a map wherever a struct is wanted, however deep, and whoever sends something else is told so.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::{MapAccessDeserializer, StrDeserializer},
};

/// A reader, or what reads with it, that takes structs from maps only.
pub(crate) struct Objects<T>(pub(crate) T);

/// Methods that hand on to the inner deserializer what they are given, and the visitor wrapped.
macro_rules! handed_on {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Self::Error> {
            self.0.$method($($argument,)* Objects(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Objects<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_map(Objects(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_any(OneOf { variants, visitor })
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }

    handed_on! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_identifier();
        deserialize_ignored_any();
    }
}

/// Reads one of several words, or of several objects with one member. serde_json takes anything else that stands in such a place for a
/// mistake in the JSON itself.
struct OneOf<V> {
    variants: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for OneOf<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "one of {}", self.variants.join(", "))
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Self::Value, E> {
        self.visitor.visit_enum(StrDeserializer::new(word))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        self.visitor.visit_enum(Objects(MapAccessDeserializer::new(entries)))
    }
}

/// Methods that hand on a plain value.
macro_rules! seen {
    ($($method:ident($type:ty);)*) => {
        $(fn $method<E: serde::de::Error>(self, value: $type) -> Result<Self::Value, E> {
            self.0.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Objects<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.expecting(formatter)
    }

    seen! {
        visit_bool(bool);
        visit_i64(i64);
        visit_i128(i128);
        visit_u64(u64);
        visit_u128(u128);
        visit_f64(f64);
        visit_str(&str);
        visit_borrowed_str(&'de str);
        visit_string(String);
        visit_bytes(&[u8]);
        visit_borrowed_bytes(&'de [u8]);
        visit_byte_buf(Vec<u8>);
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
        self.0.visit_some(Objects(inner))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
        self.0.visit_newtype_struct(Objects(inner))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Self::Value, A::Error> {
        self.0.visit_seq(Objects(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        self.0.visit_map(Objects(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, chosen: A) -> Result<Self::Value, A::Error> {
        self.0.visit_enum(Objects(chosen))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Objects<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(Objects(inner))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Objects(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Objects(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Objects<A> {
    type Error = A::Error;
    type Variant = Objects<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        self.0.variant_seed(seed).map(|(value, content)| (value, Objects(content)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Objects(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, Objects(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Objects(visitor))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Caps {
        day: Option<u32>,
        hour: Option<u32>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum By {
        Word,
        Caps(Caps),
        Pair(u8, u8),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Asked {
        caps: Option<Caps>,
        #[serde(default)]
        all: Vec<Caps>,
        #[serde(default)]
        named: std::collections::BTreeMap<String, Caps>,
        by: Option<By>,
    }

    fn read(text: &str) -> Result<Asked, String> {
        Asked::deserialize(Objects(&mut serde_json::Deserializer::from_str(text))).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_is_no_object_however_deep() {
        for text in [
            r#"[null, [], {}, null]"#,
            r#"{"caps": []}"#,
            r#"{"caps": [1, 2]}"#,
            r#"{"all": [{"day": 1}, [1, 2]]}"#,
            r#"{"named": {"a": []}}"#,
            r#"{"by": {"caps": []}}"#,
        ] {
            let said = read(text).expect_err(text);
            assert!(said.contains("invalid type: sequence, expected struct"), "{text}: {said}");
        }
    }

    #[test]
    fn whatever_else_is_read_as_it_was() {
        let text = r#"{"caps": {"day": 1}, "all": [{}], "named": {"é": {"hour": 2}}, "by": {"pair": [1, 2]}}"#;
        assert_eq!(read(text), serde_json::from_str(text).map_err(|error| error.to_string()));
        for (text, by) in [(r#""word""#, By::Word), (r#"{"caps": {}}"#, By::Caps(Caps::default()))] {
            let read = read(&format!(r#"{{"by": {text}}}"#)).map(|asked| asked.by);
            assert_eq!(read, Ok(Some(by)), "{text}");
        }
        for wrong in ["1.5", "5", "[]", "true"] {
            let said = read(&format!(r#"{{"by": {wrong}}}"#)).unwrap_err();
            assert!(said.contains("expected one of word, caps, pair"), "{wrong}: {said}");
        }
        for wrong in [r#"{"by": {"caps": {}, "pair": [1, 2]}}"#, r#"{"by": {}}"#, r#"{"by": "words"}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read(r#"{"caps": null}"#).map(|asked| asked.caps), Ok(None));
        assert!(read(r#"{"caps": {"week": 1}}"#).unwrap_err().contains("unknown field `week`"));
    }
}
