//! The nonce of a response, with which a page allows its own inline scripts and styles (CSP Level 3,
//! section 2.3.1).

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use http::Extensions;
use palisade_core::{Clock as _, SystemClock};
use palisade_internal::log_limit::LogLimit;

/// The nonce of one response: an inline script or style with it is allowed, and no other.
///
/// [`HeadersLayer`](crate::HeadersLayer) puts it into the extensions of each request if its policy
/// has nonces: see [`ContentSecurityPolicy::nonce_scripts`](crate::ContentSecurityPolicy::nonce_scripts).
/// With the feature `axum` it is an extractor. It is made of 128 random bits when
/// [`as_str`](Self::as_str) is called first. A response that does not use it costs nothing, and its
/// header allows nothing inline.
///
/// A response that uses it gets `Cache-Control: no-store`, unless the handler sets `Cache-Control`:
/// a copy in a cache would repeat the nonce.
///
/// # Examples
///
/// ```
/// use palisade_transport::CspNonce;
///
/// fn page(nonce: &CspNonce) -> String {
///     format!("<script nonce=\"{}\">document.title = 'Notes'</script>", nonce.as_str())
/// }
/// # let _ = page;
/// ```
///
/// A handler reads it from the request. `None`: the policy has no nonces, and an inline script would not run.
///
/// ```
/// use http::request::Parts;
/// use palisade_transport::CspNonce;
///
/// fn script(head: &Parts) -> Option<String> {
///     let nonce = CspNonce::of(&head.extensions)?;
///     Some(format!("<script nonce=\"{}\" src=/app.js></script>", nonce.as_str()))
/// }
/// # let _ = script;
/// ```
#[derive(Clone)]
pub struct CspNonce {
    value: Arc<OnceLock<String>>,
}

impl CspNonce {
    /// A nonce that is not made yet.
    pub(super) fn unused() -> Self {
        Self {
            value: Arc::default(),
        }
    }

    /// Returns the nonce of a request. `None` if no [`HeadersLayer`](crate::HeadersLayer) outside has a
    /// policy with nonces.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Returns the value for the attribute `nonce`: 32 hexadecimal digits, the same for all clones.
    ///
    /// Call it before the response begins: the header is sent then. Empty if the system has no random
    /// bytes. The header then allows nothing inline.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.value.get_or_init(|| {
            let mut random = [0; 16];
            match getrandom::fill(&mut random) {
                Ok(()) => palisade_internal::hex::encode(&random),
                Err(error) => {
                    log_no_random_bytes(&error);
                    String::new()
                }
            }
        })
    }

    /// Returns the value if the handler used it.
    pub(super) fn used(&self) -> Option<&str> {
        let value = self.value.get().map(String::as_str);
        value.filter(|value| !value.is_empty())
    }
}

/// Logs that the system has no random bytes, at most once a minute: every response of a page may need some.
fn log_no_random_bytes(error: &getrandom::Error) {
    static LIMIT: LogLimit = LogLimit::per_minute();
    if let Some(held_back) = LIMIT.admit(SystemClock::default().monotonic()) {
        tracing::error!(%error, held_back, "no random bytes for the nonce of a page");
    }
}

impl fmt::Debug for CspNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CspNonce").finish_non_exhaustive()
    }
}

/// Extracts the nonce. Without a layer that has one it refuses with 500 `misconfigured`.
#[cfg(feature = "axum")]
mod extract {
    use axum::extract::FromRequestParts;
    use http::request;
    use palisade_core::{Rejection, SecurityContext, extract::Refused};

    use super::CspNonce;

    impl<S: Sync> FromRequestParts<S> for CspNonce {
        type Rejection = Refused;

        async fn from_request_parts(head: &mut request::Parts, state: &S) -> Result<Self, Refused> {
            if let Some(nonce) = Self::of(&head.extensions) {
                return Ok(nonce.clone());
            }
            let cx = SecurityContext::from_request_parts(head, state).await?;
            let reason =
                "`CspNonce` needs HeadersLayer outside the handler, with a policy that has nonces";
            Err(Refused::new(&cx, Rejection::misconfigured(reason)))
        }
    }
}

#[cfg(test)]
mod tests {
    use palisade_internal::log_lines;

    use super::*;

    #[test]
    fn a_system_without_random_bytes_is_logged_once_for_a_thousand_pages() {
        let error = getrandom::Error::UNSUPPORTED;
        let lines = log_lines::count(|| (0..1000).for_each(|_| log_no_random_bytes(&error)));
        assert_eq!(lines, 1);
    }
}
