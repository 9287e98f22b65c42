//! `Strict-Transport-Security` (RFC 6797).

use std::time::Duration;

use http::HeaderValue;

use crate::ConfigError;

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long browsers remember to speak TLS only.
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
    /// One year, this host only. The default: the least that counts (OWASP ASVS 5.0, 3.4.1), and no
    /// word about neighbours that this server knows nothing of.
    pub const fn one_year() -> Self {
        Self {
            max_age: YEAR,
            subdomains: false,
            preload: false,
        }
    }

    /// Two years, as preload lists recommend.
    pub const fn two_years() -> Self {
        Self {
            max_age: Duration::from_secs(2 * YEAR.as_secs()),
            ..Self::one_year()
        }
    }

    /// A time of one's own.
    ///
    /// # Errors
    /// It is under one year.
    pub fn max_age(max_age: Duration) -> Result<Self, ConfigError> {
        if max_age < YEAR {
            return Err(ConfigError::ShortTransportSecurity);
        }
        Ok(Self {
            max_age,
            ..Self::one_year()
        })
    }

    /// A time under one year, or none at all, which makes browsers forget. To back out of TLS, or to
    /// try it for some days: who is attacked after that time is attacked in clear.
    pub const fn dangerously_short(max_age: Duration) -> Self {
        Self {
            max_age,
            ..Self::one_year()
        }
    }

    /// Binds every host below this one as well.
    pub const fn include_subdomains(mut self) -> Self {
        self.subdomains = true;
        self
    }

    /// Asks to be built into browsers, which also binds every host below this one, for years.
    pub const fn preload(mut self) -> Self {
        self.subdomains = true;
        self.preload = true;
        self
    }

    /// Returns the value of the header.
    ///
    /// # Panics
    /// Never: seconds and letters make a header value.
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
