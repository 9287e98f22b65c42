//! Whether a key is needed, verified, and accepted where it should not be.
//!
//! The key is sent only over TLS with a certificate that usual clients accept, or to this machine: a check
//! must not give it to another server.
//!
//! # Order
//!
//! 1. Without a key: is one demanded? Decides `keyless-access`.
//! 2. May the key be sent to this service? If not, the other rules are skipped with the reason.
//! 3. The key in its header. If the service does not accept it, the other rules are skipped: a
//!    wrong key shows nothing.
//! 4. The key with another last character. Decides `any-key-accepted`.
//! 5. The key in the URL. Decides `key-in-url`.
//!
//! The key is in no report and in no message. Header values with it are marked as sensitive, so
//! that the debug output of the HTTP library hides them as well.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue, header::AUTHORIZATION};
use palisade_core::Secret;

use super::Site;
use crate::{
    check::{
        client::{ProbeRequest, ProbeResponse},
        outcome::Outcomes,
        rules::access::{ANY_KEY_ACCEPTED, KEY_IN_URL, KEYLESS_ACCESS},
    },
    failure::Failure,
};

/// Names of query parameters under which services accept keys.
const URL_NAMES: &[&str] = &["api_key", "apikey", "key", "access_token", "token"];
/// The header that is tried if the credential is not accepted as a bearer token.
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// A key and where it goes.
pub(crate) struct Credential {
    /// Wiped from memory when the command ends.
    secret: Secret,
    /// The header of `--key-header`.
    header: Option<HeaderName>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Credential {
    /// Takes a key. Without a header it is tried as a bearer token, then in `X-API-Key`.
    ///
    /// Fails if the key is empty or cannot be a header value.
    ///
    /// # Errors
    ///
    /// Fails if the key has fewer than four characters, or a character that is not visible ASCII.
    /// Shorter texts would be hidden in the report wherever they occur by chance.
    pub(crate) fn new(secret: Secret, header: Option<HeaderName>) -> Result<Self, Failure> {
        let credential = Self { secret, header };
        let is_key =
            |text: &str| text.len() > 3 && text.bytes().all(|byte| byte.is_ascii_graphic());
        match credential.key_text() {
            Some(text) if is_key(text) => Ok(credential),
            _ => Err(Failure::new(
                "the key is not one word of visible ASCII characters",
            )),
        }
    }

    /// The key as text.
    ///
    /// `None` if it is not UTF-8. [`new`](Self::new) refuses such a key.
    pub(crate) fn key_text(&self) -> Option<&str> {
        std::str::from_utf8(self.secret.expose()).ok()
    }

    /// The headers to try, in their order.
    ///
    /// `Authorization` gets the scheme `Bearer` (RFC 6750); every other header the key alone.
    fn headers_to_try(&self, key: &str) -> Vec<(HeaderName, HeaderValue)> {
        let names = match &self.header {
            Some(name) => vec![name.clone()],
            None => vec![AUTHORIZATION, X_API_KEY],
        };
        let header = |name: HeaderName| {
            let text = match name == AUTHORIZATION {
                true => format!("Bearer {key}"),
                false => key.to_owned(),
            };
            let mut value = HeaderValue::try_from(text).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        };
        names.into_iter().filter_map(header).collect()
    }
}

/// Decides the rules about keys. `certificate` says whether a usual client would accept it.
pub(super) async fn probe(
    site: &mut Site<'_>,
    credential: Option<&Credential>,
    certificate: Result<(), String>,
    outcomes: &mut Outcomes,
) {
    check_without_key(site, outcomes);
    let of_keys = [&ANY_KEY_ACCEPTED, &KEY_IN_URL];
    let Some((credential, key)) = credential.and_then(|one| Some((one, one.key_text()?))) else {
        outcomes.skip_all(&of_keys, "no key was given; --key FILE gives one");
        return;
    };
    if let Err(why) = may_be_sent(certificate, site.client.address()) {
        outcomes.skip_all(&of_keys, format!("the key was not sent: {why}"));
        return;
    }
    if let Err(status) = try_headers(site, credential, key).await {
        outcomes.skip_all(&of_keys, format!("the key is not accepted: {status}"));
        return;
    }
    if !site.demands_key() {
        if site
            .base
            .as_ref()
            .is_ok_and(|base| base.status.is_success())
        {
            outcomes.record_finding(
                &KEYLESS_ACCESS,
                "the key changes nothing: the address works without it",
            );
        }
        outcomes.skip_all(&of_keys, "the address works without a key");
        return;
    }
    check_altered_key(site, credential, key, outcomes).await;
    in_url(site, key, outcomes).await;
}

/// Whether the key can be sent: no one else can read it, or it does not leave this machine.
///
/// A loopback address is allowed with any certificate and without TLS: the bytes do not leave the
/// machine. For all other addresses the result of the certificate decides.
fn may_be_sent(certificate: Result<(), String>, address: Option<IpAddr>) -> Result<(), String> {
    match address {
        Some(address) if address.is_loopback() => Ok(()),
        _ => certificate,
    }
}

/// Decides from the response without a key.
///
/// A status that is neither a success nor 401, 403 or 407 shows nothing about keys, so the rule is
/// then skipped.
fn check_without_key(site: &Site<'_>, outcomes: &mut Outcomes) {
    match &site.base {
        Ok(base) if site.demands_key() => {
            debug_assert!(!base.status.is_success());
            outcomes.record_pass(&KEYLESS_ACCESS);
        }
        Ok(base) if base.status.is_success() && !base.is_page() => {
            let media_type = base.media_type();
            outcomes.record_finding(
                &KEYLESS_ACCESS,
                format!("{}, {media_type}", base.summary_line()),
            );
        }
        Ok(base) if base.status.is_success() => {
            let why = "the address is a page; give the URL of a call, with its query";
            outcomes.record_skipped(&KEYLESS_ACCESS, why);
        }
        Ok(base) => {
            let why = format!("{}; give the URL of a call that works", base.summary_line());
            outcomes.record_skipped(&KEYLESS_ACCESS, why);
        }
        Err(problem) => outcomes.record_skipped(&KEYLESS_ACCESS, problem),
    }
}

/// Finds the header in which the key works, and keeps it for other probes.
///
/// # Errors
///
/// The error is the last response or problem, for the report.
async fn try_headers(
    site: &mut Site<'_>,
    credential: &Credential,
    key: &str,
) -> Result<(), String> {
    let mut last = "nothing was sent".to_owned();
    for (name, value) in credential.headers_to_try(key) {
        let ask = ProbeRequest::get(site.target.path_and_query())
            .with_header(name.clone(), value.clone());
        match site.send_request(ask).await {
            Ok(response) if is_accepted(&response) => {
                site.use_key(name, value, response);
                return Ok(());
            }
            Ok(response) => last = response.summary_line(),
            Err(problem) => last = problem.to_string(),
        }
    }
    Err(last)
}

/// A key is accepted if the service worked with the request, whatever it thinks of its content.
///
/// A success status, or 422: the service read the credential and then checked the content.
fn is_accepted(response: &ProbeResponse) -> bool {
    response.status.is_success() || response.status.as_u16() == 422
}

/// Sends the key with its last character changed.
///
/// The last character becomes `A`, or `B` if it was `A`. For keys with a checksum this is a
/// malformed key, for others a wrong one. Both must be refused. In each header that is tried for
/// the real key, one request is sent.
async fn check_altered_key(
    site: &Site<'_>,
    credential: &Credential,
    key: &str,
    outcomes: &mut Outcomes,
) {
    let mut wrong = key.to_owned();
    let last = wrong.pop();
    wrong.push(if last == Some('A') { 'B' } else { 'A' });
    for (name, value) in credential.headers_to_try(&wrong) {
        let ask = ProbeRequest::get(site.target.path_and_query()).with_header(name.clone(), value);
        match site.send_request(ask).await {
            Ok(response) if is_accepted(&response) => {
                let seen = format!(
                    "{}: the key with another last character → {}",
                    name,
                    response.status.as_u16()
                );
                outcomes.record_finding(&ANY_KEY_ACCEPTED, seen);
            }
            Ok(_) => outcomes.record_pass(&ANY_KEY_ACCEPTED),
            Err(problem) => outcomes.record_skipped(&ANY_KEY_ACCEPTED, problem),
        }
    }
}

/// Sends the key in the query, under all names at once. Only if that works, each name is tried alone.
///
/// The key is percent-encoded byte by byte. The first request saves four others in the usual case,
/// in which no name is accepted.
async fn in_url(site: &Site<'_>, key: &str, outcomes: &mut Outcomes) {
    let key: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let with = |names: &[&str]| {
        let pairs = names.iter().map(|name| format!("{name}={key}"));
        let own = Some(site.target.query.clone()).filter(|query| !query.is_empty());
        let query = own.into_iter().chain(pairs).collect::<Vec<_>>().join("&");
        ProbeRequest::get(format!("{}?{query}", site.target.path))
    };
    match site.send_request(with(URL_NAMES)).await {
        Ok(response) if is_accepted(&response) => {
            let mut accepted = Vec::new();
            for name in URL_NAMES {
                let response = site.send_request(with(&[*name])).await;
                accepted.extend(
                    response
                        .is_ok_and(|response| is_accepted(&response))
                        .then_some(*name),
                );
            }
            outcomes.record_finding(
                &KEY_IN_URL,
                format!("accepted as ?{}=…", accepted.join("=…, ?")),
            );
        }
        Ok(_) => outcomes.record_pass(&KEY_IN_URL),
        Err(problem) => outcomes.record_skipped(&KEY_IN_URL, problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leaves_this_machine_only_over_a_trusted_connection() {
        let broken = || Err("not trusted".to_owned());
        let far = "203.0.113.7".parse().ok();
        let near = "127.0.0.1".parse().ok();
        assert!(may_be_sent(broken(), far).is_err());
        assert!(may_be_sent(broken(), None).is_err());
        assert!(may_be_sent(Ok(()), far).is_ok());
        assert!(may_be_sent(broken(), near).is_ok());
    }

    #[test]
    fn a_key_that_is_no_header_value_is_refused() {
        let credential = |key: &str| Credential::new(Secret::new(key.as_bytes()), None);
        for wrong in ["", "abc", "two words", "line\nbreak", "schlüssel"] {
            assert!(credential(wrong).is_err(), "{wrong}");
        }
        let credential = credential("a-good-key").unwrap();
        assert!(!format!("{credential:?}").contains("a-good-key"));
    }
}
