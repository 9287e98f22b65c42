//! The header values of the presets `api` and `browser`.

use http::{
    HeaderName, HeaderValue,
    header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS},
};

use crate::headers::csp::ContentSecurityPolicy;

pub(super) const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const COEP: HeaderName = HeaderName::from_static("cross-origin-embedder-policy");
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
pub(super) const X_POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");
pub(super) const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

pub(super) const CROSS_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");
pub(super) const NO_INDEX: HeaderValue = HeaderValue::from_static("noindex, nofollow");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

/// Browser features that few pages need, all turned off. `HeadersLayerBuilder::set` replaces
/// the value.
const NO_PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), \
     geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), \
     serial=(), usb=(), xr-spatial-tracking=()",
);

/// One header, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The name of the header.
    pub(super) name: HeaderName,
    /// Its value. Shared with responses, not copied.
    pub(super) value: HeaderValue,
    /// Whether it replaces a value that the handler set.
    pub(super) always: bool,
}

impl Entry {
    /// A header that is added only to responses that do not have it.
    pub(super) const fn unless_set(name: HeaderName, value: HeaderValue) -> Self {
        Self {
            name,
            value,
            always: false,
        }
    }
}

/// The headers of an API.
pub(super) fn api() -> Vec<Entry> {
    let nothing = ContentSecurityPolicy::nothing().header_value();
    let mut entries = common_headers("no-referrer");
    entries.push(Entry::unless_set(CONTENT_SECURITY_POLICY, nothing));
    entries
}

/// The headers of pages, without the content security policy.
pub(super) fn browser() -> Vec<Entry> {
    common_headers("strict-origin-when-cross-origin")
}

/// The headers of both presets.
fn common_headers(referrer: &'static str) -> Vec<Entry> {
    vec![
        Entry {
            name: X_CONTENT_TYPE_OPTIONS,
            value: HeaderValue::from_static("nosniff"),
            always: true,
        },
        Entry::unless_set(X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        Entry::unless_set(REFERRER_POLICY, HeaderValue::from_static(referrer)),
        Entry::unless_set(PERMISSIONS_POLICY, NO_PERMISSIONS),
        Entry::unless_set(CORP, SAME_ORIGIN),
        Entry::unless_set(COOP, SAME_ORIGIN),
        Entry::unless_set(COEP, HeaderValue::from_static("require-corp")),
    ]
}
