//! The `Origin` that an upstream gets.
//!
//! Local services refuse pages of other origins, so that no page in a browser can use them. Behind the
//! gateway that is the wrong question: who may call is decided by the key. Such a service gets its own
//! origin, or none.
//!
//! | value of `origin` | what the upstream gets |
//! |---|---|
//! | `as-sent`, the default | the client's |
//! | `upstream` | `http://127.0.0.1:5000`, the server's own address |
//! | `remove` | none |
//! | an origin | that one |
//!
//! A request without `Origin` is never given one: the field says that a page made the request (RFC 6454
//! section 7).

use http::{HeaderMap, HeaderValue, header::ORIGIN};
use palisade::config::ConfigFileError;
use toml::Spanned;

use crate::problem::Place;

/// The `Origin` that an upstream gets. A request without one gets none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Origin {
    /// What the client sent.
    #[default]
    AsSent,
    /// A fixed one.
    ///
    /// Scheme, host and port, without a path.
    Name(HeaderValue),
    /// None: the upstream takes the request for one that no page made.
    Removed,
    /// The address of the server, which it takes for its own page.
    Upstream,
}

impl Origin {
    /// Reads the key.
    ///
    /// A missing key means `as-sent`.
    ///
    /// # Errors
    ///
    /// It is neither a word nor an origin.
    pub(super) fn from_section(
        key: Option<&Spanned<String>>,
        place: Place<'_>,
    ) -> Result<Self, ConfigFileError> {
        let remedy = "write \"as-sent\", \"upstream\", \"remove\" or an origin such as \"http://localhost:8188\"";
        place.read_word(key, Self::parse, "origin", remedy)
    }

    /// Parses the value of the key. `None` for a text that cannot be an origin.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "as-sent" => Some(Self::AsSent),
            "remove" => Some(Self::Removed),
            "upstream" => Some(Self::Upstream),
            origin if is_origin(origin) => HeaderValue::from_str(origin).ok().map(Self::Name),
            _ => None,
        }
    }

    /// Changes the field of a request. `own` is the address of the server.
    ///
    /// An address that is no valid value removes the field: what the client sent must not reach the
    /// service.
    pub(crate) fn apply_to(&self, headers: &mut HeaderMap, own: &str) {
        if !headers.contains_key(ORIGIN) {
            return;
        }
        match self {
            Self::AsSent => {}
            Self::Name(value) => {
                headers.insert(ORIGIN, value.clone());
            }
            Self::Removed => {
                headers.remove(ORIGIN);
            }
            Self::Upstream => match HeaderValue::from_str(own) {
                Ok(value) => {
                    headers.insert(ORIGIN, value);
                }
                Err(_) => {
                    headers.remove(ORIGIN);
                }
            },
        }
    }
}

/// Scheme and authority without anything after it (RFC 6454 section 6.2).
///
/// `null` is no origin here: nothing could be decided by it.
fn is_origin(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.contains('/') && rest.parse::<http::uri::Authority>().is_ok() && !rest.contains('@')
    })
}
