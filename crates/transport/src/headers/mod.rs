//! Security headers of responses.
//!
//! [`HeadersLayer`] adds them after the handler, and to refusals of the layers inside it. It
//! refuses nothing.

mod csp;
mod hsts;
mod preset;

use std::{mem, sync::Arc};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, SERVER, STRICT_TRANSPORT_SECURITY},
    request, response,
};
use palisade_core::{ClientInfo, Guard, Scheme, SecurityContext, Verdict, layer};

use self::preset::{Entry, X_POWERED_BY};
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

/// The settings of the layer, shared by its clones.
#[derive(Clone, Debug)]
struct Config {
    /// The headers of the preset, with changes.
    entries: Vec<Entry>,
    /// `None` if the header is never sent.
    hsts: Option<HeaderValue>,
    /// What follows from the two.
    prepared: Prepared,
}

/// Headers that a handler cannot set: the layer sets or removes them.
static NEVER_OF_HANDLERS: [HeaderName; 3] = [STRICT_TRANSPORT_SECURITY, SERVER, X_POWERED_BY];

/// The headers of each kind of response, as a map whose names are hashed already.
#[derive(Clone, Debug, Default)]
struct Prepared {
    plain: HeaderMap,
    plain_personal: HeaderMap,
    tls: HeaderMap,
    tls_personal: HeaderMap,
    /// The names of entries that replace what a handler set.
    always: Vec<HeaderName>,
}

/// The capacity of a prepared map: its own headers, and some of handlers and other guards.
const CAPACITY: usize = 24;

impl Prepared {
    fn new(entries: &[Entry], hsts: Option<&HeaderValue>) -> Self {
        let headers = |over_tls, personal| {
            let mut headers = HeaderMap::with_capacity(CAPACITY);
            for entry in entries {
                headers.insert(entry.name.clone(), entry.value.clone());
            }
            for name in &NEVER_OF_HANDLERS {
                headers.remove(name);
            }
            // Over clear text the header must not be sent (RFC 6797, 7.2), whatever is set.
            if let Some(value) = hsts.filter(|_| over_tls) {
                headers.insert(STRICT_TRANSPORT_SECURITY, value.clone());
            }
            if personal {
                headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
            }
            headers
        };
        let always = entries.iter().filter(|entry| entry.always);
        Self {
            plain: headers(false, false),
            plain_personal: headers(false, true),
            tls: headers(true, false),
            tls_personal: headers(true, true),
            always: always.map(|entry| entry.name.clone()).collect(),
        }
    }

    /// Returns the headers of a response. `personal` marks those that no cache may store.
    const fn of(&self, over_tls: bool, personal: bool) -> &HeaderMap {
        match (over_tls, personal) {
            (false, false) => &self.plain,
            (false, true) => &self.plain_personal,
            (true, false) => &self.tls,
            (true, true) => &self.tls_personal,
        }
    }
}

/// Caches store no copy (RFC 9111, section 5.2.2.5).
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

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

    /// Builds the layer from a preset, with the default HSTS.
    fn with(entries: Vec<Entry>) -> Self {
        let config = Config {
            entries,
            hsts: Some(Hsts::one_year().header_value()),
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
        config.prepared = Prepared::new(&config.entries, config.hsts.as_ref());
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
        self.config.add_to(&mut head.headers, over_tls, personal);
        Verdict::Admit(())
    }
}

impl Config {
    /// Adds the headers to a response.
    ///
    /// The response gets a copy of the prepared map, and what the handler set goes into it: only the names of
    /// the handler's headers are hashed.
    fn add_to(&self, headers: &mut HeaderMap, over_tls: bool, personal: bool) {
        let prepared = self.prepared.of(over_tls, personal).clone();
        let set_by_handler = mem::replace(headers, prepared);
        let mut last = None;
        for (name, value) in set_by_handler {
            match name {
                Some(name) if self.replaces(&name) => last = None,
                Some(name) => {
                    headers.insert(name.clone(), value);
                    last = Some(name);
                }
                // A further line of the same name.
                None => {
                    if let Some(name) = &last {
                        headers.append(name.clone(), value);
                    }
                }
            }
        }
    }

    /// Tells whether a handler cannot set this header.
    fn replaces(&self, name: &HeaderName) -> bool {
        NEVER_OF_HANDLERS.contains(name) || self.prepared.always.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_headers(
        layer: &HeadersLayer,
        over_tls: bool,
        personal: bool,
        set: &[(&'static str, &'static str)],
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in set {
            headers.append(*name, HeaderValue::from_static(value));
        }
        layer.config.add_to(&mut headers, over_tls, personal);
        headers
    }

    fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        assert!(
            headers.get_all(name).iter().count() <= 1,
            "{name} is sent twice"
        );
        headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn transport_security_is_promised_over_tls_only() {
        let layer = HeadersLayer::api();
        let name = "strict-transport-security";
        assert_eq!(
            value(&with_headers(&layer, true, false, &[]), name),
            Some("max-age=31536000")
        );
        assert_eq!(value(&with_headers(&layer, false, false, &[]), name), None);
        assert_eq!(
            value(
                &with_headers(&layer, false, false, &[(name, "max-age=1")]),
                name
            ),
            None
        );
        assert_eq!(
            value(
                &with_headers(&layer, true, false, &[(name, "max-age=1")]),
                name
            ),
            Some("max-age=31536000")
        );
        let without = layer.dangerously_without_hsts();
        assert_eq!(value(&with_headers(&without, true, false, &[]), name), None);
    }

    #[test]
    fn every_preset_closes_what_browsers_leave_open() {
        let page = HeadersLayer::browser(&ContentSecurityPolicy::same_origin());
        for layer in [HeadersLayer::api(), page] {
            let headers = with_headers(&layer, true, false, &[]);
            for (name, expected) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("cross-origin-resource-policy", "same-origin"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-embedder-policy", "require-corp"),
            ] {
                assert_eq!(value(&headers, name), Some(expected), "{name}");
            }
            assert!(
                value(&headers, "content-security-policy")
                    .unwrap()
                    .starts_with("default-src 'none'")
            );
            assert!(
                value(&headers, "permissions-policy")
                    .unwrap()
                    .contains("microphone=()")
            );
            assert!(value(&headers, "referrer-policy").is_some());
        }
    }

    #[test]
    fn personal_answers_and_errors_are_not_stored() {
        let layer = HeadersLayer::api();
        assert_eq!(
            value(&with_headers(&layer, true, true, &[]), "cache-control"),
            Some("no-store")
        );
        assert_eq!(
            value(&with_headers(&layer, true, false, &[]), "cache-control"),
            None
        );
        let chosen = [("cache-control", "private, max-age=60")];
        assert_eq!(
            value(&with_headers(&layer, true, true, &chosen), "cache-control"),
            Some("private, max-age=60")
        );
    }

    #[test]
    fn a_handler_keeps_its_own_policy_but_not_its_banner() {
        let set = [
            (
                "content-security-policy",
                "default-src 'none'; img-src 'self'",
            ),
            ("x-content-type-options", "sniff"),
            ("server", "secret/1.2.3"),
            ("x-powered-by", "secret"),
        ];
        let headers = with_headers(&HeadersLayer::api(), true, false, &set);
        assert_eq!(
            value(&headers, "content-security-policy"),
            Some("default-src 'none'; img-src 'self'")
        );
        assert_eq!(value(&headers, "x-content-type-options"), Some("nosniff"));
        assert_eq!(
            (value(&headers, "server"), value(&headers, "x-powered-by")),
            (None, None)
        );
    }

    #[test]
    fn a_handler_keeps_each_line_of_its_headers() {
        let set = [
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("server", "one"),
            ("server", "two"),
            ("set-cookie", "c=3"),
        ];
        let headers = with_headers(&HeadersLayer::api(), true, true, &set);
        let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2", "c=3"]);
        assert!(!headers.contains_key("server"));
    }

    #[test]
    fn what_no_response_may_have_is_not_sent_either_if_it_is_set() {
        let names = ["server", "x-powered-by", "strict-transport-security"];
        let set = |layer: HeadersLayer, name| {
            let value = HeaderValue::from_static("set");
            layer.set(HeaderName::from_static(name), value)
        };
        let layer = names.into_iter().fold(HeadersLayer::api(), set);
        let headers = with_headers(&layer, false, false, &[]);
        assert!(names.iter().all(|name| !headers.contains_key(*name)));
        let over_tls = with_headers(&layer, true, false, &[]);
        assert_eq!(
            value(&over_tls, "strict-transport-security"),
            Some("max-age=31536000")
        );
    }

    #[test]
    fn robots_are_kept_out_where_it_is_said() {
        let robots = |layer: &HeadersLayer| {
            value(&with_headers(layer, true, false, &[]), "x-robots-tag").map(str::to_owned)
        };
        let page = HeadersLayer::browser(&ContentSecurityPolicy::same_origin());
        assert_eq!(robots(&page), None);
        assert_eq!(
            robots(&page.no_index()).as_deref(),
            Some("noindex, nofollow")
        );
        assert_eq!(robots(&HeadersLayer::api().index()), None);
    }

    #[test]
    fn a_preset_can_be_changed_and_extended() {
        let layer = HeadersLayer::api().cross_origin_resources().set(
            HeaderName::from_static("x-custom"),
            HeaderValue::from_static("ours"),
        );
        let headers = with_headers(&layer, true, false, &[]);
        assert_eq!(
            value(&headers, "cross-origin-resource-policy"),
            Some("cross-origin")
        );
        assert_eq!(value(&headers, "x-custom"), Some("ours"));
    }
}
