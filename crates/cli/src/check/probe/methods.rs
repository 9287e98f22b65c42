//! Methods other than GET: TRACE, and what OPTIONS announces.
//!
//! Decides `trace-method` and `write-methods` with two requests, TRACE and OPTIONS, without a key.
//! Neither changes data: both are safe methods (RFC 9110, section 9.2.1).

use http::{HeaderName, Method};

use super::Site;
use crate::check::{
    outcome::Outcomes,
    rules::input::{TRACE_METHOD, WRITE_METHODS},
};

/// Methods that change data (RFC 9110, section 9.2.1), except POST, which most APIs need.
const WRITING: &[&str] = &[
    "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "MOVE", "COPY", "PROPFIND",
];
/// Comes back in the body if TRACE works.
const MARK: &str = "palisade-check-trace";

/// Decides the rules about methods. No method that changes data is sent.
///
/// A service that refuses OPTIONS passes `write-methods`: it announces nothing.
pub(super) async fn probe(site: &Site<'_>, outcomes: &mut Outcomes) {
    let trace = site
        .same_path(Method::TRACE)
        .with_fixed_header(HeaderName::from_static("x-palisade-check"), MARK);
    match site.send_request(trace).await {
        Ok(response) => {
            let echoes = response.status.is_success() && response.body_text().contains(MARK);
            outcomes.record_decision(&TRACE_METHOD, echoes.then(|| response.summary_line()));
        }
        Err(problem) => outcomes.record_skipped(&TRACE_METHOD, problem),
    }
    match site.send_request(site.same_path(Method::OPTIONS)).await {
        Ok(response) if response.status.is_success() => {
            let allow = response
                .header_values("allow")
                .join(", ")
                .to_ascii_uppercase();
            let writing = allow
                .split(',')
                .map(str::trim)
                .any(|method| WRITING.contains(&method));
            outcomes.record_decision(
                &WRITE_METHODS,
                writing.then(|| format!("{}, Allow: {allow}", response.summary_line())),
            );
        }
        Ok(_) => outcomes.record_pass(&WRITE_METHODS),
        Err(problem) => outcomes.record_skipped(&WRITE_METHODS, problem),
    }
}
