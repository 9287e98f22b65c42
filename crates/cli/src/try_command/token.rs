//! `palisade try token`: decides about tokens as the verifier does.
//!
//! With `--config` the authenticators are those of the service, list of revoked tokens included. With
//! `--jwks` the verifier has the settings of the arguments; revoked tokens are not known then.
//!
//! Codes are those of `InvalidToken::code`. Keys are not chosen by the token: its `jku`, `x5u` and
//! `jwk` are ignored (RFC 8725, section 3.10), and its `alg` must be that of the key (section 3.1).
//!
//! # Output
//!
//! `{"accepted":true,"principal":{…}}` with `kind`, `id`, `issuer`, `token`, `scopes` and
//! `expires`; or `{"accepted":false,"code":…,"reason":…}`. The token is not repeated. With `--config`,
//! `owner` and `tier` are there too, and `issuer` is not.

use std::path::PathBuf;

use clap::Args;
use palisade_jwt::{Issuer, JwksReader, Verifier};

use super::decide_each_line;
use crate::{
    failure::Failure,
    moment::Span,
    token_decision::{ConfiguredTokens, with_verifier},
};

const EXAMPLES: &str = "\
Reads one token a line from standard input and prints one JSON object a line. The exit code is 0 whatever is decided.

Example:
  palisade try token --jwks issuer.jwks --issuer https://login.example --audience tts < token.txt
  {\"accepted\":false,\"code\":\"expired\",\"reason\":\"token refused: expired\"}

  palisade try token --config gateway.toml --path /mcp < token.txt

With --config the token is decided about as the service does it: keys of an address are fetched, and the
issuer is asked about an opaque token. Scopes of routes are not compared. A token that is bound to a key is
refused: there is no proof.";

/// The arguments that a configuration replaces.
const BY_ARGUMENTS: [&str; 11] = [
    "jwks",
    "secrets",
    "issuer",
    "audiences",
    "required",
    "scopes_from",
    "roles_from",
    "max_lifetime",
    "leeway",
    "dangerously_accept_untyped_tokens",
    "dangerously_accept_id_tokens",
];

/// Decides about JSON Web Tokens from standard input
///
/// The checks are those of RFC 8725 and RFC 9068: algorithm, signature, typ, issuer, audience, times and
/// lifetime. Without --config the key set is read from a file, and nothing is fetched.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TryToken {
    /// The configuration of the service or of the gateway, in place of the arguments below
    ///
    /// Its sections about tokens count: [[tokens]], [[resource_servers]], [introspection],
    /// [revoked_tokens].
    #[arg(long, value_name = "FILE", conflicts_with_all = BY_ARGUMENTS)]
    config: Option<PathBuf>,
    /// The path of the request, with --config
    ///
    /// Of several resources, it says which one decides. Default: the path of the first resource.
    #[arg(long, requires = "config", value_name = "PATH")]
    path: Option<String>,
    /// The file with the issuer's key set (JWKS)
    ///
    /// A JSON Web Key Set (RFC 7517), as the issuer publishes it. Each key must name its algorithm or have
    /// one that follows from its type.
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    jwks: Option<PathBuf>,
    /// The key set holds secrets (`oct`) in place of public keys
    ///
    /// For HS256. Default: off, so that a public key set is never taken for secrets.
    #[arg(long)]
    secrets: bool,
    /// The issuer (`iss`), compared exactly
    ///
    /// With case and a trailing slash, as the token has it.
    #[arg(long, value_name = "URL", required_unless_present = "config")]
    issuer: Option<String>,
    /// The audience (`aud`) of the service; may be given several times
    ///
    /// One of them must be among those of the token.
    #[arg(
        long = "audience",
        required_unless_present = "config",
        value_name = "NAME"
    )]
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
    /// # Errors
    ///
    /// The key set or a setting is wrong, or standard input or output cannot be used.
    pub(super) fn run(self) -> Result<(), Failure> {
        if let Some(file) = &self.config {
            let config = ConfiguredTokens::read(file)?;
            let tokens = ConfiguredTokens::open(&config, self.path.as_deref())?;
            return decide_each_line(|token| tokens.decide_on_token(token));
        }
        let verifier = self.into_verifier()?;
        decide_each_line(|token| with_verifier(&verifier, token))
    }

    /// Makes a verifier of the arguments.
    ///
    /// # Errors
    ///
    /// The key set cannot be read, or the settings contradict each other.
    fn into_verifier(self) -> Result<Verifier, Failure> {
        // Both are there: clap requires them without `--config`.
        let (file, issuer) = (
            self.jwks.unwrap_or_default(),
            self.issuer.unwrap_or_default(),
        );
        let text = std::fs::read_to_string(&file).map_err(|problem| {
            Failure::new(format_args!("cannot read {}: {problem}", file.display()))
        })?;
        let reader = match self.secrets {
            true => JwksReader::new().secrets(),
            false => JwksReader::new(),
        };
        let keys = reader.read(&text)?;
        let mut audiences = self.audiences.into_iter();
        let first = audiences.next().unwrap_or_default();
        let issuer = Issuer::new(issuer, first, keys).max_lifetime(self.max_lifetime.0);
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
