//! The server (feature `server`): TLS, timeouts, connection limits, graceful shutdown.
//!
//! It is `palisade::transport::server`, with two additions that need more than one crate:
//! [`record_connections`] writes what happens to connections to the audit trail, and [`Reloadable`]
//! replaces the service while it serves.

mod connection_events;
mod reload;

pub use palisade_transport::server::*;

pub use self::{connection_events::record_connections, reload::Reloadable};
