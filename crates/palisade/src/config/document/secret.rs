//! A secret by reference.

use std::{fmt, path::PathBuf};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use toml::Spanned;

/// Where a secret is: one of `file` and `environment`. The file of the configuration never holds one,
/// since it is copied, shown and kept in repositories.
#[derive(Debug, PartialEq)]
#[cfg_attr(
    not(feature = "jwt"),
    allow(
        dead_code,
        reason = "its members are read where tokens are compiled in"
    )
)]
pub(in crate::config) struct SecretSource {
    /// A file (mode 0600) whose content, without white space around it, is the secret. It is read at
    /// the start and at a reload.
    pub(in crate::config) file: Option<Spanned<PathBuf>>,
    /// The name of a variable of the environment.
    pub(in crate::config) environment: Option<Spanned<String>>,
}

/// The keys, as they are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    file: Option<Spanned<PathBuf>>,
    environment: Option<Spanned<String>>,
}

/// Refuses a text without repeating it: it may be the secret.
impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Place;

        impl<'de> Visitor<'de> for Place {
            type Value = SecretSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("{ file = \"..\" } or { environment = \"..\" }")
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<SecretSource, E> {
                Err(E::custom(
                    "a secret is not written here, but as { file = \"..\" } or { environment = \"..\" }",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretSource, A::Error> {
                let Keys { file, environment } =
                    Keys::deserialize(MapAccessDeserializer::new(map))?;
                Ok(SecretSource { file, environment })
            }
        }

        deserializer.deserialize_any(Place)
    }
}
