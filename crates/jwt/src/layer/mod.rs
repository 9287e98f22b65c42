//! The layer that authenticates requests by bearer token.
//!
//! `builder` has its choices, `authenticator` reads a token, `decision` decides about it, and `checks`
//! about the request with it. `principal` says which claims become what, and `refusals` are the
//! responses.

mod builder;
mod authenticator;
mod decision;
mod checks;
mod shared;
pub(crate) mod principal;
pub(crate) mod refusals;

use std::fmt;

use palisade_core::{AuthenticateLayer, authenticator_layer};

use self::authenticator::TokenAuthenticator;
pub use self::builder::JwtLayerBuilder;
use crate::{layer::principal::KIND, verifier::Verifier};

/// Authenticates requests by `Authorization: Bearer` with a JSON Web Token (RFC 6750).
///
/// | case | response |
/// |---|---|
/// | no token, or one that is not valid | 401 with `WWW-Authenticate: Bearer` |
/// | the keys of the issuer are not available | 503 with `Retry-After: 5` |
///
/// Use it as a layer by itself. Together with other kinds of credential use it in the list of an
/// [`AuthenticateLayer`]. In both cases the token is removed before the handler sees the
/// request; the handler sees the [`Principal`](palisade_core::Principal). Clones share their state.
///
/// It reads bearer tokens with a dot in them
/// ([`TokenShape::Dotted`](palisade_core::TokenShape::Dotted)). In a list, an authenticator that
/// reads tokens by their prefix, such as one for API keys, goes before it.
///
/// ```
/// use http::{Request, Response, StatusCode, header::AUTHORIZATION};
/// use palisade_core::{SecurityContext, SystemClock};
/// use palisade_jwt::{Algorithm, Issuer, JwtLayer, Verifier, mint::{SigningKey, Token}};
/// use tower::{ServiceBuilder, ServiceExt};
/// # type Body = http_body_util::Full<bytes::Bytes>;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::Es256)?;
/// let issuer = Issuer::new("https://login.example", "tts", key.verifying_key());
/// let service = ServiceBuilder::new()
///     .layer(JwtLayer::new(Verifier::builder().issuer(issuer).build()?))
///     .service_fn(async |request: Request<Body>| {
///         let cx = SecurityContext::of(request.extensions()).expect("the layer made it");
///         let name = cx.principal().expect("the layer admitted it").id().to_owned();
///         Ok::<_, std::convert::Infallible>(Response::new(Body::from(name)))
///     });
///
/// let token = Token::new("https://login.example", "tts", "lin").sign(&key, SystemClock::shared().as_ref())?;
/// let request = Request::builder().header(AUTHORIZATION, format!("Bearer {token}")).body(Body::default())?;
/// assert_eq!(service.clone().oneshot(request).await?.status(), StatusCode::OK);
///
/// let response = service.oneshot(Request::new(Body::default())).await?;
/// assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
/// assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"api\"");
/// # Ok(())
/// # }
/// ```
///
/// Guests are admitted too, tokens of one kind of client are refused, and the challenge names the service:
///
/// ```
/// use palisade_jwt::{Algorithm, Issuer, JwtLayer, Verifier, mint::SigningKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::Es256)?.verifying_key();
/// let issuer = Issuer::new("https://login.example", "tts", key);
/// let layer = JwtLayer::builder(Verifier::builder().issuer(issuer).build()?)
///     .realm("speech")
///     .optional()
///     .check(|claims| claims.subject() != Some("robot"))
///     .build()?;
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct JwtLayer {
    /// Decides about tokens.
    authenticator: TokenAuthenticator,
    /// The layer for use by itself, outside of a list of authenticators.
    alone: AuthenticateLayer,
}

authenticator_layer!(JwtLayer, name: KIND, guard: alone, authenticator: authenticator);

impl JwtLayer {
    /// Creates a layer with the defaults of [`JwtLayerBuilder`].
    ///
    /// A request with a token that `verifier` accepts has a [`Principal`](palisade_core::Principal) with the id `sub` and the
    /// token's scopes.
    pub fn new(verifier: Verifier) -> Self {
        let authenticator = JwtLayerBuilder::new(verifier).authenticator();
        Self {
            alone: AuthenticateLayer::new(authenticator.clone()),
            authenticator,
        }
    }

    /// Starts to configure a layer that reads more of a token than `sub` and scopes.
    pub fn builder(verifier: Verifier) -> JwtLayerBuilder {
        JwtLayerBuilder::new(verifier)
    }
}

impl fmt::Debug for JwtLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtLayer")
            .field("authenticator", &self.authenticator)
            .field("alone", &self.alone)
            .finish()
    }
}
