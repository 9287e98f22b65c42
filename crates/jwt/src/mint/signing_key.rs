//! Keys that sign tokens.

use std::fmt;

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::{self, SystemRandom},
    rsa::{KeyPair as RsaKeyPair, KeySize, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{EncodingKey, crypto::aws_lc};
use palisade_core::Secret;
use rustls_pki_types::pem::{PemObject as _, SectionKind};
use serde_json::{Value, json};

use crate::{
    algorithm::{Algorithm, Family},
    error::KeyError,
    keys::{JwksReader, VerifyingKey, pem, thumbprint, translate},
};

/// A key that signs tokens. Its `Debug` shows the algorithm and the `kid`, never the key.
///
/// # Examples
///
/// ```
/// use palisade_jwt::{Algorithm, mint::SigningKey};
///
/// let key = SigningKey::generate(Algorithm::Es256)?;
/// let debug = format!("{key:?}");
/// assert!(debug.contains("Es256"), "{debug}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    /// Signs.
    key: EncodingKey,
    /// Verifies; it also has the algorithm and the `kid`.
    verifying: VerifyingKey,
    /// The public half as JWK members; nothing for a secret, which has none.
    public: Option<Value>,
}

impl SigningKey {
    /// Takes a shared secret, for `HS256`, `HS384` or `HS512`.
    ///
    /// # Errors
    ///
    /// As [`VerifyingKey::from_secret`].
    pub fn from_secret(algorithm: Algorithm, secret: &Secret) -> Result<Self, KeyError> {
        Ok(Self {
            key: EncodingKey::from_secret(secret.expose()),
            verifying: VerifyingKey::from_secret(algorithm, secret)?,
            public: None,
        })
    }

    /// Takes a private key in PEM (`-----BEGIN PRIVATE KEY-----`, PKCS #8).
    ///
    /// # Errors
    ///
    /// [`KeyError`] if it is no such key, not of the kind that the algorithm needs, or too weak;
    /// [`KeyError::NotPkcs8`] and [`KeyError::Encrypted`] name the command that converts it.
    pub fn from_pem(algorithm: Algorithm, pem: &Secret) -> Result<Self, KeyError> {
        if str::from_utf8(pem.expose()).is_ok_and(|pem| pem::has(pem, "ENCRYPTED PRIVATE KEY")) {
            return Err(KeyError::Encrypted);
        }
        match <(SectionKind, Vec<u8>)>::from_pem_slice(pem.expose()) {
            Ok((SectionKind::PrivateKey, der)) => Self::from_der(algorithm, &Secret::new(der)),
            Ok((SectionKind::EcPrivateKey | SectionKind::RsaPrivateKey, der)) => {
                drop(Secret::new(der)); // Wiped.
                Err(KeyError::NotPkcs8)
            }
            _ => Err(KeyError::Malformed),
        }
    }

    /// Makes a new key: 256 to 512 random bits for a secret, 2048 bits for RSA.
    ///
    /// # Errors
    ///
    /// [`KeyError::AlgorithmUnsupported`] for `ES512`, which is only verified here;
    /// [`KeyError::Malformed`] if there is no randomness.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let chance = SystemRandom::new();
        let der = match algorithm.family() {
            Family::Ec => EcdsaKeyPair::generate_pkcs8(curve(algorithm)?, &chance)
                .map(|der| der.as_ref().to_vec()),
            Family::Ed => Ed25519KeyPair::generate_pkcs8(&chance).map(|der| der.as_ref().to_vec()),
            Family::Hmac => return Self::random_secret(algorithm),
            Family::Rsa => RsaKeyPair::generate(KeySize::Rsa2048)
                .and_then(|pair| pair.as_der().map(|der| der.as_ref().to_vec())),
        };
        Self::from_der(
            algorithm,
            &Secret::new(der.map_err(|_| KeyError::Malformed)?),
        )
    }

    /// Sets the key id (`kid`). Tokens and the public half then have it too.
    ///
    /// ```
    /// use palisade_core::Secret;
    /// use palisade_jwt::{Algorithm, KeyError, mint::SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::EdDsa)?.with_kid("dev-1");
    /// assert_eq!(key.kid(), Some("dev-1"));
    ///
    /// let weak = SigningKey::from_secret(Algorithm::Hs256, &Secret::new(*b"too short"));
    /// assert_eq!(weak.err(), Some(KeyError::Weak));
    /// # Ok::<(), KeyError>(())
    /// ```
    #[must_use]
    pub fn with_kid(mut self, kid: &str) -> Self {
        self.verifying = self.verifying.with_kid(kid);
        if let Some(members) = self.public.as_mut().and_then(Value::as_object_mut) {
            members.insert("kid".into(), kid.into());
        }
        self
    }

    /// Returns the key that verifies tokens of this key.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    /// Returns the public half as a JWK (RFC 7517). `None` for a secret, which has no public half.
    #[must_use]
    pub fn public_jwk(&self) -> Option<&Value> {
        self.public.as_ref()
    }

    /// Returns the thumbprint of the public half (RFC 7638), as `cnf.jkt` of a bound token has it.
    /// `None` for a secret.
    #[must_use]
    pub fn thumbprint(&self) -> Option<String> {
        thumbprint(self.public.as_ref()?.as_object()?)
    }

    /// Returns the algorithm that the key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// Returns the key id (`kid`), if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.verifying.kid()
    }

    /// Signs any header and any claims, also invalid ones. For tests of tokens that must be
    /// refused.
    ///
    /// # Errors
    ///
    /// See [`Token::sign`](super::Token::sign).
    pub fn sign_raw(&self, header: &str, claims: &str) -> Result<String, KeyError> {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", encode(header), encode(claims));
        let algorithm = translate(self.algorithm()).ok_or(KeyError::AlgorithmUnsupported)?;
        let signer = (aws_lc::DEFAULT_PROVIDER.signer_factory)(&algorithm, &self.key);
        let signer = signer.map_err(|_| KeyError::Malformed)?;
        let signature = signer
            .try_sign(message.as_bytes())
            .map_err(|_| KeyError::Malformed)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn random_secret(algorithm: Algorithm) -> Result<Self, KeyError> {
        let mut bytes = vec![0; algorithm.least_secret()];
        rand::fill(&mut bytes).map_err(|_| KeyError::Malformed)?;
        Self::from_secret(algorithm, &Secret::new(bytes))
    }

    fn from_der(algorithm: Algorithm, pkcs8: &Secret) -> Result<Self, KeyError> {
        let der = pkcs8.expose();
        let (key, mut public) = match algorithm.family() {
            Family::Ec => (EncodingKey::from_ec_der(der), elliptic(algorithm, der)?),
            Family::Ed => (EncodingKey::from_ed_der(der), edwards(der)?),
            Family::Hmac => return Err(KeyError::AlgorithmMismatch),
            Family::Rsa => rsa(der)?,
        };
        if let Some(members) = public.as_object_mut() {
            members.insert("alg".into(), algorithm.name().into());
            members.insert("use".into(), "sig".into());
        }
        // The public half is read back as any verifier reads it, so a weak key is refused here
        // too.
        let set = json!({ "keys": [public] }).to_string();
        let set = JwksReader::new().read(&set).map_err(|_| KeyError::Weak)?;
        let verifying = set.keys().next().cloned().ok_or(KeyError::Malformed)?;
        Ok(Self {
            key,
            verifying,
            public: Some(public),
        })
    }
}

fn curve(algorithm: Algorithm) -> Result<&'static EcdsaSigningAlgorithm, KeyError> {
    match algorithm {
        Algorithm::Es256 => Ok(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::Es384 => Ok(&ECDSA_P384_SHA384_FIXED_SIGNING),
        _ => Err(KeyError::AlgorithmUnsupported),
    }
}

fn elliptic(algorithm: Algorithm, der: &[u8]) -> Result<Value, KeyError> {
    let pair = EcdsaKeyPair::from_pkcs8(curve(algorithm)?, der).map_err(|_| KeyError::Malformed)?;
    // 0x04, then both coordinates (SEC 1, 2.3.3).
    let (_, both) = pair
        .public_key()
        .as_ref()
        .split_first()
        .ok_or(KeyError::Malformed)?;
    let (x, y) = both.split_at(both.len() / 2);
    let name = if algorithm == Algorithm::Es256 {
        "P-256"
    } else {
        "P-384"
    };
    Ok(
        json!({ "kty": "EC", "crv": name, "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) }),
    )
}

fn edwards(der: &[u8]) -> Result<Value, KeyError> {
    let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| KeyError::Malformed)?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    Ok(json!({ "kty": "OKP", "crv": "Ed25519", "x": x }))
}

fn rsa(der: &[u8]) -> Result<(EncodingKey, Value), KeyError> {
    let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| KeyError::Malformed)?;
    let numbers = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    // The library takes RSA keys out of their PKCS #8 wrapping only when they come as PEM.
    let pem = Secret::new(format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der)
    ));
    let key = EncodingKey::from_rsa_pem(pem.expose()).map_err(|_| KeyError::Malformed)?;
    let (n, e) = (
        URL_SAFE_NO_PAD.encode(&numbers.n),
        URL_SAFE_NO_PAD.encode(&numbers.e),
    );
    Ok((key, json!({ "kty": "RSA", "n": n, "e": e })))
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}
