//! Whether clients may switch to WebSocket, and the bounds on what they open then.
//!
//! | key | range | default |
//! |---|---|---|
//! | `upgrade` | `["websocket"]` | none |
//! | `most` of `[upstreams.websocket]` | 1 to 100000 | 10000 |
//! | `most_per_client` | 1 to 100000 | 100 |
//! | `max_bytes` | 1 or more | no bound |

use palisade::config::ConfigFileError;
use serde::Deserialize;
use toml::Spanned;

use super::{section::Section, values::read_number};
use crate::problem::Place;

/// The most open WebSockets that can be written. Each keeps two file descriptors and 8 KiB.
const MOST: u64 = 100_000;

/// The keys of `[upstreams.websocket]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebSocketSection {
    /// How many may be open in the whole gateway for one more to open. Default: 10000.
    pub(crate) most: Option<Spanned<u64>>,
    /// How many one client may have open in the whole gateway. Default: 100.
    pub(crate) most_per_client: Option<Spanned<u64>>,
    /// How many bytes one WebSocket may pass, both directions together. Default: no bound.
    pub(crate) max_bytes: Option<Spanned<u64>>,
}

/// The bounds on open WebSockets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct WebSocketLimits {
    /// How many may be open in all.
    pub(crate) most: u32,
    /// How many one client may have open.
    pub(crate) most_per_client: u32,
    /// The bytes of one, in both directions together.
    pub(crate) max_bytes: Option<u64>,
}

impl Default for WebSocketLimits {
    fn default() -> Self {
        Self {
            most: 10_000,
            most_per_client: 100,
            max_bytes: None,
        }
    }
}

impl WebSocketLimits {
    /// Returns the bounds if clients may switch to WebSocket. It is the only protocol of the list: its
    /// handshake can be checked on both sides.
    ///
    /// # Errors
    ///
    /// Another protocol is named, the upstream speaks HTTP/2, which has no upgrade, a number is out of
    /// range, or there are bounds and no `upgrade`.
    pub(super) fn from_section(
        section: &Section,
        is_http2: bool,
        place: Place<'_>,
    ) -> Result<Option<Self>, ConfigFileError> {
        for protocol in &section.upgrade {
            check_protocol(protocol, is_http2, place)?;
        }
        match (&section.websocket, section.upgrade.is_empty()) {
            (Some(bounds), true) => {
                let problem = "the bounds have no effect without `upgrade`";
                Err(place.invalid_value(
                    bounds,
                    problem,
                    "write upgrade = [\"websocket\"] too, or remove it",
                ))
            }
            (Some(bounds), false) => Self::read(bounds.get_ref(), place).map(Some),
            (None, is_off) => Ok((!is_off).then(Self::default)),
        }
    }

    /// Reads the three keys.
    ///
    /// # Errors
    ///
    /// A number is out of range.
    fn read(section: &WebSocketSection, place: Place<'_>) -> Result<Self, ConfigFileError> {
        let default = Self::default();
        let count = |key: &Option<Spanned<u64>>, default: u32| match key {
            Some(key) => read_number(key, 1, MOST, place),
            None => Ok(default),
        };
        if let Some(bytes) = section
            .max_bytes
            .as_ref()
            .filter(|bytes| *bytes.get_ref() == 0)
        {
            return Err(place.invalid_value(
                bytes,
                "0 is out of range",
                "write a number of bytes, 1 or more",
            ));
        }
        Ok(Self {
            most: count(&section.most, default.most)?,
            most_per_client: count(&section.most_per_client, default.most_per_client)?,
            max_bytes: section.max_bytes.as_ref().map(|bytes| *bytes.get_ref()),
        })
    }
}

/// Checks one name of `upgrade`.
///
/// # Errors
///
/// It is not `websocket`, or the upstream speaks HTTP/2.
fn check_protocol(
    protocol: &Spanned<String>,
    is_http2: bool,
    place: Place<'_>,
) -> Result<(), ConfigFileError> {
    if protocol.get_ref() != "websocket" {
        let problem = format!("`{}` is no protocol to switch to", protocol.get_ref());
        return Err(place.invalid_value(protocol, problem, "write [\"websocket\"]"));
    }
    if is_http2 {
        let problem = "HTTP/2 has no upgrade";
        return Err(place.invalid_value(protocol, problem, "write http = \"1\" for this upstream"));
    }
    Ok(())
}
