//! Where the keys of an issuer are: at a configured address, or at one that the issuer's metadata
//! names (OpenID Connect Discovery 1.0 section 4; RFC 8414 section 3).

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use serde_json::Value;

use super::{
    endpoint::{ConnectOptions, Endpoint},
    fetch::{self, FetchError},
};
use crate::{error::JwtBuildError, token::json};

/// What OpenID Connect Discovery adds to the issuer.
const OPENID_PATH: &str = "/.well-known/openid-configuration";
/// What RFC 8414 inserts between host and path of the issuer.
const OAUTH_PATH: &str = "/.well-known/oauth-authorization-server";

/// Where a source fetches its keys.
pub(super) enum Location {
    /// The address of the key set.
    KeySet(Endpoint),
    /// The address of the issuer's metadata, which names that of the key set.
    Metadata {
        /// Compared with `issuer` in the metadata.
        issuer: Box<str>,
        /// The address of the metadata.
        document: Endpoint,
        /// For the address that the metadata names.
        options: ConnectOptions,
    },
}

/// The configured address, before it is checked.
#[derive(Clone, Debug)]
pub(super) enum Address {
    /// The URL of a key set.
    KeySet(Box<str>),
    /// An issuer with metadata of OAuth (RFC 8414).
    OauthMetadata(Box<str>),
    /// An issuer with metadata of OpenID Connect.
    OpenIdMetadata(Box<str>),
}

impl Address {
    /// The URL of the first request.
    pub(super) fn url(&self) -> Cow<'_, str> {
        match self {
            Self::KeySet(url) => Cow::Borrowed(url),
            Self::OauthMetadata(issuer) => Cow::Owned(oauth_metadata_url(issuer)),
            Self::OpenIdMetadata(issuer) => {
                Cow::Owned(format!("{}{OPENID_PATH}", issuer.trim_end_matches('/')))
            }
        }
    }

    /// Checks the address.
    ///
    /// # Errors
    ///
    /// The address cannot be used (it must be `https`), or an issuer has a query or a fragment.
    pub(super) fn check(&self, options: ConnectOptions) -> Result<Location, JwtBuildError> {
        let document = Endpoint::new(&self.url(), &options)?;
        match self {
            Self::KeySet(_) => Ok(Location::KeySet(document)),
            Self::OauthMetadata(issuer) | Self::OpenIdMetadata(issuer) => {
                // RFC 8414 section 2: an issuer has no query and no fragment.
                if issuer.contains(['?', '#']) {
                    return Err(JwtBuildError::Url(document.redacted().into()));
                }
                let issuer = issuer.clone();
                Ok(Location::Metadata {
                    issuer,
                    document,
                    options,
                })
            }
        }
    }
}

impl Location {
    /// Fetches the key set. Returns its text and how long it is fresh, as the server says.
    ///
    /// # Errors
    ///
    /// The metadata or the key set cannot be fetched, or the metadata is that of another issuer.
    pub(super) async fn fetch_key_set(
        &self,
        largest: usize,
    ) -> Result<(Bytes, Option<Duration>), FetchError> {
        let document = match self {
            Self::KeySet(endpoint) => fetch::get(endpoint, largest).await?,
            Self::Metadata {
                issuer,
                document,
                options,
            } => {
                let metadata = fetch::get(document, largest).await?;
                let url = key_set_url(&metadata.body, issuer)?;
                let endpoint =
                    Endpoint::new(&url, options).map_err(|_| FetchError::KeySetAddress)?;
                fetch::get(&endpoint, largest).await?
            }
        };
        Ok((document.body, document.max_age))
    }

    /// The address for logs.
    pub(super) fn redacted(&self) -> &str {
        match self {
            Self::KeySet(endpoint) => endpoint.redacted(),
            Self::Metadata { document, .. } => document.redacted(),
        }
    }
}

/// Reads the address of the key set from metadata, if the metadata is that of the issuer.
///
/// Metadata of another issuer is refused (RFC 8414 section 3.3): its keys would verify the tokens
/// of this one.
pub(super) fn key_set_url(metadata: &[u8], issuer: &str) -> Result<String, FetchError> {
    let members = json::object(metadata).map_err(|_| FetchError::Metadata)?;
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    if text("issuer").ok_or(FetchError::Metadata)? != issuer {
        return Err(FetchError::OtherIssuer);
    }
    let url = text("jwks_uri").ok_or(FetchError::Metadata)?;
    Ok(url.to_owned())
}

/// Inserts the well-known path between host and path (RFC 8414 section 3.1).
fn oauth_metadata_url(issuer: &str) -> String {
    let start = issuer.find("://").map_or(0, |at| at + 3);
    let path = issuer
        .get(start..)
        .and_then(|rest| rest.find('/'))
        .map_or(issuer.len(), |at| start + at);
    let (host, path) = issuer.split_at(path);
    format!("{host}{OAUTH_PATH}{}", path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_metadata_follows_its_standard() {
        for (issuer, openid, oauth) in [
            (
                "https://a.example",
                "https://a.example/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.example/",
                "https://a.example/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.example/realms/x",
                "https://a.example/realms/x/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server/realms/x",
            ),
        ] {
            assert_eq!(Address::OpenIdMetadata(issuer.into()).url(), openid);
            assert_eq!(Address::OauthMetadata(issuer.into()).url(), oauth);
        }
    }

    #[test]
    fn metadata_of_another_issuer_is_refused() {
        let check = |text: &str, expected: Result<&str, FetchError>| {
            let found = key_set_url(text.as_bytes(), "https://a.example");
            assert_eq!(found.as_deref().map_err(|error| *error), expected, "{text}");
        };
        check(
            r#"{"issuer":"https://a.example","jwks_uri":"https://a.example/keys"}"#,
            Ok("https://a.example/keys"),
        );
        for other in [
            "https://a.example/",
            "https://A.example",
            "https://b.example",
        ] {
            let text = format!(r#"{{"issuer":"{other}","jwks_uri":"https://a.example/keys"}}"#);
            check(&text, Err(FetchError::OtherIssuer));
        }
        for broken in [
            r#"{"jwks_uri":"https://a.example/keys"}"#,
            r#"{"issuer":"https://a.example"}"#,
            r#"{"issuer":["https://a.example"],"jwks_uri":"https://a.example/keys"}"#,
            r#"{"issuer":"https://a.example","jwks_uri":7}"#,
            r#"{"issuer":"https://b.example","issuer":"https://a.example","jwks_uri":"x"}"#,
            "[]",
            "",
        ] {
            check(broken, Err(FetchError::Metadata));
        }
    }
}
