//! The section `[cors]`: pages of other origins whose scripts may call this server.

use http::HeaderValue;
use palisade::config::{Config, ConfigFileError};
use serde::Deserialize;

/// The origins that are allowed. Cookies never are: a session belongs to the server's own page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Cors {
    Any,
    These(Vec<HeaderValue>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    origins: Vec<String>,
}

impl Cors {
    /// Reads the section. Without origins nothing is allowed.
    pub(super) fn of(config: &Config) -> Result<Option<Self>, ConfigFileError> {
        let Written { origins } = config.section("cors")?;
        if origins.is_empty() {
            return Ok(None);
        }
        if origins.iter().any(|origin| origin == "*") {
            return Ok(Some(Self::Any));
        }
        let origins = origins.iter().map(|written| {
            origin(written).ok_or_else(|| {
                let problem = format!("{written:?} is not an origin");
                let remedy = "use scheme and host, such as \"https://app.example\" or \"http://localhost:3000\", or \"*\" for all";
                config.complain("cors", "origins", &problem, remedy)
            })
        });
        Ok(Some(Self::These(origins.collect::<Result<_, _>>()?)))
    }

    /// Tells whether scripts of an origin may call this server.
    pub(crate) fn allows(&self, origin: &HeaderValue) -> bool {
        match self {
            Self::Any => true,
            Self::These(origins) => origins.contains(origin),
        }
    }
}

/// Checks that an origin is written as browsers send it: scheme, host in small letters, port if it is not the default.
fn origin(written: &str) -> Option<HeaderValue> {
    let (scheme, default_port) =
        ["https", "http"]
            .iter()
            .zip(["443", "80"])
            .find_map(|(scheme, port)| {
                written
                    .strip_prefix(scheme)?
                    .strip_prefix("://")
                    .map(|rest| (rest, port))
            })?;
    let authority: http::uri::Authority = scheme.parse().ok()?;
    let plain = authority.as_str() == scheme
        && !scheme.contains('@')
        && scheme == scheme.to_ascii_lowercase()
        && authority
            .port()
            .is_none_or(|port| port.as_str() != default_port);
    HeaderValue::from_str(written).ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for good in [
            "https://app.example",
            "http://localhost:3000",
            "https://app.example:8443",
        ] {
            assert!(origin(good).is_some(), "{good}");
        }
        for bad in [
            "app.example",
            "https://",
            "https://app.example/",
            "https://App.example",
            "https://a@b.example",
            "https://app.example:443",
            "http://app.example:80",
            "ftp://app.example",
            "null",
            "",
        ] {
            assert!(origin(bad).is_none(), "{bad}");
        }
    }
}
