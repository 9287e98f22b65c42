//! Flags of cookies (RFC 6265).
//!
//! Decides `cookie-insecure`, `cookie-readable` and `cookie-cross-site` from all responses so far,
//! that with a key included. One cookie without a flag is enough for a finding.
//!
//! The prefixes `__Host-` and `__Secure-` are not checked: browsers enforce them.

use cookie::{Cookie, SameSite};

use super::Site;
use crate::check::{
    outcome::Outcomes,
    rules::headers::{COOKIE_CROSS_SITE, COOKIE_INSECURE, COOKIE_READABLE},
};

/// Parts of names that cookies with a session or a token have, in lower case.
const SECRETS: &[&str] = &["sess", "sid", "auth", "token", "jwt", "login", "remember"];

/// Decides the rules about cookies. Needs no request of its own.
///
/// Only the name of a cookie is shown, never its value.
pub(super) fn probe(site: &Site<'_>, outcomes: &mut Outcomes) {
    let with_key = site.with_key.as_ref();
    let responses = site.responses().into_iter().chain(with_key);
    for response in responses {
        for cookie in response.header_values("set-cookie") {
            // Without a name it is no cookie that a service could read.
            let Ok(cookie) = Cookie::parse(&*cookie) else {
                continue;
            };
            let seen = || format!("{}: {}", response.asked, cookie.name());
            let is_secure = cookie.secure() == Some(true);
            outcomes.record_decision(&COOKIE_INSECURE, (!is_secure).then(seen));
            let readable = is_secret(&cookie) && cookie.http_only() != Some(true);
            outcomes.record_decision(&COOKIE_READABLE, readable.then(seen));
            outcomes.record_decision(&COOKIE_CROSS_SITE, (!is_same_site(&cookie)).then(seen));
        }
    }
    for rule in [&COOKIE_INSECURE, &COOKIE_READABLE, &COOKIE_CROSS_SITE] {
        outcomes.unless_decided(rule, "no cookie was set");
    }
}

/// Whether the browser does not send it with requests of other sites.
fn is_same_site(cookie: &Cookie<'_>) -> bool {
    matches!(cookie.same_site(), Some(SameSite::Lax | SameSite::Strict))
}

/// Whether the name looks like that of a session or a token. A guess: an unusual name is not found.
fn is_secret(cookie: &Cookie<'_>) -> bool {
    let name = cookie.name().to_ascii_lowercase();
    SECRETS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_without_regard_to_case_and_blanks() {
        for text in [
            "__Host-session=a=b; Path=/; secure; HTTPONLY; SameSite=Lax",
            "__Host-session=a=b;Secure ;HttpOnly; SAMESITE = strict",
        ] {
            let cookie = Cookie::parse(text).unwrap();
            assert_eq!(cookie.name(), "__Host-session");
            assert_eq!(
                (cookie.secure(), cookie.http_only()),
                (Some(true), Some(true))
            );
            assert!(is_same_site(&cookie) && is_secret(&cookie));
        }
        let cookie = Cookie::parse("theme=Secure; SameSite=None").unwrap();
        assert_eq!((cookie.secure(), cookie.http_only()), (None, None));
        assert!(!is_same_site(&cookie) && !is_secret(&cookie));
    }
}
