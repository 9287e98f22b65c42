//! What happens to connections, for the trail and the metrics.

use palisade_audit::{AuditEvent, AuditHandle, event_id};
use palisade_transport::server::{ConnectionEvent, ConnectionEventKind, Server};

/// Records what happens to the connections of a server before there is a request: failed handshakes,
/// refused and closed connections, protocol errors. Without this, only requests are on record.
///
/// Each event is folded by network and kind, as [`ConnectionEvent`] says. In the trail it is an event
/// with the network, the kind and the number; with feature `metrics` it counts in
/// `palisade_connection_events_total{kind}`.
///
/// ```no_run
/// # fn bind(audit: palisade::AuditLayer) -> Result<(), Box<dyn std::error::Error>> {
/// use palisade::{record_connections, server::Server};
///
/// let server = Server::bind("0.0.0.0:443".parse()?)?;
/// let server = record_connections(server, Some(audit.handle()));
/// # drop(server); Ok(()) }
/// ```
pub fn record_connections(server: Server, audit: Option<AuditHandle>) -> Server {
    server.on_connection_event(move |event| {
        #[cfg(feature = "metrics")]
        metrics::counter!("palisade_connection_events_total", "kind" => event.kind.as_str())
            .increment(event.count);
        if let Some(audit) = &audit {
            audit.record(record(event));
        }
    })
}

fn record(event: &ConnectionEvent) -> AuditEvent {
    let record = AuditEvent::new(id(event.kind))
        .text("kind", event.kind.as_str())
        .number("count", event.count)
        .number("interval_s", event.interval.as_secs());
    match event.network {
        // They are folded already, so the trail need not fold them again by address.
        Some(network) => record.text("network", network.to_string()),
        None => record,
    }
}

fn id(kind: ConnectionEventKind) -> &'static str {
    match kind {
        ConnectionEventKind::AddressLimit
        | ConnectionEventKind::ClosedForRoom
        | ConnectionEventKind::ServerLimit => event_id::CONNECTION_REFUSED,
        ConnectionEventKind::HandshakeTimeout
        | ConnectionEventKind::HeaderTimeout
        | ConnectionEventKind::RequestBodyTimeout
        | ConnectionEventKind::ResponseTimeout => event_id::CONNECTION_TIMED_OUT,
        ConnectionEventKind::CertificateRefused | ConnectionEventKind::HandshakeFailed => {
            event_id::TLS_HANDSHAKE_FAILED
        }
        _ => event_id::PROTOCOL_ERROR,
    }
}
