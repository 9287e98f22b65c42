//! Responses to the challenges of the authority, in this process and for others.
//!
//! A response is kept in memory and in a file of the cache. So the authority may reach any process
//! that shares the cache, and a command can order a certificate while the server responds.

mod self_check;
mod stale;
mod tls_alpn;

use std::{
    collections::HashMap,
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use palisade_internal::{hex, http_challenge::is_challenge_token, private_file};
use rustls::sign::CertifiedKey;

pub(super) use self::self_check::SelfCheck;
use super::{AcmeError, domains};
use crate::tls::folders;

/// The largest file with a response, in bytes. A key authorization has about 90.
const MAX_RESPONSE: u64 = 1024;

/// How the authority checks that a name belongs to this server.
///
/// | | `tls-alpn-01` | `http-01` |
/// |---|---|---|
/// | port | 443 | 80 |
/// | needs | TLS that ends at this server | a listener without TLS, or a proxy that passes the path on |
/// | through a proxy that terminates TLS | no | yes |
///
/// # Examples
///
/// ```
/// use palisade_transport::server::ChallengeKind;
///
/// assert_eq!(ChallengeKind::default(), ChallengeKind::TlsAlpn01);
/// assert_eq!(ChallengeKind::Http01.as_str(), "http-01");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChallengeKind {
    /// `http-01`: a file on port 80, in clear (RFC 8555, section 8.3). Needs a listener without
    /// TLS with a [`ChallengeLayer`](crate::server::ChallengeLayer).
    Http01,
    /// `tls-alpn-01`: a TLS handshake on port 443 (RFC 8737). The default: the server answers it
    /// itself, and needs no other port. Not for servers behind a proxy that terminates TLS.
    #[default]
    TlsAlpn01,
}

impl ChallengeKind {
    /// Returns the name of the challenge, such as `http-01`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::TlsAlpn01 => "tls-alpn-01",
        }
    }
}

impl From<ChallengeKind> for instant_acme::ChallengeType {
    fn from(kind: ChallengeKind) -> Self {
        match kind {
            ChallengeKind::Http01 => Self::Http01,
            ChallengeKind::TlsAlpn01 => Self::TlsAlpn01,
        }
    }
}

/// Responses that are published now. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Challenges {
    shared: Arc<Shared>,
}

/// What clones share.
#[derive(Debug)]
struct Shared {
    /// In the cache: `challenges/`.
    folder: PathBuf,
    /// The names of certificates; challenges of other names are not looked up.
    domains: Vec<String>,
    /// By file name.
    responses: Mutex<HashMap<String, String>>,
}

/// A published response. Dropping it removes the response.
#[derive(Debug)]
pub(crate) struct Published {
    shared: Arc<Shared>,
    /// The file name, which is also the key in memory.
    name: String,
}

impl Challenges {
    /// Nothing is published yet. `domains` are in lower case.
    pub(super) fn new(folder: PathBuf, domains: Vec<String>) -> Self {
        let responses = Mutex::default();
        Self {
            shared: Arc::new(Shared {
                folder,
                domains,
                responses,
            }),
        }
    }

    /// Publishes the response to http-01: the key authorization under its token.
    ///
    /// Other processes respond as soon as the file is there.
    ///
    /// # Errors
    ///
    /// The token has not the [form](is_challenge_token) of one, or the file cannot be written.
    pub(crate) fn publish_http(
        &self,
        token: &str,
        key_authorization: &str,
    ) -> Result<Published, AcmeError> {
        // The authority chose the token, and it names a file.
        if !is_challenge_token(token) {
            return Err(AcmeError::Authority {
                problem: "the token of the challenge is not base64url of at least 128 bits".into(),
                retry_after: None,
            });
        }
        self.publish(http_name(token), key_authorization.to_owned())
    }

    /// Publishes the response to tls-alpn-01: a digest for a host.
    ///
    /// The certificate with the digest is made when a handshake asks for it, by any process: only the
    /// digest is in the file, and no key.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn publish_tls(&self, domain: &str, digest: &[u8]) -> Result<Published, AcmeError> {
        self.publish(tls_name(domain), hex::encode(digest))
    }

    /// File first, memory second: if the file fails, nothing is published.
    fn publish(&self, name: String, response: String) -> Result<Published, AcmeError> {
        let path = self.shared.folder.join(&name);
        folders::demand_folder(&self.shared.folder)
            .and_then(|()| private_file::replace_unlinked(&path, response.as_bytes()))
            .map_err(|source| AcmeError::cache(&path, source))?;
        self.shared.lock().insert(name.clone(), response);
        let shared = Arc::clone(&self.shared);
        Ok(Published { shared, name })
    }

    /// Returns the key authorization of a token, if an order of this process is in progress.
    pub(crate) fn http_response_in_memory(&self, token: &str) -> Option<String> {
        self.shared.lock().get(&http_name(token)).cloned()
    }

    /// Returns the key authorization of a token, if an order of this or another process is in
    /// progress. Reads a file of a token that is not in memory, so it may block.
    pub(crate) fn http_response(&self, token: &str) -> Option<String> {
        is_challenge_token(token).then(|| self.shared.find(&http_name(token)))?
    }

    /// Returns the certificate that responds to tls-alpn-01 for a host. An address is asked for by its
    /// name in the reverse zone, and is in the certificate as an address (RFC 8738). Reads a file of some bytes,
    /// so it may block for a short time.
    pub(crate) fn certificate(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        let host = host.to_ascii_lowercase();
        let mut domains = self.shared.domains.iter();
        let domain = domains.find(|domain| domains::server_name(domain) == host)?;
        let digest = self.shared.find(&tls_name(domain))?;
        tls_alpn::certificate(domain, &digest).map(Arc::new)
    }

    /// Removes responses that a crashed process left. Called with the lock of the cache, so no
    /// other order is in progress.
    pub(super) fn remove_stale(&self) {
        if let Err(error) = stale::remove(&self.shared.folder) {
            tracing::debug!(%error, "old responses to challenges cannot be removed");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.responses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory first, so that the process with the order needs no disk.
    fn find(&self, name: &str) -> Option<String> {
        let found = self.lock().get(name).cloned();
        found.or_else(|| self.read(name).ok())
    }

    /// A link is not followed, and at most 1 KiB is read: the folder may be shared.
    fn read(&self, name: &str) -> io::Result<String> {
        let file = private_file::open_unlinked(&self.folder.join(name))?;
        private_file::read_to_string(&file, MAX_RESPONSE)
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        self.shared.lock().remove(&self.name);
        let _ = fs::remove_file(self.shared.folder.join(&self.name));
    }
}

/// The file of a response to http-01.
fn http_name(token: &str) -> String {
    format!("http-{token}")
}

/// The file of a response to tls-alpn-01. The host was checked by the builder, so it names no other
/// folder.
fn tls_name(domain: &str) -> String {
    format!("tls-{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ";

    fn challenges(folder: &tempfile::TempDir) -> Challenges {
        Challenges::new(folder.path().to_owned(), vec!["a.example".to_owned()])
    }

    #[test]
    fn another_process_responds_too_until_the_order_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (challenges(&folder), challenges(&folder));
        let http = here.publish_http(TOKEN, "token.thumb").unwrap();
        let tls = here.publish_tls("a.example", &[7; 32]).unwrap();
        for process in [&here, &there] {
            assert_eq!(process.http_response(TOKEN).unwrap(), "token.thumb");
            assert_eq!(process.http_response("another-token-of-its-form"), None);
            assert!(process.certificate("A.example").is_some());
            assert!(process.certificate("b.example").is_none());
        }
        drop((http, tls));
        for process in [&here, &there] {
            assert_eq!(process.http_response(TOKEN), None);
            assert!(process.certificate("a.example").is_none());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_token_never_leaves_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        let challenges = challenges(&folder);
        for token in [
            "",
            "../secret",
            "a/../../secret",
            "a.b",
            "%2e%2e",
            "a-token-of-21-letters",
            &"a".repeat(129),
        ] {
            assert!(challenges.publish_http(token, "x").is_err(), "{token}");
            assert_eq!(challenges.http_response(token), None, "{token}");
        }
    }

    #[test]
    fn responses_of_a_crashed_process_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let challenges = challenges(&folder);
        std::mem::forget(challenges.publish_http(TOKEN, "x").unwrap());
        self::challenges(&folder).remove_stale();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
