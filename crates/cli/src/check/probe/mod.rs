//! The probes: each sends a few requests and decides some rules.
//!
//! They run one after the other, in the order of [`run`], so that two checks of one service send the same
//! requests. Only the slow connection waits beside the others. What is destructive is never sent: no PUT,
//! no PATCH, no DELETE; the one POST has a body that no parser accepts.

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
    pub(crate) http_port: Option<u16>,
    /// The number of requests that look for a limit.
    pub(crate) limit_requests: Option<u32>,
    /// How long a request without an end is kept open.
    pub(crate) slow: Option<Duration>,
    /// The time since 1970, for certificates.
    pub(crate) now: Duration,
}

/// Runs all probes. The service must have accepted a connection before.
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

async fn all_others(
    client: &Client,
    target: &Target,
    extras: &Extras,
    outcomes: &mut Outcomes,
) -> Vec<String> {
    let certificate = tls_versions::probe(client, target, extras.now, outcomes).await;
    let mut site = Site::visit(client, target).await;
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
