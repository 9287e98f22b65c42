//! The file of a development key: a secret for HS256, a PEM file (PKCS #8) for the other
//! algorithms.
//!
//! The first `token mint` creates the file. Who has it can sign tokens for every subject, so its mode
//! is 0600, and a file that others may read is refused.
//!
//! Ed25519 is RFC 8032 and RFC 8037; ES256 and HS256 are RFC 7518, sections 3.4 and 3.2; PKCS #8 is
//! RFC 5958.

use std::path::Path;

use aws_lc_rs::{
    rand::{self, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use clap::ValueEnum;
use palisade_core::Secret;
use palisade_jwt::{Algorithm, mint::SigningKey};

use crate::{failure::Failure, output, secret_file};

/// How a token is signed.
///
/// RSA is left out: its keys are slow to make, and ES256 is supported by every verifier that matters here.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Signature {
    /// Ed25519; the verifier holds a public key
    #[value(name = "EdDSA", alias = "eddsa")]
    EdDsa,
    /// ECDSA on P-256; the verifier holds a public key
    #[value(name = "ES256", alias = "es256")]
    Es256,
    /// HMAC; the verifier holds the same secret
    #[value(name = "HS256", alias = "hs256")]
    Hs256,
}

impl Signature {
    /// Returns the algorithm of RFC 7518 or RFC 8037.
    ///
    /// The command offers three of the algorithms of the verifier.
    const fn algorithm(self) -> Algorithm {
        match self {
            Self::EdDsa => Algorithm::EdDsa,
            Self::Es256 => Algorithm::Es256,
            Self::Hs256 => Algorithm::Hs256,
        }
    }
}

/// Reads the key, or creates the file if it is missing.
///
/// A key that exists is never replaced: verifiers may already have its public half.
///
/// A secret for HS256 is the text of the file, without white space at its end.
///
/// # Errors
///
/// The file cannot be read or written, or holds a key for another algorithm.
pub(super) fn read_or_create(path: &Path, signature: Signature) -> Result<SigningKey, Failure> {
    let secret = match secret_file::read(path)? {
        Some(secret) => secret,
        None => create_key_file(path, signature)?,
    };
    let key = match signature {
        Signature::Hs256 if is_pem(&secret) => {
            let problem = "this is a key in PEM, which HS256 does not take; choose EdDSA or ES256";
            return Err(Failure::new(format_args!("{}: {problem}", path.display())));
        }
        Signature::Hs256 => SigningKey::from_secret(Algorithm::Hs256, &secret),
        _ => SigningKey::from_pem(signature.algorithm(), &secret),
    };
    key.map_err(|problem| {
        let wanted = signature.algorithm().name();
        Failure::new(format_args!(
            "{} holds no key for {wanted}: {problem}",
            path.display()
        ))
    })
}

/// Returns whether a secret is a key in PEM.
///
/// HS256 must not use a private key as a shared secret: a verifier may hold the public half, which
/// is no secret.
fn is_pem(secret: &Secret) -> bool {
    secret
        .expose()
        .trim_ascii_start()
        .starts_with(b"-----BEGIN")
}

/// Generates a key and writes it to a new file with mode 0600.
///
/// The name of the algorithm is printed, so that a wrong default is noticed at once.
///
/// # Errors
///
/// The file exists or cannot be written, or the operating system returns no random bytes.
fn create_key_file(path: &Path, signature: Signature) -> Result<Secret, Failure> {
    let secret = generate_key(signature).map_err(|_| Failure::new("no key could be made"))?;
    secret_file::create_secret(path, &secret)?;
    let name = signature.algorithm().name();
    output::print_note(format_args!("made {}, a key for {name}", path.display()));
    Ok(secret)
}

/// Generates a key. For HS256 it has 32 random bytes, the length of the digest.
///
/// # Errors
///
/// The operating system returns no random bytes.
fn generate_key(signature: Signature) -> Result<Secret, aws_lc_rs::error::Unspecified> {
    let chance = SystemRandom::new();
    Ok(match signature {
        Signature::EdDsa => encode_pem(Ed25519KeyPair::generate_pkcs8(&chance)?.as_ref()),
        Signature::Es256 => encode_pem(
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &chance)?.as_ref(),
        ),
        Signature::Hs256 => {
            // As text, so that it can be copied into a configuration.
            let mut bytes = [0; 32];
            rand::fill(&mut bytes)?;
            Secret::new(URL_SAFE_NO_PAD.encode(bytes))
        }
    })
}

/// Encodes a key in PEM (RFC 7468).
///
/// Lines have 64 characters, as RFC 7468 demands.
fn encode_pem(der: &[u8]) -> Secret {
    let text = STANDARD.encode(der);
    let mut lines = vec!["-----BEGIN PRIVATE KEY-----"];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at_checked(64).unwrap_or((rest, ""));
        lines.push(line);
        rest = behind;
    }
    lines.push("-----END PRIVATE KEY-----\n");
    Secret::new(lines.join("\n"))
}
