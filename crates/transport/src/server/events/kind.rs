//! The kinds of events.

/// What happened to a connection.
///
/// [`as_str`](Self::as_str) gives the name for records and metrics. [`ServerStats::count`]
/// gives the number of events of one kind.
///
/// [`ServerStats::count`]: crate::server::ServerStats::count
///
/// | group | kinds | what to do |
/// |---|---|---|
/// | the server is full | `server_limit`, `idle_closed` | raise [`Limits::connections`](crate::server::Limits::connections), or add servers |
/// | one client takes too much | `address_limit`, `control_frame_flood`, `reset_flood` | nothing: the limit holds. Block the network if it goes on |
/// | slow clients | `header_timeout`, `request_body_timeout`, `response_timeout` | nothing, or longer times for clients on bad lines |
/// | TLS | `certificate_refused`, `handshake_failed`, `handshake_timeout` | after a change of certificates: clients do not trust the new one |
/// | TLS of clients | `client_certificate_refused` | compare the client's certificate with the authorities and revocation lists of [`ClientAuth`](crate::server::ClientAuth) |
/// | no HTTP | `malformed_request`, `protocol_error` | nothing: scanners |
/// | the proxy in front | `proxy_header_invalid`, `proxy_header_timeout` | compare `proxy_protocol` with the settings of the proxy |
///
/// Kinds of the first two groups are logged as warnings, all others at the level `debug`.
///
/// # Examples
///
/// ```
/// use palisade_transport::server::ConnectionEventKind;
///
/// /// Whether the person on call should know.
/// fn is_urgent(kind: ConnectionEventKind) -> bool {
///     matches!(kind, ConnectionEventKind::ServerLimit | ConnectionEventKind::CertificateRefused)
/// }
/// assert!(ConnectionEventKind::ALL.into_iter().any(is_urgent));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ConnectionEventKind {
    /// Refused: its address has as many connections as
    /// [`connections_per_address`](crate::server::Limits::connections_per_address) allows.
    AddressLimit,
    /// The client refused the certificate of the server.
    CertificateRefused,
    /// The client has no certificate, or one that [`ClientAuth`](crate::server::ClientAuth) does
    /// not accept.
    ClientCertificateRefused,
    /// Closed: more HTTP/2 control frames than
    /// [`control_frames`](crate::server::Limits::control_frames) allows.
    ControlFrameFlood,
    /// The TLS handshake failed, or the client left during it.
    HandshakeFailed,
    /// The TLS handshake took longer than
    /// [`handshake_timeout`](crate::server::Limits::handshake_timeout).
    HandshakeTimeout,
    /// The head of a request took longer than
    /// [`header_timeout`](crate::server::Limits::header_timeout), or no request came at all.
    HeaderTimeout,
    /// Closed while idle, because the server was full and a new connection came.
    IdleClosed,
    /// A request is not valid HTTP, or its head is too large. The server itself responds with
    /// 400, 414 or 431.
    MalformedRequest,
    /// The client violated HTTP/2 or TLS; the connection was closed.
    ProtocolError,
    /// A peer of [`proxy_protocol`](crate::server::ServerBuilder::proxy_protocol) sent something
    /// else than a PROXY header, or a malformed one.
    ProxyHeaderInvalid,
    /// A peer of [`proxy_protocol`](crate::server::ServerBuilder::proxy_protocol) sent no whole
    /// PROXY header within
    /// [`proxy_header_timeout`](crate::server::Limits::proxy_header_timeout).
    ProxyHeaderTimeout,
    /// The body of a request stopped or came too slowly: see
    /// [`body_timeout`](crate::server::Limits::body_timeout).
    RequestBodyTimeout,
    /// Closed: more HTTP/2 stream resets than [`resets`](crate::server::Limits::resets) allows.
    ResetFlood,
    /// A response was not read, or too slowly: see
    /// [`write_timeout`](crate::server::Limits::write_timeout).
    ResponseTimeout,
    /// Refused: the server has as many connections as
    /// [`connections`](crate::server::Limits::connections) allows, and none of them is idle.
    ServerLimit,
}

impl ConnectionEventKind {
    /// Every kind, in alphabetical order.
    pub const ALL: [Self; 16] = [
        Self::AddressLimit,
        Self::CertificateRefused,
        Self::ClientCertificateRefused,
        Self::ControlFrameFlood,
        Self::HandshakeFailed,
        Self::HandshakeTimeout,
        Self::HeaderTimeout,
        Self::IdleClosed,
        Self::MalformedRequest,
        Self::ProtocolError,
        Self::ProxyHeaderInvalid,
        Self::ProxyHeaderTimeout,
        Self::RequestBodyTimeout,
        Self::ResetFlood,
        Self::ResponseTimeout,
        Self::ServerLimit,
    ];

    /// Returns the name for audit records and metric labels, such as `reset_flood`.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::ConnectionEventKind;
    ///
    /// assert_eq!(ConnectionEventKind::ResetFlood.as_str(), "reset_flood");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddressLimit => "address_limit",
            Self::CertificateRefused => "certificate_refused",
            Self::ClientCertificateRefused => "client_certificate_refused",
            Self::ControlFrameFlood => "control_frame_flood",
            Self::HandshakeFailed => "handshake_failed",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::HeaderTimeout => "header_timeout",
            Self::IdleClosed => "idle_closed",
            Self::MalformedRequest => "malformed_request",
            Self::ProtocolError => "protocol_error",
            Self::ProxyHeaderInvalid => "proxy_header_invalid",
            Self::ProxyHeaderTimeout => "proxy_header_timeout",
            Self::RequestBodyTimeout => "request_body_timeout",
            Self::ResetFlood => "reset_flood",
            Self::ResponseTimeout => "response_timeout",
            Self::ServerLimit => "server_limit",
        }
    }

    /// Returns whether other clients are or may be affected. Such events are logged as
    /// warnings.
    pub(crate) const fn is_warning(self) -> bool {
        matches!(
            self,
            Self::AddressLimit
                | Self::IdleClosed
                | Self::ControlFrameFlood
                | Self::ResetFlood
                | Self::ServerLimit
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_counter_and_a_name_of_its_own() {
        for (place, kind) in ConnectionEventKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "{kind:?}");
        }
        let mut names = ConnectionEventKind::ALL.map(ConnectionEventKind::as_str);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
