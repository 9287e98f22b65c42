//! `palisade try token`: decides about tokens as the verifier does.
//!
//! The verifier is that of the library, with the settings of the arguments. Revoked tokens are not
//! known here: a token on the list of a service is accepted by this command.
//!
//! Codes are those of `InvalidToken::code`. Keys are not chosen by the token: its `jku`, `x5u` and
//! `jwk` are ignored (RFC 8725, section 3.10), and its `alg` must be that of the key (section 3.1).
//!
//! # Output
//!
//! `{"accepted":true,"principal":{…}}` with `kind`, `id`, `issuer`, `token`, `scopes` and
//! `expires`; or `{"accepted":false,"code":…,"reason":…}`. The token is not repeated.

use std::path::PathBuf;

use clap::Args;
use palisade_jwt::{Claims, Issuer, JwksReader, Verifier};
use serde_json::{Value, json};

use super::{Decision, decide_each_line};
use crate::{failure::Failure, moment::Span};

const EXAMPLES: &str = "\
Reads one token a line from standard input and prints one JSON object a line. The exit code is 0 whatever is decided.

Example:
  palisade try token --jwks issuer.jwks --issuer https://login.example --audience tts < token.txt
  {\"accepted\":false,\"code\":\"expired\",\"reason\":\"token refused: expired\"}";

/// Decides about JSON Web Tokens from standard input
///
/// The checks are those of RFC 8725 and RFC 9068: algorithm, signature, typ, issuer, audience, times and
/// lifetime. The key set is read from a file: nothing is fetched.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TryToken {
    /// The file with the issuer's key set (JWKS)
    ///
    /// A JSON Web Key Set (RFC 7517), as the issuer publishes it. Each key must name its algorithm or have
    /// one that follows from its type.
    #[arg(long, value_name = "FILE")]
    jwks: PathBuf,
    /// The key set holds secrets (`oct`) in place of public keys
    ///
    /// For HS256. Default: off, so that a public key set is never taken for secrets.
    #[arg(long)]
    secrets: bool,
    /// The issuer (`iss`), compared exactly
    ///
    /// With case and a trailing slash, as the token has it.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// The audience (`aud`) of the service; may be given several times
    ///
    /// One of them must be among those of the token.
    #[arg(long = "audience", required = true, value_name = "NAME")]
    audiences: Vec<String>,
    /// Requires a claim to be text that is not empty; may be given several times
    ///
    /// A token without it is refused.
    #[arg(long = "require", value_name = "CLAIM")]
    required: Vec<String>,
    /// Also reads scopes from this claim; may be given several times
    ///
    /// Besides scope. Some providers use scp.
    #[arg(long = "scopes-from", value_name = "CLAIM")]
    scopes_from: Vec<String>,
    /// Also reads roles from this claim, as `role:NAME`; may be given several times
    ///
    /// The prefix keeps a role from being taken for a scope of the same name.
    #[arg(long = "roles-from", value_name = "CLAIM")]
    roles_from: Vec<String>,
    /// The longest time from `iat` to `exp`
    ///
    /// A token that lives longer is refused, however much of it is left.
    #[arg(long, default_value = "1d", value_name = "SPAN")]
    max_lifetime: Span,
    /// How far the clocks may differ
    ///
    /// For exp, nbf and iat, in both directions.
    #[arg(long, default_value = "30s", value_name = "SPAN")]
    leeway: Span,
    /// Accepts tokens without `typ`
    ///
    /// Default: they are refused. Another document that the issuer signed, such as a logout token, could
    /// otherwise pass as an access token (RFC 8725, 3.11).
    #[arg(long)]
    dangerously_accept_untyped_tokens: bool,
    /// Accepts ID tokens
    ///
    /// ID tokens tell an application who signed in. They are not made to be sent to an API.
    #[arg(long)]
    dangerously_accept_id_tokens: bool,
}

impl TryToken {
    /// Decides about each line.
    ///
    /// Fails before the first line if the key set or a setting is wrong.
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
    ///
    /// Fails if the key set cannot be read, or if the settings contradict each other.
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

/// Returns the principal that a request with this token would have.
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
