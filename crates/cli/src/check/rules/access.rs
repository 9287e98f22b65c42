//! Who may use the service: credentials, limits, other origins, other hosts.

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

pub(crate) const KEYLESS_ACCESS: Rule = Rule {
    code: "keyless-access",
    severity: Severity::High,
    title: "The service works without a key",
    why: "Every stranger uses it at your cost, and no one can say afterwards who did what.",
    palisade: "`palisade gateway --upstream …` requires a key on every path and prints the first one; in code `Rule::authenticated()`",
    nginx: "auth_request /auth; or a map of keys: if ($key_is_known = 0) { return 401; }",
    owasp: BROKEN_AUTHENTICATION,
    asvs: "V8.2.1",
};
pub(crate) const ANY_KEY_ACCEPTED: Rule = Rule {
    code: "any-key-accepted",
    severity: Severity::Critical,
    title: "A wrong key is accepted",
    why: "The key is demanded and not verified, so every key works.",
    palisade: "`ApiKeyLayer` and `JwtLayer` verify the whole credential",
    nginx: "compare the whole value: map $http_x_api_key $key_is_known { default 0; \"…\" 1; }",
    owasp: BROKEN_AUTHENTICATION,
    asvs: "V8.2.1",
};
pub(crate) const KEY_IN_URL: Rule = Rule {
    code: "key-in-url",
    severity: Severity::Medium,
    title: "The key is accepted in the URL",
    why: "URLs are in logs, in browser histories and in the Referer header, and the key with them.",
    palisade: "keys are read from headers only; a key in the URL needs an option with a loud name",
    nginx: "do not read $arg_api_key; if ($arg_api_key) { return 400; }",
    owasp: BROKEN_AUTHENTICATION,
    asvs: "V14.2.1",
};
pub(crate) const NO_LIMIT: Rule = Rule {
    code: "no-limit",
    severity: Severity::High,
    title: "No limit was felt",
    why: "One client can use all of the processor, or all of the budget.",
    palisade: "`palisade gateway` allows 60 requests a minute for an address and 10 for a key; `[[limits]]` sets others",
    nginx: "limit_req_zone $binary_remote_addr zone=tts:10m rate=60r/m; limit_req zone=tts burst=10; limit_req_status 429;",
    owasp: RESOURCE_CONSUMPTION,
    asvs: "V2.4.1",
};
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
