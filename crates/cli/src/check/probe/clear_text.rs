//! The same host without TLS: what port 80 says, and the upgrade to clear-text HTTP/2.
//!
//! Decides `http-served`, `redirect-missing` and `h2c-upgrade`. Two requests, none with a key: a
//! key in clear text would be the very fault that is looked for.
//!
//! The port without TLS is that of `--http-port`; or 80, if the address has port 443; or the port
//! that the user gave, if it redirected to HTTPS.

use http::{HeaderName, Uri, header::CONNECTION};

use super::Site;
use crate::check::{
    client::{ProbeRequest, ProbeResponse, Problem},
    outcome::Outcomes,
    rules::transport::*,
    target::default_port,
};

/// The settings of an HTTP/2 connection, base64url, as RFC 7540 wants them in the upgrade. Empty settings
/// are valid, but some servers expect one.
const SETTINGS: &str = "AAMAAABkAAQAAP__";

/// Decides the rules of port 80 and of the upgrade.
///
/// If the port refuses connections, nothing is served there and both rules are passed. If it is
/// silent, or what comes is no HTTP, nothing is known: a filter may only hide the port from this
/// machine. Then both are skipped, as they are when the requests of the check are used up.
pub(super) async fn probe(site: &Site<'_>, port: Option<u16>, outcomes: &mut Outcomes) {
    decide_upgrade(site, outcomes).await;
    let target = site.target;
    if !target.tls {
        outcomes.skip_all(&[&HTTP_SERVED, &REDIRECT_MISSING], "the address has no TLS");
        return;
    }
    let default = (target.port == default_port(true)).then_some(default_port(false));
    let Some(port) = port.or(default) else {
        let why = "the port without TLS is not known; name it with --http-port";
        outcomes.skip_all(&[&HTTP_SERVED, &REDIRECT_MISSING], why);
        return;
    };
    let mut plain = target.with_port(false, port);
    plain.path.clone_from(&target.path);
    plain.query.clone_from(&target.query);
    let ask = ProbeRequest::get(plain.path_and_query());
    match site.client.send(&plain, ask).await {
        Ok(response) if response.status.is_success() => {
            outcomes.record_finding(
                &HTTP_SERVED,
                format!("{plain} → {}", response.status.as_u16()),
            );
            outcomes.record_skipped(&REDIRECT_MISSING, "it serves instead");
        }
        Ok(response) => {
            outcomes.record_pass(&HTTP_SERVED);
            let elsewhere = insecure_target(&response, &target.host);
            let seen = elsewhere.map(|to| format!("{plain} leads to {to}"));
            outcomes.record_decision(&REDIRECT_MISSING, seen);
        }
        Err(Problem::Refused) => {
            outcomes.record_pass(&HTTP_SERVED);
            outcomes.record_pass(&REDIRECT_MISSING);
        }
        Err(problem) => {
            let why = format!("{plain}: {problem}");
            outcomes.skip_all(&[&HTTP_SERVED, &REDIRECT_MISSING], why);
        }
    }
}

/// Where a redirect leads, if that is not HTTPS of the same host.
///
/// A refusal is as good as a redirect: an API should not make up for a wrong address.
///
/// `None` if it leads to HTTPS of the same host, on any port, or is no redirect. A missing or
/// relative location counts as elsewhere: it stays in clear text.
fn insecure_target(response: &ProbeResponse, host: &str) -> Option<String> {
    if !response.status.is_redirection() {
        return None;
    }
    let location = response.header("location").unwrap_or_default();
    let uri = location.parse::<Uri>().unwrap_or_default();
    let same_host = uri
        .host()
        .is_some_and(|to| to.trim_matches(['[', ']']).eq_ignore_ascii_case(host));
    let good = uri.scheme_str() == Some("https") && same_host;
    (!good).then_some(location)
}

/// Sends `Upgrade: h2c` as a proxy would pass it on (RFC 7540, section 3.2). 101 is the finding.
/// The connection is closed after it.
async fn decide_upgrade(site: &Site<'_>, outcomes: &mut Outcomes) {
    let ask = ProbeRequest::get("/")
        .with_fixed_header(CONNECTION, "Upgrade, HTTP2-Settings")
        .with_fixed_header(HeaderName::from_static("upgrade"), "h2c")
        .with_fixed_header(HeaderName::from_static("http2-settings"), SETTINGS);
    match site.send_request(ask).await {
        Ok(response) => {
            let accepted = response.status.as_u16() == 101;
            let seen = accepted.then_some("GET / with `Upgrade: h2c` → 101");
            outcomes.record_decision(&H2C_UPGRADE, seen);
        }
        Err(problem) => outcomes.record_skipped(&H2C_UPGRADE, problem),
    }
}
