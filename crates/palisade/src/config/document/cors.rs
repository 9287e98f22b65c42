//! `[cors]`: the scripts of other origins that may call the service.

#![cfg_attr(not(feature = "cors"), allow(dead_code))] // read where CORS is compiled in

use serde::Deserialize;
use toml::Spanned;

/// `[cors]`: scripts of other origins that may call the service (CORS, Fetch standard).
///
/// Without origins none may, and preflights get status 405. Needs the feature `cors`; without it
/// the section is an error.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct Cors {
    /// The origins, as browsers send them: `https://app.example`, `http://localhost:3000`. `*`
    /// means all. Default: none.
    ///
    /// A path, a default port or an upper-case letter is an error: no browser sends it, so the
    /// origin would never match.
    pub(in crate::config) origins: Vec<Spanned<String>>,
    /// The methods that a script may use. Default: `GET`, `HEAD` and `POST`.
    pub(in crate::config) methods: Option<Vec<Spanned<String>>>,
    /// The headers that a script may send. Default: those that it asks for.
    ///
    /// Credentials are checked in any case, so an open list gives no access.
    pub(in crate::config) headers: Option<Vec<Spanned<String>>>,
    /// The headers of a response that a script may read. Default: those of limits and refusals,
    /// such as `Retry-After`. A list replaces the default.
    pub(in crate::config) expose: Option<Vec<Spanned<String>>>,
    /// Whether browsers may send cookies and client certificates. Default: `false`. An error with
    /// the origin `*`, which browsers refuse.
    pub(in crate::config) credentials: bool,
    /// How long a browser may remember the response to a preflight, in seconds: 0 to 86,400.
    /// Default: 7200, which is the most that several browsers accept.
    pub(in crate::config) max_age_seconds: Option<Spanned<u64>>,
}
