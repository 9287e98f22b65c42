//! `palisade try token`: decides about tokens as the verifier does.

use std::path::PathBuf;

use clap::Args;
use palisade_jwt::{Claims, Issuer, JwksReader, Verifier};
use serde_json::{Value, json};

use super::{Decision, decide_each_line};
use crate::{Failure, moment::Span};

const EXAMPLES: &str = "\
Reads one token a line from standard input and prints one JSON object a line. The exit code is 0 whatever is decided.

Example:
  palisade try token --jwks issuer.jwks --issuer https://login.example --audience tts < token.txt
  {\"accepted\":false,\"code\":\"expired\",\"reason\":\"token refused: expired\"}";

/// Decides about JSON Web Tokens from standard input
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TryToken {
    /// The file with the issuer's key set (JWKS)
    #[arg(long, value_name = "FILE")]
    jwks: PathBuf,
    /// The key set holds secrets (`oct`) in place of public keys
    #[arg(long)]
    secrets: bool,
    /// The issuer (`iss`), compared exactly
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// The audience (`aud`) of the service; may be given several times
    #[arg(long = "audience", required = true, value_name = "NAME")]
    audiences: Vec<String>,
    /// Requires a claim to be text that is not empty; may be given several times
    #[arg(long = "require", value_name = "CLAIM")]
    required: Vec<String>,
    /// Also reads scopes from this claim; may be given several times
    #[arg(long = "scopes-from", value_name = "CLAIM")]
    scopes_from: Vec<String>,
    /// Also reads roles from this claim, as `role:NAME`; may be given several times
    #[arg(long = "roles-from", value_name = "CLAIM")]
    roles_from: Vec<String>,
    /// The longest time from `iat` to `exp`
    #[arg(long, default_value = "1d", value_name = "SPAN")]
    max_lifetime: Span,
    /// How far the clocks may differ
    #[arg(long, default_value = "30s", value_name = "SPAN")]
    leeway: Span,
    /// Accepts tokens without `typ`
    #[arg(long)]
    dangerously_accept_untyped_tokens: bool,
    /// Accepts ID tokens
    #[arg(long)]
    dangerously_accept_id_tokens: bool,
}

impl TryToken {
    /// Decides about each line.
    pub(super) fn run(self) -> Result<(), Failure> {
        let verifier = self.verifier()?;
        decide_each_line(|token| {
            // What is not text has another form than a token; the text below has too.
            let token = str::from_utf8(token).unwrap_or_default();
            match verifier.verify(token) {
                Ok(claims) => Decision::Accepted(principal(&claims)),
                Err(refused) => Decision::Refused {
                    code: refused.code(),
                    reason: refused.to_string(),
                },
            }
        })
    }

    /// Makes a verifier of the arguments.
    fn verifier(self) -> Result<Verifier, Failure> {
        let text = std::fs::read_to_string(&self.jwks).map_err(|problem| {
            Failure::new(format_args!(
                "cannot read {}: {problem}",
                self.jwks.display()
            ))
        })?;
        let reader = match self.secrets {
            true => JwksReader::new().secrets(),
            false => JwksReader::new(),
        };
        let keys = reader.read(&text)?;
        let mut audiences = self.audiences.into_iter();
        let first = audiences.next().unwrap_or_default();
        let issuer = Issuer::new(self.issuer, first, keys).max_lifetime(self.max_lifetime.0);
        let issuer = audiences.fold(issuer, Issuer::or_audience);
        let issuer = self.required.into_iter().fold(issuer, Issuer::require);
        let issuer = self
            .scopes_from
            .into_iter()
            .fold(issuer, Issuer::scopes_from);
        let mut issuer = self.roles_from.into_iter().fold(issuer, Issuer::roles_from);
        if self.dangerously_accept_untyped_tokens {
            issuer = issuer.dangerously_accept_untyped_tokens();
        }
        if self.dangerously_accept_id_tokens {
            issuer = issuer.dangerously_accept_id_tokens();
        }
        let verifier = Verifier::builder().issuer(issuer).leeway(self.leeway.0);
        Ok(verifier.build()?)
    }
}

/// What a request with a token would be known by.
fn principal(claims: &Claims) -> Value {
    json!({
        "kind": "jwt",
        "id": claims.subject(),
        "issuer": claims.issuer(),
        "token": claims.token_id(),
        "scopes": claims.scopes().collect::<Vec<_>>(),
        "expires": palisade_internal::rfc3339::write_seconds(claims.expires()),
    })
}
