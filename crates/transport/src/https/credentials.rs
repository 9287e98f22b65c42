//! Finds credentials in requests that were sent over clear text.
//!
//! Such a credential may have been read on the way. The request is refused, and the audit
//! record has `credential_exposed`, so that an operator can revoke it.

use std::borrow::Cow;

use http::{
    HeaderMap, HeaderName,
    header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION},
    request,
};
use palisade_core::{AuthenticateLayer, Fact, SecurityContext};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Prefixes of cookies that browsers send over TLS only (RFC 6265bis, section 4.1.3).
///
/// One that arrives in clear was sent by another program.
const SECURE_COOKIES: [&str; 2] = ["__Host-", "__Secure-"];

/// Where a request may have a credential.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    /// Default: `Authorization`, `Proxy-Authorization` and `X-API-Key`.
    headers: Vec<HeaderName>,
    /// Authenticators that find a public id of the credential for the record.
    authenticate: Option<AuthenticateLayer>,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            headers: vec![AUTHORIZATION, PROXY_AUTHORIZATION, X_API_KEY],
            authenticate: None,
        }
    }
}

impl Credentials {
    /// Adds a header, once.
    pub(super) fn add_header(&mut self, name: HeaderName) {
        if !self.headers.contains(&name) {
            self.headers.push(name);
        }
    }

    /// Sets the authenticators to ask.
    pub(super) fn add_authenticators(&mut self, authenticate: AuthenticateLayer) {
        self.authenticate = Some(authenticate);
    }

    /// Records the credential of a request. Returns whether there is one.
    pub(super) fn record_exposed(&self, cx: &SecurityContext, head: &mut request::Parts) -> bool {
        // The authenticators come first: they know public ids.
        if let Some(authenticate) = &self.authenticate
            && authenticate.record_exposed(cx, head)
        {
            return true;
        }
        let shown = |name: &&HeaderName| head.headers.contains_key(*name);
        let cookie = has_secure_cookie(&head.headers).then_some(&COOKIE);
        match self.headers.iter().find(shown).or(cookie) {
            Some(name) => record(cx, name),
            None => return false,
        }
        true
    }
}

/// Records the name of the header. The value is never recorded.
fn record(cx: &SecurityContext, name: &HeaderName) {
    cx.record(Fact::CredentialExposed {
        kind: Cow::Owned(name.as_str().to_owned()),
        id: None,
    });
}

/// Returns whether a cookie has one of the prefixes. Upper and lower case are equal.
///
/// It splits at each `;` itself, because it looks for names that must not be missed: a parser of cookies
/// skips a pair that it finds malformed, and a handler may still read it.
fn has_secure_cookie(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(COOKIE).into_iter();
    let mut cookies = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    cookies.any(|cookie| {
        let cookie = cookie.trim_ascii_start();
        SECURE_COOKIES.iter().any(|prefix| {
            let start = cookie.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        })
    })
}
