//! The TLS handshake of a server, with or without client authentication.

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
};

use palisade_core::{ClientCertificate, SharedClock};
use rustls::{ServerConfig, server::danger::ClientCertVerifier};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use crate::tls::{
    certificates::{CHALLENGE_PROTOCOL, Certificates, is_challenge},
    client_auth::ClientAuth,
    profile::{Profile, challenge_config, server_config},
};

/// Does the handshakes of a server.
pub(crate) struct Acceptor {
    /// For servers without client authentication.
    anonymous: Arc<ServerConfig>,
    /// For the challenges of an authority, which has no certificate of ours. HTTP cannot be
    /// negotiated with it.
    challenge: Arc<ServerConfig>,
    client_auth: Option<(ClientAuth, RwLock<Verified>)>,
    profile: Profile,
}

/// Settings with client authentication, and the verifier that they were made with.
struct Verified {
    verifier: Arc<dyn ClientCertVerifier>,
    config: Arc<ServerConfig>,
}

impl Acceptor {
    /// Prepares the settings.
    ///
    /// # Errors
    ///
    /// The library has no usable version, or the system has no random bytes for ticket keys.
    pub(crate) fn new(
        certificates: &[Certificates],
        tls13_only: bool,
        client_auth: Option<ClientAuth>,
    ) -> Result<Self, rustls::Error> {
        let profile = Profile::new(certificates, tls13_only);
        let client_auth = client_auth.map(|client_auth| {
            let verified = Verified::new(&profile, &client_auth)?;
            Ok::<_, rustls::Error>((client_auth, RwLock::new(verified)))
        });
        Ok(Self {
            anonymous: server_config(&profile, None)?,
            challenge: challenge_config(&profile)?,
            client_auth: client_auth.transpose()?,
            profile,
        })
    }

    /// Does a handshake. Returns the stream, and the certificate of the client if it sent one.
    ///
    /// # Errors
    ///
    /// The handshake failed, or the certificate of the client is not accepted.
    pub(crate) async fn accept<S>(
        &self,
        socket: S,
    ) -> io::Result<(TlsStream<S>, Option<ClientCertificate>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), socket).await?;
        if is_challenge(&hello.client_hello()) {
            let stream = hello.into_stream(Arc::clone(&self.challenge)).await?;
            return Ok((only_challenge(stream)?, None));
        }
        let Some((client_auth, verified)) = &self.client_auth else {
            let stream = hello.into_stream(Arc::clone(&self.anonymous)).await?;
            return Ok((stream, None));
        };
        let config = self
            .current_settings(client_auth, verified)
            .map_err(io::Error::other)?;
        let stream = hello.into_stream(config).await?;
        let certificate = client_auth.identify(stream.get_ref().1)?;
        Ok((stream, certificate))
    }

    /// Returns the clock by which certificates of clients end. `None` if clients are not asked for
    /// one.
    pub(crate) fn client_clock(&self) -> Option<SharedClock> {
        let (client_auth, _) = self.client_auth.as_ref()?;
        Some(client_auth.clock())
    }

    /// Returns the settings with the current authorities. New ones have new keys of tickets, so
    /// that no session of a removed authority is resumed.
    fn current_settings(
        &self,
        client_auth: &ClientAuth,
        verified: &RwLock<Verified>,
    ) -> Result<Arc<ServerConfig>, rustls::Error> {
        let verifier = client_auth.verifier();
        {
            let held = verified.read().unwrap_or_else(PoisonError::into_inner);
            if Arc::ptr_eq(&held.verifier, &verifier) {
                return Ok(Arc::clone(&held.config));
            }
        }
        let new = Verified::new(&self.profile, client_auth)?;
        let config = Arc::clone(&new.config);
        *verified.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(config)
    }
}

/// Refuses a handshake that began as a challenge and ended as something else.
///
/// The settings were chosen by the first `ClientHello`. After a `HelloRetryRequest` (RFC 8446, section
/// 4.1.2) the second one counts, and a client could offer other protocols in it, or none.
fn only_challenge<S>(stream: TlsStream<S>) -> io::Result<TlsStream<S>> {
    match stream.get_ref().1.alpn_protocol() {
        Some(CHALLENGE_PROTOCOL) => Ok(stream),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            rustls::Error::NoApplicationProtocol,
        )),
    }
}

impl Verified {
    fn new(profile: &Profile, client_auth: &ClientAuth) -> Result<Self, rustls::Error> {
        let verifier = client_auth.verifier();
        Ok(Self {
            config: server_config(profile, Some((Arc::clone(&verifier), client_auth.time())))?,
            verifier,
        })
    }
}
