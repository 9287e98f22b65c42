//! A request that switches to WebSocket if the upstream agrees.
//!
//! The order is what keeps the two sides in agreement:
//!
//! 1. The handshake of the client is complete, or it is refused before the upstream is asked.
//! 2. The upstream responds. Until then no byte passes; what the client sends waits in its connection.
//! 3. With a 101 that belongs to the handshake, both connections become a [`Tunnel`].
//! 4. With any other status the response is passed on, and neither connection is used again.
//!
//! A WebSocket is never tried a second time: the first server may have begun.
//!
//! Only HTTP/1.1 on both sides can switch (RFC 9110 section 7.8). HTTP/2 has no `Upgrade` (RFC 9113
//! section 8.6), and WebSockets over HTTP/2 (RFC 8441) are refused as `CONNECT` with 405.
//!
//! The stack has admitted the request before: credential, rule and limits are those of a `GET` of the
//! same path. Messages inside the WebSocket are not inspected.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CONNECTION, request::Parts, uri::Authority};
use palisade::core::{Principal, Rejection, SecurityContext};
use tokio::time::Instant;

use super::{
    exchange::Exchange,
    failure,
    open_tunnels::Entered,
    request, response,
    send::{begin_attempt, finish, note_failure},
    tunnel::{Tunnel, TunnelBounds},
    websocket::Handshake,
};
use crate::{
    body::{SentBody, UpstreamBody},
    upstream::WebSocketLimits,
};

/// A client's request to switch, which was checked and counted.
pub(super) struct Switch {
    /// What was asked for, to compare the response with.
    pub(super) handshake: Handshake,
    /// The place among the open tunnels.
    pub(super) entered: Entered,
    /// How long the tunnel may be open and idle, and how much may pass.
    pub(super) limits: WebSocketLimits,
}

impl Switch {
    /// Asks the upstream. Bytes pass only after a 101 that belongs to the handshake.
    ///
    /// The connection to the upstream is a new one that is used for this request only.
    ///
    /// The tunnel runs in a task of its own. It holds the attempt, so the socket counts as an open
    /// request of its server until it ends.
    ///
    /// # Errors
    ///
    /// - 502 `upstream_unreachable` or `upstream_failed`: no connection, or a 101 that does not fit
    /// - 503 `unavailable`: no server takes requests
    /// - 504 `upstream_timeout`: no head within `response_timeout_seconds`
    pub(super) async fn run(
        self,
        exchange: &Exchange,
        mut head: Parts,
        host: Option<&Authority>,
        cx: &SecurityContext,
    ) -> Result<Response<UpstreamBody>, Box<Rejection>> {
        let upstream = exchange.upstream();
        upstream.count_request();
        let mut attempt = begin_attempt(upstream, &[])?;
        Handshake::add_to_request(&mut head.headers);
        let head = request::address_to_server(head, host, upstream, attempt.server());
        let body = SentBody::empty(exchange.progress());
        let sent = exchange.send_request(attempt.server().upgrade_client(), head, body);
        let mut response = sent.await.map_err(|failure| {
            note_failure(&failure, &mut attempt);
            failure.to_rejection(attempt.server())
        })?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let response = finish(exchange, response, attempt, host)?;
            return Ok(not_switched(response));
        }
        let checked = self.handshake.check_response(&response);
        checked.map_err(failure::unusable_response)?;
        attempt.note_success();
        let above = hyper::upgrade::on(&mut response);
        let bounds = self.tunnel_bounds(exchange, cx);
        let watch = exchange.credential_watch();
        let client = self.handshake.client;
        let tunnel = Tunnel::new(client, above, bounds, cx, self.entered, watch);
        tokio::spawn(async move {
            tunnel.run().await;
            drop(attempt);
        });
        response::remove_upstream_fields(&mut response, exchange.credential_mask().as_ref());
        Handshake::add_to_request(response.headers_mut());
        Ok(response.map(|_| UpstreamBody::from_gateway(Bytes::new())))
    }

    /// The bounds of the upstream. The date at which the credential expires ends the tunnel too, without
    /// the delay of a check.
    fn tunnel_bounds(&self, exchange: &Exchange, cx: &SecurityContext) -> TunnelBounds {
        let upstream = exchange.upstream();
        let left = cx.principal().and_then(Principal::expires);
        let left = left.map(|end| end.saturating_sub(upstream.unix_time()));
        let expiry = left.and_then(|left| Instant::now().checked_add(left));
        TunnelBounds {
            idle: upstream.timeouts.idle,
            end: exchange.latest_end().into_iter().chain(expiry).min(),
            bytes: self.limits.max_bytes,
        }
    }
}

/// Passes on a refusal and closes the client's connection: what it sends next could be meant for the
/// other protocol. That to the upstream is closed too, since its client keeps none.
///
/// `Connection: close` follows RFC 9112 section 9.6: the server closes after this response.
fn not_switched(mut response: Response<UpstreamBody>) -> Response<UpstreamBody> {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}
