//! The core of Palisade: types and one service that run security decisions around HTTP services.
//!
//! A [`Guard`] reads the head of a request, admits or refuses it, may change the head of the response,
//! and is told how the request ended. [`GuardService`] runs a sequence of guards around
//! any `tower` service over `http` types: axum, tonic, hyper.
//!
//! Layer authors depend on this crate alone; applications use `palisade`.
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use palisade_core::{Guard, Rejection, SecurityContext, Verdict, layer};
//! use tower::{Service, ServiceExt, ServiceBuilder};
//!
//! /// Admits requests that carry the word.
//! #[derive(Clone, Debug)]
//! struct Word(&'static str);
//!
//! impl Guard for Word {
//!     type Pass = ();
//!     fn name(&self) -> &'static str { "word" }
//!     fn admit(&self, _: &SecurityContext, head: &mut http::request::Parts) -> Verdict<()> {
//!         // The header is removed, so that the handler does not see it.
//!         match head.headers.remove("x-word") {
//!             Some(word) if word == self.0 => Verdict::Admit(()),
//!             _ => Rejection::new(StatusCode::FORBIDDEN, "word", "Say the word.").into(),
//!         }
//!     }
//! }
//! layer!(Word);
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! # type Body = http_body_util::Full<bytes::Bytes>;
//! let service = ServiceBuilder::new()
//!     .layer(Word("mellon"))
//!     .service_fn(async |_: Request<Body>| Ok::<_, std::convert::Infallible>(Response::new(Body::default())));
//!
//! let response = service.oneshot(Request::new(Body::default())).await.unwrap();
//! assert_eq!(response.status(), StatusCode::FORBIDDEN);
//! assert_eq!(response.headers()["content-type"], "application/problem+json");
//! # }
//! ```
//!
//! What to use:
//!
//! - A custom decision: implement [`Guard`], then write [`layer!`] or wrap it in [`GuardLayer`].
//! - A custom credential: implement [`Authenticator`] and put it into an
//!   [`AuthenticateLayer`].
//! - Access by route: build a [`RouteTable`] of [`Rule`]s; [`RouteLayer`], [`NotFoundLayer`] and
//!   [`AccessLayer`] apply it.
//! - A public document at a well-known path: [`PublicDocument`] and [`DocumentService`].
//! - The form of refusals: implement [`Renderer`] and put it into a [`RenderLayer`].
//! - What guards share about a request: [`SecurityContext`].
//!
//! # One request, step by step
//!
//! | step | called | on failure |
//! |---|---|---|
//! | 1. The guards decide, outermost first | [`Guard::admit`] | a refusal; no guard or service further in sees the request |
//! | 2. The service runs | `Service::call` | its error goes outwards; a panic too, or it becomes a 500 with [`GuardService::catch_panics`] |
//! | 3. The guards see the head of the response, innermost first | [`Guard::finish`] | the refusal replaces the response |
//! | 4. The body is sent | [`GuardBody`] | the outcome is `body_failed` or `body_dropped` |
//! | 5. The guards give back what they hold, innermost first | [`Guard::close`] | a panic is caught and recorded |
//!
//! Step 5 always happens, exactly once for each guard that admitted: also when the client leaves
//! during step 1 to 4, which drops the future or the body.
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `axum` | extractors for handlers: `extract` | off |
//! | `testing` | a fake identity and services for tests: `testing` | off |
//!
//! # Missing parts
//!
//! A missing part refuses. A guard that needs another one outside it, and does not find it,
//! responds 500 `misconfigured` and logs the reason, at most once a minute.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "axum")]
pub mod extract;
mod authenticate;
mod layers;
mod documents;
mod service;
mod sequence;
mod guard;
mod context;
mod routes;
mod rejection;
mod credential;
mod principal;
mod own_limits;
mod client_certificate;
mod client;
mod request_body;
mod clock;
mod secret;
mod maybe_ready;

pub use tower_layer::Layer;

#[cfg(feature = "axum")]
pub use self::extract::ClientIp;
pub use self::{
    authenticate::{
        AuthenticateBuildError, AuthenticateLayer, AuthenticateLayerBuilder, Authenticator,
    },
    client::{ClientInfo, Peer, Scheme, TlsVersion},
    client_certificate::ClientCertificate,
    clock::{Clock, ManualClock, SharedClock, SystemClock},
    context::{
        Counted, Fact, FailedCredential, FirstAndLast, Identity, Lease, Observations, Refusal,
        RequestBytes, RequestId, SecurityContext, TraceContext,
    },
    credential::{
        AuthenticatorId, Credential, CredentialFailure, CredentialSource, CredentialState,
        Presence, TokenShape,
    },
    documents::{DocumentFuture, DocumentService, PublicDocument},
    guard::{Guard, Mode, Outcome, OutcomeKind, Verdict},
    layers::{
        AccessLayer, AccessLayerBuilder, NotFoundLayer, NotFoundLayerBuilder, RenderLayer,
        RenderLayerBuilder, RequestIdLayer, RequestIdLayerBuilder, RouteLayer, TraceLayer,
        TraceLayerBuilder,
    },
    maybe_ready::{BoxFuture, MaybeReady},
    own_limits::{OwnLimits, OwnLimitsError},
    principal::{Principal, PrincipalBuilder},
    rejection::{EmptyBody, PlainText, ProblemJson, Rejection, Renderer},
    request_body::{BoxError, RebuildBody, RequestBody},
    routes::{
        Access, BodyKind, Priority, RouteMatch, RouteTable, RouteTableBuildError,
        RouteTableBuilder, Rule, TextField, TextFieldProblem,
    },
    secret::Secret,
    sequence::{AnyGuard, GuardInfo, GuardList, Guards},
    service::{GuardBody, GuardFuture, GuardLayer, GuardService, refuse, refuse_response},
};

// The example of the README, compiled as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
