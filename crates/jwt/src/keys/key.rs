//! A verification key, bound to one algorithm.

use std::{borrow::Cow, fmt};

use aws_lc_rs::digest::{Context, SHA256};
use palisade_core::Secret;
use palisade_internal::secret_strength;
use rustls_pki_types::pem::{PemObject as _, SectionKind};

use super::{material::Material, pem};
use crate::{
    algorithm::{Algorithm, Family},
    error::{InvalidToken, KeyError},
    token::{
        MAX_TOKEN_BYTES,
        header::Header,
        split::{CompactParts, base64url},
    },
};

/// A key that verifies tokens. It is bound to one algorithm and checked when it is made.
///
/// Pass it to [`Issuer::new`](crate::Issuer::new), alone or in a [`KeySet`](crate::KeySet). Weak
/// keys are refused: RSA under 2048 bits, and secrets shorter than the hash.
///
/// Its `Debug` shows the algorithm and the `kid`, never the key.
///
/// ```
/// use palisade_core::Secret;
/// use palisade_jwt::{Algorithm, KeyError, VerifyingKey};
///
/// # fn main() -> Result<(), KeyError> {
/// let secret = Secret::new(*b"an example of thirty-two bytes!!");
/// let key = VerifyingKey::from_secret(Algorithm::Hs256, &secret)?.with_kid("2026-11");
/// assert_eq!((key.algorithm(), key.kid()), (Algorithm::Hs256, Some("2026-11")));
/// assert!(!format!("{key:?}").contains("example"));
/// // Too short for the longer hash.
/// let weak = VerifyingKey::from_secret(Algorithm::Hs512, &secret);
/// assert_eq!(weak.err(), Some(KeyError::Weak));
/// # Ok(())
/// # }
/// ```
///
/// A public key in PEM form is accepted for the algorithm that it belongs to, and for no other:
///
/// ```
/// use palisade_jwt::{Algorithm, VerifyingKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let made = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
/// # let pem = made.public_key_pem();
/// let key = VerifyingKey::from_pem(Algorithm::Es256, &pem)?;
/// assert_eq!((key.algorithm(), key.kid()), (Algorithm::Es256, None));
/// assert!(VerifyingKey::from_pem(Algorithm::Rs256, &pem).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct VerifyingKey {
    /// Compared with `alg` of a token.
    algorithm: Algorithm,
    /// The id by which a token selects the key.
    kid: Option<Box<str>>,
    /// The key itself.
    material: Material,
    /// A digest of algorithm and key.
    fingerprint: [u8; 32],
    /// A secret of so few different bytes that it can be guessed.
    is_guessable: bool,
}

impl VerifyingKey {
    /// Creates a key from a shared secret, for `HS256`, `HS384` or `HS512`.
    ///
    /// A service that can verify with it can also sign. Prefer a public key for a service that only
    /// reads tokens.
    ///
    /// # Errors
    ///
    /// * [`KeyError::Weak`] if the secret is shorter than the hash (32, 48, 64 bytes) or has fewer
    ///   than eight different bytes.
    /// * [`KeyError::AlgorithmMismatch`] for an algorithm of another family.
    pub fn from_secret(algorithm: Algorithm, secret: &Secret) -> Result<Self, KeyError> {
        let key = Self::secret_of_a_set(algorithm, secret)?;
        match key.is_guessable {
            true => Err(KeyError::Weak),
            false => Ok(key),
        }
    }

    /// Makes a key of a secret in a JWK set. A repetitive secret can be read, to check a signature
    /// by hand; no verifier uses it.
    pub(crate) fn secret_of_a_set(algorithm: Algorithm, secret: &Secret) -> Result<Self, KeyError> {
        let material = Material::secret(algorithm, secret.expose())?;
        let mut key = Self::new(algorithm, material, &[secret.expose()]);
        key.is_guessable = secret_strength::is_repetitive(secret.expose());
        Ok(key)
    }

    /// Creates a key from PEM: `-----BEGIN PUBLIC KEY-----`, or `-----BEGIN RSA PUBLIC KEY-----`
    /// (PKCS #1) for an RSA algorithm.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if there is not exactly one such key, if it is not of the kind that the
    /// algorithm needs, too weak, or private; [`KeyError::Certificate`] names the command that
    /// takes the public key out of a certificate.
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        if pem::has(pem, "ENCRYPTED PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        // The reader knows no PKCS #1 section for public keys; what is inside says which of both it
        // is.
        let pem = match algorithm.family() {
            Family::Rsa => Cow::Owned(pem.replace(" RSA PUBLIC KEY-----", " PUBLIC KEY-----")),
            _ if pem::has(pem, "RSA PUBLIC KEY") => return Err(KeyError::AlgorithmMismatch),
            _ => Cow::Borrowed(pem),
        };
        let mut sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes());
        let (Some(Ok((kind, der))), None) = (sections.next(), sections.next()) else {
            return Err(match pem::has(&pem, "CERTIFICATE") {
                true => KeyError::Certificate, // A chain of several.
                false => KeyError::Malformed,
            });
        };
        match kind {
            SectionKind::Certificate => Err(KeyError::Certificate),
            SectionKind::EcPrivateKey | SectionKind::PrivateKey | SectionKind::RsaPrivateKey => {
                Err(KeyError::Private)
            }
            SectionKind::PublicKey => {
                let material = Material::public_key_info(algorithm, &der)?;
                Ok(Self::new(algorithm, material, &[&der]))
            }
            _ => Err(KeyError::Malformed),
        }
    }

    /// `parts` are the bytes that distinguish this key from all others.
    pub(crate) fn new(algorithm: Algorithm, material: Material, parts: &[&[u8]]) -> Self {
        let mut fingerprint = Context::new(&SHA256);
        fingerprint.update(algorithm.name().as_bytes());
        for part in parts {
            fingerprint.update(&(part.len() as u64).to_be_bytes());
            fingerprint.update(part);
        }
        Self {
            algorithm,
            kid: None,
            material,
            fingerprint: digest(fingerprint),
            is_guessable: false,
        }
    }

    /// Sets the key id (`kid`). Default: none.
    ///
    /// A token with this `kid` is verified with this key only. A key without an id is tried for
    /// tokens whose `kid` no other key of the set has.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<Box<str>>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// Returns the algorithm that the key is bound to.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the key id (`kid`), if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Verifies the signature of a compact serialisation (RFC 7515, 7.1) and returns the payload.
    /// Checks no claim: that is what [`Verifier`](crate::Verifier) is for.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::InvalidToken) if the header, the encoding, the algorithm or the
    /// signature is not right.
    pub fn verify_signature(&self, jws: &str) -> Result<Vec<u8>, InvalidToken> {
        let parts = CompactParts::split(jws, MAX_TOKEN_BYTES)?;
        let header = Header::read(&base64url(parts.header)?)?;
        let payload = base64url(parts.claims)?;
        if header.has_embedded_key {
            return Err(InvalidToken::EmbeddedKey);
        }
        if header.algorithm != self.algorithm {
            return Err(InvalidToken::AlgorithmMismatch);
        }
        match self.verifies(parts.signed.as_bytes(), &base64url(parts.signature)?) {
            true => Ok(payload),
            false => Err(InvalidToken::SignatureMismatch),
        }
    }

    pub(crate) const fn is_guessable(&self) -> bool {
        self.is_guessable
    }

    pub(crate) fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        self.material.verifies(message, signature)
    }
}

pub(super) fn digest(context: Context) -> [u8; 32] {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(context.finish().as_ref());
    fingerprint
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}
