//! Security headers of responses.
//!
//! [`HeadersLayer`] adds them after the handler, and to refusals of the layers inside it. It
//! refuses nothing.

mod builder;
mod config;
mod csp;
mod hsts;
mod nonce;
mod prepared;
mod preset;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderName, header::SET_COOKIE, request, response};
use palisade_core::{ClientInfo, Guard, Scheme, SecurityContext, Verdict, layer};

use self::config::Config;
pub use self::{
    builder::HeadersLayerBuilder,
    csp::{ContentSecurityPolicy, ContentSource},
    hsts::Hsts,
    nonce::CspNonce,
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
/// let site = HeadersLayer::builder()
///     .browser(&page)
///     .hsts(Hsts::two_years().include_subdomains())
///     .no_index()
///     .build();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HeadersLayer {
    config: Arc<Config>,
}

layer!(HeadersLayer);

impl HeadersLayer {
    /// The preset for an API: nothing may be loaded, framed or indexed. The same as
    /// `builder().build()`.
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
        Self::builder().build()
    }

    /// The preset for pages, which may load what the policy allows. The same as
    /// `builder().browser(policy).build()`.
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
        Self::builder().browser(policy).build()
    }

    /// Starts to configure the layer. Default: the preset [`api`](Self::api).
    pub fn builder() -> HeadersLayerBuilder {
        HeadersLayerBuilder::default()
    }

    /// Does the same as [`HeadersLayerBuilder::expect_headers`] to a layer that was built: for a
    /// `Shield`, which knows which headers its other guards set.
    #[doc(hidden)]
    pub fn with_expected_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        let mut config = Arc::unwrap_or_clone(self.config);
        config.expect(names);
        Self {
            config: Arc::new(config),
        }
    }
}

impl Guard for HeadersLayer {
    /// The nonce of the response, if the policy has nonces.
    type Pass = Option<CspNonce>;

    fn name(&self) -> &'static str {
        "headers"
    }

    fn admit(&self, _: &SecurityContext, head: &mut request::Parts) -> Verdict<Self::Pass> {
        let nonce = self.config.nonces.as_ref().map(|_| CspNonce::unused());
        if let Some(nonce) = &nonce {
            head.extensions.insert(nonce.clone());
        }
        Verdict::Admit(nonce)
    }

    fn finish(
        &self,
        cx: &SecurityContext,
        nonce: &mut Self::Pass,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        if let Some(nonce) = nonce.as_ref().and_then(CspNonce::used) {
            self.config.allow_nonce(nonce, &mut head.headers);
        }
        let over_tls = cx.client().map(ClientInfo::scheme) == Some(Scheme::Https);
        // A cookie is for one browser: a cache must not give it to others.
        let has_cookie = head.headers.contains_key(SET_COOKIE);
        let personal = cx.principal().is_some() || head.status.as_u16() >= 400 || has_cookie;
        let prepared = &self.config.prepared;
        prepared.add_to(&mut head.headers, over_tls, personal);
        Verdict::Admit(())
    }
}
