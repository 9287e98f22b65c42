//! Connects the events of the server to the audit trail and to the metrics.
//!
//! The shield sees requests only. A failed TLS handshake or a refused connection never becomes one.

use palisade_audit::{AuditEvent, AuditHandle, event_id};
use palisade_transport::server::{ConnectionEvent, ConnectionEventKind, ServerBuilder};

/// Records what happens to the connections of a server before there is a request.
///
/// These are failed handshakes, refused and closed connections, and protocol errors. Without this
/// function only requests are recorded.
///
/// Events of one network and kind are counted together, as [`ConnectionEvent`] says. The audit
/// trail gets an event with network, kind and number. Without `audit`, only the metrics are
/// counted. With the feature `metrics` it counts in `palisade_connection_events_total{kind}`.
///
/// ```no_run
/// # fn bind(audit: palisade::AuditLayer) -> Result<(), Box<dyn std::error::Error>> {
/// use palisade::server::{Server, record_connections};
///
/// let server = Server::builder().listen("0.0.0.0:443".parse()?);
/// let server = record_connections(server, Some(audit.handle())).build()?;
/// # drop(server); Ok(()) }
/// ```
pub fn record_connections(server: ServerBuilder, audit: Option<AuditHandle>) -> ServerBuilder {
    server.on_connection_event(move |event| {
        #[cfg(feature = "metrics")]
        metrics::counter!("palisade_connection_events_total", "kind" => event.kind.as_str())
            .increment(event.count);
        if let Some(audit) = &audit {
            audit.record(record(event));
        }
    })
}

/// Makes the audit event: kind, number, interval in seconds, and the network if it is known.
fn record(event: &ConnectionEvent) -> AuditEvent {
    let record = AuditEvent::new(id(event.kind))
        .text("kind", event.kind.as_str())
        .number("count", event.count)
        .number("interval_s", event.interval.as_secs());
    match event.network {
        // They are counted by network already, so the trail need not do it again by address.
        Some(network) => record.network("network", network.address(), network.prefix_length()),
        None => record,
    }
}

/// Returns the identifier of the audit event for a kind. Kinds of later versions are protocol
/// errors.
fn id(kind: ConnectionEventKind) -> &'static str {
    match kind {
        ConnectionEventKind::AddressLimit
        | ConnectionEventKind::IdleClosed
        | ConnectionEventKind::ServerLimit => event_id::CONNECTION_REFUSED,
        ConnectionEventKind::HandshakeTimeout
        | ConnectionEventKind::HeaderTimeout
        | ConnectionEventKind::ProxyHeaderTimeout
        | ConnectionEventKind::RequestBodyTimeout
        | ConnectionEventKind::ResponseTimeout => event_id::CONNECTION_TIMED_OUT,
        ConnectionEventKind::CertificateRefused
        | ConnectionEventKind::ClientCertificateRefused
        | ConnectionEventKind::HandshakeFailed => event_id::TLS_HANDSHAKE_FAILED,
        _ => event_id::PROTOCOL_ERROR,
    }
}
