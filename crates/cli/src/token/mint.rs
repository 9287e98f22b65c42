//! `palisade token mint`: signs a token for development.
//!
//! It is no token service: the key is a file on this machine, and nothing is recorded.

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
use crate::{Failure, moment::Span, output};

const EXAMPLES: &str = "\
For development: whoever holds the key file can be anyone. The token goes to standard output, everything else to
standard error. The key is made (mode 0600) where the file is missing; for HS256 the secret is the file's text.

Examples:
  palisade token mint --key dev.pem --jwks dev.jwks --issuer https://dev.test --audience tts --subject lin
  palisade token mint --key dev.secret --algorithm HS256 --issuer https://dev.test --audience tts \\
      --subject lin --scope tts:speak --lifetime 15m --claim plan=gold";

/// Signs a token and prints it
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Mint {
    /// The file with the signing key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// How to sign
    #[arg(long, default_value = "EdDSA")]
    algorithm: Signature,
    /// The name of the key, which token and key set then carry
    #[arg(long, value_name = "NAME")]
    kid: Option<String>,
    /// Writes the public key there, as a key set (JWKS) for the verifier
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Who issues the token (`iss`)
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// For whom the token is (`aud`)
    #[arg(long, value_name = "NAME")]
    audience: String,
    /// Whom the token is about (`sub`)
    #[arg(long, value_name = "NAME")]
    subject: String,
    /// Which client the token was issued to (`client_id`)
    #[arg(long, default_value = "dev", value_name = "NAME")]
    client: String,
    /// What the token allows; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// How long the token is good
    #[arg(long, default_value = "1h", value_name = "SPAN")]
    lifetime: Span,
    /// Any other claim, its value JSON or text; may be given several times
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<Claim>,
}

impl Mint {
    /// Creates a missing key, writes the key set if requested, and prints the token.
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut key = read_or_create(&self.key, self.algorithm)?;
        if let Some(kid) = &self.kid {
            key = key.with_kid(kid);
        }
        if let Some(path) = &self.jwks {
            write_key_set(path, &key)?;
        }
        let token = self.token().sign(&key, SystemClock::shared().as_ref())?;
        Ok(output::result(token)?)
    }

    /// Makes the token from the arguments.
    fn token(self) -> Token {
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

/// Writes the public key as a key set (RFC 7517). Fails for HS256, which has no public key.
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
    output::note(format_args!("wrote {}, the public key", path.display()));
    Ok(())
}

/// Replaces a file in one step, since a verifier may watch it. All users may read a new file,
/// because its keys are public.
fn write_public(path: &Path, text: &str) -> io::Result<()> {
    let is_new = !path.exists();
    private_file::replace(path, text.as_bytes())?;
    #[cfg(unix)]
    if is_new {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    }
    Ok(())
}
