//! What the service does with hostile input: control characters, broken requests, long text.
//!
//! Sources: CWE-113 (header injection), CWE-150 (control characters), CWE-79 (cross-site
//! scripting), CWE-209 (errors with internals), RFC 9110 (methods), and the chapters V1.2, V1.3,
//! V2.2, V4.1, V13.4 and V16.5 of OWASP ASVS 5.0.
//!
//! The rules about the query need an address with a query. Without one they are not checked.

use super::{MISCONFIGURATION, RESOURCE_CONSUMPTION, Rule, Severity};

/// All rules of this file.
pub(crate) const ALL: &[&Rule] = &[
    &HEADER_INJECTION,
    &CONTROL_CHARACTERS,
    &CONTROL_CHARACTERS_ACCEPTED,
    &MARKUP_REFLECTED,
    &ERROR_LEAK,
    &NO_LENGTH_LIMIT,
    &TRACE_METHOD,
    &WRITE_METHODS,
];

/// Decided by `probe::input` in the path and in the query. Found if the response has the header
/// that was sent behind an encoded CR LF. Critical, because whole responses can be forged (response
/// splitting).
pub(crate) const HEADER_INJECTION: Rule = Rule {
    code: "header-injection",
    severity: Severity::Critical,
    title: "A line break in the request becomes a header of the response",
    why: "An attacker sets cookies, redirects and whole responses for other users.",
    palisade: "the gateway refuses such values; header values of the library cannot have line breaks",
    nginx: "do not use $uri or decoded variables in return, rewrite and add_header; use $request_uri",
    owasp: MISCONFIGURATION,
    asvs: "V1.2.1",
};

/// Decided by `probe::input`. Found if BACKSPACE, ESC or RIGHT-TO-LEFT OVERRIDE comes back
/// unescaped within eight characters behind the mark. Escapes of JSON are in order.
pub(crate) const CONTROL_CHARACTERS: Rule = Rule {
    code: "control-characters",
    severity: Severity::Medium,
    title: "Control characters of the request appear in the response",
    why: "They change what a terminal, a log viewer or a person sees, and reach the model as well.",
    palisade: "`palisade gateway --text text` removes them before the service; in code `SanitizeLayer`",
    nginx: "if ($arg_text ~ \"[\\x00-\\x08\\x0b-\\x1f\\x7f]\") { return 400; } does not see encoded ones: njs is needed",
    owasp: MISCONFIGURATION,
    asvs: "V1.3.3",
};

/// Decided by `probe::input`. Found if a text of control characters alone gets a success status. A
/// service that removes them has an empty text and refuses it.
pub(crate) const CONTROL_CHARACTERS_ACCEPTED: Rule = Rule {
    code: "control-characters-accepted",
    severity: Severity::Low,
    title: "Text with control characters is accepted",
    why: "They reach the model, the logs and everything behind the service.",
    palisade: "`palisade gateway --text text` removes them before the service; in code `SanitizeLayer`",
    nginx: "if ($request_uri ~* \"%(0[0-8bcef]|1[0-9a-f]|7f)\") { return 400; }",
    owasp: MISCONFIGURATION,
    asvs: "V1.3.3",
};

/// Decided by `probe::input`. Found if `<plsd>` comes back unescaped in a page, from the query or
/// from a path that does not exist. JSON and plain text are no finding: a browser does not run
/// them.
pub(crate) const MARKUP_REFLECTED: Rule = Rule {
    code: "markup-reflected",
    severity: Severity::High,
    title: "Markup of the request appears unescaped in a page",
    why: "A link runs a script of the attacker in the browser of the user (cross-site scripting).",
    palisade: "escape in the template of the service; `[headers]` with the preset for pages forbids such scripts",
    nginx: "escape in the service; add_header Content-Security-Policy \"default-src 'self'\" always; limits the damage",
    owasp: MISCONFIGURATION,
    asvs: "V1.2.1",
};

/// Decided by `probe::errors` from every response with a status of 400 or more. Found if the body
/// has one of a list of texts that only stack traces, debug pages and database errors have.
pub(crate) const ERROR_LEAK: Rule = Rule {
    code: "error-leak",
    severity: Severity::Medium,
    title: "An error response shows internals of the service",
    why: "Stack traces, paths and versions tell an attacker where to continue.",
    palisade: "refusals are problem documents without internals, and a panic becomes such a 500; an error page of the service itself must be turned off there",
    nginx: "proxy_intercept_errors on; error_page 500 502 503 504 /50x.html;",
    owasp: MISCONFIGURATION,
    asvs: "V16.5.1",
};

/// Decided by `probe::limits`, and only with `--probe-limits`, since the call may be expensive. One
/// text of 4,000 characters is sent.
pub(crate) const NO_LENGTH_LIMIT: Rule = Rule {
    code: "no-length-limit",
    severity: Severity::Medium,
    title: "A text of 4,000 characters is accepted",
    why: "The work grows with the text, so one request can occupy the model for minutes.",
    palisade: "`palisade gateway --text text` refuses texts over 500 characters",
    nginx: "large_client_header_buffers 4 2k; client_max_body_size 4k;",
    owasp: RESOURCE_CONSUMPTION,
    asvs: "V2.2.1",
};

/// Decided by `probe::methods`. Found if TRACE gets a success status and a header of the request is
/// in the body (RFC 9110, section 9.3.8). ASVS V13.4.4 forbids TRACE.
pub(crate) const TRACE_METHOD: Rule = Rule {
    code: "trace-method",
    severity: Severity::Medium,
    title: "The method TRACE returns the request",
    why: "Headers that a proxy adds, and cookies that scripts must not read, are shown.",
    palisade: "methods without a rule get 405, TRACE as well",
    nginx: "nginx refuses TRACE itself; a proxied service: limit_except GET POST { deny all; }",
    owasp: MISCONFIGURATION,
    asvs: "V13.4.4",
};

/// Decided by `probe::methods` from the header `Allow` of an OPTIONS request without a key.
/// Information only: an announced method may still need a key.
pub(crate) const WRITE_METHODS: Rule = Rule {
    code: "write-methods",
    severity: Severity::Info,
    title: "Methods that change data are announced without a credential",
    why: "It shows what to try next. None of them was sent.",
    palisade: "only methods with a rule are allowed, and OPTIONS needs the same credential",
    nginx: "limit_except GET POST { deny all; }",
    owasp: MISCONFIGURATION,
    asvs: "V4.1.4",
};
