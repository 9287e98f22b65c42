//! Flags of cookies (RFC 6265).
//!
//! Decides `cookie-insecure`, `cookie-readable` and `cookie-cross-site` from all responses so far,
//! that with a key included. One cookie without a flag is enough for a finding.
//!
//! The prefixes `__Host-` and `__Secure-` are not checked: browsers enforce them.

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
    let answers = site.answers().into_iter().chain(with_key);
    for answer in answers {
        for cookie in answer.all("set-cookie") {
            let cookie = Cookie::parse(&cookie);
            let seen = || format!("{}: {}", answer.asked, cookie.name);
            outcomes.decide(&COOKIE_INSECURE, (!cookie.secure).then(seen));
            let readable = cookie.is_secret() && !cookie.http_only;
            outcomes.decide(&COOKIE_READABLE, readable.then(seen));
            outcomes.decide(&COOKIE_CROSS_SITE, (!cookie.same_site).then(seen));
        }
    }
    for rule in [&COOKIE_INSECURE, &COOKIE_READABLE, &COOKIE_CROSS_SITE] {
        outcomes.unless_decided(rule, "no cookie was set");
    }
}

/// The name of a cookie and its flags.
struct Cookie {
    name: String,
    /// `Secure`: the cookie is not sent in clear text.
    secure: bool,
    /// `HttpOnly`: scripts do not see the cookie.
    http_only: bool,
    /// `SameSite` is `Lax` or `Strict`.
    same_site: bool,
}

impl Cookie {
    /// Attributes are compared without case (RFC 6265, section 5.2). White space around an equals
    /// sign in an attribute is not removed, so `SameSite = Lax` does not count.
    fn parse(value: &str) -> Self {
        let mut parts = value.split(';').map(str::trim);
        let pair = parts.next().unwrap_or_default();
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        let flags: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
        let has = |flag: &str| flags.iter().any(|one| one == flag);
        Self {
            name: name.trim().to_owned(),
            secure: has("secure"),
            http_only: has("httponly"),
            same_site: has("samesite=lax") || has("samesite=strict"),
        }
    }

    /// Whether the name looks like that of a session or a token. A guess: an unusual name is not
    /// found.
    fn is_secret(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        SECRETS.iter().any(|part| name.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_without_regard_to_case() {
        let cookie = Cookie::parse("__Host-session=a=b; Path=/; secure; HTTPONLY; SameSite=Lax");
        assert_eq!(cookie.name, "__Host-session");
        assert!(cookie.secure && cookie.http_only && cookie.same_site && cookie.is_secret());
        let cookie = Cookie::parse("theme=Secure; SameSite=None");
        assert!(!cookie.secure && !cookie.http_only && !cookie.same_site && !cookie.is_secret());
    }
}
