//! Cross-origin requests of browsers (CORS, Fetch standard), decided by `tower-http`.
//!
//! The guard gets the headers of a response from a `CorsLayer`. It is outside every guard that may
//! refuse, so scripts can read refusals. [`PreflightService`] responds to preflights, which carry
//! no credential, in place of the handler.

#[cfg(feature = "cors")]
mod guard;
mod preflight;
#[cfg(feature = "cors")]
mod skip;

pub use self::preflight::{PreflightFuture, PreflightService};
#[cfg(feature = "cors")]
pub(super) use self::{
    guard::{CorsGuard, is_usable},
    skip::SkipPreflight,
};
