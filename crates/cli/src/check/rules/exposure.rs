//! Pages and files that a stranger should not see.
//!
//! Sources: CWE-538 and CWE-548 (files and listings), RFC 9309 (`robots.txt`), the OpenAPI
//! specification, and the chapters V8.2, V13.4 and V15.2 of OWASP ASVS 5.0. Paths are those of
//! `probe::exposed_paths` and `probe::openapi`.

use super::{BROKEN_AUTHENTICATION, INVENTORY, MISCONFIGURATION, Rule, Severity};

/// All rules of this file.
pub(crate) const ALL: &[&Rule] = &[
    &SECRET_FILE,
    &DEBUG_PAGE,
    &DEVELOPMENT_SERVER,
    &DIRECTORY_LISTING,
    &STATUS_PAGE,
    &OPENAPI_OPEN,
    &OPENAPI_WITHOUT_SECURITY,
    &INDEXABLE,
    &VERSION_BANNER,
];

/// Decided by `probe::exposed_paths`: `/.git/HEAD`, `/.env` and `/.aws/credentials`. Found only if
/// the content is that of such a file. The content itself is not in the report.
///
/// A key that was served must be replaced: it was public for an unknown time.
pub(crate) const SECRET_FILE: Rule = Rule {
    code: "secret-file",
    severity: Severity::Critical,
    title: "A file with secrets or the source code is served",
    why: "Passwords, keys and the history of the code are public.",
    palisade: "paths without a rule are a 404: `Routes` and `[[routes]]` list what exists",
    nginx: "location ~ /\\. { return 404; }",
    owasp: MISCONFIGURATION,
    asvs: "V13.4.1",
};

/// Decided by `probe::exposed_paths`. The pages of Werkzeug, Go, Spring, PHP, Symfony and Jupyter
/// are looked for.
///
/// High and not critical, because some of these pages ask for a PIN before they run code.
pub(crate) const DEBUG_PAGE: Rule = Rule {
    code: "debug-page",
    severity: Severity::High,
    title: "A debug page is public",
    why: "It shows settings and memory, and some run code for anyone who asks.",
    palisade: "start the service without debug mode; paths without a rule are a 404",
    nginx: "start the service without debug mode; location /console { return 404; }",
    owasp: MISCONFIGURATION,
    asvs: "V13.4.2",
};

/// Decided by `probe::banners` from the header `Server`. A server without such a header is not
/// recognized.
pub(crate) const DEVELOPMENT_SERVER: Rule = Rule {
    code: "development-server",
    severity: Severity::Medium,
    title: "The responses come from a development server",
    why: "Its makers say that it must not be exposed: it has no timeouts and was not made for hostile input.",
    palisade: "`palisade gateway` in front, and the service on 127.0.0.1",
    nginx: "proxy_pass to gunicorn or uvicorn on 127.0.0.1",
    owasp: MISCONFIGURATION,
    asvs: "V15.2.3",
};

/// Decided by `probe::exposed_paths` at `/` and at five folders that speech and model services
/// often have.
pub(crate) const DIRECTORY_LISTING: Rule = Rule {
    code: "directory-listing",
    severity: Severity::Medium,
    title: "The content of a folder is listed",
    why: "Every file in it is found, also those that no link leads to.",
    palisade: "no layer lists folders; paths without a rule are a 404",
    nginx: "autoindex off;",
    owasp: MISCONFIGURATION,
    asvs: "V13.4.3",
};

/// Decided by `probe::exposed_paths`: Prometheus metrics, Apache and nginx status, and the index of
/// Spring Actuator. A health page with one word is no finding.
pub(crate) const STATUS_PAGE: Rule = Rule {
    code: "status-page",
    severity: Severity::Low,
    title: "A status or metrics page is public",
    why: "It shows load, paths and clients.",
    palisade: "serve metrics on a separate address; give the path a rule with a scope",
    nginx: "location /metrics { allow 127.0.0.1; deny all; }",
    owasp: INVENTORY,
    asvs: "V13.4.5",
};

/// Decided by `probe::openapi`. Found at the first of three paths that has a JSON document with
/// `openapi` or `swagger`, and with `paths`.
///
/// Many services mean it to be public: that is a case for `--accept openapi-open`.
pub(crate) const OPENAPI_OPEN: Rule = Rule {
    code: "openapi-open",
    severity: Severity::Low,
    title: "The description of the API is public",
    why: "It lists every path and parameter. That is fine where it is meant to be public.",
    palisade: "give `/openapi.json` and `/docs` a rule: `Rule::authenticated()`",
    nginx: "location ~ ^/(docs|redoc|openapi.json) { allow 127.0.0.1; deny all; }",
    owasp: INVENTORY,
    asvs: "V13.4.5",
};

/// Decided by `probe::openapi` from the same document. Only what the document says is counted.
/// `keyless-access` says what the service does.
pub(crate) const OPENAPI_WITHOUT_SECURITY: Rule = Rule {
    code: "openapi-without-security",
    severity: Severity::Medium,
    title: "The description of the API has operations without security",
    why: "By its own description the API can be called without a credential.",
    palisade: "`palisade gateway` in front requires a key; describe it in `components.securitySchemes`",
    nginx: "auth_request /auth; for all paths, and describe it in `components.securitySchemes`",
    owasp: BROKEN_AUTHENTICATION,
    asvs: "V8.2.1",
};

/// Decided by `probe::browser_headers`. Any one of three is enough: `X-Robots-Tag`, a `robots`
/// element in the page, or a `robots.txt` that disallows everything. ASVS has no requirement.
pub(crate) const INDEXABLE: Rule = Rule {
    code: "indexable",
    severity: Severity::Low,
    title: "Search engines may index the service",
    why: "An API that is found by a search is found by everyone who looks for such services.",
    palisade: "every response has `X-Robots-Tag: noindex, nofollow`",
    nginx: "add_header X-Robots-Tag \"noindex, nofollow\" always;",
    owasp: INVENTORY,
    asvs: "",
};

/// Decided by `probe::banners`. Found if `Server` or a header of its kind has a digit. A name
/// without a version is in order.
///
/// ASVS V13.4.6: no detailed versions of components.
pub(crate) const VERSION_BANNER: Rule = Rule {
    code: "version-banner",
    severity: Severity::Low,
    title: "A header shows the version of the software",
    why: "An attacker can look up the known weaknesses of that version.",
    palisade: "the server sends no `Server`; `X-Powered-By` is removed",
    nginx: "server_tokens off; proxy_hide_header X-Powered-By;",
    owasp: MISCONFIGURATION,
    asvs: "V13.4.6",
};
