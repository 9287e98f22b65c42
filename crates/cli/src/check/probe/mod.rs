//! The probes: each sends a few requests and decides some rules.
//!
//! They run one after the other, in the order of [`run`], so that two checks of one service send the same
//! requests. Only the slow connection waits beside the others. What is destructive is never sent: no PUT,
//! no PATCH, no DELETE; the one POST has a body that no parser accepts.
//!
//! | order | probe | requests | with a key |
//! |---|---|---|---|
//! | 1 | `tls_versions`, `certificate` | 3 handshakes | no |
//! | 2 | `site` | the address, `/`, a path that does not exist | no |
//! | 3 | `clear_text` | 1 upgrade, 1 without TLS | no |
//! | 4 | `credentials` | up to 5, and 5 more if a key in the URL works | yes |
//! | 5 | `browser_headers`, `banners`, `cookies` | `/robots.txt` at most | no |
//! | 6 | `origins` | 4 | no |
//! | 7 | `methods` | 2 | no |
//! | 8 | `input` | 4 | if one works |
//! | 9 | `errors` | 3 | if one works |
//! | 10 | `exposed_paths`, `openapi` | 18 and 3 | no |
//! | 11 | `limits` | as many as `--probe-limits` says | if one works |
//!
//! Probes that look for what a stranger sees send no key. Probes that need a working call send the
//! key that `credentials` found to work.
//!
//! The limits come last: after them the service may refuse everything for a while.

mod banners;
mod browser_headers;
mod certificate;
mod clear_text;
mod cookies;
mod credentials;
mod errors;
mod exposed_paths;
mod input;
mod limits;
mod methods;
mod openapi;
mod origins;
mod site;
mod slow_headers;
mod tls_versions;

use std::time::Duration;

pub(crate) use self::{credentials::Credential, site::Site};
use super::{client::Client, outcome::Outcomes, target::Target};

/// What a check does beyond its usual requests.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// A credential, for what only a client with one sees.
    pub(crate) credential: Option<Credential>,
    /// The port of the same host without TLS.
    ///
    /// `None` means port 80 if the port of the address is 443, and otherwise no such probe.
    pub(crate) http_port: Option<u16>,
    /// The number of requests that look for a limit.
    ///
    /// `None` without `--probe-limits`. At most 1,000.
    pub(crate) limit_requests: Option<u32>,
    /// How long a request without an end is kept open.
    ///
    /// `None` without `--slow`. At most 300 seconds.
    pub(crate) slow: Option<Duration>,
    /// The time since 1970, for certificates.
    pub(crate) now: Duration,
}

/// Runs all probes. The service must have accepted a connection before.
///
/// Returns remarks for the reader that are no findings, such as a redirect that was not followed.
/// Problems of single requests are outcomes and end nothing.
pub(crate) async fn run(
    client: &Client,
    target: &Target,
    extras: &Extras,
    outcomes: &mut Outcomes,
) -> Vec<String> {
    let mut slow = Outcomes::default();
    let waiting = slow_headers::probe(client, target, extras.slow, &mut slow);
    let (notes, ()) = tokio::join!(all_others(client, target, extras, outcomes), waiting);
    outcomes.join(slow);
    notes
}

/// Everything but the slow connection, in the order of the table above.
///
/// The certificate is looked at first, because its result decides whether a key may be sent.
async fn all_others(
    client: &Client,
    target: &Target,
    extras: &Extras,
    outcomes: &mut Outcomes,
) -> Vec<String> {
    let certificate = tls_versions::probe(client, target, extras.now, outcomes).await;
    let mut site = Site::send_first_requests(client, target).await;
    clear_text::probe(&site, extras.http_port, outcomes).await;
    let key = credentials::probe(&mut site, extras.credential.as_ref(), certificate, outcomes);
    key.await;
    browser_headers::probe(&site, outcomes).await;
    banners::probe(&site, outcomes);
    cookies::probe(&site, outcomes);
    origins::probe(&site, outcomes).await;
    methods::probe(&site, outcomes).await;
    input::probe(&site, outcomes).await;
    errors::probe(&site, outcomes).await;
    exposed_paths::probe(&site, outcomes).await;
    openapi::probe(&site, outcomes).await;
    limits::probe(&site, extras.limit_requests, outcomes).await;
    site.into_notes()
}
