//! The choices of the layer: preset, HSTS, indexing, and headers of the application.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header::CONTENT_SECURITY_POLICY};

use super::{
    HeadersLayer,
    config::Config,
    csp::{ContentSecurityPolicy, NonceTemplate},
    hsts::Hsts,
    preset::{self, Entry},
};

/// Configures a [`HeadersLayer`]. Made by [`HeadersLayer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`browser`](Self::browser) | the preset for an API |
/// | [`hsts`](Self::hsts) | [`Hsts::one_year`], over TLS only |
/// | [`no_index`](Self::no_index), [`index`](Self::index) | APIs are not indexed, pages are |
/// | [`cross_origin_resources`](Self::cross_origin_resources) | pages of the same origin only |
/// | [`set`](Self::set) | the headers of the preset |
/// | [`expect_headers`](Self::expect_headers) | none |
///
/// The order of the calls does not matter. A header that is [`set`](Self::set) replaces that of
/// the preset.
///
/// # Examples
///
/// ```
/// use palisade_transport::{ContentSecurityPolicy, HeadersLayer, Hsts};
///
/// let page = ContentSecurityPolicy::same_origin();
/// let layer = HeadersLayer::builder()
///     .browser(&page)
///     .hsts(Hsts::two_years().include_subdomains())
///     .no_index()
///     .build();
/// # let _ = layer;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HeadersLayerBuilder {
    /// The policy of pages. `None` for the preset of an API.
    policy: Option<HeaderValue>,
    /// The policy with a place for the nonce, if it has one.
    nonces: Option<NonceTemplate>,
    /// `None` for the default of the preset.
    index: Option<bool>,
    hsts: Option<HeaderValue>,
    /// Headers that are added to those of the preset, or replace them.
    set: Vec<(HeaderName, HeaderValue)>,
    expected: Vec<HeaderName>,
}

impl Default for HeadersLayerBuilder {
    fn default() -> Self {
        Self {
            policy: None,
            nonces: None,
            index: None,
            hsts: Some(Hsts::one_year().header_value()),
            set: Vec::new(),
            expected: Vec::new(),
        }
    }
}

impl HeadersLayerBuilder {
    /// Uses the preset for pages, which may load what the policy allows. Default: the preset for
    /// an API, which allows nothing.
    ///
    /// Without [`no_index`](Self::no_index), search engines may index pages.
    pub fn browser(mut self, policy: &ContentSecurityPolicy) -> Self {
        self.policy = Some(policy.header_value());
        self.nonces = policy.nonces();
        self
    }

    /// Sets `Strict-Transport-Security`. Default: [`Hsts::one_year`]. Sent over TLS only.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{HeadersLayer, Hsts};
    ///
    /// let hsts = Hsts::two_years().include_subdomains();
    /// let layer = HeadersLayer::builder().hsts(hsts).build();
    /// # let _ = layer;
    /// ```
    pub fn hsts(mut self, hsts: Hsts) -> Self {
        self.hsts = Some(hsts.header_value());
        self
    }

    /// Never sends `Strict-Transport-Security`, and removes one that a handler sets.
    ///
    /// The first request of each visit may be sent in clear and can be intercepted. For a
    /// server whose proxy sends the header itself.
    pub fn dangerously_without_hsts(mut self) -> Self {
        self.hsts = None;
        self
    }

    /// Asks search engines not to index any response (`X-Robots-Tag`). Default for an API.
    pub fn no_index(mut self) -> Self {
        self.index = Some(false);
        self
    }

    /// Allows search engines to index responses. Default for pages.
    pub fn index(mut self) -> Self {
        self.index = Some(true);
        self
    }

    /// Allows pages of other origins to load responses (`Cross-Origin-Resource-Policy:
    /// cross-origin`). Default: `same-origin`.
    ///
    /// For an API that is called from pages of other origins. Which of them may read a response
    /// is decided by CORS.
    pub fn cross_origin_resources(self) -> Self {
        self.set(preset::CORP, preset::CROSS_ORIGIN)
    }

    /// Adds a custom header, or replaces the value of one of the preset.
    ///
    /// The header is added to responses that do not have it. `Server`, `X-Powered-By` and
    /// `Strict-Transport-Security` cannot be set here; for the last one, use [`hsts`](Self::hsts).
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{HeaderName, HeaderValue};
    /// use palisade_transport::HeadersLayer;
    ///
    /// let layer = HeadersLayer::builder()
    ///     .set(
    ///         HeaderName::from_static("reporting-endpoints"),
    ///         HeaderValue::from_static("default=\"https://reports.example.com\""),
    ///     )
    ///     .build();
    /// # let _ = layer;
    /// ```
    pub fn set(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.set.push((name, value));
        self
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
    /// let layer = HeadersLayer::builder().expect_headers([CONTENT_TYPE, ETAG]).build();
    /// # let _ = layer;
    /// ```
    pub fn expect_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.expected.extend(names);
        self
    }

    /// Builds the layer, with the headers of each kind of response prepared.
    pub fn build(self) -> HeadersLayer {
        // A policy that is set as a header has no nonce.
        let is_set = self
            .set
            .iter()
            .any(|(name, _)| name == CONTENT_SECURITY_POLICY);
        let nonces = self.nonces.clone().filter(|_| !is_set);
        let config = Config::new(self.entries(), self.hsts, self.expected, nonces);
        HeadersLayer {
            config: Arc::new(config),
        }
    }

    /// Returns the headers of the preset, with those that are set.
    fn entries(&self) -> Vec<Entry> {
        let (mut entries, index) = match &self.policy {
            None => (preset::api(), false),
            Some(policy) => {
                let mut entries = preset::browser();
                entries.push(Entry::unless_set(CONTENT_SECURITY_POLICY, policy.clone()));
                (entries, true)
            }
        };
        if !self.index.unwrap_or(index) {
            entries.push(Entry::unless_set(preset::X_ROBOTS_TAG, preset::NO_INDEX));
        }
        for (name, value) in &self.set {
            match entries.iter_mut().find(|entry| entry.name == name) {
                Some(entry) => entry.value = value.clone(),
                None => entries.push(Entry::unless_set(name.clone(), value.clone())),
            }
        }
        entries
    }
}
