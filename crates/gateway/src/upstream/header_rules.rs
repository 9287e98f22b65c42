//! Fields that the operator sets or removes: `[upstreams.request_headers]` and
//! `[upstreams.response_headers]`.
//!
//! Removing comes first, so a name in both lists is set. Values are fixed: a value that is made from the
//! request would let a client write into it.

use std::collections::BTreeMap;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE},
};
use palisade::config::ConfigFileError;
use serde::Deserialize;
use toml::Spanned;

use super::values::header_name;
use crate::problem::Place;

/// Fields that frame a message or concern its connection. The gateway writes them itself.
const FRAMING: [HeaderName; 7] = [
    CONNECTION,
    CONTENT_LENGTH,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What to set and to remove.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeaderSection {
    /// Names and values. A field of that name is replaced.
    #[serde(default)]
    pub(crate) set: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Names.
    #[serde(default)]
    pub(crate) remove: Vec<Spanned<String>>,
}

/// The same, checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderRules {
    set: Vec<(HeaderName, HeaderValue)>,
    remove: Vec<HeaderName>,
}

impl HeaderRules {
    /// Checks names and values.
    ///
    /// # Errors
    /// A name or value cannot be sent, or the field frames the message.
    pub(super) fn of(
        section: Option<&HeaderSection>,
        place: Place<'_>,
    ) -> Result<Self, ConfigFileError> {
        let Some(section) = section else {
            return Ok(Self::default());
        };
        let set = section.set.iter().map(|(name, value)| {
            let parsed = HeaderValue::from_str(value.get_ref()).map_err(|_| {
                let problem = "the value has characters that a field cannot have";
                place.at(value, problem, "write visible ASCII characters")
            })?;
            Ok((own_name(name, place)?, parsed))
        });
        let remove = section.remove.iter().map(|name| own_name(name, place));
        Ok(Self {
            set: set.collect::<Result<_, ConfigFileError>>()?,
            remove: remove.collect::<Result<_, _>>()?,
        })
    }

    /// Removes, then sets.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
    }
}

/// Parses a name that is not one of the gateway's own.
fn own_name(name: &Spanned<String>, place: Place<'_>) -> Result<HeaderName, ConfigFileError> {
    let parsed = header_name(name, place)?;
    match FRAMING.contains(&parsed) {
        true => Err(place.at(
            name,
            format_args!("`{parsed}` frames the message and is written by the gateway"),
            "remove it; `host` has a key of its own",
        )),
        false => Ok(parsed),
    }
}
