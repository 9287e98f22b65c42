//! Where authenticators find their credentials. Declared once, so that two authenticators with the
//! same source are found when the layer is built.

use std::{fmt, sync::Arc};

use http::{HeaderName, header, request};

use super::{authorization::Authorization, query};

/// Where an authenticator finds its credential.
///
/// The core looks there, counts what it finds, refuses a request that has more than one credential, and
/// takes the credential out before [`Authenticator::authenticate`](crate::Authenticator::authenticate) is called.
///
/// ```
/// use http::HeaderName;
/// use palisade_core::{CredentialSource, TokenShape};
///
/// let sources = [
///     CredentialSource::header(HeaderName::from_static("x-api-key")),
///     CredentialSource::bearer(TokenShape::prefix("psk_")),
/// ];
/// assert_eq!(sources[0].to_string(), "the header `x-api-key`");
/// assert_eq!(sources[1].to_string(), "`Authorization: Bearer` with tokens that begin with `psk_`");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CredentialSource {
    /// Tokens of one scheme and one shape in `Authorization`.
    Authorization {
        /// The scheme, such as `Bearer`. Compared without regard to case.
        scheme: Box<str>,
        /// Which tokens of the scheme.
        shape: TokenShape,
    },
    /// A cookie. The authenticator finds it itself, by
    /// [`presence`](crate::Authenticator::presence) and [`take`](crate::Authenticator::take).
    Cookie(Box<str>),
    /// A header field that holds the credential and nothing else. Not `Authorization` and not `Cookie`.
    Header(HeaderName),
    /// A parameter of the query. Its value is decoded as in forms.
    QueryParameter(Arc<str>),
}

/// Which tokens of a scheme an authenticator reads. The most specific shape that fits a token decides
/// who reads it: a longer prefix goes before a shorter one, then [`Dotted`](Self::Dotted), then [`Any`](Self::Any).
///
/// API keys and JSON Web Tokens can then share `Authorization: Bearer`:
///
/// ```
/// use palisade_core::{CredentialSource, TokenShape};
///
/// let keys = CredentialSource::bearer(TokenShape::prefix("psk_"));
/// let tokens = CredentialSource::bearer(TokenShape::Dotted);
/// assert_ne!(keys, tokens);
/// ```
///
/// A token that fits no declared shape is read by no authenticator, and the request is refused with 401.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TokenShape {
    /// Every token that no other authenticator reads.
    Any,
    /// Tokens with a dot, as JSON Web Tokens have them, well-formed or not.
    Dotted,
    /// Tokens that begin with this text, compared with case.
    Prefix(Box<str>),
}

impl TokenShape {
    /// Reads tokens that begin with a prefix.
    #[must_use]
    pub fn prefix(prefix: impl Into<Box<str>>) -> Self {
        Self::Prefix(prefix.into())
    }

    /// Returns how specific the shape is, if the token has it.
    fn fit(&self, token: &str) -> Option<usize> {
        match self {
            Self::Any => Some(0),
            Self::Dotted => token.contains('.').then_some(1),
            Self::Prefix(prefix) => token.starts_with(&**prefix).then_some(prefix.len() + 2),
        }
    }
}

impl CredentialSource {
    /// Reads `Authorization: Bearer` tokens of a shape (RFC 6750, 2.1).
    #[must_use]
    pub fn bearer(shape: TokenShape) -> Self {
        let scheme = "Bearer".into();
        Self::Authorization { scheme, shape }
    }

    /// Reads a header field. `Authorization` and `Cookie` are refused when the layer is built.
    #[must_use]
    pub fn header(name: HeaderName) -> Self {
        Self::Header(name)
    }

    /// Reads a parameter of the query. Many proxies and servers log addresses: prefer a header.
    #[must_use]
    pub fn query_parameter(name: impl Into<Arc<str>>) -> Self {
        Self::QueryParameter(name.into())
    }

    /// Reads a cookie, which the authenticator finds itself.
    ///
    /// ```
    /// use palisade_core::CredentialSource;
    ///
    /// let session = CredentialSource::cookie("__Host-session");
    /// assert_eq!(session.to_string(), "the cookie `__Host-session`");
    /// ```
    #[must_use]
    pub fn cookie(name: impl Into<Box<str>>) -> Self {
        Self::Cookie(name.into())
    }

    /// Returns how well an `Authorization` fits; the greatest number reads it.
    pub(crate) fn fit(&self, sent: Authorization<'_>) -> Option<usize> {
        match self {
            Self::Authorization { scheme, shape } if scheme.eq_ignore_ascii_case(sent.scheme) => {
                shape.fit(sent.token)
            }
            _ => None,
        }
    }

    /// Counts the credentials that a request has here. `Authorization` and cookies are counted elsewhere.
    pub(crate) fn count(&self, head: &request::Parts) -> usize {
        match self {
            Self::Header(name) => head.headers.get_all(name).iter().count(),
            Self::QueryParameter(name) => head
                .uri
                .query()
                .map_or(0, |query| query::count(query, name)),
            Self::Authorization { .. } | Self::Cookie(_) => 0,
        }
    }

    /// Returns whether this names a header that has a fixed syntax.
    pub(crate) fn is_reserved(&self) -> bool {
        matches!(self, Self::Header(name) if *name == header::AUTHORIZATION || *name == header::COOKIE)
    }

    /// Returns whether two authenticators with these sources would read the same credential.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Authorization { scheme, shape },
                Self::Authorization {
                    scheme: other,
                    shape: same,
                },
            ) => scheme.eq_ignore_ascii_case(other) && shape == same,
            _ => self == other,
        }
    }
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorization { scheme, shape } => {
                write!(f, "`Authorization: {scheme}` with ")?;
                match shape {
                    TokenShape::Any => f.write_str("any token"),
                    TokenShape::Dotted => f.write_str("tokens that hold a dot"),
                    TokenShape::Prefix(prefix) => write!(f, "tokens that begin with `{prefix}`"),
                }
            }
            Self::Cookie(name) => write!(f, "the cookie `{name}`"),
            Self::Header(name) => write!(f, "the header `{name}`"),
            Self::QueryParameter(name) => write!(f, "the query parameter `{name}`"),
        }
    }
}
