//! The server (feature `server`): TLS, timeouts, connection limits, graceful shutdown.
//!
//! It is `palisade::transport::server`, with additions that need more than one crate:
//! [`record_connections`] writes what happens to connections to the audit trail, `record_certificates`
//! (feature `acme`) the orders of certificates, and [`Reloadable`] replaces the service while it
//! serves.

#[cfg(feature = "acme")]
mod certificate_events;
mod connection_events;
mod reload;

pub use palisade_transport::server::*;

#[cfg(feature = "acme")]
pub use self::certificate_events::record_certificates;
pub use self::{connection_events::record_connections, reload::Reloadable};
