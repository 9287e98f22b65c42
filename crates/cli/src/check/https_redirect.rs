//! Whether port 80 only redirects to HTTPS of the same host.
//!
//! ```text
//! GET /tts HTTP/1.1        HTTP/1.1 308 Permanent Redirect
//! Host: voice.example      Location: https://voice.example/tts
//! ```
//!
//! Then HTTPS is checked in its place, and port 80 by the rules for ports without TLS.

use http::Uri;

use super::{
    client::{Client, ProbeRequest},
    target::{self, Target},
};

/// The address over HTTPS, if the usual port 80 only redirects there.
///
/// A stranger who types the name without a scheme arrives in this way. Another host is never taken.
///
/// Only an address with `http://` and port 80 is asked. The location must be a redirect to `https`,
/// port 443 and the same host. The path and query of the user are kept, not those of the location.
/// All else gives `None`, and the address is checked as it was given.
pub(super) async fn leads_to_https(client: &Client, target: &Target) -> Option<Target> {
    if target.tls || target.port != target::default_port(false) {
        return None;
    }
    let response = client
        .send(target, ProbeRequest::get(target.path_and_query()))
        .await
        .ok()?;
    let location: Uri = response.header("location")?.parse().ok()?;
    let is_it = response.status.is_redirection()
        && location.scheme_str() == Some("https")
        && location
            .port_u16()
            .is_none_or(|port| port == target::default_port(true))
        && location
            .host()
            .is_some_and(|host| host.eq_ignore_ascii_case(&target.host));
    let mut secure = target.with_port(true, target::default_port(true));
    secure.path.clone_from(&target.path);
    secure.query.clone_from(&target.query);
    is_it.then_some(secure)
}
