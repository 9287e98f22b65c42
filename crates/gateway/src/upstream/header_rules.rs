//! Fields that the operator sets or removes: `[upstreams.request_headers]` and
//! `[upstreams.response_headers]`.
//!
//! Removing comes first, so a name in both lists is set. Values are fixed: a value that is made from the
//! request would let a client write into it.
//!
//! ```toml
//! [upstreams.request_headers]
//! remove = ["Cookie"]
//! set = { "X-Tenant" = "voice" }
//! ```
//!
//! Rules are applied after the gateway's own fields, so they may also change `X-Forwarded-*`. They are
//! applied before the upstream's credential and the signed identity, which no rule can change.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use palisade::config::ConfigFileError;
use serde::Deserialize;
use toml::Spanned;

use super::values::own_name;
use crate::problem::Place;

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
///
/// Default: no change. Values may hold what the operator wants to be secret, but a credential belongs
/// in `[upstreams.credential]`, where it is masked.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderRules {
    /// Applied in the order of the names.
    set: Vec<(HeaderName, HeaderValue)>,
    /// All lines of a field of that name are removed.
    remove: Vec<HeaderName>,
}

impl HeaderRules {
    /// Checks names and values.
    ///
    /// A missing section is an empty one.
    ///
    /// # Errors
    ///
    /// A name or value cannot be sent, or the field frames the message.
    pub(super) fn from_section(
        section: Option<&HeaderSection>,
        place: Place<'_>,
    ) -> Result<Self, ConfigFileError> {
        let Some(section) = section else {
            return Ok(Self::default());
        };
        let set = section.set.iter().map(|(name, value)| {
            let parsed = HeaderValue::from_str(value.get_ref()).map_err(|_| {
                let problem = "the value has characters that a field cannot have";
                place.invalid_value(value, problem, "write visible ASCII characters")
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
    ///
    /// A field that is set has one line afterwards, whatever was there before.
    pub(crate) fn apply_to(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
    }
}
