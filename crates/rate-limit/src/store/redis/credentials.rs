//! What a connection needs besides the address: passwords and certificates.

use palisade_core::Secret;

use super::RedisStoreBuildError;
#[cfg(feature = "redis-tls")]
use super::address::Address;

/// The passwords that are not in the address.
#[derive(Clone, Debug, Default)]
pub(super) struct Credentials {
    /// That of the servers. It takes the place of the one in the address.
    pub(super) password: Option<Secret>,
    /// The user at the sentinels. It needs the password too.
    pub(super) sentinel_user: Option<Box<str>>,
    /// The password at the sentinels, which may differ from that of the servers.
    pub(super) sentinel_password: Option<Secret>,
}

impl Credentials {
    /// Checks the passwords, and that those of the sentinels have sentinels.
    ///
    /// # Errors
    ///
    /// A password is empty or not UTF-8, or there are no sentinels for it.
    pub(super) fn check(&self, url: &Secret) -> Result<(), RedisStoreBuildError> {
        let passwords = [&self.password, &self.sentinel_password];
        let wrong = |password: &Secret| text(password).is_none_or(str::is_empty);
        if passwords.into_iter().flatten().any(wrong) {
            return Err(RedisStoreBuildError::InvalidPassword);
        }
        let is_sentinel = text(url).is_some_and(|url| {
            ["redis-sentinel://", "rediss-sentinel://"]
                .iter()
                .any(|scheme| url.starts_with(scheme))
        });
        let is_set = self.sentinel_user.is_some() || self.sentinel_password.is_some();
        if is_set && (!is_sentinel || self.sentinel_password.is_none()) {
            return Err(RedisStoreBuildError::UnusedSentinelCredentials);
        }
        Ok(())
    }

    /// Returns the password of the servers as text. `None`: that of the address, or none.
    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_ref().and_then(text)
    }
}

/// Returns a secret as text. `None` if it is not UTF-8.
pub(super) fn text(secret: &Secret) -> Option<&str> {
    std::str::from_utf8(secret.expose()).ok()
}

/// What is needed for TLS beyond the address, in PEM form.
#[derive(Clone, Debug, Default)]
#[cfg_attr(not(feature = "redis-tls"), allow(dead_code))] // Read where TLS is there.
pub(super) struct TlsFiles {
    /// The authority that signed the server's certificate. `None`: those of the system.
    pub(super) root: Option<Vec<u8>>,
    /// The certificate and the private key that this node shows.
    pub(super) client: Option<(Vec<u8>, Secret)>,
}

#[cfg(feature = "redis-tls")]
impl TlsFiles {
    /// Checks that both certificates are in PEM form, and that the address is one with TLS. An
    /// address that is malformed is another error.
    ///
    /// # Errors
    ///
    /// A certificate is not in PEM form, or the address has no TLS.
    pub(super) fn check(&self, url: &Secret) -> Result<(), RedisStoreBuildError> {
        let is_set = self.root.is_some() || self.client.is_some();
        let in_clear = || {
            text(url)
                .and_then(Address::parse)
                .is_some_and(|(_, tls)| !tls)
        };
        if is_set && in_clear() {
            return Err(RedisStoreBuildError::UnusedCertificates);
        }
        let missing = |pem: Option<&Vec<u8>>| pem.is_some_and(|pem| !holds_certificate(pem));
        if missing(self.root.as_ref()) {
            return Err(RedisStoreBuildError::InvalidRootCertificate);
        }
        if missing(self.client.as_ref().map(|(certificate, _)| certificate)) {
            return Err(RedisStoreBuildError::InvalidClientCertificate);
        }
        Ok(())
    }

    /// Returns the certificates in the library's form, and chooses the cryptography of TLS.
    pub(super) fn certificates(&self) -> redis::TlsCertificates {
        use rustls::crypto::{CryptoProvider, aws_lc_rs};
        if CryptoProvider::get_default().is_none() {
            // Where several are compiled in, rustls would not choose one but panic. If another
            // thread was first, its choice stands.
            let _ = aws_lc_rs::default_provider().install_default();
        }
        let client_tls = self
            .client
            .as_ref()
            .map(|(certificate, key)| redis::ClientTlsConfig {
                client_cert: certificate.clone(),
                client_key: key.expose().to_vec(),
            });
        redis::TlsCertificates {
            client_tls,
            root_cert: self.root.clone(),
        }
    }
}

/// An empty list of authorities would be accepted, and would silently trust no server.
#[cfg(feature = "redis-tls")]
fn holds_certificate(pem: &[u8]) -> bool {
    String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----")
}
