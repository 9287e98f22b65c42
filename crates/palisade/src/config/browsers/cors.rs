//! `[cors]`: scripts of other origins that may call the service (CORS, Fetch standard).
//!
//! Without origins no script of another origin is allowed. An origin must be written as browsers
//! send it: another spelling would match nothing, so it is an error at start.

#[cfg(feature = "cors")]
use std::time::Duration;

#[cfg(feature = "cors")]
use http::{HeaderName, HeaderValue, Method, header, uri::Authority};
#[cfg(feature = "cors")]
use toml::Spanned;
#[cfg(feature = "cors")]
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

#[cfg(feature = "cors")]
use crate::config::document::Cors;
use crate::config::{Config, ConfigFileError};
use crate::shield::ShieldBuilder;

/// The default of `max_age_seconds`: as long as most browsers remember a preflight at most.
#[cfg(feature = "cors")]
const MAX_AGE_SECONDS: u64 = 7_200;
/// The largest `max_age_seconds`: a day, the most that any browser accepts.
#[cfg(feature = "cors")]
const LONGEST_AGE_SECONDS: u64 = 86_400;
/// What scripts may read by default: the headers of refusals and limits.
#[cfg(feature = "cors")]
const EXPOSED: [HeaderName; 5] = [
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("x-request-id"),
];

#[cfg(feature = "cors")]
impl Config {
    /// Returns the CORS layer of `[cors]`. `None` without the section, or without origins in it.
    ///
    /// [`assemble`](Self::assemble) gives it to the shield. An application that adds headers for
    /// scripts to read changes it, and gives it to the shield again.
    ///
    /// # Errors
    ///
    /// An origin, a method, a header or the age cannot be used, or credentials are allowed for
    /// every origin.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::HeaderName;
    /// use palisade::config::Config;
    ///
    /// let config = Config::parse("cors.origins = ['https://app.example']")?;
    /// let cors = config.cors()?.expect("the section has an origin");
    /// let cors = cors.expose_headers([HeaderName::from_static("x-pages")]);
    /// # let _ = cors; Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
    pub fn cors(&self) -> Result<Option<CorsLayer>, ConfigFileError> {
        let Some(cors) = self
            .document
            .cors
            .as_ref()
            .filter(|cors| !cors.origins.is_empty())
        else {
            return Ok(None);
        };
        let layer = CorsLayer::new()
            .allow_origin(self.origins(cors)?)
            .allow_methods(self.cors_methods(cors)?)
            .allow_headers(match &cors.headers {
                None => AllowHeaders::mirror_request(),
                Some(names) => AllowHeaders::list(self.header_names(names)?),
            })
            .expose_headers(match &cors.expose {
                None => EXPOSED.to_vec(),
                Some(names) => self.header_names(names)?,
            })
            .max_age(self.max_age(cors)?);
        Ok(Some(match cors.credentials {
            true => layer.allow_credentials(true),
            false => layer,
        }))
    }

    /// Adds the layer to the shield.
    ///
    /// # Errors
    ///
    /// An origin, a method, a header or the age cannot be used.
    pub(in crate::config) fn scripts_of_other_origins(
        &self,
        shield: ShieldBuilder,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        Ok(match self.cors()? {
            None => shield,
            Some(cors) => shield.cors(cors),
        })
    }

    /// Reads the origins. `*` means all; the others in the list are then ignored.
    ///
    /// # Errors
    ///
    /// `*` is there together with `credentials`, or an entry is no origin.
    fn origins(&self, cors: &Cors) -> Result<AllowOrigin, ConfigFileError> {
        if let Some(every) = cors.origins.iter().find(|origin| origin.get_ref() == "*") {
            if cors.credentials {
                let problem = "credentials are allowed for every origin, which browsers refuse";
                let remedy = "name the origins, or remove `credentials`";
                return Err(self.source.at(every, problem, remedy));
            }
            return Ok(AllowOrigin::any());
        }
        let origins = cors.origins.iter().map(|written| {
            origin(written.get_ref()).ok_or_else(|| {
                let problem = format!("{:?} is not an origin", written.get_ref());
                let remedy = "write scheme and host, such as \"https://app.example\" or \"http://localhost:3000\", or \"*\" for all";
                self.source.at(written, problem, remedy)
            })
        });
        Ok(AllowOrigin::list(origins.collect::<Result<Vec<_>, _>>()?))
    }

    /// Reads the methods. Default: `GET`, `HEAD`, `POST`.
    ///
    /// # Errors
    ///
    /// One of them is no method.
    fn cors_methods(&self, cors: &Cors) -> Result<Vec<Method>, ConfigFileError> {
        match &cors.methods {
            None => Ok(vec![Method::GET, Method::HEAD, Method::POST]),
            Some(methods) => methods.iter().map(|method| self.method(method)).collect(),
        }
    }

    /// Reads names of headers.
    ///
    /// # Errors
    ///
    /// One of them is no name of a header.
    fn header_names(&self, names: &[Spanned<String>]) -> Result<Vec<HeaderName>, ConfigFileError> {
        let names = names.iter().map(|name| {
            name.get_ref()
                .parse()
                .map_err(|problem: http::header::InvalidHeaderName| {
                    let remedy = "write the name of a header, such as \"authorization\"";
                    self.source.at(name, problem, remedy)
                })
        });
        names.collect()
    }

    /// Reads how long a browser may remember the response to a preflight.
    ///
    /// # Errors
    ///
    /// It is out of range.
    fn max_age(&self, cors: &Cors) -> Result<Duration, ConfigFileError> {
        let Some(written) = &cors.max_age_seconds else {
            return Ok(Duration::from_secs(MAX_AGE_SECONDS));
        };
        let seconds = *written.get_ref();
        if seconds > LONGEST_AGE_SECONDS {
            let problem = format!("{seconds} is out of range");
            let remedy = "write seconds from 0 to 86400";
            return Err(self.source.at(written, problem, remedy));
        }
        Ok(Duration::from_secs(seconds))
    }
}

/// Parses an origin as browsers send it: scheme, host in lower case, and the port if it is not the
/// default. Returns `None` for every other spelling.
#[cfg(feature = "cors")]
fn origin(written: &str) -> Option<HeaderValue> {
    let (host, default_port) = match written.split_once("://")? {
        ("https", host) => (host, "443"),
        ("http", host) => (host, "80"),
        _ => return None,
    };
    let authority: Authority = host.parse().ok()?;
    let port = authority.port();
    let is_plain = authority.as_str() == host
        && !host.contains('@')
        && host == host.to_ascii_lowercase()
        && port.is_none_or(|port| port.as_str() != default_port);
    HeaderValue::from_str(written).ok().filter(|_| is_plain)
}

#[cfg(not(feature = "cors"))]
impl Config {
    /// Refuses the section: this build has no CORS layer.
    ///
    /// # Errors
    ///
    /// The file has the section.
    pub(in crate::config) fn scripts_of_other_origins(
        &self,
        shield: ShieldBuilder,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        let Some(origin) = self
            .document
            .cors
            .as_ref()
            .and_then(|cors| cors.origins.first())
        else {
            return Ok(shield);
        };
        let remedy = "build with the feature `cors`, or remove the section";
        Err(self.source.at(
            origin,
            "this build cannot allow scripts of other origins",
            remedy,
        ))
    }
}

#[cfg(all(test, feature = "cors"))]
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
