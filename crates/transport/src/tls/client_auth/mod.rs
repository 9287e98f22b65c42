//! Client authentication: which certificates of clients are accepted (mutual TLS).

mod builder;
mod files;
mod identity;
mod distinguished_name;

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use palisade_core::{ClientCertificate, SharedClock};
use rustls::{
    HandshakeKind, ServerConnection, pki_types::UnixTime, server::danger::ClientCertVerifier,
    time_provider::TimeProvider,
};

pub use self::builder::ClientAuthBuilder;
use self::files::Inputs;
use crate::tls::{certificates::Fingerprint, error::CertificateError};

/// Asks clients for a certificate, and checks it against authorities of the operator (RFC 8446,
/// section 4.3.2).
///
/// Give it to [`ServerBuilder::client_auth`](crate::server::ServerBuilder::client_auth). The server
/// puts a [`ClientCertificate`] into each request of a client that sent one.
///
/// - *Required* (default): a client without an accepted certificate gets no connection.
/// - [`optional`](ClientAuthBuilder::optional): it gets one, and single routes demand a certificate
///   with [`Rule::client_certificate`](palisade_core::Rule::client_certificate). A certificate that
///   is not accepted ends the handshake in both cases.
///
/// The files are read again every 30 seconds, as those of the server's own certificate. After a
/// change all clients do a full handshake. A resumed session keeps its identity, and its
/// certificate is checked again. Connections that are open stay open until the certificate of the
/// client ends: then they close as at
/// [`Limits::connection_age`](crate::server::Limits::connection_age), which bounds them earlier.
///
/// Use a private authority. A public one signs certificates for the whole world.
///
/// # Examples
///
/// ```
/// use palisade_transport::server::ClientAuth;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("clients.pem");
/// # let made = rcgen::generate_simple_self_signed(["clients".to_owned()])?;
/// # std::fs::write(&path, made.cert.pem())?;
/// let required = ClientAuth::from_pem_file(&path)?;
/// let optional = ClientAuth::builder(&path).optional().open()?;
/// assert!(required.is_required() && !optional.is_required());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct ClientAuth {
    inner: Arc<Inner>,
}

/// The state that clones share.
struct Inner {
    inputs: RwLock<Inputs>,
    clock: SharedClock,
    /// Checks the certificates of new connections and of resumed sessions.
    current: RwLock<Arc<dyn ClientCertVerifier>>,
    seen: Mutex<Seen>,
}

/// Digests of what was read.
struct Seen {
    /// The files in force.
    used: Fingerprint,
    /// Those that could not be used at the last check. They are reported once.
    refused: Option<Fingerprint>,
}

impl Seen {
    /// What was read is in force.
    fn using(used: Fingerprint) -> Self {
        Self {
            used,
            refused: None,
        }
    }
}

impl ClientAuth {
    /// Requires certificates that were signed by an authority of this PEM file.
    ///
    /// # Errors
    ///
    /// As [`ClientAuthBuilder::open`].
    pub fn from_pem_file(path: impl Into<std::path::PathBuf>) -> Result<Self, CertificateError> {
        Self::builder(path).open()
    }

    /// Starts to configure client authentication, with a PEM file of one or more authorities.
    pub fn builder(authorities: impl Into<std::path::PathBuf>) -> ClientAuthBuilder {
        ClientAuthBuilder::of(files::Input::File(authorities.into()))
    }

    /// Starts to configure client authentication, with authorities in PEM from memory.
    pub fn pem_builder(authorities: &[u8]) -> ClientAuthBuilder {
        ClientAuthBuilder::of(files::Input::Memory(authorities.into()))
    }

    /// Returns whether a client without a certificate is refused during the handshake.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.verifier().client_auth_mandatory()
    }

    /// Checks the files now. Returns whether they changed.
    ///
    /// A running server calls it every 30 seconds.
    ///
    /// # Errors
    ///
    /// The new files cannot be used. The old ones stay in force, and the same problem is returned
    /// once.
    pub fn refresh(&self) -> Result<bool, CertificateError> {
        let refreshed = self.read_again();
        match &refreshed {
            Ok(false) => {}
            Ok(true) => tracing::info!("the authorities of clients or their lists changed"),
            Err(error) => tracing::warn!(
                %error,
                "the files of client authentication changed and cannot be used; the old ones stay"
            ),
        }
        refreshed
    }

    /// What cannot be used is tried again each time: a list that has expired by a wrong clock is
    /// usable when the clock is right.
    fn read_again(&self) -> Result<bool, CertificateError> {
        let mut seen = self.seen();
        let read = self.inputs().read();
        let found = match &read {
            Ok(contents) => contents.fingerprint(),
            // A file that went away is reported once as well.
            Err(error) => Fingerprint::of(error.to_string().as_bytes()),
        };
        if found == seen.used {
            seen.refused = None;
            return Ok(false);
        }
        let now = self.inner.clock.unix_time();
        match read.and_then(|contents| contents.verifier(now)) {
            Ok(verifier) => {
                self.show(verifier);
                *seen = Seen::using(found);
                Ok(true)
            }
            Err(_) if seen.refused == Some(found) => Ok(false),
            Err(error) => {
                seen.refused = Some(found);
                Err(error)
            }
        }
    }

    /// Uses the files of another value from now on. For a new configuration that names other files.
    /// Clones change too, and all clients do a full handshake.
    pub fn replace(&self, other: &Self) {
        // One lock at a time: two values may replace each other.
        let (inputs, verifier) = (other.inputs(), other.verifier());
        let used = other.seen().used;
        let mut seen = self.seen();
        *self
            .inner
            .inputs
            .write()
            .unwrap_or_else(PoisonError::into_inner) = inputs;
        self.show(verifier);
        *seen = Seen::using(used);
    }

    /// Returns who the client of a connection is, after its handshake. `None` if it sent no
    /// certificate, where that is allowed.
    ///
    /// The certificate of a resumed session was checked in an earlier handshake, up to twelve hours
    /// ago. So it is checked again.
    ///
    /// # Errors
    ///
    /// The certificate of a resumed session is not accepted any more, or it cannot be parsed.
    pub(in crate::tls) fn identify(
        &self,
        connection: &ServerConnection,
    ) -> io::Result<Option<ClientCertificate>> {
        let refused = |error: rustls::Error| io::Error::new(io::ErrorKind::InvalidData, error);
        let verifier = self.verifier();
        let chain = connection.peer_certificates().unwrap_or_default();
        let Some((leaf, above)) = chain.split_first() else {
            return match verifier.client_auth_mandatory() {
                true => Err(refused(rustls::Error::NoCertificatesPresented)),
                false => Ok(None),
            };
        };
        if connection.handshake_kind() == Some(HandshakeKind::Resumed) {
            let now = UnixTime::since_unix_epoch(self.inner.clock.unix_time());
            let verified = verifier.verify_client_cert(leaf, above, now);
            verified.map_err(refused)?;
        }
        let bad = || refused(rustls::CertificateError::BadEncoding.into());
        identity::read(leaf).map(Some).ok_or_else(bad)
    }

    /// Returns what checks certificates now. Another value after each change of the files.
    pub(in crate::tls) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        // The lock protects one pointer, which is valid after any panic.
        let current = self.inner.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the clock by which certificates end.
    pub(in crate::tls) fn clock(&self) -> SharedClock {
        self.inner.clock.clone()
    }

    /// Returns the clock of the handshakes.
    pub(in crate::tls) fn time(&self) -> Arc<dyn TimeProvider> {
        Arc::new(HandshakeTime(self.inner.clock.clone()))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        let seen = self.inner.seen.lock();
        seen.unwrap_or_else(PoisonError::into_inner)
    }

    fn inputs(&self) -> Inputs {
        let inputs = self.inner.inputs.read();
        inputs.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn show(&self, verifier: Arc<dyn ClientCertVerifier>) {
        let current = self.inner.current.write();
        *current.unwrap_or_else(PoisonError::into_inner) = verifier;
    }
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAuth")
            .field("inputs", &self.inputs())
            .finish_non_exhaustive()
    }
}

/// Gives rustls the time of a [`SharedClock`].
struct HandshakeTime(SharedClock);

impl TimeProvider for HandshakeTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.0.unix_time()))
    }
}

impl fmt::Debug for HandshakeTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandshakeTime")
    }
}
