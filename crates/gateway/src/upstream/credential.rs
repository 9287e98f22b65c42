//! The upstream's own credential: put in by the gateway, and never passed down.
//!
//! Clients have keys of the gateway. The upstream's key stays here, so it can be changed without them, and
//! none of them can use the upstream without the gateway's limits.
//!
//! ```toml
//! [upstreams.credential]
//! file = "/run/secrets/upstream-key"   # or environment = "UPSTREAM_KEY"
//! header = "Authorization"             # default
//! scheme = "Bearer"                    # default in Authorization (RFC 6750)
//! ```
//!
//! The secret is read again when its file changes. Each request gets the one that is in force when its
//! head is written.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use palisade::{
    config::ConfigFileError,
    core::{Secret, SharedClock},
};
use toml::Spanned;

use super::{
    secret::{SecretSection, SecretSource},
    values::own_name,
};
use crate::problem::Place;

/// The fewest bytes: a shorter text would also be found in responses that do not contain it.
const LEAST: usize = 8;

/// A credential for one upstream.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    /// Default: `Authorization`. Whatever the client sent under this name is replaced.
    header: HeaderName,
    /// The word before the secret. Empty: none.
    ///
    /// It is followed by one space. Default: `Bearer` in `Authorization`, otherwise none.
    scheme: String,
    /// A file or a variable. A configuration never holds the secret itself.
    source: SecretSource,
}

impl Credential {
    /// Reads `[upstreams.credential]`.
    ///
    /// # Errors
    ///
    /// The secret or the name of the field cannot be used.
    pub(super) fn from_section(
        section: &Spanned<SecretSection>,
        clock: &SharedClock,
        place: Place<'_>,
    ) -> Result<Self, ConfigFileError> {
        let keys = section.get_ref();
        let header = keys.header.as_ref().map(|name| own_name(name, place));
        let header = header.transpose()?.unwrap_or(AUTHORIZATION);
        let scheme = match &keys.scheme {
            Some(scheme) if HeaderValue::from_str(scheme.get_ref()).is_err() => {
                let problem = "the scheme has characters that a field cannot have";
                return Err(place.invalid_value(
                    scheme,
                    problem,
                    "write a word such as \"Bearer\"",
                ));
            }
            Some(scheme) => scheme.get_ref().clone(),
            None if header == AUTHORIZATION => "Bearer".to_owned(),
            None => String::new(),
        };
        Ok(Self {
            header,
            scheme,
            source: SecretSource::from_section(section, LEAST, clock, place)?,
        })
    }

    /// Puts the credential into a request. Returns the secret, which must not come back. `None`: it
    /// could not be read for too long.
    ///
    /// The value is marked as sensitive: the client library does not show it, and HTTP/2 does not index
    /// it (RFC 7541 section 7.1.3).
    pub(crate) fn put_in(&self, headers: &mut HeaderMap) -> Option<Arc<Secret>> {
        let secret = self.source.current_secret()?;
        let mut bytes = self.scheme.as_bytes().to_vec();
        if !bytes.is_empty() {
            bytes.push(b' ');
        }
        bytes.extend(secret.expose());
        let mut value = HeaderValue::from_bytes(&bytes).ok()?;
        value.set_sensitive(true);
        headers.insert(self.header.clone(), value);
        Some(secret)
    }
}
