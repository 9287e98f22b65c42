//! TLS, certificate, redirect, protocols.

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
pub(crate) const CERTIFICATE_UNTRUSTED: Rule = Rule {
    code: "certificate-untrusted",
    severity: Severity::High,
    title: "The certificate does not lead to a trusted authority",
    why: "Clients refuse the connection, or are set to ignore certificates and then accept everyone's.",
    palisade: "`[server.acme] domains = [\"voice.example\"]` gets a trusted certificate; check a development authority with `--ca ca.pem`",
    nginx: "ssl_certificate must have the whole chain; certbot --nginx gets one",
    owasp: MISCONFIGURATION,
    asvs: "V12.2.2",
};
pub(crate) const CERTIFICATE_NAME: Rule = Rule {
    code: "certificate-name",
    severity: Severity::High,
    title: "The certificate is for another name",
    why: "Clients refuse the connection, or are set to ignore names and then accept any certificate.",
    palisade: "name every host in `[server.acme] domains`; `palisade cert show` prints the names",
    nginx: "certbot certonly -d voice.example; one server block for each name",
    owasp: MISCONFIGURATION,
    asvs: "V12.2.2",
};
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
pub(crate) const CERTIFICATE_NEAR_END: Rule = Rule {
    code: "certificate-near-end",
    severity: Severity::Medium,
    title: "The certificate expires soon",
    why: "The renewal does not work or does not exist; after the end clients refuse the connection.",
    palisade: "`[server.acme]` renews by itself; `palisade cert show --config FILE` says what the last order came to",
    nginx: "systemctl status certbot.timer; certbot renew --dry-run",
    owasp: MISCONFIGURATION,
    asvs: "V12.2.2",
};
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
pub(crate) const REDIRECT_MISSING: Rule = Rule {
    code: "redirect-missing",
    severity: Severity::Low,
    title: "Port 80 responds, and does not redirect to HTTPS of the same host",
    why: "Who types the address without https:// does not reach the protected service.",
    palisade: "`[server] http = \"0.0.0.0:80\"` redirects with status 308",
    nginx: "server { listen 80; return 308 https://$host$request_uri; }",
    owasp: MISCONFIGURATION,
    asvs: "V12.2.1",
};
pub(crate) const HSTS_MISSING: Rule = Rule {
    code: "hsts-missing",
    severity: Severity::Medium,
    title: "Strict-Transport-Security is missing",
    why: "A browser that was here before can still be led to a copy of the service without TLS.",
    palisade: "every response over TLS has it; `HttpsLayer` alone adds it as well",
    nginx: "add_header Strict-Transport-Security \"max-age=31536000\" always;",
    owasp: MISCONFIGURATION,
    asvs: "V3.4.1",
};
pub(crate) const HSTS_SHORT: Rule = Rule {
    code: "hsts-short",
    severity: Severity::Low,
    title: "Strict-Transport-Security lasts less than a year",
    why: "The protection ends between two visits.",
    palisade: "the default is two years",
    nginx: "add_header Strict-Transport-Security \"max-age=31536000\" always;",
    owasp: MISCONFIGURATION,
    asvs: "V3.4.1",
};
pub(crate) const H2C_UPGRADE: Rule = Rule {
    code: "h2c-upgrade",
    severity: Severity::Medium,
    title: "The upgrade to clear-text HTTP/2 is accepted",
    why: "A proxy that passes the upgrade on no longer sees the requests after it, so its rules are passed by.",
    palisade: "the server and the gateway ignore `Upgrade: h2c`; other upgrades need a rule",
    nginx: "proxy_set_header Upgrade \"\"; proxy_set_header Connection \"\";",
    owasp: MISCONFIGURATION,
    asvs: "V4.2.1",
};
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
