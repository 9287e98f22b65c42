//! Session tickets (RFC 5077; RFC 8446, section 4.6.1), with which clients resume.

use std::sync::Arc;

use rustls::{crypto::aws_lc_rs, server::ProducesTickets};

/// Creates the keys of session tickets.
///
/// Clients store their sessions as tickets, so the server has no table that can be full. The
/// key is random, known to this process alone, and replaced every six hours. So a resumed
/// session is at most twelve hours old.
///
/// # Errors
///
/// The system has no random bytes.
pub(super) fn ticketer() -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
    aws_lc_rs::Ticketer::new()
}
