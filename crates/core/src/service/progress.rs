//! How far a request has come, and how it would end now.

use bytes::Buf;
use http::{HeaderMap, Method, StatusCode, header, request, response};
use http_body::{Frame, SizeHint};

use crate::guard::{Outcome, OutcomeKind};

/// How far a request has come. On drop the guards are closed with its `outcome`.
pub(super) struct Progress {
    /// How the request would end if it were dropped now.
    pub(super) outcome: Outcome,
    /// True while code of guards, service or body runs. If it is still true in `Drop`, that code
    /// panicked.
    ///
    /// `std::thread::panicking` would be wrong here: it is also true for requests dropped during
    /// another unwind, and false for a panic that was caught further in.
    pub(super) watching: bool,
    /// Something panicked, and a refusal replaced the response.
    pub(super) panicked: bool,
    /// The request is `HEAD`: its response is complete without a body.
    bodiless: bool,
    /// The request is `CONNECT`: a 2xx upgrades the connection.
    connect: bool,
    /// The length of the response body in bytes, if it is known.
    expected: Option<u64>,
}

impl Progress {
    /// Starts: a request that is dropped now was cancelled.
    pub(super) fn new(head: &request::Parts) -> Self {
        Self {
            outcome: Outcome::new(OutcomeKind::Cancelled, None, 0),
            watching: false,
            panicked: false,
            bodiless: head.method == Method::HEAD,
            connect: head.method == Method::CONNECT,
            expected: None,
        }
    }

    /// Derives from the head how the request ends if the body is dropped now.
    pub(super) fn response_started(
        &mut self,
        head: &response::Parts,
        hint: &SizeHint,
        ended: bool,
    ) {
        let status = head.status;
        self.outcome.status = Some(status);
        self.outcome.kind = OutcomeKind::BodyDropped;
        self.expected = hint.exact().or_else(|| content_length(&head.headers));
        let upgraded =
            status == StatusCode::SWITCHING_PROTOCOLS || self.connect && status.is_success();
        if upgraded {
            self.outcome.kind = OutcomeKind::Upgraded;
        } else if ended || self.bodiless || is_bodiless(status) || self.expected == Some(0) {
            self.outcome.kind = OutcomeKind::Complete;
        }
    }

    /// Records a frame that goes out. hyper does not poll again after the last byte or the
    /// trailers.
    pub(super) fn sent<D: Buf>(&mut self, frame: &Frame<D>, ended: bool) {
        if let Some(data) = frame.data_ref() {
            self.outcome.bytes += data.remaining() as u64;
        }
        if let Some(trailers) = frame.trailers_ref() {
            self.outcome.grpc_status = grpc_status(trailers).or(self.outcome.grpc_status);
            self.mark_complete();
        }
        if ended || self.expected == Some(self.outcome.bytes) {
            self.mark_complete();
        }
    }

    /// Marks the response as complete. An upgrade or a failure stays what it is.
    pub(super) fn mark_complete(&mut self) {
        if self.outcome.kind == OutcomeKind::BodyDropped {
            self.outcome.kind = OutcomeKind::Complete;
        }
    }
}

/// Returns whether responses of a status have no body (RFC 9110, 6.4.1).
fn is_bodiless(status: StatusCode) -> bool {
    status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED
}

/// Reads the declared length of the body.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

/// Reads the status of a gRPC response.
pub(super) fn grpc_status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}
