//! The layer: a bearer token becomes a [`Principal`].

mod builder;
mod reader;
mod refusals;

use std::fmt;

use http::{HeaderValue, request};
use palisade_core::{
    AuthenticateLayer, Authenticator, AuthenticatorId, Credential, CredentialSource, Guard, Mode,
    Principal, SecurityContext, Verdict, layer,
};

pub use self::builder::JwtLayerBuilder;
use self::reader::Reader;
use crate::{Verifier, principal::KIND};

/// Asks for `Authorization: Bearer` with a JSON Web Token.
///
/// Alone it is a layer of its own; beside other kinds of credential it goes into
/// [`AuthenticateLayer::any`]. Either way the token is gone from the request when the handler sees it; what the handler
/// sees is the [`Principal`]. Clones share their state.
///
/// It reads bearer tokens with a dot in them ([`TokenShape::Dotted`](palisade_core::TokenShape::Dotted)). Beside it, an
/// authenticator that reads tokens by their prefix, such as one for API keys, goes first.
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
/// let answer = service.oneshot(Request::new(Body::default())).await?;
/// assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
/// assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"api\"");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct JwtLayer {
    reader: Reader,
    alone: AuthenticateLayer,
}

layer!(JwtLayer);

impl JwtLayer {
    /// Admits whoever the verifier accepts; `sub` names them.
    pub fn new(verifier: Verifier) -> Self {
        JwtLayerBuilder::new(verifier).finish()
    }

    /// Starts to describe a layer that reads more of a token than `sub` and scopes.
    pub fn builder(verifier: Verifier) -> JwtLayerBuilder {
        JwtLayerBuilder::new(verifier)
    }

    /// Lets requests without a token pass as guests, where this layer stands alone. A wrong token is still refused.
    pub fn optional(mut self) -> Self {
        self.alone = self.alone.optional();
        self
    }

    /// Records what would be refused and lets it pass, where this layer stands alone. For the days of a roll-out only.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.alone = self.alone.dangerously_only_shadow();
        self
    }

    fn with_reader(reader: Reader) -> Self {
        Self {
            alone: AuthenticateLayer::single(reader.clone()),
            reader,
        }
    }
}

impl Guard for JwtLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        KIND
    }

    fn mode(&self) -> Mode {
        self.alone.mode()
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        self.alone.admit(cx, head)
    }
}

impl Authenticator for JwtLayer {
    fn id(&self) -> AuthenticatorId {
        self.reader.id()
    }

    fn kind(&self) -> &'static str {
        KIND
    }

    fn sources(&self) -> Vec<CredentialSource> {
        self.reader.sources()
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        self.reader.authenticate(cx, head, credential)
    }

    fn challenge(&self) -> HeaderValue {
        self.reader.challenge()
    }
}

impl fmt::Debug for JwtLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtLayer")
            .field("reader", &self.reader)
            .field("alone", &self.alone)
            .finish()
    }
}
