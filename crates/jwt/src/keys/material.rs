//! The cryptography of a key: the only module that checks signatures.

use aws_lc_rs::{
    rsa::PublicKey,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
        ParsedPublicKey, RsaPublicKeyComponents, VerificationAlgorithm,
    },
};
use jsonwebtoken::{DecodingKey, crypto::aws_lc};

use super::roca;
use crate::{
    algorithm::{Algorithm, Family},
    error::KeyError,
};

/// RFC 7518 sections 3.3 and 3.5.
const LEAST_RSA_BITS: usize = 2048;
const MOST_RSA_BITS: usize = 8192; // With a longer key, checking one signature costs too much.
const LEAST_RSA_EXPONENT: u64 = 65_537; // FIPS 186-5, 5.1

/// A key that passed its checks.
#[derive(Clone)]
pub(crate) enum Material {
    /// Checked by `jsonwebtoken` with its AWS-LC backend.
    Library(jsonwebtoken::Algorithm, DecodingKey),
    /// P-521, which that library does not support; AWS-LC does.
    P521(ParsedPublicKey),
}

impl Material {
    /// Creates a key from a secret, if it is as long as the hash.
    ///
    /// # Errors
    ///
    /// The secret is shorter than the hash.
    pub(crate) fn secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        if algorithm.family() != Family::Hmac {
            return Err(KeyError::AlgorithmMismatch);
        }
        if secret.len() < algorithm.least_secret() {
            return Err(KeyError::Weak);
        }
        Self::library(algorithm, DecodingKey::from_secret(secret))
    }

    /// Creates an RSA key from its numbers (big-endian, without leading zeros).
    ///
    /// # Errors
    ///
    /// The numbers are not those of a usable key.
    pub(crate) fn rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        if algorithm.family() != Family::Rsa {
            return Err(KeyError::AlgorithmMismatch);
        }
        check_rsa(n, e)?;
        Self::library(algorithm, DecodingKey::from_rsa_raw_components(n, e))
    }

    /// Creates an elliptic curve key: a point, or a whole SubjectPublicKeyInfo. The algorithm names
    /// the curve.
    ///
    /// # Errors
    ///
    /// The point is not on the curve.
    pub(crate) fn elliptic(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        let curve: &'static dyn VerificationAlgorithm = match algorithm {
            Algorithm::EdDsa => &ED25519,
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
            Algorithm::Es512 => &ECDSA_P521_SHA512_FIXED,
            _ => return Err(KeyError::AlgorithmMismatch),
        };
        // Also checks whether the point lies on the curve.
        let parsed = ParsedPublicKey::new(curve, bytes).map_err(|_| KeyError::Malformed)?;
        match algorithm {
            Algorithm::Es512 => Ok(Self::P521(parsed)),
            Algorithm::EdDsa => Self::library(algorithm, DecodingKey::from_ed_der(bytes)),
            _ => Self::library(algorithm, DecodingKey::from_ec_der(bytes)),
        }
    }

    /// Creates a key from a SubjectPublicKeyInfo (RFC 5280 section 4.1) in DER.
    ///
    /// # Errors
    ///
    /// It is not that of a key for this algorithm.
    pub(crate) fn public_key_info(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        match algorithm.family() {
            Family::Ec | Family::Ed => Self::elliptic(algorithm, der),
            Family::Hmac => Err(KeyError::AlgorithmMismatch),
            Family::Rsa => {
                let key = PublicKey::from_der(der).map_err(|_| KeyError::Malformed)?;
                let numbers = RsaPublicKeyComponents::<Vec<u8>>::from(&key);
                Self::rsa(algorithm, &numbers.n, &numbers.e)
            }
        }
    }

    fn library(algorithm: Algorithm, key: DecodingKey) -> Result<Self, KeyError> {
        let algorithm = translate(algorithm).ok_or(KeyError::AlgorithmUnsupported)?;
        Ok(Self::Library(algorithm, key))
    }

    /// Returns whether `signature` over `message` was made with this key, by this key's algorithm.
    pub(crate) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        match self {
            // The backend is named here, so it does not depend on which features the rest of a
            // program turns on.
            Self::Library(algorithm, key) => {
                (aws_lc::DEFAULT_PROVIDER.verifier_factory)(algorithm, key)
                    .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
            }
            Self::P521(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

pub(crate) const fn translate(algorithm: Algorithm) -> Option<jsonwebtoken::Algorithm> {
    Some(match algorithm {
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::Es512 => return None,
        Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        Algorithm::Hs384 => jsonwebtoken::Algorithm::HS384,
        Algorithm::Hs512 => jsonwebtoken::Algorithm::HS512,
        Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::Ps384 => jsonwebtoken::Algorithm::PS384,
        Algorithm::Ps512 => jsonwebtoken::Algorithm::PS512,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Rs384 => jsonwebtoken::Algorithm::RS384,
        Algorithm::Rs512 => jsonwebtoken::Algorithm::RS512,
    })
}

/// Refuses RSA keys that are too small, too large to check quickly, malformed, or of a broken
/// generator.
///
/// # Errors
///
/// Which of these it is.
fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), KeyError> {
    let (Some(first), Some(last)) = (n.first(), n.last()) else {
        return Err(KeyError::Malformed);
    };
    let bits = n.len() * 8 - first.leading_zeros() as usize;
    if *first == 0 || last % 2 == 0 || bits > MOST_RSA_BITS || e.len() > 8 {
        return Err(KeyError::Malformed);
    }
    let exponent = e.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    if bits < LEAST_RSA_BITS || exponent < LEAST_RSA_EXPONENT {
        return Err(KeyError::Weak);
    }
    if exponent % 2 == 0 || exponent > u64::from(u32::MAX) {
        return Err(KeyError::Malformed);
    }
    if roca::has_roca_structure(n) {
        return Err(KeyError::Roca);
    }
    Ok(())
}
