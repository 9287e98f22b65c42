//! Reads one JSON Web Key (RFC 7517; parameters in RFC 7518, 6 and RFC 8037, 2).

use serde_json::Value;

use super::material::Material;
use crate::{
    algorithm::{Algorithm, Family},
    error::KeyError,
    keys::VerifyingKey,
    token::{MAX_KID_BYTES, json::Object, split::base64url},
};

/// Members that only a private key has. A public set that has one was published by mistake.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// The configuration of the reader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadOptions {
    /// The algorithm of RSA keys without `alg`.
    pub(crate) rsa: Algorithm,
    /// Whether the set may have secrets.
    pub(crate) secrets: bool,
}

/// Reads one key, or returns why it cannot be used.
///
/// # Errors
///
/// Why the key cannot be used: its type, its use, its strength, or a member.
pub(crate) fn read(jwk: &Object, choice: ReadOptions) -> Result<VerifyingKey, KeyError> {
    check_purpose(jwk)?;
    let key = match text(jwk, "kty")?.ok_or(KeyError::Malformed)? {
        "EC" => elliptic(jwk),
        "OKP" => edwards(jwk),
        "RSA" => rsa(jwk, choice.rsa),
        "oct" => secret(jwk, choice.secrets),
        _ => Err(KeyError::AlgorithmUnsupported),
    }?;
    match text(jwk, "kid")? {
        Some(kid) if kid.is_empty() || kid.len() > MAX_KID_BYTES => Err(KeyError::Malformed),
        Some(kid) => Ok(key.with_kid(kid)),
        None => Ok(key),
    }
}

/// Reads a public key that comes with a proof. An RSA key without `alg` has the given algorithm.
///
/// # Errors
///
/// The key is private or too weak, or a member is wrong.
pub(crate) fn read_public(jwk: &Object, algorithm: Algorithm) -> Result<VerifyingKey, KeyError> {
    let rsa = match algorithm.family() {
        Family::Rsa => algorithm,
        _ => Algorithm::Rs256,
    };
    let secrets = false;
    read(jwk, ReadOptions { rsa, secrets })
}

/// `use` and `key_ops`, if present, must allow verification (RFC 7517 sections 4.2 and 4.3).
///
/// # Errors
///
/// The key is for encryption, or not for verification.
fn check_purpose(jwk: &Object) -> Result<(), KeyError> {
    if text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(KeyError::NotForVerification);
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations))
            if operations.iter().any(|operation| operation == "verify") =>
        {
            Ok(())
        }
        Some(Value::Array(_)) => Err(KeyError::NotForVerification),
        Some(_) => Err(KeyError::Malformed),
    }
}

fn rsa(jwk: &Object, otherwise: Algorithm) -> Result<VerifyingKey, KeyError> {
    only_public(jwk)?;
    let algorithm = named_algorithm(jwk, Family::Rsa)?.unwrap_or(otherwise);
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    let material = Material::rsa(algorithm, &n, &e)?;
    Ok(VerifyingKey::new(algorithm, material, &[&n, &e]))
}

fn elliptic(jwk: &Object) -> Result<VerifyingKey, KeyError> {
    only_public(jwk)?;
    let (algorithm, length) = match text(jwk, "crv")?.ok_or(KeyError::Malformed)? {
        "P-256" => (Algorithm::Es256, 32),
        "P-384" => (Algorithm::Es384, 48),
        "P-521" => (Algorithm::Es512, 66),
        _ => return Err(KeyError::AlgorithmUnsupported),
    };
    agree(jwk, algorithm)?;
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    // The full width of the field, leading zeros included (RFC 7518, 6.2.1.2).
    if x.len() != length || y.len() != length {
        return Err(KeyError::Malformed);
    }
    let point = [&[4], &*x, &*y].concat(); // Uncompressed (SEC 1, 2.3.3).
    let material = Material::elliptic(algorithm, &point)?;
    Ok(VerifyingKey::new(algorithm, material, &[&point]))
}

fn edwards(jwk: &Object) -> Result<VerifyingKey, KeyError> {
    only_public(jwk)?;
    if text(jwk, "crv")?.ok_or(KeyError::Malformed)? != "Ed25519" {
        return Err(KeyError::AlgorithmUnsupported);
    }
    agree(jwk, Algorithm::EdDsa)?;
    let x = bytes(jwk, "x")?;
    if x.len() != 32 {
        return Err(KeyError::Malformed);
    }
    let material = Material::elliptic(Algorithm::EdDsa, &x)?;
    Ok(VerifyingKey::new(Algorithm::EdDsa, material, &[&x]))
}

fn secret(jwk: &Object, admit: bool) -> Result<VerifyingKey, KeyError> {
    if !admit {
        return Err(KeyError::Symmetric);
    }
    let algorithm = named_algorithm(jwk, Family::Hmac)?.ok_or(KeyError::AlgorithmMissing)?;
    let secret = palisade_core::Secret::new(bytes(jwk, "k")?);
    VerifyingKey::secret_of_a_set(algorithm, &secret)
}

/// Refuses a key that has a private member.
///
/// # Errors
///
/// There is a private member.
fn only_public(jwk: &Object) -> Result<(), KeyError> {
    match PRIVATE.iter().any(|member| jwk.contains_key(*member)) {
        true => Err(KeyError::Private),
        false => Ok(()),
    }
}

/// The algorithm that the key itself names; it must be one for this kind of key.
///
/// # Errors
///
/// The algorithm is unknown, or for keys of another kind.
fn named_algorithm(jwk: &Object, family: Family) -> Result<Option<Algorithm>, KeyError> {
    let Some(name) = text(jwk, "alg")? else {
        return Ok(None);
    };
    let algorithm = Algorithm::from_name(name).ok_or(KeyError::AlgorithmUnsupported)?;
    match algorithm.family() == family {
        true => Ok(Some(algorithm)),
        false => Err(KeyError::AlgorithmMismatch),
    }
}

/// The curve determines the algorithm; `alg`, if present, must be the same.
///
/// # Errors
///
/// `alg` names another algorithm.
fn agree(jwk: &Object, algorithm: Algorithm) -> Result<(), KeyError> {
    match text(jwk, "alg")?.map(Algorithm::from_name) {
        None => Ok(()),
        Some(Some(named)) if named == algorithm => Ok(()),
        Some(Some(_)) => Err(KeyError::AlgorithmMismatch),
        Some(None) => Err(KeyError::AlgorithmUnsupported),
    }
}

/// A member that is absent or text. Any other type is an error.
///
/// # Errors
///
/// The member has another type.
fn text<'a>(jwk: &'a Object, member: &str) -> Result<Option<&'a str>, KeyError> {
    match jwk.get(member) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value)),
        Some(_) => Err(KeyError::Malformed),
    }
}

/// A member in base64url, which must be there.
///
/// # Errors
///
/// The member is missing, or is not base64url.
fn bytes(jwk: &Object, member: &str) -> Result<Vec<u8>, KeyError> {
    let encoded = text(jwk, member)?.ok_or(KeyError::Malformed)?;
    base64url(encoded).map_err(|_| KeyError::Malformed)
}
