//! `palisade token mint`: signs a token for development.
//!
//! It is no token service: the key is a file on this machine, and nothing is recorded.
//!
//! The token goes to standard output, notes to standard error. Exit code 0 if it was printed, 2 if
//! the key or an argument cannot be used.
//!
//! Claims: `iss`, `aud`, `sub`, `client_id`, `iat`, `exp`, `jti`, `scope` if there are scopes, and
//! those of `--claim` (RFC 7519; RFC 9068, section 2.2). `typ` is `at+jwt`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;
use palisade_core::SystemClock;
use palisade_internal::private_file;
use palisade_jwt::mint::{SigningKey, Token};
use serde_json::json;

use super::{
    claim::Claim,
    key_file::{Signature, read_or_create},
};
use crate::{failure::Failure, moment::Span, output};

const EXAMPLES: &str = "\
For development: anyone with the key file can sign a token for any subject. The token goes to standard output,
everything else to standard error. The key is made (mode 0600) where the file is missing; for HS256 the secret is the file's text.

Examples:
  palisade token mint --key dev.pem --jwks dev.jwks --issuer https://dev.test --audience tts --subject lin
  palisade token mint --key dev.secret --algorithm HS256 --issuer https://dev.test --audience tts \\
      --subject lin --scope tts:speak --lifetime 15m --claim plan=gold";

/// Signs a token and prints it
///
/// The token has the form of RFC 9068 (typ at+jwt), with iss, aud, sub, client_id, iat, exp and jti.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Mint {
    /// The file with the signing key
    ///
    /// A PEM file (PKCS #8), or for HS256 the text of the secret. Never use a key of production here.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// How to sign
    ///
    /// The verifier must allow it. The algorithm belongs to the key: one file cannot be used for two.
    #[arg(long, default_value = "EdDSA")]
    algorithm: Signature,
    /// The name of the key, which token and key set then carry
    ///
    /// A verifier with several keys finds the right one by it. Default: none.
    #[arg(long, value_name = "NAME")]
    kid: Option<String>,
    /// Writes the public key there, as a key set (JWKS) for the verifier
    ///
    /// An existing file is replaced in one step. HS256 has no public key, so it is an error there.
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// The issuer of the token (`iss`)
    ///
    /// The verifier compares it exactly, with case and a trailing slash.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// The audience of the token (`aud`)
    ///
    /// The name of the service that verifies the token.
    #[arg(long, value_name = "NAME")]
    audience: String,
    /// The subject of the token (`sub`)
    ///
    /// The principal of the requests: limits and the audit trail use it.
    #[arg(long, value_name = "NAME")]
    subject: String,
    /// Which client the token was issued to (`client_id`)
    ///
    /// RFC 9068 requires the claim. It is the application, not the user.
    #[arg(long, default_value = "dev", value_name = "NAME")]
    client: String,
    /// A scope that the token grants; may be given several times
    ///
    /// Written into the claim scope, separated by spaces (RFC 9068, 2.2.3).
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// How long the token is valid
    ///
    /// Counted from now. Verifiers refuse tokens that live longer than they allow; their default is a day.
    #[arg(long, default_value = "1h", value_name = "SPAN")]
    lifetime: Span,
    /// Any other claim, its value JSON or text; may be given several times
    ///
    /// A value that is valid JSON is used as such: admin=true is a boolean, plan=gold a string.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<Claim>,
}

impl Mint {
    /// Creates a missing key, writes the key set if requested, and prints the token.
    ///
    /// The key set is written before the token is printed: a verifier that watches it can then check the
    /// token at once.
    ///
    /// # Errors
    ///
    /// The key cannot be used, or a file or the output cannot be written.
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut key = read_or_create(&self.key, self.algorithm)?;
        if let Some(kid) = &self.kid {
            key = key.with_kid(kid);
        }
        if let Some(path) = &self.jwks {
            write_key_set(path, &key)?;
        }
        let token = self
            .into_token()
            .sign(&key, SystemClock::shared().as_ref())?;
        Ok(output::print_result(token)?)
    }

    /// Makes the token from the arguments.
    ///
    /// Scopes are left out if there are none: an empty claim would be another token.
    fn into_token(self) -> Token {
        let mut token = Token::new(&self.issuer, &self.audience, &self.subject)
            .client(&self.client)
            .lifetime(self.lifetime.0);
        if !self.scopes.is_empty() {
            token = token.scopes(self.scopes);
        }
        self.claims
            .into_iter()
            .fold(token, |token, claim| token.claim(&claim.name, claim.value))
    }
}

/// Writes the public key as a key set (RFC 7517).
///
/// `palisade try token --jwks` and the configuration of a service read the file.
///
/// # Errors
///
/// The key is one of HS256, which has no public half, or the file cannot be written.
fn write_key_set(path: &Path, key: &SigningKey) -> Result<(), Failure> {
    let Some(public) = key.public_jwk() else {
        return Err(Failure::new(
            "HS256 has no public key: the verifier needs the secret itself",
        ));
    };
    let set = json!({ "keys": [public] });
    write_public(path, &format!("{set:#}\n")).map_err(|problem| {
        Failure::new(format_args!("cannot write {}: {problem}", path.display()))
    })?;
    output::print_note(format_args!("wrote {}, the public key", path.display()));
    Ok(())
}

/// Replaces a file in one step, since a verifier may watch it. All users may read a new file,
/// because its keys are public.
///
/// The mode of an existing file stays as it is.
///
/// # Errors
///
/// The file cannot be written. The old one stays then.
fn write_public(path: &Path, text: &str) -> io::Result<()> {
    let is_new = !path.exists();
    private_file::replace(path, text.as_bytes())?;
    #[cfg(unix)]
    if is_new {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    }
    Ok(())
}
