//! Reads a JSON object and refuses two members of one name, at every depth.
//!
//! Parsers differ in which of two equal members they keep. Such a token could mean one thing to its
//! signer and another to this service (RFC 7515 section 4 and RFC 7519 section 4 allow to refuse
//! it).

use std::{cell::Cell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use crate::error::InvalidToken;

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// Parses one object and nothing after it.
pub(crate) fn object(text: &[u8]) -> Result<Object, InvalidToken> {
    let duplicate = Cell::new(false);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict(&duplicate).deserialize(&mut reader);
    match (value, reader.end()) {
        (Ok(Value::Object(object)), Ok(())) => Ok(object),
        _ if duplicate.get() => Err(InvalidToken::DuplicateMember),
        _ => Err(InvalidToken::Json),
    }
}

/// Builds a value, and records a duplicate: the parser's error type cannot carry ours.
#[derive(Clone, Copy)]
struct Strict<'a>(&'a Cell<bool>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("not a number"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            if object.insert(name, value).is_some() {
                self.0.set(true);
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(), InvalidToken>) {
        assert_eq!(object(text.as_bytes()).map(drop), expected, "{text}");
    }

    #[test]
    fn an_object_is_read_and_nothing_else_is() {
        check(r#"{"a":[1,-2,3.5,null,true,"x",{"b":{}}]}"#, Ok(()));
        check(" {} \n", Ok(()));
        for text in [
            "",
            "[]",
            "1",
            "\"x\"",
            "null",
            "{",
            "{}{}",
            "{} x",
            "{\"a\":01}",
            "{'a':1}",
            "{\"a\":1,}",
            "\u{feff}{}",
        ] {
            check(text, Err(InvalidToken::Json));
        }
    }

    #[test]
    fn a_duplicate_member_is_refused_at_every_depth_and_however_it_is_written() {
        check(r#"{"a":1,"a":1}"#, Err(InvalidToken::DuplicateMember));
        check(r#"{"a":1,"\u0061":2}"#, Err(InvalidToken::DuplicateMember));
        check(
            r#"{"x":[{"a":1,"a":2}]}"#,
            Err(InvalidToken::DuplicateMember),
        );
        check(r#"{"a":1,"A":2}"#, Ok(()));
    }

    #[test]
    fn nesting_without_end_is_refused() {
        check(
            &format!("{{\"a\":{}1{}}}", "[".repeat(4000), "]".repeat(4000)),
            Err(InvalidToken::Json),
        );
    }

    #[test]
    fn values_survive_as_they_are() {
        let text = r#"{"a":[18446744073709551615,-1,"é\u0000"],"b":{"c":false}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::Object(object(text.as_bytes()).unwrap()), expected);
    }
}
