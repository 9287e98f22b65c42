//! Security headers of responses.
//!
//! [`HeadersLayer`] adds them after the handler, and to refusals of the layers inside it. It
//! refuses nothing.

mod config;
mod csp;
mod hsts;
mod prepared;
mod preset;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header::CONTENT_SECURITY_POLICY, request, response};
use palisade_core::{ClientInfo, Guard, Scheme, SecurityContext, Verdict, layer};

use self::{config::Config, prepared::Prepared, preset::Entry};
pub use self::{
    csp::{ContentSecurityPolicy, ContentSource},
    hsts::Hsts,
};

/// Adds security headers to every response, refusals included. Must be the outermost layer.
///
/// | header | [`api`](Self::api) | [`browser`](Self::browser) |
/// |---|---|---|
/// | `Content-Security-Policy` | allows nothing | your policy |
/// | `Cross-Origin-Embedder-Policy` | `require-corp` | `require-corp` |
/// | `Cross-Origin-Opener-Policy` | `same-origin` | `same-origin` |
/// | `Cross-Origin-Resource-Policy` | `same-origin` | `same-origin` |
/// | `Permissions-Policy` | no camera, microphone … | no camera, microphone … |
/// | `Referrer-Policy` | `no-referrer` | `strict-origin-when-cross-origin` |
/// | `Strict-Transport-Security` | one year, over TLS only | one year, over TLS only |
/// | `X-Content-Type-Options` | `nosniff` | `nosniff` |
/// | `X-Frame-Options` | `DENY` | `DENY` |
/// | `X-Robots-Tag` | `noindex, nofollow` | not set |
///
/// Responses to an authenticated principal, and errors (status 400 and above), get
/// `Cache-Control: no-store` unless the handler sets `Cache-Control`. `Server` and
/// `X-Powered-By` are removed, since they tell an attacker which software runs.
///
/// A header that a handler sets itself is kept. The exceptions are `X-Content-Type-Options` and
/// `Strict-Transport-Security`.
///
/// # Examples
///
/// ```
/// use palisade_transport::{ContentSecurityPolicy, HeadersLayer, Hsts};
///
/// // For programs: nothing may be run, framed or indexed.
/// let api = HeadersLayer::api();
///
/// // For people: a page with its own scripts, and sound that it makes itself.
/// let page = ContentSecurityPolicy::same_origin().blob_media();
/// let site = HeadersLayer::browser(&page)
///     .hsts(Hsts::two_years().include_subdomains())
///     .no_index();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HeadersLayer {
    config: Arc<Config>,
}

layer!(HeadersLayer);

impl HeadersLayer {
    /// The preset for an API: nothing may be loaded, framed or indexed.
    ///
    /// A response of an API that a browser opens as a page loads and runs nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::HeadersLayer;
    ///
    /// let layer = HeadersLayer::api();
    /// # let _ = layer;
    /// ```
    pub fn api() -> Self {
        Self::with(preset::api()).no_index()
    }

    /// The preset for pages, which may load what the policy allows.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ContentSecurityPolicy, HeadersLayer};
    ///
    /// let layer = HeadersLayer::browser(&ContentSecurityPolicy::same_origin());
    /// # let _ = layer;
    /// ```
    pub fn browser(policy: &ContentSecurityPolicy) -> Self {
        Self::with(preset::browser()).set(CONTENT_SECURITY_POLICY, policy.header_value())
    }

    /// Sets `Strict-Transport-Security`. Default: [`Hsts::one_year`]. Sent over TLS only.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{HeadersLayer, Hsts};
    ///
    /// let layer = HeadersLayer::api().hsts(Hsts::two_years().include_subdomains());
    /// # let _ = layer;
    /// ```
    pub fn hsts(self, hsts: Hsts) -> Self {
        self.change(|config| config.hsts = Some(hsts.header_value()))
    }

    /// Never sends `Strict-Transport-Security`, and removes one that a handler sets.
    ///
    /// The first request of each visit may be sent in clear and can be intercepted. For a
    /// server whose proxy sends the header itself.
    pub fn dangerously_without_hsts(self) -> Self {
        self.change(|config| config.hsts = None)
    }

    /// Asks search engines not to index any response (`X-Robots-Tag`). Default for
    /// [`api`](Self::api).
    pub fn no_index(self) -> Self {
        self.set(preset::X_ROBOTS_TAG, preset::NO_INDEX)
    }

    /// Allows search engines to index responses. Default for [`browser`](Self::browser).
    pub fn index(self) -> Self {
        self.change(|config| {
            config
                .entries
                .retain(|entry| entry.name != preset::X_ROBOTS_TAG)
        })
    }

    /// Allows pages of other origins to load responses (`Cross-Origin-Resource-Policy:
    /// cross-origin`).
    ///
    /// For an API that is called from pages of other origins. Which of them may read a response
    /// is decided by CORS. Default: `same-origin`.
    pub fn cross_origin_resources(self) -> Self {
        self.set(preset::CORP, preset::CROSS_ORIGIN)
    }

    /// Adds a custom header, or replaces the value of one of the preset.
    ///
    /// The header is added to responses that do not have it.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::HeadersLayer;
    ///
    /// use http::{HeaderName, HeaderValue};
    ///
    /// let layer = HeadersLayer::api().set(
    ///     HeaderName::from_static("reporting-endpoints"),
    ///     HeaderValue::from_static("default=\"https://reports.example.com\""),
    /// );
    /// # let _ = layer;
    /// ```
    pub fn set(self, name: HeaderName, value: HeaderValue) -> Self {
        self.change(
            |config| match config.entries.iter_mut().find(|entry| entry.name == name) {
                Some(entry) => entry.value = value,
                None => config.entries.push(Entry::unless_set(name, value)),
            },
        )
    }

    /// Keeps space for headers that nearly every response has from its handler or from other layers.
    ///
    /// Saves an allocation for each response. It changes no response: what no one sets is not sent. Names are
    /// added to those of earlier calls; at most 16 are used. Default: none. A `Shield` names `Content-Type` and
    /// the fields of its limits.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::header::{CONTENT_TYPE, ETAG};
    /// use palisade_transport::HeadersLayer;
    ///
    /// let layer = HeadersLayer::api().expect_headers([CONTENT_TYPE, ETAG]);
    /// # let _ = layer;
    /// ```
    pub fn expect_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.change(|config| config.expected.extend(names))
    }

    /// Builds the layer from a preset, with the default HSTS.
    fn with(entries: Vec<Entry>) -> Self {
        let config = Config {
            entries,
            hsts: Some(Hsts::one_year().header_value()),
            expected: Vec::new(),
            prepared: Prepared::default(),
        };
        let layer = Self {
            config: Arc::new(config),
        };
        layer.change(|_| {})
    }

    fn change(mut self, change: impl FnOnce(&mut Config)) -> Self {
        let config = Arc::make_mut(&mut self.config);
        change(config);
        config.prepare();
        self
    }
}

impl Guard for HeadersLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "headers"
    }

    fn admit(&self, _: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        Verdict::Admit(())
    }

    fn finish(&self, cx: &SecurityContext, (): &mut (), head: &mut response::Parts) -> Verdict<()> {
        let over_tls = cx.client().map(ClientInfo::scheme) == Some(Scheme::Https);
        let personal = cx.principal().is_some() || head.status.as_u16() >= 400;
        let prepared = &self.config.prepared;
        prepared.add_to(&mut head.headers, over_tls, personal);
        Verdict::Admit(())
    }
}
