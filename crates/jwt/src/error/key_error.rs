//! Why a single key cannot be used, with the remedy where there is one.
//!
//! Found when keys are read: at start for files and PEM texts, and at each fetch for key sets. No
//! message quotes the key, since it may be a private one.

use std::{error::Error, fmt};

/// Why a key cannot be used. Each message has the remedy where there is one.
///
/// # Examples
///
/// ```
/// use palisade_core::Secret;
/// use palisade_jwt::{Algorithm, KeyError, VerifyingKey};
///
/// let short = VerifyingKey::from_secret(Algorithm::Hs512, &Secret::new([1; 32])).unwrap_err();
/// println!("{short}");
/// assert_ne!(short, KeyError::Malformed);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeyError {
    /// The algorithm needs another kind of key, or another curve.
    AlgorithmMismatch,
    /// The key names no algorithm, and its kind leaves the choice open.
    AlgorithmMissing,
    /// The key's algorithm is not supported, or not for signatures.
    AlgorithmUnsupported,
    /// Two different keys of the set have the same `kid` and algorithm.
    Ambiguous,
    /// The PEM section is a certificate. Its dates and its subject are not checked here; pass its
    /// public key.
    Certificate,
    /// The key has a member twice. Parsers differ in which one they use.
    DuplicateMember,
    /// The private key is encrypted with a password.
    Encrypted,
    /// A member is missing, has the wrong type, or its value is no key (a point off the curve, for
    /// example).
    Malformed,
    /// The key is for something else: `use` is not `sig`, or `key_ops` lacks `verify`.
    NotForVerification,
    /// The private key is not in PKCS #8 (`-----BEGIN PRIVATE KEY-----`).
    NotPkcs8,
    /// The private half is present. A private key that was published must be replaced.
    Private,
    /// The RSA modulus has the structure of ROCA (CVE-2017-15361): it can be factored.
    Roca,
    /// A secret is among public keys, or in a document that anyone can fetch.
    Symmetric,
    /// The set has more than 100 keys, and this is one of those after them.
    TooMany,
    /// The entry of the set is not a JSON object that can be read: too deep, a number out of range,
    /// half a surrogate pair.
    Unreadable,
    /// Too small: an RSA modulus under 2048 bits or exponent under 65537, or a secret that is
    /// shorter than the hash or has fewer than eight different bytes.
    Weak,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlgorithmMismatch => "the key is of another kind than its algorithm needs",
            Self::AlgorithmMissing => {
                "the key names no algorithm and its kind leaves the choice open"
            }
            Self::AlgorithmUnsupported => "the key's algorithm is not supported for signatures",
            Self::Ambiguous => "another key has the same kid and algorithm",
            Self::Certificate => {
                "this is a certificate; take its public key with `openssl x509 -pubkey -noout -in FILE`"
            }
            Self::DuplicateMember => "a member of the key is there twice",
            Self::Encrypted => {
                "this private key is encrypted; decrypt it with `openssl pkcs8 -in FILE`"
            }
            Self::Malformed => "this is not a valid public key",
            Self::NotForVerification => "the key's `use` or `key_ops` forbid verification",
            Self::NotPkcs8 => {
                "this private key is not in PKCS #8; convert it with `openssl pkcs8 -topk8 -nocrypt -in FILE`"
            }
            Self::Private => "this is a private key where a public key belongs",
            Self::Roca => "the RSA modulus is of the ROCA kind and can be factored",
            Self::Symmetric => "a secret does not belong among public keys",
            Self::TooMany => "the set holds more keys than are read",
            Self::Unreadable => "the entry is not a JSON object that can be read",
            Self::Weak => {
                "the key is too weak for its algorithm: an RSA key needs 2048 bits, a secret as many random bytes as the hash"
            }
        })
    }
}

impl Error for KeyError {}
