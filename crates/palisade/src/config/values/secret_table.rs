//! Reads the table that says where a secret is, and repeats nothing else: it may be the secret.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// Deserializes a table that says where a secret is, such as `{ file = ".." }`.
///
/// For sections of your own. A text, a number or a list in its place is probably the secret itself, so
/// the error does not repeat it; that of a derived `Deserialize` does.
///
/// # Errors
///
/// There is no table, or the table has not the keys of `T`.
///
/// # Examples
///
/// ```
/// use palisade::config::{Config, secret_table};
/// use serde::{Deserialize, Deserializer};
///
/// #[derive(Debug, Default, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Keys {
///     file: String,
/// }
///
/// #[derive(Debug, Default, Deserialize)]
/// struct Mail {
///     #[serde(deserialize_with = "secret_table")]
///     password: Keys,
/// }
///
/// let read = |text| Config::parse_with(text, &["mail"])?.section::<Mail>("mail");
/// let mail = read("mail.password = { file = 'mail.secret' }")?;
/// assert_eq!(mail.password.file, "mail.secret");
/// let error = read("mail.password = 12345678").unwrap_err().to_string();
/// assert!(!error.contains("12345678"));
/// # Ok::<(), palisade::config::ConfigFileError>(())
/// ```
pub fn secret_table<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(Table(PhantomData))
}

/// Accepts a table alone.
struct Table<T>(PhantomData<T>);

/// The error about everything else.
fn refusal<T, E: Error>() -> Result<T, E> {
    Err(E::custom(
        "a secret is not written here, but as { file = \"..\" } or { environment = \"..\" }",
    ))
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Table<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ file = \"..\" } or { environment = \"..\" }")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<T, E> {
        refusal()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<T, E> {
        refusal()
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<T, E> {
        refusal()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<T, E> {
        refusal()
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<T, E> {
        refusal()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        refusal()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<T, E> {
        refusal()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<T, A::Error> {
        refusal()
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}
