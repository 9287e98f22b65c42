//! How a request ended.

use http::StatusCode;

/// How one request ended, as seen by a guard in [`Guard::close`](crate::Guard::close).
///
/// Guards of one [`GuardService`](crate::GuardService) see the same values.
///
/// The core derives it from what the server did with the response: it does not rely on a last poll.
/// hyper, for example, stops after the last byte that `Content-Length` announces.
///
/// A unit test calls [`Guard::close`](crate::Guard::close) with a prepared outcome:
///
/// ```
/// use http::StatusCode;
/// use palisade_core::{Outcome, OutcomeKind};
///
/// let client_left = Outcome::new(OutcomeKind::BodyDropped, Some(StatusCode::OK), 512);
/// assert_eq!(client_left.kind.as_str(), "body_dropped");
/// let no_response = Outcome::new(OutcomeKind::Cancelled, None, 0);
/// assert_eq!(no_response.status, None);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The way in which it ended.
    pub kind: OutcomeKind,
    /// The status of the response. `None` if there was no response.
    pub status: Option<StatusCode>,
    /// Bytes of the response body that were handed to the server. The client may have received
    /// fewer.
    pub bytes: u64,
    /// The status of a gRPC response, from its trailers or, without trailers, from its head. `None`
    /// if it is not a gRPC call or has no readable status.
    pub grpc_status: Option<u16>,
}

impl Outcome {
    /// Describes an outcome without a gRPC status. For tests of guards, and for code that calls
    /// guards itself.
    #[must_use]
    pub const fn new(kind: OutcomeKind, status: Option<StatusCode>, bytes: u64) -> Self {
        Self {
            kind,
            status,
            bytes,
            grpc_status: None,
        }
    }
}

/// The ways in which a request ends. [`as_str`](Self::as_str) gives the names used in records.
///
/// A status of 200 is no proof of success: if the body failed or was dropped, the client does not have
/// the whole response. Check for [`Complete`](Self::Complete).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OutcomeKind {
    /// The body of the response was dropped before its end: the client left.
    BodyDropped,
    /// The body of the response returned an error.
    BodyFailed,
    /// The request was dropped before there was a response: the client left, or a timeout expired.
    Cancelled,
    /// The whole response was handed to the server.
    Complete,
    /// The service, a guard or the response body panicked.
    Panicked,
    /// The service returned an error in place of a response.
    ServiceFailed,
    /// The connection changed its protocol (WebSocket, `CONNECT`), and its last
    /// [`Lease`](crate::Lease) was dropped.
    Upgraded,
}

impl OutcomeKind {
    /// Returns a stable name for records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BodyDropped => "body_dropped",
            Self::BodyFailed => "body_failed",
            Self::Cancelled => "cancelled",
            Self::Complete => "complete",
            Self::Panicked => "panicked",
            Self::ServiceFailed => "service_failed",
            Self::Upgraded => "upgraded",
        }
    }
}
