//! Runs a sequence of guards around a service: [`GuardService`], its future, its body.
//!
//! - The inner service is never called before the verdict, and the service that was polled for
//!   readiness is the one that is called.
//! - A refusal never waits for capacity: `poll_ready` polls the service, and readiness is awaited after the verdict.
//!   So a `LoadShed` must stand *inside* this layer; outside it would never shed.
//! - Every pass that was given is closed exactly once, inner guards first, whatever happens.
//!
//! Each `GuardService` moves the request and the response, which costs more than most guards do:
//! prefer one with a sequence (a tuple of guards, a `Shield`) to five `.layer()` calls.

mod body;
mod future;
mod hold;
mod layer;
mod lease;
mod service;
mod stage;

pub use self::{
    body::GuardBody, future::GuardFuture, layer::GuardLayer, lease::Lease, service::GuardService,
};
pub(crate) use self::{body::refusal, hold::Hold};
