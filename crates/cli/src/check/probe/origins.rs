//! Requests of web pages of others: `Origin` (CORS) and `Host` (DNS rebinding).
//!
//! Decides `cors-credentials`, `cors-open`, `any-host` and `host-reflected`. Four requests without
//! a key: a foreign origin, the origin `null` (sandboxed frames and local files), a preflight for
//! POST with `Authorization`, and a foreign `Host`.
//!
//! The name in them ends with `.invalid`, so no one can own it.

use http::{
    HeaderName, Method, StatusCode,
    header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN},
};

use super::Site;
use crate::check::{
    client::{ProbeRequest, ProbeResponse},
    outcome::Outcomes,
    rules::access::{ANY_HOST, CORS_CREDENTIALS, CORS_OPEN, HOST_REFLECTED},
};

/// A name that cannot exist (RFC 2606).
///
/// The resolver is not asked for it: it is only the value of a header.
const FOREIGN_HOST: &str = "palisade-check.invalid";
/// The same name as an origin (RFC 6454, section 6.2).
const FOREIGN_ORIGIN: &str = "https://palisade-check.invalid";

/// Decides the rules about origins and hosts.
///
/// Findings of the three requests about origins are collected: each names the method and the
/// origin. The request about `Host` is the last one.
pub(super) async fn probe(site: &Site<'_>, outcomes: &mut Outcomes) {
    for origin in [FOREIGN_ORIGIN, "null"] {
        let ask = ProbeRequest::get(site.target.path_and_query()).with_fixed_header(ORIGIN, origin);
        decide_cors(site, ask, origin, outcomes).await;
    }
    let preflight = site
        .same_path(Method::OPTIONS)
        .with_fixed_header(ORIGIN, FOREIGN_ORIGIN)
        .with_fixed_header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .with_fixed_header(
            HeaderName::from_static("access-control-request-headers"),
            "authorization",
        );
    decide_cors(site, preflight, FOREIGN_ORIGIN, outcomes).await;
    decide_host(site, outcomes).await;
}

/// Sends a request of a foreign page and reads who may see the response (Fetch, CORS protocol).
async fn decide_cors(site: &Site<'_>, ask: ProbeRequest, origin: &str, outcomes: &mut Outcomes) {
    match site.send_request(ask).await {
        Ok(response) => {
            let allowed = response.header("access-control-allow-origin");
            let allowed = allowed.filter(|allowed| allowed == "*" || allowed == origin);
            let credentials = response.header("access-control-allow-credentials");
            // Browsers refuse the wildcard together with credentials.
            let with_credentials =
                allowed.as_deref() == Some(origin) && credentials.as_deref() == Some("true");
            let seen = allowed.map(|allowed| {
                format!(
                    "{} with Origin: {origin} → Access-Control-Allow-Origin: {allowed}",
                    response.asked
                )
            });
            let (strong, weak) = match with_credentials {
                true => (seen, None),
                false => (None, seen),
            };
            outcomes.record_decision(&CORS_CREDENTIALS, strong);
            outcomes.record_decision(&CORS_OPEN, weak);
        }
        Err(problem) => outcomes.skip_all(&[&CORS_CREDENTIALS, &CORS_OPEN], problem),
    }
}

/// Sends the request with a foreign `Host`. The connection goes to the same machine as before.
///
/// The usual response decides what a refusal is: an address that gives 400, 404 or 421 anyway shows
/// nothing, so both rules are then skipped. A service that demands a key with 403 can still be
/// compared.
async fn decide_host(site: &Site<'_>, outcomes: &mut Outcomes) {
    let both = [&ANY_HOST, &HOST_REFLECTED];
    let base = match &site.base {
        Ok(base) if !is_refusal_of_host(base.status) || base.status == StatusCode::FORBIDDEN => {
            base
        }
        Ok(base) => return outcomes.skip_all(&both, base.summary_line()),
        Err(problem) => return outcomes.skip_all(&both, problem),
    };
    let ask = ProbeRequest::get(site.target.path_and_query()).with_host(FOREIGN_HOST);
    match site.send_request(ask).await {
        Ok(response) => {
            let reflected = reflects_host(&response);
            let served = response.status == base.status && !is_refusal_of_host(response.status);
            let seen = format!("{} with Host: {FOREIGN_HOST}", response.summary_line());
            outcomes.record_decision(&HOST_REFLECTED, reflected.then_some(&seen));
            outcomes.record_decision(&ANY_HOST, served.then_some(&seen));
        }
        // Closing the connection refuses as well.
        Err(crate::check::client::Problem::Connection(_)) => {
            outcomes.record_pass(&ANY_HOST);
            outcomes.record_pass(&HOST_REFLECTED);
        }
        Err(problem) => outcomes.skip_all(&both, problem),
    }
}

/// Statuses with which servers refuse a host that they do not serve.
fn is_refusal_of_host(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 403 | 404 | 421)
}

/// Looks at the headers with addresses, then at the body.
fn reflects_host(response: &ProbeResponse) -> bool {
    let headers = ["location", "link", "content-location", "refresh"];
    let in_header = headers
        .iter()
        .filter_map(|name| response.header(name))
        .any(|value| value.contains(FOREIGN_HOST));
    in_header || response.body_text().contains(FOREIGN_HOST)
}
