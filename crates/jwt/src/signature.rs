//! The signature of a token (RFC 7515) without its claims.
//!
//! For [`VerifyingKey::verify_signature`]; the verifier has its own path.

use crate::{
    InvalidToken, VerifyingKey,
    header::Header,
    parts::{Parts, base64url},
};

/// Verifies one compact serialisation with one key and returns the payload.
pub(crate) fn verify(key: &VerifyingKey, jws: &str) -> Result<Vec<u8>, InvalidToken> {
    let parts = Parts::split(jws, crate::verifier::LARGEST_CAP)?;
    let header = Header::read(&base64url(parts.header)?)?;
    let payload = base64url(parts.claims)?;
    if header.algorithm != key.algorithm() {
        return Err(InvalidToken::AlgorithmMismatch);
    }
    match key.verifies(parts.signed.as_bytes(), &base64url(parts.signature)?) {
        true => Ok(payload),
        false => Err(InvalidToken::SignatureMismatch),
    }
}
