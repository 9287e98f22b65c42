//! Decides about tokens as the service of a configuration does.
//!
//! The authenticators are those of the service, so lists of revoked tokens, proofs and introspection
//! count too. Rules of routes do not: a token that is accepted may lack a scope.

use std::path::Path;

use http::{HeaderValue, Request, Uri, header::AUTHORIZATION};
use palisade::config::Config;
use palisade_core::{
    AuthenticateLayer, Guard as _, Principal, Rejection, SecurityContext, Verdict,
};
use palisade_internal::rfc3339;
use palisade_jwt::{Claims, Verifier};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::failure::Failure;

/// A decision about one credential.
///
/// Printed as one JSON object: `{"accepted":true,"principal":{…}}`, or
/// `{"accepted":false,"code":"expired","reason":"…"}`.
pub(crate) enum Decision {
    /// The members of the principal.
    Accepted(Value),
    /// A stable code, and a sentence for people.
    Refused { code: String, reason: String },
}

impl Decision {
    /// Makes a refusal.
    pub(crate) fn as_refusal(code: &str, reason: &str) -> Self {
        Self::Refused {
            code: code.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// Returns the object that is printed. Its members are in alphabetical order, as the JSON library
    /// writes them.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Accepted(principal) => json!({ "accepted": true, "principal": principal }),
            Self::Refused { code, reason } => {
                json!({ "accepted": false, "code": code, "reason": reason })
            }
        }
    }
}

/// Decides about a token by a verifier alone.
pub(crate) fn with_verifier(verifier: &Verifier, token: &[u8]) -> Decision {
    // What is not text has another form than a token; the text below has too.
    match verifier.verify(str::from_utf8(token).unwrap_or_default()) {
        Ok(claims) => Decision::Accepted(of_claims(&claims)),
        Err(refused) => Decision::as_refusal(refused.code(), &refused.to_string()),
    }
}

/// The authenticators of a configuration.
pub(crate) struct ConfiguredTokens {
    layer: AuthenticateLayer,
    /// The path of the requests: of several resources, it says which one decides.
    path: Uri,
    /// Fetches keys, and asks the issuer.
    runtime: Runtime,
}

impl ConfiguredTokens {
    /// Opens the keys of a configuration. Those of an address are fetched with the first token.
    ///
    /// # Errors
    ///
    /// The file has a mistake or accepts no token, or `path` is none.
    pub(crate) fn open(config: &Config, path: Option<&str>) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let inside = runtime.enter();
        let layer = config.token_layer()?;
        drop(inside);
        let layer = layer.ok_or_else(|| {
            Failure::new("the configuration accepts no token: it has no section [[tokens]]")
        })?;
        Ok(Self {
            layer,
            path: path_of(config, path)?,
            runtime,
        })
    }

    /// Reads a configuration that may have sections of an application.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or has a mistake; the error names line, key and remedy.
    pub(crate) fn read(file: &Path) -> Result<Config, Failure> {
        Ok(Config::read_any(file)?)
    }

    /// Decides about a request with a bearer token.
    pub(crate) fn decide_on_token(&self, token: &[u8]) -> Decision {
        let value = [b"Bearer ", token].concat();
        let Ok(value) = HeaderValue::from_bytes(&value) else {
            // No request can carry it.
            return Decision::as_refusal("shape", "token refused: shape");
        };
        let mut request = Request::new(());
        *request.uri_mut() = self.path.clone();
        request.headers_mut().insert(AUTHORIZATION, value);
        let (mut head, ()) = request.into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        // The layer starts fetches, which need the runtime.
        let decided = self.runtime.block_on(async {
            match self.layer.admit(&cx, &mut head) {
                Verdict::Admit(()) => Ok(()),
                Verdict::Refuse(rejection) => Err(rejection),
                Verdict::Later(later) => later.await,
            }
        });
        match (decided, cx.principal()) {
            (Err(rejection), _) => explain_refusal(&rejection),
            (Ok(()), Some(who)) => Decision::Accepted(principal_members(who)),
            (Ok(()), None) => {
                Decision::as_refusal("no_principal", "no authenticator read the token")
            }
        }
    }
}

/// Returns the path that is given, or that of the first resource.
///
/// # Errors
///
/// The path does not begin with `/`, or is no path.
fn path_of(config: &Config, given: Option<&str>) -> Result<Uri, Failure> {
    let resource = config
        .resources()
        .next()
        .and_then(|it| it.parse::<Uri>().ok());
    let path = given.map(str::to_owned);
    let path = path.or_else(|| resource.map(|it| it.path().to_owned()));
    let path = path.unwrap_or_else(|| "/".to_owned());
    let parsed = path.parse::<Uri>().ok().filter(|_| path.starts_with('/'));
    parsed.ok_or_else(|| Failure::new(format_args!("--path {path}: write a path such as /mcp")))
}

/// Returns the reason of a refusal, which a client does not learn.
fn explain_refusal(rejection: &Rejection) -> Decision {
    let reason = rejection.reason().unwrap_or(rejection.code());
    // Of a claim the reason also names it: `token refused: claim_missing (aud)`.
    let bare = reason.strip_prefix("token refused: ").unwrap_or(reason);
    let code = bare.split(" (").next().unwrap_or(bare);
    match code.contains(' ') {
        true => Decision::as_refusal(rejection.code(), reason),
        false => Decision::as_refusal(code, &format!("token refused: {bare}")),
    }
}

/// Returns the principal that a request with the token has.
fn principal_members(who: &Principal) -> Value {
    json!({
        "kind": who.kind(),
        "id": who.id(),
        "owner": who.owner(),
        "tier": who.tier(),
        "token": who.credential(),
        "scopes": who.scopes().collect::<Vec<_>>(),
        "expires": who.expires().map(rfc3339::write_seconds),
    })
}

/// Returns the principal that a request with this token would have.
fn of_claims(claims: &Claims) -> Value {
    json!({
        "kind": "jwt",
        "id": claims.subject(),
        "issuer": claims.issuer(),
        "token": claims.token_id(),
        "scopes": claims.scopes().collect::<Vec<_>>(),
        "expires": rfc3339::write_seconds(claims.expires()),
    })
}
