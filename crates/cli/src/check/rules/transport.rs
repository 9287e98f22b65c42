//! TLS, certificate, redirect, protocols.
//!
//! Sources: RFC 8446 and RFC 5246 (TLS 1.3 and 1.2), RFC 8996 (end of TLS 1.0 and 1.1), RFC 5280
//! (certificates), RFC 6797 (HSTS), RFC 9113 (HTTP/2), and the chapters V3.4, V4.2, V11.2, V12 and
//! V15.2 of OWASP ASVS 5.0.
//!
//! The order of `ALL` is the order of the report within one severity. A constant that is not in
//! `ALL` is never reported.

use super::{MISCONFIGURATION, RESOURCE_CONSUMPTION, Rule, Severity};

/// All rules of this file.
pub(crate) const ALL: &[&Rule] = &[
    &NO_TLS,
    &TLS_FAILED,
    &TLS_OLD,
    &TLS_13_MISSING,
    &CERTIFICATE_UNTRUSTED,
    &CERTIFICATE_NAME,
    &CERTIFICATE_EXPIRED,
    &CERTIFICATE_NEAR_END,
    &CERTIFICATE_WEAK,
    &HTTP_SERVED,
    &REDIRECT_MISSING,
    &HSTS_MISSING,
    &HSTS_SHORT,
    &H2C_UPGRADE,
    &SLOW_HEADERS,
    &HTTP2_MISSING,
];

/// Decided by `probe::tls_versions` from the scheme of the address alone. An address with `http://`
/// gives the finding, since it was reached in clear text.
///
/// ASVS V12.2.1: TLS for all connections between a client and the service, without a fallback.
///
/// An address of this machine gives it as well: the check cannot see whether a proxy in front of it
/// has TLS. Use `--accept no-tls` there.
pub(crate) const NO_TLS: Rule = Rule {
    code: "no-tls",
    severity: Severity::Critical,
    title: "The service is served without TLS",
    why: "Everyone on the path reads and changes requests and responses, keys included.",
    palisade: "`palisade gateway --upstream http://127.0.0.1:5000` serves HTTPS; `[server] https`, `certificate` and `key`, or `[server.acme]`, in a configuration",
    nginx: "listen 443 ssl; ssl_certificate chain.pem; ssl_certificate_key key.pem;",
    owasp: MISCONFIGURATION,
    asvs: "V12.2.1",
};

/// Decided by `probe::tls_versions`. Found only if the TCP connection was open and the handshake
/// itself failed. A closed port is not a finding: the rule is then not checked.
///
/// All certificates are accepted in that handshake, so a wrong certificate does not lead here.
pub(crate) const TLS_FAILED: Rule = Rule {
    code: "tls-failed",
    severity: Severity::High,
    title: "No handshake with TLS 1.2 or TLS 1.3 succeeds",
    why: "Current clients cannot connect, or the service offers old versions only.",
    palisade: "the server of Palisade accepts TLS 1.2 and 1.3 with current cipher suites, without a setting",
    nginx: "ssl_protocols TLSv1.2 TLSv1.3;",
    owasp: MISCONFIGURATION,
    asvs: "V12.1.1",
};

/// Decided by `probe::tls_versions`, one connection for each of the two versions. Found if the
/// server sends a `ServerHello` with that version.
///
/// RFC 8996 forbids both versions. ASVS V12.1.1 allows TLS 1.2 and 1.3 only.
pub(crate) const TLS_OLD: Rule = Rule {
    code: "tls-old",
    severity: Severity::High,
    title: "TLS 1.0 or TLS 1.1 is accepted",
    why: "Both are deprecated (RFC 8996): their signatures and ciphers are broken or weak.",
    palisade: "the server of Palisade never accepts them; `[server] tls13_only = true` also refuses TLS 1.2",
    nginx: "ssl_protocols TLSv1.2 TLSv1.3;",
    owasp: MISCONFIGURATION,
    asvs: "V12.1.1",
};

/// Decided by `probe::tls_versions`. The client offers TLS 1.3 and 1.2; found if the server chooses
/// 1.2.
///
/// TLS 1.2 is still allowed by ASVS V12.1.1, so the severity is low.
pub(crate) const TLS_13_MISSING: Rule = Rule {
    code: "tls13-missing",
    severity: Severity::Low,
    title: "TLS 1.3 is not offered",
    why: "TLS 1.3 encrypts the certificate, needs one round trip less and has no weak options.",
    palisade: "the server of Palisade offers it without a setting",
    nginx: "ssl_protocols TLSv1.2 TLSv1.3;",
    owasp: MISCONFIGURATION,
    asvs: "V12.1.1",
};

/// Decided by `probe::certificate`. The chain is verified against the authorities of this machine
/// and those of `--ca`. The name and the time are rules of their own: the chain is verified at the
/// moment within its validity that is nearest to now.
///
/// ASVS V12.2.2: external services use publicly trusted certificates.
pub(crate) const CERTIFICATE_UNTRUSTED: Rule = Rule {
    code: "certificate-untrusted",
    severity: Severity::High,
    title: "The certificate does not lead to a trusted authority",
    why: "Clients refuse the connection, or are configured to ignore certificates and then accept the certificate of any attacker.",
    palisade: "`[server.acme] domains = [\"voice.example\"]` gets a trusted certificate; check a development authority with `--ca ca.pem`",
    nginx: "ssl_certificate must have the whole chain; certbot --nginx gets one",
    owasp: MISCONFIGURATION,
    asvs: "V12.2.2",
};

/// Decided by `probe::certificate` with the rules of RFC 6125 and RFC 9525: only subject
/// alternative names count, and the common name does not.
pub(crate) const CERTIFICATE_NAME: Rule = Rule {
    code: "certificate-name",
    severity: Severity::High,
    title: "The certificate is for another name",
    why: "Clients refuse the connection, or are configured to ignore names and then accept any certificate.",
    palisade: "name every host in `[server.acme] domains`; `palisade cert show` prints the names",
    nginx: "certbot certonly -d voice.example; one server block for each name",
    owasp: MISCONFIGURATION,
    asvs: "V12.2.2",
};

/// Decided by `probe::certificate`. Found before `notBefore` and after `notAfter` (RFC 5280,
/// section 4.1.2.5), by the clock of this machine. `palisade doctor --time-source` tells whether
/// that clock is right.
pub(crate) const CERTIFICATE_EXPIRED: Rule = Rule {
    code: "certificate-expired",
    severity: Severity::High,
    title: "The certificate is not valid now",
    why: "Clients refuse the connection.",
    palisade: "`[server.acme]` renews by itself; certificate files are read again when they change",
    nginx: "certbot renew && nginx -s reload",
    owasp: MISCONFIGURATION,
    asvs: "V12.2.2",
};

/// Decided by `probe::certificate`. Found if fewer than 14 days are left and less than a quarter of
/// the whole time. The second condition keeps certificates that live for some days from being
/// reported all the time.
pub(crate) const CERTIFICATE_NEAR_END: Rule = Rule {
    code: "certificate-near-end",
    severity: Severity::Medium,
    title: "The certificate expires soon",
    why: "The renewal does not work or does not exist; after the end clients refuse the connection.",
    palisade: "`[server.acme]` renews by itself; `palisade cert show --config FILE` prints the result of the last order",
    nginx: "systemctl status certbot.timer; certbot renew --dry-run",
    owasp: MISCONFIGURATION,
    asvs: "V12.2.2",
};

/// Decided by `probe::certificate`. Found for RSA keys under 2048 bits, and for signatures with MD5
/// or SHA-1. Only the certificate of the server is looked at, not those of the authorities.
///
/// ASVS V11.2.3 asks for a minimum strength of keys and digests.
pub(crate) const CERTIFICATE_WEAK: Rule = Rule {
    code: "certificate-weak",
    severity: Severity::Medium,
    title: "The key or the signature of the certificate is weak",
    why: "RSA keys under 2048 bits and signatures with MD5 or SHA-1 can be forged.",
    palisade: "`[server.acme]` makes ECDSA keys on P-256",
    nginx: "certbot certonly --key-type ecdsa",
    owasp: MISCONFIGURATION,
    asvs: "V11.2.3",
};

/// Decided by `probe::clear_text`. Found if the same path gets a success status over the port
/// without TLS. The request has no key.
///
/// A redirect is in order here. What it leads to is the matter of `redirect-missing`.
pub(crate) const HTTP_SERVED: Rule = Rule {
    code: "http-served",
    severity: Severity::High,
    title: "The same service is also served without TLS",
    why: "A client with the wrong address sends its key in clear text, and no one notices.",
    palisade: "`[server] http = \"0.0.0.0:80\"` only redirects pages and refuses requests with a credential",
    nginx: "server { listen 80; return 308 https://$host$request_uri; }",
    owasp: MISCONFIGURATION,
    asvs: "V12.2.1",
};

/// Decided by `probe::clear_text`. Found if the port without TLS redirects to another host or to a
/// clear-text address. A refusal or a closed port is in order.
pub(crate) const REDIRECT_MISSING: Rule = Rule {
    code: "redirect-missing",
    severity: Severity::Low,
    title: "Port 80 responds, and does not redirect to HTTPS of the same host",
    why: "A user who types the address without https:// does not reach the protected service.",
    palisade: "`[server] http = \"0.0.0.0:80\"` redirects with status 308",
    nginx: "server { listen 80; return 308 https://$host$request_uri; }",
    owasp: MISCONFIGURATION,
    asvs: "V12.2.1",
};

/// Decided by `probe::browser_headers` for each response that a stranger gets. Not checked without
/// TLS: browsers ignore the header there (RFC 6797, section 8.1).
pub(crate) const HSTS_MISSING: Rule = Rule {
    code: "hsts-missing",
    severity: Severity::Medium,
    title: "Strict-Transport-Security is missing",
    why: "A browser that used the service before can still be sent to a copy of it without TLS.",
    palisade: "every response over TLS has it; `HttpsLayer` alone adds it as well",
    nginx: "add_header Strict-Transport-Security \"max-age=31536000\" always;",
    owasp: MISCONFIGURATION,
    asvs: "V3.4.1",
};

/// Decided by `probe::browser_headers`. Found if `max-age` is under 31,536,000 seconds (one year,
/// ASVS V3.4.1), is missing, or is not a number.
pub(crate) const HSTS_SHORT: Rule = Rule {
    code: "hsts-short",
    severity: Severity::Low,
    title: "Strict-Transport-Security lasts less than a year",
    why: "The protection ends between two visits.",
    palisade: "the default is one year",
    nginx: "add_header Strict-Transport-Security \"max-age=31536000\" always;",
    owasp: MISCONFIGURATION,
    asvs: "V3.4.1",
};

/// Decided by `probe::clear_text`. Found if a request with `Upgrade: h2c` gets status 101. RFC 9113
/// removed this upgrade; RFC 7540 had it.
pub(crate) const H2C_UPGRADE: Rule = Rule {
    code: "h2c-upgrade",
    severity: Severity::Medium,
    title: "The upgrade to clear-text HTTP/2 is accepted",
    why: "A proxy that forwards the upgrade does not see the requests after it, so its rules do not apply to them.",
    palisade: "the server and the gateway ignore `Upgrade: h2c`; other upgrades need a rule",
    nginx: "proxy_set_header Upgrade \"\"; proxy_set_header Connection \"\";",
    owasp: MISCONFIGURATION,
    asvs: "V4.2.1",
};

/// Decided by `probe::slow_headers`, and only with `--slow`. The attack is known as Slowloris. Any
/// response and any closed connection pass.
pub(crate) const SLOW_HEADERS: Rule = Rule {
    code: "slow-headers",
    severity: Severity::Medium,
    title: "A connection that never completes its request stays open",
    why: "Some thousand such connections occupy the service, and cost the attacker nothing.",
    palisade: "the server closes after `[server.limits] header_seconds` and caps connections per address",
    nginx: "client_header_timeout 10s; limit_conn_zone $binary_remote_addr zone=a:10m; limit_conn a 50;",
    owasp: RESOURCE_CONSUMPTION,
    asvs: "V15.2.2",
};

/// Decided by `probe::tls_versions` from ALPN (RFC 7301). It is information: HTTP/1.1 alone is no
/// weakness.
pub(crate) const HTTP2_MISSING: Rule = Rule {
    code: "http2-missing",
    severity: Severity::Info,
    title: "HTTP/2 is not offered",
    why: "Browsers and gRPC clients need more connections, or cannot connect.",
    palisade: "the server of Palisade offers HTTP/2 and HTTP/1.1",
    nginx: "http2 on;",
    owasp: MISCONFIGURATION,
    asvs: "",
};
