//! Helpers for tests: a fake identity, a peer, and inner services. Feature `testing`.
//!
//! # Test your own routes
//!
//! A protected application needs a peer, a host, and a credential. [`request`] makes the first two,
//! and [`signed_in`] replaces the third: a bare `oneshot` then works in two lines. Give the
//! application a [`TestAuthenticator`] in place of the real one; limits, rules and handlers stay what
//! they are. Where time matters, give the layers a [`ManualClock`](crate::ManualClock).
//!
//! ```
//! use std::sync::Arc;
//! use http::StatusCode;
//! use palisade_core::{
//!     AccessLayer, AuthenticateLayer, GuardLayer, Principal, RouteLayer, RouteTable, Rule,
//!     testing::{self, EmptyOk, TestAuthenticator},
//! };
//! use tower::{Layer, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The application, with a fake authenticator. With the facade: `Shield::builder()`.
//! let table = RouteTable::builder().any("/speak", Rule::scope("tts:speak")).build()?;
//! let app = GuardLayer((
//!     RouteLayer::new(Arc::new(table)),
//!     AuthenticateLayer::builder().authenticator(TestAuthenticator::new()).optional().build()?,
//!     AccessLayer::new([]),
//! ))
//! .layer(EmptyOk::default());
//!
//! // A client that may speak.
//! let ann = Principal::builder("test", "ann").scopes(["tts:speak"]).build();
//! let request = testing::request("https://api.example/speak").extension(testing::signed_in(ann));
//! let response = app.clone().oneshot(request.body(testing::empty_body())?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! // A client without a credential.
//! let request = testing::request("https://api.example/speak").body(testing::empty_body())?;
//! assert_eq!(app.oneshot(request).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok(()) }
//! ```
//!
//! # Test a layer
//!
//! [`EmptyOk`] is an inner service that always responds 200. [`poll_ready_contract`] checks that a
//! layer keeps the contract of tower.
//!
//! Nothing here is for production. The feature adds no way to sign in over a network: what
//! [`signed_in`] inserts is an extension of the request, which no client can send.

mod contract;
mod identity;
mod request;
mod service;

pub use self::{
    contract::{ReadinessChecker, poll_ready_contract},
    identity::{SignedIn, TestAuthenticator, signed_in},
    request::{CLIENT, empty_body, request},
    service::{EmptyOk, TestBody},
};
pub use crate::clock::ManualClock;
