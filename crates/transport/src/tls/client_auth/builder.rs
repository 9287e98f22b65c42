//! The choices of client authentication: authorities, revocation, required or optional.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, RwLock},
};

use palisade_core::{SharedClock, SystemClock};

use super::{
    ClientAuth, Inner, Seen,
    files::{Input, Inputs},
};
use crate::tls::error::CertificateError;

/// Configures [`ClientAuth`]. Made by [`ClientAuth::builder`] and [`ClientAuth::pem_builder`].
///
/// | choice | default |
/// |---|---|
/// | [`authority_file`](Self::authority_file) | only the first file |
/// | [`revocation_list_file`](Self::revocation_list_file) | revocation is not checked |
/// | [`optional`](Self::optional) | every client needs a certificate |
/// | [`clock`](Self::clock) | the system clock |
///
/// # Examples
///
/// ```no_run
/// use palisade_transport::server::{ClientAuth, Server};
///
/// let clients = ClientAuth::builder("/etc/tls/clients.pem")
///     .revocation_list_file("/etc/tls/clients.crl")
///     .optional()
///     .open()?;
/// # let certificates = palisade_transport::server::Certificates::from_pem_files("a", "b")?;
/// let server = Server::builder()
///     .listen("0.0.0.0:443".parse()?)
///     .tls(certificates)
///     .client_auth(clients);
/// # drop(server);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct ClientAuthBuilder {
    inputs: Inputs,
    clock: SharedClock,
}

impl ClientAuthBuilder {
    pub(super) fn of(authorities: Input) -> Self {
        Self {
            inputs: Inputs {
                authorities: vec![authorities],
                revocation_lists: Vec::new(),
                is_required: true,
            },
            clock: SystemClock::shared(),
        }
    }

    /// Adds a PEM file of authorities, at most 1 MiB. May be called several times.
    ///
    /// Each authority can issue a certificate with any name: nothing binds a name to one of them. So
    /// add only authorities that may certify every client, or find clients by
    /// [`ClientCertificate::sha256`](palisade_core::ClientCertificate::sha256).
    pub fn authority_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.authorities.push(Input::File(path.into()));
        self
    }

    /// Adds a file with revocation lists, in PEM or DER, at most 16 MiB. May be called several
    /// times.
    ///
    /// With any list, each certificate of a client's chain needs the list of its issuer: without
    /// it, or with one that has expired, the client is refused. Default: no list, and revocation is
    /// not checked.
    pub fn revocation_list_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.revocation_lists.push(Input::File(path.into()));
        self
    }

    /// Accepts clients without a certificate. Default: they are refused during the handshake.
    ///
    /// Routes that need one demand it with
    /// [`Rule::client_certificate`](palisade_core::Rule::client_certificate).
    pub fn optional(mut self) -> Self {
        self.inputs.is_required = false;
        self
    }

    /// Sets the clock that decides whether certificates and lists are valid. Default: the system
    /// clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Reads all files.
    ///
    /// # Errors
    ///
    /// - [`CertificateError::File`] if one cannot be read;
    /// - [`CertificateError::Unreadable`] if it holds something else, or nothing;
    /// - [`CertificateError::Expired`] if a revocation list has expired.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::{CertificateError, ClientAuth};
    ///
    /// let error = ClientAuth::pem_builder(b"no certificate").open().unwrap_err();
    /// assert!(matches!(error, CertificateError::Unreadable { .. }));
    /// ```
    pub fn open(self) -> Result<ClientAuth, CertificateError> {
        let contents = self.inputs.read()?;
        let verifier = contents.verifier(self.clock.unix_time())?;
        Ok(ClientAuth {
            inner: Arc::new(Inner {
                inputs: RwLock::new(self.inputs),
                clock: self.clock,
                current: RwLock::new(verifier),
                seen: Mutex::new(Seen::using(contents.fingerprint())),
            }),
        })
    }
}

impl std::fmt::Debug for ClientAuthBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientAuthBuilder")
            .field("inputs", &self.inputs)
            .finish_non_exhaustive()
    }
}
