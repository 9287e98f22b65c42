//! Signs and checks lines outside of the chain: checkpoints and acknowledgements.
//!
//! A line is `BODY,"signature":"S"}`. The signature covers a prefix, the purpose of the line and
//! the bytes of the body. So a line of one purpose is not accepted for another, and members can
//! be added without a new format.
//!
//! Three strengths: an Ed25519 signature, which anyone can check and only the holder of the private key can make;
//! an HMAC under the key of the trail, which needs that key for both; and a checksum, which shows accidents only.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use hmac::Mac;
use palisade_internal::hex;
use sha2::{Digest, Sha256};

use crate::{error::AuditBuildError, key::AuditKey};

/// The text before the signature.
const SIGNATURE: &str = ",\"signature\":\"";
/// The text after the signature.
const END: &str = "\"}";
/// The prefix of what is signed: no other protocol signs the same bytes.
const DOMAIN: &[u8] = b"palisade-audit/1 ";

/// Signs lines.
#[derive(Clone)]
pub(crate) enum Signer {
    /// A private key: a verifier needs the public one only.
    Ed25519(std::sync::Arc<Ed25519KeyPair>),
    /// HMAC-SHA-256 with the key of the trail.
    Keyed(AuditKey),
    /// A checksum: it finds accidents and no attacks.
    Plain,
}

/// Checks signed lines. The algorithm comes from here, never from the line.
#[derive(Clone, Debug)]
pub(crate) enum Verifier {
    /// The public key.
    Ed25519([u8; 32]),
    /// The key of the trail.
    Keyed(AuditKey),
    /// Accepts a correct checksum.
    Plain,
}

impl Signer {
    /// Returns the signer for the key of a trail, or a checksum without one.
    pub(crate) fn of(key: Option<&AuditKey>) -> Self {
        key.map_or(Self::Plain, |key| Self::Keyed(key.clone()))
    }

    /// Returns the signer for an Ed25519 seed. Fails if the library refuses the seed.
    pub(crate) fn ed25519(seed: &[u8; 32]) -> Result<Self, AuditBuildError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| AuditBuildError::WeakKey)?;
        Ok(Self::Ed25519(pair.into()))
    }

    /// Returns the name of the algorithm in the line.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ed25519",
            Self::Keyed(_) => "hmac-sha256",
            Self::Plain => "sha256",
        }
    }

    /// Returns the public identifier of the key. `None` for a checksum.
    pub(crate) fn key_id(&self) -> Option<String> {
        match self.verifier() {
            Verifier::Ed25519(public) => {
                Some(hex::encode(public.first_chunk::<8>().unwrap_or(&[0; 8])))
            }
            Verifier::Keyed(key) => Some(key.id()),
            Verifier::Plain => None,
        }
    }

    /// Returns what checks the lines of this signer.
    pub(crate) fn verifier(&self) -> Verifier {
        match self {
            Self::Ed25519(pair) => {
                let public = pair.public_key().as_ref();
                Verifier::Ed25519(*public.first_chunk().unwrap_or(&[0; 32]))
            }
            Self::Keyed(key) => Verifier::Keyed(key.clone()),
            Self::Plain => Verifier::Plain,
        }
    }

    /// Appends the signature and the closing brace to a body, without a line feed.
    pub(crate) fn sign(&self, purpose: &str, body: &mut Vec<u8>) {
        let signature = match self {
            Self::Ed25519(pair) => hex::encode(pair.sign(&message(purpose, body)).as_ref()),
            Self::Keyed(key) => hex::encode(&keyed(key, purpose, body)),
            Self::Plain => hex::encode(&checksum(purpose, body)),
        };
        body.extend_from_slice(SIGNATURE.as_bytes());
        body.extend_from_slice(signature.as_bytes());
        body.extend_from_slice(END.as_bytes());
    }
}

impl Verifier {
    /// Returns the verifier for the key of a trail, or for a checksum without one.
    pub(crate) fn of(key: Option<&AuditKey>) -> Self {
        key.map_or(Self::Plain, |key| Self::Keyed(key.clone()))
    }

    /// Returns whether a line was signed for this purpose with this key.
    pub(crate) fn accepts(&self, purpose: &str, line: &[u8]) -> bool {
        let Some((body, signature)) = split(line) else {
            return false;
        };
        match self {
            Self::Ed25519(public) => signature_bytes(signature).is_some_and(|signature| {
                UnparsedPublicKey::new(&ED25519, public)
                    .verify(&message(purpose, body), &signature)
                    .is_ok()
            }),
            Self::Keyed(key) => hex::decode::<32>(signature).is_some_and(|code| {
                // Compared in constant time.
                let mac = key.start(purpose).chain_update(body);
                mac.verify_slice(&code).is_ok()
            }),
            Self::Plain => hex::decode(signature) == Some(checksum(purpose, body)),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.algorithm())
    }
}

/// Splits a line into body and signature digits.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_suffix(END.as_bytes())?;
    let digits = rest
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_hexdigit());
    let (before, signature) = rest.split_at_checked(rest.len().checked_sub(digits.count())?)?;
    Some((before.strip_suffix(SIGNATURE.as_bytes())?, signature))
}

/// Reads the 64 bytes of an Ed25519 signature from 128 digits.
fn signature_bytes(digits: &[u8]) -> Option<[u8; 64]> {
    let (first, second) = digits.split_at_checked(64)?;
    let mut bytes = [0; 64];
    let (left, right) = bytes.split_at_mut_checked(32)?;
    left.copy_from_slice(&hex::decode::<32>(first)?);
    right.copy_from_slice(&hex::decode::<32>(second)?);
    Some(bytes)
}

/// Returns the bytes that are signed.
fn message(purpose: &str, body: &[u8]) -> Vec<u8> {
    [DOMAIN, purpose.as_bytes(), &[0], body].concat()
}

/// Computes the HMAC-SHA-256 of a line.
fn keyed(key: &AuditKey, purpose: &str, body: &[u8]) -> [u8; 32] {
    let mac = key.start(purpose).chain_update(body);
    mac.finalize().into_bytes().into()
}

/// Computes the checksum of a line.
fn checksum(purpose: &str, body: &[u8]) -> [u8; 32] {
    Sha256::digest(message(purpose, body)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signers() -> [Signer; 3] {
        [
            Signer::ed25519(&[7; 32]).unwrap(),
            Signer::Keyed(AuditKey::generate().unwrap()),
            Signer::Plain,
        ]
    }

    #[test]
    fn a_signed_line_is_accepted_for_its_purpose_and_its_bytes_alone() {
        for signer in signers() {
            let mut line = b"{\"v\":1,\"seq\":7".to_vec();
            signer.sign("checkpoint", &mut line);
            let verifier = signer.verifier();
            assert!(verifier.accepts("checkpoint", &line), "{signer:?}");
            assert!(!verifier.accepts("acknowledgement", &line), "{signer:?}");
            for place in 0..line.len() {
                let mut changed = line.clone();
                changed[place] ^= 1;
                assert!(
                    !verifier.accepts("checkpoint", &changed),
                    "{signer:?} {place}"
                );
            }
            for length in 0..line.len() {
                assert!(!verifier.accepts("checkpoint", &line[..length]));
            }
        }
    }

    #[test]
    fn no_key_accepts_the_lines_of_another() {
        let lines = signers().map(|signer| {
            let mut line = b"{\"v\":1".to_vec();
            signer.sign("checkpoint", &mut line);
            line
        });
        for (index, signer) in signers().iter().enumerate() {
            for (other, line) in lines.iter().enumerate() {
                let same = index == other && !matches!(signer, Signer::Keyed(_));
                assert_eq!(signer.verifier().accepts("checkpoint", line), same);
            }
        }
    }
}
