//! Headers that browsers and caches act on, and cookies.
//!
//! Sources: the Fetch standard (`nosniff`), CSP Level 3, RFC 7034 (`X-Frame-Options`), Referrer
//! Policy, RFC 9111 (caches), RFC 6265 and its successor (cookies), and the chapters V3.3, V3.4 and
//! V14.3 of OWASP ASVS 5.0.
//!
//! Rules about pages look only at responses with an HTML media type: a browser does not show the
//! others as a page.

use super::{MISCONFIGURATION, Rule, Severity};

/// All rules of this file.
pub(crate) const ALL: &[&Rule] = &[
    &NOSNIFF_MISSING,
    &CSP_MISSING,
    &CSP_WEAK,
    &FRAMING_ALLOWED,
    &REFERRER_POLICY_MISSING,
    &CACHEABLE,
    &COOKIE_INSECURE,
    &COOKIE_READABLE,
    &COOKIE_CROSS_SITE,
];

/// Decided by `probe::browser_headers` for every response, pages and data. The value is compared
/// without case.
pub(crate) const NOSNIFF_MISSING: Rule = Rule {
    code: "nosniff-missing",
    severity: Severity::Low,
    title: "X-Content-Type-Options: nosniff is missing",
    why: "Browsers may guess that data is a page, and run it.",
    palisade: "every response has it",
    nginx: "add_header X-Content-Type-Options nosniff always;",
    owasp: MISCONFIGURATION,
    asvs: "V3.4.4",
};

/// Decided by `probe::browser_headers` for pages. `Content-Security-Policy-Report-Only` does not
/// count: it blocks nothing.
pub(crate) const CSP_MISSING: Rule = Rule {
    code: "csp-missing",
    severity: Severity::Medium,
    title: "A page has no Content-Security-Policy",
    why: "One mistake in a template lets an attacker run any script.",
    palisade: "every response has one; the preset for browsers allows the page's own scripts",
    nginx: "add_header Content-Security-Policy \"default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'\" always;",
    owasp: MISCONFIGURATION,
    asvs: "V3.4.3",
};

/// Decided by `probe::browser_headers` for pages with a policy. `script-src` is checked, or
/// `default-src` where it is missing.
///
/// ASVS V3.4.3 asks for a policy with `object-src 'none'`, `base-uri 'none'` and an allowlist,
/// nonces or hashes. Only the part about scripts is checked here.
pub(crate) const CSP_WEAK: Rule = Rule {
    code: "csp-weak",
    severity: Severity::Low,
    title: "The Content-Security-Policy allows scripts of attackers",
    why: "'unsafe-inline', 'unsafe-eval' or a wildcard let injected scripts run.",
    palisade: "`ContentSecurityPolicy` has nonces and hashes for inline scripts",
    nginx: "script-src 'self'; object-src 'none'; base-uri 'none' in the policy",
    owasp: MISCONFIGURATION,
    asvs: "V3.4.3",
};

/// Decided by `probe::browser_headers` for pages. Either `frame-ancestors` or `X-Frame-Options` is
/// enough. Their values are not checked.
///
/// ASVS V3.4.6 asks for `frame-ancestors`; `X-Frame-Options` alone is accepted here for older
/// services.
pub(crate) const FRAMING_ALLOWED: Rule = Rule {
    code: "framing-allowed",
    severity: Severity::Low,
    title: "Other pages may show this page in a frame",
    why: "A user clicks on what seems to be another page (clickjacking).",
    palisade: "every response has `frame-ancestors 'none'` and `X-Frame-Options: DENY`",
    nginx: "add_header Content-Security-Policy \"frame-ancestors 'none'\" always;",
    owasp: MISCONFIGURATION,
    asvs: "V3.4.6",
};

/// Decided by `probe::browser_headers` for pages. Current browsers have a safe default, so the
/// severity is low.
pub(crate) const REFERRER_POLICY_MISSING: Rule = Rule {
    code: "referrer-policy-missing",
    severity: Severity::Low,
    title: "Referrer-Policy is missing",
    why: "Older browsers send the whole address, with its query, to every linked site.",
    palisade: "every response has it",
    nginx: "add_header Referrer-Policy no-referrer always;",
    owasp: MISCONFIGURATION,
    asvs: "V3.4.5",
};

/// Decided by `probe::browser_headers` for a response that was computed for one client. `no-store`,
/// `no-cache` or `private` is enough (RFC 9111, section 5.2.2).
pub(crate) const CACHEABLE: Rule = Rule {
    code: "cacheable",
    severity: Severity::Low,
    title: "Caches may keep what was computed for one client",
    why: "A shared cache gives it to another one; a browser keeps it on the disk.",
    palisade: "responses to a credential have `Cache-Control: no-store`",
    nginx: "add_header Cache-Control no-store always;",
    owasp: MISCONFIGURATION,
    asvs: "V14.3.2",
};

/// Decided by `probe::cookies` for every cookie (RFC 6265, section 4.1.2.5).
///
/// ASVS V3.3.1. HSTS does not replace the flag: it does not cover the first visit.
pub(crate) const COOKIE_INSECURE: Rule = Rule {
    code: "cookie-insecure",
    severity: Severity::Medium,
    title: "A cookie may be sent without TLS",
    why: "One request in clear text is enough to steal it.",
    palisade: "set `Secure` in the service, and name the cookie `__Host-…`",
    nginx: "proxy_cookie_flags ~ secure httponly samesite=lax;",
    owasp: MISCONFIGURATION,
    asvs: "V3.3.1",
};

/// Decided by `probe::cookies` for cookies whose name looks like a session or a token. Other
/// cookies are often made for scripts.
pub(crate) const COOKIE_READABLE: Rule = Rule {
    code: "cookie-readable",
    severity: Severity::Medium,
    title: "Scripts can read a session cookie",
    why: "One injected script steals the session.",
    palisade: "set `HttpOnly` in the service",
    nginx: "proxy_cookie_flags ~ secure httponly samesite=lax;",
    owasp: MISCONFIGURATION,
    asvs: "V3.3.4",
};

/// Decided by `probe::cookies`. Only `Lax` and `Strict` count. A cookie without the attribute is
/// `Lax` in some browsers and not in others.
pub(crate) const COOKIE_CROSS_SITE: Rule = Rule {
    code: "cookie-cross-site",
    severity: Severity::Low,
    title: "A cookie is sent with requests from other sites",
    why: "A page of an attacker acts as the user who visits it (CSRF).",
    palisade: "set `SameSite=Lax` or `Strict` in the service; cookies as a credential are checked against `Origin`",
    nginx: "proxy_cookie_flags ~ secure httponly samesite=lax;",
    owasp: MISCONFIGURATION,
    asvs: "V3.3.2",
};
