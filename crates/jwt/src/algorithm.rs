//! The signature algorithms of RFC 7518 and RFC 8037 that a key may be bound to.

use std::fmt;

/// A signature algorithm. A key is bound to exactly one; the `alg` of a token is only compared with
/// it.
///
/// | family | key |
/// |---|---|
/// | `Es…`, `EdDsa` | public key on the curve that the name implies |
/// | `Hs…` | shared secret; each service that verifies can also sign |
/// | `Ps…`, `Rs…` | RSA public key of 2048 to 8192 bits |
///
/// `none` is not among them, so it cannot be configured by mistake.
///
/// # Examples
///
/// ```
/// use palisade_core::Secret;
/// use palisade_jwt::{Algorithm, KeyError, VerifyingKey};
///
/// assert_eq!(Algorithm::Es256.to_string(), "ES256");
/// // A key is bound to one algorithm, and must be strong enough for it.
/// let secret = Secret::new([7; 16]);
/// assert!(VerifyingKey::from_secret(Algorithm::Hs256, &secret).is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519 (RFC 8037). Keys of 32 bytes.
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).
    Es256,
    /// ECDSA on P-384 with SHA-384 (RFC 7518 section 3.4).
    Es384,
    /// ECDSA on P-521 with SHA-512 (RFC 7518 section 3.4). Such tokens can be verified here, not
    /// signed.
    Es512,
    /// HMAC with SHA-256 (RFC 7518 section 3.2). The secret has at least 32 bytes.
    Hs256,
    /// HMAC with SHA-384 (RFC 7518 section 3.2). The secret has at least 48 bytes.
    Hs384,
    /// HMAC with SHA-512 (RFC 7518 section 3.2). The secret has at least 64 bytes.
    Hs512,
    /// RSASSA-PSS with SHA-256 (RFC 7518 section 3.5).
    Ps256,
    /// RSASSA-PSS with SHA-384 (RFC 7518 section 3.5).
    Ps384,
    /// RSASSA-PSS with SHA-512 (RFC 7518 section 3.5).
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3). The default of RSA keys without
    /// `alg`.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384 (RFC 7518 section 3.3).
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512 (RFC 7518 section 3.3).
    Rs512,
}

/// The kind of key that an algorithm needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Family {
    /// ECDSA on one of the NIST curves.
    Ec,
    /// Ed25519.
    Ed,
    /// A shared secret.
    Hmac,
    /// RSA with either padding.
    Rsa,
}

impl Algorithm {
    /// All supported algorithms.
    pub const ALL: [Self; 13] = [
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// Returns the algorithm of a registered name; `None` if it is not supported.
    ///
    /// The comparison is exact: `hs256` is not `HS256`, and `none` is no algorithm. `Ed25519` (RFC
    /// 9864), the newer name of `EdDSA`, is accepted too.
    ///
    /// ```
    /// use palisade_jwt::Algorithm;
    ///
    /// assert_eq!(Algorithm::from_name("ES256"), Some(Algorithm::Es256));
    /// assert_eq!(Algorithm::from_name("none"), None);
    /// ```
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Returns the registered name, as it is written in `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Self::EdDsa => Family::Ed,
            Self::Es256 | Self::Es384 | Self::Es512 => Family::Ec,
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Family::Hmac,
            Self::Ps256 | Self::Ps384 | Self::Ps512 | Self::Rs256 | Self::Rs384 | Self::Rs512 => {
                Family::Rsa
            }
        }
    }

    /// The minimum length of a secret in bytes: that of the hash (RFC 7518 section 3.2).
    pub(crate) const fn least_secret(self) -> usize {
        match self {
            Self::Hs384 => 48,
            Self::Hs512 => 64,
            _ => 32,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_exact_spelling_alone() {
        for known in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(known.name()), Some(known));
            assert_eq!(Algorithm::from_name(&known.name().to_lowercase()), None);
        }
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDsa));
        for nothing in ["none", "None", "NONE", "", "HS256 ", "HS1", "ES256K"] {
            assert_eq!(Algorithm::from_name(nothing), None, "{nothing:?}");
        }
    }
}
