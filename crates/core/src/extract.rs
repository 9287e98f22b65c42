//! Extractors for axum handlers: [`SecurityContext`], [`Principal`], [`ClientIp`]. Feature `axum`.
//!
//! They read what the guards stored. If a guard is missing they refuse with 500 `misconfigured`;
//! the reason is in the audit trail and in the log.
//!
//! | extractor | without a guard | without a credential |
//! |---|---|---|
//! | `SecurityContext` | 500 | passes |
//! | `Principal` | 500 | 401 `unauthenticated` |
//! | `Option<Principal>` | 500 | `None` |
//! | `ClientIp` | 500 | passes |
//! | `Option<ClientCertificate>` | passes | passes |
//!
//! ```
//! use axum::{Router, routing::get};
//! use palisade_core::{ClientIp, Principal, SecurityContext};
//!
//! /// Only for clients with a credential.
//! async fn account(who: Principal) -> String {
//!     who.id().to_owned()
//! }
//!
//! /// Also for anonymous clients; reports what the request really cost.
//! async fn speak(cx: SecurityContext, who: Option<Principal>, ip: ClientIp) -> String {
//!     cx.settle("characters", 120);
//!     who.map_or_else(|| ip.to_string(), |who| who.id().to_owned())
//! }
//!
//! let router: Router = Router::new().route("/account", get(account)).route("/speak", get(speak));
//! ```

use std::{convert::Infallible, net::IpAddr, ops::Deref};

use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, request};

use crate::{
    client_certificate::ClientCertificate,
    context::{Identity, SecurityContext},
    principal::Principal,
    rejection::{ProblemJson, Rejection, Renderer as _},
};

/// A refusal by an extractor or a handler, rendered like those of guards.
///
/// Without a [`SecurityContext`] it is rendered as [`ProblemJson`] and not
/// recorded.
///
/// A handler that refuses for a reason of the application:
///
/// ```
/// use http::StatusCode;
/// use palisade_core::{Rejection, SecurityContext, extract::Refused};
///
/// async fn voice(cx: SecurityContext) -> Result<&'static str, Refused> {
///     let in_use = true;
///     if in_use {
///         let busy = Rejection::new(StatusCode::CONFLICT, "voice_busy", "The voice is in use.");
///         return Err(Refused::new(&cx, busy));
///     }
///     Ok("RIFF…")
/// }
/// # let _: axum::Router = axum::Router::new().route("/voice", axum::routing::get(voice));
/// ```
#[derive(Clone, Debug)]
pub struct Refused {
    cx: Option<SecurityContext>,
    rejection: Box<Rejection>,
}

impl Refused {
    /// Refuses from a handler as a guard would: in the same form, and recorded in the audit trail.
    ///
    /// Return it as the error of a handler. The guard name of the refusal is `handler`.
    #[must_use]
    pub fn new(cx: &SecurityContext, rejection: Rejection) -> Self {
        Self {
            cx: Some(cx.clone()),
            rejection: Box::new(rejection),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(mut self) -> Response {
        let response = match &self.cx {
            Some(cx) => {
                cx.refuse("handler", &mut self.rejection);
                cx.render(*self.rejection)
            }
            None => ProblemJson::default().render(*self.rejection),
        };
        response.map(Body::from)
    }
}

/// Finds the context of the request, or refuses with `misconfigured`.
fn context(head: &request::Parts) -> Result<&SecurityContext, Refused> {
    SecurityContext::of(&head.extensions).ok_or_else(|| Refused {
        cx: None,
        rejection: Box::new(Rejection::misconfigured(
            "the handler stands outside every guard",
        )),
    })
}

impl<S: Sync> FromRequestParts<S> for SecurityContext {
    type Rejection = Refused;

    async fn from_request_parts(head: &mut request::Parts, _: &S) -> Result<Self, Refused> {
        context(head).cloned()
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Refused;

    async fn from_request_parts(head: &mut request::Parts, _: &S) -> Result<Self, Refused> {
        let cx = context(head)?;
        let rejection = match cx.identity() {
            Identity::Known(who) => return Ok(who.clone()),
            Identity::Anonymous => {
                Rejection::credentials_missing(HeaderValue::from_static("Bearer"))
            }
            Identity::Unknown => {
                Rejection::misconfigured("`Principal` needs an authenticator outside the handler")
            }
        };
        Err(Refused::new(cx, rejection))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Refused;

    async fn from_request_parts(head: &mut request::Parts, _: &S) -> Result<Option<Self>, Refused> {
        let cx = context(head)?;
        match cx.identity() {
            Identity::Known(who) => Ok(Some(who.clone())),
            Identity::Anonymous => Ok(None),
            Identity::Unknown => {
                let reason = "`Option<Principal>` needs an authenticator outside the handler";
                Err(Refused::new(cx, Rejection::misconfigured(reason)))
            }
        }
    }
}

/// Reads the certificate of the client. Never refuses: a route that demands one has
/// [`Rule::client_certificate`](crate::Rule::client_certificate).
///
/// ```
/// use axum::{Router, routing::get};
/// use palisade_core::ClientCertificate;
///
/// async fn whoami(certificate: Option<ClientCertificate>) -> String {
///     certificate.map_or("no certificate".to_owned(), |one| one.subject().to_owned())
/// }
/// let router: Router = Router::new().route("/whoami", get(whoami));
/// ```
impl<S: Sync> OptionalFromRequestParts<S> for ClientCertificate {
    type Rejection = Infallible;

    async fn from_request_parts(
        head: &mut request::Parts,
        _: &S,
    ) -> Result<Option<Self>, Infallible> {
        Ok(Self::of(&head.extensions).cloned())
    }
}

/// The address of the client, as the client address layer decided it.
///
/// Refuses with 500 `misconfigured` if no such layer is outside the handler.
/// Read the scheme and the forwarded host with [`SecurityContext::client`].
///
/// ```
/// use axum::{Router, routing::get};
/// use palisade_core::ClientIp;
///
/// async fn whoami(ClientIp(address): ClientIp) -> String {
///     address.to_string()
/// }
/// let router: Router = Router::new().route("/whoami", get(whoami));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs)] // Made to be taken apart in a handler's arguments.
pub struct ClientIp(pub IpAddr);

impl Deref for ClientIp {
    type Target = IpAddr;

    fn deref(&self) -> &IpAddr {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for ClientIp {
    type Rejection = Refused;

    async fn from_request_parts(head: &mut request::Parts, _: &S) -> Result<Self, Refused> {
        let cx = context(head)?;
        match cx.client() {
            Some(client) => Ok(Self(client.ip())),
            None => {
                let reason = "`ClientIp` needs ClientInfoLayer outside the handler";
                Err(Refused::new(cx, Rejection::misconfigured(reason)))
            }
        }
    }
}
