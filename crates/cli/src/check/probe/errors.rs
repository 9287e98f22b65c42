//! Broken requests: what error responses show.
//!
//! Decides `error-leak`. Sends three requests: a POST with JSON that ends too early, a GET without
//! the query, and a GET with bytes that are not UTF-8. The last two only if the address has a
//! query.
//!
//! Only texts that cannot be part of a usual message are in the list. A general word such as
//! "error" would give false findings.

use http::{Method, header::CONTENT_TYPE};

use super::Site;
use crate::check::{
    client::{ProbeRequest, ProbeResponse},
    outcome::Outcomes,
    rules::input::ERROR_LEAK,
};

/// Texts that only internals have, and what they are. Compared in lower case.
const SIGNATURES: &[(&str, &str)] = &[
    ("traceback (most recent call last)", "a Python stack trace"),
    ("werkzeug debugger", "the debugger of Werkzeug"),
    ("site-packages", "a path of Python packages"),
    (
        "you're seeing this error because you have <code>debug = true",
        "the debug page of Django",
    ),
    ("node_modules/", "a path of Node packages"),
    ("at object.<anonymous>", "a JavaScript stack trace"),
    (".java:", "a Java stack trace"),
    ("exception in thread", "a Java stack trace"),
    ("system.web.", "a .NET stack trace"),
    ("microsoft.aspnetcore.", "a .NET stack trace"),
    ("fatal error</b>:", "an error of PHP"),
    ("' panicked at ", "a panic of Rust"),
    ("goroutine 1 [", "a stack trace of Go"),
    ("stack backtrace:", "a stack trace"),
    ("sqlalchemy.exc.", "an error of a database"),
    ("pg::syntaxerror", "an error of a database"),
    (
        "you have an error in your sql syntax",
        "an error of a database",
    ),
];

/// Decides whether error responses show internals.
///
/// The requests have the key of the client if one works: many handlers parse only after
/// authentication.
pub(super) async fn probe(site: &Site<'_>, outcomes: &mut Outcomes) {
    site.responses()
        .into_iter()
        .for_each(|response| check_response(response, outcomes));
    let broken_json = ProbeRequest::new(Method::POST, site.target.path.clone())
        .with_fixed_header(CONTENT_TYPE, "application/json")
        .with_body("{\"text\": ");
    let no_query = ProbeRequest::get(site.target.path.clone());
    let not_utf8 = site.with_text("%FF%FE");
    let broken = [
        Some(broken_json),
        not_utf8.is_some().then_some(no_query),
        not_utf8,
    ];
    for ask in broken.into_iter().flatten() {
        match site.call(ask).await {
            Ok(response) => check_response(&response, outcomes),
            Err(problem) => outcomes.record_skipped(&ERROR_LEAK, problem),
        }
    }
}

/// Decides from one response. Responses below 400 are in order, whatever they contain.
fn check_response(response: &ProbeResponse, outcomes: &mut Outcomes) {
    let is_error = response.status.is_client_error() || response.status.is_server_error();
    let shown = is_error
        .then(|| shown_internals(&response.body_text()))
        .flatten();
    outcomes.record_decision(
        &ERROR_LEAK,
        shown.map(|what| format!("{}: {what}", response.summary_line())),
    );
}

/// What a body shows of the internals, in words.
///
/// The first text of the list that is found. Only the beginning of the body that the client reads
/// is searched.
fn shown_internals(body: &str) -> Option<&'static str> {
    let body = body.to_ascii_lowercase();
    let found = SIGNATURES.iter().find(|(text, _)| body.contains(text));
    found.map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_can_be_found() {
        for (text, what) in SIGNATURES {
            assert_eq!(*text, text.to_ascii_lowercase());
            assert_eq!(
                shown_internals(&format!("x{}x", text.to_uppercase())).map(str::is_empty),
                Some(false),
                "{what}"
            );
        }
        assert_eq!(
            shown_internals("{\"detail\":\"This needs a valid credential.\"}"),
            None
        );
    }
}
