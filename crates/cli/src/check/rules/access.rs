//! Who may use the service: credentials, limits, other origins, other hosts.
//!
//! Sources: the OWASP API Security Top 10 of 2023, the Fetch standard (CORS), RFC 6585 (status
//! 429), RFC 9110 (`Retry-After`), and the chapters V1.2, V2.4, V3.4, V8.2 and V14.2 of OWASP ASVS
//! 5.0.

use super::{BROKEN_AUTHENTICATION, MISCONFIGURATION, RESOURCE_CONSUMPTION, Rule, Severity};

/// All rules of this file.
pub(crate) const ALL: &[&Rule] = &[
    &KEYLESS_ACCESS,
    &ANY_KEY_ACCEPTED,
    &KEY_IN_URL,
    &NO_LIMIT,
    &LIMIT_WITHOUT_TIME,
    &CORS_CREDENTIALS,
    &CORS_OPEN,
    &ANY_HOST,
    &HOST_REFLECTED,
];

/// Decided by `probe::credentials`. Found if the address gets a success status without a key and
/// the response is no page. Also found if a key was given and the address works without it.
///
/// A page is not a finding: a start page is often meant to be public. The rule is then not checked,
/// and the reason asks for the URL of a call.
///
/// ASVS V8.2.1: access to a function is restricted to those who have the permission.
pub(crate) const KEYLESS_ACCESS: Rule = Rule {
    code: "keyless-access",
    severity: Severity::High,
    title: "The service works without a key",
    why: "Everyone can use it at your cost, and no one can say afterwards who did what.",
    palisade: "`palisade gateway --upstream …` requires a key on every path and prints the first one; in code `Rule::authenticated()`",
    nginx: "auth_request /auth; or a map of keys: if ($key_is_known = 0) { return 401; }",
    owasp: BROKEN_AUTHENTICATION,
    asvs: "V8.2.1",
};

/// Decided by `probe::credentials` with `--key`. The key is sent with its last character changed. A
/// service that compares only a prefix, or only looks whether a header exists, accepts it.
pub(crate) const ANY_KEY_ACCEPTED: Rule = Rule {
    code: "any-key-accepted",
    severity: Severity::Critical,
    title: "A wrong key is accepted",
    why: "A key is required but not verified, so every key works.",
    palisade: "`ApiKeyLayer` and `JwtLayer` verify the whole credential",
    nginx: "compare the whole value: map $http_x_api_key $key_is_known { default 0; \"…\" 1; }",
    owasp: BROKEN_AUTHENTICATION,
    asvs: "V8.2.1",
};

/// Decided by `probe::credentials` with `--key`. Five usual parameter names are tried. RFC 6750,
/// section 2.3, and ASVS V14.2.1 advise against credentials in URLs.
pub(crate) const KEY_IN_URL: Rule = Rule {
    code: "key-in-url",
    severity: Severity::Medium,
    title: "The key is accepted in the URL",
    why: "URLs are in logs, in browser histories and in the Referer header, and the key with them.",
    palisade: "keys are read from headers only; a key in the URL needs an option named `dangerously_…`",
    nginx: "do not read $arg_api_key; if ($arg_api_key) { return 400; }",
    owasp: BROKEN_AUTHENTICATION,
    asvs: "V14.2.1",
};

/// Decided by `probe::limits`, and only with `--probe-limits`. Found if all requests got a response
/// and none a refusal. It cannot prove that there is no limit above that number.
///
/// A limit that refuses with another status than 429, or 503 with `Retry-After`, is not recognized.
pub(crate) const NO_LIMIT: Rule = Rule {
    code: "no-limit",
    severity: Severity::High,
    title: "No limit was reached",
    why: "One client can use all of the processor, or all of the budget.",
    palisade: "`palisade gateway` allows 60 requests a minute for an address and 10 for a key; `[[limits]]` sets others",
    nginx: "limit_req_zone $binary_remote_addr zone=tts:10m rate=60r/m; limit_req zone=tts burst=10; limit_req_status 429;",
    owasp: RESOURCE_CONSUMPTION,
    asvs: "V2.4.1",
};

/// Decided by `probe::limits` from the first refusal. Found if it has no `Retry-After` (RFC 9110,
/// section 10.2.3).
pub(crate) const LIMIT_WITHOUT_TIME: Rule = Rule {
    code: "limit-without-time",
    severity: Severity::Low,
    title: "A limited client does not learn when it may come back",
    why: "Clients without Retry-After repeat at once, which makes the load worse.",
    palisade: "each refusal by a limit has `Retry-After` and `RateLimit`",
    nginx: "add_header Retry-After 60 always; in the location of error_page 429",
    owasp: RESOURCE_CONSUMPTION,
    asvs: "V2.4.1",
};

/// Decided by `probe::origins`. Found if a foreign origin, or `null`, is repeated in
/// `Access-Control-Allow-Origin` and `Access-Control-Allow-Credentials` is `true`.
///
/// `*` with credentials is not this finding: browsers refuse that combination.
pub(crate) const CORS_CREDENTIALS: Rule = Rule {
    code: "cors-credentials",
    severity: Severity::High,
    title: "Every web page may send requests with the user's credentials and read the response",
    why: "A page of an attacker acts as the user who visits it.",
    palisade: "`[cors] origins = [\"https://app.example\"]`: a list; the wildcard with credentials is an error at start",
    nginx: "map $http_origin $allowed { default \"\"; \"https://app.example\" $http_origin; } add_header Access-Control-Allow-Origin $allowed always;",
    owasp: MISCONFIGURATION,
    asvs: "V3.4.2",
};

/// Decided by `probe::origins`. Found if a foreign origin is allowed without credentials. Low,
/// because many public APIs mean it.
pub(crate) const CORS_OPEN: Rule = Rule {
    code: "cors-open",
    severity: Severity::Low,
    title: "Scripts of every web page may read the responses",
    why: "A page of an attacker uses the service from the network of its visitors, inside a company as well.",
    palisade: "without `[cors]` no other origin is allowed",
    nginx: "map $http_origin $allowed { default \"\"; \"https://app.example\" $http_origin; } add_header Access-Control-Allow-Origin $allowed always;",
    owasp: MISCONFIGURATION,
    asvs: "V3.4.2",
};

/// Decided by `probe::origins`. Found if a request with a foreign `Host` gets the same status as
/// the usual one. 400, 403, 404, 421 and a closed connection pass. RFC 9110, section 7.4, asks for
/// 421 or a refusal.
pub(crate) const ANY_HOST: Rule = Rule {
    code: "any-host",
    severity: Severity::Low,
    title: "The service responds to a foreign Host",
    why: "A web page can reach it by DNS rebinding, and links made from Host lead to the attacker.",
    palisade: "`[server] hosts = [\"voice.example\"]`: all others get 421",
    nginx: "server { listen 443 ssl default_server; ssl_reject_handshake on; } and server_name voice.example;",
    owasp: MISCONFIGURATION,
    asvs: "",
};

/// Decided by `probe::origins`. Found if the foreign name is in `Location`, `Link`,
/// `Content-Location` or `Refresh`, or in the body. ASVS V1.2.2: URLs are built from trusted
/// values.
pub(crate) const HOST_REFLECTED: Rule = Rule {
    code: "host-reflected",
    severity: Severity::Medium,
    title: "A foreign Host appears in the response",
    why: "Links and redirects lead to the attacker; a cache then gives them to everyone.",
    palisade: "`[server] hosts`: a foreign host never reaches the service; `redirect_to` fixes the target",
    nginx: "server_name voice.example; proxy_set_header Host voice.example;",
    owasp: MISCONFIGURATION,
    asvs: "V1.2.2",
};
