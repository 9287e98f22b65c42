//! `Strict-Transport-Security` (HSTS, RFC 6797).

use std::time::Duration;

use http::HeaderValue;

use crate::error::TransportBuildError;

/// The shortest time that is accepted without a `dangerously_` call.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long browsers use TLS only for this host (`Strict-Transport-Security`, RFC 6797).
///
/// Default: [`one_year`](Self::one_year), without subdomains and without `preload`. Give
/// another value to [`HeadersLayerBuilder::hsts`](crate::HeadersLayerBuilder::hsts).
///
/// ```
/// use palisade_transport::Hsts;
///
/// assert_eq!(Hsts::one_year().header_value(), "max-age=31536000");
/// let strict = Hsts::two_years().include_subdomains();
/// assert_eq!(strict.header_value(), "max-age=63072000; includeSubDomains");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Hsts {
    max_age: Duration,
    subdomains: bool,
    preload: bool,
}

impl Hsts {
    /// One year, this host only. The default.
    ///
    /// It is the shortest time that OWASP ASVS 5.0 (3.4.1) accepts. Subdomains are not
    /// included, since this server does not know whether they use TLS.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::Hsts;
    ///
    /// assert_eq!(Hsts::one_year().header_value(), "max-age=31536000");
    /// ```
    pub const fn one_year() -> Self {
        Self {
            max_age: YEAR,
            subdomains: false,
            preload: false,
        }
    }

    /// Two years, as preload lists recommend. This host only.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::Hsts;
    ///
    /// assert_eq!(Hsts::two_years().header_value(), "max-age=63072000");
    /// ```
    pub const fn two_years() -> Self {
        Self {
            max_age: Duration::from_secs(2 * YEAR.as_secs()),
            ..Self::one_year()
        }
    }

    /// A custom time, in whole seconds. This host only.
    ///
    /// # Errors
    ///
    /// [`TransportBuildError::ShortTransportSecurity`] if it is under one year.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::Hsts;
    ///
    /// use std::time::Duration;
    ///
    /// const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    /// assert!(Hsts::max_age(400 * DAY).is_ok());
    /// assert!(Hsts::max_age(30 * DAY).is_err());
    /// ```
    pub fn max_age(max_age: Duration) -> Result<Self, TransportBuildError> {
        if max_age < YEAR {
            return Err(TransportBuildError::ShortTransportSecurity);
        }
        Ok(Self {
            max_age,
            ..Self::one_year()
        })
    }

    /// A time under one year. Zero makes browsers forget the host.
    ///
    /// To go back from TLS, or to try it for some days. After that time an attacker on the
    /// network can make a browser use clear text.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::Hsts;
    ///
    /// use std::time::Duration;
    ///
    /// let forget = Hsts::dangerously_short(Duration::ZERO);
    /// assert_eq!(forget.header_value(), "max-age=0");
    /// ```
    pub const fn dangerously_short(max_age: Duration) -> Self {
        Self {
            max_age,
            ..Self::one_year()
        }
    }

    /// Includes every subdomain of this host. Each of them must be served over TLS.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::Hsts;
    ///
    /// assert_eq!(Hsts::one_year().include_subdomains().header_value(), "max-age=31536000; includeSubDomains");
    /// ```
    pub const fn include_subdomains(mut self) -> Self {
        self.subdomains = true;
        self
    }

    /// Asks for a place in the list that is built into browsers. Includes every subdomain.
    ///
    /// Removal from that list takes months, so first serve all subdomains over TLS.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::Hsts;
    ///
    /// assert_eq!(Hsts::two_years().preload().header_value(), "max-age=63072000; includeSubDomains; preload");
    /// ```
    pub const fn preload(mut self) -> Self {
        self.subdomains = true;
        self.preload = true;
        self
    }

    /// Returns the value of the header.
    ///
    /// # Panics
    ///
    /// Never: digits and letters are a valid header value.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        let subdomains = if self.subdomains {
            "; includeSubDomains"
        } else {
            ""
        };
        let preload = if self.preload { "; preload" } else { "" };
        let value = format!("max-age={}{subdomains}{preload}", self.max_age.as_secs());
        HeaderValue::try_from(value).expect("digits and letters make a header value")
    }
}

impl Default for Hsts {
    fn default() -> Self {
        Self::one_year()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_a_year_needs_the_loud_name() {
        assert!(Hsts::max_age(Duration::from_secs(86_400)).is_err());
        assert!(Hsts::max_age(YEAR).is_ok());
        let off = Hsts::dangerously_short(Duration::ZERO);
        assert_eq!(off.header_value(), "max-age=0");
    }

    #[test]
    fn preload_binds_the_hosts_below() {
        let value = Hsts::two_years().preload().header_value();
        assert_eq!(value, "max-age=63072000; includeSubDomains; preload");
    }
}
